"""Clauses of which a model is hardly surer than of their reverse: where "Use emoji." is only a little likelier to it
than "Do not use emoji.", the summary says nothing about emoji.

    the answer             Use emoji.            log-probability of its tokens, each given all before it
    in its place           Do not use emoji.     the same of these
    the margin             how much likelier the first is than the second, in nats

An app that is told nothing answers as it always did; one that is told the reverse of a wish answers worse than before.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from popi_sdk.summarizers.provenance import Written, spans
from popi_sdk.summarizers.wording import reverse_of

Tell = Callable[[Sequence[int]], Sequence[float]]
"""The log-probability of each of these tokens in the place of the answer."""


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
        if reverse is None or not span:
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
