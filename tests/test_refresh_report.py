"""The page about a refresh: decision and reasons first, old against new as decided, and both summaries of each user."""

from __future__ import annotations

import json
import math
import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from matplotlib.figure import Figure
from typer.testing import CliRunner

from popi_sdk.errors import ConfigError
from popi_sdk.summary import Summary
from tests.brief_runs import brief_config, quiet, write_data
from tests.test_trainer_report import HOSTILE, Page
from trainer.cli import app
from trainer.data import Example, load_examples
from trainer.encode import Encoder
from trainer.evaluate import Evaluation, measure
from trainer.intervals import Interval
from trainer.opened import Evaluated, open_evaluated
from trainer.refresh.decision_file import read_decision, write_decision
from trainer.refresh.directory import Outcome, RefreshDirectory
from trainer.refresh.gate import Slice, decide
from trainer.report import refresh_report
from trainer.report.refresh_figures import MARKERS, MOST_ROWS, populations_figure, slices_figure
from trainer.report.refresh_page import populations, refresh_page, shown_slices, verdict
from trainer.report.refresh_reading import read_refresh
from trainer.train import train

GATHERED = {"store": "sqlite:///app.db", "train": {"users": 8, "new_pairs": 1234}, "marks": ["left out"]}


@dataclass(frozen=True)
class Knowing:
    """Writes the truth about each user, as the guard lets it through."""

    encoder: Encoder

    def write(self, examples: Sequence[Example], advance: Callable[[int], None] = lambda _: None) -> list[Summary]:
        return [self.encoder.safe_summary(example.oracle) for example in examples]


@pytest.fixture(scope="module")
def evaluated(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Evaluated, Evaluation, Evaluation]:
    """A run of three steps whose summaries are compared with the truth."""
    folder = tmp_path_factory.mktemp("brief")
    data = write_data(folder / "data", {"train": 8, "validation": 4, "test": 24})
    run = train(brief_config(data), folder / "run", reporter=quiet(folder / "run")).path
    opened = open_evaluated(run, "", "", sampled=False)
    opened = replace(opened, before=Knowing(opened.generator.encoder))
    examples = [
        replace(one, slices={"when": "new" if place % 2 else "earlier", "topic": "few" if place == 3 else "many"})
        for place, one in enumerate(load_examples(data / "test.jsonl"))
    ]
    held_out, trusted = (measure(opened, examples[part]) for part in (slice(0, 12), slice(12, 24)))
    return run, opened, held_out, trusted


@pytest.fixture
def refresh(evaluated: tuple[Path, Evaluated, Evaluation, Evaluation], tmp_path: Path) -> Path:
    """A refresh's folder as the trainer leaves it after a refusal."""
    run, _, held_out, trusted = evaluated
    place = tmp_path / "0007"
    place.mkdir()
    shutil.copytree(run, place / "run", ignore=shutil.ignore_patterns("*.safetensors"))
    decision = decide(held_out, trusted)
    assert not decision.promoted
    write_decision(place, decision, held_out, trusted, gathered=GATHERED, parent=3, step=3)
    RefreshDirectory(place).end(Outcome(version=None, reasons=decision.reasons))
    return place


def change(refresh: Path, edit: Callable[[dict[str, Any]], object]) -> None:
    file = refresh / "decision.json"
    record = json.loads(file.read_text("utf-8"))
    edit(record)
    file.write_text(json.dumps(record), encoding="utf-8")


def words_of(refresh: Path) -> Page:
    """The page without its figures, which take longest."""
    return Page(refresh_page(read_refresh(refresh), {}))


class TestDecisionFile:
    def test_what_is_written_is_read_again(
        self, evaluated: tuple[Path, Evaluated, Evaluation, Evaluation], refresh: Path
    ) -> None:
        _, _, held_out, trusted = evaluated
        read = read_decision(refresh)
        decision = decide(held_out, trusted)
        assert read.decision.as_json() == decision.as_json()
        assert (read.parent, read.step, read.gathered) == (3, 3, GATHERED)
        assert read.held_out["controls"] == json.loads(json.dumps(held_out.as_json()["controls"]))
        assert [one["user"] for one in read.trusted["examples"]] == [one.user for one, _ in trusted.summaries]

    def test_it_holds_what_the_version_in_service_wrote_about_each_user(
        self, evaluated: tuple[Path, Evaluated, Evaluation, Evaluation], refresh: Path
    ) -> None:
        _, opened, held_out, _ = evaluated
        assert opened.before is not None
        written = opened.before.write([example for example, _ in held_out.summaries])
        texts = [one["before"] for one in read_decision(refresh).held_out["examples"]]
        assert any(texts)
        assert texts == [summary.text for summary in written]

    def test_slices_and_unknown_bounds_survive(self, refresh: Path) -> None:
        (few,) = [one for one in read_decision(refresh).decision.slices if one.value == "few"]
        assert (few.population, few.users, few.verdict) == ("held out", 1, "too few")
        assert math.isnan(few.difference.high)

    def test_a_folder_without_a_decision_is_told(self, tmp_path: Path) -> None:
        with pytest.raises(ConfigError, match=r"holds no decision\.json"):
            read_decision(tmp_path)

    @pytest.mark.parametrize("damaged", ["", "{", "[]", "{}", '{"decision": {"promoted": "yes"}}', "\x00"])
    def test_a_damaged_file_is_named_with_what_to_do(self, refresh: Path, damaged: str) -> None:
        (refresh / "decision.json").write_text(damaged, encoding="utf-8")
        with pytest.raises(ConfigError, match=r"decision\.json cannot be read") as error:
            refresh_report(refresh)
        assert "popi-train refresh" in error.value.hint
        assert not (refresh / "report").exists()

    @pytest.mark.parametrize("part", ["held_out", "trusted"])
    def test_an_evaluation_in_it_without_old_summaries_is_damaged(self, refresh: Path, part: str) -> None:
        change(refresh, lambda record: record[part]["controls"].pop("before"))
        with pytest.raises(ConfigError, match=r"decision\.json cannot be read"):
            read_refresh(refresh)


