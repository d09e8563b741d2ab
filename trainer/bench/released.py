"""The released code's step, re-implemented pass by pass (POPI's repository, MIT, read at commit f88878c).

Reward: for one summary after the other four forward passes of one row each, the chosen and the rejected answer under
the reference without a summary and under the generator with it, float32 logits of the whole vocabulary at every
position, cross-entropy with the prompt masked out. The reference's two are computed anew for every summary.

Summarizer: the released code trains through TRL with one row per device. So for every summary one row of prompt and
summary goes through the start of the summarizer (KL term), and then one through the summarizer, forward and backward;
the gradients of all rows are summed before the optimizer's step. TRL keeps the logits of the summary alone.

Generator: per summary, the same four passes, of which the generator's two are followed by backward passes.

Left out, each to the released code's advantage: gradient checkpointing (on by default in TRL, a fourth pass in the
training rows), recomputed log-probabilities of the sampling policy (on by default in TRL with vLLM), weights gathered
across processes and pushed to vLLM each step, and tokenizing anew for every summary.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import torch
import torch.nn.functional as F
from torch import Tensor

from popi_sdk.signals import PreferencePair
from popi_sdk.summary import NOTHING, Summary
from trainer.bench.workload import Workload
from trainer.losses import k3, margin, policy_loss, preference_loss
from trainer.models import Policy

IGNORED = -100


class ReleasedLoop:
    """See the module."""

    def __init__(self, workload: Workload) -> None:
        self._work = workload
        self._anchored: list[Tensor] = []

    @torch.no_grad()
    def rewards(self) -> Tensor:
        """(P, G) rewards, four passes each."""
        losses = [self._loss(summary, pair) for summary, pair in self._judged()]
        return -torch.stack(losses).view(len(self._work.groups), -1).cpu()

    @torch.no_grad()
    def anchor(self, advantages: Tensor) -> None:
        """One row per summary through the summarizer's start."""
        del advantages
        self._anchored = [self._summary_logprobs(self._work.models.anchor, *row) for row in self._rows()]

    def policy(self, advantages: Tensor) -> None:
        """One row per summary, forward and backward."""
        objective = self._work.objective
        all_tokens = sum(len(sample) for _, sample in self._rows())
        for (prompt, sample), advantage, anchored in zip(
            self._rows(), advantages.flatten().to(self._work.device), self._anchored, strict=True
        ):
            logprobs = self._summary_logprobs(self._work.models.summarizer, prompt, sample)
            per_token = policy_loss(logprobs, logprobs.detach(), advantage.to(logprobs), objective.clip)
            per_token = per_token + objective.kl * k3(logprobs, anchored)
            (per_token.sum() / all_tokens).backward()

    def generator(self) -> None:
        """One pair after the other: four forward and two backward passes."""
        jobs = list(self._judged())
        for summary, pair in jobs:
            (self._loss(summary, pair) / len(jobs)).backward()

    def _judged(self) -> Iterator[tuple[Summary, PreferencePair]]:
        for group in self._work.groups:
            for summary in group.summaries:
                yield summary, group.pairs[0]

    def _rows(self) -> Iterator[tuple[list[int], list[int]]]:
        for group in self._work.groups:
            for sample in group.samples:
                yield group.prompt, sample

    def _loss(self, summary: Summary, pair: PreferencePair) -> Tensor:
        models, encoder, objective = self._work.models, self._work.encoder, self._work.objective
        chosen, rejected = encoder.answer(pair.chosen), encoder.answer(pair.rejected)
        plain = encoder.generator_prompt(NOTHING, pair.prompt)
        told = encoder.generator_prompt(summary, pair.prompt)
        with torch.no_grad():
            known = [self._answer_logprob(models.reference, plain, answer) for answer in (chosen, rejected)]
        scored = [self._answer_logprob(models.generator, told, answer) for answer in (chosen, rejected)]
        return preference_loss(margin(*scored, *known), objective.loss, objective.beta)

    def _answer_logprob(self, policy: Policy, prompt: Sequence[int], answer: Sequence[int]) -> Tensor:
        ids = torch.tensor([[*prompt, *answer]], device=self._work.device)
        labels = ids.clone()
        labels[:, : len(prompt)] = IGNORED
        logits: Tensor = policy(lambda lm: lm(input_ids=ids, use_cache=False).logits)
        return -F.cross_entropy(_precise(logits)[0, :-1], labels[0, 1:], ignore_index=IGNORED, reduction="none").sum()

    def _summary_logprobs(self, policy: Policy, prompt: Sequence[int], sample: Sequence[int]) -> Tensor:
        ids = torch.tensor([[*prompt, *sample]], device=self._work.device)
        kept = len(sample) + 1
        logits: Tensor = policy(lambda lm: lm(input_ids=ids, use_cache=False, logits_to_keep=kept).logits)
        logits = _precise(logits)[0, :-1] / self._work.temperature
        targets = ids[0, -len(sample) :]
        return logits.gather(1, targets[:, None])[:, 0] - logits.logsumexp(1)


def _precise(logits: Tensor) -> Tensor:
    return logits if logits.dtype == torch.float64 else logits.float()
