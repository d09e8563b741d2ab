"""How much surer of a clause than of its reverse a summarizer has to be to say it: from people it was not trained on.

The margin is `TrainedSummarizer.margins`. The threshold is the least one with which at most `AIM` of what is said about
people who show things in one way is the reverse of what they wish for, whichever way that is.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby

from popi_sdk.summarizers.trained import TrainedSummarizer
from popi_sdk.summarizers.wording import reverse_of
from trainer.data import Example

AIM = 0.035
"""Below the share that is allowed (`trainer.ship.SELDOM`), as it is found on a few hundred people only."""


@dataclass(frozen=True, slots=True)
class Clause:
    """A clause that was written of somebody."""

    way: str
    """How that person shows things."""
    margin: float
    """How much likelier it is than its reverse, in nats."""
    reversed: bool
    """Whether the reverse is what the person wishes for."""


@dataclass(frozen=True, slots=True)
class Doubted:
    """A threshold, and what it does to the people it was found on."""

    threshold: float | None
    """Nats; None where everything may be said."""
    clauses: int
    left_out: float
    """Share of the clauses that are not said for it."""


def calibrate_doubts(summarizer: TrainedSummarizer, people: Sequence[Example]) -> Doubted:
    """Find the threshold for a summarizer that has none yet."""
    clauses = [clause for example in people for clause in _written(summarizer, example)]
    found = doubt_threshold(clauses)
    left_out = sum(found is not None and clause.margin < found for clause in clauses)
    return Doubted(found, len(clauses), left_out / max(1, len(clauses)))


def doubt_threshold(clauses: Sequence[Clause], aim: float = AIM) -> float | None:
    """The least margin from which on at most `aim` of the clauses are reversed in every way; None where all may stay.

    >>> some = [Clause("pair", 1.0, True), Clause("pair", 2.0, False), Clause("edit", 0.5, False)]
    >>> doubt_threshold(some, 0.2), doubt_threshold(some, 0.5)
    (2.0, None)
    """
    said, turned = Counter(one.way for one in clauses), Counter(one.way for one in clauses if one.reversed)
    if all(turned[way] <= aim * said[way] for way in said):
        return None
    ascending = sorted(clauses, key=lambda one: one.margin)
    for margin, doubted in groupby(ascending, key=lambda one: one.margin):
        if all(turned[way] <= aim * said[way] for way in said):
            return margin
        for one in doubted:
            said[one.way] -= 1
            turned[one.way] -= one.reversed
    return ascending[-1].margin + 1.0


def _written(summarizer: TrainedSummarizer, example: Example) -> list[Clause]:
    prompt = summarizer.prompt(example.signals)
    ids = summarizer.summary_ids(prompt)
    wished = set(example.oracle.splitlines())
    margins = summarizer.margins(prompt, ids) if summarizer.text_of(ids) else {}
    return [Clause(example.slices["shown"], margin, reverse_of(clause) in wished) for clause, margin in margins.items()]
