"""Real answers: which tasks are taken, how style is measured, and that it is measured once."""

from __future__ import annotations

import json
import math
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from popi_sdk.errors import ConfigError, SignalError
from popi_sdk.style.measures import measure
from popi_sdk.tokens import count_tokens
from tests.real_answers import ABSENT, DATA, made_up_rows, write_rows
from trainer.data import leaked_pairs
from trainer.people import answers as answers_chapter
from trainer.people.answers import INDEX, Answers, split_tasks
from trainer.people.choosing import real_examples


@pytest.fixture(scope="module")
def answers(tmp_path_factory: pytest.TempPathFactory) -> Answers:
    folder = tmp_path_factory.mktemp("answers")
    return Answers.load(write_rows(folder / "answers.jsonl.xz", made_up_rows(60)), cache=folder)


def test_tasks_with_too_few_different_answers_are_left_out(tmp_path: Path) -> None:
    rows: list[dict[str, str | None]] = [
        {"task": "two", "prompt": "Why?", "text": "Because it is."},
        {"task": "two", "prompt": "Why?", "text": "Nobody knows that."},
        {"task": "same", "prompt": "How?", "text": "Like this."},
        {"task": "same", "prompt": "How?", "text": "Like this."},
        {"task": "blank", "prompt": None, "text": "Like that."},
        {"task": "blank", "prompt": None, "text": "  "},
        *({"task": "three", "prompt": None, "text": f"{number} is my answer."} for number in range(3)),
    ]
    path = write_rows(tmp_path / "a.jsonl.xz", rows)
    loaded = Answers.load(path, cache=tmp_path)
    assert {task.name: len(task.answers) for task in loaded.tasks} == {"two": 2, "three": 3}
    assert {task.name: task.prompt for task in loaded.tasks} == {"two": "Why?", "three": "Task three"}
    assert [task.name for task in Answers.load(path, tasks_with_at_least=3, cache=tmp_path).tasks] == ["three"]
    assert len(Answers.load(path, limit=1, cache=tmp_path).tasks) == 1


def test_a_file_that_is_not_packed_is_read_as_well(tmp_path: Path) -> None:
    rows = [{"task": "t", "prompt": "Why?", "text": text} for text in ("One.", "Two.")]
    (tmp_path / "a.jsonl").write_text("\n".join(map(json.dumps, rows)), "utf-8")
    assert len(Answers.load(tmp_path / "a.jsonl", cache=tmp_path).tasks) == 1


def test_style_is_the_distance_from_the_tasks_mean_in_usual_standard_deviations(tmp_path: Path) -> None:
    rows = [{"task": "t", "prompt": "Why?", "text": text} for text in ("Sure, it rains.", "It rains.", "It pours.")]
    task = Answers.load(write_rows(tmp_path / "a.jsonl.xz", rows), cache=tmp_path).tasks[0]
    # `opening` is the only measure of directness: 1, 0, 0. Its usual difference is 0.6, so one step is sqrt(2) / 0.6.
    step = math.sqrt(2) / 0.6
    assert [answer.style[INDEX["directness"]] for answer in task.answers] == pytest.approx(
        [step * 2 / 3, -step / 3, -step / 3]
    )


def test_an_aspect_with_several_measures_is_their_mean(tmp_path: Path) -> None:
    texts = ("One two three.", "One two three. Four five six. Seven eight nine ten eleven twelve.")
    rows = [{"task": "t", "prompt": "Why?", "text": text} for text in texts]
    short, long = Answers.load(write_rows(tmp_path / "a.jsonl.xz", rows), cache=tmp_path).tasks[0].answers
    words = math.log(12 + 5) - math.log(3 + 5)
    sentences = math.log(3 + 1) - math.log(1 + 1)
    expected = math.sqrt(2) * (words / 0.702 + sentences / 0.807) / 2
    assert long.style[INDEX["length"]] - short.style[INDEX["length"]] == pytest.approx(expected)


def test_no_answer_is_further_out_than_four(tmp_path: Path) -> None:
    rows = [{"task": "t", "prompt": "Why?", "text": text} for text in ("Yes! " * 40, "Yes, it is so.", "No, never.")]
    task = Answers.load(write_rows(tmp_path / "a.jsonl.xz", rows), cache=tmp_path).tasks[0]
    assert task.answers[0].style[INDEX["exclamations"]] == 4.0


def test_long_texts_are_shown_shortened_but_keep_their_length(tmp_path: Path) -> None:
    middle = " ".join(f"Sentence number {number} says a little more." for number in range(60))
    texts = (f"It starts so. {middle} It ends so.", "It starts so. It ends so.", f"A start. {middle} {middle} An end.")
    rows = [{"task": "t", "prompt": f"Why? {middle}", "text": text} for text in texts]
    path = write_rows(tmp_path / "a.jsonl.xz", rows)
    shown, whole = (Answers.load(path, shorten_to=limit, cache=tmp_path).tasks[0] for limit in (60, None))
    long = shown.answers[0]
    assert long.whole == texts[0]
    assert long.text.startswith("It starts so.")
    assert long.text.endswith("It ends so.")
    assert "left out" in long.text
    assert all(count_tokens(text) <= 75 for text in (shown.prompt, *(answer.text for answer in shown.answers)))
    assert shown.answers[1].text == texts[1]
    length = INDEX["length"]
    assert [a.style[length] for a in shown.answers] == [a.style[length] for a in whole.answers]
    assert [a.style for a in shown.answers] != [a.style for a in whole.answers]


