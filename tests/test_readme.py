"""What the README shows is true: its Python runs, its commands work, and where one is not run, the README says why.

Python stands in ```python blocks, which run in order, as one program, with a fake model behind every client. Commands
stand in ```sh blocks and are run in order, in one folder. Of those that are not run, the names are checked.
"""

from __future__ import annotations

import json
import os
import re
import shlex
import subprocess
import sys
from collections.abc import Mapping
from itertools import product
from pathlib import Path

import pytest
from typer.testing import CliRunner

from popi_sdk import Popi, PreferencePair
from popi_sdk.config import load_config
from popi_sdk.testing import FakeBackend
from tests.loopback import KEY, LoopbackServer
from tests.readme_commands import (
    README,
    ROOT,
    Block,
    Command,
    blocks,
    blocks_of,
    commands,
    commands_in,
    named_in_passing,
    what_is_wrong,
)
from tests.trained_runs import small_config
from trainer.cli import app as popi_train_app
from trainer.data import write_examples
from trainer.ship import EMBEDDED
from trainer.train import train
from trainer.versions import add, promote
from trainer.world import world_examples

LANGUAGES = {"python", "sh", "toml", "yaml", ""}
"""What its blocks are written in; those without a language are drawings."""
FINDS_A_PROBLEM = "popi doctor"
"""Where there is no key it says so, and ends with 1."""

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


# --- what is shown ---------------------------------------------------------------------------------------------------


@pytest.fixture
def visitor(tmp_path: Path) -> dict[str, str]:
    """The surroundings of someone without keys, whose working folder holds the examples and nothing else."""
    (tmp_path / "examples").symlink_to(ROOT / "examples")
    programs = {
        "popi": '-c "from popi_sdk.cli import app; app()"',
        "python": "",
    }
    (tmp_path / "bin").mkdir()
    for name, arguments in programs.items():
        shim = tmp_path / "bin" / name
        shim.write_text(f'#!/bin/sh\nexec "{sys.executable}" {arguments} "$@"\n')
        shim.chmod(0o755)
    return {
        "PATH": f"{tmp_path / 'bin'}:{os.environ['PATH']}",
        "HOME": str(tmp_path),
        "XDG_DATA_HOME": str(tmp_path / "data of this machine"),
        "PYTHONPATH": str(ROOT),
        "OMP_NUM_THREADS": "1",
        "HF_HUB_OFFLINE": "1",
    }


def lay_out_what_was_there_before(folder: Path) -> None:
    """What the README's reader has by then: a trained run (here of two steps), a store, an earlier summarizer."""
    config = small_config(data={"folder": str(folder / "users")})
    (folder / "users").mkdir()
    for split in ("train", "validation", "test"):
        write_examples(world_examples(config.world, split, 24, config.run.seed), folder / "users" / f"{split}.jsonl")
    train(config, folder / "runs" / "smoke")
    with Popi(store=f"sqlite:///{folder / 'popi.db'}", backend=FakeBackend()) as popi:
        for user, question in product(range(12), range(6)):
            pair = PreferencePair(
                f"{user} asks {question}", f"Short {question}.", f"A long one, {question}.", allow_training=True
            )
            popi.observe(f"user {user}", pair)
    promote(folder / "summarizers", add(folder / "summarizers", EMBEDDED).number)


def run(command: str, folder: Path, visitor: Mapping[str, str]) -> str:
    """Run a command as someone types it; return what it printed.

    `popi-train` runs in this process, which has torch already: a new one each time takes seconds to import it.
    """
    if command.startswith("popi-train "):
        result = CliRunner().invoke(popi_train_app, shlex.split(command)[1:])
        assert result.exit_code == 0, f"{command}\n{result.output[-3_000:]}"
        return result.output
    done = subprocess.run(
        ["bash", "-o", "pipefail", "-c", command],
        env=visitor,
        cwd=folder,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        timeout=100,
    )
    told = f"{command}\n{done.stdout[-1_000:]}\n{done.stderr[-2_000:]}"
    assert done.returncode == (1 if command.endswith(FINDS_A_PROBLEM) else 0), told
    assert not re.search("Traceback|unexpected", done.stderr), told
    return done.stdout


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


