"""One inference for a user at a time: who comes second waits, and then reads what the first one saved."""

from __future__ import annotations

import asyncio
import os
from threading import Lock
from weakref import WeakValueDictionary


class OneAtATime:
    """A lock for each user that is being looked at right now; safe across threads and after fork."""

    def __init__(self) -> None:
        self._start_over()

    def _start_over(self) -> None:
        self._process = os.getpid()
        self._guard = Lock()
        self._locks: WeakValueDictionary[tuple[str, str], Lock] = WeakValueDictionary()

    def lock(self, namespace: str, user_id: str) -> Lock:
        """The lock of this user, the same for as long as somebody holds it."""
        if self._process != os.getpid():
            self._start_over()  # who held a lock at the time of a fork is not in the child to release it
        with self._guard:
            return self._locks.setdefault((namespace, user_id), Lock())


class AsyncOneAtATime:
    """The twin for asyncio; a lock of asyncio belongs to one event loop."""

    def __init__(self) -> None:
        self._locks: WeakValueDictionary[tuple[int, str, str], asyncio.Lock] = WeakValueDictionary()

    def lock(self, namespace: str, user_id: str) -> asyncio.Lock:
        """The lock of this user, the same for as long as somebody holds it."""
        return self._locks.setdefault((id(asyncio.get_running_loop()), namespace, user_id), asyncio.Lock())
