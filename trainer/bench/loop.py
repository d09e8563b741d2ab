"""One step in stages, whoever computes them: what `released` and `ours` both do, in the same order."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor

from trainer.bench.meter import Meter
from trainer.bench.workload import Workload, take_step
from trainer.losses import group_advantages
from trainer.models import Policy

REWARD, ANCHOR, POLICY, OPTIMIZER, GENERATOR = (
    "reward",
    "KL reference",
    "policy and backward",
    "optimizer step",
    "generator update",
)
SUMMARIZER_STAGES = (REWARD, ANCHOR, POLICY, OPTIMIZER)
"""A step that trains the summarizer against a generator at rest."""
JOINT_STAGES: Mapping[str, tuple[str, ...]] = {
    "ours": (ANCHOR, POLICY, OPTIMIZER, GENERATOR),
    "released": (REWARD, ANCHOR, POLICY, OPTIMIZER, GENERATOR),
}
"""A step that trains both on the same summaries; ours has the rewards from the generator's update."""


class Loop(Protocol):
    """One way to compute a step over the given summaries; gradients are left in the learners."""

    def rewards(self) -> Tensor:
        """(P, G) rewards under the generator as it stands."""
        ...

    def anchor(self, advantages: Tensor) -> None:
        """Log-probabilities of all summaries under the summarizer's start, kept for `policy`."""
        ...

    def policy(self, advantages: Tensor) -> None:
        """Leave the summarizer's gradient."""
        ...

    def generator(self) -> None:
        """Leave the gradient of the mean preference loss over all summaries in the generator."""
        ...


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a step computed, for comparison."""

    rewards: Tensor
    gradients: dict[str, Tensor]
    """By role and parameter, on the CPU; empty unless asked for."""


def take_round(loop: Loop, workload: Workload, meter: Meter, *, keep_gradients: bool = False) -> Outcome:
    """Run one step of `loop` under `meter`, the generator's update last."""
    kept: dict[str, Tensor] = {}
    with meter.stage(REWARD):
        rewards = loop.rewards()
    advantages = group_advantages(rewards)
    with meter.stage(ANCHOR):
        loop.anchor(advantages)
    with meter.stage(POLICY):
        loop.policy(advantages)
    if keep_gradients:
        kept |= _gradients("summarizer", workload.models.summarizer)
    with meter.stage(OPTIMIZER):
        take_step(workload, "summarizer")
    with meter.stage(GENERATOR):
        loop.generator()
    if keep_gradients:
        kept |= _gradients("generator", workload.models.generator)
    with meter.stage(GENERATOR):
        take_step(workload, "generator")
    meter.end_round()
    return Outcome(rewards, kept)


def _gradients(role: str, policy: Policy) -> dict[str, Tensor]:
    return {
        f"{role} {name}": parameter.grad.detach().to("cpu", copy=True)
        for name, parameter in policy.learned().items()
        if parameter.grad is not None
    }


def largest_difference(ours: dict[str, Tensor], theirs: dict[str, Tensor], role: str) -> float:
    """The largest difference of two gradients of one model over the largest entry."""
    mine = {name: value for name, value in ours.items() if name.startswith(role)}
    other = {name: value for name, value in theirs.items() if name.startswith(role)}
    if mine.keys() != other.keys() or not mine:
        raise ValueError(f"the two gradients of the {role} are of different parameters")
    largest = torch.stack([value.abs().max() for value in other.values()]).max()
    difference = torch.stack([(mine[name] - value).abs().max() for name, value in other.items()]).max()
    return (difference / largest).item()  # not a number if any entry is not


def relative_error(ours: Tensor, theirs: Tensor) -> float:
    """The largest difference over the largest entry."""
    return ((ours - theirs).abs().max() / theirs.abs().max()).item()
