"""Supervised learning before reinforcement learning: what it teaches, and to whom."""

from __future__ import annotations

import math
import random
from collections.abc import Iterator
from itertools import starmap
from pathlib import Path
from typing import Any

import pytest
import torch

from popi_sdk.errors import ConfigError
from tests.brief_runs import WORLD, brief_config, quiet, write_data
from trainer.config import Config, WorldConfig
from trainer.data import Example
from trainer.encode import Encoder
from trainer.models import Models
from trainer.run_directory import RunDirectory
from trainer.stages import prepare_data, prepare_models
from trainer.warm_start import (
    Described,
    People,
    _noisy,
    described_loss,
    learn,
    make_optimizers,
    target_of,
    warm_start_generator,
    warm_start_summarizer,
)
from trainer.world import guided_answers, world_examples


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_data(tmp_path_factory.mktemp("data"))


def config_of(data: Path, **warm_start: Any) -> Config:
    settings = {
        "summarizer": "oracle",
        "summarizer_steps": 40,
        "generator_steps": 40,
        "batch": 8,
        "learning_rate": 1e-2,
    }
    return brief_config(data, warm_start=settings | {"summarizer_noise": 0.0} | warm_start)


def untaught(data: Path, folder: Path) -> tuple[Models, Encoder, list[Example]]:
    config = brief_config(data, warm_start={"summarizer": "none", "generator_steps": 0})
    examples = prepare_data(RunDirectory(folder), config)
    return *prepare_models(RunDirectory(folder), config, examples, quiet()), examples["train"]


def described(world: WorldConfig = WORLD) -> Iterator[Described]:
    return starmap(Described, guided_answers(world, 0))


def likelihood(models: Models, encoder: Encoder, prompt: list[int], text: str) -> float:
    """Mean log-probability per token of `text` as the summarizer's answer."""
    target = encoder.summary_ids(text)
    with torch.no_grad():
        logits = models.summarizer.lm(input_ids=torch.tensor([[*prompt, *target]])).logits[0]
    return logits[len(prompt) - 1 : -1].log_softmax(-1)[range(len(target)), target].mean().item()


def test_the_summarizer_learns_what_is_true_of_a_user(data: Path, tmp_path: Path) -> None:
    models, encoder, examples = untaught(data, tmp_path)
    prompt, truth = encoder.summarizer_prompt(examples[0]), examples[0].oracle
    before = likelihood(models, encoder, prompt, truth)
    losses: list[float] = []
    config = config_of(data, summarizer_steps=120)
    people = People.again(examples, config.warm_start, config.run.seed)
    warm_start_summarizer(models.summarizer, encoder, people, config, lambda _, loss: losses.append(loss))
    assert len(losses) == 120
    assert losses[-1] < losses[0] / 3
    assert likelihood(models, encoder, prompt, truth) > before + 2


def test_only_the_model_that_is_taught_moves(data: Path, tmp_path: Path) -> None:
    models, encoder, _ = untaught(data, tmp_path)
    before = {role: [p.detach().clone() for p in getattr(models, role).lm.parameters()]
              for role in ("summarizer", "generator", "anchor", "reference")}  # fmt: skip
    warm_start_generator(models.generator, encoder, described(), config_of(data, generator_steps=2), lambda *_: None)
    for role, weights in before.items():
        now = getattr(models, role).lm.parameters()
        assert all(p.equal(w) for p, w in zip(now, weights, strict=True)) is (role != "generator")


def test_the_generator_learns_to_answer_as_a_description_asks(tmp_path: Path) -> None:
    world: dict[str, Any] = {"dimensions": 1, "cares": 1, "signals": 2, "pairs": 2, "noise": 0.0}
    data = write_data(tmp_path / "data", world=WorldConfig(**world))
    models, encoder, _ = untaught(data, tmp_path / "run")
    config = brief_config(data, world=world, warm_start={"generator_steps": 120, "batch": 16, "learning_rate": 1e-2})
    warm_start_generator(models.generator, encoder, described(config.world), config, lambda *_: None)
    prompt = encoder.generator_prompt(encoder.safe_summary("Use a casual tone."), "Tell me about tea.")
    scores = {}
    for answer in ("Hey there!", "Good day to you."):
        target = encoder.answer(answer)
        with torch.no_grad():
            logits = models.generator.lm(input_ids=torch.tensor([[*prompt, *target]])).logits[0]
        scores[answer] = logits[len(prompt) - 1 : -1].log_softmax(-1)[range(len(target)), target].sum().item()
    assert scores["Hey there!"] > scores["Good day to you."] + 0.5


