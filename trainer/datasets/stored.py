"""The SDK's own store: what users have shown to an app, as far as they allow training on it.

Only signals with `allow_training=True` are read; they are picked in the database, so the others never leave it.
Preference pairs become held-out pairs by rotation, the other kinds stay signals. A pair of source "untrusted" (perhaps
not the user's own) stays a signal as well: nobody else may say what a user's summary is rewarded for. Users without a
pair are left out. User ids are kept, so that the lines of somebody who asks to be forgotten can be found.
"""

from __future__ import annotations

import contextlib
import hashlib
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime

from popi_sdk.errors import ConfigError, SignalError
from popi_sdk.signals import PreferencePair, Signal
from popi_sdk.store import check_names
from popi_sdk.store.databases import Database, open_database
from popi_sdk.store.engines import place
from trainer.data import Example


def label(url: str) -> str:
    """How a store is named in files and errors: without user, password and folder.

    >>> label("sqlite:////var/lib/app/popi.db")
    'popi.db'
    """
    at = place(url)
    return at.path.name if at.path else at.label


def identity(url: str) -> str:
    """What tells a store from all others: a hash of its file's path, or of host, port and database.

    >>> identity("sqlite:////var/lib/app/popi.db") == identity("sqlite:////srv/staging/popi.db")
    False
    """
    at = place(url)
    where = str(at.path.resolve()) if at.path else f"{at.url.host} {at.url.port} {at.url.database} {at.url.query}"
    return hashlib.sha256(where.encode()).hexdigest()[:16]


def trainable(url: str, namespace: str) -> list[tuple[str, tuple[Signal, ...]]]:
    """Every user of a namespace with the signals that may be trained on, oldest first.

    Raises:
        ConfigError: there is no store at `url`.
        StoreError: it cannot be read.
    """
    with _opened(url) as database:
        return database.trainable(namespace)


def shown(url: str, namespace: str) -> list[tuple[str, tuple[tuple[Signal, datetime], ...]]]:
    """What `trainable` finds, and when each signal was shown.

    Raises:
        ConfigError: there is no store at `url`.
        StoreError: it cannot be read.
    """
    with _opened(url) as database:
        return database.trainable_shown(namespace)


def epochs(url: str, namespace: str, users: Iterable[str]) -> dict[str, int]:
    """Those of the users that the store knows, each with the epoch of the profile (`popi_sdk.store.Profile`).

    Raises:
        ConfigError: there is no store at `url`.
        SignalError: the namespace cannot be taken.
        StoreError: it cannot be read.
    """
    check_names(namespace, user_id="any")
    found = {}
    with _opened(url) as database:
        for user in users:
            with contextlib.suppress(SignalError):  # a name that no store takes
                found[user] = database.read(namespace, user).epoch
    return {user: epoch for user, epoch in found.items() if epoch}


@contextlib.contextmanager
def _opened(url: str) -> Iterator[Database]:
    at = place(url)
    if at.in_memory or (at.path is not None and not at.path.is_file()):
        raise ConfigError(f"There is no store at {at.label}.", hint='Such as "sqlite:///path/to/popi.db".')
    database = open_database(at)
    try:
        yield database
    finally:
        database.close()


def examples(found: Sequence[tuple[str, Sequence[Signal]]]) -> list[Example]:
    """One example for each user with pairs, all of them held out; the user's other signals stay signals."""
    users = []
    for user, signals in found:
        pairs = tuple(one for one in signals if isinstance(one, PreferencePair) and one.source == "user")
        others = tuple(one for one in signals if not isinstance(one, PreferencePair) or one.source != "user")
        if pairs:
            users.append(Example(user, others, pairs))
    return users