class TestPage:
    def test_the_command_writes_the_page_and_its_figures(self, refresh: Path) -> None:
        result = CliRunner().invoke(app, ["report", str(refresh)], env={"COLUMNS": "500"})
        assert result.exit_code == 0, result.output
        assert "Refused: version 3 stays in service." in result.stdout
        assert f"{refresh}/report/report.html and 5 figures beside it" in result.stdout
        names = ["controls", "populations", "progress", "slices", "tokens"]
        assert [file.stem for file in sorted((refresh / "report").glob("*.png"))] == names
        seen = Page((refresh / "report" / "report.html").read_text("utf-8"))
        order = ("populations", "slices", "controls", "tokens", "progress")
        assert seen.images == [(refresh / "report" / f"{name}.png").read_bytes() for name in order]

    def test_it_begins_with_the_decision_and_its_reasons(self, refresh: Path) -> None:
        text = words_of(refresh).text
        reasons = read_decision(refresh).decision.reasons
        places = [text.index(part) for part in ("Refused: version 3 stays in service.", *reasons, "Old against new")]
        assert places == sorted(places)

    def test_a_promotion_names_both_versions(self, refresh: Path) -> None:
        def promote(record: dict[str, Any]) -> None:
            record["decision"] |= {"promoted": True, "reasons": ["Better on held-out users."]}

        change(refresh, promote)
        RefreshDirectory(refresh).end(Outcome(version=4, reasons=("Better on held-out users.",)))
        assert verdict(read_refresh(refresh)) == "Promoted: version 4 is in service in the place of version 3."
        assert words_of(refresh).text.count("Better on held-out users.") == 1

    def test_what_came_in_between_is_said_before_the_reasons(self, refresh: Path) -> None:
        change(refresh, lambda record: record["decision"].update(promoted=True, reasons=["Better."]))
        RefreshDirectory(refresh).end(Outcome(version=None, reasons=("Version 9 was put in service meanwhile.",)))
        assert (
            "Passed, but not put in service. Version 9 was put in service meanwhile. Better." in words_of(refresh).text
        )

    def test_its_numbers_are_those_that_were_decided_on(self, refresh: Path) -> None:
        text = words_of(refresh).text.replace("\N{NO-BREAK SPACE}", " ")
        read = read_decision(refresh)
        for found in (read.decision.overall, read.decision.trusted):
            assert f"{100 * found.mean:+.1f} ({100 * found.low:+.1f} to {100 * found.high:+.1f})" in text
        for one in read.decision.slices:
            low, high = 100 * one.difference.low, 100 * one.difference.high
            bounds = "" if one.verdict == "too few" else f" ({low:+.1f} to {high:+.1f})"
            assert f"{one.value} {one.users} {one.pairs} {100 * one.difference.mean:+.1f}{bounds}" in text
        for evaluation in (read.held_out, read.trusted):
            for figures in evaluation["controls"].values():
                mean, low, high = (100 * figures[key] for key in ("accuracy", "low", "high"))
                assert f"{mean:.1f} % ({low:.1f} to {high:.1f})" in text
        assert "Train, new pairs 1,234" in text
        assert "left out" not in text.split("Old against new")[0]

    def test_ten_users_stand_with_old_and_new_summary(self, refresh: Path) -> None:
        def name(record: dict[str, Any]) -> None:
            for place, one in enumerate(record["held_out"]["examples"]):
                one |= {"before": f"old text {place}", "summary": f"new text {place}"}

        change(refresh, name)
        seen = words_of(refresh)
        assert seen.texts.count("Old summary, by the version in service") == 10
        assert [text for text in seen.texts if text.startswith(("old text", "new text"))] == [
            f"{which} text {place}" for place in range(10) for which in ("old", "new")
        ]
        assert "version in service" in seen.texts

    def test_it_asks_for_nothing_and_runs_nothing(self, refresh: Path) -> None:
        html = refresh_page(read_refresh(refresh), {"slices": b"x", "populations": b"x", "controls": b"x"})
        assert "http" not in html
        assert "url(" not in html
        seen = Page(html)
        assert not {tag for tag, _ in seen.tags} & {"script", "link", "iframe", "object", "embed", "form", "a", "base"}
        for tag, attributes in seen.tags:
            assert not [name for name in attributes if name.startswith("on") or name in ("href", "srcset", "style")]
            if tag == "img":
                assert str(attributes["src"]).startswith("data:image/png;base64,")
                assert attributes["alt"]

    def test_whatever_was_written_is_text_and_no_markup(self, refresh: Path) -> None:
        def edit(record: dict[str, Any]) -> None:
            record["held_out"]["examples"][0] |= {"user": HOSTILE, "summary": HOSTILE, "before": HOSTILE}
            record["decision"]["reasons"].append(HOSTILE)
            record["decision"]["slices"][0] |= {"name": HOSTILE, "value": "$x^2$ \u65e5\u672c \ud83d"}
            record["gathered"] = {HOSTILE: {HOSTILE: HOSTILE}}

        safe = words_of(refresh)
        change(refresh, edit)
        refresh_report(refresh)
        html = (refresh / "report" / "report.html").read_text("utf-8")
        seen = Page(html)
        assert {tag for tag, _ in seen.tags} - {"img"} == {tag for tag, _ in safe.tags}
        assert "<script" not in html
        assert "\x1b" not in html
        assert seen.text.count("<script>alert(1)</script>") >= 6

    def test_a_run_that_is_gone_leaves_only_the_progress_out(self, refresh: Path) -> None:
        shutil.rmtree(refresh / "run")
        refresh_report(refresh)
        seen = Page((refresh / "report" / "report.html").read_text("utf-8"))
        assert len(seen.images) == 4
        assert "Over the joint steps" not in seen.texts

    def test_of_many_slices_those_that_lose_and_the_largest_are_shown(self, refresh: Path) -> None:
        def edit(record: dict[str, Any]) -> None:
            one = record["decision"]["slices"][0] | {"name": "topic", "verdict": "same"}
            many = [one | {"value": f"topic {place}", "users": 100 + place} for place in range(MOST_ROWS + 5)]
            record["decision"]["slices"] = [*many, one | {"value": "lost", "users": 11, "verdict": "worse"}]

        change(refresh, edit)
        seen = words_of(refresh)
        assert "lost" in seen.texts
        assert f"topic {MOST_ROWS + 4}" in seen.texts
        assert "topic 5" not in seen.texts
        assert "6 more slices, of fewer users, stand in decision.json." in seen.texts


