"""Joint training from a configuration to a run: who learns, what stays, and when it stops with a reason."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file

from popi_sdk.errors import ConfigError, SignalError
from tests.brief_runs import brief_config, differing, lora_config, quiet, weights_of, write_data
from trainer.config import Config
from trainer.errors import DivergedError
from trainer.models import weights_digest
from trainer.run_directory import RunDirectory
from trainer.stages import prepare_data, prepare_models
from trainer.train import Training, make_training, take_step, train

COLD: dict[str, Any] = {"summarizer": "none", "generator_steps": 0}


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_data(tmp_path_factory.mktemp("data"))


def trained(config: Config, run: Path) -> Path:
    return train(config, run, reporter=quiet(run)).path


def made(config: Config, folder: Path) -> Training:
    run = RunDirectory(folder)
    folder.mkdir(exist_ok=True)
    data = prepare_data(run, config)
    models, encoder = prepare_models(run, config, data, quiet())
    return make_training(run, config, models, encoder, data)


def rows(run: Path, kind: str) -> list[dict[str, Any]]:
    lines = RunDirectory(run).metrics.read_text("utf-8").splitlines()
    return [row for row in map(json.loads, lines) if row["kind"] == kind]


def learned(training: Training, role: str) -> dict[str, torch.Tensor]:
    return {name: value.detach().clone() for name, value in training.models.learners[role].learned().items()}


def moved(training: Training, role: str, before: dict[str, torch.Tensor]) -> list[str]:
    now = training.models.learners[role].learned()
    return [name for name, value in before.items() if not value.equal(now[name])]


def test_a_run_without_joint_training_holds_what_the_warm_starts_made(tmp_path: Path) -> None:
    config = brief_config(write_data(tmp_path / "data"), run={"steps": 0})
    run = train(config, tmp_path / "run", reporter=quiet(tmp_path / "run"))
    checkpoint = run.latest()
    assert checkpoint is not None
    assert checkpoint.step == 0
    for role in ("summarizer", "generator"):
        one, other = (load_file(place / role / "model.safetensors") for place in (run.start, checkpoint.folder))
        assert all(value.equal(other[name]) for name, value in one.items())


def test_two_runs_with_one_seed_are_equal(data: Path, tmp_path: Path) -> None:
    config = brief_config(data)
    one, other = trained(config, tmp_path / "one"), trained(config, tmp_path / "other")
    assert differing(weights_of(one), weights_of(other)) == []
    strip = [{k: v for k, v in row.items() if k != "time" and "seconds" not in k} for row in rows(one, "step")]
    assert strip == [{k: v for k, v in row.items() if k in strip[0]} for row in rows(other, "step")]
    for file in ("summaries.md", "reference.jsonl", "base/tokenizer.json", "config.toml"):
        assert (one / file).read_bytes() == (other / file).read_bytes()


def test_another_seed_is_another_run(data: Path, tmp_path: Path) -> None:
    one, other = (trained(brief_config(data, run={"steps": 1, "seed": n}), tmp_path / str(n)) for n in (0, 1))
    assert len(differing(weights_of(one), weights_of(other))) > 10


def test_a_run_explains_itself(data: Path, tmp_path: Path) -> None:
    run = trained(brief_config(data), tmp_path / "run")
    assert [row["step"] for row in rows(run, "step")] == [0, 1, 2]
    assert [row["step"] for row in rows(run, "evaluation")] == [0, 2, 3]
    readme = (run / "README.md").read_text("utf-8")
    assert all(name.name in readme for name in run.iterdir() if name.name not in ("README.md", ".lock"))
    assert "# Summaries of unseen users at step 3" in (run / "summaries.md").read_text("utf-8")
    assert RunDirectory(run).config() == brief_config(data)
    assert all(math.isfinite(value) for row in rows(run, "step") for value in row.values() if value != "step")


FORMS: Sequence[tuple[str, int, list[set[str]]]] = [
    ("interleaved", 1, [{"summarizer", "generator"}] * 4),
    ("alternating", 1, [{"summarizer"}, {"summarizer"}, {"generator"}, {"generator"}]),
    ("alternating", 2, [{"summarizer"}, {"generator"}, {"summarizer"}, {"generator"}]),
    ("frozen_generator", 1, [{"summarizer"}] * 4),
    ("frozen_summarizer", 1, [{"generator"}] * 4),
]


@pytest.mark.parametrize("adapters", [False, True], ids=["full", "adapters"])
@pytest.mark.parametrize(("form", "rounds", "expected"), FORMS, ids=[f"{form}-{n}" for form, n, _ in FORMS])
def test_in_every_step_just_the_models_move_that_learn(
    form: str, rounds: int, expected: list[set[str]], adapters: bool, data: Path, tmp_path: Path
) -> None:
    run = {"form": form, "rounds": rounds, "steps": 4}
    settings: dict[str, Any] = {"run": run, "warm_start": {"summarizer_steps": 1, "generator_steps": 1}}
    config = lora_config(data, tmp_path / "base", **settings) if adapters else brief_config(data, **settings)
    training = made(config, tmp_path / "run")
    frozen = {id(lm): weights_digest(training.models.reference) for lm in (training.models.reference.lm,)}
    for step, roles in enumerate(expected):
        before = {role: learned(training, role) for role in ("summarizer", "generator")}
        figures = take_step(training, step)
        for role, weights in before.items():
            assert len(moved(training, role, weights)) == (len(weights) if role in roles else 0)
        assert ("policy_loss" in figures) == ("summarizer" in roles)
    assert set(frozen.values()) == {weights_digest(training.models.reference)}
    assert training.reference.weights == weights_digest(training.models.reference)


def test_the_anchor_and_the_base_stay_as_they_were(data: Path, tmp_path: Path) -> None:
    training = made(lora_config(data, tmp_path / "base", run={"generator_learning_rate": 1e-2}), tmp_path / "run")
    lm = training.models.summarizer.lm
    frozen = {
        n: p.detach().clone() for n, p in lm.named_parameters() if ".summarizer." not in n and ".generator." not in n
    }
    for step in range(2):
        take_step(training, step)
    now = dict(lm.named_parameters())
    assert any("lora" in name for name in frozen)  # after a warm start, anchor and reference are adapters too
    assert [name for name, value in frozen.items() if not now[name].equal(value)] == []


@pytest.mark.parametrize("warm_start", [COLD, {}], ids=["cold", "warm"])
def test_adapters_train_from_end_to_end(warm_start: dict[str, Any], data: Path, tmp_path: Path) -> None:
    config = lora_config(data, tmp_path / "base", warm_start=warm_start, run={"steps": 1})
    run = trained(config, tmp_path / "run")
    assert RunDirectory(run).start.exists() is (warm_start != COLD)
    assert load_file(run / "checkpoints" / "step-000001" / "summarizer" / "adapter_model.safetensors")


@pytest.mark.parametrize("adapters", [False, True], ids=["full", "adapters"])
def test_gradient_checkpointing_changes_memory_and_no_number(adapters: bool, data: Path, tmp_path: Path) -> None:
    runs = []
    for checkpointing in (False, True):
        model = {"gradient_checkpointing": checkpointing}
        config = lora_config(data, tmp_path / "base", model=model) if adapters else brief_config(data, model=model)
        training = made(config, tmp_path / str(checkpointing))
        layers = [module for module in training.models.summarizer.lm.modules() if hasattr(module, "self_attn")]
        assert [layer.training and layer.gradient_checkpointing for layer in layers] == [checkpointing] * len(layers)
        runs.append(([take_step(training, step) for step in range(2)], learned(training, "summarizer")))
    (figures, weights), (other_figures, other_weights) = runs
    assert [row["loss"] for row in figures] == pytest.approx([row["loss"] for row in other_figures], rel=1e-5)
    assert [row["summary_tokens"] for row in figures] == [row["summary_tokens"] for row in other_figures]
    for name, value in weights.items():
        torch.testing.assert_close(value, other_weights[name], rtol=1e-5, atol=1e-7)


def test_eight_users_at_once_equal_eight_one_after_another(data: Path, tmp_path: Path) -> None:
    weights = []
    for size in (8, 1):
        training = made(brief_config(data, rollout={"users": 8, "microbatch": size}), tmp_path / str(size))
        for lm in training.models.distinct():
            lm.double()
        figures = take_step(training, 0)
        weights.append((figures["loss"], figures["policy_loss"], learned(training, "generator")))
    assert weights[0][0] == pytest.approx(weights[1][0], rel=1e-9)
    for name, value in weights[0][2].items():
        torch.testing.assert_close(value, weights[1][2][name], rtol=1e-6, atol=1e-9)


def test_a_gradient_that_is_no_number_moves_nothing(data: Path, tmp_path: Path) -> None:
    training = made(brief_config(data), tmp_path / "run")
    next(iter(training.models.summarizer.learned().values())).register_hook(lambda gradient: gradient * math.nan)
    before = learned(training, "summarizer")
    with pytest.raises(
        DivergedError, match=r"summarizer's gradient is not a number at step 0.*summarizer_learning_rate"
    ):
        take_step(training, 0)
    assert moved(training, "summarizer", before) == []


def test_a_reward_that_is_no_number_is_told_with_its_users(data: Path, tmp_path: Path) -> None:
    training = made(brief_config(data), tmp_path / "run")
    training.reference.prepare([pair for user in training.batches.at(0) for pair in user.pairs])
    with torch.no_grad():
        training.models.generator.lm.get_input_embeddings().weight.mul_(math.nan)
    with pytest.raises(DivergedError, match=r"A reward is not a number, among users train-\d"):
        take_step(training, 0)


def test_a_summarizer_that_is_no_number_is_told_and_not_sampled_from(data: Path, tmp_path: Path) -> None:
    training = made(brief_config(data), tmp_path / "run")
    with torch.no_grad():
        training.models.summarizer.lm.get_input_embeddings().weight.mul_(math.nan)
    with pytest.raises(DivergedError, match="probabilities are not numbers"):
        take_step(training, 0)


def test_a_run_whose_start_is_no_number_writes_no_checkpoint(data: Path, tmp_path: Path) -> None:
    run = RunDirectory(tmp_path / "run")
    trained(brief_config(data, run={"steps": 1}), run.path)
    for file in [*run.checkpoints.rglob("checkpoint.json"), run.reference]:
        file.unlink()
    poisoned = run.start / "generator" / "model.safetensors"
    save_file({name: value * math.nan for name, value in load_file(poisoned).items()}, poisoned, {"format": "pt"})
    with pytest.raises(DivergedError, match="not a number"):
        train(brief_config(data, run={"steps": 1}), run.path, resume=True, reporter=quiet())
    assert run.latest() is None


def test_a_loss_that_grows_out_of_all_proportion_stops_the_run(data: Path, tmp_path: Path) -> None:
    run = RunDirectory(tmp_path / "run")
    with pytest.raises(DivergedError, match=r"preference loss at step \d is .*Lower `run.generator_learning_rate`"):
        trained(brief_config(data, run={"generator_learning_rate": 1.0, "steps": 8, "evaluate_every": 8}), run.path)
    latest = run.latest()
    assert latest is not None
    assert latest.step == rows(run.path, "step")[-1]["step"]  # the step that showed it is not in any checkpoint


def test_a_warm_start_that_diverges_is_told(data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("trainer.warm_start.leaf_token_logprobs", lambda *_, **__: torch.tensor([math.nan]))
    with pytest.raises(DivergedError, match="loss is not a number at step 0"):
        trained(brief_config(data), tmp_path / "run")
    assert not list((tmp_path / "run" / "start").iterdir())


def test_a_malformed_row_is_named_by_its_line(tmp_path: Path) -> None:
    data = write_data(tmp_path / "data")
    with (data / "train.jsonl").open("a") as lines:
        lines.write('{"user": "ada", "signals": 3}\n')
    with pytest.raises(SignalError, match=r"Line 9 of .*train\.jsonl"):
        trained(brief_config(data), tmp_path / "run")


def test_an_empty_data_set_is_refused(tmp_path: Path) -> None:
    data = write_data(tmp_path / "data")
    (data / "validation.jsonl").write_text("", "utf-8")
    with pytest.raises(SignalError, match=r"validation\.jsonl holds no training example"):
        trained(brief_config(data), tmp_path / "run")
    row = json.loads((data / "train.jsonl").read_text().splitlines()[0]) | {"pairs": []}
    (data / "validation.jsonl").write_text(json.dumps(row), "utf-8")
    with pytest.raises(ConfigError, match=r"validation\.jsonl holds no example with held-out pairs"):
        trained(brief_config(data), tmp_path / "run")


def test_a_missing_split_is_refused_before_a_directory_is_made(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"There is no .*train\.jsonl.*popi-train prepare"):
        train(brief_config(tmp_path / "nowhere"), tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_signals_longer_than_the_window_are_refused_before_training(tmp_path: Path) -> None:
    data = write_data(tmp_path / "data")
    row = json.loads((data / "train.jsonl").read_text().splitlines()[0])
    row |= {"user": "ada", "signals": [{"kind": "statement", "text": f"{n} Qxz jvk wpf."} for n in range(300)]}
    with (data / "train.jsonl").open("a") as lines:
        lines.write(json.dumps(row) + "\n")
    with pytest.raises(
        ConfigError, match=r"signals of user 'ada' take [\d,]+ tokens.*window of 2,048.*data.input_tokens"
    ):
        trained(brief_config(data), tmp_path / "run")


def test_an_answer_that_leaves_no_room_for_a_summary_is_refused_before_training(tmp_path: Path) -> None:
    data = write_data(tmp_path / "data")
    row = json.loads((data / "train.jsonl").read_text().splitlines()[0]) | {"user": "ada"}
    row["pairs"][0]["chosen"] = " ".join(str(number**3) for number in range(600))
    with (data / "train.jsonl").open("a") as lines:
        lines.write(json.dumps(row) + "\n")
    with pytest.raises(ConfigError, match=r"of user 'ada' take [\d,]+ tokens; the model's window has 2,048"):
        trained(brief_config(data), tmp_path / "run")


def test_users_without_signals_or_with_a_single_pair_can_be_trained_on(tmp_path: Path) -> None:
    data = write_data(tmp_path / "data")
    lines = [json.loads(line) for line in (data / "train.jsonl").read_text().splitlines()]
    lines[0]["signals"] = []
    lines[1]["pairs"] = lines[1]["pairs"][:1]
    (data / "train.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines), "utf-8")
    trained(brief_config(data, run={"steps": 2}, warm_start={"summarizer": "contrast"}), tmp_path / "run")
