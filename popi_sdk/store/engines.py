"""Connections to SQLite and PostgreSQL, as each kind of operation needs them.

Every engine comes in three modes that share one pool of connections: `read` for a single statement (no transaction
around it), `snapshot` for several reads that must agree, `write` for a transaction.
"""
# ruff: noqa: TID253 - imported by open_store only, never by `import popi_sdk`

from __future__ import annotations

import importlib.util
import os
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sqlalchemy import URL, Engine, create_engine, event, make_url
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.pool import QueuePool, StaticPool

from popi_sdk.errors import ConfigError, MissingExtraError
from popi_sdk.store.failures import store_error

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncEngine

LOCK_SECONDS = 30
"""How long a writer waits for the others."""

_ERASE_SECONDS = 2
"""How long emptying the log waits for readers."""

_POSTGRES_DEFAULTS = {"connect_timeout": "10", "application_name": "popi_sdk"}
"""Used where the URL does not say otherwise."""

_FORMS = 'Use "sqlite:///path/to/file.db", "postgresql://user:password@host/database" or "memory".'


@dataclass(frozen=True, slots=True)
class Place:
    """Where a store is, taken apart from its URL."""

    url: URL
    label: str
    """How errors name it; without user and password."""
    path: Path | None = None
    """The file of an SQLite store; None for one in memory and for PostgreSQL."""

    @property
    def on_sqlite(self) -> bool:
        """True for a file and for memory."""
        return self.url.drivername == "sqlite"

    @property
    def in_memory(self) -> bool:
        """True for a store that ends with the process."""
        return self.on_sqlite and self.path is None


@dataclass(frozen=True, slots=True)
class Engines:
    """One database in three modes."""

    read: Engine
    snapshot: Engine
    write: Engine


@dataclass(frozen=True, slots=True)
class AsyncEngines:
    """One PostgreSQL database in three modes, for asyncio."""

    read: AsyncEngine
    snapshot: AsyncEngine
    write: AsyncEngine


def place(url: object) -> Place:
    """Take a store's URL apart.

    Raises:
        ConfigError: it is none of the three forms.
    """
    if not isinstance(url, str):
        raise ConfigError(f"A store is named by a string, not by {type(url).__name__}.", hint=_FORMS)
    if url == "memory":
        return Place(URL.create("sqlite", database=":memory:"), "memory")
    if url.startswith("sqlite:///"):
        return _sqlite_place(url.removeprefix("sqlite:///"))
    if url.startswith("postgresql://"):
        return _postgres_place(url)
    # The rest of the URL may hold a password, so only its scheme is repeated.
    scheme = url.partition(":")[0] if "://" in url else ""
    raise ConfigError(f"`store` has no form that is known here{f' ({scheme}://...)' if scheme else ''}.", hint=_FORMS)


def _sqlite_place(name: str) -> Place:
    if not name or name == ":memory:" or "?" in name or "\0" in name:
        raise ConfigError("An SQLite store needs the path of a file, without options after it.", hint=_FORMS)
    path = Path(name).expanduser().absolute()
    return Place(URL.create("sqlite", database=str(path)), str(path), path)


def _postgres_place(url: str) -> Place:
    try:
        parsed = make_url(url).set(drivername="postgresql+psycopg")
        parsed = parsed.set(query={**_POSTGRES_DEFAULTS, **parsed.query})
    except (SQLAlchemyError, ValueError):
        raise ConfigError("The PostgreSQL URL of `store` cannot be read.", hint=_FORMS) from None
    if importlib.util.find_spec("psycopg") is None:
        raise MissingExtraError("psycopg", "postgres")
    host = parsed.host or "this machine"
    port = f":{parsed.port}" if parsed.port else ""
    return Place(parsed, f"PostgreSQL on {host}{port}")


