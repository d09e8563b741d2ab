"""Training data: JSON lines, one user's example each, and the checks that keep held-out pairs held out.

    {"user": "ada", "signals": [...], "pairs": [{"prompt", "chosen", "rejected"}, ...], "slices": {"topic": "cooking"}}

`signals` is what the summarizer may see, of any of the SDK's seven kinds and in any form `popi_sdk.intake` takes;
`pairs` are held out from it and reward its summary; `slices` are words evaluation groups by. A line may also hold
`oracle`: what is truly known about how this user likes to be answered (a persona, a simulated user's preferences). No
model is shown it unless the data itself gives the same words as a signal; evaluation compares with it, and the judge
speaks for it. A user may have several lines. `trainer.datasets` makes such files from other data.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from popi_sdk.errors import SignalError
from popi_sdk.intake import coerce
from popi_sdk.render import signal_parts
from popi_sdk.signals import PreferencePair, Signal

SPLITS = (("train", 0.8), ("validation", 0.1), ("test", 0.1))
"""Shares of users; a user's examples never stand in two splits."""


@dataclass(frozen=True, slots=True)
class Example:
    """What one user has shown, and the pairs a summary of it is judged by."""

    user: str
    signals: tuple[Signal, ...]
    pairs: tuple[PreferencePair, ...]
    slices: Mapping[str, str] = field(default_factory=dict)
    oracle: str = ""
    """The truth about this user in plain words, where it is known."""
    evident: str = ""
    """The part of the truth that the signals make evident, where that is known too; the clearest first."""
    previous: str = ""
    """What earlier signals than these were summed up as, a clause a line; it is never part of a file."""


def load_examples(path: Path) -> list[Example]:
    """Read and check every line.

    Raises:
        SignalError: the file holds nothing, a line is not JSON or not an example, or a held-out pair stands among
            the signals; the message names the line.
    """
    examples = [read_example(row, place) for place, row in json_lines(path)]
    if not examples:
        raise SignalError(
            f"{path} holds no training example.", hint="`popi-train prepare` says how many examples each split got."
        )
    return examples


def split_by_user(examples: Iterable[Example]) -> dict[str, list[Example]]:
    """Deal the users out; which split a user falls into depends on the user's name alone, so it never changes.

    >>> sorted(split_by_user([Example("ada", (), ())]))
    ['test', 'train', 'validation']
    """
    split: dict[str, list[Example]] = {name: [] for name, _ in SPLITS}
    for example in examples:
        split[split_of(example.user)].append(example)
    return split


def split_of(name: str) -> str:
    """The split that a user or a prompt falls into by its name alone.

    >>> split_of("ada")
    'test'
    """
    share = int.from_bytes(hashlib.sha256(name.encode("utf-8")).digest()[:8]) / 2**64
    for split, size in SPLITS:
        if share < size:
            return split
        share -= size
    return SPLITS[-1][0]


def write_examples(examples: Iterable[Example], path: Path) -> None:
    """Write examples in the documented format."""
    with path.open("w", encoding="utf-8", newline="\n") as out:
        for example in examples:
            out.write(json.dumps(_as_json(example), ensure_ascii=False) + "\n")


def leaked_pairs(example: Example) -> tuple[PreferencePair, ...]:
    """Held-out pairs of which prompt and answer can be read among the signals, whatever their case and spacing."""
    seen = {same_text(part.whole) for signal in example.signals for part in signal_parts(signal)}
    return tuple(
        pair
        for pair in example.pairs
        if same_text(pair.prompt) in seen and {same_text(pair.chosen), same_text(pair.rejected)} & seen
    )


def same_text(text: str) -> str:
    """A text as it is compared with others: case and spacing do not tell two texts apart.

    >>> same_text("Why?\\n ") == same_text("why?")
    True
    """
    return " ".join(text.split()).casefold()


def json_lines(path: Path) -> Iterator[tuple[str, Any]]:
    """Every line's place, for errors, and what it holds; empty lines are passed over.

    Raises:
        SignalError: a line is not JSON in UTF-8.
    """
    with path.open("rb") as lines:
        for number, line in enumerate(lines, start=1):
            place = f"Line {number} of {path}"
            try:
                text = line.decode("utf-8-sig" if number == 1 else "utf-8")
                if text.strip():
                    yield place, json.loads(text)
            except UnicodeDecodeError as error:
                raise SignalError(f"{place} is not UTF-8 text (byte {error.start}).") from error
            except (ValueError, RecursionError) as error:
                raise SignalError(f"{place} is not JSON.", hint="Each line holds one JSON object.") from error


def read_example(row: Any, place: str) -> Example:
    """The example that a line holds.

    Raises:
        SignalError: it holds none, or a held-out pair stands among the signals; the message begins with `place`.
    """
    try:
        example = Example(
            user=_user(row),
            signals=coerce(row.get("signals", [])),
            pairs=_pairs(row.get("pairs", [])),
            slices={str(key): str(value) for key, value in row.get("slices", {}).items()},
            oracle=_oracle(row),
        )
    except SignalError as error:
        raise SignalError(f"{place}: {error}") from None
    except (ValueError, AttributeError, TypeError) as error:
        raise SignalError(
            f"{place} is no training example.", hint='Each line is {"user", "signals", "pairs", "slices"}.'
        ) from error
    if leaked_pairs(example):
        raise SignalError(
            f"{place}: a held-out pair stands among the signals.",
            hint="A summary must not be judged by what it was written from; move the pair to one side.",
        )
    return example


def _user(row: Mapping[str, Any]) -> str:
    user = row.get("user")
    if not isinstance(user, str) or not user:
        raise SignalError("is missing", field="user")
    return user


def _oracle(row: Mapping[str, Any]) -> str:
    oracle = row.get("oracle", "")
    if not isinstance(oracle, str):
        raise SignalError("is no text", field="oracle")
    return oracle


def _pairs(rows: Any) -> tuple[PreferencePair, ...]:
    pairs = coerce([{**row, "kind": "preference_pair"} for row in rows])
    return tuple(pair for pair in pairs if isinstance(pair, PreferencePair))


def _as_json(example: Example) -> dict[str, Any]:
    signals = [signal.model_dump(mode="json", exclude_none=True) for signal in example.signals]
    pairs = [{"prompt": pair.prompt, "chosen": pair.chosen, "rejected": pair.rejected} for pair in example.pairs]
    oracle = {"oracle": example.oracle} if example.oracle else {}
    return {"user": example.user, "signals": signals, "pairs": pairs, "slices": dict(example.slices), **oracle}
