"""Four roles on as few weights as they need: who learns, who stays, and what is refused."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor
from transformers import (
    BloomConfig,
    BloomForCausalLM,
    Gemma2Config,
    Gemma2ForCausalLM,
    MistralConfig,
    MistralForCausalLM,
    PreTrainedModel,
)

from popi_sdk.errors import ConfigError
from tests.prefix_trees import a_family, furthest
from tests.tiny_models import save_tiny
from trainer.config import ModelConfig
from trainer.logprobs import leaf_token_logprobs
from trainer.models import (
    Models,
    Policy,
    load_language_model,
    load_models,
    restore_learner,
    save_learner,
    weights_digest,
)
from trainer.prefix_tree import pack

CPU = torch.device("cpu")
ROLES = ("summarizer", "generator", "anchor", "reference")
SMALL = {"vocab_size": 60, "hidden_size": 16, "intermediate_size": 16, "num_hidden_layers": 2, "num_attention_heads": 2}
IDS = {"bos_token_id": 1, "eos_token_id": 2, "pad_token_id": 0}


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_tiny(tmp_path_factory.mktemp("base") / "tiny")


@pytest.fixture(params=[0, 4], ids=["full", "lora"])
def models(request: pytest.FixtureRequest, base: Path) -> Models:
    return load_models(ModelConfig(lora_rank=request.param), base, CPU)


def said(policy: Policy) -> Tensor:
    """What this role thinks of some trees."""
    with torch.no_grad():
        values: Tensor = policy(lambda lm: leaf_token_logprobs(lm, pack(a_family())))
    return values


def learn(policy: Policy, steps: int = 2) -> None:
    """Two steps: a fresh adapter's first half has no gradient before its second half has moved."""
    parameters = list(policy.learned().values())
    optimizer = torch.optim.SGD(parameters, lr=0.5)
    for _ in range(steps):
        loss: Tensor = -policy(lambda lm: leaf_token_logprobs(lm, pack(a_family()))).mean()
        loss.backward()
        optimizer.step()
        optimizer.zero_grad()


def weights(models: Models) -> dict[str, Tensor]:
    """Copies of all weights of all roles."""
    return {
        f"{role} {name}": value.detach().clone()
        for role in ROLES
        for name, value in getattr(models, role).lm.named_parameters()
    }


def test_all_roles_start_alike(models: Models, base: Path) -> None:
    plain = said(Policy(load_language_model(base, CPU, torch.float32), learns=False))
    for role in ROLES:
        assert torch.equal(said(getattr(models, role)), plain)


@pytest.mark.parametrize("learner", ["summarizer", "generator"])
def test_a_learner_moves_all_it_learns_and_nothing_else(models: Models, learner: str) -> None:
    before, others = weights(models), {role: said(getattr(models, role)) for role in ROLES if role != learner}
    policy: Policy = getattr(models, learner)
    learn(policy)
    mine = {id(parameter) for parameter in policy.learned().values()}
    assert mine
    for role in ROLES:
        for name, value in getattr(models, role).lm.named_parameters():
            moved = not torch.equal(before[f"{role} {name}"], value)
            assert moved == (id(value) in mine), f"{role} {name}"
    for role, expected in others.items():
        assert torch.equal(said(getattr(models, role)), expected), role


def test_no_gradient_leaks_into_another_role(models: Models) -> None:
    generator, summarizer = models.generator, models.summarizer
    said(summarizer)
    (-generator(lambda lm: leaf_token_logprobs(lm, pack(a_family()))).mean()).backward()
    learned = {id(parameter) for parameter in generator.learned().values()}
    for role in ROLES:
        for name, value in getattr(models, role).lm.named_parameters():
            assert value.grad is None or id(value) in learned, f"{role} {name}"
    assert all(parameter.grad is not None for parameter in generator.learned().values())


def test_full_training_learns_all_weights_and_adapters_a_few(base: Path) -> None:
    full = load_models(ModelConfig(), base, CPU)
    assert len(full.generator.learned()) == len(list(full.generator.lm.parameters()))
    adapters = load_models(ModelConfig(lora_rank=4), base, CPU)
    assert all(".generator." in name and ".lora_" in name for name in adapters.generator.learned())
    assert adapters.anchor.learned() == adapters.reference.learned() == full.anchor.learned() == {}
    assert len({id(getattr(adapters, role).lm) for role in ROLES}) == 1
    assert len({id(getattr(full, role).lm) for role in ROLES}) == 4