def engines(place: Place) -> Engines:
    """Connect to `place`, making the file of a new SQLite store first.

    Raises:
        StoreError: the file or its folder cannot be made.
    """
    if place.on_sqlite:
        if place.path is not None:
            _make_file(place.path, place.label)
        return _sqlite_engines(place)
    engine = create_engine(place.url, **_POSTGRES)
    return Engines(
        read=engine.execution_options(isolation_level="AUTOCOMMIT"),
        snapshot=engine.execution_options(isolation_level="REPEATABLE READ"),
        write=engine,
    )


def async_engines(place: Place) -> AsyncEngines:
    """Connect to the PostgreSQL at `place` with asynchronous I/O."""
    if importlib.util.find_spec("greenlet") is None:
        raise MissingExtraError("greenlet", "postgres")
    from sqlalchemy.ext.asyncio import create_async_engine

    engine = create_async_engine(place.url, **_POSTGRES)
    return AsyncEngines(
        read=engine.execution_options(isolation_level="AUTOCOMMIT"),
        snapshot=engine.execution_options(isolation_level="REPEATABLE READ"),
        write=engine,
    )


_POSTGRES: dict[str, Any] = {
    "hide_parameters": True,
    # The row locks of `writing` count on it, whatever the server's default is.
    "isolation_level": "READ COMMITTED",
    "connect_args": {"client_encoding": "utf8"},
    # Eight processes stay below the 100 connections that a server takes by default.
    "pool_size": 5,
    "max_overflow": 5,
}


def _make_file(path: Path, label: str) -> None:
    """Make a new file that only its owner can read; what a user said is nobody else's business.

    An existing file is not opened here: closing it again would drop SQLite's locks on it within this process.
    """
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600))
    except FileExistsError:
        return
    except OSError as error:
        raise store_error(error, label) from error


def _sqlite_engines(place: Place) -> Engines:
    engine = create_engine(
        place.url,
        hide_parameters=True,
        connect_args={"timeout": LOCK_SECONDS, "check_same_thread": False},
        poolclass=StaticPool if place.in_memory else QueuePool,
    )
    event.listen(engine, "connect", _set_up_sqlite)
    event.listen(engine, "begin", _begin_sqlite)
    return Engines(
        read=engine,
        snapshot=engine.execution_options(sqlite_begin="BEGIN"),
        # Taking the write lock at once, instead of on the first write, is what makes waiting for it possible.
        write=engine.execution_options(sqlite_begin="BEGIN IMMEDIATE"),
    )


def _set_up_sqlite(connection: Any, _record: Any) -> None:
    connection.isolation_level = None  # The driver begins nothing by itself; _begin_sqlite does.
    try:
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute("PRAGMA secure_delete = ON")
        # Large sorts would otherwise leave signals in the folder for temporary files.
        connection.execute("PRAGMA temp_store = MEMORY")
    except BaseException:
        connection.close()  # The pool would forget it open.
        raise


def _begin_sqlite(connection: Any) -> None:
    begin = connection.get_execution_options().get("sqlite_begin")
    if begin:
        connection.exec_driver_sql(begin)


def erase_leavings(engine: Engine, *, rewrite: bool) -> None:
    """Empty the write-ahead log, which still holds what was just erased, and `rewrite` the database, which may.

    SQLite overwrites what is deleted, but not the copies that rows left behind when they moved to another page.
    Rewriting takes time and memory in proportion to the file. Best effort: while another process is in the middle of
    reading or writing, what is left stays until the next time.
    """
    with suppress(SQLAlchemyError), engine.connect() as connection:
        connection.exec_driver_sql(f"PRAGMA busy_timeout = {_ERASE_SECONDS * 1000}")
        try:
            if rewrite:
                with suppress(SQLAlchemyError):  # no room for a second copy, or another process is writing
                    connection.exec_driver_sql("VACUUM").close()
            connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)").close()
        finally:
            connection.exec_driver_sql(f"PRAGMA busy_timeout = {LOCK_SECONDS * 1000}")
