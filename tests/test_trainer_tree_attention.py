"""All layouts attend to a token's own path and to nothing else."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
import torch
from hypothesis import given, settings
from torch import Tensor
from transformers import LlamaForCausalLM, MambaConfig, MambaForCausalLM

from popi_sdk.errors import ConfigError
from tests.prefix_trees import TREES, a_family, lm, tokens
from trainer.logprobs import leaf_token_logprobs
from trainer.prefix_tree import Branch, pack
from trainer.tree_attention import ATTENTION, LayOut, Segment, TreeLayout, lay_out
from trainer.tree_attention.dense import Dense
from trainer.tree_attention.flex import BLOCK, Flex, blocks
from trainer.tree_attention.gathered import SPREAD, Gathered
from trainer.tree_attention.masked import masked_attention, stacked_heads
from trainer.tree_attention.segments import ancestors, joined, owners

CPU = torch.device("cpu")
SPLIT_ALIKE_DEEP = [
    Branch(tokens(5), (Branch(tokens(30)), Branch(tokens(31)), Branch(tokens(1)))),  # path shorter than its children
    Branch(tokens(90), (Branch(tokens(3)), Branch(tokens(4)))),  # path longer; a root of another size
    Branch(tokens(1), (Branch(tokens(1), (Branch(tokens(1), (Branch(tokens(1), (Branch(tokens(2)),)),)),)),)),
]
not_compiled = pytest.mark.filterwarnings("ignore:flex_attention called without torch.compile")


def segments_of(trees: Sequence[Branch]) -> list[Segment]:
    found: list[Segment] = []

    def keep(segments: Sequence[Segment], device: torch.device) -> TreeLayout:
        found.extend(segments)
        return lay_out(segments, device)

    pack(trees, "cpu", keep)
    return found


def may_look(segments: Sequence[Segment]) -> Tensor:
    """(N, N), token by token: up the parents, and no further right than oneself."""
    count = segments[-1].end
    allowed = torch.zeros(count, count, dtype=torch.bool)
    for segment in segments:
        for place in range(segment.start, segment.end):
            allowed[place, segment.start : place + 1] = True
            parent = segment.parent
            while parent is not None:
                allowed[place, segments[parent].start : segments[parent].end] = True
                parent = segments[parent].parent
    return allowed


def plain_attention(query: Tensor, key: Tensor, value: Tensor, allowed: Tensor, scaling: float) -> Tensor:
    """The formula, with keys and values repeated for the heads that share them."""
    sharing = query.shape[1] // key.shape[1]
    key, value = key.repeat_interleave(sharing, 1), value.repeat_interleave(sharing, 1)
    scores = (query @ key.mT * scaling).masked_fill(~allowed, -torch.inf)
    return (scores.softmax(-1) @ value).transpose(1, 2)


def heads(count: int, key_value_heads: int, *, learn: bool = False) -> tuple[Tensor, Tensor, Tensor]:
    draw = torch.Generator().manual_seed(count)

    def some(number: int) -> Tensor:
        return torch.randn(1, number, count, 8, dtype=torch.float64, generator=draw).requires_grad_(learn)

    return some(4), some(key_value_heads), some(key_value_heads)


@not_compiled
@pytest.mark.parametrize("key_value_heads", [1, 2, 4])
@pytest.mark.parametrize("layout", [Gathered.of, Dense.of, Flex.of])
@pytest.mark.parametrize("trees", [a_family(), SPLIT_ALIKE_DEEP, SPLIT_ALIKE_DEEP[-1:]])
def test_every_layout_is_attention_along_the_path(trees: list[Branch], layout: LayOut, key_value_heads: int) -> None:
    segments = segments_of(trees)
    query, key, value = heads(segments[-1].end, key_value_heads)
    found = layout(segments, CPU).attend(query, key, value, 0.3)
    expected = plain_attention(query, key, value, may_look(segments), 0.3)
    torch.testing.assert_close(found, expected, rtol=1e-12, atol=1e-12)


@given(TREES)
@settings(max_examples=60, deadline=None)
def test_gathered_attention_and_its_gradients_are_exact_for_any_trees(trees: list[Branch]) -> None:
    segments = segments_of(trees)
    ours, theirs = (heads(segments[-1].end, 2, learn=True) for _ in range(2))
    found = Gathered.of(segments, CPU).attend(*ours, 0.3)
    expected = plain_attention(*theirs, may_look(segments), 0.3)
    torch.testing.assert_close(found, expected, rtol=1e-12, atol=1e-12)
    weights = torch.randn(found.shape, dtype=found.dtype, generator=torch.Generator().manual_seed(1))
    (found * weights).sum().backward()
    (expected * weights).sum().backward()
    for mine, other in zip(ours, theirs, strict=True):
        torch.testing.assert_close(mine.grad, other.grad, rtol=1e-11, atol=1e-11)


@not_compiled
@given(TREES)
@settings(max_examples=30, deadline=None)
def test_dense_and_flex_masks_allow_the_path_for_any_trees(trees: list[Branch]) -> None:
    segments = segments_of(trees)
    query, key, value = heads(segments[-1].end, 2)
    expected = plain_attention(query, key, value, may_look(segments), 0.3)
    assert torch.equal(Dense.of(segments, CPU).mask[0, 0], may_look(segments))
    torch.testing.assert_close(Flex.of(segments, CPU).attend(query, key, value, 0.3), expected, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("length", [BLOCK, 2 * BLOCK - 1, 5])
@pytest.mark.parametrize("more", [[], a_family()])
def test_blocks_cover_the_mask_and_whole_ones_are_whole(length: int, more: list[Branch]) -> None:
    branches = (Branch(tokens(length)), Branch(tokens(3, 1), (Branch(tokens(200, 2)),)))
    trees = [Branch(tokens(300), branches), *more]
    segments = segments_of(trees)
    partial, whole = blocks(owners(segments), ancestors(segments))
    allowed = may_look(segments)
    count = len(partial)
    for row in range(count):
        for column in range(count):
            block = allowed[row * BLOCK : (row + 1) * BLOCK, column * BLOCK : (column + 1) * BLOCK]
            assert bool(partial[row, column]) + bool(whole[row, column]) <= 1
            if block.any():
                assert partial[row, column] or whole[row, column]
            if whole[row, column]:
                assert block.shape == (BLOCK, BLOCK)
                assert block.all()
    assert whole.any()  # the root's first blocks, seen by those further down


def test_siblings_go_together_behind_a_long_path_and_apart_behind_a_short_one() -> None:
    long = Gathered.of(segments_of([Branch(tokens(20), (Branch(tokens(4)), Branch(tokens(5))))]), CPU)
    assert [tuple(call.keys.shape) for call in long.calls] == [(1, 20), (1, 29)]
    short = Gathered.of(segments_of([Branch(tokens(4), (Branch(tokens(20)), Branch(tokens(19))))]), CPU)
    assert [tuple(call.keys.shape) for call in short.calls] == [(1, 4), (2, 24)]


def test_no_family_is_padded_to_much_more_than_its_size() -> None:
    trees = [Branch(tokens(root), (Branch(tokens(own)),)) for root in (1, 5, 50, 60, 300) for own in (1, 7, 200)]
    segments = segments_of(trees)
    layout = Gathered.of(segments, CPU)
    real = sum(len(each) for each in segments) + sum(
        len(each) + len(segments[each.parent]) for each in segments if each.parent is not None
    )
    assert sum(call.keys.numel() for call in layout.calls) <= SPREAD * real


@pytest.mark.parametrize("key_value_heads", [1, 2, 4])
def test_stacked_heads_are_grouped_attention(key_value_heads: int) -> None:
    query, key, value = heads(9, key_value_heads)
    mask = torch.rand(1, 1, 9, 9, generator=torch.Generator().manual_seed(0)) > 0.4
    mask |= torch.eye(9, dtype=torch.bool)
    expected = plain_attention(query, key, value, mask[0, 0], 0.3).transpose(1, 2)
    for attention in (masked_attention, stacked_heads):
        torch.testing.assert_close(attention(query, key, value, mask, 0.3), expected, rtol=1e-12, atol=1e-12)


def test_queries_and_values_of_two_precisions_attend_in_the_lower_one() -> None:
    # Under autocast, float32 norms leave queries and keys in float32 while values come from a bfloat16 product.
    packed = pack(a_family())
    model = lm(dtype=torch.float32)
    expected = leaf_token_logprobs(model, packed)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        found = leaf_token_logprobs(model, packed)
    assert found.dtype == torch.float32
    assert (found - expected).abs().max() < 0.02 * expected.abs().max()


def test_a_model_without_tree_attention_is_refused() -> None:
    model = LlamaForCausalLM._from_config(lm("llama").config, attn_implementation="sdpa").eval()
    with pytest.raises(ConfigError, match="LlamaForCausalLM has 2 layers, of which 0 attend along") as refused:
        leaf_token_logprobs(model, pack(a_family()))
    assert ATTENTION in str(refused.value.hint)


def test_a_model_without_attention_is_refused() -> None:
    config = MambaConfig(vocab_size=50, hidden_size=16, num_hidden_layers=2, state_size=4, pad_token_id=0)
    with pytest.raises((ConfigError, TypeError)):
        leaf_token_logprobs(MambaForCausalLM(config).eval(), pack(a_family()))


def test_without_a_tree_the_model_is_what_it_was() -> None:
    model = lm("llama", dtype=torch.float32)
    other = LlamaForCausalLM._from_config(model.config, attn_implementation="sdpa").eval()
    other.load_state_dict(model.state_dict())
    ids = torch.tensor([tokens(9), [0] * 3 + tokens(6)])
    mask = torch.tensor([[1] * 9, [0] * 3 + [1] * 6])
    found, expected = (each(input_ids=ids, attention_mask=mask).logits[mask.bool()] for each in (model, other))
    torch.testing.assert_close(found, expected, rtol=1e-5, atol=1e-5)
    found, expected = (each(input_ids=ids[:1]).logits for each in (model, other))
    assert torch.equal(found, expected)


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
@pytest.mark.parametrize("layout", [Gathered.of, Dense.of, Flex.of])
def test_layouts_agree_on_a_gpu(layout: LayOut) -> None:
    segments = segments_of(SPLIT_ALIKE_DEEP + a_family())
    device = torch.device("cuda")
    plain = [each.detach().float() for each in heads(segments[-1].end, 2)]
    # FlexAttention wants heads of 16 or more.
    query, key, value = (torch.cat([each, each], -1).to(device, torch.bfloat16).requires_grad_() for each in plain)
    twins = [each.detach().double().requires_grad_() for each in (query, key, value)]
    found = layout(segments, device).attend(query, key, value, 0.3)
    expected = plain_attention(*twins, may_look(segments).to(device), 0.3)
    assert (found - expected).abs().max() < 1e-2 * expected.abs().max()
    found.double().square().sum().backward()
    expected.square().sum().backward()
    for mine, other in zip((query, key, value), twins, strict=True):
        assert mine.grad is not None
        assert other.grad is not None
        assert (mine.grad - other.grad).abs().max() < 2e-2 * other.grad.abs().max()


def test_a_chain_is_one_causal_branch_without_a_mask():
    chain = Branch(tokens(4), (Branch(tokens(2), (Branch(tokens(3)),)),))
    calls = Gathered.of(segments_of([chain, chain]), CPU).calls
    assert [(call.queries.shape, call.mask) for call in calls] == [((2, 9), None)]


def test_only_children_that_stand_elsewhere_are_not_joined():
    two_with_children = Branch(
        tokens(2), (Branch(tokens(1), (Branch(tokens(3)),)), Branch(tokens(1), (Branch(tokens(4)),)))
    )
    before = segments_of([two_with_children])
    after = joined(before)
    assert [(one.start, one.end, one.parent) for one in after] == [
        (0, 2, None),
        (2, 3, 0),
        (3, 4, 0),
        (4, 7, 1),
        (7, 11, 2),
    ]
    assert torch.equal(may_look(before), may_look(after))
