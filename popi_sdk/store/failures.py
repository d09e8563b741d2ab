"""What went wrong in a database, as a StoreError in plain words.

The words come from the error's code, never from the driver's text, which may quote what was being stored.
"""
# ruff: noqa: TID253 - imported by open_store only, never by `import popi_sdk`

from __future__ import annotations

import errno
from dataclasses import dataclass

from sqlalchemy.exc import DBAPIError, SQLAlchemyError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from popi_sdk.errors import StoreError


@dataclass(frozen=True, slots=True)
class _Words:
    what: str
    hint: str
    retryable: bool = False


_DISK_FULL = _Words("has no room left on its disk", "Free some space, then try again; nothing was half written.", True)
_READ_ONLY = _Words(
    "cannot be written", "Give this user the right to write the file and its folder, or set `store` to another place."
)
_NOT_OPENED = _Words(
    "cannot be opened", "Check that the folder exists and that this user may read and write there, or set `store`."
)
_LOCKED = _Words("stayed locked by another process", "Look for a long transaction elsewhere, then try again.", True)
_NOT_OURS = _Words("is not a database or is damaged", "Restore a copy, or set `store` to another place.")
_DISK = _Words("could not be read from or written to its disk", "Check the disk and its quota, then try again.", True)
_TOO_LARGE = _Words("cannot take something so large", "Split the signal into smaller ones.")
_UNREACHABLE = _Words(
    "cannot be reached", "Check that the server runs and that host and port in `store` are right.", True
)
_REFUSED = _Words("refused this user", "Check the user and the password in `store`.")
_NO_DATABASE = _Words("does not have the database named in `store`", "Create it (createdb), or name another.")
_NOT_ALLOWED = _Words("does not let this user do that", "Grant the right to create and use tables in its schema.")
_BUSY = _Words("takes no more connections now", "Try again, or raise max_connections.", True)
_ROLLED_BACK = _Words("gave up on this change in favour of another", "Try again.", True)
_STOPPED = _Words("is starting or shutting down", "Try again in a moment.", True)
_UNKNOWN = _Words("failed", "The cause is chained to this error.")

_SQLITE = {
    "SQLITE_FULL": _DISK_FULL,
    "SQLITE_READONLY": _READ_ONLY,
    "SQLITE_PERM": _READ_ONLY,
    "SQLITE_CANTOPEN": _NOT_OPENED,
    "SQLITE_BUSY": _LOCKED,
    "SQLITE_LOCKED": _LOCKED,
    "SQLITE_NOTADB": _NOT_OURS,
    "SQLITE_CORRUPT": _NOT_OURS,
    "SQLITE_IOERR": _DISK,
    "SQLITE_TOOBIG": _TOO_LARGE,
}
"""By primary result code; an extended one, such as SQLITE_IOERR_WRITE, starts with it."""

_POSTGRES = {
    "08": _UNREACHABLE,
    "25006": _READ_ONLY,
    "28": _REFUSED,
    "3D": _NO_DATABASE,
    "40": _ROLLED_BACK,
    "42501": _NOT_ALLOWED,
    "53100": _DISK_FULL,
    "53300": _BUSY,
    "54": _TOO_LARGE,
    "55P03": _LOCKED,
    "57P": _STOPPED,
    "58": _DISK,
    "XX001": _NOT_OURS,
    "XX002": _NOT_OURS,
}
"""By the start of the SQLSTATE."""

_SYSTEM = {
    errno.ENOSPC: _DISK_FULL,
    errno.EDQUOT: _DISK_FULL,
    errno.EROFS: _READ_ONLY,
    errno.EACCES: _READ_ONLY,
    errno.EPERM: _READ_ONLY,
}


def store_error(error: Exception, where: str) -> StoreError:
    """The StoreError for what the driver, the pool or the operating system raised about the store at `where`."""
    words = _words(error)
    return StoreError(f"The store at {where} {words.what}.", hint=words.hint, retryable=words.retryable)


def commit_error(error: DBAPIError, where: str) -> StoreError:
    """The StoreError for a failed commit; after a lost connection it is not known whether it took place."""
    if not error.connection_invalidated:
        return store_error(error, where)
    return StoreError(
        f"The connection to the store at {where} was lost while it confirmed a change.",
        hint="The change may have been kept; observing the same signals again is safe.",
        retryable=True,
    )


def closed_error(where: str) -> StoreError:
    """The StoreError for using a store after its end."""
    return StoreError(f"The store at {where} is closed.", hint="Open it again before using it.")


def lost_connection(error: Exception) -> bool:
    """True when a pooled connection turned out to be dead, so that a new one may work."""
    return isinstance(error, DBAPIError) and error.connection_invalidated


def _words(error: Exception) -> _Words:
    if isinstance(error, PoolTimeoutError):
        return _BUSY
    if isinstance(error, OSError):
        return _SYSTEM.get(error.errno or 0, _NOT_OPENED)
    cause = error.orig if isinstance(error, DBAPIError) else None
    name = str(getattr(cause, "sqlite_errorname", None) or "")
    if name:
        return next((words for code, words in _SQLITE.items() if name.startswith(code)), _UNKNOWN)
    state = getattr(cause, "sqlstate", None)
    if state:
        return next((words for code, words in _POSTGRES.items() if str(state).startswith(code)), _UNKNOWN)
    if lost_connection(error) or (isinstance(error, DBAPIError) and type(cause).__name__ == "OperationalError"):
        return _connection_words(cause)
    return _UNKNOWN


def _connection_words(cause: BaseException | None) -> _Words:
    """Words for a failed connection, for which libpq gives a text and no code."""
    text = str(cause)
    refusals = ("authentication failed", "no password supplied", "pg_hba.conf", "role ", "not permitted to log in")
    if any(each in text for each in refusals):
        return _REFUSED
    if "database " in text and "does not exist" in text:
        return _NO_DATABASE
    if "too many clients" in text or "remaining connection slots" in text:
        return _BUSY
    if "starting up" in text or "shutting down" in text:
        return _STOPPED
    return _UNREACHABLE


DATABASE_ERRORS = (SQLAlchemyError, OSError)
"""What an operation may raise that is to become a StoreError."""
