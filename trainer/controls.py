"""The controls: the contexts a trained summary is compared with, on the same users and the same held-out pairs.

    none         nothing
    raw          the signals themselves, as text
    untrained    what the base model writes, or one with random weights
    warm_start   what the summarizer wrote before reinforcement learning
    before       what the version in service wrote, in a refresh
    contrast     what the model-free baseline finds
    trained      what the summarizer writes now
    swapped      what it writes about another user
    oracle       what is truly known about the user, where the data hold it

A control that does not apply is absent. All but `swapped` are written from a user's own signals.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from popi_sdk.summarizers import Summarizer
from popi_sdk.summarizers.contrast import Contrast
from popi_sdk.summarizers.remote import ModelSummarizer
from popi_sdk.summarizers.trained import TrainedSummarizer
from popi_sdk.summary import NOTHING, Summary
from trainer.data import Example
from trainer.encode import Encoder
from trainer.models import Policy
from trainer.sampling import Sampler

CONTROLS = ("none", "raw", "untrained", "warm_start", "before", "contrast", "trained", "swapped", "oracle")


class Writer(Protocol):
    """Anything that writes summaries of users."""

    def write(self, examples: Sequence[Example], advance: Callable[[int], None] = ...) -> list[Summary]:
        """One summary per example, after the guard, as a request would carry it."""
        ...


@dataclass(frozen=True, slots=True)
class ModelWriter:
    """A summarizer in training: weights, the tokens of its prompts, and how it is decoded.

    Args:
        temperature: 0 takes the likeliest token, as the SDK does.
    """

    policy: Policy
    encoder: Encoder
    sampler: Sampler
    temperature: float = 0.0
    seed: int = 0

    def write(self, examples: Sequence[Example], advance: Callable[[int], None] = lambda _: None) -> list[Summary]:
        """See `Writer`."""
        written: list[Summary] = []
        for start in range(0, len(examples), 32):
            batch = examples[start : start + 32]
            prompts = [self.encoder.summarizer_prompt(example) for example in batch]
            samples = self.policy(
                lambda lm, prompts=prompts, start=start: self.sampler.sample(
                    lm, prompts, 1, temperature=self.temperature, seed=self.seed + start
                )
            )
            written += [self.encoder.safe_summary(self.encoder.summary_text(sample[0])) for sample in samples]
            advance(len(batch))
        return written


@dataclass(frozen=True, slots=True)
class SdkWriter:
    """Any summarizer the SDK can use, an exported directory for one."""

    summarizer: Summarizer
    encoder: Encoder

    def write(self, examples: Sequence[Example], advance: Callable[[int], None] = lambda _: None) -> list[Summary]:
        """See `Writer`."""
        written: list[Summary] = []
        for start in range(0, len(examples), 32):
            batch = examples[start : start + 32]
            written += [self.encoder.safe_summary(text) for text in self._texts(batch)]
            advance(len(batch))
        return written

    def _texts(self, examples: Sequence[Example]) -> list[str]:
        # A trained one need not find out what is behind each clause; one behind a server is asked for several at once.
        if isinstance(self.summarizer, TrainedSummarizer | ModelSummarizer):
            return self.summarizer.texts([example.signals for example in examples])
        said = (self.summarizer.summarize(example.signals) for example in examples)
        return [clause_lines(one) if isinstance(one, Summary) else one for one in said]


def contrast_summaries(examples: Sequence[Example], encoder: Encoder) -> list[Summary]:
    """What the model-free baseline says."""
    return SdkWriter(Contrast(), encoder).write(examples)


def clause_lines(summary: Summary) -> str:
    """A summary as a model writes one, a clause a line."""
    return "\n".join(clause.text for clause in summary.clauses)


def swapped(examples: Sequence[Example], summaries: Sequence[Summary]) -> list[Summary] | None:
    """For each example, the summary of one half-way round about another user; None when there is one user only.

    Any other user, one with the same preferences included: choosing those who differ would push it below chance. And
    half-way round, as neighbours in a file may be related: mirrored twins wish for the opposite.
    """
    count = len(examples)
    result = []
    for place, example in enumerate(examples):
        around = ((place + count // 2 + step) % count for step in range(count))
        others = (summaries[other] for other in around if examples[other].user != example.user)
        other = next(others, None)
        if other is None:
            return None
        result.append(other)
    return result


def oracle_summaries(examples: Sequence[Example], encoder: Encoder) -> list[Summary] | None:
    """The truth about each user in full, whatever a guard would make of it; None when it is not known of all."""
    if not all(example.oracle for example in examples):
        return None
    return [encoder.as_it_is(example.oracle) for example in examples]


def raw_summaries(examples: Sequence[Example], encoder: Encoder) -> list[Summary]:
    """The signals as text where a summary would stand."""
    return [encoder.raw_context(example) for example in examples]


def nothing(examples: Sequence[Example]) -> list[Summary]:
    """No summary at all."""
    return [NOTHING] * len(examples)
