"""Our step, through the very functions that `trainer.train` calls."""

from __future__ import annotations

from torch import Tensor

from trainer.bench.workload import Workload
from trainer.reference import ReferenceLogprobs
from trainer.updates import Judged, SummarizerUpdate, generator_pass


class OurLoop:
    """All users of a step go through a model at once.

    Args:
        reference: filled beforehand, as it is before the first step of a run.
    """

    def __init__(self, workload: Workload, reference: ReferenceLogprobs) -> None:
        self._work = workload
        self._reference = reference
        self._update: SummarizerUpdate | None = None

    def rewards(self) -> Tensor:
        """(P, G) rewards: one packed pass, answers behind their summaries."""
        return self._judge(learn=False).rewards

    def anchor(self, advantages: Tensor) -> None:
        """One packed pass, summaries behind their prompts."""
        self._update = SummarizerUpdate(
            self._work.models, self._work.groups, advantages, self._work.objective,
            microbatch=len(self._work.groups), temperature=self._work.temperature,
        )  # fmt: skip

    def policy(self, advantages: Tensor) -> None:
        """One packed pass, forward and backward."""
        del advantages  # the update has had them already
        assert self._update is not None, "the start's log-probabilities come first"
        self._update.epoch()
        self._update = None

    def generator(self) -> None:
        """The pass that judges the summaries, and its backward pass."""
        self._judge(learn=True)

    def _judge(self, *, learn: bool) -> Judged:
        self._work.encoder.generator_prompt.cache_clear()  # in training each step brings new summaries
        return generator_pass(
            self._work.models.generator, self._work.encoder, self._reference, self._work.groups, self._work.objective,
            microbatch=len(self._work.groups), learn=learn,
        )  # fmt: skip
