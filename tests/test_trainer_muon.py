"""Muon takes torch's steps, in the precision of the weights and for all matrices of a shape at once."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from trainer.muon import Muon, orthogonal

SHAPES = [(8, 8), (8, 8), (24, 8), (8, 24), (5, 3)]


def weights(dtype: torch.dtype = torch.float32) -> list[Tensor]:
    torch.manual_seed(0)
    return [torch.randn(shape, dtype=dtype, requires_grad=True) for shape in SHAPES]


def train(values: list[Tensor], optimizer: torch.optim.Optimizer, steps: int = 4) -> None:
    for step in range(steps):
        for value in values:
            value.grad = torch.sin(value.detach() * (step + 1))
        optimizer.step()


def test_it_takes_the_steps_of_torchs_up_to_what_bfloat16_rounds():
    ours, theirs, before = weights(), weights(), weights()
    train(ours, Muon(ours, lr=0.1))
    train(theirs, torch.optim.Muon(theirs, lr=0.1, weight_decay=0.0))
    for own, their, start in zip(ours, theirs, before, strict=True):
        moved = (their - start).norm()
        assert moved > 0.5
        assert (own - their).norm() < 0.02 * moved


def test_matrices_of_one_shape_go_together_as_they_would_alone():
    together, alone = weights(torch.float64), weights(torch.float64)
    train(together, Muon(together, lr=0.1))
    for value in alone:
        train([value], Muon([value], lr=0.1))
    for one, other in zip(together, alone, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("shape", [(2, 16, 16), (1, 40, 8), (3, 8, 40)])
def test_the_step_has_the_gradients_singular_vectors_and_nearly_equal_singular_values(shape: tuple[int, ...]):
    torch.manual_seed(1)
    gradient = torch.randn(shape, dtype=torch.float64)
    step = orthogonal(gradient)
    values = torch.linalg.svdvals(step)
    assert values.min() > 0.3
    assert values.max() < 1.3
    left, _, right = torch.linalg.svd(gradient, full_matrices=False)
    turned = left.mT @ step @ right.mT
    off = turned - torch.diag_embed(turned.diagonal(dim1=1, dim2=2))
    assert off.abs().max() < 1e-9
    assert turned.diagonal(dim1=1, dim2=2).min() > 0


def test_a_matrix_without_a_gradient_stays_where_it_is():
    values = weights()
    optimizer = Muon(values, lr=0.1)
    values[0].grad = torch.ones_like(values[0])
    kept = values[1].detach().clone()
    optimizer.step()
    assert torch.equal(values[1], kept)


def test_a_gradient_of_zero_moves_nothing():
    value = torch.ones(3, 3, requires_grad=True)
    value.grad = torch.zeros(3, 3)
    Muon([value], lr=0.1).step()
    assert torch.equal(value.detach(), torch.ones(3, 3))
