"""Checkpoints are whole or not there, hold everything, and a full disk costs nothing but the newest one."""

from __future__ import annotations

import json
import resource
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from popi_sdk.errors import ConfigError
from tests.brief_runs import brief_config, differing, lora_config, quiet, weights_of, write_data
from trainer.checkpoint import checkpoints, restore, save_checkpoint
from trainer.config import Config
from trainer.data import Example
from trainer.errors import CheckpointError, DivergedError, TrainingError
from trainer.run_directory import RunDirectory, find_run
from trainer.stages import prepare_data, prepare_models
from trainer.train import Training, make_training, take_step, train


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_data(tmp_path_factory.mktemp("data"))


@pytest.fixture(scope="module")
def config(data: Path) -> Config:
    return brief_config(data, run={"steps": 2})


@pytest.fixture(scope="module")
def whole(config: Config, tmp_path_factory: pytest.TempPathFactory) -> Path:
    run = tmp_path_factory.mktemp("runs") / "whole"
    return train(config, run, reporter=quiet(run)).path


@pytest.fixture
def training(config: Config, tmp_path: Path) -> Training:
    return fresh(config, tmp_path / "fresh")


def fresh(config: Config, folder: Path) -> Training:
    run = RunDirectory(folder)
    folder.mkdir(exist_ok=True)
    data: dict[str, list[Example]] = prepare_data(run, config)
    models, encoder = prepare_models(run, config, data, quiet())
    return make_training(run, config, models, encoder, data)


