"""Runs small enough to be trained within a test: a world of two things to care about, and models of a few weights."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from trainer.config import CONFIGS, Config, load_config, parse_config
from trainer.run_directory import RunDirectory
from trainer.train import train


def small_config(**groups: dict[str, Any]) -> Config:
    """A run of seconds that learns nothing much; `run={"steps": 3}` changes single values."""
    tables = load_config(CONFIGS / "smoke.toml").model_dump(mode="json")
    small: dict[str, dict[str, Any]] = {
        "world": {"users": 24, "dimensions": 2, "cares": 2, "signals": 2, "pairs": 2},
        "model": {"hidden": 32, "layers": 1, "vocabulary": 400, "max_summary_tokens": 12},
        "warm_start": {"summarizer_steps": 2, "generator_steps": 2, "batch": 4},
        "objective": {"pairs": 2},
        "rollout": {"users": 4, "group": 2, "microbatch": 2},
        "run": {"steps": 2, "evaluate_every": 2, "save_every": 1},
    }
    for changes in (small, groups):
        for group, values in changes.items():
            tables[group] |= values
    return parse_config(tables)


def small_run(folder: Path, **groups: dict[str, Any]) -> RunDirectory:
    """Train such a configuration."""
    return train(small_config(**groups), folder)


def shortened(config: Config) -> Config:
    """The shipped smoke run with as few steps as still show that joint training works; Muon needs the fewest."""
    tables = config.model_dump(mode="json")
    steps = {"generator_steps": 90, "summarizer_steps": 100, "batch": 32}
    tables["warm_start"] |= {"optimizer": "muon", "learning_rate": 2e-2, **steps}
    tables["run"] |= {"steps": 26, "evaluate_every": 13, "save_every": 13}
    return parse_config(tables)
