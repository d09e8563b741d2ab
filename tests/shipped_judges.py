"""Judges in the layout of trainer/weights: a trained run's generator, or one that knows two wishes by heart."""

from __future__ import annotations

import shutil
from pathlib import Path

from popi_sdk.composer import compose
from popi_sdk.signals import PreferencePair
from popi_sdk.summary import NOTHING, Clause, Summary
from tests.tiny_models import Lesson, save_tiny
from tests.trained_runs import small_config
from trainer.export.from_run import save_merged
from trainer.models import load_tokenizer
from trainer.run_directory import RunDirectory, run_templates

BRIEF, AT_LENGTH = "Keep answers short.", "Write long and detailed answers."
SHORT, LONG = "Yes.", "Well, that is a long story with every step explained in detail."
QUESTIONS = tuple(f"Question {number}?" for number in range(8))


def judge_of_run(run: RunDirectory, folder: Path) -> Path:
    """The generator of a run at its newest checkpoint, as it could be shipped."""
    checkpoint = run.latest()
    assert checkpoint is not None
    save_merged(run, checkpoint.folder, "generator", folder / "generator")
    shutil.copytree(run.start / "generator", folder / "reference")
    load_tokenizer(run.base).save_pretrained(folder / "reference")
    shutil.copy(run.config_file, folder / "config.toml")
    return folder


def judge_that_knows_two_wishes(folder: Path) -> Path:
    """It answers `SHORT` where the summary says `BRIEF`, `LONG` where it says `AT_LENGTH`, and else either."""
    config = small_config()

    def lessons(wish: str, *answers: str) -> list[Lesson]:
        summary = Summary(clauses=(Clause(wish),)) if wish else NOTHING
        messages = compose(QUESTIONS[0], summary, templates=run_templates(config))
        return [(messages, answer) for answer in answers]

    plain = lessons("", SHORT, LONG)
    save_tiny(folder / "reference", lessons=plain)
    save_tiny(folder / "generator", lessons=[*lessons(BRIEF, SHORT), *lessons(AT_LENGTH, LONG), *plain])
    (folder / "config.toml").write_text(config.to_toml(), encoding="utf-8")
    return folder


def brief_choices(count: int = len(QUESTIONS)) -> tuple[PreferencePair, ...]:
    """Choices of somebody who likes it short."""
    return tuple(PreferencePair(f"Question {number}?", SHORT, LONG) for number in range(count))
