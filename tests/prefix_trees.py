"""Prefix trees for tests: random ones, the rows they stand for, and models whose arithmetic is exact enough."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence

import torch
from hypothesis import strategies as st
from torch import Tensor, nn
from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedModel, Qwen3Config, Qwen3ForCausalLM

from trainer.prefix_tree import Branch
from trainer.tree_attention import ATTENTION

VOCABULARY = 50
SHAPE = {
    "vocab_size": VOCABULARY,
    "hidden_size": 32,
    "intermediate_size": 48,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "head_dim": 8,
    "max_position_embeddings": 512,
    "initializer_range": 0.2,  # large enough for a token to matter to all that follow
    "bos_token_id": None,
    "eos_token_id": 1,
    "pad_token_id": 0,
}

_tokens = st.lists(st.integers(0, VOCABULARY - 1), min_size=1, max_size=6)
_branches = st.recursive(
    st.builds(Branch, _tokens),
    lambda inner: st.builds(Branch, _tokens, st.lists(inner, min_size=1, max_size=3).map(tuple)),
    max_leaves=6,
)
TREES = st.lists(
    st.builds(Branch, _tokens, st.lists(_branches, min_size=1, max_size=3).map(tuple)), min_size=1, max_size=3
)
"""Batches of trees of unequal depth; single tokens, only children and equal siblings among them."""


def lm(
    architecture: str = "qwen3", *, key_value_heads: int = 2, dtype: torch.dtype = torch.float64, tied: bool = True
) -> PreTrainedModel:
    """Random weights; in float64 really computed in float64."""
    shape = {**SHAPE, "num_key_value_heads": key_value_heads, "tie_word_embeddings": tied}
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        made: PreTrainedModel
        if architecture == "llama":
            made = LlamaForCausalLM._from_config(LlamaConfig(**shape), attn_implementation=ATTENTION)
        else:
            made = Qwen3ForCausalLM._from_config(Qwen3Config(**shape), attn_implementation=ATTENTION)
    made = made.to(dtype).eval()
    if dtype == torch.float64:
        _norms_in_their_own_precision(made)
    return made


def tokens(count: int, seed: int = 0) -> list[int]:
    """Random ones, neither padding nor the end."""
    return random.Random(f"{seed} {count}").choices(range(2, VOCABULARY), k=count)


def a_family() -> list[Branch]:
    """What a step packs: samples behind a prompt, and questions with two answers each behind a summary."""
    prompt = Branch(tokens(40), tuple(Branch(tokens(length, 1)) for length in (3, 9, 1)))
    answers = tuple((Branch(tokens(12, one)), Branch(tokens(5, one))) for one in range(4))
    return [prompt, Branch(tokens(7), tuple(Branch(tokens(4, one), pair) for one, pair in enumerate(answers)))]


def paths(trees: Sequence[Branch]) -> Iterator[tuple[list[int], int]]:
    """The whole text of each leaf, and how many tokens of it are the leaf's own."""
    for tree in trees:
        yield from _paths(tree, [])


def by_rows(lm: PreTrainedModel, trees: Sequence[Branch], temperature: float = 1.0) -> list[Tensor]:
    """Log-probabilities of each leaf's tokens from a pass of its own, through the model's own logits."""
    found = []
    for text, own in paths(trees):
        ids = torch.tensor([text], device=lm.device)
        logits = lm(input_ids=ids, use_cache=False).logits[0, -own - 1 : -1]
        logits = logits if logits.dtype == torch.float64 else logits.float()
        found.append((logits / temperature).log_softmax(-1).gather(1, ids[0, -own:, None])[:, 0])
    return found


def gradients(lm: nn.Module, loss: Tensor) -> dict[str, Tensor]:
    """The gradient of `loss` in each parameter, and none left behind."""
    lm.zero_grad()
    loss.backward()
    found = {name: p.grad.clone() for name, p in lm.named_parameters() if p.grad is not None}
    lm.zero_grad()
    return found


def furthest(found: dict[str, Tensor], expected: dict[str, Tensor]) -> float:
    """The largest difference over the largest entry."""
    assert found.keys() == expected.keys()
    largest = max(value.abs().max().item() for value in expected.values())
    return max((found[name] - value).abs().max().item() for name, value in expected.items()) / largest


def _paths(branch: Branch, before: list[int]) -> Iterator[tuple[list[int], int]]:
    text = [*before, *branch.tokens]
    if not branch.children:
        yield text, len(branch.tokens)
    for child in branch.children:
        yield from _paths(child, text)


def _norms_in_their_own_precision(lm: nn.Module) -> None:
    """transformers' RMSNorm computes in float32 whatever the weights are, which would hide differences below 1e-7."""
    for parent in list(lm.modules()):
        for name, norm in list(parent.named_children()):
            if type(norm).__name__.endswith("RMSNorm") and not isinstance(norm, nn.RMSNorm):
                exact = nn.RMSNorm(norm.weight.shape[0], norm.variance_epsilon, dtype=norm.weight.dtype)
                exact.weight = norm.weight
                setattr(parent, name, exact)
