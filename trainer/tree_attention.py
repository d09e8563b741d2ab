"""Attention along the paths of prefix trees, registered with transformers under the name `ATTENTION`.

Generation by generation: the roots attend causally to themselves; then the children of one parent, standing behind each
other, attend to the parent's path and each to itself. So a path's keys and values are gathered once for all siblings,
not once per branch, and no mask over the whole row is ever made. Without a tree the registered function is plain SDPA.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from transformers import AttentionInterface
from transformers.integrations.sdpa_attention import sdpa_attention_forward
from transformers.masking_utils import AttentionMaskInterface, sdpa_mask

ATTENTION = "popi_prefix_tree"
"""Load or switch a model to this attention implementation before it is given trees."""


@dataclass(frozen=True, slots=True)
class Family:
    """The children of one branch: the stretches of the row that its path and the children themselves cover."""

    path: tuple[range, ...]
    children: tuple[range, ...]


@dataclass(frozen=True, slots=True)
class Generation:
    """All families of one depth, padded to a common size: F families, n query tokens, m key tokens."""

    queries: Tensor
    """(F, n) places in the row; padding repeats place 0."""
    keys: Tensor
    """(F, m) places in the row."""
    mask: Tensor | None
    """(F, 1, n, m) True where a query may look; None for roots, which are causal."""
    real: Tensor
    """(F * n,) indices of the queries that are not padding."""
    places: Tensor
    """(N',) where in the row those queries stand."""


@dataclass(frozen=True, slots=True)
class TreeLayout:
    """Who attends to whom in a packed row."""

    generations: tuple[Generation, ...]

    @staticmethod
    def of(roots: Sequence[Family], families: Sequence[Sequence[Family]], device: torch.device) -> TreeLayout:
        """Lay out the roots and the families below them, one list per depth."""
        return TreeLayout((_roots(roots, device), *(_generation(each, device) for each in families)))


def _roots(roots: Sequence[Family], device: torch.device) -> Generation:
    queries, real, places = _padded([root.children[0] for root in roots], device)
    return Generation(queries, queries, None, real, places)


def _generation(families: Sequence[Family], device: torch.device) -> Generation:
    queries, real, places = _padded([_joined(family.children) for family in families], device)
    keys, _, _ = _padded([_joined((*family.path, *family.children)) for family in families], device)
    mask = torch.zeros(len(families), queries.shape[1], keys.shape[1], dtype=torch.bool)
    for index, family in enumerate(families):
        behind = sum(map(len, family.path))
        start = 0
        for child in family.children:
            end = start + len(child)
            mask[index, start:end, :behind] = True
            mask[index, start:end, behind + start : behind + end] = torch.ones(len(child), len(child)).tril().bool()
            start = end
        mask[index, start:, 0] = True  # a padded query has to look somewhere, or its softmax is NaN
    return Generation(queries, keys, mask[:, None].to(device), real, places)


def _joined(stretches: Sequence[range]) -> list[int]:
    return [place for stretch in stretches for place in stretch]


def _padded(rows: Sequence[Sequence[int]], device: torch.device) -> tuple[Tensor, Tensor, Tensor]:
    longest = max(map(len, rows))
    padded = torch.zeros(len(rows), longest, dtype=torch.long)
    for index, row in enumerate(rows):
        padded[index, : len(row)] = torch.tensor(row)
    lengths = torch.tensor([len(row) for row in rows])
    real = (torch.arange(longest)[None] < lengths[:, None]).flatten().nonzero()[:, 0]
    return padded.to(device), real.to(device), padded.flatten()[real].to(device)


def tree_attention(query: Tensor, key: Tensor, value: Tensor, layout: TreeLayout, scaling: float | None) -> Tensor:
    """Attend along the paths of `layout`.

    Args:
        query: (1, H, N, D); key and value: (1, H_kv, N, D), with H a multiple of H_kv.

    Returns:
        (1, N, H, D).
    """
    grouped = query.shape[1] != key.shape[1]
    result = query.new_empty(query.shape[2], query.shape[1], query.shape[3])
    query, key, value = query[0].transpose(0, 1), key[0].transpose(0, 1), value[0].transpose(0, 1)
    for generation in layout.generations:
        attended = F.scaled_dot_product_attention(
            query[generation.queries].transpose(1, 2),
            key[generation.keys].transpose(1, 2),
            value[generation.keys].transpose(1, 2),
            attn_mask=generation.mask,
            is_causal=generation.mask is None,
            scale=scaling,
            enable_gqa=grouped,
        )
        flat = attended.transpose(1, 2).flatten(0, 1)
        result = result.index_copy(0, generation.places, flat[generation.real])
    return result[None]


def _attention(
    module: nn.Module,
    query: Tensor,
    key: Tensor,
    value: Tensor,
    attention_mask: Tensor | None,
    *,
    tree: TreeLayout | None = None,
    scaling: float | None = None,
    **others: Any,
) -> tuple[Tensor, None]:
    if tree is None:
        return sdpa_attention_forward(module, query, key, value, attention_mask, scaling=scaling, **others)
    return tree_attention(query, key, value, tree, scaling), None


_in_tree: ContextVar[bool] = ContextVar("in_tree", default=False)


@contextlib.contextmanager
def without_mask() -> Iterator[None]:
    """Keep transformers from making a mask over the whole packed row."""
    token = _in_tree.set(True)
    try:
        yield
    finally:
        _in_tree.reset(token)


def _mask(*args: Any, **others: Any) -> Tensor | None:
    return None if _in_tree.get() else sdpa_mask(*args, **others)


AttentionInterface.register(ATTENTION, _attention)
AttentionMaskInterface.register(ATTENTION, _mask)
