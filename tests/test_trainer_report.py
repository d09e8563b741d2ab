"""The page about a run: every part is there, figures show the files' numbers, and what users wrote is only text."""

from __future__ import annotations

import base64
import json
import shutil
import sys
from collections.abc import Callable
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.text import Text
from PIL import Image
from typer.testing import CliRunner

from popi_sdk.errors import ConfigError
from tests.brief_runs import brief_config, quiet, write_data
from trainer.cli import app
from trainer.data import load_examples, write_examples
from trainer.intervals import Interval
from trainer.report import report
from trainer.report.figures import as_png, controls_figure, progress_figure, running_mean, tokens_figure
from trainer.report.page import page
from trainer.report.reading import Context, Series, read_run
from trainer.report.styles import STYLES
from trainer.train import train

USERS = {"train": 8, "validation": 4, "test": 12}
HOSTILE = "<script>alert(1)</script><img src=https://evil.example/x onerror=alert(1)>\"' {{ 7 * 7 }} \x1b[31m"


def evaluated(run: Path, *arguments: str) -> dict[str, Any]:
    result = CliRunner().invoke(app, ["evaluate", str(run), "--json", *arguments])
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of three steps, as training leaves it; each user is a slice too."""
    folder = tmp_path_factory.mktemp("brief")
    data = write_data(folder / "data", USERS)
    named = [replace(one, slices={**one.slices, "who": one.user}) for one in load_examples(data / "test.jsonl")]
    write_examples(named, data / "test.jsonl")
    config = brief_config(data)
    return train(config, folder / "trained", reporter=quiet(folder / "trained")).path


@pytest.fixture(scope="module")
def measured(trained: Path) -> tuple[Path, dict[str, Any]]:
    """The same with its evaluation, and what the command printed."""
    place = trained.with_name("measured")
    shutil.copytree(trained, place)
    return place, evaluated(place)


@pytest.fixture
def run(measured: tuple[Path, dict[str, Any]], tmp_path: Path) -> Path:
    """A copy without any weights: a page is made from files."""
    return shutil.copytree(measured[0], tmp_path / "run", ignore=shutil.ignore_patterns("*.safetensors"))


def change(run: Path, edit: Callable[[dict[str, Any]], object]) -> None:
    file = run / "evaluation.json"
    record = json.loads(file.read_text("utf-8"))
    edit(record)
    file.write_text(json.dumps(record), encoding="utf-8")


def page_of(run: Path) -> str:
    report(run)
    return (run / "report" / "report.html").read_text("utf-8")


def words_of(run: Path) -> Page:
    """The page without its figures, which take longest."""
    return Page(page(read_run(run), {}))


class Page(HTMLParser):
    """Tags, attributes and texts as a browser sees them."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.texts: list[str] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.texts.append(data.strip())

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.texts).split())

    @property
    def images(self) -> list[bytes]:
        sources = [attributes["src"] or "" for tag, attributes in self.tags if tag == "img"]
        return [base64.b64decode(source.removeprefix("data:image/png;base64,"), validate=True) for source in sources]


