"""Several processes compute what one does, and what they leave can be gone on with by any number."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
import torch.distributed as dist
from safetensors.torch import load_file

from popi_sdk.errors import ConfigError
from tests.brief_runs import brief_config, differing, lora_config, quiet, weights_of, write_data
from tests.crashes import crash_at
from tests.recorded_steps import SAVED, STEPS, recorded_steps
from trainer import distributed, stages
from trainer.config import load_config
from trainer.distributed import clip_gradients, gathered, joined, mean, means, own_share
from trainer.run_directory import RunDirectory
from trainer.train import train

PARALLEL = ("replicated", "sharded")


def torchrun(*arguments: str, processes: int = 2) -> subprocess.CompletedProcess[str]:
    """Start processes as a user would, on a free port."""
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc_per_node", str(processes)]
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "HF_HUB_OFFLINE": "1", "GLOO_SOCKET_IFNAME": "lo"}
    return subprocess.run([*command, *arguments], env=environment, capture_output=True, text=True, timeout=110)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("distributed")
    write_data(place / "data")
    return place


@pytest.fixture(scope="module")
def recorded(folder: Path) -> Path:
    """What two processes made of recorded rollouts, in all four ways, and one process in both; and each of the others.

    `-one` is one process from start to end, `-two-PARALLEL` two processes, `-one-two-PARALLEL` two that went on after
    one, and `-two-one-PARALLEL` one that went on after two.
    """
    jobs = []
    for parallel in PARALLEL:
        settings: dict[str, Any] = {
            "run": {"parallel": parallel, "generator_learning_rate": 1e-3},
            "rollout": {"inner_epochs": 2, "microbatch": 1},
            "objective": {"without_summary": 0.2},
        }
        cold = {"warm_start": {"summarizer": "none", "generator_steps": 0}}
        for name, config in (
            ("full", brief_config(folder / "data", **settings)),
            ("adapters", lora_config(folder / "data", folder / "base", **settings, **cold)),
        ):
            file = folder / f"{name}-{parallel}.toml"
            file.write_text(config.to_toml(), "utf-8")
            if parallel == "replicated":
                recorded_steps(config, folder / f"{name}-one")
            begun = folder / f"{name}-one-two-{parallel}"
            shutil.copytree(folder / f"{name}-one", begun)
            jobs += [f"{file}={folder / f'{name}-two-{parallel}'}", f"{file}={begun}"]
    done = torchrun("-m", "tests.recorded_steps", *jobs)
    assert done.returncode == 0, done.stderr
    for parallel in PARALLEL:
        for name in ("full", "adapters"):
            begun = folder / f"{name}-two-one-{parallel}"
            shutil.copytree(folder / f"{name}-two-{parallel}", begun)
            recorded_steps(load_config(folder / f"{name}-{parallel}.toml"), begun)
    return folder


@pytest.mark.parametrize("parallel", PARALLEL)
@pytest.mark.parametrize("models", ["full", "adapters"])
def test_two_processes_compute_what_one_does(models: str, parallel: str, recorded: Path) -> None:
    found = assert_computed_the_same(recorded / f"{models}-two-{parallel}", recorded / f"{models}-one", 0)
    assert (found["sharded"] > 0) is (parallel == "sharded")


@pytest.mark.parametrize("parallel", PARALLEL)
@pytest.mark.parametrize("models", ["full", "adapters"])
@pytest.mark.parametrize("numbers", ["one-two", "two-one"])
def test_another_number_of_processes_goes_on_where_the_former_stood(
    numbers: str, models: str, parallel: str, recorded: Path
) -> None:
    found = assert_computed_the_same(recorded / f"{models}-{numbers}-{parallel}", recorded / f"{models}-one", SAVED)
    assert (found["sharded"] > 0) is (parallel == "sharded" and numbers == "one-two")


def assert_computed_the_same(run: Path, other: Path, first: int) -> dict[str, Any]:
    """Same figures in all steps from `first` on, and same weights in the end; returns what was written of `run`."""
    found, expected = (json.loads((one / "figures.json").read_text()) for one in (run, other))
    assert len(found["steps"]) == STEPS - first
    for step, figures in enumerate(found["steps"], first):
        for name, value in expected["steps"][step].items():
            if "tokens" not in name and "seconds" not in name:
                assert figures[name] == pytest.approx(value, rel=1e-6, abs=1e-9), name
    weights, wanted = load_file(run / "weights.safetensors"), load_file(other / "weights.safetensors")
    assert weights.keys() == wanted.keys()
    for name, value in wanted.items():
        torch.testing.assert_close(weights[name], value, rtol=1e-6, atol=1e-9)
    return dict(found)


def test_a_run_of_one_process_goes_on_in_two_and_one_of_two_in_one(folder: Path) -> None:
    config = brief_config(folder / "data", run={"parallel": "sharded"})
    file, run = folder / "sharded.toml", folder / "run"
    file.write_text(config.to_toml(), "utf-8")
    with crash_at("os.rename", ".step-000002.part"):
        train(config, run, reporter=quiet(run))
    done = torchrun("-m", "trainer", "train", str(file), "--out", str(run), "--resume")
    assert done.returncode == 0, done.stderr
    assert done.stderr.count("Going on from step 1.") == 1  # one process speaks
    by_two = weights_of(run)
    (run / "checkpoints" / "step-000003" / "checkpoint.json").unlink()
    train(config, run, resume=True, reporter=quiet(run))
    assert len(differing(weights_of(run), by_two)) > 10  # the last step has samples of its own
    assert weights_of(run).keys() == by_two.keys()
    steps = [json.loads(line)["step"] for line in RunDirectory(run).metrics.read_text().splitlines()]
    assert steps == [0, 0, 1, 2, 2, 3]


def test_processes_that_do_not_share_a_disk_are_refused(folder: Path) -> None:
    file = folder / "unshared.toml"
    file.write_text(brief_config(folder / "data").to_toml(), "utf-8")
    start = f"exec {sys.executable} -m trainer train {file} --out {folder}/disk-of-$RANK/run"
    done = torchrun("--no-python", "bash", "-c", start)
    assert done.returncode != 0
    assert "is not the same directory for all 2 processes" in " ".join(done.stderr.split())
    assert not (folder / "disk-of-0" / "run" / "base").exists()


def test_two_processes_warm_start_one_learner_each_and_leave_what_one_does(folder: Path) -> None:
    config = brief_config(folder / "data", run={"steps": 1})
    file, alone, together = folder / "warm.toml", folder / "alone", folder / "together"
    file.write_text(config.to_toml(), "utf-8")
    train(config, alone, reporter=quiet(alone))
    done = torchrun("-m", "trainer", "train", str(file), "--out", str(together))
    assert done.returncode == 0, done.stderr
    for role in ("summarizer", "generator"):
        one, other = (load_file(run / "start" / role / "model.safetensors") for run in (alone, together))
        assert one.keys() == other.keys()
        assert all(value.equal(other[name]) for name, value in one.items())


def test_a_learner_is_warm_started_by_exactly_one_process(monkeypatch: pytest.MonkeyPatch) -> None:
    for processes in (1, 2, 3):
        monkeypatch.setattr(stages, "size", lambda processes=processes: processes)
        roles: list[str] = []
        for place in range(processes):
            monkeypatch.setattr(stages, "rank", lambda place=place: place)
            roles += stages.own_roles()
        assert sorted(roles) == ["generator", "summarizer"]


def test_users_that_cannot_be_shared_evenly_are_refused(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dist, "is_torchelastic_launched", lambda: True)
    for name in ("init_process_group", "destroy_process_group"):
        monkeypatch.setattr(dist, name, lambda *_, **__: None)
    monkeypatch.setattr(distributed, "size", lambda: 3)
    config = brief_config(folder / "data")
    with (
        pytest.raises(ConfigError, match=r"`rollout.users` is 4, which 3 processes cannot share evenly"),
        joined(config),
    ):
        pass


def test_alone_a_process_is_the_main_one_and_has_everything(folder: Path) -> None:
    with joined(brief_config(folder / "data")):
        assert (distributed.size(), distributed.rank(), distributed.is_main()) == (1, 0, True)
        assert own_share([1, 2, 3]) == [1, 2, 3]
        assert gathered("x") == ["x"]
        assert mean(3) == 3
        assert means({"a": 0.1}) == {"a": 0.1}


def test_each_process_has_its_part_of_the_users_in_order(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(distributed, "size", lambda: 3)
    shares = []
    for rank in range(3):
        monkeypatch.setattr(distributed, "rank", lambda rank=rank: rank)
        shares.append(own_share([0, 1, 2, 3, 4, 5]))
    assert shares == [[0, 1], [2, 3], [4, 5]]


def test_gradients_are_clipped_together_to_the_norm_that_is_asked() -> None:
    one, other = torch.nn.Parameter(torch.zeros(1)), torch.nn.Parameter(torch.zeros(1))
    unused = torch.nn.Parameter(torch.zeros(1))
    one.grad, other.grad = torch.tensor([3.0]), torch.tensor([4.0])
    assert clip_gradients([one, other, unused], 1.0) == 5.0
    assert (one.grad.item(), other.grad.item()) == pytest.approx((0.6, 0.8))
    assert clip_gradients([one, other], 2.0) == pytest.approx(1.0)
    assert (one.grad.item(), other.grad.item()) == pytest.approx((0.6, 0.8))  # small ones stay


def test_a_gradient_that_is_no_number_is_left_to_be_seen() -> None:
    parameter = torch.nn.Parameter(torch.zeros(2))
    parameter.grad = torch.tensor([torch.nan, 1.0])
    assert clip_gradients([parameter], 1.0) != clip_gradients([parameter], 1.0)
    assert parameter.grad[1] == 1.0


def test_configurations_know_the_two_ways(folder: Path) -> None:
    with pytest.raises(ConfigError, match=r"`run.parallel`: .*'replicated' or 'sharded'"):
        brief_config(folder / "data", run={"parallel": "both"})
