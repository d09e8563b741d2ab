"""Runs of a second or less, on a handful of simulated users, that are trained within a test for what they write."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from rich.console import Console
from safetensors.torch import load_file

from tests.tiny_models import save_tiny
from tests.trained_runs import small_config
from trainer.config import Config, WorldConfig
from trainer.data import write_examples
from trainer.progress import Reporter
from trainer.run_directory import RunDirectory
from trainer.world import world_examples

USERS = {"train": 8, "validation": 4, "test": 2}
WORLD = WorldConfig(dimensions=2, cares=2, signals=2, pairs=2)


def write_data(folder: Path, users: Mapping[str, int] = USERS, world: WorldConfig = WORLD) -> Path:
    """The three splits of a few simulated users."""
    folder.mkdir(parents=True, exist_ok=True)
    for split, count in users.items():
        write_examples(world_examples(world, split, count, seed=0), folder / f"{split}.jsonl")
    return folder


def brief_config(data: Path, **groups: dict[str, Any]) -> Config:
    """Three steps, each with a checkpoint and all but one with an evaluation; `run={"steps": 1}` changes values."""
    brief: dict[str, dict[str, Any]] = {
        "data": {"folder": str(data)},
        "run": {"steps": 3, "evaluate_every": 2, "save_every": 1, "summarizer_learning_rate": 1e-3},
    }
    for group, values in groups.items():
        brief[group] = brief.get(group, {}) | values
    return small_config(**brief)


def lora_config(data: Path, base: Path, **groups: dict[str, Any]) -> Config:
    """The same on a saved base with adapters."""
    if not base.exists():
        save_tiny(base)
    groups["model"] = {"base": str(base), "lora_rank": 4} | groups.get("model", {})
    return brief_config(data, **groups)


def quiet(run: Path | None = None) -> Reporter:
    """A reporter that shows nothing."""
    return Reporter(run and RunDirectory(run).metrics, Console(quiet=True))


def weights_of(run: Path, step: int | None = None) -> dict[str, Any]:
    """Everything a checkpoint holds in tensors, by file and name; the newest by default."""
    checkpoint = RunDirectory(run).latest()
    assert checkpoint is not None
    folder = checkpoint.folder if step is None else RunDirectory(run).checkpoints / f"step-{step:06d}"
    return {
        f"{file.relative_to(folder)}:{name}": value
        for file in sorted(folder.rglob("*.safetensors"))
        for name, value in load_file(file).items()
    }


def differing(one: Mapping[str, Any], other: Mapping[str, Any]) -> list[str]:
    """Names of tensors that are not the same bit for bit."""
    assert one.keys() == other.keys()
    return [name for name, value in one.items() if not value.equal(other[name])]
