"""Scaled dot-product attention with a mask, for models in which several query heads share keys and values."""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor


def masked_attention(
    query: Tensor, key: Tensor, value: Tensor, mask: Tensor, scaling: float | None, dropout: float = 0.0
) -> Tensor:
    """Attend where `mask` (B, 1, n, m) is True: query (B, H, n, D), key and value (B, H_kv, m, D), to (B, H, n, D)."""
    if query.device.type == "cpu" or query.shape[1] == key.shape[1]:
        grouped = query.shape[1] != key.shape[1]
        return F.scaled_dot_product_attention(query, key, value, mask, dropout, scale=scaling, enable_gqa=grouped)
    return stacked_heads(query, key, value, mask, scaling, dropout)


def stacked_heads(
    query: Tensor, key: Tensor, value: Tensor, mask: Tensor, scaling: float | None, dropout: float = 0.0
) -> Tensor:
    """The same with the query heads that share keys behind each other, as if they were more queries.

    No fused kernel for CUDA takes both a mask and grouped heads, and repeating the keys would copy them all.
    """
    sharing = query.shape[1] // key.shape[1]
    rows = query.unflatten(1, (key.shape[1], sharing)).flatten(2, 3)
    repeated = mask.repeat(1, 1, sharing, 1)
    attended = F.scaled_dot_product_attention(rows, key, value, repeated, dropout, scale=scaling)
    return attended.unflatten(2, (sharing, query.shape[2])).flatten(1, 2)