class TestEvaluationFile:
    def test_it_holds_what_the_command_prints(self, measured: tuple[Path, dict[str, Any]]) -> None:
        place, printed = measured
        left = json.loads((place / "evaluation.json").read_text("utf-8"))
        assert {key: left[key] for key in printed} == printed
        assert left["step"] == 3

    def test_every_users_outcomes_add_up_to_the_accuracies(self, measured: tuple[Path, dict[str, Any]]) -> None:
        place, printed = measured
        examples = json.loads((place / "evaluation.json").read_text("utf-8"))["examples"]
        assert len({one["user"] for one in examples}) == 12
        for name, figures in printed["controls"].items():
            scores = [score for one in examples for score in one["ranked"][name]]
            assert len(scores) == printed["pairs"]
            assert sum(scores) / len(scores) == pytest.approx(figures["accuracy"])

    def test_outcomes_stand_with_the_user_they_are_of(self, measured: tuple[Path, dict[str, Any]]) -> None:
        place, printed = measured
        examples = json.loads((place / "evaluation.json").read_text("utf-8"))["examples"]
        found = {one["user"]: {name: sum(scores) / 2 for name, scores in one["ranked"].items()} for one in examples}
        assert len({tuple(scores.values()) for scores in found.values()}) > 1
        assert found == {
            user: {name: figures["accuracy"] for name, figures in one["controls"].items()}
            for user, one in printed["slices"]["who"].items()
        }

    def test_ten_users_are_left_with_their_texts_as_in_the_data(self, measured: tuple[Path, dict[str, Any]]) -> None:
        place, _ = measured
        examples = json.loads((place / "evaluation.json").read_text("utf-8"))["examples"]
        data = [json.loads(line) for line in (place.parent / "data" / "test.jsonl").read_text("utf-8").splitlines()]
        assert [one["user"] for one in examples if "signals" in one] == [row["user"] for row in data[:10]]
        for one, row in zip(examples[:10], data, strict=False):
            assert (one["signals"], one["pairs"], one["oracle"]) == (row["signals"], row["pairs"], row["oracle"])

    @pytest.mark.parametrize("arguments", [["--summarizer", "contrast"], ["--sampled"]])
    def test_what_is_not_the_runs_own_leaves_nothing(self, trained: Path, arguments: list[str]) -> None:
        evaluated(trained, "--limit", "2", *arguments)
        assert not (trained / "evaluation.json").exists()

    def test_an_older_checkpoint_leaves_nothing(self, trained: Path) -> None:
        evaluated(trained / "checkpoints" / "step-000002", "--limit", "2")
        assert not (trained / "evaluation.json").exists()


