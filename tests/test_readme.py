"""What the README shows is true: its Python runs, its commands work, and the one for the tests is the one we run.

Python stands in ```python blocks, which run in order, as one program, with a fake model behind every client. Commands
stand in ```sh blocks.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.loopback import KEY, LoopbackServer

ROOT = Path(__file__).resolve().parent.parent

RUNNER = """
import ast, asyncio, inspect, json, sys
from popi_sdk.testing import no_live_calls, use

shared = {"__name__": "__main__"}
with no_live_calls(), use():
    for line, code in json.load(sys.stdin):
        code = compile("\\n" * line + code, "README.md", "exec", flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)
        known = set(shared)
        running = eval(code, shared)
        if inspect.iscoroutine(running):
            asyncio.run(running)
        for name in set(shared) - known:
            if name.startswith("test_"):
                shared[name]()
"""
"""Each block's traceback names the README's own lines; tests that a block defines are run."""


@dataclass(frozen=True)
class Block:
    """A fenced block of the README."""

    language: str
    line: int
    code: str


def blocks(language: str) -> list[Block]:
    """The README's blocks in one language."""
    text = (ROOT / "README.md").read_text("utf-8")
    found = []
    for match in re.finditer(r"^( *)```(\w+)[^\n]*\n(.*?)^ *```$", text, re.MULTILINE | re.DOTALL):
        code = re.sub(f"^{match[1]}", "", match[3], flags=re.MULTILINE)
        found.append(Block(match[2], text[: match.start(3)].count("\n"), code))
    return [block for block in found if block.language == language]


def commands() -> list[str]:
    """The README's shell commands, one for each line; a line that ends in a backslash goes on in the next."""
    lines = "\n".join(block.code for block in blocks("sh")).replace("\\\n", " ").splitlines()
    stripped = (re.sub(r"\s+", " ", re.sub(r"\s#.*|^#.*", "", line)).removeprefix("$ ").strip() for line in lines)
    return [line for line in stripped if line]


def popi_commands() -> list[str]:
    """The parts of them that call `popi`, written as if it lay on the path."""
    parts = (part.strip() for command in commands() for part in re.split(r"&&|;", command))
    called = (re.sub(r"(^|\s)\S*/popi(?=\s)", r"\1popi", part) for part in parts)
    return [part for part in called if re.search(r"(^|[\s|])popi\s", part) and not re.search(r"\b(git|pip|cd)\s", part)]


@pytest.fixture
def visitor(tmp_path: Path) -> dict[str, str]:
    """The surroundings of someone without keys, whose working folder holds the examples and nothing else."""
    (tmp_path / "examples").symlink_to(ROOT / "examples")
    shim = tmp_path / "bin" / "popi"
    shim.parent.mkdir()
    shim.write_text(f'#!/bin/sh\nexec "{sys.executable}" -c "from popi_sdk.cli import app; app()" "$@"\n')
    shim.chmod(0o755)
    return {
        "PATH": f"{shim.parent}:{os.environ['PATH']}",
        "HOME": str(tmp_path),
        "XDG_DATA_HOME": str(tmp_path / "data"),
        "PYTHONPATH": str(ROOT),
    }


def test_the_python_of_the_readme_runs(visitor: dict[str, str], tmp_path: Path) -> None:
    programs = [(block.line, block.code) for block in blocks("python")]
    assert programs
    with LoopbackServer() as server:
        vendor = {"OPENAI_API_KEY": KEY, "OPENAI_BASE_URL": f"{server.url}/openai/v1"}
        done = subprocess.run(
            [sys.executable, "-c", RUNNER],
            input=json.dumps(programs),
            env=visitor | vendor,
            cwd=tmp_path,
            capture_output=True,
            text=True,
            check=False,
            timeout=100,
        )
    assert done.returncode == 0, done.stderr[-3_000:]
    assert len(server.requests) == sum("OpenAI()" in code for _, code in programs), "what a wrapped client asks"


def test_the_commands_of_the_readme_work(visitor: dict[str, str], tmp_path: Path) -> None:
    shown = popi_commands()
    assert any(command.startswith("popi personalize") for command in shown), shown
    for command in shown:
        done = subprocess.run(
            ["bash", "-o", "pipefail", "-c", command],
            env=visitor,
            cwd=tmp_path,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )
        told = f"{command}\n{done.stdout[-1_000:]}\n{done.stderr[-2_000:]}"
        assert done.returncode != 2, told  # 2 says that the command line itself is wrong
        assert not re.search("Traceback|unexpected", done.stderr), told
        if "popi personalize" in command:
            assert done.returncode == 0, told
            assert "user_preferences" in done.stdout, told


def test_the_readmes_test_command_is_the_one_that_is_run_on_every_change() -> None:
    [command] = [command for command in commands() if "pytest" in command]
    script = re.sub(r"\s+", " ", (ROOT / ".ci" / "run").read_text("utf-8").replace("\\\n", " "))
    assert command in script
