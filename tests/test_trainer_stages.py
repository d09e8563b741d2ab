"""What a run needs before its first step is made once, found again, and refused early where it cannot be used."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest
import torch

from popi_sdk.errors import ConfigError
from tests.brief_runs import brief_config, quiet, write_data
from tests.trained_runs import small_config
from trainer.models import Models, Policy
from trainer.run_directory import SPLITS, RunDirectory
from trainer.stages import choose_device, data_digest, prepare_data, prepare_models, refuse_early


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_data(tmp_path_factory.mktemp("data"))


def prepared(data: Path, folder: Path) -> Models:
    run, config = RunDirectory(folder), brief_config(data)
    return prepare_models(run, config, prepare_data(run, config), quiet())[0]


def test_a_world_is_written_once_and_read_back_the_same(tmp_path: Path) -> None:
    run, config = RunDirectory(tmp_path), small_config()
    made = prepare_data(run, config)
    times = [(run.data / f"{split}.jsonl").stat().st_mtime_ns for split in SPLITS]
    assert prepare_data(run, config) == made
    assert [(run.data / f"{split}.jsonl").stat().st_mtime_ns for split in SPLITS] == times
    assert {split: len(examples) for split, examples in made.items()} == {"train": 24, "validation": 200, "test": 400}


def test_base_and_warm_start_are_made_once_and_found_again(data: Path, tmp_path: Path) -> None:
    first = prepared(data, tmp_path)
    files = {file: file.stat().st_mtime_ns for file in tmp_path.rglob("*.safetensors")}
    torch.manual_seed(99)  # whatever was drawn before
    second = prepared(data, tmp_path)
    assert {file: file.stat().st_mtime_ns for file in tmp_path.rglob("*.safetensors")} == files
    for one, other in zip(first.distinct(), second.distinct(), strict=True):
        assert all(a.equal(b) for a, b in zip(one.parameters(), other.parameters(), strict=True))


def test_every_role_has_weights_of_its_own_and_only_learners_learn(data: Path, tmp_path: Path) -> None:
    models = prepared(data, tmp_path)
    assert len(models.distinct()) == 4
    assert {role: bool(policy.learned()) for role, policy in vars_of(models).items()} == {
        "summarizer": True, "generator": True, "anchor": False, "reference": False,
    }  # fmt: skip


def vars_of(models: Models) -> dict[str, Policy]:
    return {role: getattr(models, role) for role in ("summarizer", "generator", "anchor", "reference")}


def test_the_digest_of_the_data_is_that_of_the_three_files(data: Path, tmp_path: Path) -> None:
    texts = b"".join((data / f"{split}.jsonl").read_bytes() for split in SPLITS)
    assert data_digest(RunDirectory(tmp_path), brief_config(data)) == hashlib.sha256(texts).hexdigest()


@pytest.mark.skipif(torch.cuda.is_available(), reason="this machine has a GPU")
def test_a_gpu_that_is_not_there_is_refused(data: Path) -> None:
    with pytest.raises(ConfigError, match=r'`run.device` is "cuda" and there is no usable GPU'):
        refuse_early(brief_config(data, run={"device": "cuda"}))
    assert choose_device(brief_config(data)).type == "cpu"


def test_templates_that_cannot_be_used_are_refused_before_anything_is_made(data: Path) -> None:
    with pytest.raises(ConfigError, match="templates"):
        refuse_early(brief_config(data, model={"templates": {"generation.system": "{{ nothing }}"}}))
