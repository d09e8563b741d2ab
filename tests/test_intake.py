"""Intake: whatever an app holds becomes signals, and what cannot is refused by its place."""

from __future__ import annotations

import json

import pytest

from popi_sdk.errors import SignalError
from popi_sdk.intake import coerce, load, parse
from popi_sdk.signals import Conversation, PreferencePair, Statement

PAIR = {"prompt": "Why?", "chosen": "Because.", "rejected": "Well ..."}
CHAT = [{"role": "user", "content": "Why?"}, {"role": "assistant", "content": "Because.", "feedback": "up"}]


def kinds(signals) -> list[str]:
    return [signal.kind for signal in coerce(signals)]


def test_a_string_is_a_statement() -> None:
    assert coerce("Be brief.") == (Statement("Be brief."),)


def test_nothing_is_no_signals() -> None:
    assert coerce(None) == coerce([]) == coerce(()) == ()


@pytest.mark.parametrize(
    ("item", "kind"),
    [
        (PAIR, "preference_pair"),
        ({"prompt": "p", "response": "r", "score": 0.5}, "rating"),
        ({"prompt": "p", "response": "r", "liked": False}, "rating"),
        ({"text": "Be brief."}, "statement"),
        ({"prompt": "p", "draft": "a", "final": "b"}, "edit"),
        ({"messages": CHAT}, "conversation"),
        ({"text": "Hi all", "prompt": "Invite them."}, "demonstration"),
        ({"attributes": {"job": "nurse"}}, "persona"),
        ({"kind": "persona", "text": "A nurse."}, "persona"),
        ({"kind": "demonstration", "text": "Hi all"}, "demonstration"),
    ],
)
def test_a_dict_is_recognised_by_kind_or_keys(item, kind) -> None:
    assert kinds([item]) == [kind]
    assert kinds(item) == [kind]


def test_a_list_of_messages_is_one_conversation() -> None:
    (chat,) = coerce(CHAT)
    assert isinstance(chat, Conversation)
    assert chat.messages[1].feedback == "up"


def test_a_mix_keeps_its_order() -> None:
    assert kinds(["Be brief.", PAIR, CHAT, Statement("No jargon.")]) == [
        "statement",
        "preference_pair",
        "conversation",
        "statement",
    ]


def test_a_repeat_counts_once_and_in_its_last_place() -> None:
    signals = coerce(["a", "b", Statement("a", at="2026-01-01T00:00:00Z")])
    assert [signal.text for signal in signals] == ["b", "a"]
    assert signals[1].at is not None


@pytest.mark.parametrize("thumb", ["up", True, 1, "thumbs_up", "like"])
def test_a_thumb_for_the_whole_chat_goes_to_its_last_answer(thumb) -> None:
    chat = [{"role": "user", "content": "Why?"}, {"role": "assistant", "content": "Because."}]
    (signal,) = coerce({"messages": chat, "feedback": thumb})
    assert signal.messages[1].feedback == "up"
    assert "feedback" not in chat[1], "the caller's messages are left as they were"


def test_answers_given_as_chats_are_read_by_their_last_turn() -> None:
    answers = {
        "prompt": "Why?",
        "chosen": [{"role": "user", "content": "Why?"}, {"role": "assistant", "content": "Because."}],
        "rejected": [{"role": "assistant", "content": "Well ..."}],
    }
    assert coerce([answers]) == (PreferencePair("Why?", "Because.", "Well ..."),)


@pytest.mark.parametrize(
    ("signals", "index", "field"),
    [
        ("", 0, "text"),
        (["fine", ""], 1, "text"),
        (["fine", {**PAIR, "rejected": PAIR["chosen"]}], 1, "rejected"),
        ([PAIR, PAIR | {"kind": "preference"}], 1, "kind"),
        ([{"colour": "red"}], 0, "kind"),
        ([PAIR, 7], 1, None),
        ([PAIR, None], 1, None),
        ([PAIR, {"messages": "Hi"}], 1, "messages"),
        ([{"messages": [{"role": "user", "content": "Hi", "feedback": "sideways"}]}], 0, "messages.0.feedback"),
        ([{"messages": [{"role": "user", "content": "Hi"}], "feedback": "up"}], 0, "feedback"),
        (["a", "b\udfff"], 1, "text"),
        (["a", "x" * 10_000_000], 1, "text"),
        ([{"prompt": "p", "response": "r", "score": float("nan")}], 0, "score"),
        ([{1: "a"}], 0, None),
    ],
)
def test_what_cannot_be_taken_is_named_by_place_and_field(signals, index, field) -> None:
    with pytest.raises(SignalError) as refused:
        coerce(signals)
    assert refused.value.index == index
    assert refused.value.field == field
    assert f"signal {index}" in str(refused.value)


def test_a_kind_that_is_nearly_right_is_suggested() -> None:
    with pytest.raises(SignalError, match="Did you mean `rating`"):
        coerce([{"kind": "ratings", "prompt": "p"}])


@pytest.mark.parametrize("wrong", [7, b"bytes", object()])
def test_something_else_altogether_is_refused(wrong) -> None:
    with pytest.raises(SignalError):
        coerce(wrong)


def test_json_and_json_lines_files_are_read_alike(tmp_path) -> None:
    items = [PAIR, {"text": "Be brief.\u2028Really."}, CHAT]
    (tmp_path / "list.json").write_text(json.dumps(items, ensure_ascii=False), "utf-8")
    (tmp_path / "object.json").write_text(json.dumps({"signals": items}), "utf-8")
    (tmp_path / "lines.jsonl").write_text("\n\n".join(json.dumps(item, ensure_ascii=False) for item in items), "utf-8")
    expected = coerce(items)
    for name in ("list.json", "object.json", "lines.jsonl"):
        assert load(tmp_path / name) == expected
        assert coerce([tmp_path / name]) == expected
    assert parse("\ufeff".removeprefix("\ufeff") + json.dumps(items)) == expected


def test_one_object_in_a_file_is_one_signal(tmp_path) -> None:
    (tmp_path / "one.json").write_text(json.dumps(PAIR), "utf-8")
    assert kinds(tmp_path / "one.json") == ["preference_pair"]


def test_a_line_that_is_not_json_is_named(tmp_path) -> None:
    (tmp_path / "broken.jsonl").write_text('{"text": "a"}\n{"text": \n', "utf-8")
    with pytest.raises(SignalError, match=r"Line 2 of .*broken\.jsonl is not JSON"):
        load(tmp_path / "broken.jsonl")


def test_a_missing_file_and_one_that_is_not_text_are_named(tmp_path) -> None:
    with pytest.raises(SignalError, match=r"absent\.json cannot be read"):
        load(tmp_path / "absent.json")
    (tmp_path / "binary.json").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(SignalError, match=r"binary\.json is not UTF-8"):
        load(tmp_path / "binary.json")


def test_json_that_is_nested_without_end_is_refused() -> None:
    with pytest.raises(SignalError, match="nested too deeply"):
        parse("[" * 200_000)