def test_what_was_measured_once_is_not_measured_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write_rows(tmp_path / "a.jsonl.xz", made_up_rows(2))
    measured: list[str] = []

    def counting(text: str) -> tuple[float, ...]:
        measured.append(text)
        return measure(text)

    monkeypatch.setattr(answers_chapter, "measure", counting)
    first = Answers.load(path, cache=tmp_path / "cache")
    assert len(measured) == 32
    assert Answers.load(path, cache=tmp_path / "cache") == first
    assert len(measured) == 32
    Answers.load(write_rows(path, made_up_rows(3)), cache=tmp_path / "cache")
    assert len(measured) == 32 + 48  # other texts, another name


@pytest.mark.parametrize("damage", [b"", b"\x93NUMPY", b"no numbers at all", None])
def test_a_damaged_cache_is_measured_again(tmp_path: Path, damage: bytes | None) -> None:
    path = write_rows(tmp_path / "a.jsonl.xz", made_up_rows(2))
    cache = tmp_path / "cache"
    first = Answers.load(path, cache=cache)
    (kept,) = cache.iterdir()
    if damage is None:
        np.save(kept, np.zeros((3, 3)))
    else:
        kept.write_bytes(damage)
    assert Answers.load(path, cache=cache) == first
    assert np.load(kept).shape[0] == 32


def test_a_cache_that_cannot_be_written_changes_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write_rows(tmp_path / "a.jsonl.xz", made_up_rows(2))
    (tmp_path / "file").write_text("not a folder")
    expected = Answers.load(path, cache=tmp_path / "cache")
    assert Answers.load(path, cache=tmp_path / "file" / "cache") == expected

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(np, "save", full)
    assert Answers.load(path, cache=tmp_path / "other") == expected
    assert list((tmp_path / "other").iterdir()) == []


def test_several_readers_at_once_share_one_whole_cache_file(tmp_path: Path) -> None:
    path = write_rows(tmp_path / "a.jsonl.xz", made_up_rows(2))
    with ThreadPoolExecutor(4) as pool:
        loaded = list(pool.map(lambda _: Answers.load(path, cache=tmp_path / "cache"), range(8)))
    assert all(one == loaded[0] for one in loaded)
    assert [file.suffix for file in (tmp_path / "cache").iterdir()] == [".npy"]


@pytest.mark.parametrize(
    "line",
    ["{", "[]", '{"task": "t", "prompt": null}', '{"task": "t", "prompt": "", "text": "x"}', '{"task": 3, "text": "x"}',
     '{"task": "t", "prompt": "Why?", "text": 3}', '{"task": "t", "text": "half \\ud800"}'],
)  # fmt: skip
def test_a_line_that_is_no_answer_is_named(tmp_path: Path, line: str) -> None:
    path = tmp_path / "a.jsonl"
    path.write_text('{"task": "t", "prompt": "Why?", "text": "So."}\n\n' + line, "utf-8")
    with pytest.raises(SignalError, match="Line 3 of"):
        Answers.load(path, cache=tmp_path)


def test_a_damaged_file_a_missing_one_and_one_without_enough_answers_are_refused(tmp_path: Path) -> None:
    path = write_rows(tmp_path / "a.jsonl.xz", made_up_rows(2))
    with pytest.raises(ConfigError, match="has 17 different answers"):
        Answers.load(path, tasks_with_at_least=17, cache=tmp_path)
    path.write_bytes(path.read_bytes()[:-40])
    with pytest.raises(SignalError, match="is damaged"):
        Answers.load(path, cache=tmp_path)
    with pytest.raises(ConfigError, match="cannot be read: No such file"):
        Answers.load(tmp_path / "none.jsonl.xz", cache=tmp_path)


def test_where_a_task_goes_depends_on_its_name_alone(answers: Answers) -> None:
    train, test = split_tasks(answers)
    assert (train.seen, test.seen) == (True, False)
    assert len(train.tasks) + len(test.tasks) == 60
    assert 4 <= len(test.tasks) <= 24
    fewer = replace(answers, tasks=answers.tasks[:20])
    assert {task.name for task in split_tasks(fewer)[1].tasks} <= {task.name for task in test.tasks}
    assert {task.name for task in split_tasks(fewer)[0].tasks} <= {task.name for task in train.tasks}


def test_real_answers_can_be_shortened(tmp_path: Path) -> None:
    if not DATA.exists():
        pytest.skip(ABSENT)
    short = Answers.load(DATA, tasks_with_at_least=13, limit=30, shorten_to=100, cache=tmp_path)
    lengths = [count_tokens(one.text) for task in short.tasks for one in task.answers]
    assert 60 < sum(lengths) / len(lengths) <= 105
    assert max(lengths) < 250
    made = real_examples(short, users=6, signals=6, pairs=3, seed=0, aspects=("length", "lists", "directness"))
    assert not any(leaked_pairs(one) for one in made)
