"""Real answers to real tasks, with their style measured: what simulated people choose between.

The file is JSON lines, one answer per line, `{"task", "prompt", "text", ...}`, packed with xz or not; many LLMs
answered each task. Style is what the SDK's `contrast` measures, one number per aspect (length, lists, warmth, ...), in
units of how much answers to one task usually differ and counted from the task's mean: a wish for short answers is about
differences between answers to one task, never about which tasks need long ones.
"""

from __future__ import annotations

import hashlib
import json
import lzma
import math
import os
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from importlib.metadata import version
from pathlib import Path
from typing import IO, TypeAlias

import numpy as np
import numpy.typing as npt
from platformdirs import user_cache_path

from popi_sdk.errors import ConfigError, SignalError
from popi_sdk.render import shorten
from popi_sdk.signals import check_text
from popi_sdk.style import lexicons, measures, structure
from popi_sdk.style.calibration import SPREADS
from popi_sdk.style.facts import ASPECTS
from popi_sdk.style.measures import MEASURES, measure

INDEX: Mapping[str, int] = {aspect: place for place, aspect in enumerate(ASPECTS)}
MOST = 4.0
"""No answer is further from its task's mean than this: one text of exclamation marks must not outweigh all else."""
TEST_SHARE = 0.2

_Matrix: TypeAlias = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Answer:
    """One answer to a task."""

    text: str
    """As it is shown, shortened where that was asked for."""
    whole: str
    style: tuple[float, ...]
    """One number per entry of `ASPECTS`: more of it than the task's other answers, in usual standard deviations."""

    def utility(self, wishes: Mapping[str, float]) -> float:
        """How well it meets wishes (aspect -> weight): the sum of weight * style."""
        return sum(weight * self.style[INDEX[aspect]] for aspect, weight in wishes.items())


@dataclass(frozen=True, slots=True)
class Task:
    """One task and the different answers to it."""

    name: str
    prompt: str
    answers: tuple[Answer, ...]


@dataclass(frozen=True, slots=True)
class Answers:
    """Tasks with their answers, in an order that says nothing about them; `seen` tells training from test tasks."""

    tasks: tuple[Task, ...]
    seen: bool = True

    @classmethod
    def load(
        cls,
        path: Path,
        *,
        tasks_with_at_least: int = 2,
        limit: int | None = None,
        shorten_to: int | None = None,
        cache: Path | None = None,
    ) -> Answers:
        """Read the tasks that have enough different answers, at most `limit` of them, and measure their style.

        With `shorten_to`, prompts and answers longer than that many tokens are shown with their middle left out. Style
        is then measured on what is shown, but for length, which is that of the whole answer: the mark in the middle
        tells it. Measuring all of `answers.jsonl.xz` takes about 20 seconds, so it is kept in the folder `cache`
        (default: the platform's), under a name made of the texts and of the code that measures.

        Raises:
            ConfigError: the file is not there, or no task has enough answers.
            SignalError: a line that is no answer; the message names it.
        """
        rows = _rows(path)
        enough = {name: row for name, row in rows.items() if len(row.texts) >= max(2, tasks_with_at_least)}
        chosen = [enough[name] for name in sorted(enough, key=lambda name: _share(f"order {name}"))][:limit]
        if not chosen:
            raise ConfigError(
                f"No task of {path} has {max(2, tasks_with_at_least)} different answers.",
                hint="Ask for fewer with `tasks_with_at_least`, and for at least one task with `limit`.",
            )
        return cls(tuple(_with_style(chosen, shorten_to, cache or user_cache_path("popi"))))

    def differing(self, least: float) -> tuple[str, ...]:
        """The aspects in which, in at least a fifth of the tasks, two answers differ by `least` or more."""
        styles = [np.array([answer.style for answer in task.answers]) for task in self.tasks]
        ranges = np.array([np.ptp(style, axis=0) for style in styles])
        shares = (ranges >= least).mean(axis=0)
        return tuple(aspect for aspect, share in zip(ASPECTS, shares, strict=True) if share >= 0.2)


def split_tasks(answers: Answers, test: float = TEST_SHARE) -> tuple[Answers, Answers]:
    """Deal the tasks out to training and test; where a task goes depends on its name alone, so it never changes."""
    parts: tuple[list[Task], list[Task]] = ([], [])
    for task in answers.tasks:
        parts[_share(f"split {task.name}") < test].append(task)
    return replace(answers, tasks=tuple(parts[0]), seen=True), replace(answers, tasks=tuple(parts[1]), seen=False)


@dataclass(frozen=True, slots=True)
class _Row:
    """A task as the file has it; the keys of `texts` are its different answers."""

    name: str
    prompt: str
    texts: dict[str, None]


