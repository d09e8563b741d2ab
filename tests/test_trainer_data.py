"""Training data: what is held out stays held out, and users never stand in two splits."""

from __future__ import annotations

import json

import pytest
from typer.testing import CliRunner

from popi_sdk import PreferencePair, SignalError, Statement
from trainer.cli import app
from trainer.data import Example, leaked_pairs, load_examples, split_by_user, write_examples

PAIR = {"prompt": "Why?", "chosen": "Because.", "rejected": "Well ..."}


def write(path, *rows) -> None:
    path.write_text("\n".join(json.dumps(row) for row in rows), "utf-8")


def test_what_is_written_is_read_again(tmp_path) -> None:
    example = Example("ada", (Statement("Be brief."),), (PreferencePair(**PAIR),), {"topic": "light"})
    write_examples([example], tmp_path / "data.jsonl")
    assert load_examples(tmp_path / "data.jsonl") == [example]


def test_a_held_out_pair_among_the_signals_is_refused(tmp_path) -> None:
    write(tmp_path / "data.jsonl", {"user": "ada", "signals": [PAIR], "pairs": [PAIR]})
    with pytest.raises(SignalError, match=r"Line 1 of .*held-out pair stands among the signals"):
        load_examples(tmp_path / "data.jsonl")


def test_an_answer_rated_among_the_signals_gives_the_pair_away() -> None:
    rated = {"prompt": "Why?", "response": "Because.", "liked": True}
    from popi_sdk.intake import coerce

    assert leaked_pairs(Example("ada", coerce([rated]), (PreferencePair(**PAIR),)))
    other = {"prompt": "Why not?", "response": "Because.", "liked": True}
    assert not leaked_pairs(Example("ada", coerce([other]), (PreferencePair(**PAIR),)))


@pytest.mark.parametrize(
    "row",
    [{"signals": []}, {"user": ""}, {"user": "a", "pairs": [{"prompt": "x"}]}, [], {"user": "a", "signals": [""]}],
)
def test_a_line_that_is_no_example_is_named(tmp_path, row) -> None:
    write(tmp_path / "data.jsonl", {"user": "ok", "signals": ["Be brief."]}, row)
    with pytest.raises(SignalError, match="Line 2"):
        load_examples(tmp_path / "data.jsonl")


def test_every_user_is_in_one_split_and_most_are_for_training() -> None:
    examples = [Example(f"user-{number}", (), ()) for number in range(1000) for _ in range(2)]
    split = split_by_user(examples)
    users = {name: {example.user for example in part} for name, part in split.items()}
    assert sum(len(part) for part in users.values()) == len(set().union(*users.values())) == 1000
    assert 750 < len(users["train"]) < 850
    assert split_by_user(reversed(examples)).keys() == split.keys()


def test_prepare_writes_the_splits_and_says_how_many(tmp_path) -> None:
    write(
        tmp_path / "data.jsonl",
        *({"user": f"u{number}", "signals": ["Be brief."], "pairs": [PAIR]} for number in range(40)),
    )
    done = CliRunner().invoke(app, ["prepare", str(tmp_path / "data.jsonl"), "--out", str(tmp_path / "out")])
    assert done.exit_code == 0, done.output
    assert "train: 3" in done.output
    assert sum(len(load_examples(tmp_path / "out" / f"{name}.jsonl")) for name in ("train", "validation", "test")) == 40


def test_prepare_refuses_bad_data_with_exit_code_2(tmp_path) -> None:
    write(tmp_path / "data.jsonl", {"user": "ada", "signals": [PAIR], "pairs": [PAIR]})
    done = CliRunner().invoke(app, ["prepare", str(tmp_path / "data.jsonl"), "--out", str(tmp_path / "out")])
    assert done.exit_code == 2
    assert not (tmp_path / "out").exists()
