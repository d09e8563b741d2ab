"""Joint training for real, small: reinforcement learning finds what a start that says the same of everyone does not.

The shipped `smoke` configuration with fewer steps. Its controls could fail: another user's summary, no summary, and the
start itself are measured on the very same held-out pairs of users who were never trained on.
"""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from tests.trained_runs import shortened
from trainer.cli import app
from trainer.config import load_config
from trainer.world import read_tastes

pytestmark = pytest.mark.timeout(1200)


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("smoke")
    config = shortened(load_config("smoke"))
    (folder / "smoke.toml").write_text(config.to_toml(), encoding="utf-8")
    result = CliRunner().invoke(app, ["train", str(folder / "smoke.toml"), "--out", str(folder / "run")])
    assert result.exit_code == 0, result.output
    return folder / "run"


@pytest.fixture(scope="module")
def controls(run: Path) -> dict[str, dict[str, float]]:
    result = CliRunner().invoke(app, ["evaluate", str(run), "--json"])
    assert result.exit_code == 0, result.output
    report = json.loads(result.stdout)
    assert report["pairs"] >= 1_000
    return report["controls"]


def test_the_trained_summary_beats_its_start_by_twenty_points(controls: dict[str, dict[str, float]]) -> None:
    assert controls["trained"]["accuracy"] >= controls["warm_start"]["accuracy"] + 0.20


def test_it_closes_most_of_the_gap_to_the_truth(controls: dict[str, dict[str, float]]) -> None:
    start = controls["warm_start"]["accuracy"]
    assert controls["trained"]["accuracy"] - start >= 0.8 * (controls["oracle"]["accuracy"] - start)


def test_another_users_summary_is_at_chance_or_below(controls: dict[str, dict[str, float]]) -> None:
    assert controls["swapped"]["low"] <= 0.5


def test_without_a_summary_the_generator_is_at_chance(controls: dict[str, dict[str, float]]) -> None:
    assert controls["none"]["low"] <= 0.5 <= controls["none"]["high"]


def test_a_summary_takes_a_fraction_of_the_raw_signals(controls: dict[str, dict[str, float]]) -> None:
    assert controls["trained"]["tokens"] < controls["raw"]["tokens"] / 5


def test_the_summaries_read_as_english_instructions(run: Path) -> None:
    written = (run / "summaries.md").read_text("utf-8")
    texts = [part.split("\n\n")[1] for part in written.split("## ")[1:]]
    assert len(texts) == 10
    for text in texts:
        tastes = read_tastes(text)
        assert len(tastes) == 3, text
        assert all(line.endswith(".") for line in text.splitlines())


def test_the_run_explains_itself(run: Path) -> None:
    assert {path.name for path in run.iterdir() if not path.name.startswith(".")} >= {
        "README.md", "config.toml", "data", "base", "start", "reference.jsonl", "checkpoints", "metrics.jsonl",
        "summaries.md",
    }  # fmt: skip
    steps = [json.loads(line) for line in (run / "metrics.jsonl").read_text("utf-8").splitlines()]
    assert [line["step"] for line in steps if line["kind"] == "step"] == list(range(len(steps) - 3))
