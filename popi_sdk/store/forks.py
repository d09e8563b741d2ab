"""Keeps stores whole when a process forks.

SQLite must not see a fork at all: what it remembers of its file locks would be wrong in the child, and another
process could then delete the write-ahead log under it. So the fork waits until no operation is under way and the
idle connections are closed. A PostgreSQL connection is left to the parent, and the child opens its own.
"""

from __future__ import annotations

import os
import threading
import weakref
from typing import Protocol

_PATIENCE_SECONDS = 5.0
"""How long a fork or a close waits for operations under way; then it goes ahead, as it would without us."""


class Gate:
    """Lets operations in, at most `at_once` at a time, and none while a fork or a close is under way."""

    def __init__(self, at_once: int = 1_000_000) -> None:
        self._at_once = at_once
        self.reset()

    def reset(self) -> None:
        """Start with nobody inside, as it is in a forked child."""
        self._changed = threading.Condition(threading.Lock())
        self._inside = 0
        self._shut = False

    def __enter__(self) -> None:
        with self._changed:
            while self._shut or self._inside >= self._at_once:
                self._changed.wait()
            self._inside += 1

    def __exit__(self, *_raised: object) -> None:
        with self._changed:
            self._inside -= 1
            self._changed.notify_all()

    def shut(self) -> None:
        """Let nobody in any more and wait until nobody is inside."""
        with self._changed:
            self._shut = True
            self._changed.wait_for(lambda: self._inside == 0, timeout=_PATIENCE_SECONDS)

    def open(self) -> None:
        """Let operations in again."""
        with self._changed:
            self._shut = False
            self._changed.notify_all()


class Forkable(Protocol):
    """What a store does around a fork."""

    def before_fork(self) -> None:
        """In the process that is about to fork."""

    def after_fork_in_parent(self) -> None:
        """In the same process, afterwards."""

    def after_fork_in_child(self) -> None:
        """In the new process, before anything else runs in it."""


_stores: weakref.WeakSet[Forkable] = weakref.WeakSet()
_registered = False


def watch(store: Forkable) -> None:
    """Tell `store` about every fork from now on, for as long as it lives."""
    global _registered
    _stores.add(store)
    if not _registered and hasattr(os, "register_at_fork"):
        _registered = True
        os.register_at_fork(before=_before, after_in_parent=_after_in_parent, after_in_child=_after_in_child)


def _before() -> None:
    for store in list(_stores):
        store.before_fork()


def _after_in_parent() -> None:
    for store in list(_stores):
        store.after_fork_in_parent()


def _after_in_child() -> None:
    for store in list(_stores):
        store.after_fork_in_child()
