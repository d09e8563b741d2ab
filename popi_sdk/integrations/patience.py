"""How long a request on its way waits for POPI, and when the next ones no longer wait at all."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

LONGEST_WAIT = 5.0
"""Seconds one request waits; what it waited for goes on behind it and serves a later one."""
_SLICES = 50
"""The wait is made of so many: in an event loop that lags, the work is late by no fault of its own, and so are they."""
NOTICEABLE = 0.1
"""Seconds of waiting that a user notices; what fails sooner is asked again at once."""
MANY = 5
"""So many long waits for nothing, one after another, show that it is not one user's summary that takes long."""
PAUSE = 5.0
"""Seconds after which one request tries again, while the others go on without."""

T = TypeVar("T")


class NotWaitedError(Exception):
    """POPI was not asked, or not to the end; `reason` is a short code."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class Patience:
    """Stands around everything that is asked of POPI for a request that must not wait; one event loop's."""

    def __init__(self) -> None:
        self._for_nothing = 0
        self._until = 0.0
        self._behind: set[asyncio.Future[Any]] = set()

    async def wait_for(self, work: Coroutine[Any, Any, T], failed: Callable[[T], bool] = lambda _: False) -> T:
        """The result of `work`, which `failed` may call a failure; an exception is one.

        Raises:
            NotWaitedError: it took too long ("timeout"), or others have waited for nothing ("paused").
        """
        start = time.monotonic()
        if start < self._until:
            work.close()
            raise NotWaitedError("paused")
        if self._for_nothing >= MANY:
            self._until = start + PAUSE  # this one tries; who comes meanwhile goes on without
        task = asyncio.ensure_future(work)
        self._behind.add(task)
        task.add_done_callback(self._done)
        for _ in range(_SLICES):
            await asyncio.wait({task}, timeout=LONGEST_WAIT / _SLICES)
            if task.done():
                break
        else:
            self._waited_for_nothing()
            raise NotWaitedError("timeout")
        try:
            result = task.result()
        except Exception:
            self._note(start, failure=True)
            raise
        self._note(start, failure=failed(result))
        return result

    def _note(self, start: float, *, failure: bool) -> None:
        if not failure:
            self._for_nothing, self._until = 0, 0.0
        elif time.monotonic() - start > NOTICEABLE:
            self._waited_for_nothing()

    def _waited_for_nothing(self) -> None:
        self._for_nothing += 1
        if self._for_nothing >= MANY:
            self._until = time.monotonic() + PAUSE

    def _done(self, task: asyncio.Future[Any]) -> None:
        self._behind.discard(task)
        if not task.cancelled():
            task.exception()  # looked at, so that asyncio does not report one that nobody waited for
