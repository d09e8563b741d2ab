"""One user's pairs gathered from many rows: an example with every pair held out, which `rotation` makes blocks of."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

from popi_sdk.errors import SignalError
from popi_sdk.signals import PreferencePair
from trainer.data import Example
from trainer.datasets.rows import Row

_WON = {"0": "first", "0.0": "first", "1": "second", "1.0": "second", "": None}
"""Labels of the FSPO datasets; a row without one prefers nothing."""


def pair_of(row: Row, prompt: str, chosen: str, rejected: str) -> PreferencePair | None:
    """The pair that three columns hold; None where nothing is preferred: an empty text, or two equal answers.

    Raises:
        SignalError: a column is not there or holds no text that a signal may hold.
    """
    texts = row.text(prompt), row.text(chosen), row.text(rejected)
    if not all(texts) or texts[1] == texts[2]:
        return None
    try:
        return PreferencePair(*texts)
    except SignalError as error:
        raise SignalError(f"{row.place}: {error}") from None


def labelled_pair(row: Row) -> PreferencePair | None:
    """The pair of a row of ELIX or Review: `prompt`, `response_x`, `response_y`, and `label` 0 where x won, else 1.

    Raises:
        SignalError: a column is missing, or the label is neither.
    """
    label = row.text("label")
    if label not in _WON:
        raise row.refused(f"has the label {label[:20]!r}", "0 says that response_x won, 1 that response_y did.")
    winner = _WON[label]
    if winner is None:
        return None
    won, lost = ("response_x", "response_y") if winner == "first" else ("response_y", "response_x")
    return pair_of(row, "prompt", won, lost)


def pooled(
    found: Iterable[tuple[str, PreferencePair | None]],
    slices: Callable[[str], Mapping[str, str]],
    oracle: Callable[[str], str] = lambda _user: "",
) -> list[Example]:
    """One example for each user, in order of their names, holding all of the user's pairs once."""
    pairs: dict[str, dict[str, PreferencePair]] = {}
    for user, pair in found:
        if pair is not None:
            pairs.setdefault(user, {})[pair.id] = pair
    return [Example(user, (), tuple(pairs[user].values()), slices(user), oracle(user)) for user in sorted(pairs)]
