"""The operations that only read, as functions of a connection."""
# ruff: noqa: TID253 - imported by open_store only, never by `import popi_sdk`

from __future__ import annotations

import json
from datetime import datetime
from itertools import groupby
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, and_, bindparam, func, or_, select

from popi_sdk.signals import Signal
from popi_sdk.store import Profile, rows, schema
from popi_sdk.summary import Summary

_profiles, _signals, _summaries = schema.profiles, schema.signals, schema.summaries

# Built once: a profile is read before every personalized answer.
PROFILE = (
    select(
        _profiles.c.signal_count,
        _profiles.c.sequence,
        _profiles.c.seen,
        _profiles.c.epoch,
        _profiles.c.first_unseen_at,
        _profiles.c.last_observed_at,
        _summaries.c.version,
        _summaries.c.pinned,
        _summaries.c.created_at,
        _summaries.c.body,
    )
    .select_from(
        _profiles.outerjoin(
            _summaries,
            and_(
                _summaries.c.namespace == _profiles.c.namespace,
                _summaries.c.user_id == _profiles.c.user_id,
                _summaries.c.version == func.coalesce(_profiles.c.pinned_version, _profiles.c.inferred_version),
            ),
        )
    )
    .where(_profiles.c.namespace == bindparam("namespace"), _profiles.c.user_id == bindparam("user_id"))
)


def read(connection: Connection, namespace: str, user_id: str) -> Profile:
    """The profile with the summary to serve."""
    row = connection.execute(PROFILE, {"namespace": namespace, "user_id": user_id}).first()
    if row is None:
        return Profile(namespace, user_id)
    signal_count, sequence, seen, epoch, first_unseen_at, last_observed_at, *summary = row
    return Profile(
        namespace=namespace,
        user_id=user_id,
        summary=rows.summary(*summary),
        signal_count=signal_count,
        sequence=sequence,
        seen=seen,
        epoch=epoch,
        first_unseen_at=rows.time(first_unseen_at),
        last_observed_at=rows.time(last_observed_at),
    )


def signals(
    connection: Connection,
    namespace: str,
    user_id: str,
    after: int = 0,
    limit: int | None = None,
    untrusted: bool = True,
) -> tuple[Signal, ...]:
    """The user's signals after sequence `after`, the newest `limit` of them, oldest first."""
    if limit is not None and limit <= 0:
        return ()
    shown_at = func.coalesce(_signals.c.at, _signals.c.observed_at)
    newest_first = (
        select(_signals.c.body, _signals.c.at)
        .where(_signals.c.namespace == namespace, _signals.c.user_id == user_id, _signals.c.sequence > after)
        .order_by(shown_at.desc(), _signals.c.sequence.desc())
        .limit(limit)
    )
    if not untrusted:
        newest_first = newest_first.where(_signals.c.source == "user")
    found = connection.execute(newest_first).all()
    return tuple(rows.signal(body, at) for body, at in reversed(found))


def expired(connection: Connection, namespace: str, user_id: str, before: datetime) -> list[str]:
    """The ids of the user's signals that were shown before a moment."""
    found = connection.execute(select(_signals.c.signal_id).where(_of_user(namespace, user_id), _shown_before(before)))
    return list(found.scalars())


def users_with_expired(connection: Connection, namespace: str, before: datetime) -> list[str]:
    """The users of a namespace with a signal that was shown before a moment."""
    found = connection.execute(
        select(_signals.c.user_id).where(_signals.c.namespace == namespace, _shown_before(before)).distinct()
    )
    return list(found.scalars())


def trainable(connection: Connection, namespace: str) -> list[tuple[str, tuple[Signal, ...]]]:
    """Every user of a namespace with the signals they allow training on, oldest first; no others are read."""
    found = trainable_shown(connection, namespace)
    return [(user_id, tuple(signal for signal, _ in of_one)) for user_id, of_one in found]


