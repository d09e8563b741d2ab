"""Attention along the paths of prefix trees, registered with transformers under the name `ATTENTION`.

gathered   every family of siblings attends to the keys of its path, gathered once; exact, and the one that is used
dense      one mask over the whole row, for comparison
flex       FlexAttention with a block mask, for GPUs

`lay_out` says which one a device gets. Without a tree the registered function is scaled dot-product attention.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Sequence
from contextvars import ContextVar
from typing import Any, TypeAlias

import torch
from torch import Tensor, nn
from transformers import AttentionInterface, PreTrainedModel
from transformers.integrations.sdpa_attention import sdpa_attention_forward
from transformers.masking_utils import AttentionMaskInterface, sdpa_mask

from popi_sdk.errors import ConfigError
from trainer.tree_attention.gathered import Gathered
from trainer.tree_attention.masked import masked_attention
from trainer.tree_attention.segments import Segment, TreeLayout

__all__ = ["ATTENTION", "LayOut", "Segment", "TreeLayout", "lay_out", "tree_pass"]

ATTENTION = "popi_prefix_tree"
"""Load or switch a model to this attention implementation before it is given trees."""

LayOut: TypeAlias = Callable[[Sequence[Segment], torch.device], TreeLayout]


def lay_out(segments: Sequence[Segment], device: torch.device) -> TreeLayout:
    """The layout for `device`: always the same one, since timing at run time would make runs differ.

    On CPUs `gathered` was the fastest at every size tried (`benchmarks/tree_attention.py` prints the table, and takes
    `--device cuda`). On GPUs it is the choice that needs no compilation.
    """
    return Gathered.of(segments, device)


@contextlib.contextmanager
def tree_pass(lm: PreTrainedModel) -> Iterator[None]:
    """Around a forward pass over packed trees: no mask over the row is made, and every layer has to follow the tree.

    Raises:
        ConfigError: some layer did not, so what came out is worthless.
    """
    layers: list[TreeLayout | None] = []
    token = _layers.set(layers)
    try:
        yield
    finally:
        _layers.reset(token)
    expected = lm.config.get_text_config().num_hidden_layers
    followed = sum(layer is not None for layer in layers)
    if followed != expected:
        raise ConfigError(
            f"{type(lm).__name__} has {expected} layers, of which {followed} attend along prefix trees",
            hint=f'Load it with attn_implementation="{ATTENTION}"; it must have attention in every layer.',
        )


_layers: ContextVar[list[TreeLayout | None] | None] = ContextVar("layers", default=None)
"""What each layer was given in the tree pass that is under way."""


def _attention(
    module: nn.Module,
    query: Tensor,
    key: Tensor,
    value: Tensor,
    attention_mask: Tensor | None,
    *,
    tree: TreeLayout | None = None,
    scaling: float | None = None,
    dropout: float = 0.0,
    **others: Any,
) -> tuple[Tensor, None]:
    layers = _layers.get()
    if layers is not None:
        layers.append(tree)
    if tree is not None:
        return tree.attend(query, key, value, scaling), None
    if attention_mask is None:
        return sdpa_attention_forward(module, query, key, value, None, scaling=scaling, dropout=dropout, **others)
    return masked_attention(query, key, value, attention_mask, scaling, dropout).transpose(1, 2), None


def _mask(*args: Any, **others: Any) -> Tensor | None:
    return None if _layers.get() is not None else sdpa_mask(*args, **others)


AttentionInterface.register(ATTENTION, _attention)
AttentionMaskInterface.register(ATTENTION, _mask)
