"""Killing a process at a chosen file operation: whatever would change the disk afterwards does not happen any more.

with crash_at("os.rename", "step-000001"):
    train(...)                                  # stops there as if killed
"""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

_WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT
_CHANGES = {"os.rename", "os.mkdir", "os.remove", "os.rmdir", "shutil.rmtree"}


class Killed(BaseException):
    """The process is dead: nothing catches this."""


_watcher: Callable[[str, str], None] | None = None


def _hook(event: str, args: tuple[Any, ...]) -> None:
    if _watcher is None or not (event in _CHANGES or (event == "open" and _writes(args))):
        return
    if isinstance(args[0], str | Path) and "tensorboard" not in str(args[0]):  # TensorBoard writes in a thread
        _watcher(event, str(args[0]))


def _writes(args: tuple[Any, ...]) -> bool:
    return isinstance(args[2], int) and bool(args[2] & _WRITING)


sys.addaudithook(_hook)


@contextlib.contextmanager
def watched(watcher: Callable[[str, str], None]) -> Iterator[None]:
    """Call `watcher` with event and path before everything that changes the disk."""
    global _watcher
    _watcher = watcher
    try:
        yield
    finally:
        _watcher = None


@contextlib.contextmanager
def crash_at(event: str, place: str, time: int = 1) -> Iterator[None]:
    """Die before the `time`-th operation of that kind on a path that ends with `place`, and swallow the death.

    Raises:
        AssertionError: it never came.
    """
    seen = 0

    def watcher(happened: str, path: str) -> None:
        nonlocal seen
        seen += happened == event and path.endswith(place)
        if seen >= time:
            raise Killed

    with watched(watcher):
        try:
            yield
        except Killed:
            return
    raise AssertionError(f"{event} on {place} did not happen {time} times")
