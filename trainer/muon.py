"""Muon: steps along the nearest orthogonal matrix to each gradient (Jordan et al. 2024), as precise as the weights.

torch.optim.Muon does its Newton-Schulz iteration in bfloat16, one matrix at a time. A processor without instructions
for bfloat16 takes ten to thirty times as long for that as for float32, longer than for the rest of a small model's
step. Here matrices of one shape go through it together, in their own precision.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable
from typing import Any

import torch
from torch import Tensor

COEFFICIENTS = (3.4445, -4.7750, 2.0315)
"""Of the quintic that brings singular values near 1 in `STEPS` steps, though not to 1."""
STEPS = 5
TINY = 1e-7


class Muon(torch.optim.Optimizer):
    """The same steps as torch.optim.Muon with its defaults and no weight decay; for matrices only.

    Args:
        parameters: matrices of any shapes.
        lr: of a square or wide matrix; a tall one moves the square root of its height over its width further.
        momentum: of the gradients, as Nesterov has it.
    """

    def __init__(self, parameters: Iterable[Tensor], lr: float, momentum: float = 0.95) -> None:
        super().__init__(list(parameters), {"lr": lr, "momentum": momentum})

    @torch.no_grad()
    def step(self, closure: Callable[[], float] | None = None) -> None:  # type: ignore[override]
        """Take a step; parameters without a gradient stay where they are."""
        assert closure is None
        for group in self.param_groups:
            by_shape: dict[Any, list[Tensor]] = defaultdict(list)
            for value in group["params"]:
                if value.grad is not None:
                    by_shape[value.shape, value.dtype, value.device].append(value)
            for values in by_shape.values():
                updates = orthogonal(torch.stack([self._direction(value, group["momentum"]) for value in values]))
                height, width = values[0].shape
                rate = group["lr"] * max(1.0, height / width) ** 0.5
                for value, update in zip(values, updates, strict=True):
                    value.add_(update, alpha=-rate)

    def _direction(self, value: Tensor, momentum: float) -> Tensor:
        assert value.grad is not None
        state = self.state[value]
        if "momentum" not in state:
            state["momentum"] = torch.zeros_like(value.grad)
        mean: Tensor = state["momentum"].lerp_(value.grad, 1 - momentum)
        return value.grad.lerp(mean, momentum)


def orthogonal(matrices: Tensor) -> Tensor:
    """Matrices (N, height, width) with the same singular vectors each, and singular values of about 0.7 to 1.2."""
    a, b, c = COEFFICIENTS
    tall = matrices.shape[1] > matrices.shape[2]
    x = matrices.mT if tall else matrices
    x = x / x.norm(dim=(1, 2), keepdim=True).clamp(min=TINY)
    for _ in range(STEPS):
        gram = x @ x.mT
        x = torch.baddbmm(x, torch.baddbmm(gram, gram, gram, beta=b, alpha=c), x, beta=a)
    return x.mT if tall else x