def _rows(path: Path) -> dict[str, _Row]:
    rows: dict[str, _Row] = {}
    try:
        with _opened(path) as lines:
            for number, line in enumerate(lines, start=1):
                if line.strip():
                    _take(line, rows, f"Line {number} of {path}")
    except OSError as error:
        raise ConfigError(f"{path} cannot be read: {error.strerror or error}.") from error
    except (lzma.LZMAError, EOFError, UnicodeDecodeError) as error:
        raise SignalError(f"{path} is damaged: {error}.", hint="Fetch the file again.") from error
    return rows


def _opened(path: Path) -> IO[str]:
    return lzma.open(path, "rt", encoding="utf-8") if path.suffix == ".xz" else path.open(encoding="utf-8")


def _take(line: str, rows: dict[str, _Row], place: str) -> None:
    try:
        row = json.loads(line)
        name, prompt, text = row["task"], row.get("prompt"), row["text"]
        if not isinstance(name, str):
            raise TypeError("a task's name is a string")
        # Where the wording is not known, the task's name stands for it, so that no two tasks share a prompt.
        prompt = f"Task {name}" if prompt is None else check_text(prompt)
        if text.strip():
            rows.setdefault(name, _Row(name, prompt, {})).texts.setdefault(check_text(text))
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise SignalError(f"{place} is no answer.", hint='Each line is {"task", "prompt", "text"}.') from error


def _with_style(rows: Sequence[_Row], shorten_to: int | None, cache: Path) -> Iterator[Task]:
    shown = [_shown(row, shorten_to) for row in rows]
    texts = [text for row in shown for text in row.texts]
    wholes = [whole for row in shown for whole in row.texts.values()]
    scores = _scores(_measured(texts, cache))
    if shorten_to is not None:
        scores[:, INDEX["length"]] = _scores(_measured(wholes, cache))[:, INDEX["length"]]
    start = 0
    for row in shown:
        block = scores[start : start + len(row.texts)]
        start += len(row.texts)
        styles = np.clip(block - block.mean(axis=0), -MOST, MOST).tolist()
        answers = (Answer(*text, tuple(style)) for text, style in zip(row.texts.items(), styles, strict=True))
        yield Task(row.name, row.prompt, tuple(answers))


@dataclass(frozen=True, slots=True)
class _Shown:
    """A task as it is shown; `texts` maps each answer shown to the whole one."""

    name: str
    prompt: str
    texts: dict[str, str]


def _shown(row: _Row, limit: int | None) -> _Shown:
    if limit is None:
        return _Shown(row.name, row.prompt, {text: text for text in row.texts})
    return _Shown(row.name, shorten(row.prompt, limit), {shorten(text, limit): text for text in row.texts})


def _scores(values: _Matrix) -> _Matrix:
    """Measures (one column each) to aspects: the mean of an aspect's measures in usual standard deviations."""
    # A usual difference is that of two independent answers, so it is the standard deviation times the root of 2.
    usual = np.array([SPREADS[one.name] for one in MEASURES]) / math.sqrt(2)
    units = values / usual
    columns = [[j for j, one in enumerate(MEASURES) if one.aspect == aspect] for aspect in ASPECTS]
    return np.stack([units[:, places].mean(axis=1) for places in columns], axis=1)


def _measured(texts: Sequence[str], folder: Path) -> _Matrix:
    """One row of measures per text, from the cache where these texts were measured before by the same code."""
    path = folder / f"style-{_key(texts)}.npy"
    with suppress(OSError, ValueError, EOFError):  # nothing kept, or damaged: measure again
        kept: _Matrix = np.load(path, allow_pickle=False)
        if kept.shape == (len(texts), len(MEASURES)) and kept.dtype == np.float64:
            return kept
    values = np.array([measure(text) for text in texts], dtype=np.float64)
    with suppress(OSError):  # a cache that cannot be written costs time, never the result
        _keep(values, path)
    return values


def _keep(values: _Matrix, path: Path) -> None:
    """Write whole or not at all: several processes may measure the same texts at once."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=path.stem, suffix=".part")
    try:
        with os.fdopen(handle, "wb") as out:
            np.save(out, values)
        Path(name).replace(path)
    finally:
        Path(name).unlink(missing_ok=True)


def _key(texts: Sequence[str]) -> str:
    digest = hashlib.sha256(version("markdown-it-py").encode())
    for module in (lexicons, measures, structure):
        digest.update(Path(str(module.__file__)).read_bytes())
    for text in texts:
        digest.update(hashlib.sha256(text.encode("utf-8")).digest())
    return digest.hexdigest()[:24]


def _share(name: str) -> float:
    """A number from 0 to 1 that depends on `name` alone."""
    return int.from_bytes(hashlib.sha256(name.encode("utf-8")).digest()[:8]) / 2**64
