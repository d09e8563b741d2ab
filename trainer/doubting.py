"""How much surer of a clause than of its reverse a summarizer has to be to say it: from people it was not trained on.

The margin is `TrainedSummarizer.margins`. For each way of showing things (`popi_sdk.summarizers.doubts.way_of`) the
threshold is the least one with which at most `AIM` of what is said is the reverse of what people wish for.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby

from popi_sdk.summarizers.doubts import way_of
from popi_sdk.summarizers.trained import TrainedSummarizer
from popi_sdk.summarizers.wording import reverse_of
from trainer.data import Example
from trainer.progress import Reporter

AIM = 0.03
"""Below the share that is allowed (`trainer.ship.SELDOM`), as it is found on some hundreds of people only."""


@dataclass(frozen=True, slots=True)
class Clause:
    """A clause that was written of somebody."""

    margin: float
    """How much likelier it is than its reverse, in nats."""
    reversed: bool
    """Whether the reverse is what the person wishes for."""


@dataclass(frozen=True, slots=True)
class Doubted:
    """Thresholds, and what they do to the people they were found on."""

    least: Mapping[str, float]
    """Nats, by way of showing things."""
    clauses: int
    left_out: float
    """Share of the clauses that are not said for it."""


def calibrate_doubts(
    summarizer: TrainedSummarizer, people: Sequence[Example], reporter: Reporter | None = None
) -> Doubted:
    """Find the thresholds for a summarizer that has none yet."""
    by_way: dict[str, list[Clause]] = {}
    with (reporter or Reporter()).stage("doubts", len(people)) as advance:
        for example in people:
            by_way.setdefault(way_of(example.signals), []).extend(_written(summarizer, example))
            advance()
    least = {way: doubt_threshold(clauses) for way, clauses in sorted(by_way.items())}
    clauses = sum(map(len, by_way.values()))
    left_out = sum(clause.margin < least[way] for way, own in by_way.items() for clause in own)
    return Doubted(least, clauses, left_out / max(1, clauses))


def doubt_threshold(clauses: Iterable[Clause], aim: float = AIM) -> float:
    """The least margin, from 0 on, from which on at most `aim` of the clauses are reversed.

    What is less likely than its reverse is never said.

    >>> some = [Clause(1.0, True), Clause(2.0, False), Clause(3.0, False)]
    >>> doubt_threshold(some, 0.2), doubt_threshold(some, 0.5)
    (2.0, 0.0)
    """
    said = sorted((one for one in clauses if one.margin >= 0), key=lambda one: one.margin)
    left, turned = len(said), sum(one.reversed for one in said)
    for margin, alike in groupby(said, key=lambda one: one.margin):
        if turned <= aim * left:
            return margin if left < len(said) else 0.0
        for one in alike:
            left -= 1
            turned -= one.reversed
    return said[-1].margin + 1.0 if said else 0.0


def _written(summarizer: TrainedSummarizer, example: Example) -> list[Clause]:
    prompt = summarizer.prompt(example.signals)
    ids = summarizer.summary_ids(prompt)
    wished = set(example.oracle.splitlines())
    margins = summarizer.margins(prompt, ids) if summarizer.text_of(ids) else {}
    return [Clause(margin, reverse_of(clause) in wished) for clause, margin in margins.items()]