@pytest.mark.timeout(300)
def test_every_command_of_the_readme_works_that_is_not_excepted(
    visitor: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    lay_out_what_was_there_before(tmp_path)
    shown = [command for command in commands() if not command.excepted]
    assert {shlex.split(command.text)[0] for command in shown} >= {"popi", "popi-train", "python"}
    for command in shown:
        printed = run(command.text, tmp_path, visitor)
        assert printed.strip(), f"README.md:{command.line} prints nothing: {command.text}"


def test_what_the_first_command_does_after_the_install_works(visitor: dict[str, str], tmp_path: Path) -> None:
    *installing, shown = commands()[0].text.split(" && .venv/bin/")
    assert shown.startswith("popi personalize")
    assert "pip install" in installing[-1]
    assert "user_preferences" in run(shown, tmp_path, visitor)


def test_the_readmes_test_command_is_the_one_that_is_run_on_every_change() -> None:
    [command] = [command.text for command in commands() if command.text.endswith("-m pytest")]
    script = re.sub(r"\s+", " ", (ROOT / ".ci" / "run").read_text("utf-8").replace("\\\n", " "))
    assert command in script


def test_the_readmes_settings_are_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    shown = blocks("toml")
    assert shown
    for block in shown:
        Path("popi.toml").write_text(block.code, "utf-8")
        keys = set(re.findall(r"^\[?(\w+)", block.code, re.MULTILINE))
        settings = load_config()
        assert keys & {"model", "summarizer"}, block
        assert settings != load_config(Path(os.devnull)), block


def test_the_readmes_line_for_a_proxy_is_that_of_the_example_which_the_tests_start() -> None:
    [shown] = blocks("yaml")
    assert shown.code in (ROOT / "examples" / "litellm_proxy" / "config.yaml").read_text("utf-8")


# --- what is not run -------------------------------------------------------------------------------------------------


def test_there_is_no_block_that_is_neither_run_nor_read() -> None:
    assert {block.language for block in blocks_of(README)} <= LANGUAGES
    assert README.count("```") == 2 * len(blocks_of(README)), "a fence that no block was made of"
    commandlike = re.compile(r"(\$ )?(pip|popi|popi-train|python3?|torchrun|vllm) ")
    for block in blocks(""):
        assert not [line for line in block.code.splitlines() if commandlike.match(line.strip())], block


def test_what_is_not_run_says_why_and_names_only_what_there_is() -> None:
    excepted = [command for command in commands() if command.excepted]
    wrong = {f"README.md:{one.line} {one.text}": what_is_wrong(one.text) for one in [*excepted, *named_in_passing()]}
    assert len(named_in_passing()) > 40
    assert {command: why for command, why in wrong.items() if why} == {}


def test_an_exception_counts_for_its_line_or_down_to_the_next_empty_line() -> None:
    block = Block(
        "sh",
        10,
        "one --a 1   # why\n"
        "two         # not in the tests: slow\n"
        "three\n"
        "# not in the tests: a GPU\n"
        "# and more of it\n"
        "four \\\n    --long\n"
        "five        # not in the tests: a key\n"
        "\n"
        "# not in these tests\n"
        "six '#7'\n",
    )
    assert commands_in(block) == [
        Command(11, "one --a 1"),
        Command(12, "two", "slow"),
        Command(13, "three"),
        Command(17, "four --long", "a GPU"),
        Command(18, "five", "a key"),
        Command(21, "six '#7'"),
    ]


@pytest.mark.parametrize(
    ("text", "wrong"),
    [
        ("popi-train trian smoke", "trian"),
        ("popi-train train smoke --outt runs", "--outt"),
        ("torchrun --nproc_per_node 2 -m trainer train smoke --output runs", "--output"),
        ("KEY=1 popi observe ada --txt hello", "--txt"),
        ("python -m benchmarks.nothing", "nothing.py"),
        ("python -m benchmarks.proxy --wishes 3", "--wishes"),
        ("python -m pytest tests/nowhere", "tests/nowhere"),
        ("popi-train train elix-3b --out runs/elix --resume &", ""),
        ("python -m benchmarks.proxy --requests 120", ""),
        ("pip install -e .", ""),
    ],
)
def test_a_name_that_there_is_not_is_noticed(text: str, wrong: str) -> None:
    found = what_is_wrong(text)
    assert wrong in found
    assert bool(found) == bool(wrong)