@pytest.fixture
def small_disk() -> Iterator[None]:
    """No file may become larger than 150 kB: weights (102 kB) fit, the optimizers' state (418 kB) does not."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (150_000, hard))
    yield
    resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_a_checkpoint_brings_everything_back(training: Training, config: Config, tmp_path: Path) -> None:
    for step in range(2):
        take_step(training, step)
    save_checkpoint(tmp_path, 2, training.models, training.optimizers, {"figure": 0.5})
    drawn = torch.rand(3)
    other = fresh(config, tmp_path / "fresh")
    (checkpoint,) = checkpoints(tmp_path)
    restore(checkpoint, other.models, other.optimizers)
    assert (checkpoint.step, checkpoint.facts["figure"]) == (2, 0.5)
    assert torch.rand(3).equal(drawn)
    for role, policy in training.models.learners.items():
        restored = other.models.learners[role].learned()
        for name, parameter in policy.learned().items():
            assert restored[name].equal(parameter)
            before, after = (t.optimizers[role].state[p] for t, p in ((training, parameter), (other, restored[name])))
            assert {key: value.tolist() for key, value in before.items()} == {
                key: value.tolist() for key, value in after.items()
            }
    figures, again = take_step(training, 2), take_step(other, 2)
    assert figures["loss"] == again["loss"]


def test_only_the_two_newest_are_kept(whole: Path) -> None:
    assert [checkpoint.step for checkpoint in checkpoints(whole / "checkpoints")] == [1, 2]


def test_the_newest_is_that_of_the_most_steps_and_not_the_last_by_name(tmp_path: Path) -> None:
    for step in (999_999, 1_000_000):
        folder = tmp_path / "checkpoints" / f"step-{step:06d}"
        folder.mkdir(parents=True)
        (folder / "checkpoint.json").write_text(json.dumps({"step": step}), "utf-8")
    latest = RunDirectory(tmp_path).latest()
    assert latest is not None
    assert latest.step == 1_000_000


@pytest.mark.parametrize("text", ["", "{", "[]", "{}", '{"step": "many"}'])
def test_a_folder_without_a_readable_record_does_not_count(text: str, tmp_path: Path) -> None:
    (tmp_path / "step-000003").mkdir()
    (tmp_path / "step-000003" / "checkpoint.json").write_text(text, "utf-8")
    (tmp_path / ".step-000004.part").mkdir()
    (tmp_path / ".step-000004.part" / "checkpoint.json").write_text('{"step": 4}', "utf-8")
    assert list(checkpoints(tmp_path)) == []


def test_a_full_disk_leaves_the_last_checkpoint_and_resume_goes_on(
    config: Config, whole: Path, small_disk: None, tmp_path: Path
) -> None:
    run = tmp_path / "run"
    with pytest.raises(CheckpointError, match=r"step-000001 cannot be written: .*too large.*Make room.*--resume"):
        train(config, run, reporter=quiet(run))
    (kept,) = checkpoints(run / "checkpoints")
    assert kept.step == 0
    assert list((run / "checkpoints").glob(".*")) == []
    resource.setrlimit(resource.RLIMIT_FSIZE, (resource.getrlimit(resource.RLIMIT_FSIZE)[1],) * 2)
    train(config, run, resume=True, reporter=quiet(run))
    assert differing(weights_of(run), weights_of(whole)) == []


def test_a_disk_that_is_full_before_the_first_checkpoint_is_told_as_plainly(config: Config, tmp_path: Path) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (50_000, hard))
    try:
        with pytest.raises(CheckpointError, match=r"base cannot be written"):
            train(config, tmp_path / "run", reporter=quiet())
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    train(config, tmp_path / "run", resume=True, reporter=quiet())


def test_a_damaged_checkpoint_is_named_and_the_one_before_it_can_go_on(
    config: Config, whole: Path, tmp_path: Path
) -> None:
    run = tmp_path / "run"
    train(config, run, reporter=quiet(run))
    newest = run / "checkpoints" / "step-000002"
    weights = newest / "generator" / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:5_000])
    with pytest.raises(CheckpointError, match=r"step-000002 cannot be read.*Delete this folder"):
        train(config, run, resume=True, reporter=quiet(run))
    for file in sorted(newest.rglob("*"), reverse=True):
        file.rmdir() if file.is_dir() else file.unlink()
    train(config, run, resume=True, reporter=quiet(run))
    assert differing(weights_of(run), weights_of(whole)) == []


def test_weights_that_are_no_numbers_are_not_saved(training: Training, tmp_path: Path) -> None:
    with torch.no_grad():
        next(iter(training.models.generator.learned().values()))[0, 0] = torch.inf
    with pytest.raises(DivergedError, match="generator's weights are not numbers any more at step 7"):
        save_checkpoint(tmp_path / "checkpoints", 7, training.models, training.optimizers, {})
    assert not (tmp_path / "checkpoints").exists()


def test_a_checkpoint_of_another_model_is_refused(training: Training, whole: Path, data: Path, tmp_path: Path) -> None:
    wider = fresh(brief_config(data, model={"hidden": 48}), tmp_path / "wider")
    (_, checkpoint) = checkpoints(whole / "checkpoints")
    with pytest.raises(ConfigError, match="weights of another model"):
        restore(checkpoint, wider.models, wider.optimizers)


def test_a_checkpoint_that_lacks_a_weight_is_refused(training: Training, tmp_path: Path) -> None:
    save_checkpoint(tmp_path, 0, training.models, training.optimizers, {})
    file = tmp_path / "step-000000" / "summarizer" / "model.safetensors"
    weights = load_file(file)
    weights.pop("model.norm.weight")
    save_file(weights, file)
    (checkpoint,) = checkpoints(tmp_path)
    with pytest.raises(ConfigError, match=r"model\.norm\.weight"):
        restore(checkpoint, training.models, training.optimizers)


def test_with_adapters_a_checkpoint_holds_them_and_not_the_base(data: Path, tmp_path: Path) -> None:
    config = lora_config(data, tmp_path / "base", run={"steps": 1}, warm_start={"summarizer": "none"})
    run = tmp_path / "run"
    train(config, run, reporter=quiet(run))
    for role in ("summarizer", "generator"):
        names = [name for name in weights_of(run) if name.startswith(role)]
        assert names
        assert all("lora_" in name for name in names)


def test_a_checkpoints_folder_means_its_run(whole: Path) -> None:
    run, checkpoint = find_run(whole / "checkpoints" / "step-000001")
    assert run.path == whole.resolve()
    assert checkpoint is not None
    assert checkpoint.step == 1
    assert find_run(whole)[1] == RunDirectory(whole).latest()


def test_what_is_no_run_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="holds no run"):
        find_run(tmp_path)


def test_training_errors_are_one_family() -> None:
    assert issubclass(CheckpointError, TrainingError)
    assert issubclass(DivergedError, TrainingError)
