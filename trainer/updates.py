"""The two updates of a step, on the same rollouts and under the same objective.

`generator_pass` asks the generator how much each summary helps it tell the held-out answers apart. Negated, its loss is
the summary's reward; the very same forward pass gives the generator's own gradient. `summarizer_pass` turns rewards
into a policy gradient. Both go through the users in microbatches and leave gradients behind, not steps taken.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TypeVar

import torch
from torch import Tensor

from popi_sdk.signals import PreferencePair
from popi_sdk.summary import NOTHING, Summary
from trainer.config import ObjectiveConfig
from trainer.distributed import mean
from trainer.encode import Encoder
from trainer.errors import DivergedError
from trainer.logprobs import leaf_token_logprobs
from trainer.losses import k3, length_penalty, margin, policy_loss, preference_loss
from trainer.models import Models, Policy
from trainer.prefix_tree import Branch, PackedTrees, pack
from trainer.reference import ReferenceLogprobs
from trainer.rollouts import Group

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Judged:
    """What the generator said about a step's summaries."""

    rewards: Tensor
    """(P, G), on the CPU."""
    loss: float
    """Mean preference loss."""
    accuracy: float
    """Share of held-out pairs that the summaries let the generator rank right; ties count half."""
    margin: float
    tokens: int
    """Tokens that went through the generator."""


@dataclass(frozen=True, slots=True)
class SummarizerPass:
    """What one inner epoch over a step's rollouts did."""

    loss: float
    kl: float
    clipped: float
    """Share of tokens whose ratio lies outside the clip range."""
    tokens: int
    """Tokens that went through the summarizer."""


def pair_logprobs(
    policy: Policy, encoder: Encoder, jobs: Sequence[tuple[Summary, Sequence[PreferencePair]]]
) -> tuple[Tensor, PackedTrees]:
    """Summed log-probabilities of both answers of each pair behind its summary: (pairs of all jobs, 2)."""
    packed = pack([encoder.pair_tree(summary, pairs) for summary, pairs in jobs], policy.device)
    values: Tensor = policy(lambda lm: leaf_token_logprobs(lm, packed))
    return packed.per_leaf(values).view(-1, 2), packed


def generator_pass(
    generator: Policy,
    encoder: Encoder,
    reference: ReferenceLogprobs,
    groups: Sequence[Group],
    objective: ObjectiveConfig,
    *,
    microbatch: int,
    learn: bool,
) -> Judged:
    """Judge all summaries; with `learn`, leave the gradient of the mean loss in the generator.

    Raises:
        DivergedError: a reward is not a number.
    """
    jobs = mean(sum(len(group.summaries) + (group.plain and learn) for group in groups))
    rewards, losses, margins, tokens = [], [], [], 0
    for batch in _batches(groups, microbatch):
        batch_rewards, batch_margins, loss, batch_tokens = _judge(
            generator, encoder, reference, batch, objective, 1 / jobs, learn
        )
        rewards += batch_rewards
        margins.append(batch_margins)
        losses.append(loss)
        tokens += batch_tokens
    every = torch.cat(margins)
    return Judged(
        rewards=torch.stack(rewards),
        loss=sum(losses),
        accuracy=((every > 0).double() + 0.5 * (every == 0).double()).mean().item(),
        margin=every.mean().item(),
        tokens=tokens,
    )


def _judge(
    generator: Policy,
    encoder: Encoder,
    reference: ReferenceLogprobs,
    groups: Sequence[Group],
    objective: ObjectiveConfig,
    weight: float,
    learn: bool,
) -> tuple[list[Tensor], Tensor, float, int]:
    """Rewards of each group, all margins of summaries, the weighted loss, and tokens; backward when `learn`."""
    jobs = [(summary, group.pairs) for group in groups for summary in group.summaries]
    plain = [(NOTHING, group.pairs) for group in groups if group.plain and learn]
    # Asked first: the reference may share its base with the generator, between whose passes no other role may come.
    reference_scores = reference.of([pair for _, pairs in [*jobs, *plain] for pair in pairs])
    with torch.set_grad_enabled(learn):
        scores, packed = pair_logprobs(generator, encoder, [*jobs, *plain])
        known = reference_scores.to(scores)
        margins = margin(scores[:, 0], scores[:, 1], known[:, 0], known[:, 1])
        per_job = _mean_per_job(preference_loss(margins, objective.loss, objective.beta), [*jobs, *plain])
        loss = per_job.sum() * weight
    if not torch.isfinite(per_job).all():
        users = ", ".join(dict.fromkeys(group.example.user for group in groups))
        raise DivergedError(
            f"A reward is not a number, among users {users[:200]}",
            hint="Lower the learning rates, and look at these users' pairs.",
        )
    if learn:
        loss.backward()
    of_summaries = sum(len(pairs) for _, pairs in jobs)
    return (
        _rewards(groups, -per_job[: len(jobs)].detach(), objective),
        margins[:of_summaries].detach().cpu(),
        loss.item(),
        packed.tokens,
    )


