"""Signals and summaries to and from the rows that hold them."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any, cast

from popi_sdk.errors import SignalError, StoreError
from popi_sdk.signals import KINDS, Signal, SignalBase
from popi_sdk.summary import NOTHING, Clause, Summary

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


def now() -> int:
    """This moment as stored."""
    return microseconds(datetime.now(UTC))


def microseconds(at: datetime) -> int:
    """A time as it is stored; one without a zone is taken as UTC."""
    return ((at if at.tzinfo else at.replace(tzinfo=UTC)) - _EPOCH) // _MICROSECOND


def time(stored: int | None) -> datetime | None:
    """A stored time as a datetime in UTC."""
    return None if stored is None else known_time(stored)


def known_time(stored: int) -> datetime:
    """A stored time that is there."""
    return _EPOCH + stored * _MICROSECOND


def signal_row(signal: Signal, index: int) -> dict[str, Any]:
    """The row for one new signal, without its times and its place in the sequence.

    Raises:
        SignalError: something a chat message carries along is not JSON; `index` is the signal's place.
    """
    try:
        content = signal.model_dump(mode="json", exclude={"at"})
        body = json.dumps(content, separators=(",", ":"))
    except (ValueError, TypeError) as error:
        raise SignalError("holds something that is not JSON, so it cannot be kept", index=index) from error
    return {
        "signal_id": signal.id,
        "kind": signal.kind,
        "source": signal.source,
        "allow_training": signal.allow_training,
        "body": body,
    }


def signal(body: str, at: int | None) -> Signal:
    """The signal a row holds."""
    content = json.loads(body)
    kind = KINDS.get(content.get("kind"))
    if kind is None:
        raise StoreError("The store holds a kind of signal that this version does not know.", hint="Upgrade popi-sdk.")
    try:
        return cast(Signal, kind(**content, at=time(at)))
    except SignalError as error:
        raise StoreError("The store holds a signal that cannot be read back.", hint="Upgrade popi-sdk.") from error


def check_signals(signals: Any) -> tuple[Signal, ...]:
    """`signals` as a tuple; raise SignalError for anything else than signal objects."""
    taken = tuple(signals)
    for index, item in enumerate(taken):
        if not isinstance(item, SignalBase):
            raise SignalError(
                f"is {type(item).__name__}, not a signal", index=index, hint="Make signals with popi_sdk.intake first."
            )
    return taken


def summary_body(summary: Summary) -> str:
    """All of a summary but what has its own column."""
    clauses = [
        [clause.text, list(clause.signal_ids), float(clause.strength), clause.aspect, clause.untrusted]
        for clause in summary.clauses
    ]
    body: dict[str, Any] = {
        "clauses": clauses,
        "signal_ids": list(summary.signal_ids),
        "tokens": summary.tokens,
        "raw_tokens": summary.raw_tokens,
        "model": summary.model,
        "removed": dict(summary.removed),
        "estimated": summary.estimated,
    }
    return json.dumps(body, separators=(",", ":"))


def summary(version: int | None, pinned: bool | None, created_at: int | None, body: str | None) -> Summary:
    """The summary a row holds; the empty one when there is no row."""
    if version is None or body is None:
        return NOTHING
    content = json.loads(body)
    return Summary(
        clauses=tuple(
            # Rows written before clauses had a mark of trust hold four items.
            Clause(text, tuple(signal_ids), strength, aspect, *mark)
            for text, signal_ids, strength, aspect, *mark in content["clauses"]
        ),
        version=version,
        signal_ids=tuple(content["signal_ids"]),
        tokens=content["tokens"],
        raw_tokens=content["raw_tokens"],
        model=content["model"],
        created_at=time(created_at),
        pinned=bool(pinned),
        removed=dict(content["removed"]),
        estimated=content["estimated"],
    )
