"""When a summarizer should say nothing: a threshold for its own confidence, from people it was not trained on.

The confidence is `TrainedSummarizer.confidence`: how much surer the model is of what it wrote than of saying nothing. A
summary is worth its gain in held-out accuracy, less what any summary costs: it stands in every request, and one that
is wrong is worse than none. The threshold is where the sum over all people would be greatest.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch

from popi_sdk.summarizers.trained import TrainedSummarizer
from trainer.data import Example
from trainer.scoring import PairScorer, ranked_right

COST = 0.02
"""Gain in accuracy from which a summary is worth its place."""


@dataclass(frozen=True, slots=True)
class Calibrated:
    """A threshold, and what it does to the people it was found on."""

    threshold: float | None
    """Nats per token; None where it is best to say everything."""
    people: int
    silent_with_wishes: float
    """Share of people with wishes of whom nothing is said."""
    silent_without_wishes: float
    """The same of people who wish for nothing."""


def calibrate(summarizer: TrainedSummarizer, judge: PairScorer, people: Sequence[Example]) -> Calibrated:
    """Find the threshold for a summarizer that has none yet, on people with and without wishes.

    A person's slice `wishes` is "0" where there are none.
    """
    written = [_written(summarizer, example) for example in people]
    summaries = [judge.encoder.safe_summary(text) for text, _ in written]
    margins = judge.margins(people, summaries)
    gains = [ranked_right(own).mean().item() - 0.5 for own in margins]
    said = [place for place, summary in enumerate(summaries) if summary]
    found = threshold([written[place][1] for place in said], [gains[place] - COST for place in said])

    def silent(*, wishes: bool) -> float:
        theirs = [place for place, one in enumerate(people) if (one.slices.get("wishes") != "0") is wishes]
        quiet = [place for place in theirs if not summaries[place] or (found is not None and written[place][1] < found)]
        return len(quiet) / max(1, len(theirs))

    return Calibrated(found, len(people), silent(wishes=True), silent(wishes=False))


def threshold(confidences: Sequence[float], worth: Sequence[float]) -> float | None:
    """The confidence from which on saying something is worth most in sum; None where that is always.

    >>> threshold([3.0, 1.0, 2.0], [0.2, -0.3, 0.1])
    1.5
    """
    together: dict[float, float] = {}
    for confidence, value in zip(confidences, worth, strict=True):
        together[confidence] = together.get(confidence, 0.0) + value
    order = sorted(together, reverse=True)
    sums = torch.tensor([0.0, *(together[confidence] for confidence in order)], dtype=torch.float64).cumsum(0)
    best = int(sums.argmax())
    if best == len(order):
        return None
    if best == 0:
        return order[0] + 1.0
    return max((order[best - 1] + order[best]) / 2, math.nextafter(order[best], math.inf))


def _written(summarizer: TrainedSummarizer, example: Example) -> tuple[str, float]:
    prompt = summarizer.prompt(example.signals)
    return summarizer.texts([example.signals])[0], summarizer.confidence(prompt, summarizer.summary_ids(prompt))