def _mean_per_job(losses: Tensor, jobs: Sequence[tuple[Summary, Sequence[PreferencePair]]]) -> Tensor:
    sizes = torch.tensor([len(pairs) for _, pairs in jobs], device=losses.device)
    owner = torch.repeat_interleave(torch.arange(len(jobs), device=losses.device), sizes)
    return torch.zeros(len(jobs), dtype=losses.dtype, device=losses.device).index_add(0, owner, losses) / sizes


def _rewards(groups: Sequence[Group], negated_losses: Tensor, objective: ObjectiveConfig) -> list[Tensor]:
    rows = negated_losses.cpu().view(len(groups), -1)
    return [
        row
        - length_penalty(torch.tensor(list(map(len, group.samples))), objective.length_budget, objective.length_weight)
        for group, row in zip(groups, rows, strict=True)
    ]


class SummarizerUpdate:
    """The summarizer's side of one step: its rollouts, packed once, and what every inner epoch compares with."""

    def __init__(
        self,
        models: Models,
        groups: Sequence[Group],
        advantages: Tensor,
        objective: ObjectiveConfig,
        *,
        microbatch: int,
        temperature: float,
    ) -> None:
        self._summarizer = models.summarizer
        self._objective = objective
        self._temperature = temperature
        self._all_tokens = mean(sum(len(sample) for group in groups for sample in group.samples))
        self._packed = [_packed_groups(batch, models.summarizer.device) for batch in _batches(groups, microbatch)]
        rows = [rows.flatten() for rows in advantages.split(microbatch)]
        self._advantages = [
            row.to(packed.ids.device)[packed.leaf] for row, packed in zip(rows, self._packed, strict=True)
        ]
        self._anchor = [self._logprobs(models.anchor, packed) for packed in self._packed] if objective.kl else []
        self._old: list[Tensor] = []

    def epoch(self) -> SummarizerPass:
        """Leave the gradient of the clipped policy loss and the KL term, per token of the step, in the summarizer."""
        loss = kl = clipped = 0.0
        for index, (packed, advantages) in enumerate(zip(self._packed, self._advantages, strict=True)):
            logprobs: Tensor = self._summarizer(
                lambda lm, packed=packed: leaf_token_logprobs(lm, packed, temperature=self._temperature)
            )
            if len(self._old) <= index:
                self._old.append(logprobs.detach())  # these samples are the current weights' own
            old = self._old[index]
            per_token = policy_loss(logprobs, old, advantages.to(logprobs), self._objective.clip)
            if self._objective.kl:
                divergence = k3(logprobs, self._anchor[index])
                kl += divergence.detach().sum().item() / self._all_tokens
                per_token = per_token + self._objective.kl * divergence
            total = per_token.sum() / self._all_tokens
            total.backward()
            loss += total.item()
            outside = ((logprobs.detach() - old).exp() - 1).abs() > self._objective.clip
            clipped += outside.sum().item() / self._all_tokens
        return SummarizerPass(loss, kl, clipped, sum(packed.tokens for packed in self._packed))

    @torch.no_grad()
    def _logprobs(self, policy: Policy, packed: PackedTrees) -> Tensor:
        values: Tensor = policy(lambda lm: leaf_token_logprobs(lm, packed, temperature=self._temperature))
        return values


def _packed_groups(groups: Sequence[Group], device: torch.device) -> PackedTrees:
    return pack([Branch(group.prompt, tuple(Branch(sample) for sample in group.samples)) for group in groups], device)


def _batches(items: Sequence[T], size: int) -> Iterator[Sequence[T]]:
    for start in range(0, len(items), size):
        yield items[start : start + size]
