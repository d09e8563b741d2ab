"""The stores themselves: operations run in transactions, against connections that may break.

A read that meets a dead connection is repeated once on a new one. So is a write, as long as its commit had not
begun; from there on nobody knows whether it took place, and that is what the StoreError says.
"""
# ruff: noqa: TID253 - imported by open_store only, never by `import popi_sdk`

from __future__ import annotations

import weakref
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Concatenate, ParamSpec, TypeVar

from sqlalchemy import Connection, Engine
from sqlalchemy.exc import DBAPIError

from popi_sdk.signals import Signal
from popi_sdk.store import Profile, check_names, forks, reading, rows, writing
from popi_sdk.store.engines import Engines, Place, engines, erase_leavings
from popi_sdk.store.failures import DATABASE_ERRORS, closed_error, commit_error, lost_connection, store_error
from popi_sdk.store.upgrade import bring_up_to_date
from popi_sdk.summary import Summary

Result = TypeVar("Result")
Rest = ParamSpec("Rest")


def open_database(at: Place) -> Database:
    """The store at a place, with its tables as this code needs them."""
    connected = engines(at)
    try:
        bring_up_to_date(connected, at.label)
    except BaseException:
        connected.write.dispose()
        raise
    return Database(connected, at)


def transact(
    connection: Connection,
    label: str,
    operation: Callable[Concatenate[Connection, Rest], Result],
    *rest: Rest.args,
    **named: Rest.kwargs,
) -> Result:
    """Run an operation in a transaction; a failed commit is told apart from a failure before it."""
    with connection.begin() as transaction:
        result = operation(connection, *rest, **named)
        try:
            transaction.commit()
        except DBAPIError as error:
            raise commit_error(error, label) from error
    return result


class Database:
    """A `Store` on SQLite or PostgreSQL."""

    def __init__(self, connected: Engines, at: Place) -> None:
        self._engines = connected
        self._at = at
        self._closed = False
        # A database in memory is one connection, which two threads cannot use at once.
        self._gate = forks.Gate(at_once=1) if at.in_memory else forks.Gate()
        self._finalizer = weakref.finalize(self, connected.write.dispose)
        forks.watch(self)

    def observe(self, namespace: str, user_id: str, signals: Sequence[Signal]) -> int:
        """See `Store.observe`."""
        return self._write(writing.observe, namespace, user_id, rows.check_signals(signals))

    def read(self, namespace: str, user_id: str) -> Profile:
        """See `Store.read`."""
        return self._run(self._engines.read, reading.read, namespace, user_id)

    def signals(
        self, namespace: str, user_id: str, *, after: int = 0, limit: int | None = None, untrusted: bool = True
    ) -> tuple[Signal, ...]:
        """See `Store.signals`."""
        return self._run(self._engines.read, reading.signals, namespace, user_id, after, limit, untrusted)

    def trainable(self, namespace: str) -> list[tuple[str, tuple[Signal, ...]]]:
        """Every user of a namespace with the signals they allow training on; for the trainer, not for the client."""
        check_names(namespace, user_id="any")
        return self._connected(self._engines.read, reading.trainable, namespace)

    def trainable_shown(self, namespace: str) -> list[tuple[str, tuple[tuple[Signal, datetime], ...]]]:
        """What `trainable` finds, and when each signal was shown; for the trainer, not for the client."""
        check_names(namespace, user_id="any")
        return self._connected(self._engines.read, reading.trainable_shown, namespace)

    def history(self, namespace: str, user_id: str) -> tuple[Summary, ...]:
        """See `Store.history`."""
        return self._run(self._engines.read, reading.history, namespace, user_id)

    def save(self, profile: Profile, summary: Summary) -> Profile | None:
        """See `Store.save`."""
        return self._write(writing.save, profile.namespace, profile.user_id, profile, summary)

    def pin(self, namespace: str, user_id: str, summary: Summary | None) -> Profile:
        """See `Store.pin`."""
        return self._write(writing.pin, namespace, user_id, summary)

    def forget(self, namespace: str, user_id: str, signal_id: str | None = None) -> int:
        """See `Store.forget`."""
        removed = self._write(writing.forget, namespace, user_id, signal_id)
        self._erase_leavings(rewrite=True)
        return removed

    def expire(self, namespace: str, user_id: str | None, before: datetime) -> int:
        """See `Store.expire`."""
        check_names(namespace, "any" if user_id is None else user_id)
        if user_id is None:
            users = self._connected(self._engines.read, reading.users_with_expired, namespace, before)
        else:  # looking costs a read; taking the writer's lock on every look would hold up the others
            users = [user_id] if self._run(self._engines.read, reading.expired, namespace, user_id, before) else []
        erased = sum(self._write(writing.expire, namespace, each, before) for each in users)
        # An answer waits for this when it is about one user, and rewriting a large file takes seconds: that is done for
        # all of them together, also where each user's signals have gone already.
        if erased or user_id is None:
            self._erase_leavings(rewrite=user_id is None)
        return erased

    def export(self, namespace: str, user_id: str) -> dict[str, object]:
        """See `Store.export`."""
        return self._run(self._engines.snapshot, reading.export, namespace, user_id)

    def close(self) -> None:
        """See `Store.close`."""
        self._gate.shut()  # A connection in use now would come back to a pool that is gone, and stay open.
        self._closed = True
        self._finalizer()
        self._gate.open()

    def _erase_leavings(self, *, rewrite: bool) -> None:
        if self._at.path is not None:
            with self._gate:
                erase_leavings(self._engines.read, rewrite=rewrite)

    def _run(
        self,
        engine: Engine,
        operation: Callable[Concatenate[Connection, str, str, Rest], Result],
        namespace: str,
        user_id: str,
        *rest: Rest.args,
        **named: Rest.kwargs,
    ) -> Result:
        check_names(namespace, user_id)
        return self._connected(engine, operation, namespace, user_id, *rest, **named)

    def _write(
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

        return self._connected(self._engines.write, in_transaction)

    def _connected(
        self,
        engine: Engine,
        operation: Callable[Concatenate[Connection, Rest], Result],
        *rest: Rest.args,
        **named: Rest.kwargs,
    ) -> Result:
        """Run an operation on a pooled connection, a second time where the connection turned out to be dead."""
        try:
            return self._once(engine, operation, *rest, **named)
        except DATABASE_ERRORS as error:
            if not lost_connection(error):
                raise store_error(error, self._at.label) from error
        try:
            return self._once(engine, operation, *rest, **named)
        except DATABASE_ERRORS as error:
            raise store_error(error, self._at.label) from error

    def _once(
        self,
        engine: Engine,
        operation: Callable[Concatenate[Connection, Rest], Result],
        *rest: Rest.args,
        **named: Rest.kwargs,
    ) -> Result:
        with self._gate:
            if self._closed:
                raise closed_error(self._at.label)
            with engine.connect() as connection:
                return operation(connection, *rest, **named)

    def before_fork(self) -> None:
        """See `Forkable.before_fork`."""
        if self._at.path is not None:
            self._gate.shut()
            self._engines.write.dispose()
        elif self._at.in_memory:
            self._gate.shut()

    def after_fork_in_parent(self) -> None:
        """See `Forkable.after_fork_in_parent`."""
        self._gate.open()

    def after_fork_in_child(self) -> None:
        """See `Forkable.after_fork_in_child`."""
        self._gate.reset()
        if not self._at.in_memory:
            self._engines.write.dispose(close=False)
