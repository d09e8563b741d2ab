"""A look at unseen users while training: what is gained, and whether the generator still reads summaries.

A generator trained on summaries that say nothing unlearns to read any, and then no reward is left to learn from. So a
run watches the accuracy with a summary that is known to be good: the truth about the user where the data holds it,
else the user's own summary against another user's. It stops when half of the lead over chance is lost twice in a row.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import torch

from popi_sdk.summary import NOTHING, Summary
from trainer.config import Config
from trainer.data import Example
from trainer.encode import Encoder
from trainer.errors import ChannelError
from trainer.models import Models
from trainer.reference import ReferenceLogprobs
from trainer.sampling import Sampler
from trainer.scoring import PairScorer

LOST = 0.5
"""Share of its lead over chance that the channel may lose."""
LEAST_LEAD = 0.05
"""A lead over chance below this is no lead; there is nothing to watch yet."""
PATIENCE = 2
"""Evaluations in a row; joint training dips before it recovers."""
SHOWN = 10
"""Users in the transcript."""


@dataclass(frozen=True, slots=True)
class Look:
    """Held-out accuracy of some unseen users with several summaries, and what was written about them."""

    accuracy: Mapping[str, float]
    """By control: trained, swapped, none, and oracle where it is known."""
    loss: float
    """Mean preference loss with the summarizer's own summaries."""
    written: Sequence[tuple[Example, str]]

    @property
    def channel(self) -> float:
        """Lead over chance of a summary that fits over one that says nothing or is another user's."""
        if "oracle" in self.accuracy:
            return self.accuracy["oracle"] - 0.5
        return self.accuracy["trained"] - self.accuracy["swapped"]

    def figures(self) -> dict[str, float]:
        """Numbers for the log."""
        return {**{f"accuracy_{name}": value for name, value in self.accuracy.items()}, "loss": self.loss}

    def line(self) -> str:
        """One line for a person."""
        shown = "   ".join(f"{name} {value:.3f}" for name, value in self.accuracy.items())
        return f"held-out accuracy: {shown}   loss {self.loss:.3f}"

    def transcript(self, step: int) -> str:
        """What the summarizer writes, beside the truth where it is known."""
        lines = [f"# Summaries of unseen users at step {step}", ""]
        for example, text in self.written[:SHOWN]:
            lines += [f"## {example.user}", "", text or "(nothing)", ""]
            if example.oracle:
                lines += ["The truth: " + " ".join(example.oracle.splitlines()), ""]
        return "\n".join(lines)


def look_at(
    models: Models,
    encoder: Encoder,
    sampler: Sampler,
    reference: ReferenceLogprobs,
    examples: Sequence[Example],
    config: Config,
) -> Look:
    """Summarize `examples` as a request would, greedily, and let the generator rank their held-out answers."""
    prompts = [encoder.summarizer_prompt(example) for example in examples]
    samples = models.summarizer(lambda lm: sampler.sample(lm, prompts, 1, temperature=0, seed=config.run.seed))
    texts = [encoder.summary_text(sample[0]) for sample in samples]
    summaries = [encoder.safe_summary(text) for text in texts]
    scorer = PairScorer(models.generator, encoder, reference, microbatch=config.rollout.microbatch)
    candidates: dict[str, list[Summary]] = {
        "trained": summaries,
        "swapped": [*summaries[1:], *summaries[:1]],
        "none": [NOTHING] * len(examples),
    }
    if all(example.oracle for example in examples):
        candidates["oracle"] = [encoder.safe_summary(example.oracle) for example in examples]
    margins = {name: torch.cat(scorer.margins(examples, each)) for name, each in candidates.items()}
    return Look(
        accuracy={name: _accuracy(each) for name, each in margins.items()},
        loss=scorer.loss(margins["trained"], config.objective),
        written=list(zip(examples, texts, strict=True)),
    )


@dataclass(frozen=True, slots=True)
class ChannelHealth:
    """How well the generator read summaries at the start, and for how many evaluations in a row it has done badly."""

    at_start: float | None = None
    bad: int = 0

    def after(self, step: int, look: Look) -> ChannelHealth:
        """Take a look into account.

        Raises:
            ChannelError: the channel is lost.
        """
        if self.at_start is None or self.at_start < LEAST_LEAD:
            return ChannelHealth(at_start=max(look.channel, self.at_start or 0.0))
        bad = self.bad + 1 if look.channel < LOST * self.at_start else 0
        if bad >= PATIENCE:
            raise ChannelError(
                f"By step {step} the generator has unlearned to read summaries: a fitting summary leads by "
                f"{100 * look.channel:.1f} points where it led by {100 * self.at_start:.1f}",
                hint="Warm-start the summarizer, lower `run.generator_learning_rate`, or train with "
                '`run.form = "frozen_generator"` first.',
            )
        return replace(self, bad=bad)

    def as_json(self) -> dict[str, Any]:
        """For a checkpoint."""
        return {"at_start": self.at_start, "bad": self.bad}

    @staticmethod
    def from_json(saved: Mapping[str, Any]) -> ChannelHealth:
        """From a checkpoint."""
        return ChannelHealth(saved["at_start"], saved["bad"])


def _accuracy(margins: torch.Tensor) -> float:
    return ((margins > 0).double() + 0.5 * (margins == 0).double()).mean().item()
