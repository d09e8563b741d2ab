"""What a run shows while it works: a bar on a terminal, JSON lines and TensorBoard events for later."""

from __future__ import annotations

import contextlib
import json
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from trainer.whole import write_whole, written_to

Advance = Callable[..., None]
"""Called after each unit of work with figures to show, such as `advance(loss=0.3)`."""
A_LINE_EVERY = 60.0
"""Seconds between two lines about a stage, where no bar can be drawn."""


class Reporter:
    """Tells a person and a log what happens; on a pipe by one line per evaluation, and one a minute of what takes long.

    Args:
        metrics: file that a JSON line is added to for every step and evaluation; None writes nothing.
    """

    def __init__(self, metrics: Path | None = None, console: Console | None = None) -> None:
        self._metrics = metrics
        self._console = console or Console(stderr=True, highlight=False)
        self._events: Any | None = None
        self._told = 0

    def say(self, text: str) -> None:
        """One line for a person."""
        self._console.print(text, soft_wrap=True)

    def write(self, kind: str, step: int, figures: Mapping[str, Any]) -> None:
        """Add a line to the metrics file and numbers to TensorBoard."""
        if self._metrics is None:
            return
        with written_to(self._metrics):
            with self._metrics.open("a", encoding="utf-8") as out:
                out.write(json.dumps({"kind": kind, "step": step, "time": round(time.time(), 3), **figures}) + "\n")
            if self._events is None:
                self._events = _event_writer(self._metrics.parent / "tensorboard", self._told)
            if self._events is not None:
                for name, value in figures.items():
                    if isinstance(value, int | float):
                        self._events.add_scalar(f"{kind}/{name}", value, step)

    def rewind(self, done: int | None) -> None:
        """Drop what an interrupted run wrote after `done` steps (None: all of it), so that nothing is told twice.

        Step `n` is the one that follows `n` others; an evaluation after `n` steps belongs to what is done by then.
        """
        if self._metrics is None or not self._metrics.exists():
            return
        lines = self._metrics.read_text("utf-8", errors="replace").splitlines()
        kept = [line for line in lines if done is not None and _was_told(line, done)]
        write_whole(self._metrics, "".join(f"{line}\n" for line in kept))
        self._told = done or 0

    @contextlib.contextmanager
    def stage(self, name: str, total: int, done: int = 0) -> Iterator[Advance]:
        """A stage of `total` units as a bar."""
        with Progress(
            TextColumn("{task.description:<24}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(),
            TimeRemainingColumn(), TextColumn("{task.fields[figures]}"),
            console=self._console, disable=not self._console.is_terminal, transient=False,
        ) as bar:  # fmt: skip
            task = bar.add_task(name, total=total, completed=done, figures="")
            told = time.monotonic()

            def advance(count: int = 1, **figures: float) -> None:
                nonlocal told
                shown = "  ".join(f"{key} {value:.3g}" for key, value in figures.items())
                bar.advance(task, count)
                if shown:
                    bar.update(task, figures=shown)
                if not self._console.is_terminal and time.monotonic() - told >= A_LINE_EVERY:
                    told = time.monotonic()
                    self.say(f"{name} {bar.tasks[0].completed:.0f}/{total}  {shown}")

            yield advance

    def close(self) -> None:
        """Flush what is waiting."""
        if self._events is not None:
            with contextlib.suppress(OSError):  # a full disk has been told of where it matters
                self._events.close()


def _was_told(line: str, done: int) -> bool:
    try:
        row = json.loads(line)
        return int(row["step"]) < done + (row["kind"] == "evaluation")
    except (ValueError, KeyError, TypeError):  # a crash may have torn the last line
        return False


def _event_writer(folder: Path, told: int) -> Any | None:
    try:
        from torch.utils.tensorboard import SummaryWriter
    except ImportError:  # TensorBoard is a convenience; the JSON lines hold the same
        return None
    return SummaryWriter(str(folder), purge_step=told or None)
