"""Opens a client's store on first use, once, whichever thread or task comes first; scoped clients share it."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable
from threading import Lock
from weakref import WeakKeyDictionary

from popi_sdk.store import AsyncStore, Store, open_async_store, open_store


class OpenedOnce:
    """The store at `url`, which may be a function so that its place is looked up no earlier than needed."""

    def __init__(self, url: str | Callable[[], str]) -> None:
        self._url = url
        self._store: Store | None = None
        self._lock = Lock()
        self._process = os.getpid()

    def get(self) -> Store:
        """The open store."""
        if self._process != os.getpid():  # a thread that was opening it at the time of a fork never lets go here
            self._process, self._lock = os.getpid(), Lock()
        if self._store is None:
            with self._lock:
                if self._store is None:
                    self._store = open_store(_resolved(self._url))
        return self._store

    def close(self) -> None:
        """Close it; the next use opens it again."""
        with self._lock:
            store, self._store = self._store, None
        if store is not None:
            store.close()


class AsyncOpenedOnce:
    """The awaitable twin of OpenedOnce."""

    def __init__(self, url: str | Callable[[], str]) -> None:
        self._url = url
        self._store: AsyncStore | None = None
        self._locks: WeakKeyDictionary[asyncio.AbstractEventLoop, asyncio.Lock] = WeakKeyDictionary()

    async def get(self) -> AsyncStore:
        """The open store."""
        if self._store is None:
            async with self._lock():
                if self._store is None:
                    self._store = await open_async_store(_resolved(self._url))
        return self._store

    async def close(self) -> None:
        """Close it; the next use opens it again."""
        async with self._lock():
            store, self._store = self._store, None
        if store is not None:
            await store.close()

    def _lock(self) -> asyncio.Lock:
        """A lock of asyncio belongs to one event loop; a client may see several, one after another."""
        return self._locks.setdefault(asyncio.get_running_loop(), asyncio.Lock())


def _resolved(url: str | Callable[[], str]) -> str:
    return url if isinstance(url, str) else url()
