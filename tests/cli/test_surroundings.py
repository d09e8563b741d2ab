"""What holds for every command: JSON, errors, exit codes, pipes and terminals."""

from __future__ import annotations

import json
import os
import pty
import subprocess
import sys
from pathlib import Path

import pytest

from tests.cli.calls import Run, data, in_a_process

COMMANDS = (
    ("personalize", "Hi", "--signals", "SIGNALS"),
    ("summarize", "--signals", "SIGNALS"),
    ("observe", "ada", "--signals", "SIGNALS"),
    ("profile", "ada"),
    ("edit", "ada", "Be brief."),
    ("forget", "ada", "--yes"),
    ("export", "ada"),
    ("doctor",),
)


@pytest.mark.parametrize("command", COMMANDS, ids=[command[0] for command in COMMANDS])
def test_every_command_prints_one_json_object_and_takes_the_common_options(
    popi: Run, signals: str, tmp_path: Path, command: tuple[str, ...]
) -> None:
    Path("own.toml").write_text('model = "groq/llama-3.3-70b-versatile"\n', "utf-8")
    common = ("--json", "--config", "own.toml", "--store", f"sqlite:///{tmp_path}/other.db", "--namespace", "shop")
    result = popi(*(signals if part == "SIGNALS" else part for part in command), *common)
    assert result.exit_code == (1 if command[0] == "doctor" else 0), result.output
    assert "error" not in data(result)
    assert result.stderr == ""


@pytest.mark.parametrize("command", COMMANDS, ids=[command[0] for command in COMMANDS])
def test_every_command_reports_its_errors_as_json(popi: Run, signals: str, command: tuple[str, ...]) -> None:
    args = [signals if part == "SIGNALS" else part for part in command]
    unknown = popi(*args, "--json", "--no-such-option")
    assert unknown.exit_code == 2
    assert set(data(unknown)["error"]) == {"type", "message", "hint"}
    assert "--no-such-option" in data(unknown)["error"]["message"]
    Path("bad.toml").write_text('modell = "openai/gpt-4o-mini"\n', "utf-8")
    broken = popi(*args, "--config", "bad.toml", "--json")
    if command[0] == "doctor":
        assert broken.exit_code == 1
        assert "model" in json.dumps(data(broken)["checks"])
    else:
        assert broken.exit_code == 2
        assert data(broken)["error"]["type"] == "ConfigError"
        assert "`model`" in data(broken)["error"]["hint"]


def test_a_fault_of_our_own_shows_where_and_nothing_a_user_said(
    popi: Run, monkeypatch: pytest.MonkeyPatch, signals: str
) -> None:
    def broken(*_: object) -> None:
        raise RuntimeError("Zanzibar")

    monkeypatch.setattr("popi_sdk.client.Popi.summarize", broken)
    result = popi("summarize", "--signals", signals)
    assert result.exit_code == 1
    assert "RuntimeError in test_surroundings.py:" in result.stderr
    assert "Zanzibar" not in result.output
    assert "Traceback" not in result.output


def test_help_tells_the_exit_codes_and_all_commands(popi: Run) -> None:
    for args in ((), ("--help",)):
        result = popi(*args)
        assert result.exit_code == 0
        assert "Exit codes" in result.stdout
        assert all(command[0] in result.stdout for command in COMMANDS)


def test_the_version_is_told_without_loading_anything_heavy() -> None:
    import popi_sdk

    watched = "litellm", "sqlalchemy", "alembic", "tiktoken", "pydantic", "rich.console"
    code = f"""
import sys
from popi_sdk.cli import app
try:
    app(["--version"])
finally:
    sys.stderr.write(repr([name for name in {watched!r} if name in sys.modules]))
"""
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parent.parent.parent)}
    result = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)
    assert result.stdout == f"popi {popi_sdk.__version__}\n"
    assert result.stderr == "[]"


@pytest.mark.parametrize(
    "encoding", [{"PYTHONIOENCODING": "ascii"}, {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}]
)
def test_any_character_passes_a_pipe_that_knows_only_ascii(encoding: dict[str, str]) -> None:
    words = '"Use bullet points – und grüße 🎉."'
    shown = in_a_process("summarize", "--signals", "-", env=encoding, input=words.encode())
    assert shown.returncode == 0, shown.stderr
    assert b"Use bullet points \\u2013 und gr\\xfc\\xdfe" in shown.stdout
    exact = in_a_process("personalize", "-", "--json", env=encoding, input="Grüße 🎉?".encode())
    assert json.loads(exact.stdout)["request"]["messages"][0]["content"] == "Grüße 🎉?"
    failed = in_a_process("summarize", "--signals", "größe.json", env=encoding)
    assert failed.returncode == 2
    assert b"Traceback" not in failed.stderr


def test_a_reader_that_goes_away_is_no_traceback(popi: Run) -> None:
    lines = "\n".join(json.dumps({"text": f"Sentence number {n}. " + "x" * 400}) for n in range(600))
    assert popi("observe", "ada", "--signals", "-", input=lines).exit_code == 0
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parent.parent.parent)}
    command = [sys.executable, "-m", "popi_sdk", "export", "ada"]
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        assert process.stdout.readline() == b"{\n"
        process.stdout.close()
        assert process.stderr.read() == b""
    assert process.returncode == 1


def test_a_pipe_gets_no_colours_and_no_broken_lines(signals: str) -> None:
    prompt = "word " * 60
    result = in_a_process("personalize", prompt, "--signals", signals, env={"COLUMNS": "20", "TERM": "xterm-256color"})
    assert b"\x1b" not in result.stdout
    assert prompt.strip().encode() in result.stdout


def test_a_terminal_gets_colours_unless_it_asks_for_none(signals: str) -> None:
    def on_a_terminal(**env: str) -> bytes:
        ours, theirs = pty.openpty()
        environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parent.parent.parent), "TERM": "xterm", **env}
        command = [sys.executable, "-m", "popi_sdk", "summarize", "--signals", signals]
        with subprocess.Popen(command, env=environment, stdout=theirs, stderr=subprocess.DEVNULL):
            os.close(theirs)
            shown = b""
            while chunk := _read_or_end(ours):
                shown += chunk
        os.close(ours)
        return shown

    assert b"\x1b[1m" in on_a_terminal()
    assert b"\x1b[3" not in on_a_terminal(NO_COLOR="1")


def _read_or_end(descriptor: int) -> bytes:
    try:
        return os.read(descriptor, 4096)
    except OSError:  # Linux reports the end of a terminal as an error
        return b""
