"""Preference data of any shape: which column holds what is said by a map, such as `user=rater`.

    user     who preferred (needed)
    prompt   what was asked (needed)
    chosen, rejected   the two answers, the better one first
    a, b, label        instead of these: two answers, and which of them won
    oracle   what is truly known about the user (may be absent)

A field that is not mapped is read from the column of its own name. Prompts and answers may be text, answers also chat
messages of which the last is the answer. A label is a or b, first or second, 0 or 1, or the name of the winning column;
`tie`, `both`, `neither` and nothing at all leave the row out.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from difflib import get_close_matches

from popi_sdk.errors import ConfigError, SignalError
from popi_sdk.intake import coerce
from popi_sdk.signals import PreferencePair
from trainer.data import Example
from trainer.datasets.pools import pooled
from trainer.datasets.rows import Row

FIELDS = ("user", "prompt", "chosen", "rejected", "a", "b", "label", "oracle")

_FIRST, _SECOND = ("a", "first", "0", "0.0"), ("b", "second", "1", "1.0")
_NEITHER = ("", "tie", "both", "neither", "equal")


def column_map(given: Sequence[str]) -> dict[str, str]:
    """The map that `field=column` arguments describe.

    >>> column_map(["user=rater", "prompt=question"])
    {'user': 'rater', 'prompt': 'question'}

    Raises:
        ConfigError: one is not of this form, names no field, or a field is given twice.
    """
    columns: dict[str, str] = {}
    for argument in given:
        name, equals, column = argument.partition("=")
        if not equals or not column:
            raise ConfigError(f"`{argument}` maps nothing.", hint="Write field=column, such as user=rater.")
        if name not in FIELDS:
            near = get_close_matches(name, FIELDS, n=1)
            raise ConfigError(
                f"`{name}` is no field of preference data.",
                hint=f"Did you mean `{near[0]}`?" if near else f"Fields are: {', '.join(FIELDS)}.",
            )
        if name in columns:
            raise ConfigError(f"`{name}` is mapped twice.", hint="Each field is read from one column.")
        columns[name] = column
    if ({"a", "b", "label"} & columns.keys()) and ({"chosen", "rejected"} & columns.keys()):
        raise ConfigError("Both `chosen`, `rejected` and `a`, `b`, `label` are mapped.", hint="Map one or the other.")
    return columns


def examples(rows: Iterable[Row], columns: Mapping[str, str]) -> list[Example]:
    """One example for each user, with all their pairs held out.

    Raises:
        SignalError: a row lacks a column, names no user, or holds no pair; the message names it.
    """
    oracles: dict[str, str] = {}
    names = {field: columns.get(field, field) for field in FIELDS}

    def pairs() -> Iterator[tuple[str, PreferencePair | None]]:
        for row in rows:
            user = row.text(names["user"])
            if not user:
                raise row.refused(f"names no user in `{names['user']}`")
            if names["oracle"] in row.values:
                oracles.setdefault(user, row.text(names["oracle"]))
            compared = names["chosen"] not in row.values and names["label"] in row.values
            yield user, _pair(row, names, labelled="label" in columns or compared)

    return pooled(pairs(), slices=lambda _user: {}, oracle=lambda user: oracles.get(user, ""))


def _pair(row: Row, names: Mapping[str, str], *, labelled: bool) -> PreferencePair | None:
    won, lost = names["chosen"], names["rejected"]
    if labelled:
        winner = _winner(row, names)
        if winner is None:
            return None
        won, lost = (names["a"], names["b"]) if winner == "a" else (names["b"], names["a"])
    for column in (won, lost):
        if column not in row.values:
            row.text(column)  # It is not there: the error says what is.
    texts = {"prompt": row.text(names["prompt"]), "chosen": row.values[won], "rejected": row.values[lost]}
    try:
        [pair] = coerce([{"kind": "preference_pair", **texts}])
    except SignalError as error:
        raise SignalError(f"{row.place}: {SignalError(error.reason, field=error.field)}", hint=error.hint) from None
    assert isinstance(pair, PreferencePair)
    return pair


def _winner(row: Row, names: Mapping[str, str]) -> str | None:
    label = row.text(names["label"]).casefold()
    if label in _NEITHER:
        return None
    if label in _FIRST or label == names["a"].casefold():
        return "a"
    if label in _SECOND or label == names["b"].casefold():
        return "b"
    raise row.refused(
        f"has the label {label[:20]!r} in `{names['label']}`", "A label is a or b, 0 or 1, tie, or the winning column."
    )
