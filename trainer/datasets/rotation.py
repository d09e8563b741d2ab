"""Blocks and turns: how a user's pairs become examples in which some pairs are signals and others are held out."""

from __future__ import annotations

import random
from collections.abc import Callable, Collection, Iterator
from dataclasses import replace
from datetime import UTC, datetime

from popi_sdk.render import signal_parts
from popi_sdk.signals import PreferencePair, Signal
from trainer.data import Example, same_text

LONG_AGO = datetime.min.replace(tzinfo=UTC)
_FEW = 4
"""Signals up to which an example's slice `signals` is "few"."""


def rotate(
    whole: Example,
    *,
    shots: int,
    hold_out: int = 1,
    seed: int = 42,
    shown_as: Callable[[PreferencePair], Signal | tuple[Signal, ...]] = lambda pair: pair,
) -> Iterator[Example]:
    """Cut a user's pairs into shuffled blocks of `shots + hold_out`, and hold out each pair of a block in turn.

    A block makes one example for each `hold_out` pairs: those are held out, the rest of the block joins the user's
    other signals (`shown_as` may turn a pair back into what the user really did, one signal or several). Two pairs on
    one prompt are never on both sides. The last block may be shorter; a pair that is left alone without any signal is
    dropped.

    >>> pairs = tuple(PreferencePair(f"Question {n}?", "Yes.", "No.") for n in range(5))
    >>> [(len(one.signals), len(one.pairs)) for one in rotate(Example("ada", (), pairs), shots=4)]
    [(4, 1), (4, 1), (4, 1), (4, 1), (4, 1)]
    """
    pairs = list(whole.pairs)
    random.Random(f"{seed}/{whole.user}").shuffle(pairs)  # of its own: no user's blocks depend on another's
    size = shots + hold_out
    for start in range(0, len(pairs), size):
        block = pairs[start : start + size]
        at_once = max(1, min(hold_out, len(block) - 1))
        for place in range(0, len(block), at_once):
            held, rest = block[place : place + at_once], block[:place] + block[place + at_once :]
            shown = (signal for pair in rest for signal in _several(shown_as(pair)))
            signals = sorted((*whole.signals, *shown), key=lambda signal: signal.at or LONG_AGO)
            example = set_apart(replace(whole, signals=tuple(signals), pairs=tuple(held)))
            if example.signals:
                yield example


def _several(shown: Signal | tuple[Signal, ...]) -> tuple[Signal, ...]:
    return shown if isinstance(shown, tuple) else (shown,)


def set_apart(example: Example) -> Example:
    """The example without the signals in which the prompt of a held-out pair can be read."""
    held = {same_text(pair.prompt) for pair in example.pairs}
    return replace(example, signals=tuple(signal for signal in example.signals if not mentions(signal, held)))


def mentions(signal: Signal, prompts: Collection[str]) -> bool:
    """Whether one of the prompts (each as `same_text` gives it) is one of the signal's texts."""
    return any(same_text(part.whole) in prompts for part in signal_parts(signal))


def described(example: Example) -> Example:
    """The example with two more slices: `signals`, how many there are, and `kinds`, of which kinds they are."""
    kinds = "+".join(sorted({signal.kind for signal in example.signals}))
    count = "none" if not example.signals else "few" if len(example.signals) <= _FEW else "many"
    return replace(example, slices={"signals": count, "kinds": kinds or "none", **example.slices})
