"""Where signals and summaries are kept, one profile per namespace and user.

What the client sees of it: two protocols with the same methods (`Store`, and `AsyncStore` awaited), the
`Profile` they hand out, and `open_store` / `open_async_store`. The database is loaded on opening, not on
import.

schema        the three tables
rows          signals and summaries to and from rows
reading       the operations that only read, each a function of a connection
writing       the operations that write
engines       SQLite and PostgreSQL connections
databases     the stores themselves: operations run in transactions; async_databases the same for asyncio
upgrade       brings a database to the current schema; its revisions are in `migrations`
forks         keeps stores whole when a process forks
failures      what went wrong, in plain words
"""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from popi_sdk.errors import SignalError
from popi_sdk.signals import Signal
from popi_sdk.summary import NOTHING, Summary

MAX_NAME = 255
"""Longest namespace or user id in characters."""


@dataclass(frozen=True, slots=True)
class Profile:
    """What is stored for one user, as of one moment."""

    namespace: str
    user_id: str
    summary: Summary = NOTHING
    """The one to serve: a person's own words, else what was inferred last, else nothing."""
    signal_count: int = 0
    sequence: int = 0
    """Counts up with each signal observed, one said again included; 0 for an unknown user."""
    seen: int = 0
    """The sequence up to which inference has looked."""
    epoch: int = 0
    """Goes up with every forget and edit; what was inferred before one of these is not saved after it.

    It starts at a number that no earlier profile under this name had: a forgotten user who comes back is a new one.
    """
    first_unseen_at: datetime | None = None
    """When the oldest signal that inference has not looked at was observed."""
    last_observed_at: datetime | None = None

    @property
    def stale(self) -> bool:
        """True when a newer summary is due: signals came that inference has not looked at."""
        return not self.summary.pinned and self.seen < self.sequence


class Store(Protocol):
    """Profiles in a database; safe across threads and after fork.

    Every method raises SignalError for a name that cannot be taken and StoreError when the database fails.
    """

    def observe(self, namespace: str, user_id: str, signals: Sequence[Signal]) -> int:
        """Keep `signals` and return how many were new; they are durable when this returns.

        A signal with an id that is already there only renews its time.
        """

    def read(self, namespace: str, user_id: str) -> Profile:
        """The profile with the summary to serve; one indexed statement."""

    def signals(
        self, namespace: str, user_id: str, *, after: int = 0, limit: int | None = None, untrusted: bool = True
    ) -> tuple[Signal, ...]:
        """The user's signals, oldest first: those observed after sequence `after`, of them the newest `limit`.

        Without `untrusted`, those with `source="untrusted"` are not among them and take nobody's place.
        """

    def history(self, namespace: str, user_id: str) -> tuple[Summary, ...]:
        """All summary versions, oldest first."""

    def save(self, profile: Profile, summary: Summary) -> Profile | None:
        """Keep what was inferred from `profile` as a new version; None when the profile has moved on since.

        It has when a forget, an edit or another save came in between. An empty summary is kept as "nothing worth
        saying": nothing is served then and no version is made. Words equal to the current ones keep their version.
        """

    def pin(self, namespace: str, user_id: str, summary: Summary | None) -> Profile:
        """Let a person's own words win over inference as a new version; None lets go of them again."""

    def forget(self, namespace: str, user_id: str, signal_id: str | None = None) -> int:
        """Erase a signal and every inferred version that rests on it, or all about the user; how many signals went.

        The words are gone from SQLite's files too. On PostgreSQL, vacuum and backups follow the server's settings.
        """

    def expire(self, namespace: str, user_id: str | None, before: datetime) -> int:
        """Erase signals shown before a moment; of one user, or of all in the namespace; how many.

        A signal counts by its `at` or by when it was observed, whichever is earlier. A user of whom no signal and no
        own words are left is erased altogether. SQLite's file is rewritten, as by `forget`, when it is about all.
        """

    def export(self, namespace: str, user_id: str) -> dict[str, object]:
        """Everything held about the user, ready for JSON."""

    def close(self) -> None:
        """Close the connections once nothing is under way; the store cannot be used afterwards."""


class AsyncStore(Protocol):
    """The methods of `Store`, awaited."""

    async def observe(self, namespace: str, user_id: str, signals: Sequence[Signal]) -> int:
        """See `Store.observe`."""

    async def read(self, namespace: str, user_id: str) -> Profile:
        """See `Store.read`."""

    async def signals(
        self, namespace: str, user_id: str, *, after: int = 0, limit: int | None = None, untrusted: bool = True
    ) -> tuple[Signal, ...]:
        """See `Store.signals`."""

    async def history(self, namespace: str, user_id: str) -> tuple[Summary, ...]:
        """See `Store.history`."""

    async def save(self, profile: Profile, summary: Summary) -> Profile | None:
        """See `Store.save`."""

    async def pin(self, namespace: str, user_id: str, summary: Summary | None) -> Profile:
        """See `Store.pin`."""

    async def forget(self, namespace: str, user_id: str, signal_id: str | None = None) -> int:
        """See `Store.forget`."""

    async def expire(self, namespace: str, user_id: str | None, before: datetime) -> int:
        """See `Store.expire`."""

    async def export(self, namespace: str, user_id: str) -> dict[str, object]:
        """See `Store.export`."""

    async def close(self) -> None:
        """See `Store.close`."""


def open_store(url: str) -> Store:
    """Open the store at `url`: "sqlite:///path", "postgresql://..." or "memory"; a new one is made ready first.

    >>> store = open_store("memory")
    >>> store.read("default", "ada").signal_count
    0
    >>> store.close()

    Raises:
        ConfigError: the URL is none of these (MissingExtraError: the PostgreSQL driver is not installed).
        StoreError: the database cannot be opened.
    """
    from popi_sdk.store.databases import open_database
    from popi_sdk.store.engines import place

    return open_database(place(url))


async def open_async_store(url: str) -> AsyncStore:
    """Open the store at `url` for asyncio; like `open_store`.

    PostgreSQL is reached with asynchronous I/O. SQLite is a local file, for which there is no such thing: its
    operations run in threads.
    """
    from popi_sdk.store.async_databases import open_async_database
    from popi_sdk.store.engines import place

    return await open_async_database(place(url))


def check_names(namespace: str, user_id: str) -> None:
    """Raise SignalError unless both names can be told apart from every other; the one place that decides it.

    >>> check_names("default", "ada")
    """
    for field, name in (("namespace", namespace), ("user_id", user_id)):
        # The usual name passes here, without a look at each character.
        if isinstance(name, str) and name.isprintable() and not name.isspace() and 0 < len(name) <= MAX_NAME:
            continue
        _check_name(field, name)


def _check_name(field: str, name: object) -> None:
    if not isinstance(name, str):
        raise SignalError(f"is {type(name).__name__}, not a string", field=field, hint="Pass str(...) of it.")
    if not name.strip():
        raise SignalError("is empty", field=field)
    if len(name) > MAX_NAME:
        raise SignalError(
            f"has {len(name):,} characters; at most {MAX_NAME} are taken", field=field, hint="Pass a hash of it."
        )
    for position, character in enumerate(name):
        category = unicodedata.category(character)
        if category in ("Cc", "Cs"):
            what = "a control character" if category == "Cc" else "half a character (lone surrogate)"
            raise SignalError(f"holds {what} at position {position}", field=field)
