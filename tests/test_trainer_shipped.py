"""A judge without a run: the small generator in the repository's layout, and evaluations that name no run."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
import torch
from typer.testing import CliRunner

from popi_sdk.errors import ConfigError
from tests.loopback import KEY_VARIABLE, LoopbackServer, api_base
from tests.shipped_judges import judge_of_run
from tests.trained_runs import small_run
from trainer.cli import app
from trainer.controls import oracle_summaries
from trainer.data import load_examples
from trainer.evaluate import evaluate
from trainer.opened import judge_of, open_judge, open_run_models
from trainer.run_directory import RunDirectory
from trainer.shipped import WEIGHTS, is_judge, shipped_judge


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> RunDirectory:
    return small_run(tmp_path_factory.mktemp("runs") / "one")


@pytest.fixture(scope="module")
def judge(run: RunDirectory, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return judge_of_run(run, tmp_path_factory.mktemp("weights"))


@pytest.fixture
def shipped(judge: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The judge where the repository has its own."""
    monkeypatch.setattr("trainer.shipped.WEIGHTS", judge)
    return judge


def command(*arguments: str) -> Any:
    return CliRunner().invoke(app, ["evaluate", *arguments])


class TestJudge:
    def test_margins_are_those_of_the_run_it_comes_from(self, run: RunDirectory, judge: Path) -> None:
        opened = open_run_models(run.path)
        examples = load_examples(run.data / "test.jsonl")[:4]
        summaries = oracle_summaries(examples, opened.encoder)
        assert summaries is not None
        config, moved = shipped_judge(judge)
        assert config == opened.config
        expected = torch.cat(judge_of(opened).margins(examples, summaries))
        assert torch.cat(moved.margins(examples, summaries)).tolist() == pytest.approx(expected.tolist(), abs=1e-5)

    def test_nothing_in_it_learns(self, judge: Path) -> None:
        _, scorer = shipped_judge(judge)
        assert not any(parameter.requires_grad for parameter in scorer.generator.parameters())
        assert scorer.generator.learned() == {}

    def test_a_folder_of_this_layout_is_never_taken_for_a_run(self, judge: Path) -> None:
        config, _ = open_judge(str(judge))
        assert config == shipped_judge(judge)[0]

    @pytest.mark.parametrize("part", ["config.toml", "generator", "reference"])
    def test_a_missing_part_is_named(self, judge: Path, tmp_path: Path, part: str) -> None:
        for name in {"config.toml", "generator", "reference"} - {part}:
            source = judge / name
            (shutil.copytree if source.is_dir() else shutil.copy)(source, tmp_path / name)
        assert not is_judge(tmp_path)
        with pytest.raises(ConfigError, match=f"no small generator in .*: {part} missing"):
            shipped_judge(tmp_path)

    @pytest.mark.skipif(not is_judge(WEIGHTS), reason="trainer/weights holds no small generator")
    def test_the_one_in_the_repository_can_be_loaded(self) -> None:
        _, scorer = shipped_judge()
        assert scorer.generator.device.type in ("cpu", "cuda")


class TestWithoutARun:
    def test_any_file_is_measured_against_every_control_that_needs_no_run(
        self, run: RunDirectory, shipped: Path
    ) -> None:
        data = str(run.data / "test.jsonl")
        result = command("--data", data, "--summarizer", "contrast", "--limit", "6", "--json")
        assert result.exit_code == 0, result.output
        report = json.loads(result.stdout)
        assert list(report["controls"]) == ["none", "raw", "contrast", "trained", "swapped", "oracle"]
        assert report["controls"]["trained"] == report["controls"]["contrast"]

    def test_figures_are_those_that_the_run_gives(self, run: RunDirectory, shipped: Path) -> None:
        at_home = evaluate(run.path, summarizer="contrast", limit=6).controls
        away = evaluate(data=run.data / "test.jsonl", summarizer="contrast", limit=6).controls
        for name in ("none", "raw", "contrast", "oracle"):
            assert away[name].accuracy == at_home[name].accuracy
            assert away[name].margin == pytest.approx(at_home[name].margin, abs=1e-5)
            assert away[name].tokens == at_home[name].tokens

    def test_a_runs_summarizer_can_be_judged_by_it(self, run: RunDirectory, shipped: Path) -> None:
        controls = evaluate(data=run.data / "test.jsonl", summarizer=str(run.path), limit=4, sampled=True).controls
        assert {"warm_start", "untrained"} <= controls.keys()

    def test_another_judge_needs_none_in_the_repository(
        self, run: RunDirectory, judge: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("trainer.shipped.WEIGHTS", tmp_path)
        data = run.data / "test.jsonl"
        for generator in (judge, run.path, run.base):
            evaluation = evaluate(data=data, summarizer="contrast", generator=str(generator), limit=2)
            assert evaluation.pairs == 4

    def test_the_embedded_summarizer_is_judged_unless_another_is_named(
        self, run: RunDirectory, shipped: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        class Named:
            def __init__(self, name: str) -> None:
                self.name = name

            def summarize(self, signals: object, previous: object = None) -> str:
                return f"Keep it {self.name}."

        monkeypatch.setattr("trainer.opened.make_summarizer", lambda config, *_: Named(config.summarizer))
        written = evaluate(data=run.data / "test.jsonl", limit=2).summaries
        assert {summary.text for _, summary in written} == {"Keep it embedded."}

    def test_data_have_to_be_given(self, shipped: Path) -> None:
        result = command("--summarizer", "contrast")
        assert result.exit_code == 2
        assert "Give --data FILE" in result.output

    def test_where_there_is_no_generator_the_way_to_one_is_said(
        self, run: RunDirectory, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("trainer.shipped.WEIGHTS", tmp_path / "weights")
        result = command("--data", str(run.data / "test.jsonl"), "--summarizer", "contrast")
        assert result.exit_code == 2
        assert "There is no small generator" in result.output
        assert "clone" in result.output

    def test_only_a_run_is_sampled(self, run: RunDirectory, shipped: Path) -> None:
        with pytest.raises(ConfigError, match="only a run's summaries"):
            evaluate(data=run.data / "test.jsonl", summarizer="contrast", sampled=True)

    def test_bought_replies_are_kept_with_what_is_kept_for_this_user_of_the_machine(
        self,
        run: RunDirectory,
        shipped: Path,
        loopback: LoopbackServer,
        tmp_path: Path,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        monkeypatch.setattr("platformdirs.user_cache_path", lambda app: tmp_path / "cache" / app)
        backend, judging = (
            json.dumps({"name": name, "api_base": api_base(loopback.url, name), "api_key_env": KEY_VARIABLE})
            for name in ("openai/gpt-4o-mini", "openai/gpt-4o")
        )
        data = str(run.data / "test.jsonl")
        options = ("--summarizer", "contrast", "--limit", "2", "--backend", backend, "--judge", judging, "--json")
        result = command("--data", data, *options)
        assert result.exit_code == 0, result.output
        assert json.loads(result.stdout)["judge"]["comparisons"] == 2
        assert (tmp_path / "cache" / "popi" / "judgements.jsonl").is_file()
