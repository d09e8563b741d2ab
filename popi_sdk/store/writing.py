"""The operations that write, as functions of a connection in a transaction.

Each locks the user's profile row first, so that writes to one user come one after another; a transaction touches
one user only, so no two can wait for each other. SQLite has one writer at a time anyway.
"""
# ruff: noqa: TID253 - imported by open_store only, never by `import popi_sdk`

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import datetime
from itertools import islice
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, Table, and_, bindparam, delete, func, insert, select, update
from sqlalchemy.dialects import postgresql, sqlite

from popi_sdk.errors import SignalError
from popi_sdk.signals import Signal
from popi_sdk.store import Profile, reading, rows, schema
from popi_sdk.summary import Summary

_profiles, _signals, _summaries = schema.profiles, schema.signals, schema.summaries

_IDS_AT_ONCE = 500
"""Ids asked for in one statement; older SQLite takes 999 values."""


def observe(connection: Connection, namespace: str, user_id: str, signals: Sequence[Signal]) -> int:
    """Add the signals that are new, renew the time of the others; how many were new."""
    if not signals:
        return 0
    moment = rows.now()
    profile = _locked_or_made(connection, namespace, user_id)
    times = _times(connection, namespace, user_id, {signal.id for signal in signals})
    new: dict[str, dict[str, Any]] = {}
    renewed: set[str] = set()
    for index, signal in enumerate(signals):
        at = None if signal.at is None else rows.microseconds(signal.at)
        if signal.id not in times:
            new[signal.id] = rows.signal_row(signal, index)
        elif _shown(at, moment) > _shown(*times[signal.id]):
            renewed.add(signal.id)
        else:
            continue
        times[signal.id] = (at, moment)
    _add(connection, namespace, user_id, new, times, profile.sequence)
    again_times = {signal.id: times[signal.id] for signal in signals if signal.id in renewed and signal.id not in new}
    _renew(connection, namespace, user_id, again_times, profile.sequence + len(new))
    _update(
        connection,
        profile,
        sequence=profile.sequence + len(new) + len(again_times),
        signal_count=profile.signal_count + len(new),
        first_unseen_at=moment if (new or again_times) and profile.first_unseen_at is None else profile.first_unseen_at,
        last_observed_at=moment,
    )
    return len(new)


def save(connection: Connection, namespace: str, user_id: str, profile: Profile, summary: Summary) -> Profile | None:
    """Keep what was inferred from `profile`, unless the profile has moved on since."""
    held = _locked(connection, namespace, user_id)
    if held is None or _moved_on(held, profile):
        return None
    version, last_version = None, held.last_version
    if summary:
        current = _version(connection, namespace, user_id, held.inferred_version)
        if current.version and current.text == summary.text:
            version = current.version
            _revise(connection, namespace, user_id, current, summary)
        else:
            version = last_version = held.last_version + 1
            _add_version(connection, namespace, user_id, version, replace(summary, pinned=False))
    _update(
        connection,
        held,
        seen=profile.sequence,
        inferred_version=version,
        last_version=last_version,
        first_unseen_at=_first_after(connection, namespace, user_id, profile.sequence),
    )
    return reading.read(connection, namespace, user_id)


def pin(connection: Connection, namespace: str, user_id: str, summary: Summary | None) -> Profile:
    """Let a person's own words win over inference, or with None let go of them."""
    if summary is not None:
        held = _locked_or_made(connection, namespace, user_id)
        version = held.last_version + 1
        _add_version(connection, namespace, user_id, version, replace(summary, pinned=True, model="person"))
        _update(connection, held, pinned_version=version, last_version=version, epoch=held.epoch + 1)
    else:
        found = _locked(connection, namespace, user_id)
        if found is not None and found.pinned_version is not None:
            _start_anew(connection, namespace, user_id, found, pinned_version=None)
    return reading.read(connection, namespace, user_id)


def forget(connection: Connection, namespace: str, user_id: str, signal_id: str | None = None) -> int:
    """Erase one signal and every inferred version that rests on it, or all about the user."""
    held = _locked(connection, namespace, user_id)
    if held is None:
        return 0
    if signal_id is None:
        return _erase_all(connection, namespace, user_id)
    if not isinstance(signal_id, str):
        raise SignalError(f"is {type(signal_id).__name__}, not a string", field="signal_id")
    if not signal_id.isascii() or not signal_id.isprintable():
        return 0  # No signal has such an id, and a driver may choke on it.
    return _erase(connection, namespace, user_id, held, [signal_id])


