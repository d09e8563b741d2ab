"""Refreshing summaries behind the calls: a thread that starts with the first user that is due, or asyncio tasks."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Awaitable, Callable
from threading import Condition, Thread

User = tuple[str, str]
"""Namespace and user id."""


class BackgroundRefresh:
    """Calls `refresh(namespace, user_id, hurry)` for each user once its time has come; later requests move the time.

    It returns the seconds after which it wants to be called again, 0 when it is done; in a hurry it is done at once.
    """

    def __init__(self, refresh: Callable[[str, str, bool], float]) -> None:
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
            self._due[namespace, user_id] = time.monotonic() + max(0.0, delay)
            if self._thread is None:
                self._closing = False
                self._thread = Thread(target=self._work, name="popi-refresh", daemon=True)
                self._thread.start()
            self._changed.notify()

    def close(self) -> None:
        """Do what is still waiting now, then stop; nothing asked for is dropped."""
        if self._process != os.getpid():
            return
        with self._changed:
            thread = self._thread
            self._closing = True
            self._changed.notify()
        if thread is not None:
            thread.join()

    def _work(self) -> None:
        while (user := self._next()) is not None:
            wait = self._refresh(*user, self._closing)
            if wait > 0:
                with self._changed:
                    self._due.setdefault(user, time.monotonic() + wait)

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
                    self._thread = None
                    return None
                else:
                    self._changed.wait()


class AsyncBackgroundRefresh:
    """The twin for asyncio: one task for each user that waits; a user asked for while being refreshed follows after."""

    def __init__(self, refresh: Callable[[str, str, bool], Awaitable[float]]) -> None:
        self._refresh = refresh
        self._closing = False
        self._waiting: dict[User, asyncio.Task[None]] = {}
        self._running: dict[User, asyncio.Task[None]] = {}
        self._again: set[User] = set()

    def ask(self, namespace: str, user_id: str, delay: float = 0.0) -> None:
        """Refresh this user `delay` seconds from now."""
        user = (namespace, user_id)
        if self._is_alive(self._running.get(user)):
            self._again.add(user)
            return
        waiting = self._waiting.pop(user, None)
        if waiting is not None and self._is_alive(waiting):
            waiting.cancel()
        self._waiting[user] = asyncio.get_running_loop().create_task(self._wait(user, delay), name="popi-refresh")

    async def close(self) -> None:
        """Do what is still waiting now; nothing asked for is dropped."""
        self._closing = True
        try:
            await self._finish()
        finally:
            self._closing = False

    async def _finish(self) -> None:
        while self._waiting or self._running:
            for user, task in list(self._waiting.items()):
                if self._is_alive(task):
                    task.cancel()
                del self._waiting[user]
                await self._run(user)
            await asyncio.gather(*filter(self._is_alive, self._running.values()), return_exceptions=True)
            self._running.clear()

    async def _wait(self, user: User, delay: float) -> None:
        await asyncio.sleep(delay)
        self._running[user] = self._waiting.pop(user)
        wait = 0.0
        try:
            wait = await self._run(user)
        finally:
            self._running.pop(user, None)
        if wait > 0:
            self.ask(*user, wait)

    async def _run(self, user: User) -> float:
        """Refresh, and once more where new signals came meanwhile; the seconds after which to come back."""
        wait = await self._refresh(*user, self._closing)
        while user in self._again:
            self._again.discard(user)
            wait = await self._refresh(*user, self._closing)
        return wait

    @staticmethod
    def _is_alive(task: asyncio.Task[None] | None) -> bool:
        """Whether it can still be waited for: a task of an event loop that has ended never finishes."""
        return task is not None and not task.done() and task.get_loop() is asyncio.get_running_loop()
