"""What an evaluation part by part compares, worked out by hand, and what it says of a run."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from popi_sdk.errors import ConfigError
from popi_sdk.signals import Statement
from popi_sdk.summary import Clause, Summary
from tests.brief_runs import WORLD
from tests.trained_runs import small_run
from trainer.cli import app
from trainer.data import Example, load_examples, write_examples
from trainer.report.figures import as_png
from trainer.report.streaming_figure import streaming_figure
from trainer.run_directory import RunDirectory
from trainer.streaming_evaluation import evaluate_streaming, streamed, written_after_parts
from trainer.world import world_examples

UPDATES: dict[str, Any] = {"rollout": {"updates": 0.5}, "warm_start": {"updates": 0.5}}
PAIRS = world_examples(WORLD, "train", 1, 0)[0].pairs


def words(example: Example) -> list[str]:
    return [signal.text for signal in example.signals if isinstance(signal, Statement)]


class Echo:
    """A writer whose summary of a user is what it was shown."""

    def write(self, examples: Sequence[Example], advance: Callable[[int], None] = lambda _: None) -> list[Summary]:
        texts = [f"{example.previous}({' '.join(words(example))})" for example in examples]
        return [Summary(clauses=(Clause(text),)) for text in texts]


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> RunDirectory:
    """A run over users of six signals, half of whom change their mind."""
    world = {"signals": 6, "drift": 0.5, "fewest_signals": 1}
    return small_run(tmp_path_factory.mktemp("run") / "run", world=world, run={"steps": 1}, **UPDATES)


class TestEvaluation:
    def test_each_way_reads_what_it_is_named_after(self) -> None:
        a, b, c, d, e = "abcde"
        user = Example("ada", tuple(map(Statement, (a, b, c, d, e))), ())
        said = [
            {way: summaries[0].text for way, summaries in written.items()}
            for _, written in written_after_parts(Echo(), [user], 3)
        ]
        assert said == [
            {"full": f"({a})", "streaming": f"({a})", "newest": f"({a})"},
            {"full": f"({a} {b} {c})", "streaming": f"({a})({b} {c})", "newest": f"({b} {c})"},
            {"full": f"({a} {b} {c} {d} {e})", "streaming": f"({a})({b} {c})({d} {e})", "newest": f"({d} {e})"},
        ]

    def test_the_kept_share_is_the_gain_of_streaming_over_that_of_the_full_history(self) -> None:
        people = [Example(name, (), PAIRS[:1] * 4) for name in ("a", "b", "c")]
        after: dict[str, list[list[float]]] = {
            "full": [[1, 1, 1, 0.5], [1, 1, 1, 1], [1, 1, 0, 1]],
            "streaming": [[1, 1, 0, 0.5], [1, 1, 1, 1], [1, 1, 0, 0]],
            "newest": [[0, 0, 1, 1]] * 3,
        }
        none: list[list[float]] = [[0, 0.5, 0.5, 0], [0.5] * 4, [1, 0, 0, 1]]
        found = streamed(people, [after], {"none": none})
        assert (found.users, found.pairs) == (3, 12)
        (one,) = found.after
        assert {way: interval.mean for way, interval in one.accuracy.items()} == {
            "full": pytest.approx(10.5 / 12), "streaming": pytest.approx(8.5 / 12), "newest": 0.5,
        }  # fmt: skip
        assert one.kept is not None
        assert one.kept.mean == pytest.approx((8.5 - 5) / (10.5 - 5))
        assert found.beside["none"].mean == pytest.approx(5 / 12)

    def test_there_is_no_share_of_a_gain_that_is_none(self) -> None:
        people = [Example(name, (), PAIRS[:1]) for name in ("a", "b")]
        scores: dict[str, list[list[float]]] = {"full": [[0], [1]], "streaming": [[1], [1]], "newest": [[0], [0]]}
        assert streamed(people, [scores], {"none": [[1], [0]]}).after[0].kept is None

    def test_it_stands_in_one_object_with_every_part_and_slice(self, run: RunDirectory) -> None:
        result = CliRunner().invoke(app, ["evaluate", str(run.path), "--updates", "3", "--limit", "12", "--json"])
        assert result.exit_code == 0, result.output
        report = json.loads(result.stdout)
        assert (report["users"], report["pairs"]) == (12, 24)
        assert [row["parts"] for row in report["after"]] == [1, 2, 3]
        assert set(report["controls"]) == {"none", "oracle"}
        for row in report["after"]:
            for way in ("full", "streaming", "newest"):
                assert 0 <= row[way]["low"] <= row[way]["accuracy"] <= row[way]["high"] <= 1
        first, _, last = report["after"]
        assert first["full"] == first["streaming"] == first["newest"]
        assert last["full"]["tokens_read"] == pytest.approx(3 * first["full"]["tokens_read"], rel=0.2)
        assert last["newest"]["tokens_read"] < last["streaming"]["tokens_read"] < last["full"]["tokens_read"]
        drift = report["slices"]["drift"]
        assert drift["yes"]["users"] + drift["no"]["users"] == 12
        assert not run.evaluation.exists()

    def test_it_can_be_read_as_tables(self, run: RunDirectory) -> None:
        result = CliRunner().invoke(app, ["evaluate", str(run.path), "--updates", "2", "--limit", "6"])
        assert result.exit_code == 0, result.output
        assert "gain kept" in result.stdout
        assert "drift yes" in result.stdout

    def test_after_all_parts_the_full_history_is_what_an_evaluation_calls_trained(self, run: RunDirectory) -> None:
        result = CliRunner().invoke(app, ["evaluate", str(run.path), "--limit", "12", "--json"])
        whole = json.loads(result.stdout)["controls"]
        found = evaluate_streaming(run.path, updates=2, limit=12).overall
        assert found.after[-1].accuracy["full"].as_json("accuracy").items() <= whole["trained"].items()
        assert found.beside["oracle"].as_json("accuracy").items() <= whole["oracle"].items()

    def test_a_baseline_that_keeps_nothing_streams_as_well_as_its_newest_part(self, run: RunDirectory) -> None:
        found = evaluate_streaming(run.path, updates=3, summarizer="contrast", limit=30).overall
        assert [one.accuracy["streaming"] for one in found.after] == [one.accuracy["newest"] for one in found.after]

    def test_users_who_have_shown_too_little_are_left_out(self, run: RunDirectory, tmp_path: Path) -> None:
        people = load_examples(run.data / "test.jsonl")[:4]
        write_examples([replace(people[0], signals=people[0].signals[:2]), *people[1:]], tmp_path / "some.jsonl")
        assert evaluate_streaming(run.path, updates=3, data=tmp_path / "some.jsonl").overall.users == 3
        with pytest.raises(ConfigError, match=r"has held-out pairs and 7 signals.*Lower --updates"):
            evaluate_streaming(run.path, updates=7, data=tmp_path / "some.jsonl")

    def test_answers_are_not_judged_part_by_part(self, run: RunDirectory) -> None:
        options = ["--updates", "2", "--backend", "a", "--judge", "b"]
        result = CliRunner().invoke(app, ["evaluate", str(run.path), *options])
        assert result.exit_code != 0
        assert "--updates does not go with --backend" in " ".join(result.output.replace("│", "").split())

    def test_the_figure_has_a_panel_for_all_users_and_one_for_each_value_of_a_slice(self, run: RunDirectory) -> None:
        figure = streaming_figure(evaluate_streaming(run.path, updates=2, limit=12).as_json())
        titles = [axes.get_title(loc="left") for axes in figure.axes]
        assert [title.split(" (")[0] for title in titles] == ["all users", "drift: no", "drift: yes"]
        assert as_png(figure).startswith(b"\x89PNG")
