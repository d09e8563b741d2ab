"""Brings a database to the schema of this code, once, under a lock.

Looking whether there is anything to do is one statement; Alembic is imported only when there is.
"""
# ruff: noqa: TID253 - imported by open_store only, never by `import popi_sdk`

from __future__ import annotations

import threading
import time
from pathlib import Path

from sqlalchemy import Connection, Engine, text
from sqlalchemy.exc import DBAPIError, OperationalError, ProgrammingError

from popi_sdk.errors import StoreError
from popi_sdk.store import schema
from popi_sdk.store.engines import LOCK_SECONDS, Engines
from popi_sdk.store.failures import DATABASE_ERRORS, store_error

MIGRATIONS = Path(__file__).parent / "migrations"

_ADVISORY_LOCK = 0x706F7069
"""Names our lock on a PostgreSQL server: "popi" in ASCII."""

# Alembic keeps the migration under way in global variables.
_one_at_a_time = threading.Lock()


def bring_up_to_date(engines: Engines, label: str) -> None:
    """Make or migrate the tables where needed; safe when several processes do so at the same moment.

    Raises:
        StoreError: the database is newer than this code, or cannot be read or changed.
    """
    try:
        if engines.write.dialect.name == "sqlite":
            _use_wal(engines.read)
        if _revision(engines.read) == schema.REVISION:
            return
        with _one_at_a_time, engines.write.begin() as connection:
            _lock(connection)
            _migrate(connection, label)
    except DATABASE_ERRORS as error:
        raise store_error(error, label) from error


def _use_wal(engine: Engine) -> None:
    """Switch a file to write-ahead logging; it stays so, and a database in memory stays as it is.

    Of several processes that switch a new file at the same moment all but one are refused at once, without the
    usual waiting, hence the loop.
    """
    give_up_at = time.monotonic() + LOCK_SECONDS
    while True:
        try:
            with engine.connect() as connection:
                connection.exec_driver_sql("PRAGMA journal_mode = WAL").scalar()
            return
        except OperationalError as error:
            busy = getattr(error.orig, "sqlite_errorname", "").startswith("SQLITE_BUSY")
            if not busy or time.monotonic() > give_up_at:
                raise
            time.sleep(0.01)


def _revision(engine: Engine) -> str | None:
    """The database's revision; None for one without our tables."""
    try:
        with engine.connect() as connection:
            return _read_revision(connection)
    except (OperationalError, ProgrammingError) as error:
        if _no_such_table(error):
            return None
        raise


def _read_revision(connection: Connection) -> str | None:
    revision: str | None = connection.execute(text(f"SELECT version_num FROM {schema.REVISION_TABLE}")).scalar()
    return revision


def _no_such_table(error: DBAPIError) -> bool:
    return getattr(error.orig, "sqlstate", None) == "42P01" or "no such table" in str(error.orig)


def _lock(connection: Connection) -> None:
    # SQLite has locked the whole file when the transaction began.
    if connection.dialect.name == "postgresql":
        connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _ADVISORY_LOCK})


def _migrate(connection: Connection, label: str) -> None:
    """Run what is missing up to the newest revision within the connection's transaction."""
    from alembic import command
    from alembic.config import Config
    from alembic.util import CommandError

    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    config.attributes["connection"] = connection
    try:
        command.upgrade(config, "head")
    except CommandError as error:
        raise StoreError(
            f"The store at {label} was made by a newer version of popi-sdk than this one.",
            hint=f"Upgrade popi-sdk; this version reads schema {schema.REVISION} and older.",
        ) from error
