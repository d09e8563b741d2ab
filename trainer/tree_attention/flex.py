"""Attention by PyTorch's FlexAttention, which skips the blocks of the row's mask that are empty.

Compiled for GPUs. On a CPU it runs forward only and slowly, which is enough to check the mask.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, cast

import torch
from torch import Tensor
from torch.nn.attention.flex_attention import BlockMask, flex_attention

from trainer.tree_attention.segments import Segment, ancestors, owners

BLOCK = 128
"""Tokens of a block's side."""


@dataclass(frozen=True, slots=True)
class Flex:
    """The layout described above."""

    mask: BlockMask

    @staticmethod
    def of(segments: Sequence[Segment], device: torch.device) -> Flex:
        """Make the block mask."""
        owner, table = owners(segments), ancestors(segments)
        partial, full = blocks(owner, table)
        owner, table = owner.to(device), table.to(device)

        def may_look(_batch: Tensor, _head: Tensor, query: Tensor, key: Tensor) -> Tensor:
            return (key <= query) & table[owner[query], owner[key]]

        mask = BlockMask.from_kv_blocks(
            *_listed(partial, device),
            *_listed(full, device),
            BLOCK_SIZE=BLOCK,
            mask_mod=may_look,
            seq_lengths=(len(owner), len(owner)),
        )
        return Flex(mask)

    def attend(self, query: Tensor, key: Tensor, value: Tensor, scaling: float | None) -> Tensor:
        """See `TreeLayout`."""
        attention = _compiled() if query.device.type == "cuda" else cast("Callable[..., Any]", flex_attention)
        grouped = query.shape[1] != key.shape[1]
        attended: Tensor = attention(query, key, value, block_mask=self.mask, scale=scaling, enable_gqa=grouped)
        return attended.transpose(1, 2)


def blocks(owner: Tensor, table: Tensor) -> tuple[Tensor, Tensor]:
    """(B, B) blocks of the mask in which some may look, and (B, B) those in which all may; none is in both.

    Found from the segments that meet in a block, never from the (N, N) mask. A block of the first kind may turn out
    to be empty, which costs time and nothing else.
    """
    count = -(-len(owner) // BLOCK)
    block = torch.arange(len(owner)) // BLOCK
    holds = torch.zeros(count, len(table))
    holds[block, owner] = 1
    some = (holds @ table.float() @ holds.T > 0).tril()
    whole = (holds @ (~table).float() @ holds.T == 0).tril(-1)
    whole[len(owner) // BLOCK :] = False  # a block that the row's end cuts off
    return some & ~whole, whole


def _listed(wanted: Tensor, device: torch.device) -> tuple[Tensor, Tensor]:
    """How many blocks of each row are wanted, (1, 1, B), and their columns first, (1, 1, B, B)."""
    columns = wanted.int().argsort(dim=1, descending=True, stable=True)
    return wanted.sum(1).int()[None, None].to(device), columns.int()[None, None].to(device)


@cache
def _compiled() -> Callable[..., Any]:
    return torch.compile(flex_attention, dynamic=True)
