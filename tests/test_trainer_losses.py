"""Each formula against arithmetic done by hand, and the properties that training relies on."""

from __future__ import annotations

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from trainer.losses import group_advantages, k3, length_penalty, margin, policy_loss, preference_loss

numbers = st.floats(-20, 20)


def of(*values: float) -> Tensor:
    return torch.tensor(values, dtype=torch.float64)


def test_a_margin_is_what_the_summary_changes() -> None:
    # Generator: -10 - -14 = 4 for the chosen one; the reference already had -12 - -13 = 1 of it.
    assert margin(of(-10.0), of(-14.0), of(-12.0), of(-13.0)).tolist() == [3.0]


@given(numbers, numbers)
def test_a_generator_that_does_as_its_reference_has_no_margin(chosen: float, rejected: float) -> None:
    assert margin(of(chosen), of(rejected), of(chosen), of(rejected)).item() == 0.0


@given(numbers, numbers, numbers, numbers)
def test_swapping_the_answers_turns_the_margin_around(a: float, b: float, c: float, d: float) -> None:
    assert margin(of(a), of(b), of(c), of(d)).item() == pytest.approx(-margin(of(b), of(a), of(d), of(c)).item())


def test_dpo_loss() -> None:
    # beta 0.5: at margin 2 log(1 + e^-1) / 0.5 = 0.3132617 / 0.5; at 0 log 2 / 0.5; at -2 log(1 + e) / 0.5.
    losses = preference_loss(of(2.0, 0.0, -2.0), "dpo", 0.5)
    torch.testing.assert_close(losses, of(0.6265234, 1.3862944, 2.6265234), rtol=0, atol=1e-6)


def test_dpo_gradient_is_the_chance_of_being_wrong() -> None:
    margins = of(0.0, 2.0).requires_grad_()
    preference_loss(margins, "dpo", 0.5).sum().backward()
    # -1 / (1 + e^(beta * margin)): 1/2 at 0, and 1 / (1 + e) = 0.2689414 at 2.
    torch.testing.assert_close(margins.grad, of(-0.5, -0.2689414), rtol=0, atol=1e-6)


def test_ipo_loss_is_a_parabola_around_its_target() -> None:
    # beta 0.25: target 1 / 0.5 = 2; (0.25 / 2) * (margin - 2)^2.
    margins = of(2.0, 0.0, 6.0).requires_grad_()
    losses = preference_loss(margins, "ipo", 0.25)
    assert losses.tolist() == [0.0, 0.5, 2.0]
    losses.sum().backward()
    assert margins.grad is not None
    assert margins.grad.tolist() == [0.0, -0.5, 1.0]  # beta * (margin - 2)


def test_dpo_loss_of_a_huge_margin_is_finite() -> None:
    losses = preference_loss(torch.tensor([-1e4, 1e4]), "dpo", 0.1)
    assert losses.tolist() == [pytest.approx(1e4), 0.0]


def test_a_summary_pays_only_for_tokens_beyond_its_budget() -> None:
    assert length_penalty(torch.tensor([0, 10, 11, 14]), 10, 0.25).tolist() == [0.0, 0.0, 0.25, 1.0]
    assert length_penalty(torch.tensor([1000]), 10, 0.0).tolist() == [0.0]


def test_advantages_are_rewards_less_their_groups_mean() -> None:
    rewards = torch.tensor([[1.0, 2.0, 6.0], [-4.0, -4.0, -4.0]])
    assert group_advantages(rewards).tolist() == [[-2.0, -1.0, 3.0], [0.0, 0.0, 0.0]]


def test_scaled_advantages_are_in_standard_deviations() -> None:
    # Differences -2, -1, 3: variance (4 + 1 + 9) / 2 = 7.
    scaled = group_advantages(torch.tensor([[1.0, 2.0, 6.0], [5.0, 5.0, 5.0]]), scaled=True)
    expected = torch.tensor([[-2.0, -1.0, 3.0], [0.0, 0.0, 0.0]]) / math.sqrt(7)
    torch.testing.assert_close(scaled, expected, rtol=1e-4, atol=0)


@given(st.lists(st.lists(numbers, min_size=4, max_size=4), min_size=1, max_size=5), numbers)
def test_what_all_of_a_group_share_is_no_advantage(rows: list[list[float]], shift: float) -> None:
    rewards = torch.tensor(rows, dtype=torch.float64)
    advantages = group_advantages(rewards)
    torch.testing.assert_close(advantages.sum(1), torch.zeros(len(rows), dtype=torch.float64), rtol=0, atol=1e-9)
    torch.testing.assert_close(group_advantages(rewards + shift), advantages, rtol=0, atol=1e-9)


def test_kl_estimate() -> None:
    # d = anchor - policy = log 2 and -log 2: 2 - log 2 - 1 = 0.3068528 and 1/2 + log 2 - 1 = 0.1931472.
    policy, anchor = of(-2.0, -1.0), of(-2.0 + math.log(2), -1.0 - math.log(2))
    torch.testing.assert_close(k3(policy, anchor), of(0.3068528, 0.1931472), rtol=0, atol=1e-6)


@given(numbers, numbers)
def test_kl_estimate_is_never_negative_and_zero_only_where_both_agree(policy: float, anchor: float) -> None:
    assert k3(of(policy), of(anchor)).item() >= -1e-12
    assert k3(of(policy), of(policy)).item() == 0.0


def test_kl_estimate_is_unbiased() -> None:
    policy, anchor = of(0.5, 0.3, 0.2), of(0.25, 0.25, 0.5)
    exact = (policy * (policy.log() - anchor.log())).sum()
    estimated = (policy * k3(policy.log(), anchor.log())).sum()
    torch.testing.assert_close(estimated, exact)


def test_clipped_policy_loss() -> None:
    # Ratios 1.5 and 0.5 with clip 0.2, advantage 2 and -2: the smaller of ratio * A and clipped ratio * A, negated.
    old = torch.zeros(4, dtype=torch.float64)
    new = of(1.5, 0.5, 1.5, 0.5).log()
    losses = policy_loss(new, old, of(2.0, 2.0, -2.0, -2.0), 0.2)
    torch.testing.assert_close(losses, of(-1.2 * 2, -0.5 * 2, 1.5 * 2, 0.8 * 2))


@pytest.mark.parametrize(
    ("ratio", "advantage", "moves"),
    [
        (1.5, 1.0, False),  # already likelier than the clip range allows
        (0.5, 1.0, True),  # grew unlikely although it was good: back
        (1.5, -1.0, True),  # grew likely although it was bad: back
        (0.5, -1.0, False),  # already unlikelier than the clip range allows
        (1.1, 1.0, True),
        (0.9, -1.0, True),
    ],
)
def test_the_gradient_ends_where_the_clip_range_does(ratio: float, advantage: float, moves: bool) -> None:
    new = of(math.log(ratio)).requires_grad_()
    policy_loss(new, of(0.0), of(advantage), 0.2).sum().backward()
    assert new.grad is not None
    assert new.grad.item() == pytest.approx(-ratio * advantage if moves else 0.0)


@given(st.lists(st.tuples(st.floats(-10, 0), numbers), min_size=1, max_size=8), st.floats(0.01, 0.9))
def test_on_its_own_samples_the_gradient_is_that_of_reinforce(rows: list[tuple[float, float]], clip: float) -> None:
    logprobs, advantages = of(*(row[0] for row in rows)).requires_grad_(), of(*(row[1] for row in rows))
    policy_loss(logprobs, logprobs.detach(), advantages, clip).sum().backward()
    torch.testing.assert_close(logprobs.grad, -advantages)
