"""The stores for asyncio: PostgreSQL with asynchronous I/O, SQLite in threads."""
# ruff: noqa: TID253 - imported by open_async_store only, never by `import popi_sdk`

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING, Concatenate, ParamSpec, TypeVar

from sqlalchemy import Connection

from popi_sdk.signals import Signal
from popi_sdk.store import AsyncStore, Profile, check_names, forks, reading, rows, writing
from popi_sdk.store.batched import BatchedReads
from popi_sdk.store.databases import Database, open_database, transact
from popi_sdk.store.engines import AsyncEngines, Place, async_engines
from popi_sdk.store.failures import DATABASE_ERRORS, closed_error, lost_connection, store_error
from popi_sdk.summary import Summary

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncEngine  # needs greenlet, which only PostgreSQL's extra brings

Result = TypeVar("Result")
Rest = ParamSpec("Rest")


async def open_async_database(at: Place) -> AsyncStore:
    """The store at a place for asyncio, with its tables as this code needs them."""
    # Opening happens once, and Alembic cannot be awaited, so a thread does it.
    store = await asyncio.to_thread(open_database, at)
    if at.on_sqlite:
        return InThreads(store)
    await asyncio.to_thread(store.close)
    return AsyncDatabase(async_engines(at), at)


class InThreads:
    """An `AsyncStore` on SQLite: a local file has no asynchronous I/O, so each operation runs in a thread."""

    def __init__(self, store: Database) -> None:
        self._store = store
        self._read = BatchedReads(store.read)

    async def observe(self, namespace: str, user_id: str, signals: Sequence[Signal]) -> int:
        """See `Store.observe`."""
        return await asyncio.to_thread(self._store.observe, namespace, user_id, signals)

    async def read(self, namespace: str, user_id: str) -> Profile:
        """See `Store.read`."""
        return await self._read(namespace, user_id)

    async def signals(
        self, namespace: str, user_id: str, *, after: int = 0, limit: int | None = None, untrusted: bool = True
    ) -> tuple[Signal, ...]:
        """See `Store.signals`."""
        reading_them = partial(self._store.signals, after=after, limit=limit, untrusted=untrusted)
        return await asyncio.to_thread(reading_them, namespace, user_id)

    async def history(self, namespace: str, user_id: str) -> tuple[Summary, ...]:
        """See `Store.history`."""
        return await asyncio.to_thread(self._store.history, namespace, user_id)

    async def save(self, profile: Profile, summary: Summary) -> Profile | None:
        """See `Store.save`."""
        return await asyncio.to_thread(self._store.save, profile, summary)

    async def pin(self, namespace: str, user_id: str, summary: Summary | None) -> Profile:
        """See `Store.pin`."""
        return await asyncio.to_thread(self._store.pin, namespace, user_id, summary)

    async def forget(self, namespace: str, user_id: str, signal_id: str | None = None) -> int:
        """See `Store.forget`."""
        return await asyncio.to_thread(self._store.forget, namespace, user_id, signal_id)

    async def expire(self, namespace: str, user_id: str | None, before: datetime) -> int:
        """See `Store.expire`."""
        return await asyncio.to_thread(self._store.expire, namespace, user_id, before)

    async def export(self, namespace: str, user_id: str) -> dict[str, object]:
        """See `Store.export`."""
        return await asyncio.to_thread(self._store.export, namespace, user_id)

    async def close(self) -> None:
        """See `Store.close`."""
        await asyncio.to_thread(self._store.close)


