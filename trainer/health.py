"""A look at unseen users while training: what is gained, and whether the generator still reads summaries.

A generator trained on summaries that say nothing unlearns to read any, and then no reward is left to learn from. So a
run watches the accuracy with a summary that is known to be good: the truth about the user where the data holds it,
else the user's own summary against another user's. It stops when half of the lead over chance is lost twice in a row,
and by more than the noise of so many pairs explains.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import torch

from trainer.config import Config
from trainer.controls import nothing, oracle_summaries, swapped
from trainer.data import Example
from trainer.encode import Encoder
from trainer.errors import ChannelError, DivergedError
from trainer.models import Models
from trainer.reference import ReferenceLogprobs
from trainer.sampling import Sampler
from trainer.scoring import PairScorer, ranked_right

LOST = 0.5
"""Share of its lead over chance that the channel may lose."""
DOUBT = 2.0
"""Standard errors by which a lead has to be above or below something to be called so."""
PATIENCE = 2
"""Evaluations in a row; joint training dips before it recovers."""
DIVERGED = 10.0
"""A loss this many times what it was at the start, or what knowing nothing costs, means that training has diverged."""
SHOWN = 10
"""Users in the transcript."""


@dataclass(frozen=True, slots=True)
class Look:
    """Held-out accuracy of some unseen users with several summaries, and what was written about them."""

    accuracy: Mapping[str, float]
    """By control: trained and none; swapped where there are several users, and oracle where it is known."""
    pairs: int
    """How many pairs these are shares of."""
    loss: float
    """Mean preference loss with the summarizer's own summaries."""
    chance: float
    """The loss of a generator that favours neither answer more than the reference does."""
    written: Sequence[tuple[Example, str]]

    @property
    def channel(self) -> float | None:
        """Lead of a fitting summary: the truth's over chance, else the own one's over another user's."""
        if "oracle" in self.accuracy:
            return self.accuracy["oracle"] - 0.5
        return self.accuracy["trained"] - self.accuracy["swapped"] if "swapped" in self.accuracy else None

    @property
    def doubt(self) -> float:
        """How far the lead may be off: a share of n pairs has a standard error of at most 0.5 / sqrt(n)."""
        shares = 1 if "oracle" in self.accuracy else 2
        return DOUBT * 0.5 * math.sqrt(shares / self.pairs)

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


def users_to_look_at(examples: Sequence[Example], count: int) -> list[Example]:
    """`count` examples of as many different users as there are; a user's examples may stand next to each other."""
    seen: Counter[str] = Counter()
    turns = []
    for example in examples:
        turns.append(seen[example.user])
        seen[example.user] += 1
    order = sorted(range(len(examples)), key=turns.__getitem__)
    return [examples[place] for place in order[:count]]


def look_at(
    models: Models,
    encoder: Encoder,
    sampler: Sampler,
    reference: ReferenceLogprobs,
    examples: Sequence[Example],
    config: Config,
) -> Look:
    """Summarize `examples` as a request would, greedily, and let the generator rank their held-out answers.

    Raises:
        DivergedError: a margin is not a number.
    """
    prompts = [encoder.summarizer_prompt(example) for example in examples]
    with torch.no_grad():
        samples = models.summarizer(lambda lm: sampler.sample(lm, prompts, 1, temperature=0, seed=config.run.seed))
    texts = [encoder.summary_text(sample[0]) for sample in samples]
    summaries = [encoder.safe_summary(text) for text in texts]
    candidates = {
        "trained": summaries,
        "swapped": swapped(examples, summaries),
        "none": nothing(examples),
        "oracle": oracle_summaries(examples, encoder),
    }
    scorer = PairScorer(models.generator, encoder, reference, microbatch=config.rollout.microbatch)
    margins = {name: torch.cat(scorer.margins(examples, each)) for name, each in candidates.items() if each is not None}
    return Look(
        accuracy={name: ranked_right(each).mean().item() for name, each in margins.items()},
        pairs=len(margins["trained"]),
        loss=scorer.loss(margins["trained"], config.objective),
        chance=scorer.loss(torch.zeros(1), config.objective),
        written=list(zip(examples, texts, strict=True)),
    )


@dataclass(frozen=True, slots=True)
class Health:
    """How a run did at its start, and for how many evaluations in a row the channel has done badly."""

    lead: float | None = None
    """The first lead of a fitting summary that was beyond doubt."""
    loss: float | None = None
    """The first loss, or that of knowing nothing where it was lower."""
    bad: int = 0

    def after(self, step: int, look: Look) -> Health:
        """Take a look into account.

        Raises:
            ChannelError: the channel is lost.
            DivergedError: the loss has grown out of all proportion.
        """
        now = self if self.loss is not None else replace(self, loss=max(look.loss, look.chance))
        now.check(step, look.loss)
        if look.channel is None:
            return now
        if now.lead is None:  # there is nothing to lose before there is a lead
            return replace(now, lead=look.channel) if look.channel > look.doubt else now
        bad = now.bad + 1 if look.channel + look.doubt < LOST * now.lead else 0
        if bad >= PATIENCE:
            raise ChannelError(
                f"By step {step} the generator has unlearned to read summaries: a fitting summary leads by "
                f"{100 * look.channel:.1f} points where it led by {100 * now.lead:.1f}",
                hint="Warm-start the summarizer, lower `run.generator_learning_rate`, or train with "
                '`run.form = "frozen_generator"` first.',
            )
        return replace(now, bad=bad)

    def check(self, step: int, loss: float) -> None:
        """Compare a loss with the start.

        Raises:
            DivergedError: it has grown out of all proportion.
        """
        if self.loss is not None and loss > DIVERGED * self.loss:
            raise DivergedError(
                f"The preference loss at step {step} is {loss:,.3g}, and {self.loss:.3g} was the most to begin with",
                hint="Lower `run.generator_learning_rate` and start again.",
            )

    def as_json(self) -> dict[str, Any]:
        """For a checkpoint."""
        return asdict(self)

    @staticmethod
    def from_json(saved: Mapping[str, Any]) -> Health:
        """From a checkpoint."""
        return Health(**saved)