def test_anchor_and_reference_are_what_the_warm_start_left(data: Path, tmp_path: Path) -> None:
    config = config_of(data, summarizer_steps=2, generator_steps=2)
    run = RunDirectory(tmp_path)
    models, _ = prepare_models(run, config, prepare_data(run, config), quiet())
    for learner, frozen in ((models.summarizer, models.anchor), (models.generator, models.reference)):
        assert all(a.equal(b) for a, b in zip(learner.lm.parameters(), frozen.lm.parameters(), strict=True))
        assert not any(parameter.requires_grad for parameter in frozen.lm.parameters())
    differ = zip(models.summarizer.lm.parameters(), models.generator.lm.parameters(), strict=True)
    assert any(not a.equal(b) for a, b in differ)


def test_targets_are_the_truth_or_what_the_baseline_finds(data: Path) -> None:
    (example,) = world_examples(WORLD, "train", 1, 0)
    assert target_of(example, config_of(data).warm_start) == example.oracle
    assert target_of(example, config_of(data, summarizer="contrast").warm_start) != example.oracle


def test_noise_puts_the_common_clause_into_a_place_as_often_as_is_asked() -> None:
    draw = random.Random(0)
    rows = [_noisy("a\nb\nc", "x\ny", 0.7, draw).split("\n") for _ in range(2000)]
    assert sum(row[0] == "x" for row in rows) / 2000 == pytest.approx(0.7, abs=0.03)
    assert sum(row[1] == "y" for row in rows) / 2000 == pytest.approx(0.7, abs=0.03)
    assert all(row[2] == "c" for row in rows)  # the common text has no third clause
    assert _noisy("a\nb", "x\ny", 0.0, draw) == "a\nb"
    assert _noisy("a\nb", "x\ny", 1.0, draw) == "x\ny"


def test_truth_that_the_data_do_not_hold_cannot_be_learned(tmp_path: Path) -> None:
    data = write_data(tmp_path / "data")
    text = (data / "train.jsonl").read_text().replace('"oracle"', '"slices": {}, "was"')
    (data / "train.jsonl").write_text(text, "utf-8")
    run = RunDirectory(tmp_path)
    with pytest.raises(ConfigError, match=r'`warm_start.summarizer` is "oracle".*Use "contrast"'):
        prepare_models(run, config_of(data), prepare_data(run, config_of(data)), quiet())
    assert not run.start.exists()


def test_the_guided_answers_of_one_seed_are_the_same_every_time(data: Path) -> None:
    one, other = guided_answers(WORLD, 3), guided_answers(WORLD, 3)
    assert [next(one) for _ in range(50)] == [next(other) for _ in range(50)]


def test_what_is_evident_can_be_taught_instead_of_the_whole_truth(data: Path) -> None:
    example = Example("ada", (), (), oracle="Be brief.\nUse lists.", evident="Use lists.")
    assert target_of(example, config_of(data, summarizer="evident").warm_start) == "Use lists."


def test_an_opposite_adds_what_it_costs_not_to_prefer_the_answer(data: Path, tmp_path: Path) -> None:
    models, encoder, _ = untaught(data, tmp_path)
    one = Described("Be brief.", "Why?", "Yes.", "No.")
    with torch.no_grad():
        alone = described_loss(models.generator, encoder, [one._replace(opposite="")]).item()
        opposite = described_loss(models.generator, encoder, [one._replace(answer="No.", opposite="")]).item()
        both = described_loss(models.generator, encoder, [one]).item()
    sizes = [len(encoder.ended(text)) for text in ("Yes.", "No.")]
    apart = opposite * sizes[1] - alone * sizes[0]  # log-probability of the answer less that of its opposite
    assert both == pytest.approx(alone + math.log1p(math.exp(-apart)), abs=1e-4)


def test_muon_moves_the_matrices_and_adamw_the_rest(data: Path, tmp_path: Path) -> None:
    models, encoder, _ = untaught(data, tmp_path)
    config = config_of(data, generator_steps=1, optimizer="muon")
    kinds = [type(one).__name__ for one in make_optimizers(models.generator, config.warm_start)]
    assert kinds == ["Muon", "AdamW"]
    before = {name: value.detach().clone() for name, value in models.generator.learned().items()}
    warm_start_generator(models.generator, encoder, described(), config, lambda *_: None)
    assert all(not value.equal(before[name]) for name, value in models.generator.learned().items())


@pytest.mark.parametrize(("steps", "rising"), [(20, 3), (400, 41), (6_000, 50)])
def test_the_rate_rises_in_a_tenth_of_the_steps_and_in_fifty_at_most(
    data: Path, tmp_path: Path, steps: int, rising: int
) -> None:
    generator = untaught(data, tmp_path)[0].generator
    weight = next(iter(generator.learned().values()))
    optimizer = torch.optim.SGD([weight], lr=1.0)
    rates: list[float] = []
    learn(
        generator, lambda _: weight.sum(), steps, [optimizer], lambda *_: rates.append(optimizer.param_groups[0]["lr"])
    )
    falling = [max(0.1, 1 - step / steps) for step in range(steps)]
    expected = [min(1, (step + 1) / rising) * fall for step, fall in enumerate(falling)]
    assert rates == pytest.approx(expected)
