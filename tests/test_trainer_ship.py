"""From answers to the shipped summarizer, for real and small: a run over simulated people, exported and judged."""

from __future__ import annotations

import errno
import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from popi_sdk.errors import ConfigError
from popi_sdk.manifest import read_manifest
from popi_sdk.signals import Statement
from popi_sdk.summarizers.trained import TrainedSummarizer
from popi_sdk.summary import Clause, Summary
from tests.real_answers import ASKED, made_up_rows, write_rows
from tests.trained_runs import small_config
from trainer.abstention import threshold
from trainer.config import Config, load_config, parse_config
from trainer.data import Example
from trainer.errors import CheckpointError
from trainer.evaluate import Compared, Evaluation
from trainer.intervals import Interval
from trainer.people import splits as people_splits
from trainer.people.examples import ALONE
from trainer.ship import _replaced, is_better, ship
from trainer.shipped import is_judge, shipped_judge
from trainer.train import train


@contextmanager
def small_people() -> Iterator[None]:
    """Few people, who wish for what the made-up answers differ in."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(people_splits, "SIZES", TINY)
        patch.setattr(people_splits, "ASPECTS", ASKED)
        yield


TINY = {"validation": 12, "calibration": 12, "doubts": 6, "test": 12, "alone": 6}


def people_config(answers: Path) -> Config:
    """The shipped configuration, made small enough for a test."""
    shipped = load_config("embedded-cpu").model_dump()
    changes = {
        "people": {
            "answers": str(answers),
            "dialogues": "",
            "users": 24,
            "signals": 4,
            "least_wishes": 1,
            "most_wishes": 3,
        },
        "model": {"hidden": 32, "layers": 1, "vocabulary": 900},
        "pretrain": {"counted_texts": 50, "steps": 3, "batch": 4},
        "warm_start": {"summarizer_steps": 3, "generator_steps": 3, "batch": 4},
        "rollout": {"users": 4, "group": 2, "microbatch": 4},
        "run": {"steps": 2, "evaluate_every": 2, "save_every": 1, "device": "cpu"},
    }
    return parse_config({group: {**table, **changes.get(group, {})} for group, table in shipped.items()})


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("people")
    answers = write_rows(folder / "answers.jsonl.xz", made_up_rows(240))
    with small_people():
        return train(people_config(answers), folder / "run").path


@pytest.fixture(scope="module")
def shipped(run: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    folder = tmp_path_factory.mktemp("shipped")
    (folder / "embedded").mkdir()
    (folder / "embedded" / "left over").touch()
    (folder / "embedded.new").mkdir()  # as a process leaves it that is killed just before the end
    (folder / "embedded.new" / "half").touch()
    with small_people():
        ship(run, embedded=folder / "embedded", weights=folder / "weights")
    return folder / "embedded", folder / "weights"


def test_what_is_shipped_writes_summaries_and_replaces_what_was_there(shipped: tuple[Path, Path]) -> None:
    embedded, _ = shipped
    assert not (embedded / "left over").exists()
    assert not list(embedded.glob("*.safetensors"))
    summarizer = TrainedSummarizer(embedded)
    assert summarizer.form == "onnx"
    summarizer.summarize([Statement("Short answers, please.")])


def test_the_manifest_says_how_good_it_is_beside_every_control(shipped: tuple[Path, Path]) -> None:
    manifest = read_manifest(shipped[0])
    assert isinstance(manifest.metrics["better_than_contrast"], bool)
    assert manifest.metrics["people"] == (TINY["test"] + len(ALONE) * TINY["alone"]) // 2  # twins count once
    controls = ("none", "contrast", "warm_start", "swapped", "oracle")
    assert {f"accuracy, {name}" for name in (*controls, "trained")} <= manifest.metrics["everyone"].keys()
    assert manifest.text_tokens == 40
    assert 0 <= manifest.metrics["clauses left out as doubtful"] <= 1
    card = (shipped[0] / "README.md").read_text("utf-8")
    for source in ("WildBench", "CC BY-SA 4.0", "CDLA-Sharing"):
        assert source in card


def test_the_generator_beside_it_can_judge_and_tells_no_path(shipped: tuple[Path, Path], run: Path) -> None:
    _, weights = shipped
    assert is_judge(weights)
    config, judge = shipped_judge(weights)
    assert config.model.answers == "levels"
    assert str(run.parent) not in (weights / "config.toml").read_text("utf-8")
    assert judge.encoder.answer("Sure. Yes.") != judge.encoder.answer("# Yes\n\n- so\n- it is")


def test_a_run_goes_on_from_its_checkpoint_with_the_same_people(run: Path) -> None:
    from trainer.run_directory import RunDirectory

    steps = [json.loads(line)["step"] for line in (run / "metrics.jsonl").read_text("utf-8").splitlines()
             if json.loads(line)["kind"] == "step"]  # fmt: skip
    with small_people():
        again = train(RunDirectory(run).config(), run, resume=True)
    assert steps == [0, 1]
    assert again.path == run


def compared(low: float) -> Compared:
    return Compared(2, 4, {"trained": Interval(0.6, 0.5, 0.7)}, {"contrast": Interval(low + 0.1, low, low + 0.2)}, None)


def evaluation(overall: float, way: float, *clauses: str) -> Evaluation:
    person = Example("u", (), (), {"shown": "pair"}, "Use emoji.", "")
    written = [(person, Summary(clauses=(Clause(clause),))) for clause in clauses]
    return Evaluation({}, compared(overall), {"shown": {"pair": compared(way)}}, written)


@pytest.mark.parametrize(
    ("overall", "way", "reverse", "better"),
    [
        (0.01, -0.01, 0, True),
        (-0.01, 0.05, 0, False),
        (0.01, -0.03, 0, False),
        (0.01, 0.05, 1, True),
        (0.01, 0.05, 2, False),
    ],
    ids=["better", "not surely better", "worse in one way", "seldom the reverse", "too often the reverse"],
)
def test_the_default_is_what_is_better_and_hardly_ever_wrong_way_round(
    overall: float, way: float, reverse: int, better: bool
) -> None:
    clauses = ["Do not use emoji."] * reverse + ["Use emoji."] * (20 - reverse)
    assert is_better(evaluation(overall, way, *clauses)) is better


def test_where_the_disk_refuses_the_second_folder_the_first_one_is_as_it_was(tmp_path: Path) -> None:
    (tmp_path / "embedded").mkdir()
    (tmp_path / "embedded" / "old").touch()

    def full(_: Path) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with (
        pytest.raises(CheckpointError, match="No space left"),
        _replaced(tmp_path / "embedded", lambda folder: (folder / "new").touch()),
        _replaced(tmp_path / "weights", full),
    ):
        pass
    assert [path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*")] == ["embedded", "embedded/old"]


def test_a_run_over_other_data_is_not_shipped(tmp_path: Path) -> None:
    run = train(small_config(), tmp_path / "run").path
    with pytest.raises(ConfigError, match="simulated people"):
        ship(run, embedded=tmp_path / "embedded", weights=tmp_path / "weights")
    assert not (tmp_path / "embedded").exists()


def test_people_are_refused_early_where_their_answers_are_missing(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"people\.answers"):
        train(people_config(tmp_path / "nowhere.jsonl"), tmp_path / "run")


@given(st.lists(st.tuples(st.floats(-5, 5), st.floats(-1, 1)), max_size=30))
def test_no_other_threshold_is_worth_more(pairs: list[tuple[float, float]]) -> None:
    confidences, worth = [one for one, _ in pairs], [one for _, one in pairs]
    found = threshold(confidences, worth)

    def sum_above(least: float | None) -> float:
        return sum(value for sure, value in pairs if least is None or sure >= least)

    best = max([0.0, *(sum_above(one) for one in confidences)])
    assert sum_above(found) == pytest.approx(best, abs=1e-9)


def test_all_is_said_where_all_of_it_is_worth_something() -> None:
    assert threshold([0.1, 2.0], [0.3, 0.1]) is None
    assert threshold([], []) is None


def test_nothing_is_said_where_none_of_it_is() -> None:
    found = threshold([0.1, 2.0], [-0.3, -0.1])
    assert found is not None
    assert found > 2.0
