"""Clauses of which a model is hardly surer than of their reverse: where "Use emoji." is only a little likelier to it
than "Do not use emoji.", the summary says nothing about emoji.

    the answer             Use emoji.            log-probability of its tokens, each given all before it
    in its place           Do not use emoji.     the same of these
    the margin             how much likelier the first is than the second, in nats

An app that is told nothing answers as it always did; one that is told the reverse of a wish answers worse than before.

How sure is sure enough depends on how the user showed it (`way_of`): what is said in words needs less than what is
guessed from a few thumbs.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from popi_sdk.signals import Signal
from popi_sdk.summarizers.provenance import Written, spans
from popi_sdk.summarizers.wording import reverse_of

SEVERAL = "several"
"""The way of those who show things in signals of more than one kind."""
Tell = Callable[[Sequence[int]], Sequence[float]]
"""The log-probability of each of these tokens in the place of the answer."""


def way_of(signals: Sequence[Signal]) -> str:
    """How a user shows things: the kind of all their signals, or `SEVERAL`."""
    kinds = {signal.kind for signal in signals}
    return kinds.pop() if len(kinds) == 1 else SEVERAL


def least_margin(least: Mapping[str, float], signals: Sequence[Signal]) -> float | None:
    """The margin from which on a clause of these signals is said, of `least` by way; None where all are.

    A way that nothing is known of needs the most that any other does.

    >>> from popi_sdk.signals import Statement
    >>> least_margin({"edit": 0.0, "rating": 3.0}, [Statement("Be brief.")])
    3.0
    """
    return least.get(way_of(signals), max(least.values(), default=None))


def margins(
    answer: Sequence[int], written: Written, room: int, encode: Callable[[str], Sequence[int]], tell: Tell
) -> dict[str, float]:
    """By clause of `answer`, how much likelier it is than its reverse.

    Without clauses that have none, and those whose reverse takes the answer beyond `room` tokens.
    """
    clauses = [line.strip() for line in written.text.splitlines() if line.strip()]
    found: dict[str, float] = {}
    after = 0
    for clause, span in zip(clauses, spans(written, clauses), strict=True):
        start = written.text.find(clause, after)
        after = start + len(clause)
        reverse = reverse_of(clause)
        if reverse is None or not span or clause in found:  # after itself anything is likely once more
            continue
        beyond = written.text[after : written.ends[span.stop - 1]]  # what the last token holds besides
        theirs = encode(written.text[:start] + reverse + beyond)
        if len(theirs) > room:
            continue
        same = _same(answer[: span.stop], theirs)
        found[clause] = sum(written.told[same : span.stop]) - sum(tell(theirs)[same : len(theirs)])
    return found


def _same(one: Sequence[int], other: Sequence[int]) -> int:
    """How many tokens two rows have in common at their beginning."""
    shorter = min(len(one), len(other))
    return next((place for place in range(shorter) if one[place] != other[place]), shorter)
