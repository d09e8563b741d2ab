"""Dealing examples out to training, validation and test, and refusing a deal that gives held-out pairs away.

By user (a user is in one split), by prompt (users are shared, as the levels of ELIX are; a prompt is in one split), or
by both. A name's split follows from the name alone, so more data never moves anybody. A test or validation part that
the source has of its own stays what it is; what it lacks is dealt out of the rest. A user or prompt found in two splits
leaves the one that is trained on.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Set
from dataclasses import replace
from typing import Literal, TypeAlias

from popi_sdk.errors import SignalError
from popi_sdk.signals import Edit, PreferencePair, Signal
from trainer.data import SPLITS, Example, leaked_pairs, same_text, split_of
from trainer.datasets.rotation import mentions

SplitBy = Literal["user", "prompt", "both"]
Deal: TypeAlias = dict[str, list[Example]]

_MOST_HELD_OUT_FIRST = ("test", "validation", "train")


def deal(parts: Iterable[tuple[str, Example]], by: SplitBy) -> Deal:
    """Deal examples out, each given with the split its source puts it in ("" for none)."""
    parts = list(parts)
    given = {part for part, _ in parts}
    dealt: Deal = {name: [] for name, _ in SPLITS}
    for part, example in parts:
        if by == "prompt":
            for split, piece in _by_prompt(example, part, given):
                dealt[split].append(piece)
        else:
            dealt[_split(example.user, part, given)].append(example)
    if by != "prompt":
        dealt = _without_shared_users(dealt)
    return dealt if by == "user" else _without_shared_prompts(dealt)


def refuse_leaks(dealt: Deal) -> None:
    """Raise SignalError if a pair is held out and shown: in one example, or in a split less held out than its own."""
    shown: dict[tuple[str, frozenset[str]], str] = {}
    for split in reversed(_MOST_HELD_OUT_FIRST):
        for example in dealt[split]:
            if leaked_pairs(example):
                raise SignalError(
                    f"A held-out pair of user `{example.user}` ({split}) stands among the same user's signals.",
                    hint="Take the pair, or whatever quotes it, out of one of the two.",
                )
            for pair in example.pairs:
                if _key(pair) in shown:
                    raise SignalError(
                        f"A pair of user `{example.user}` in the {split} split also stands in {shown[_key(pair)]}.",
                        hint="Split by prompt as well: --split-by both, or prompt where all users share their prompts.",
                    )
        for example in dealt[split]:
            for signal in (*example.signals, *example.pairs):
                if isinstance(signal, PreferencePair | Edit):
                    shown[_key(signal)] = split


def _split(name: str, part: str, given: Set[str]) -> str:
    if part in ("validation", "test"):
        return part
    drawn = split_of(name)
    return "train" if drawn in given else drawn


def _by_prompt(example: Example, part: str, given: Set[str]) -> Iterator[tuple[str, Example]]:
    pairs: dict[str, list[PreferencePair]] = {}
    for pair in example.pairs:
        pairs.setdefault(_split(same_text(pair.prompt), part, given), []).append(pair)
    for split, some in pairs.items():
        yield split, replace(example, pairs=tuple(some))


def _without_shared_users(dealt: Deal) -> Deal:
    taken: set[str] = set()
    kept: Deal = {name: [] for name in dealt}
    for split in _MOST_HELD_OUT_FIRST:
        kept[split] = [example for example in dealt[split] if example.user not in taken]
        taken |= {example.user for example in dealt[split]}
    return kept


def _without_shared_prompts(dealt: Deal) -> Deal:
    taken: set[str] = set()
    kept: Deal = {name: [] for name in dealt}
    for split in _MOST_HELD_OUT_FIRST:
        for example in dealt[split]:
            signals = tuple(signal for signal in example.signals if not mentions(signal, taken))
            pairs = tuple(pair for pair in example.pairs if same_text(pair.prompt) not in taken)
            if pairs and (signals or not example.signals):
                kept[split].append(replace(example, signals=signals, pairs=pairs))
        taken |= {same_text(pair.prompt) for example in dealt[split] for pair in example.pairs}
    return kept


def _key(signal: Signal) -> tuple[str, frozenset[str]]:
    """Prompt and answers, whichever was preferred."""
    if isinstance(signal, Edit):
        return same_text(signal.prompt), frozenset({same_text(signal.draft), same_text(signal.final)})
    assert isinstance(signal, PreferencePair)
    return same_text(signal.prompt), frozenset({same_text(signal.chosen), same_text(signal.rejected)})