def trainable_shown(connection: Connection, namespace: str) -> list[tuple[str, tuple[tuple[Signal, datetime], ...]]]:
    """What `trainable` finds, and when each signal was shown: `at`, or when it was observed where that is unknown."""
    shown_at = func.coalesce(_signals.c.at, _signals.c.observed_at).label("shown_at")
    found = connection.execute(
        select(_signals.c.user_id, _signals.c.body, _signals.c.at, shown_at)
        .where(_signals.c.namespace == namespace, _signals.c.allow_training.is_(True))
        .order_by(_signals.c.user_id, shown_at, _signals.c.sequence)
    )
    return [
        (user_id, tuple((rows.signal(body, at), rows.known_time(shown)) for _, body, at, shown in of_one))
        for user_id, of_one in groupby(found, key=lambda row: row.user_id)
    ]


def history(connection: Connection, namespace: str, user_id: str) -> tuple[Summary, ...]:
    """All summary versions, oldest first."""
    found = connection.execute(_versions(namespace, user_id)).all()
    return tuple(rows.summary(*row) for row in found)


def export(connection: Connection, namespace: str, user_id: str) -> dict[str, object]:
    """Everything the three tables hold about the user."""
    profile = read(connection, namespace, user_id)
    return {
        "namespace": namespace,
        "user_id": user_id,
        "signals": _exported_signals(connection, namespace, user_id),
        "summaries": [_exported_summary(summary) for summary in history(connection, namespace, user_id)],
        "served_version": profile.summary.version or None,
        "signal_count": profile.signal_count,
        "sequence": profile.sequence,
        "seen": profile.seen,
        "epoch": profile.epoch,
        "first_unseen_at": _iso(profile.first_unseen_at),
        "last_observed_at": _iso(profile.last_observed_at),
    }


def _of_user(namespace: str, user_id: str) -> ColumnElement[bool]:
    return and_(_signals.c.namespace == namespace, _signals.c.user_id == user_id)


def _shown_before(moment: datetime) -> ColumnElement[bool]:
    # By the earlier of the two: a time in the future, a slip or a trick, must not keep a signal for ever.
    return or_(_signals.c.at < rows.microseconds(moment), _signals.c.observed_at < rows.microseconds(moment))


def _versions(namespace: str, user_id: str) -> Select[Any]:
    return (
        select(_summaries.c.version, _summaries.c.pinned, _summaries.c.created_at, _summaries.c.body)
        .where(_summaries.c.namespace == namespace, _summaries.c.user_id == user_id)
        .order_by(_summaries.c.version)
    )


def _exported_signals(connection: Connection, namespace: str, user_id: str) -> list[dict[str, object]]:
    found = connection.execute(
        select(_signals.c.body, _signals.c.at, _signals.c.observed_at, _signals.c.sequence)
        .where(_signals.c.namespace == namespace, _signals.c.user_id == user_id)
        .order_by(_signals.c.sequence)
    )
    return [
        {
            **json.loads(body),
            "at": _iso(rows.time(at)),
            "observed_at": _iso(rows.time(observed_at)),
            "sequence": sequence,
        }
        for body, at, observed_at, sequence in found
    ]


def _exported_summary(summary: Summary) -> dict[str, object]:
    return {
        "version": summary.version,
        "text": summary.text,
        "clauses": [
            {
                "text": clause.text,
                "signal_ids": list(clause.signal_ids),
                "strength": clause.strength,
                "aspect": clause.aspect,
                "untrusted": clause.untrusted,
            }
            for clause in summary.clauses
        ],
        "signal_ids": list(summary.signal_ids),
        "tokens": summary.tokens,
        "raw_tokens": summary.raw_tokens,
        "model": summary.model,
        "created_at": _iso(summary.created_at),
        "pinned": summary.pinned,
        "removed": dict(summary.removed),
        "estimated": summary.estimated,
    }


def _iso(at: Any) -> str | None:
    return None if at is None else at.isoformat()
