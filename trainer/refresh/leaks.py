"""Pairs that are held out from others, found again wherever they stand.

Users who ask the same thing are strangers to each other, and an app may ask everybody the same: a shared prompt alone
gives nothing away. A prompt together with one of its answers does, so whatever shows both is left out.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Set
from dataclasses import replace

from popi_sdk.render import signal_parts
from popi_sdk.signals import PreferencePair, Signal
from trainer.data import Example, same_text

HeldOut = Mapping[str, Set[str]]
"""The answers of held-out pairs by their prompt, each as `same_text` gives it."""


def held_out(pairs: Iterable[PreferencePair], *more: HeldOut) -> HeldOut:
    """What `without` looks for: the pairs, and what was held out before."""
    found: dict[str, set[str]] = {}
    for known in more:
        for prompt, answers in known.items():
            found.setdefault(prompt, set()).update(answers)
    for pair in pairs:
        found.setdefault(same_text(pair.prompt), set()).update((same_text(pair.chosen), same_text(pair.rejected)))
    return found


def without(example: Example, held: HeldOut) -> Example:
    """The example without the pairs and signals that show a prompt and an answer of a held-out pair."""
    return replace(
        example,
        signals=tuple(signal for signal in example.signals if not shows(signal, held)),
        pairs=tuple(pair for pair in example.pairs if not shows(pair, held)),
    )


def shows(signal: Signal, held: HeldOut) -> bool:
    """Whether a prompt and an answer of a held-out pair can be read in the signal.

    >>> held = held_out([PreferencePair("Why?", "So.", "Because.")])
    >>> shows(PreferencePair("why?", "Because.", "No idea."), held), shows(PreferencePair("Why?", "A", "B"), held)
    (True, False)
    """
    texts = {same_text(part.whole) for part in signal_parts(signal)}
    return any(held[text] & texts for text in texts & held.keys())
