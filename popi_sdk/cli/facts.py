"""What commands report, as plain data for `--json`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import datetime
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from popi_sdk.reply import Reply
    from popi_sdk.store import Profile
    from popi_sdk.summary import Clause, Summary


def of_summary(summary: Summary) -> dict[str, Any]:
    """A summary with everything it knows about itself."""
    return {
        "text": summary.text,
        "clauses": [_of_clause(clause) for clause in summary.clauses],
        "version": summary.version,
        "signal_ids": list(summary.signal_ids),
        "tokens": summary.tokens,
        "raw_tokens": summary.raw_tokens,
        "estimated": summary.estimated,
        "model": summary.model,
        "created_at": _time(summary.created_at),
        "pinned": summary.pinned,
        "removed": dict(summary.removed),
    }


def of_inferred(summary: Summary, signal_count: int) -> dict[str, Any]:
    """What `popi summarize` reports."""
    return {
        "status": "applied" if summary else "skipped",
        "summary": of_summary(summary),
        "context": _of_context(summary.raw_tokens, summary.tokens, summary.estimated),
        "signal_count": signal_count,
    }


def of_reply(reply: Reply, messages: Sequence[Mapping[str, Any]], model: str, *, not_sent: str) -> dict[str, Any]:
    """What `popi personalize` reports; `not_sent` says why there is no answer, empty when there is one."""
    return {
        "sent": not not_sent,
        "not_sent": not_sent or None,
        "text": reply.text,
        "message": reply.message or None,
        "model": reply.model or model,
        "status": reply.status,
        "summary": of_summary(reply.summary),
        "context": _of_context(reply.context.raw_tokens, reply.context.summary_tokens, reply.context.estimated),
        "request": {"model": model, "messages": list(messages)},
        "usage": asdict(reply.usage),
        "cost_usd": reply.cost_usd,
        "warnings": list(reply.warnings),
        "redactions": dict(reply.redactions),
    }


def of_profile(profile: Profile, behind: Mapping[str, Mapping[str, Any]] | None) -> dict[str, Any]:
    """What `popi profile` reports; with `behind`, each clause carries its signals."""
    summary = of_summary(profile.summary)
    if behind is not None:
        for clause in summary["clauses"]:
            clause["signals"] = [behind[name] for name in clause["signal_ids"] if name in behind]
    return {
        "namespace": profile.namespace,
        "user_id": profile.user_id,
        "summary": summary,
        "signal_count": profile.signal_count,
        "stale": profile.stale,
        "last_observed_at": _time(profile.last_observed_at),
    }


def _of_clause(clause: Clause) -> dict[str, Any]:
    return {
        "text": clause.text,
        "strength": clause.strength,
        "aspect": clause.aspect,
        "untrusted": clause.untrusted,
        "signal_ids": list(clause.signal_ids),
    }


def _of_context(raw: int, summary: int, estimated: bool) -> dict[str, Any]:
    return {"raw_tokens": raw, "summary_tokens": summary, "estimated": estimated}


def _time(at: datetime | None) -> str | None:
    return None if at is None else at.isoformat()
