"""What is to be made of a source: its adapter, and how the examples are cut and dealt out unless told otherwise."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import get_args

from popi_sdk.errors import ConfigError
from popi_sdk.signals import PreferencePair, Signal
from trainer.data import Example, read_example
from trainer.datasets import alignx, columns, elix, people, review, roleplay
from trainer.datasets.rows import Row
from trainer.datasets.splits import SplitBy


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """Everything that decides what comes out, besides the source's content; `recipe` makes one."""

    source: str
    adapter: str
    split_by: SplitBy
    shots: int | None
    """Pairs shown beside the held-out ones; None where the rows say what is shown and what is held out."""
    hold_out: int = 1
    columns: Mapping[str, str] = field(default_factory=dict)
    namespace: str = "default"
    sample: int | None = None
    """Rows drawn at random from the part that is not a test set; None for all."""
    seed: int = 42


@dataclass(frozen=True, slots=True)
class Adapter:
    """How rows of one kind become examples, and the defaults that suit them."""

    read: Callable[[Iterable[Row], Recipe], list[Example]]
    split_by: SplitBy
    shots: int | None = None
    shown_as: Callable[[PreferencePair], Signal] = lambda pair: pair
    """A pair that is not held out, as the signal it was."""
    test_files: str | None = None
    """Files whose names begin so are a test set, whatever else their names say."""


def _examples(rows: Iterable[Row], _: Recipe) -> list[Example]:
    return [read_example(row.values, row.place) for row in rows]


ADAPTERS: Mapping[str, Adapter] = {
    "examples": Adapter(_examples, "user"),
    "columns": Adapter(lambda rows, recipe: columns.examples(rows, recipe.columns), "both", shots=8),
    "elix": Adapter(lambda rows, _: elix.examples(rows), "prompt", shots=4),
    "review": Adapter(lambda rows, _: review.examples(rows), "prompt", shots=4),
    "roleplay": Adapter(lambda rows, _: roleplay.examples(rows), "user", shots=8),
    "alignx-ica": Adapter(
        lambda rows, recipe: alignx.examples(rows, "ica", recipe.seed), "both", test_files=alignx.TEST_FILES
    ),
    "alignx-pba": Adapter(
        lambda rows, recipe: alignx.examples(rows, "pba", recipe.seed), "both", test_files=alignx.TEST_FILES
    ),
    "answer-pairs": Adapter(lambda rows, _: people.answer_pairs(rows), "prompt", shots=8),
    "writer-edits": Adapter(lambda rows, _: people.writer_edits(rows), "prompt", shots=8, shown_as=people.edit_of),
}
STORE = Adapter(lambda _rows, _: [], "both", shots=8)
"""The defaults for the SDK's store, which is not read by rows."""
NAMES = (*ADAPTERS, "store")

_KNOWN = {
    "elix_generations_autolabel": "elix",
    "steered_reviews_full_autolabel_gpt4o_pref": "review",
    "persona-iterative-responses": "roleplay",
    "answer_pairs": "answer-pairs",
    "writer_edits": "writer-edits",
}
"""Adapters by the last part of a source's name."""


def recipe(
    source: str,
    *,
    adapter: str | None = None,
    column_map: Sequence[str] = (),
    namespace: str | None = None,
    shots: int | None = None,
    hold_out: int | None = None,
    split_by: str | None = None,
    sample: int | None = None,
    seed: int = 42,
) -> Recipe:
    """The recipe for a source, with the adapter's own defaults for what is not given.

    >>> recipe("Asap7772/elix_generations_autolabel").shots
    4

    Raises:
        ConfigError: an argument that cannot be used, or that would have no effect on this source.
    """
    name = _adapter_name(source, adapter, mapped=bool(column_map))
    defaults = STORE if name == "store" else ADAPTERS[name]
    _refuse_useless(name, "--column", column_map, used=name == "columns")
    _refuse_useless(name, "--namespace", namespace, used=name == "store")
    _refuse_useless(name, "--shots", shots, used=defaults.shots is not None)
    _refuse_useless(name, "--hold-out", hold_out, used=defaults.shots is not None)
    _refuse_useless(name, "--sample", sample, used=name != "store")
    for option, number in (("--shots", shots), ("--hold-out", hold_out), ("--sample", sample)):
        if number is not None and number < 1:
            raise ConfigError(f"{option} is {number}; it must be at least 1.")
    return Recipe(
        source=source,
        adapter=name,
        split_by=_split_by(split_by) if split_by else defaults.split_by,
        shots=shots or defaults.shots,
        hold_out=hold_out or 1,
        columns=columns.column_map(column_map),
        namespace=namespace or "default",
        sample=sample,
        seed=seed,
    )


def _adapter_name(source: str, given: str | None, *, mapped: bool) -> str:
    if given is not None:
        if given not in NAMES:
            raise ConfigError(f"`{given}` is no adapter.", hint=f"Adapters are: {', '.join(NAMES)}.")
        return given
    if source.startswith(("sqlite://", "postgresql://")):
        return "store"
    if mapped:
        return "columns"
    name = Path(source).stem
    if name in ("AlignX", "AlignX-test"):
        raise ConfigError("AlignX comes in two forms.", hint="Say --as alignx-ica or --as alignx-pba.")
    return _KNOWN.get(name, "examples")


def _split_by(given: str) -> SplitBy:
    for known in get_args(SplitBy):
        if given == known:
            chosen: SplitBy = known
            return chosen
    raise ConfigError(f"--split-by is {given!r}.", hint=f"It is one of: {', '.join(get_args(SplitBy))}.")


def _refuse_useless(adapter: str, option: str, given: object, *, used: bool) -> None:
    if given not in (None, (), []) and not used:
        raise ConfigError(f"{option} has no effect on `--as {adapter}`.", hint="Leave it out, or name the adapter.")