def expire(connection: Connection, namespace: str, user_id: str, before: datetime) -> int:
    """Erase the user's signals that were shown before a moment; the user too, when nothing else is left."""
    held = _locked(connection, namespace, user_id)
    if held is None:
        return 0
    erased = _erase(connection, namespace, user_id, held, reading.expired(connection, namespace, user_id, before))
    if erased and erased == held.signal_count and held.pinned_version is None:
        _erase_all(connection, namespace, user_id)
    return erased


def _erase_all(connection: Connection, namespace: str, user_id: str) -> int:
    removed = connection.execute(delete(_signals).where(_of(_signals, namespace, user_id))).rowcount
    connection.execute(delete(_summaries).where(_of(_summaries, namespace, user_id)))
    connection.execute(delete(_profiles).where(_of(_profiles, namespace, user_id)))
    return removed


def _erase(connection: Connection, namespace: str, user_id: str, held: Row[Any], signal_ids: Sequence[str]) -> int:
    """Erase signals and the inferred versions that rest on them; how many signals there were."""
    erased = 0
    for some in _batches(signal_ids):
        these = and_(_of(_signals, namespace, user_id), _signals.c.signal_id.in_(some))
        erased += connection.execute(delete(_signals).where(these)).rowcount
    if not erased:
        return 0
    left = _forget_versions(connection, namespace, user_id, set(signal_ids))
    served = held.inferred_version
    if served is not None and served not in left:
        served = max(left, default=None)
    _start_anew(connection, namespace, user_id, held, inferred_version=served, signal_count=held.signal_count - erased)
    return erased


def _forget_versions(connection: Connection, namespace: str, user_id: str, signal_ids: set[str]) -> list[int]:
    """Erase the inferred versions that rest on one of the signals; which ones are left.

    One that does not say what it rests on may rest on any, so it goes too.
    """
    left = []
    for summary in reading.history(connection, namespace, user_id):
        if summary.pinned:
            continue
        behind = {*summary.signal_ids, *(each for clause in summary.clauses for each in clause.signal_ids)}
        if behind and not signal_ids & behind:
            left.append(summary.version)
            continue
        this_one = and_(_of(_summaries, namespace, user_id), _summaries.c.version == summary.version)
        connection.execute(delete(_summaries).where(this_one))
    return left


def _start_anew(connection: Connection, namespace: str, user_id: str, held: Row[Any], **changes: Any) -> None:
    """Make a summary due that looks at every signal again; one that is being inferred now will not be saved."""
    first = _first_after(connection, namespace, user_id, 0)
    _update(connection, held, seen=0, epoch=held.epoch + 1, first_unseen_at=first, **changes)


def _moved_on(held: Row[Any], profile: Profile) -> bool:
    if (held.epoch, held.seen) != (profile.epoch, profile.seen):
        return True
    return held.pinned_version is None and (held.inferred_version or 0) != profile.summary.version


def _locked(connection: Connection, namespace: str, user_id: str) -> Row[Any] | None:
    return connection.execute(select(_profiles).where(_of(_profiles, namespace, user_id)).with_for_update()).first()


def _locked_or_made(connection: Connection, namespace: str, user_id: str) -> Row[Any]:
    """The user's row, held until the transaction ends; a new one for a new user."""
    while True:
        held = _locked(connection, namespace, user_id)
        if held is not None:
            return held
        # Another process may add the row, or erase it, between these two statements: hence the loop.
        # A new epoch is later than any of a profile that was forgotten before.
        counters = {"sequence": 0, "seen": 0, "epoch": rows.now(), "signal_count": 0, "last_version": 0}
        new = {"namespace": namespace, "user_id": user_id, **counters}
        if connection.dialect.name == "sqlite":
            connection.execute(sqlite.insert(_profiles).values(new).on_conflict_do_nothing())
        else:
            connection.execute(postgresql.insert(_profiles).values(new).on_conflict_do_nothing())


def _update(connection: Connection, held: Row[Any], **changes: Any) -> None:
    connection.execute(update(_profiles).where(_of(_profiles, held.namespace, held.user_id)).values(**changes))