class AsyncDatabase:
    """An `AsyncStore` on PostgreSQL."""

    def __init__(self, connected: AsyncEngines, at: Place) -> None:
        self._engines = connected
        self._at = at
        self._closed = False
        self._event_loop: asyncio.AbstractEventLoop | None = None
        forks.watch(self)

    async def observe(self, namespace: str, user_id: str, signals: Sequence[Signal]) -> int:
        """See `Store.observe`."""
        return await self._write(writing.observe, namespace, user_id, rows.check_signals(signals))

    async def read(self, namespace: str, user_id: str) -> Profile:
        """See `Store.read`."""
        return await self._run(self._engines.read, reading.read, namespace, user_id)

    async def signals(
        self, namespace: str, user_id: str, *, after: int = 0, limit: int | None = None, untrusted: bool = True
    ) -> tuple[Signal, ...]:
        """See `Store.signals`."""
        return await self._run(self._engines.read, reading.signals, namespace, user_id, after, limit, untrusted)

    async def history(self, namespace: str, user_id: str) -> tuple[Summary, ...]:
        """See `Store.history`."""
        return await self._run(self._engines.read, reading.history, namespace, user_id)

    async def save(self, profile: Profile, summary: Summary) -> Profile | None:
        """See `Store.save`."""
        return await self._write(writing.save, profile.namespace, profile.user_id, profile, summary)

    async def pin(self, namespace: str, user_id: str, summary: Summary | None) -> Profile:
        """See `Store.pin`."""
        return await self._write(writing.pin, namespace, user_id, summary)

    async def forget(self, namespace: str, user_id: str, signal_id: str | None = None) -> int:
        """See `Store.forget`."""
        return await self._write(writing.forget, namespace, user_id, signal_id)

    async def expire(self, namespace: str, user_id: str | None, before: datetime) -> int:
        """See `Store.expire`."""
        check_names(namespace, "any" if user_id is None else user_id)
        if user_id is None:
            users = await self._connected(self._engines.read, reading.users_with_expired, namespace, before)
        else:  # looking costs a read; locking the profile on every look would hold up the others
            some = await self._run(self._engines.read, reading.expired, namespace, user_id, before)
            users = [user_id] if some else []
        return sum([await self._write(writing.expire, namespace, each, before) for each in users])

    async def export(self, namespace: str, user_id: str) -> dict[str, object]:
        """See `Store.export`."""
        return await self._run(self._engines.snapshot, reading.export, namespace, user_id)

    async def close(self) -> None:
        """See `Store.close`."""
        self._closed = True
        await self._engines.write.dispose()

    async def _run(
        self,
        engine: AsyncEngine,
        operation: Callable[Concatenate[Connection, str, str, Rest], Result],
        namespace: str,
        user_id: str,
        *rest: Rest.args,
        **named: Rest.kwargs,
    ) -> Result:
        check_names(namespace, user_id)
        return await self._connected(engine, operation, namespace, user_id, *rest, **named)

    async def _write(
        self,
        operation: Callable[Concatenate[Connection, str, str, Rest], Result],
        namespace: str,
        user_id: str,
        *rest: Rest.args,
        **named: Rest.kwargs,
    ) -> Result:
        check_names(namespace, user_id)

        def in_transaction(connection: Connection) -> Result:
            return transact(connection, self._at.label, operation, namespace, user_id, *rest, **named)

        return await self._connected(self._engines.write, in_transaction)

    async def _connected(
        self,
        engine: AsyncEngine,
        operation: Callable[Concatenate[Connection, Rest], Result],
        *rest: Rest.args,
        **named: Rest.kwargs,
    ) -> Result:
        """Run an operation on a pooled connection, a second time where the connection turned out to be dead."""
        if self._closed:
            raise closed_error(self._at.label)
        await self._follow_event_loop()
        try:
            async with engine.connect() as connection:
                return await connection.run_sync(operation, *rest, **named)
        except DATABASE_ERRORS as error:
            if not lost_connection(error):
                raise store_error(error, self._at.label) from error
        try:
            async with engine.connect() as connection:
                return await connection.run_sync(operation, *rest, **named)
        except DATABASE_ERRORS as error:
            raise store_error(error, self._at.label) from error

    async def _follow_event_loop(self) -> None:
        """Start with new connections in a new event loop; those that wait for each other cannot cross over."""
        running = asyncio.get_running_loop()
        if self._event_loop is not running:
            self._event_loop = running
            await self._engines.write.dispose()

    def before_fork(self) -> None:
        """See `Forkable.before_fork`."""

    def after_fork_in_parent(self) -> None:
        """See `Forkable.after_fork_in_parent`."""

    def after_fork_in_child(self) -> None:
        """See `Forkable.after_fork_in_child`."""
        self._engines.write.sync_engine.dispose(close=False)