class TestPage:
    def test_it_holds_all_parts(self, run: Path) -> None:
        seen = Page(page_of(run))
        for part in ("What was found", "Accuracy against tokens", "Every control", "Over the joint steps", "Slices",
                     "drift", "10 users"):  # fmt: skip
            assert part in seen.texts
        for name, context in STYLES.items():
            assert (context.label in seen.texts) == (name != "before")  # which only a refresh has
        examples = json.loads((run / "evaluation.json").read_text("utf-8"))["examples"]
        for one in examples[:10]:
            assert one["user"] in seen.texts
            assert one["pairs"][0]["prompt"] in seen.texts
            assert " ".join(one["oracle"].split()) in seen.texts
            assert (one["summary"] or "(nothing)") in seen.texts
        assert seen.texts.count("Trained summary") == 10

    def test_its_numbers_are_those_of_the_evaluation(self, run: Path) -> None:
        text = words_of(run).text.replace("\N{NO-BREAK SPACE}", " ")
        record = json.loads((run / "evaluation.json").read_text("utf-8"))
        for figures in record["controls"].values():
            mean, low, high = (100 * figures[key] for key in ("accuracy", "low", "high"))
            assert f"{mean:.1f} % ({low:.1f} to {high:.1f})" in text
        for figures in record["differences"].values():
            assert f"{100 * figures['difference']:+.1f} ({100 * figures['low']:+.1f} to" in text
        raw = record["controls"]["raw"]["tokens"]
        assert f"With the raw signals, {raw:,.0f} tokens" in text

    def test_it_counts_users_and_not_their_examples(self, run: Path) -> None:
        def edit(record: dict[str, Any]) -> None:
            ranked = [([1, 1], [0, 0]), ([0, 0], [1, 0]), ([0, 0], [1, 0]), ([1, 0], [0.5, 0.5]), ([1, 0], [1, 1])]
            record["examples"] = [
                {"user": user, "summary": "", "ranked": {"trained": trained, "none": none}}
                for user, (trained, none) in zip(["ada", "ada", "bo", "cy", "di"], ranked, strict=True)
            ]

        change(run, edit)
        assert "for 1 users, fewer for 2, and as many for 1." in words_of(run).text

    def test_it_asks_for_nothing_and_runs_nothing(self, run: Path) -> None:
        html = page_of(run)
        assert "http" not in html
        assert "url(" not in html
        seen = Page(html)
        assert not {tag for tag, _ in seen.tags} & {"script", "link", "iframe", "object", "embed", "form", "a", "base"}
        for tag, attributes in seen.tags:
            assert not [name for name in attributes if name.startswith("on") or name in ("href", "srcset", "style")]
            if tag == "img":
                assert str(attributes["src"]).startswith("data:image/png;base64,")
                assert attributes["alt"]

    def test_its_figures_are_the_files_beside_it(self, run: Path) -> None:
        seen = Page(page_of(run))
        files = [(run / "report" / f"{name}.png").read_bytes() for name in ("tokens", "controls", "progress")]
        assert seen.images == files

    def test_whatever_was_written_is_text_and_no_markup(self, run: Path) -> None:
        def edit(record: dict[str, Any]) -> None:
            one = record["examples"][0]
            one |= {"user": HOSTILE, "summary": HOSTILE, "oracle": HOSTILE}
            one["signals"] = [
                {"kind": "statement", "text": HOSTILE},
                {"kind": "rating", "prompt": HOSTILE, "response": HOSTILE, "liked": False, "reason": HOSTILE},
                {"kind": "conversation", "messages": [{"role": "user", "content": HOSTILE}]},
                {"kind": "persona", "attributes": {"trade": HOSTILE}, "text": HOSTILE},
            ]
            one["pairs"][0] = {"prompt": HOSTILE, "chosen": f"{HOSTILE} 1", "rejected": f"{HOSTILE} 2"}
            record["slices"] = {HOSTILE: {HOSTILE: record["slices"]["drift"]["no"]}}
            record["judge"] = {"judge": HOSTILE, "win_rate": 0.5, "failure": HOSTILE}

        safe = words_of(run)
        change(run, edit)
        html = page_of(run)
        seen = Page(html)
        assert {tag for tag, _ in seen.tags} - {"img"} == {tag for tag, _ in safe.tags}
        assert not [name for _, attributes in seen.tags for name in attributes if name.startswith("on")]
        assert len(seen.images) == 3
        assert "<script" not in html
        assert "\x1b" not in html
        assert seen.text.count("<script>alert(1)</script>") > 10
        assert "{{ 7 * 7 }}" in seen.text
        assert "\\x1b[31m" in seen.text

    def test_half_a_character_in_a_name_does_not_stop_it(self, run: Path) -> None:
        change(run, lambda record: record["examples"][0].update(user="half \ud83d of one"))
        assert "half ? of one" in page_of(run)

    def test_long_texts_are_cut_with_a_mark(self, run: Path) -> None:
        def edit(record: dict[str, Any]) -> None:
            one = record["examples"][0]
            turns = [{"role": "user", "content": f"turn number {number}"} for number in range(9)]
            said = [{"kind": "statement", "text": f"statement number {number}"} for number in range(7)]
            one["signals"] = [*said, {"kind": "conversation", "messages": turns}]
            one["signals"].append({"kind": "demonstration", "text": "begin " + "word " * 3_000 + "end"})
            one["pairs"] = [
                {"prompt": f"prompt number {number}", "chosen": "a", "rejected": "b"} for number in range(8)
            ]
            one["pairs"][0]["chosen"] = "first " + "other " * 2_000 + "last"
            one["ranked"] = {name: [1.0] * 8 for name in one["ranked"]}

        change(run, edit)
        text = words_of(run).text
        assert text.count("left out ...]") == 3
        assert "begin word" in text
        assert "word end" in text
        assert text.count("word") < 100
        assert text.count("other") < 60
        assert "[... 3 earlier texts left out ...]" in text
        assert "turn number 2" not in text
        assert "turn number 3" in text
        assert "Signals (4 older ones left out)" in text
        assert "statement number 3" not in text
        assert "2 more pairs are left out. Of all pairs ranked right: 8 of 8" in text
        assert "prompt number 6" not in text

    def test_of_many_values_of_a_slice_those_of_most_pairs_are_shown(self, run: Path) -> None:
        def edit(record: dict[str, Any]) -> None:
            one = record["slices"]["drift"]["no"]
            record["slices"] = {"topic": {f"topic {number}": {**one, "pairs": 100 + number} for number in range(15)}}

        change(run, edit)
        seen = words_of(run)
        assert "topic 3" in seen.texts
        assert "topic 2" not in seen.texts
        assert "3 more values, of fewer pairs, stand in evaluation.json." in seen.texts

    def test_what_a_judge_said_is_on_it(self, run: Path) -> None:
        change(run, lambda record: record.update(judge={"judge": "openai/gpt-4o", "win_rate": 0.625, "low": None}))
        text = words_of(run).text
        assert "What the judge said" in text
        assert "judge openai/gpt-4o win rate 0.625" in text


