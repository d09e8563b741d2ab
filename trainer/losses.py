"""The mathematics of joint training: pure functions of tensors, nothing else.

Both models follow one objective, the expected preference loss of the generator on pairs that were held out from the
summary (POPI, arXiv 2510.17881): the generator follows its gradient, the summarizer a policy gradient with the loss,
negated, as reward. Shapes: P users, G summaries each, K held-out pairs, M tokens.
"""

from __future__ import annotations

from typing import Literal, TypeAlias

import torch
import torch.nn.functional as F
from torch import Tensor

PreferenceLoss: TypeAlias = Literal["dpo", "ipo"]


def margin(chosen: Tensor, rejected: Tensor, reference_chosen: Tensor, reference_rejected: Tensor) -> Tensor:
    """How much more than the reference the generator favours the chosen answer, in nats.

    All are summed log-probabilities of an answer; the reference has seen no summary.

    >>> margin(torch.tensor(-1.0), torch.tensor(-3.0), torch.tensor(-2.0), torch.tensor(-2.5))
    tensor(1.5000)
    """
    return (chosen - rejected) - (reference_chosen - reference_rejected)


def preference_loss(margins: Tensor, loss: PreferenceLoss, beta: float) -> Tensor:
    """The loss of each margin.

    DPO (arXiv 2305.18290, eq. 7), divided by beta as in POPI's code so that its scale hardly depends on beta:
    -log sigmoid(beta * margin) / beta. IPO (arXiv 2310.12036, eq. 17), scaled likewise:
    (beta / 2) * (margin - 1 / (2 beta))^2.

    >>> preference_loss(torch.tensor(0.0), "dpo", 0.1)
    tensor(6.9315)
    >>> preference_loss(torch.tensor(3.0), "ipo", 0.1)
    tensor(0.2000)
    """
    if loss == "dpo":
        return -F.logsigmoid(beta * margins) / beta
    return (beta / 2) * (margins - 1 / (2 * beta)) ** 2


def length_penalty(lengths: Tensor, budget: int, weight: float) -> Tensor:
    """What a summary loses for each token beyond its budget.

    >>> length_penalty(torch.tensor([60, 64, 70]), 64, 0.5)
    tensor([0., 0., 3.])
    """
    return weight * (lengths - budget).clamp(min=0).float()


def group_advantages(rewards: Tensor, *, scaled: bool = False) -> Tensor:
    """Each summary's reward less the mean of its group: (P, G) to (P, G).

    `scaled` divides by the group's standard deviation (GRPO, arXiv 2402.03300, section 4.1.2), which weighs users on
    whom all summaries do alike as much as the others; without it the gradient is that of the expected reward.

    >>> group_advantages(torch.tensor([[1.0, 2.0, 6.0]]))
    tensor([[-2., -1.,  3.]])
    """
    advantages = rewards - rewards.mean(dim=1, keepdim=True)
    if scaled:
        advantages = advantages / (rewards.std(dim=1, keepdim=True) + 1e-4)
    return advantages


def k3(logprobs: Tensor, anchor_logprobs: Tensor) -> Tensor:
    """Unbiased, never negative estimate of the KL divergence to the anchor, per sampled token.

    exp(d) - d - 1 with d = anchor - policy (Schulman, "Approximating KL divergence", k3).

    >>> k3(torch.tensor([-1.0]), torch.tensor([-1.0]))
    tensor([0.])
    """
    difference = anchor_logprobs - logprobs
    return difference.exp() - difference - 1


def policy_loss(logprobs: Tensor, old_logprobs: Tensor, advantages: Tensor, clip: float) -> Tensor:
    """Clipped policy-gradient loss per token (PPO, arXiv 1707.06347, eq. 7).

    Args:
        logprobs: (M,) of the sampled tokens under the summarizer being trained.
        old_logprobs: (M,) under the summarizer that sampled them; in the first inner epoch the same numbers, detached.
        advantages: (M,) of the summary each token belongs to.
        clip: how far the probability ratio may move in a step.
    """
    ratio = (logprobs - old_logprobs).exp()
    return -torch.minimum(ratio * advantages, ratio.clamp(1 - clip, 1 + clip) * advantages)