def _times(
    connection: Connection, namespace: str, user_id: str, signal_ids: set[str]
) -> dict[str, tuple[int | None, int]]:
    """`at` and the time of observation of those signals that are already there."""
    times: dict[str, tuple[int | None, int]] = {}
    for some in _batches(sorted(signal_ids)):
        found = connection.execute(
            select(_signals.c.signal_id, _signals.c.at, _signals.c.observed_at).where(
                _of(_signals, namespace, user_id), _signals.c.signal_id.in_(some)
            )
        )
        times.update({signal_id: (at, observed_at) for signal_id, at, observed_at in found})
    return times


def _batches(items: Sequence[str]) -> Iterator[list[str]]:
    remaining = iter(items)
    while some := list(islice(remaining, _IDS_AT_ONCE)):
        yield some


def _shown(at: int | None, observed_at: int) -> int:
    return observed_at if at is None else at


def _add(
    connection: Connection,
    namespace: str,
    user_id: str,
    new: dict[str, dict[str, Any]],
    times: dict[str, tuple[int | None, int]],
    sequence: int,
) -> None:
    added = []
    for place, (signal_id, row) in enumerate(new.items(), start=sequence + 1):
        at, observed_at = times[signal_id]
        owner = {"namespace": namespace, "user_id": user_id}
        added.append({**owner, **row, "sequence": place, "at": at, "observed_at": observed_at})
    if added:
        # One row as a list of one would take PostgreSQL's slower way for many rows.
        connection.execute(insert(_signals), added if len(added) > 1 else added[0])


def _renew(
    connection: Connection, namespace: str, user_id: str, times: dict[str, tuple[int | None, int]], sequence: int
) -> None:
    """What is said again is news: it may outweigh what was said in between."""
    if not times:
        return
    this_one = and_(_of(_signals, namespace, user_id), _signals.c.signal_id == bindparam("renewed"))
    connection.execute(
        update(_signals)
        .where(this_one)
        .values(at=bindparam("new_at"), observed_at=bindparam("new_observed_at"), sequence=bindparam("new_sequence")),
        [
            {"renewed": signal_id, "new_at": at, "new_observed_at": observed_at, "new_sequence": place}
            for place, (signal_id, (at, observed_at)) in enumerate(times.items(), start=sequence + 1)
        ],
    )


def _first_after(connection: Connection, namespace: str, user_id: str, sequence: int) -> int | None:
    """When the oldest signal after `sequence` was observed."""
    first: int | None = connection.execute(
        select(func.min(_signals.c.observed_at)).where(
            _of(_signals, namespace, user_id), _signals.c.sequence > sequence
        )
    ).scalar()
    return first


def _version(connection: Connection, namespace: str, user_id: str, version: int | None) -> Summary:
    row = connection.execute(
        select(_summaries.c.version, _summaries.c.pinned, _summaries.c.created_at, _summaries.c.body).where(
            _of(_summaries, namespace, user_id), _summaries.c.version == version
        )
    ).first()
    return rows.summary(*row) if row else rows.summary(None, None, None, None)


def _add_version(connection: Connection, namespace: str, user_id: str, version: int, summary: Summary) -> None:
    # As parameters: values within a statement would stay with it in SQLAlchemy's cache of statements.
    row = {
        "namespace": namespace,
        "user_id": user_id,
        "version": version,
        "pinned": summary.pinned,
        "created_at": rows.now() if summary.created_at is None else rows.microseconds(summary.created_at),
        "body": rows.summary_body(summary),
    }
    connection.execute(insert(_summaries), row)


def _revise(connection: Connection, namespace: str, user_id: str, current: Summary, summary: Summary) -> None:
    """Note what the same words rest on now, besides what they were first written from."""
    behind = tuple(dict.fromkeys((*current.signal_ids, *summary.signal_ids)))
    body = rows.summary_body(replace(summary, signal_ids=behind))
    this_one = and_(_of(_summaries, namespace, user_id), _summaries.c.version == current.version)
    connection.execute(update(_summaries).where(this_one).values(body=bindparam("new_body")), {"new_body": body})


def _of(table: Table, namespace: str, user_id: str) -> ColumnElement[bool]:
    return and_(table.c.namespace == namespace, table.c.user_id == user_id)
