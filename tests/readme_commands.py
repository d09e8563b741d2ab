"""The README's blocks and commands as the tests read them, and what in a command there is not.

A comment that begins with `not in the tests: ` excepts the command beside it or, on a line of its own, the commands
down to the next empty line.
"""

from __future__ import annotations

import re
import shlex
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import typer

from popi_sdk.cli import app as popi_app
from trainer.cli import app as popi_train_app

ROOT = Path(__file__).resolve().parent.parent
README = (ROOT / "README.md").read_text("utf-8")
MARK = "not in the tests: "


@dataclass(frozen=True)
class Block:
    """A fenced block of the README."""

    language: str
    line: int
    code: str


@dataclass(frozen=True)
class Command:
    """A command of the README, and why the tests do not run it ("" where they do)."""

    line: int
    text: str
    excepted: str = ""


def blocks_of(text: str) -> list[Block]:
    """The fenced blocks of a Markdown text."""
    found = []
    for match in re.finditer(r"^( *)```(\w*)[^\n]*\n(.*?)^ *```$", text, re.MULTILINE | re.DOTALL):
        code = re.sub(f"^{match[1]}", "", match[3], flags=re.MULTILINE)
        found.append(Block(match[2], text[: match.start(3)].count("\n"), code))
    return found


def blocks(language: str) -> list[Block]:
    """The README's blocks in one language."""
    return [block for block in blocks_of(README) if block.language == language]


def commands_in(block: Block) -> list[Command]:
    """A block's commands; a line that ends in a backslash goes on in the next."""
    found: list[Command] = []
    above = begun = ""
    for number, line in enumerate(block.code.splitlines(), start=block.line + 1):
        whole = begun + line.strip()
        begun = whole.removesuffix("\\") if whole.endswith("\\") and not whole.startswith("#") else ""
        if begun:
            continue
        text, comment = re.fullmatch(r"(.*?)(?:(?:^|\s+)#\s*(.*))?", whole).groups(default="")  # type: ignore[union-attr]
        excepted = comment.partition(MARK)[2] if comment.startswith(MARK) else ""
        if text:
            found.append(Command(number, re.sub(r"\s+", " ", text), excepted or above))
        else:
            above = "" if not whole else excepted or above
    return found


def commands() -> list[Command]:
    """The README's commands in blocks, in order."""
    return [command for block in blocks("sh") for command in commands_in(block)]


def named_in_passing() -> list[Command]:
    """Commands in the README's sentences; one that stands for several (`popi a | b`) is each of them."""
    prose = README
    for block in blocks_of(README):
        prose = prose.replace(block.code, "\n" * block.code.count("\n"))
    begun = re.compile(r"(?:[A-Z_]+=\S+ )*(?:popi|popi-train|python|torchrun|pytest) ")
    found: list[Command] = []
    for match in re.finditer(r"`((?:[^`\n]|\n(?!\n))+)`", prose):
        first, *others = " ".join(match[1].split()).split(" | ")
        if begun.match(first):
            texts = [first, *(f"{first.split()[0]} {other}" for other in others)]
            found += [Command(prose[: match.start()].count("\n") + 1, text) for text in texts]
    return found


def what_is_wrong(text: str) -> str:
    """Which part of a command there is not: its subcommand, an option, a module, a file; "" where all are there."""
    words = [word for word in shlex.split(text) if not re.match(r"[A-Z_]+=", word)]
    if "trainer" in words and words[words.index("trainer") - 1] == "-m":
        words = ["popi-train", *words[words.index("trainer") + 1 :]]
    program, *arguments = [word for word in words if word != "&"]
    if program in ("popi", "popi-train"):
        return _refusal(popi_app if program == "popi" else popi_train_app, arguments)
    if program == "python" and arguments[:1] == ["-m"] and arguments[1].startswith("benchmarks."):
        path = ROOT / (arguments[1].replace(".", "/") + ".py")
        source = path.read_text("utf-8") if path.exists() else ""
        unknown = [word for word in arguments[2:] if word.startswith("--") and f'"{word}"' not in source]
        return ", ".join(unknown) if source else str(path)
    return ", ".join(word for word in arguments if re.match(r"(tests|examples)/", word) and not (ROOT / word).exists())


def _refusal(app: typer.Typer, arguments: list[str]) -> str:
    group: Any = typer.main.get_command(app)
    name, *rest = arguments
    if name not in group.commands:
        return name
    try:
        if rest:  # else it is only named
            group.commands[name].make_context(name, rest)
    except Exception as error:
        return f"{name}: {error}"
    return ""
