"""A summarizer that knows three users by heart, in the form the trainer starts from and as it is exported."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from popi_sdk.manifest import facts_of, read_manifest, write_manifest
from popi_sdk.render import render
from popi_sdk.signals import Signal, Statement
from popi_sdk.templates import Templates, default_templates
from tests.tiny_models import Architecture, Lesson, save_tiny
from trainer.data import Example
from trainer.export import ExportReport, export_model

LONGEST = 60
KNOWN = {
    "Please keep it short.": "Keep answers short, under fifty words.",
    "Explain every step in detail.": "Write long and detailed answers.",
    "Hello there, how are you?": "NOTHING",
}
"""What a user said, and what the summarizer was taught to make of it."""


def examples() -> list[Example]:
    """The three users, without held-out pairs."""
    return [Example(f"user {number}", said(words), ()) for number, words in enumerate(KNOWN)]


def said(words: str) -> tuple[Signal, ...]:
    """One statement; without a time, so that it is the same each time."""
    return (Statement(words),)


def lessons(templates: Templates | None = None) -> list[Lesson]:
    """The same as prompts and answers."""
    return [
        (render(said(words), max_summary_tokens=LONGEST, templates=templates).messages, answer)
        for words, answer in KNOWN.items()
    ]


def taught(folder: Path, architecture: Architecture = "qwen3") -> Path:
    """Save a tiny model that has learned its lessons."""
    return save_tiny(folder, architecture, lessons=lessons(), steps=80)


def exported(weights: Path, out: Path, **changes: Any) -> ExportReport:
    """Export it as `popi-train export` would."""
    settings: dict[str, Any] = {
        "role": "summarizer",
        "templates": default_templates(),
        "max_summary_tokens": LONGEST,
        "input_tokens": 1_500,
        "base": "Qwen/Qwen3-tiny",
        "check": examples(),
        **changes,
    }
    return export_model(weights, out, **settings)


def edit_manifest(folder: Path, **changes: Any) -> None:
    """Change what `popi.json` says; files are noted anew, as if they had been exported as they are."""
    manifest = read_manifest(folder)
    there = [name for name in manifest.files if (folder / name).is_file()]
    write_manifest(folder, manifest.model_copy(update={"files": facts_of(folder, there), **changes}))


@contextmanager
def nothing_leaves(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Fail on any connection, whatever the environment says about being offline."""

    def refuse(*_: object) -> None:
        raise AssertionError("a connection was tried")

    with monkeypatch.context() as patch:
        for variable in [name for name in os.environ if name.endswith("_OFFLINE")]:
            patch.delenv(variable)
        patch.setattr(socket.socket, "connect", refuse)
        patch.setattr(socket, "getaddrinfo", refuse)
        yield
