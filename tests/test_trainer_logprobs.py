"""Packed log-probabilities, margins and gradients are those of one row per leaf."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from hypothesis import given, settings
from torch import Tensor

from tests.prefix_trees import TREES, a_family, by_rows, furthest, gradients, lm, tokens
from trainer import logprobs
from trainer.logprobs import leaf_token_logprobs, token_logprobs
from trainer.losses import margin, preference_loss
from trainer.models import load_language_model
from trainer.prefix_tree import Branch, pack

MODELS = [("llama", 1), ("llama", 4), ("qwen3", 2)]


@pytest.mark.parametrize(("architecture", "key_value_heads"), MODELS)
@pytest.mark.parametrize("temperature", [1.0, 0.7])
def test_packed_log_probabilities_and_gradients_are_those_of_rows(
    architecture: str, key_value_heads: int, temperature: float
) -> None:
    model = lm(architecture, key_value_heads=key_value_heads)
    found = leaf_token_logprobs(model, pack(a_family()), temperature=temperature)
    expected = torch.cat(by_rows(model, a_family(), temperature))
    assert found.dtype == torch.float64
    torch.testing.assert_close(found, expected, rtol=0, atol=1e-9)
    weights = torch.randn(len(found), dtype=torch.float64, generator=torch.Generator().manual_seed(2))
    ours, theirs = gradients(model, (found * weights).sum()), gradients(model, (expected * weights).sum())
    assert furthest(ours, theirs) < 1e-9


def test_single_precision_agrees_to_five_digits() -> None:
    model = lm(dtype=torch.float32)
    packed = pack(a_family())
    found = packed.per_leaf(leaf_token_logprobs(model, packed))
    expected = torch.stack([each.sum() for each in by_rows(model, a_family())])
    torch.testing.assert_close(found, expected.double(), rtol=1e-5, atol=0)
    assert furthest(gradients(model, found.sum()), gradients(model, expected.sum())) < 1e-5


@given(TREES)
@settings(max_examples=25, deadline=None)
def test_any_trees_give_what_their_rows_give(trees: list[Branch]) -> None:
    model = lm()
    with torch.no_grad():
        found = leaf_token_logprobs(model, pack(trees))
        torch.testing.assert_close(found, torch.cat(by_rows(model, trees)), rtol=0, atol=1e-9)


@given(TREES)
@settings(max_examples=15, deadline=None)
def test_trees_do_not_notice_each_other(trees: list[Branch]) -> None:
    model = lm()
    with torch.no_grad():
        together = leaf_token_logprobs(model, pack([*trees, *a_family()]))
        alone = [leaf_token_logprobs(model, pack([tree])) for tree in [*trees, *a_family()]]
    torch.testing.assert_close(together, torch.cat(alone), rtol=0, atol=1e-11)


@pytest.mark.parametrize("loss", ["dpo", "ipo"])
def test_margins_rewards_and_gradients_of_packed_pairs_are_those_of_four_passes(loss: str) -> None:
    policy, reference = lm(), lm("llama")
    pairs = [(tokens(9, 1), tokens(4, 2)), (tokens(3, 3), tokens(11, 4))]
    questions = [tokens(5, 5), tokens(2, 6)]
    summary = tokens(8, 7)
    tree = Branch(
        summary,
        tuple(
            Branch(question, (Branch(chosen), Branch(rejected)))
            for question, (chosen, rejected) in zip(questions, pairs, strict=True)
        ),
    )

    def of(answer: int, shown: list[int], model: torch.nn.Module) -> Tensor:
        rows = [
            Branch([*shown, *question], (Branch(pair[answer]),))
            for question, pair in zip(questions, pairs, strict=True)
        ]
        return torch.stack([each.sum() for each in by_rows(model, rows)])  # type: ignore[arg-type]

    with torch.no_grad():
        known = [of(answer, [], reference) for answer in (0, 1)]
    packed = pack([tree])
    scores = packed.per_leaf(leaf_token_logprobs(policy, packed)).view(-1, 2)
    found = margin(scores[:, 0], scores[:, 1], *known)
    expected = margin(of(0, summary, policy), of(1, summary, policy), *known)
    torch.testing.assert_close(found, expected, rtol=0, atol=1e-9)
    rewards, theirs = (-preference_loss(each, loss, 0.1).mean() for each in (found, expected))  # type: ignore[arg-type]
    torch.testing.assert_close(rewards, theirs, rtol=1e-9, atol=0)
    assert furthest(gradients(policy, -rewards), gradients(policy, -theirs)) < 1e-9


def test_only_scored_tokens_and_their_paths_have_a_gradient() -> None:
    model = lm(tied=False)
    grad = gradients(model, leaf_token_logprobs(model, pack([Branch([2, 3], (Branch([4, 5]),))])).sum())
    embedded = grad["model.embed_tokens.weight"].abs().sum(1).nonzero()[:, 0]
    assert embedded.tolist() == [2, 3, 4]  # nothing is predicted from the last token


def test_recomputed_layers_still_follow_the_tree(tmp_path: Path) -> None:
    lm("llama", dtype=torch.float32).save_pretrained(tmp_path)
    plain = load_language_model(tmp_path, torch.device("cpu"), torch.float32)
    saving = load_language_model(tmp_path, torch.device("cpu"), torch.float32, checkpointing=True)
    layers: list[int] = []
    saving.get_decoder().layers[1].self_attn.register_forward_hook(lambda *_: layers.append(1))
    packed = pack(a_family())
    expected, found = leaf_token_logprobs(plain, packed), leaf_token_logprobs(saving, packed)
    assert torch.equal(found, expected)
    assert furthest(gradients(saving, found.sum()), gradients(plain, expected.sum())) < 1e-6
    assert len(layers) == 2  # forward, and again in the backward pass


@pytest.mark.parametrize("rows", [1, 7, 16])
def test_a_chunked_vocabulary_changes_neither_values_nor_gradients(rows: int, monkeypatch: pytest.MonkeyPatch) -> None:
    model = lm()
    packed = pack(a_family())
    whole = leaf_token_logprobs(model, packed, temperature=0.8)
    expected = gradients(model, whole.square().sum())
    monkeypatch.setattr(logprobs, "CHUNK_ELEMENTS", rows * 50)
    parts = leaf_token_logprobs(model, packed, temperature=0.8)
    torch.testing.assert_close(parts, whole, rtol=0, atol=1e-12)
    assert furthest(gradients(model, parts.square().sum()), expected) < 1e-12


def test_no_more_logits_are_made_at_once_than_allowed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(logprobs, "CHUNK_ELEMENTS", 3 * 50 + 49)
    head = torch.nn.Linear(4, 50, bias=False)
    seen: list[int] = []
    head.register_forward_hook(lambda _module, _inputs, output: seen.append(len(output)))
    token_logprobs(torch.randn(8, 4), head, torch.arange(8))
    assert seen == [3, 3, 2]


def test_log_probabilities_worked_out_by_hand() -> None:
    head = torch.nn.Linear(1, 2, bias=False)
    with torch.no_grad():
        head.weight.copy_(torch.tensor([[0.0], [1.0]]))
    hidden = torch.tensor([[0.0], [2.0]])
    found = token_logprobs(hidden, head, torch.tensor([0, 0]))
    # Equal logits: log 1/2. Logits 0 and 2: -log(1 + e^2) = -2.126928.
    torch.testing.assert_close(found, torch.tensor([-0.693147, -2.126928]), rtol=0, atol=1e-6)
    # At temperature 2 the logits are 0 and 1: -log(1 + e) = -1.313262.
    found = token_logprobs(hidden, head, torch.tensor([0, 0]), 2.0)
    torch.testing.assert_close(found, torch.tensor([-0.693147, -1.313262]), rtol=0, atol=1e-6)


def test_half_precision_gives_log_probabilities_in_single_precision() -> None:
    model = lm("llama", dtype=torch.bfloat16)
    packed = pack(a_family())
    with torch.no_grad():
        values = leaf_token_logprobs(model, packed)
        exact = torch.stack([each.sum() for each in by_rows(model.float(), a_family())])
    assert values.dtype == torch.float32
    found = packed.per_leaf(values).float()
    torch.testing.assert_close(found, exact, rtol=1e-2, atol=0)


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
def test_half_precision_on_a_gpu_is_within_a_hundredth_of_rows() -> None:
    model = lm("llama", dtype=torch.bfloat16).to("cuda")  # type: ignore[arg-type]
    packed = pack(a_family(), "cuda")
    found = packed.per_leaf(leaf_token_logprobs(model, packed))
    ours = gradients(model, found.sum())
    expected = torch.stack([each.sum() for each in by_rows(model.float(), a_family())])
    torch.testing.assert_close(found, expected, rtol=1e-2, atol=0)
    assert furthest(ours, {name: value.bfloat16() for name, value in gradients(model, expected.sum()).items()}) < 2e-2
