"""Training data: what is held out stays held out, and users never stand in two splits."""

from __future__ import annotations

import json

import pytest

from popi_sdk import PreferencePair, SignalError
from popi_sdk.intake import coerce
from trainer.data import Example, leaked_pairs, load_examples, split_by_user, split_of, write_examples

PAIR = {"prompt": "Why?", "chosen": "Because.", "rejected": "Well ..."}
ONE_OF_EACH_KIND = [
    {"prompt": "Who?", "chosen": "Ada.", "rejected": "Somebody."},
    {"prompt": "Hi", "response": "Hello!", "liked": True},
    "Be brief.",
    {"prompt": "Write", "draft": "A draft.", "final": "The final."},
    {"messages": [{"role": "user", "content": "Tell me."}, {"role": "assistant", "content": "No."}]},
    {"kind": "demonstration", "text": "So I wrote this."},
    {"attributes": {"age": 40}},
]


def write(path, *rows) -> None:
    path.write_text("\n".join(json.dumps(row) for row in rows), "utf-8")


def test_what_is_written_is_read_again(tmp_path) -> None:
    example = Example(
        "ada", coerce(ONE_OF_EACH_KIND), (PreferencePair(**PAIR),), {"topic": "light"}, "Ada likes it short. \u2028 é"
    )
    write_examples([example], tmp_path / "data.jsonl")
    assert load_examples(tmp_path / "data.jsonl") == [example]
    assert len(example.signals) == len({signal.kind for signal in example.signals}) == 7


def test_a_held_out_pair_among_the_signals_is_refused(tmp_path) -> None:
    write(tmp_path / "data.jsonl", {"user": "ada", "signals": [PAIR], "pairs": [PAIR]})
    with pytest.raises(SignalError, match=r"Line 1 of .*held-out pair stands among the signals"):
        load_examples(tmp_path / "data.jsonl")


@pytest.mark.parametrize(
    "signal",
    [
        {"prompt": "Why?", "response": "Because.", "liked": True},
        {"prompt": " WHY? ", "response": "because.\n", "liked": False},
        {"prompt": "Why?", "draft": "Well ...", "final": "Since."},
        {"messages": [{"role": "user", "content": "Why?"}, {"role": "assistant", "content": "Because."}]},
        {"prompt": "Why?", "text": "Because."},
    ],
)
def test_an_answer_seen_in_any_kind_of_signal_gives_the_pair_away(signal) -> None:
    assert leaked_pairs(Example("ada", coerce([signal]), (PreferencePair(**PAIR),)))


def test_the_same_answer_to_another_prompt_gives_nothing_away() -> None:
    other = {"prompt": "Why not?", "response": "Because.", "liked": True}
    assert not leaked_pairs(Example("ada", coerce([other]), (PreferencePair(**PAIR),)))


@pytest.mark.parametrize(
    "row",
    [
        {"signals": []},
        {"user": ""},
        {"user": 7},
        {"user": "a", "pairs": [{"prompt": "x"}]},
        {"user": "a", "pairs": [["x", "y", "z"]]},
        {"user": "a", "pairs": [{**PAIR, "rejected": PAIR["chosen"]}]},
        [],
        "text",
        {"user": "a", "signals": [""]},
        {"user": "a", "signals": [{"prompt": "x", "response": "y", "score": float("nan")}]},
        {"user": "a", "slices": ["topic"]},
        {"user": "a", "oracle": ["short"]},
    ],
)
def test_a_line_that_is_no_example_is_named(tmp_path, row) -> None:
    write(tmp_path / "data.jsonl", {"user": "ok", "signals": ["Be brief."]}, row)
    with pytest.raises(SignalError, match="Line 2"):
        load_examples(tmp_path / "data.jsonl")


@pytest.mark.parametrize("line", [b"{", b'{"user": "\xff"}', b"[" * 100_000])
def test_a_line_that_is_no_json_is_named(tmp_path, line) -> None:
    (tmp_path / "data.jsonl").write_bytes(b'\xef\xbb\xbf{"user": "ok"}\r\n\n' + line)
    with pytest.raises(SignalError, match="Line 3"):
        load_examples(tmp_path / "data.jsonl")


@pytest.mark.parametrize("text", ["", "\n \n"])
def test_an_empty_file_is_refused(tmp_path, text) -> None:
    (tmp_path / "data.jsonl").write_text(text)
    with pytest.raises(SignalError, match="holds no training example"):
        load_examples(tmp_path / "data.jsonl")


def test_every_user_is_in_one_split_and_most_are_for_training() -> None:
    examples = [Example(f"user-{number}", (), ()) for number in range(1000) for _ in range(2)]
    split = split_by_user(examples)
    users = {name: {example.user for example in part} for name, part in split.items()}
    assert sum(len(part) for part in users.values()) == len(set().union(*users.values())) == 1000
    assert 750 < len(users["train"]) < 850
    assert {name: len(part) for name, part in split_by_user(reversed(examples)).items()} == {
        name: len(part) for name, part in split.items()
    }


def test_a_users_split_never_moves() -> None:
    """SHA-256 of "ada" begins with fdee..., 0.992 of the range: beyond the 0.9 that train and validation take."""
    assert [split_of(user) for user in ("ada", "grace", "user-7")] == ["test", "validation", "train"]
