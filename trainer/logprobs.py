"""Log-probabilities of the leaves of packed prefix trees under a causal language model."""

from __future__ import annotations

from typing import cast

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint
from transformers import PreTrainedModel

from trainer.prefix_tree import PackedTrees
from trainer.tree_attention import tree_pass

CHUNK_ELEMENTS = 1 << 25
"""Logits held at once, as a number of entries: 128 MiB in float32."""


def leaf_token_logprobs(lm: PreTrainedModel, packed: PackedTrees, *, temperature: float = 1.0) -> Tensor:
    """Log-probability of every scored token of `packed`, given its path: (M,), float32 or the model's float64.

    `lm` must have been loaded or switched to the attention `trainer.tree_attention.ATTENTION`.

    Raises:
        ConfigError: its layers do not attend along the trees.
    """
    with tree_pass(lm):
        output = lm.get_decoder()(
            input_ids=packed.ids,
            position_ids=packed.positions,
            attention_mask=None,
            use_cache=False,
            tree=packed.layout,
        )
    return token_logprobs(
        output.last_hidden_state[0, packed.sources], lm.get_output_embeddings(), packed.targets, temperature
    )


def token_logprobs(hidden: Tensor, head: nn.Module, targets: Tensor, temperature: float = 1.0) -> Tensor:
    """Log-probability of `targets` (M,) from hidden states (M, d), a chunk of the vocabulary's logits at a time.

    Full logits of a long batch would be the largest tensor of a step; each chunk is made again in the backward pass.
    """
    vocabulary = cast("int", getattr(head, "out_features", None) or head.weight.shape[0])  # type: ignore[index]
    rows = max(1, CHUNK_ELEMENTS // vocabulary)
    if len(targets) <= rows:
        return _chunk(hidden, head, targets, temperature)
    chunks = [
        checkpoint(_chunk, some, head, theirs, temperature, use_reentrant=False, preserve_rng_state=False)
        for some, theirs in zip(hidden.split(rows), targets.split(rows), strict=True)
    ]
    return torch.cat(cast("list[Tensor]", chunks))


def _chunk(hidden: Tensor, head: nn.Module, targets: Tensor, temperature: float) -> Tensor:
    logits = head(hidden)
    logits = logits if logits.dtype == torch.float64 else logits.float()
    return -F.cross_entropy(logits / temperature, targets, reduction="none")
