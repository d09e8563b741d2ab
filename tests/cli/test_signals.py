"""Signals and prompts from files and from standard input."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.cli.calls import SIGNALS, Run, data


def test_signals_and_prompt_are_read_from_standard_input(popi: Run, signals: str) -> None:
    from_signals = popi("summarize", "--signals", "-", "--json", input='"Use bullet points."')
    assert data(from_signals)["summary"]["text"] == "Use bullet points."
    found = data(popi("personalize", "-", "--signals", signals, "--json", input="Grüße 🎉?\n"))
    assert found["request"]["messages"][-1] == {"role": "user", "content": "Grüße 🎉?"}
    assert popi("personalize", "-", "--signals", "-", input="x").exit_code == 2


def test_several_files_and_a_chat_with_thumbs_count_together(popi: Run, signals: str) -> None:
    chat = [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Hello!", "feedback": "up"}]
    Path("chat.jsonl").write_text(json.dumps({"messages": chat}) + "\n\n" + '{"text": "No emoji."}\n', "utf-8")
    found = data(popi("summarize", "--signals", signals, "--signals", "chat.jsonl", "--json"))
    assert found["signal_count"] == len(SIGNALS) + 2
    assert "Use bullet points." in found["summary"]["text"]


def test_a_line_that_is_not_json_is_named(popi: Run) -> None:
    Path("bad.jsonl").write_text('{"text": "Be brief."}\n\n{"text": \n', "utf-8")
    result = popi("observe", "ada", "--signals", "bad.jsonl")
    assert result.exit_code == 2
    assert "Line 3 of bad.jsonl" in result.stderr
    assert result.stdout == ""


def test_a_signal_that_cannot_be_taken_is_named_and_nothing_is_stored(popi: Run, signals: str) -> None:
    Path("bad.jsonl").write_text('{"text": "Be brief."}\n{"prompt": "a", "chosen": "b", "rejected": "b"}\n', "utf-8")
    result = popi("observe", "ada", "--signals", signals, "--signals", "bad.jsonl", "--json")
    assert result.exit_code == 2
    error = data(result)["error"]
    assert error["type"] == "SignalError"
    assert "bad.jsonl, signal 1, `rejected`" in error["message"]
    assert data(popi("export", "ada"))["signals"] == []


@pytest.mark.parametrize("content", [b"\xff\xfe\x00", b"42", b'{"text": ""}', b'[{"kind": "thumb"}]', b"[null]"])
def test_whatever_a_file_holds_ends_with_2_and_names_the_file(popi: Run, content: bytes) -> None:
    Path("odd.json").write_bytes(content)
    result = popi("summarize", "--signals", "odd.json")
    assert result.exit_code == 2
    assert "odd.json" in result.stderr
    assert "Traceback" not in result.output