class TestMissing:
    def test_without_an_evaluation_page_and_terminal_say_which_command_makes_one(self, run: Path) -> None:
        page_of(run)
        (run / "evaluation.json").unlink()
        result = CliRunner().invoke(app, ["report", str(run)], env={"COLUMNS": "500"})
        assert result.exit_code == 0, result.output
        wanted = f"This makes one: popi-train evaluate {run}"
        assert wanted in result.stderr
        assert f"{run}/report/report.html and 1 figures beside it" in result.stdout
        seen = Page((run / "report" / "report.html").read_text("utf-8"))
        assert wanted in seen.text
        assert "Over the joint steps" in seen.texts
        assert "Every control" not in seen.texts
        assert [file.name for file in sorted((run / "report").iterdir())] == ["progress.png", "report.html"]

    def test_an_evaluation_of_an_earlier_step_is_told(self, run: Path) -> None:
        assert read_run(run).missing == []
        change(run, lambda record: record.update(step=2))
        text = words_of(run).text
        assert (
            f"is of step 2, and the newest checkpoint of step 3. This makes a new one: popi-train evaluate {run}"
            in text
        )

    def test_a_damaged_evaluation_is_named_with_what_to_do(self, run: Path) -> None:
        for damaged in ("{", "[]", "{}", '{"examples": [{"ranked": 1}]}'):
            (run / "evaluation.json").write_text(damaged, encoding="utf-8")
            with pytest.raises(ConfigError, match=r"evaluation\.json cannot be read") as error:
                report(run)
            assert error.value.hint.endswith(f"popi-train evaluate {run}")

    def test_a_run_that_has_told_nothing_yet(self, run: Path) -> None:
        (run / "evaluation.json").unlink()
        (run / "metrics.jsonl").unlink()
        result = CliRunner().invoke(app, ["report", str(run)])
        assert result.exit_code == 2
        assert "nothing to report yet" in " ".join(result.output.split())
        assert not (run / "report").exists()

    def test_a_folder_that_is_no_run(self, tmp_path: Path) -> None:
        result = CliRunner().invoke(app, ["report", str(tmp_path)])
        assert result.exit_code == 2
        assert "holds no run" in " ".join(result.output.split())

    def test_without_matplotlib_it_says_which_extra_brings_it(self, run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        for module in [name for name in sys.modules if name.startswith("trainer.report")]:
            monkeypatch.delitem(sys.modules, module)
        monkeypatch.setitem(sys.modules, "matplotlib", None)
        result = CliRunner().invoke(app, ["report", str(run)])
        assert result.exit_code == 2
        assert 'pip install "popi-sdk[train]"' in result.output

    def test_a_run_without_joint_steps(self, tmp_path: Path) -> None:
        config = brief_config(write_data(tmp_path / "data"), run={"steps": 0})
        place = train(config, tmp_path / "run", reporter=quiet(tmp_path / "run")).path
        evaluated(place)
        assert read_run(place).missing == ["There are no figures over steps: the run has taken no joint step."]
        seen = Page(page_of(place))
        assert "Joint steps" in seen.texts
        assert "0 of 0" in seen.texts
        assert "Pairs of validation users ranked right: trained summary" in seen.text
        assert len(seen.images) == 2
        (place / "evaluation.json").unlink()
        assert Page(page_of(place)).images == []


class TestFigures:
    def test_over_steps_they_show_the_metrics(self, run: Path) -> None:
        lines = [json.loads(line) for line in (run / "metrics.jsonl").read_text("utf-8").splitlines()]
        steps = [line for line in lines if line["kind"] == "step"]
        looks = [line for line in lines if line["kind"] == "evaluation"]
        assert (len(steps), len(looks)) == (3, 3)
        read = read_run(run)
        accuracy, reward, divergence, length = progress_figure(read.steps, read.looks).axes
        for axes, name in ((reward, "reward"), (divergence, "kl"), (length, "summary_tokens"), (accuracy, "accuracy")):
            assert _points(axes, 0) == [(line["step"], line[name]) for line in steps]
        for place, name in enumerate(("oracle", "swapped", "none", "trained"), start=1):
            assert _points(accuracy, place) == [(line["step"], line[f"accuracy_{name}"]) for line in looks]
            assert accuracy.lines[place].get_label() == STYLES[name].label

    def test_controls_stand_at_their_accuracies_with_their_intervals(self, run: Path) -> None:
        controls = json.loads((run / "evaluation.json").read_text("utf-8"))["controls"]
        read = read_run(run).measured
        assert read is not None
        axes = controls_figure(read.contexts, read.pairs, read.users).axes[0]
        assert [label.get_text() for label in axes.get_yticklabels()] == [
            STYLES[name].label for name in reversed(controls)
        ]
        drawn = _bars(axes)
        assert len(drawn) == len(controls)
        for place, (name, figures) in enumerate(reversed(controls.items())):
            assert drawn[name][0] == pytest.approx((figures["accuracy"], place))
            assert drawn[name][1][:, 0].tolist() == pytest.approx([figures["low"], figures["high"]])

    def test_tokens_stand_against_accuracies(self, run: Path) -> None:
        controls = json.loads((run / "evaluation.json").read_text("utf-8"))["controls"]
        read = read_run(run).measured
        assert read is not None
        figure = tokens_figure(read.contexts)
        by_label = _bars(figure.axes[0])
        for name, figures in controls.items():
            label = next(label for label in by_label if label.startswith(f"{STYLES[name].label}: "))
            assert f": {figures['tokens']:,.0f} tokens, {figures['accuracy']:.1%}" in label
            middle, ends = by_label[label]
            assert middle == pytest.approx((figures["tokens"], figures["accuracy"]))
            assert ends[:, 1].tolist() == pytest.approx([figures["low"], figures["high"]])
        left, right = figure.axes[0].get_xlim()
        assert left < 0 < max(one["tokens"] for one in controls.values()) < right

    def test_one_user_has_a_point_and_no_interval(self, run: Path) -> None:
        def edit(record: dict[str, Any]) -> None:
            for figures in record["controls"].values():
                figures |= {"low": None, "high": None}

        change(run, edit)
        read = read_run(run).measured
        assert read is not None
        axes = controls_figure(read.contexts, 2, 1).axes[0]
        assert all(not container.has_xerr for container in axes.containers)
        assert words_of(run).text

    def test_many_steps_have_their_running_mean_over_them(self) -> None:
        values = tuple(float(step % 7) for step in range(100))
        figure = progress_figure({"reward": Series(tuple(range(100)), values)}, {})
        reward = figure.axes[1]
        assert _points(reward, 0) == list(enumerate(values))
        assert _points(reward, 1)[50] == (50, pytest.approx(sum(values[46:51]) / 5))
        assert running_mean(values, 5)[0] == values[0]

    def test_a_figure_that_a_run_has_not_is_said_to_be_missing(self) -> None:
        axes = progress_figure({"reward": Series((0, 1), (1.0, 2.0))}, {}).axes
        said = ["no such figure in this run" in [text.get_text() for text in one.texts] for one in axes]
        assert said == [True, False, True, True]

    def test_a_divergence_that_was_not_measured_is_not_drawn_as_zero(self, run: Path) -> None:
        text = (run / "config.toml").read_text("utf-8")
        assert "\nkl = 0.05\n" in text
        assert "kl" in read_run(run).steps
        (run / "config.toml").write_text(text.replace("\nkl = 0.05\n", "\nkl = 0.0\n"), encoding="utf-8")
        assert "kl" not in read_run(run).steps

    def test_a_torn_line_is_passed_over(self, run: Path) -> None:
        before = read_run(run).steps
        with (run / "metrics.jsonl").open("a", encoding="utf-8") as out:
            out.write('7\n{"kind": "step"}\n{"kind": "step", "step": 3, "rew')
        assert read_run(run).steps == before

    def test_they_are_pictures_and_not_blank(self, run: Path) -> None:
        report(run)
        for name in ("progress", "controls", "tokens"):
            with Image.open(run / "report" / f"{name}.png") as image:
                image.verify()
            with Image.open(run / "report" / f"{name}.png") as image:
                pixels = image.convert("L")
                assert pixels.width >= 1_500
                assert pixels.getextrema() == (0, 255)
                dark = sum(pixels.histogram()[:200]) / (pixels.width * pixels.height)
            assert 0.005 < dark < 0.5

    def test_the_same_data_give_the_same_bytes(self) -> None:
        contexts = [Context("trained", Interval(0.7, 0.6, 0.8), 20), Context("raw", Interval(0.6, 0.5, 0.7), 900)]
        pictures = {as_png(tokens_figure(contexts)) for _ in range(2)}
        assert len(pictures) == 1
        assert b"Software" not in pictures.pop()

    def test_contexts_can_be_told_apart_without_colour(self) -> None:
        assert len({one.marker for one in STYLES.values()}) == len(STYLES)
        assert len({STYLES[name].line for name in ("trained", "none", "swapped", "oracle")}) == 4

    def test_no_text_leaves_the_picture(self, run: Path) -> None:
        read = read_run(run)
        assert read.measured is not None
        contexts = read.measured.contexts
        for figure in (
            progress_figure(read.steps, read.looks),
            controls_figure(contexts, 24, 12),
            tokens_figure(contexts),
        ):
            FigureCanvasAgg(figure).draw()
            _assert_inside(figure)


def _points(axes: Axes, line: int) -> list[tuple[float, float]]:
    return list(zip(axes.lines[line].get_xdata(), axes.lines[line].get_ydata(), strict=True))  # type: ignore[arg-type]


def _bars(axes: Axes) -> dict[str, Any]:
    """By label: where the point is, and the two ends of its interval."""
    found = {}
    for container in axes.containers:
        point, _, bars = container.lines  # type: ignore[attr-defined]
        middle = (point.get_xdata()[0], point.get_ydata()[0])
        found[container.get_label()] = (middle, bars[0].get_segments()[0])
    return found


def _assert_inside(figure: Figure) -> None:
    whole = figure.bbox
    for axes in figure.axes:
        left, right = axes.get_xlim()
        ticks = [tick.label1 for tick in axes.xaxis.get_major_ticks() if left <= tick.get_loc() <= right]
        shown = [*axes.texts, *axes.get_children(), axes.xaxis.label, axes.yaxis.label, *ticks]
        for text in (one for one in shown if isinstance(one, Text) and one.get_text()):
            box = text.get_window_extent()
            assert whole.x0 - 1 <= box.x0, text.get_text()
            assert box.x1 <= whole.x1 + 1, text.get_text()
            assert whole.y0 - 1 <= box.y0, text.get_text()
            assert box.y1 <= whole.y1 + 1, text.get_text()
