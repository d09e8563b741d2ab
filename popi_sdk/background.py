"""Refreshing summaries behind the calls: a thread that starts with the first user that is due, or asyncio tasks."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from threading import Condition, Thread

User = tuple[str, str]
"""Namespace and user id."""


class BackgroundRefresh:
    """Calls `refresh(namespace, user_id)` for each user once its time has come; later requests move the time."""

    def __init__(self, refresh: Callable[[str, str], None]) -> None:
        self._refresh = refresh
        self._start_over()

    def _start_over(self) -> None:
        self._due: dict[User, float] = {}
        self._changed = Condition()
        self._thread: Thread | None = None
        self._closing = False
        self._process = os.getpid()

    def ask(self, namespace: str, user_id: str, delay: float = 0.0) -> None:
        """Refresh this user `delay` seconds from now."""
        if self._process != os.getpid():
            self._start_over()  # a thread does not survive a fork; what waited there is done by the parent
        with self._changed:
            self._closing = False
            self._due[namespace, user_id] = time.monotonic() + max(0.0, delay)
            if self._thread is None:
                self._thread = Thread(target=self._work, name="popi-refresh", daemon=True)
                self._thread.start()
            self._changed.notify()

    def close(self) -> None:
        """Do what is still waiting now, then stop; nothing asked for is dropped."""
        if self._process != os.getpid() or self._thread is None:
            return
        with self._changed:
            self._closing = True
            self._changed.notify()
        self._thread.join()
        self._thread = None

    def _work(self) -> None:
        while (user := self._next()) is not None:
            self._refresh(*user)

    def _next(self) -> User | None:
        """Wait for the next user that is due; None when closing and nothing is left."""
        with self._changed:
            while True:
                if self._due:
                    user = min(self._due, key=self._due.__getitem__)
                    wait = 0.0 if self._closing else self._due[user] - time.monotonic()
                    if wait <= 0:
                        del self._due[user]
                        return user
                    self._changed.wait(wait)
                elif self._closing:
                    return None
                else:
                    self._changed.wait()


class AsyncBackgroundRefresh:
    """The twin for asyncio: one task for each user that waits."""

    def __init__(self, refresh: Callable[[str, str], Awaitable[None]]) -> None:
        self._refresh = refresh
        self._waiting: dict[User, asyncio.Task[None]] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._closing = asyncio.Event()

    def ask(self, namespace: str, user_id: str, delay: float = 0.0) -> None:
        """Refresh this user `delay` seconds from now."""
        user = (namespace, user_id)
        if earlier := self._waiting.pop(user, None):
            earlier.cancel()
        task = asyncio.get_running_loop().create_task(self._wait_and_refresh(user, delay), name="popi-refresh")
        self._waiting[user] = task
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def close(self) -> None:
        """Do what is still waiting now; nothing asked for is dropped."""
        self._closing.set()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._closing.clear()

    async def _wait_and_refresh(self, user: User, delay: float) -> None:
        if delay > 0:
            with suppress(TimeoutError):
                await asyncio.wait_for(self._closing.wait(), delay)
        self._waiting.pop(user, None)  # from here on a new request no longer cancels the work but follows it
        await self._refresh(*user)
