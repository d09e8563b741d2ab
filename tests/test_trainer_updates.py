"""A step's two gradients and its rewards, against plain formulas over one row per answer."""

from __future__ import annotations

import random
from pathlib import Path

import pytest
import torch
from torch import Tensor

from popi_sdk.summary import NOTHING, Clause, Summary
from popi_sdk.templates import default_templates
from tests.prefix_trees import by_rows, furthest
from tests.tiny_models import WINDOW, save_tiny
from trainer.config import ModelConfig, ObjectiveConfig, WorldConfig
from trainer.encode import Encoder
from trainer.errors import DivergedError
from trainer.losses import group_advantages, k3, margin, policy_loss, preference_loss
from trainer.models import Models, Policy, load_models, save_learner
from trainer.prefix_tree import Branch
from trainer.reference import ReferenceLogprobs
from trainer.rollouts import Group
from trainer.updates import Judged, SummarizerUpdate, generator_pass
from trainer.world import world_examples

CPU = torch.device("cpu")
USERS, SAMPLES = 8, 2
WORDS = ("Use a formal tone.", "Answer in bullet points.", "Be brief.", "Tell a personal story.", "Warn about risks.")


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_tiny(tmp_path_factory.mktemp("base") / "tiny")


@pytest.fixture(scope="module")
def encoder(base: Path) -> Encoder:
    tokenizer = load_models(ModelConfig(), base, CPU).tokenizer
    return Encoder(tokenizer, default_templates(), window=WINDOW, input_tokens=200, max_summary_tokens=40)


@pytest.fixture(scope="module")
def groups(encoder: Encoder) -> list[Group]:
    draw = random.Random(0)
    made = []
    for number, example in enumerate(world_examples(WorldConfig(pairs=2), "train", USERS, seed=0)):
        texts = [draw.choice(WORDS) for _ in range(SAMPLES)]
        made.append(
            Group(
                example=example,
                prompt=encoder.summarizer_prompt(example)[-60:],  # short, for speed
                samples=[encoder.summary_ids(text) for text in texts],
                summaries=[Summary(clauses=(Clause(text),)) for text in texts],
                pairs=example.pairs,
                plain=number in (2, 5),
            )
        )
    return made


@pytest.fixture(params=[0, 4], ids=["full", "lora"])
def models(request: pytest.FixtureRequest, base: Path) -> Models:
    """Learners that have already left their start."""
    loaded = load_models(ModelConfig(lora_rank=request.param), base, CPU)
    draw = torch.Generator().manual_seed(1)
    with torch.no_grad():
        for policy in loaded.learners.values():
            for parameter in policy.learned().values():
                parameter += 0.02 * torch.randn(parameter.shape, generator=draw)
    return loaded


def judge(
    models: Models, encoder: Encoder, groups: list[Group], objective: ObjectiveConfig, *, microbatch: int = 8
) -> Judged:
    reference = ReferenceLogprobs(models.reference, encoder)
    return generator_pass(models.generator, encoder, reference, groups, objective, microbatch=microbatch, learn=True)


def taken(policy: Policy) -> dict[str, Tensor]:
    """The gradients that were left in it, which are removed."""
    found = {name: p.grad.clone() for name, p in policy.learned().items() if p.grad is not None}
    for parameter in policy.learned().values():
        parameter.grad = None
    return found


def losses_by_rows(
    models: Models, encoder: Encoder, group: Group, summary: Summary, objective: ObjectiveConfig
) -> Tensor:
    """One preference loss for each pair, each answer in a pass of its own."""

    def scores(policy: Policy, shown: Summary) -> Tensor:
        trees = [encoder.pair_tree(shown, [pair]) for pair in group.pairs]
        values: list[Tensor] = policy(lambda lm: by_rows(lm, trees))
        return torch.stack([each.sum() for each in values]).view(-1, 2)

    with torch.no_grad():
        known = scores(models.reference, NOTHING)
    found = scores(models.generator, summary)
    return preference_loss(margin(found[:, 0], found[:, 1], known[:, 0], known[:, 1]), objective.loss, objective.beta)


