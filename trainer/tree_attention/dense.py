"""Attention with one mask over the whole packed row: simple, and a measure of what the other layouts save."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from trainer.tree_attention.masked import masked_attention
from trainer.tree_attention.segments import Segment, ancestors, owners


@dataclass(frozen=True, slots=True)
class Dense:
    """The layout described above."""

    mask: Tensor
    """(1, 1, N, N) True where the row's token may look."""

    @staticmethod
    def of(segments: Sequence[Segment], device: torch.device) -> Dense:
        """Make the mask."""
        owner = owners(segments)
        return Dense(ancestors(segments)[owner][:, owner].tril()[None, None].to(device))

    def attend(self, query: Tensor, key: Tensor, value: Tensor, scaling: float | None) -> Tensor:
        """See `TreeLayout`."""
        return masked_attention(query, key, value, self.mask, scaling).transpose(1, 2)
