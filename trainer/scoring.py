"""How well a generator ranks held-out answers when it is shown given summaries; nothing learns here."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import torch
from torch import Tensor

from popi_sdk.signals import PreferencePair
from popi_sdk.summary import Summary
from trainer.config import ObjectiveConfig
from trainer.data import Example
from trainer.encode import Encoder
from trainer.errors import DivergedError
from trainer.losses import margin, preference_loss
from trainer.models import Policy
from trainer.reference import ReferenceLogprobs
from trainer.updates import pair_logprobs

ROUNDING = 1e-4
"""Margins in nats below this are what float32 makes of 0."""
PAIRS_AT_ONCE = 8
"""Pairs of one user in one pass, which read the summary once."""
TOKENS_AT_ONCE = 32_768
"""Tokens of answers in one pass, unless a single user's pairs have more; memory grows with them."""

Job: TypeAlias = tuple[Summary, Sequence[PreferencePair]]
"""A summary and the pairs that are ranked with it."""


def ranked_right(margins: Tensor) -> Tensor:
    """1 for each margin above 0, 0 below, and 0.5 at 0.

    >>> ranked_right(torch.tensor([2.0, 0.0, -1.0]))
    tensor([1.0000, 0.5000, 0.0000], dtype=torch.float64)
    """
    return (margins > ROUNDING).double() + 0.5 * (margins.abs() <= ROUNDING).double()


@dataclass(frozen=True, slots=True)
class Scored:
    """One example's margins, a number per pair, on the CPU."""

    margins: Tensor
    """In nats."""
    per_token: Tensor
    """The same with each answer's log-probability divided by its tokens, so that length counts for nothing."""


@dataclass(frozen=True, slots=True)
class PairScorer:
    """Margins of a generator over its reference.

    Args:
        microbatch: users that go through the model at once.
    """

    generator: Policy
    encoder: Encoder
    reference: ReferenceLogprobs
    microbatch: int = 16

    def margins(self, examples: Sequence[Example], summaries: Sequence[Summary]) -> list[Tensor]:
        """One tensor of margins per example, in nats, on the CPU.

        Raises:
            DivergedError: a margin is not a number.
        """
        return [scored.margins for scored in self.scored(examples, summaries)]

    @staticmethod
    def loss(margins: Tensor, objective: ObjectiveConfig) -> float:
        """Mean preference loss."""
        return preference_loss(margins, objective.loss, objective.beta).mean().item()

    @torch.no_grad()
    def scored(self, examples: Sequence[Example], summaries: Sequence[Summary]) -> list[Scored]:
        """Both kinds of margins of each example, from one pass.

        Raises:
            DivergedError: a margin is not a number.
        """
        scores = torch.cat([pair_logprobs(self.generator, self.encoder, jobs)[0].double().cpu()
                            for jobs in self._passes(examples, summaries)])  # fmt: skip
        pairs = [pair for one in examples for pair in one.pairs]
        known = self.reference.of(pairs)
        lengths = torch.tensor(
            [[len(self.encoder.answer(pair.chosen)), len(self.encoder.answer(pair.rejected))] for pair in pairs]
        )
        margins, per_token = _margins(scores, known), _margins(scores / lengths, known / lengths)
        if not torch.isfinite(margins).all():
            raise DivergedError("A margin is not a number", hint="Lower the learning rates and train again.")
        sizes = [len(one.pairs) for one in examples]
        return [Scored(*both) for both in zip(margins.split(sizes), per_token.split(sizes), strict=True)]

    def _passes(self, examples: Sequence[Example], summaries: Sequence[Summary]) -> Iterator[list[Job]]:
        """What goes through the model at once; real people's pairs may be many and their answers long."""
        jobs: list[Job] = []
        tokens = 0
        for example, summary in zip(examples, summaries, strict=True):
            for start in range(0, len(example.pairs), PAIRS_AT_ONCE):
                pairs = example.pairs[start : start + PAIRS_AT_ONCE]
                more = sum(len(self.encoder.answer(text)) for pair in pairs for text in (pair.chosen, pair.rejected))
                if jobs and (len(jobs) == self.microbatch or tokens + more > TOKENS_AT_ONCE):
                    yield jobs
                    jobs, tokens = [], 0
                jobs.append((summary, pairs))
                tokens += more
        if jobs:
            yield jobs


def _margins(scores: Tensor, known: Tensor) -> Tensor:
    return margin(scores[:, 0], scores[:, 1], known[:, 0], known[:, 1])
