"""How long a request on its way waits for POPI, and when the next ones no longer wait at all.

A store that does not answer concerns everybody, a summary that takes long only its own tenant. They are told apart by
whether the store has answered anybody since the wait began; where nobody else asks it, a waiting request does.
"""

from __future__ import annotations

import asyncio
import time
from collections import OrderedDict
from collections.abc import Callable, Coroutine
from typing import Any, TypeAlias, TypeVar

from popi_sdk.errors import ConfigError, SignalError

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
MOST_PAUSES = 1_024
"""Pauses of single tenants that are held; the one that was added to longest ago is let go."""

T = TypeVar("T")
Probe: TypeAlias = Callable[[], Coroutine[Any, Any, Any]]
"""Something that only the store has to answer."""


class NotWaitedError(Exception):
    """POPI was not asked, or not to the end; `reason` is a short code."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class _Pause:
    """Begins after many waits for nothing; when it is over, one request tries."""

    def __init__(self) -> None:
        self._for_nothing = 0
        self._until = 0.0

    def is_on(self) -> bool:
        return time.monotonic() < self._until

    def one_tries(self) -> None:
        """Who comes while that one waits goes on without."""
        if self._for_nothing >= MANY:
            self._until = time.monotonic() + PAUSE

    def add(self) -> None:
        self._for_nothing += 1
        self.one_tries()


class Patience:
    """Stands around everything that is asked of POPI for a request that must not wait; one event loop's."""

    def __init__(self) -> None:
        self._of_store = _Pause()
        self._of_one: OrderedDict[str, _Pause] = OrderedDict()
        self._answered = 0.0
        """When the store last answered somebody in time."""
        self._probe: asyncio.Future[Any] | None = None
        self._probed = 0.0
        self._behind: set[asyncio.Future[Any]] = set()

    async def wait_for(
        self,
        work: Coroutine[Any, Any, T],
        about: str,
        probe: Probe,
        *,
        failed: Callable[[T], bool] = lambda _: False,
        late: Callable[[Exception], None] = lambda _: None,
    ) -> T:
        """The result of `work`, which `failed` may call a failure; an exception is one, but for a wrong signal
        or setting.

        `about` names what is left alone when it was waited for in vain too often, while the store answers. `late` is
        told what `work` raised after the request had gone on.

        Raises:
            NotWaitedError: it took too long ("timeout"), or others have waited for nothing ("paused").
        """
        start = time.monotonic()
        own = self._of_one.get(about, _Pause())
        if self._of_store.is_on() or own.is_on():
            work.close()
            raise NotWaitedError("paused")
        self._of_store.one_tries()
        own.one_tries()
        task = self._started(work)
        try:
            await self._in_time(task, start, probe)
        finally:
            if not task.done():
                task.add_done_callback(lambda done: _tell(done, late))
        if not task.done():
            self._waited_for_nothing(about, start)
            raise NotWaitedError("timeout")
        try:
            result = task.result()
        except (SignalError, ConfigError):
            raise
        except Exception:
            await self._failed(about, start)
            raise
        if failed(result):
            await self._failed(about, start)
        else:
            self._store_answered()
            self._of_one.pop(about, None)
        return result

    async def _in_time(self, task: asyncio.Future[Any], start: float, probe: Probe) -> None:
        for _ in range(_SLICES):
            await asyncio.wait({task}, timeout=LONGEST_WAIT / _SLICES)
            if task.done():
                return
            if self._answered <= start and self._probed <= start:
                self._ask_store(probe)

    def _ask_store(self, probe: Probe) -> None:
        """One asks for all who wait; one that got no answer in time is not waited for by those who come later."""
        now = time.monotonic()
        if self._probe is not None and not self._probe.done() and now - self._probed < LONGEST_WAIT:
            return
        self._probed = now
        self._probe = self._started(probe())
        self._probe.add_done_callback(lambda done: self._probe_ended(done, now))

    def _probe_ended(self, done: asyncio.Future[Any], began: float) -> None:
        in_time = time.monotonic() - began < LONGEST_WAIT
        if in_time and not done.cancelled() and done.exception() is None:
            self._store_answered()

    def _store_answered(self) -> None:
        self._answered = time.monotonic()
        self._of_store = _Pause()

    async def _failed(self, about: str, start: float) -> None:
        if time.monotonic() - start <= NOTICEABLE:
            return
        if self._answered <= start and self._probe is not None and not self._probe.done():
            await asyncio.wait({self._probe}, timeout=NOTICEABLE)
        self._waited_for_nothing(about, start)

    def _waited_for_nothing(self, about: str, start: float) -> None:
        if self._answered <= start:
            self._of_store.add()
            return
        self._of_one.setdefault(about, _Pause()).add()
        self._of_one.move_to_end(about)
        if len(self._of_one) > MOST_PAUSES:
            self._of_one.popitem(last=False)

    def _started(self, work: Coroutine[Any, Any, T]) -> asyncio.Future[T]:
        task = asyncio.ensure_future(work)
        self._behind.add(task)
        task.add_done_callback(self._ended)
        return task

    def _ended(self, task: asyncio.Future[Any]) -> None:
        self._behind.discard(task)
        if not task.cancelled():
            task.exception()  # looked at, so that asyncio does not report one that nobody waited for


def _tell(done: asyncio.Future[Any], late: Callable[[Exception], None]) -> None:
    error = None if done.cancelled() else done.exception()
    if isinstance(error, Exception):
        late(error)
