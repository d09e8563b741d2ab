"""A run that is killed at any moment and resumed is the run that was never killed."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from popi_sdk.errors import ConfigError
from tests.brief_runs import brief_config, differing, lora_config, quiet, weights_of, write_data
from tests.crashes import crash_at
from trainer.config import Config
from trainer.run_directory import RunDirectory
from trainer.train import train

MOMENTS = [
    ("os.rename", ".README.md.part", 1),
    ("os.mkdir", ".base.part", 1),
    ("os.rename", ".base.part", 1),
    ("open", "start/.generator.part/config.json", 1),
    ("os.rename", "start/.summarizer.part", 1),
    ("os.rename", "start/.generator.part", 1),
    ("open", "reference.jsonl", 1),
    ("open", "metrics.jsonl", 1),
    ("os.rename", ".summaries.md.part", 2),
    ("os.rename", ".step-000000.part", 1),
    ("open", "metrics.jsonl", 2),
    ("open", ".step-000002.part/checkpoint.json", 1),
    ("os.rename", ".step-000002.part", 1),
    ("os.rename", "step-000000", 2),
]
"""Before each of these; the last one removes the oldest checkpoint, after the newest is complete."""


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_data(tmp_path_factory.mktemp("data"))


@pytest.fixture(scope="module")
def config(data: Path) -> Config:
    return brief_config(data, run={"steps": 2})


@pytest.fixture(scope="module")
def uninterrupted(config: Config, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return train(config, tmp_path_factory.mktemp("runs") / "whole", reporter=None).path


def told(run: Path) -> list[dict[str, Any]]:
    """The metrics, apart from times."""
    rows = [json.loads(line) for line in RunDirectory(run).metrics.read_text("utf-8").splitlines()]
    return [{key: value for key, value in row.items() if key != "time" and "seconds" not in key} for row in rows]


def assert_same(run: Path, other: Path) -> None:
    assert differing(weights_of(run), weights_of(other)) == []
    assert told(run) == told(other)
    ours, theirs = RunDirectory(run).latest(), RunDirectory(other).latest()
    assert ours is not None
    assert theirs is not None
    assert ours.facts == theirs.facts
    assert sorted(RunDirectory(run).reference.read_text().split()) == sorted(
        RunDirectory(other).reference.read_text().split()
    )
    assert [left for left in run.rglob(".*") if left.name != ".lock"] == []


@pytest.mark.parametrize(("event", "place", "time"), MOMENTS)
def test_a_run_killed_while_writing_goes_on_as_if_it_had_not_been(
    event: str, place: str, time: int, config: Config, uninterrupted: Path, tmp_path: Path
) -> None:
    run = tmp_path / "run"
    with crash_at(event, place, time):
        train(config, run, reporter=quiet(run))
    train(config, run, resume=True, reporter=quiet(run))
    assert_same(run, uninterrupted)


def test_a_real_process_killed_in_the_middle_goes_on_as_if_it_had_not_been(data: Path, tmp_path: Path) -> None:
    config = brief_config(data, run={"steps": 12, "save_every": 3, "evaluate_every": 12})
    file = tmp_path / "long.toml"
    file.write_text(config.to_toml(), "utf-8")
    whole = train(config, tmp_path / "whole", reporter=quiet(tmp_path / "whole")).path
    run = tmp_path / "run"
    process = subprocess.Popen(
        [sys.executable, "-m", "trainer", "train", str(file), "--out", str(run)],
        env={**os.environ, "OMP_NUM_THREADS": "1", "HF_HUB_OFFLINE": "1"},
        stderr=subprocess.DEVNULL,
    )
    metrics = RunDirectory(run).metrics
    while process.poll() is None and not (metrics.exists() and metrics.read_bytes().count(b"\n") >= 6):
        time.sleep(0.005)
    os.kill(process.pid, signal.SIGKILL)
    assert process.wait() == -signal.SIGKILL
    train(config, run, resume=True, reporter=quiet(run))
    assert_same(run, whole)


def test_a_run_with_adapters_goes_on_as_if_it_had_not_been_killed(data: Path, tmp_path: Path) -> None:
    config = lora_config(data, tmp_path / "base", run={"steps": 2})
    whole = train(config, tmp_path / "whole", reporter=quiet(tmp_path / "whole")).path
    run = tmp_path / "run"
    with crash_at("os.rename", ".step-000002.part"):
        train(config, run, reporter=quiet(run))
    train(config, run, resume=True, reporter=quiet(run))
    assert_same(run, whole)


def test_torn_last_lines_are_told_again(config: Config, uninterrupted: Path, tmp_path: Path) -> None:
    run = RunDirectory(tmp_path / "run")
    with crash_at("os.rename", ".step-000002.part"):
        train(config, run.path, reporter=quiet(run.path))
    for file in (run.metrics, run.reference):
        file.write_bytes(file.read_bytes()[:-9])
    train(config, run.path, resume=True, reporter=quiet(run.path))
    assert told(run.path) == told(uninterrupted)
    assert differing(weights_of(run.path), weights_of(uninterrupted)) == []


def test_an_interruption_from_the_keyboard_is_like_any_other(
    config: Config, uninterrupted: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = tmp_path / "run"
    real = os.fsync

    def pressed(_: int) -> None:
        monkeypatch.setattr(os, "fsync", real)
        raise KeyboardInterrupt

    reporter = quiet(run)
    monkeypatch.setattr(reporter, "write", lambda *_: monkeypatch.setattr(os, "fsync", pressed))
    with pytest.raises(KeyboardInterrupt):
        train(config, run, reporter=reporter)
    train(config, run, resume=True, reporter=quiet(run))
    assert_same(run, uninterrupted)


def test_a_finished_run_has_nothing_left_to_do(config: Config, uninterrupted: Path) -> None:
    before = {file: file.stat().st_mtime_ns for file in (uninterrupted / "checkpoints").rglob("*")}
    lines = told(uninterrupted)
    train(config, uninterrupted, resume=True)
    assert {file: file.stat().st_mtime_ns for file in (uninterrupted / "checkpoints").rglob("*")} == before
    assert told(uninterrupted) == lines


def test_another_configuration_cannot_go_on_and_the_changes_are_named(data: Path, uninterrupted: Path) -> None:
    changed = brief_config(data, run={"steps": 2, "seed": 7}, objective={"beta": 0.25})
    with pytest.raises(ConfigError, match=r"`objective.beta` was 0.5 and is 0.25, `run.seed` was 0 and is 7"):
        train(changed, uninterrupted, resume=True)


def test_the_device_may_change(data: Path, config: Config) -> None:
    assert brief_config(data, run={"steps": 2, "device": "cpu", "parallel": "sharded"}).digest() == config.digest()


def test_data_that_changed_are_refused(tmp_path: Path) -> None:
    data = write_data(tmp_path / "data")
    config = brief_config(data, run={"steps": 1})
    with crash_at("os.rename", ".step-000001.part"):
        train(config, tmp_path / "run", reporter=quiet())
    write_data(data, {"train": 9, "validation": 4, "test": 2})
    with pytest.raises(ConfigError, match="data changed since its last checkpoint"):
        train(config, tmp_path / "run", resume=True, reporter=quiet())


def test_without_resume_a_run_is_not_overwritten(config: Config, uninterrupted: Path) -> None:
    with pytest.raises(ConfigError, match=r"already holds a run.*--resume"):
        train(config, uninterrupted)


@pytest.mark.parametrize("name", ["notes.txt", "config.toml", "README.md", ".git"])
def test_a_directory_that_holds_something_else_is_left_alone(name: str, config: Config, tmp_path: Path) -> None:
    (tmp_path / name).write_text("mine", "utf-8")
    with pytest.raises(ConfigError, match=rf"{name} and no run"):
        train(config, tmp_path, resume=True)
    assert {file.name: file.read_text("utf-8") for file in tmp_path.iterdir()} == {name: "mine"}


def test_a_file_is_no_run(config: Config, tmp_path: Path) -> None:
    (tmp_path / "run").write_text("mine", "utf-8")
    with pytest.raises(ConfigError, match="is a file"):
        train(config, tmp_path / "run")


def test_a_run_that_made_nothing_yet_may_be_begun_with_another_configuration(data: Path, tmp_path: Path) -> None:
    wrong: Mapping[str, Any] = {"model": {"base": str(tmp_path / "nowhere")}, "warm_start": {"generator_steps": 0}}
    with pytest.raises(ConfigError, match=r"`model.base`"):
        train(brief_config(data, **wrong), tmp_path / "run", reporter=quiet())
    train(brief_config(data, run={"steps": 1}), tmp_path / "run", reporter=quiet())


def test_two_processes_cannot_train_in_one_directory(config: Config, tmp_path: Path) -> None:
    run = tmp_path / "run"
    reporter = quiet(run)
    inner: list[str] = []

    def meanwhile(*_: Any, **__: Any) -> None:
        with pytest.raises(ConfigError) as refused:
            train(config, run, resume=True, reporter=quiet())
        inner.append(str(refused.value))

    reporter.say = meanwhile  # type: ignore[method-assign]
    train(config, run, reporter=reporter)
    assert "is being trained by another process" in inner[0]