def test_the_start_is_what_anchor_and_reference_keep(models: Models, base: Path, tmp_path: Path) -> None:
    for learner in ("summarizer", "generator"):
        learn(getattr(models, learner))
        save_learner(getattr(models, learner), tmp_path / learner)
    learn(models.generator, steps=1)
    rank = 4 if models.generator.adapter else 0
    warm = load_models(ModelConfig(lora_rank=rank), base, CPU, start=tmp_path)
    assert torch.equal(said(warm.anchor), said(models.summarizer))
    assert not any(p.requires_grad for name, p in warm.anchor.lm.named_parameters() if rank == 0 or ".anchor." in name)
    assert torch.equal(said(warm.anchor), said(warm.summarizer))
    assert torch.equal(said(warm.reference), said(warm.generator))
    assert not torch.equal(said(warm.reference), said(models.generator))
    kept = said(warm.reference)
    learn(warm.generator)
    assert torch.equal(said(warm.reference), kept)
    assert not torch.equal(said(warm.generator), kept)


def test_what_was_saved_can_be_restored(models: Models, tmp_path: Path) -> None:
    learn(models.generator)
    expected = said(models.generator)
    save_learner(models.generator, tmp_path)
    learn(models.generator)
    assert not torch.equal(said(models.generator), expected)
    restore_learner(models.generator, tmp_path)
    assert torch.equal(said(models.generator), expected)


def test_a_digest_is_of_the_weights_a_role_computes_with(models: Models) -> None:
    before = {role: weights_digest(getattr(models, role)) for role in ROLES}
    learn(models.generator)
    after = {role: weights_digest(getattr(models, role)) for role in ROLES}
    assert {role for role in ROLES if before[role] != after[role]} == {"generator"}


@pytest.mark.parametrize("rank", [0, 4])
def test_recomputing_layers_changes_no_gradient(base: Path, rank: int) -> None:
    models = load_models(ModelConfig(lora_rank=rank, gradient_checkpointing=True), base, CPU)
    learn(models.generator)
    found = []
    for recomputing in (True, False):
        models.generator.lm.train(recomputing)
        loss: Tensor = -models.generator(lambda lm: leaf_token_logprobs(lm, pack(a_family()))).mean()
        loss.backward()
        found.append({name: p.grad for name, p in models.generator.learned().items() if p.grad is not None})
        for parameter in models.generator.learned().values():
            parameter.grad = None
    assert found[0].keys() == models.generator.learned().keys()
    assert furthest(found[0], found[1]) < 1e-6


def test_dropout_is_off(tmp_path: Path) -> None:
    config = MistralConfig(**SMALL, **IDS, num_key_value_heads=1, sliding_window=None, attention_dropout=0.5)
    MistralForCausalLM(config).save_pretrained(tmp_path)
    lm = load_language_model(tmp_path, CPU, torch.float32).train()
    first, second = (leaf_token_logprobs(lm, pack(a_family())) for _ in range(2))
    assert torch.equal(first, second)


def _mistral(window: int | None) -> PreTrainedModel:
    config = MistralConfig(**SMALL, **IDS, num_key_value_heads=1, sliding_window=window, max_position_embeddings=128)
    return MistralForCausalLM(config)


def _gemma(**changes: Any) -> PreTrainedModel:
    layers = ["full_attention", "full_attention"]
    config = Gemma2Config(**{**SMALL, **IDS, "num_key_value_heads": 1, "head_dim": 8, "layer_types": layers, **changes})
    return Gemma2ForCausalLM(config)


@pytest.mark.parametrize(
    ("made", "said"),
    [
        (lambda: _mistral(16), "a sliding window of 16 tokens"),
        (lambda: _gemma(), "final_logit_softcapping, attn_logit_softcapping"),
        (
            lambda: _gemma(
                final_logit_softcapping=None,
                attn_logit_softcapping=None,
                layer_types=["sliding_attention", "full_attention"],
            ),
            "layers of kind sliding_attention",
        ),
        (lambda: BloomForCausalLM(BloomConfig(vocab_size=60, hidden_size=16, n_layer=2, n_head=2)), "of its own"),
    ],
)
def test_a_model_that_trees_do_not_reproduce_is_refused(made: Any, said: str, tmp_path: Path) -> None:
    made().save_pretrained(tmp_path)
    with pytest.raises(ConfigError, match=said) as refused:
        load_language_model(tmp_path, CPU, torch.float32)
    assert refused.value.hint


@pytest.mark.parametrize("window", [None, 128, 4096])
def test_a_sliding_window_as_long_as_the_models_own_is_none(window: int | None, tmp_path: Path) -> None:
    _mistral(window).save_pretrained(tmp_path)
    lm = load_language_model(tmp_path, CPU, torch.float32)
    assert leaf_token_logprobs(lm, pack(a_family())).isfinite().all()


def test_a_place_without_a_model_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="no causal language model can be loaded"):
        load_language_model(tmp_path / "nothing", CPU, torch.float32)