@pytest.mark.parametrize("loss", ["dpo", "ipo"])
def test_rewards_and_the_generators_gradient_are_those_of_separate_passes(
    models: Models, encoder: Encoder, groups: list[Group], loss: str
) -> None:
    objective = ObjectiveConfig(loss=loss, length_budget=6, length_weight=0.5)  # type: ignore[arg-type]
    few = groups[1:3]  # the second learns without a summary too
    judged = judge(models, encoder, few, objective)
    found = taken(models.generator)
    by_summary = [
        [losses_by_rows(models, encoder, group, summary, objective).mean() for summary in group.summaries]
        for group in few
    ]
    without = losses_by_rows(models, encoder, few[1], NOTHING, objective).mean()
    every = [one for rows in by_summary for one in rows]
    total = torch.stack([*every, without]).mean()
    total.backward()
    assert furthest(found, taken(models.generator)) < 1e-4
    penalties = [[0.5 * max(0, len(sample) - 6) for sample in group.samples] for group in few]
    assert any(any(row) for row in penalties)
    expected = -torch.tensor([[one.item() for one in rows] for rows in by_summary]) - torch.tensor(penalties)
    torch.testing.assert_close(judged.rewards, expected.double(), rtol=1e-4, atol=1e-4)
    assert judged.loss == pytest.approx(total.item(), rel=1e-4)


def test_eight_users_at_once_are_eight_in_turn(models: Models, encoder: Encoder, groups: list[Group]) -> None:
    objective = ObjectiveConfig()
    at_once = judge(models, encoder, groups, objective)
    expected = taken(models.generator)
    in_turn = judge(models, encoder, groups, objective, microbatch=1)
    assert furthest(taken(models.generator), expected) < 1e-5
    torch.testing.assert_close(in_turn.rewards, at_once.rewards, rtol=1e-4, atol=1e-4)
    assert in_turn.loss == pytest.approx(at_once.loss, rel=1e-5)
    assert (in_turn.accuracy, in_turn.tokens) == (at_once.accuracy, at_once.tokens)

    advantages = group_advantages(at_once.rewards)
    found = {}
    for microbatch in (8, 3, 1):
        update = SummarizerUpdate(models, groups, advantages, objective, microbatch=microbatch, temperature=0.9)
        done = update.epoch()
        found[microbatch] = (taken(models.summarizer), done)
    for microbatch in (3, 1):
        assert furthest(found[microbatch][0], found[8][0]) < 1e-5
        assert found[microbatch][1].kl == pytest.approx(found[8][1].kl, rel=1e-4)
        assert found[microbatch][1].tokens == found[8][1].tokens


def test_the_summarizers_gradient_is_reinforce_with_a_kl_term(models: Models, groups: list[Group]) -> None:
    few, temperature = groups[:2], 0.8
    objective = ObjectiveConfig(kl=0.3)
    advantages = torch.tensor([[1.0, -1.0], [0.5, -0.5]])
    done = SummarizerUpdate(models, few, advantages, objective, microbatch=1, temperature=temperature).epoch()
    found = taken(models.summarizer)

    trees = [Branch(group.prompt, tuple(Branch(sample) for sample in group.samples)) for group in few]
    with torch.no_grad():
        anchor: list[Tensor] = models.anchor(lambda lm: by_rows(lm, trees, temperature))
    rows: list[Tensor] = models.summarizer(lambda lm: by_rows(lm, trees, temperature))
    divergence = [k3(one, other) for one, other in zip(rows, anchor, strict=True)]
    count = sum(map(len, rows))
    reinforce = sum(-a * row.sum() for a, row in zip(advantages.flatten().tolist(), rows, strict=True))
    loss = (reinforce + 0.3 * sum(each.sum() for each in divergence)) / count
    assert isinstance(loss, Tensor)
    loss.backward()
    assert furthest(found, taken(models.summarizer)) < 1e-4
    assert done.kl == pytest.approx(sum(each.sum().item() for each in divergence) / count, rel=1e-3)
    assert done.kl > 0
    assert done.clipped == 0.0