class TestFigures:
    def test_old_and_new_stand_at_their_accuracies_and_the_difference_beside_them(self, refresh: Path) -> None:
        read = read_refresh(refresh)
        shares, differences = populations_figure(populations(read)).axes
        record = read.decided.trusted["controls"]
        (old,), (new,) = (
            [bar for bar in shares.containers if bar.get_label() == name and bar[0].get_ydata()[0] > 0.5]
            for name in ("before", "trained")
        )
        assert old[0].get_xdata()[0] == record["before"]["accuracy"]
        assert new[0].get_xdata()[0] == record["trained"]["accuracy"]
        found = read.decided.decision.trusted
        ends = differences.containers[1][2][0].get_segments()[0][:, 0]
        assert ends.tolist() == pytest.approx([100 * found.low, 100 * found.high])

    def test_every_verdict_has_its_own_marker_and_too_few_no_interval(self) -> None:
        assert len({marker for marker, _ in MARKERS.values()}) == len(MARKERS)
        nan = math.nan
        slices = [
            Slice("held out", "a", "gains", 20, 80, Interval(0.2, 0.1, 0.3), "better"),
            Slice("held out", "a", "even", 20, 80, Interval(0.0, -0.1, 0.1), "same"),
            Slice("trusted", "a", "loses", 20, 80, Interval(-0.2, -0.3, -0.1), "worse"),
            Slice("trusted", "a", "$few$ \u65e5", 2, 8, Interval(0.5, nan, nan), "too few"),
        ]
        axes = self.drawn(slices_figure(slices, 0.95)).axes[0]
        points = axes.containers
        assert [one[0].get_marker() for one in points] == [MARKERS[one.verdict][0] for one in slices]
        assert [bool(one[2]) for one in points] == [True, True, True, False]
        assert [one[0].get_xdata()[0] for one in points] == pytest.approx([20, 0, -20, 50])
        assert axes.get_yticklabels()[3].get_text() == "trusted: a = $few$ \\u65e5"

    def test_many_slices_are_cut_to_what_a_page_can_hold(self) -> None:
        same = Slice("trusted", "a", "b", 20, 80, Interval(0.0, -0.1, 0.1), "same")
        slices = [replace(same, value=str(place), users=20 + place) for place in range(60)]
        assert shown_slices(slices) == slices[-MOST_ROWS:]

    def drawn(self, figure: Figure) -> Figure:
        figure.draw_without_rendering()
        return figure