def test_later_epochs_compare_with_the_weights_that_sampled(models: Models, groups: list[Group]) -> None:
    few, objective = groups[:2], ObjectiveConfig(kl=0.0, clip=0.05)
    advantages = torch.tensor([[1.0, -1.0], [0.5, -0.5]])
    trees = [Branch(group.prompt, tuple(Branch(sample) for sample in group.samples)) for group in few]
    with torch.no_grad():
        old: list[Tensor] = models.summarizer(lambda lm: by_rows(lm, trees))
    update = SummarizerUpdate(models, few, advantages, objective, microbatch=1, temperature=1.0)
    assert update.epoch().clipped == 0.0
    taken(models.summarizer)
    draw = torch.Generator().manual_seed(5)
    with torch.no_grad():
        for parameter in models.summarizer.learned().values():
            parameter += 0.01 * torch.randn(parameter.shape, generator=draw)
    done = update.epoch()
    found = taken(models.summarizer)

    rows: list[Tensor] = models.summarizer(lambda lm: by_rows(lm, trees))
    per_token = [
        policy_loss(row, before, torch.full_like(row, advantage), 0.05)
        for row, before, advantage in zip(rows, old, advantages.flatten().tolist(), strict=True)
    ]
    torch.cat(per_token).mean().backward()
    assert furthest(found, taken(models.summarizer)) < 1e-4
    ratios = torch.cat([(row - before).exp() for row, before in zip(rows, old, strict=True)])
    assert done.clipped == pytest.approx(((ratios - 1).abs() > 0.05).double().mean().item())
    assert 0 < done.clipped < 1
    assert done.loss == pytest.approx(torch.cat(per_token).mean().item(), rel=1e-3)


def test_a_step_moves_every_learned_weight_and_no_other(models: Models, encoder: Encoder, groups: list[Group]) -> None:
    roles = {role: getattr(models, role) for role in ("summarizer", "generator", "anchor", "reference")}
    before = {
        (role, name): value.detach().clone()
        for role, policy in roles.items()
        for name, value in policy.lm.named_parameters()
    }
    optimizers = {name: torch.optim.SGD(policy.learned().values(), lr=10.0) for name, policy in models.learners.items()}
    judged = judge(models, encoder, groups, ObjectiveConfig())
    assert not [name for name, p in models.summarizer.learned().items() if p.grad is not None]
    optimizers["generator"].step()
    optimizers["generator"].zero_grad()
    update = SummarizerUpdate(
        models, groups, group_advantages(judged.rewards), ObjectiveConfig(), microbatch=4, temperature=1.0
    )
    update.epoch()
    assert not [name for name, p in models.generator.learned().items() if p.grad is not None]
    optimizers["summarizer"].step()
    learned = {id(p) for policy in models.learners.values() for p in policy.learned().values()}
    for role, policy in roles.items():
        for name, value in policy.lm.named_parameters():
            moved = not torch.equal(before[role, name], value)
            assert moved == (id(value) in learned), f"{role} {name}"


def test_judging_alone_leaves_no_gradient_and_counts_only_summaries(
    models: Models, encoder: Encoder, groups: list[Group]
) -> None:
    objective = ObjectiveConfig()
    learning = judge(models, encoder, groups, objective)
    taken(models.generator)
    reference = ReferenceLogprobs(models.reference, encoder)
    judged = generator_pass(models.generator, encoder, reference, groups, objective, microbatch=3, learn=False)
    assert taken(models.generator) == {}
    torch.testing.assert_close(judged.rewards, learning.rewards, rtol=1e-4, atol=1e-4)
    assert judged.loss == pytest.approx(-judged.rewards.mean().item(), rel=1e-5)
    assert judged.accuracy == learning.accuracy
    assert judged.margin == pytest.approx(learning.margin, rel=1e-4)
    assert judged.tokens < learning.tokens  # two users' answers without a summary


def test_a_reference_that_must_still_be_computed_does_not_disturb_recomputation(
    base: Path, encoder: Encoder, groups: list[Group], tmp_path: Path
) -> None:
    # With adapters, generator and reference are one model, whose layers the backward pass goes through again; after
    # a warm start the reference is an adapter too.
    config = ModelConfig(lora_rank=4, gradient_checkpointing=True)
    save_learner(load_models(config, base, CPU).generator, tmp_path / "generator")
    models = load_models(config, base, CPU, start=tmp_path)
    assert models.reference.adapter
    draw = torch.Generator().manual_seed(1)
    with torch.no_grad():
        for parameter in models.generator.learned().values():
            parameter += 0.02 * torch.randn(parameter.shape, generator=draw)
    found = []
    for recomputing in (True, False):
        models.generator.lm.train(recomputing)
        judge(models, encoder, groups[:2], ObjectiveConfig(), microbatch=1)
        found.append(taken(models.generator))
    assert furthest(found[0], found[1]) < 1e-5


def test_a_reward_that_is_not_a_number_stops_the_step(models: Models, encoder: Encoder, groups: list[Group]) -> None:
    with torch.no_grad():
        next(iter(models.generator.learned().values())).fill_(torch.nan)
    with pytest.raises(DivergedError, match=groups[0].example.user) as stopped:
        judge(models, encoder, groups[:1], ObjectiveConfig())
    assert stopped.value.hint
    assert taken(models.generator) == {}
