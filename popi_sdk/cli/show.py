"""Printing for people: plain lines that stay whole in a pipe and in a narrow terminal. `facts` is the same as data.

What a command was asked for goes to standard output; progress, footers and errors to standard error.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rich.console import Console

    from popi_sdk.reply import Reply
    from popi_sdk.store import Profile
    from popi_sdk.summary import Summary

STATUS = {
    "applied": "the summary stands in the request",
    "stale": "an older summary stands in the request, a newer one is due",
    "skipped": "no summary stands in the request: the signals show too little, or no signals and no user were given",
    "failed": "no summary stands in the request, because the summarizer or the store failed",
}
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")
_SIGNALS_SHOWN = 5
"""Behind each clause, in `popi profile --why`; --json has them all."""


def printable(text: str) -> str:
    """`text` with control characters as their codes: what a user or a model wrote must not steer the terminal.

    >>> printable("red: \\x1b[31m")
    'red: \\\\x1b[31m'
    """
    return _CONTROL.sub(lambda found: f"\\x{ord(found[0]):02x}", text.replace("\r\n", "\n"))


def json_object(value: Any) -> None:
    """Print one JSON object to standard output."""
    ascii_only = (sys.stdout.encoding or "").lower().replace("-", "") not in ("utf8", "utf8sig")
    for piece in json.JSONEncoder(ensure_ascii=ascii_only, indent=2).iterencode(value):
        sys.stdout.write(piece)
    sys.stdout.write("\n")


def line(*parts: str | tuple[str, str], err: bool = False) -> None:
    """Print one line; a part is a text, or a text with its style."""
    from rich.text import Text

    safe = [printable(part) if isinstance(part, str) else (printable(part[0]), part[1]) for part in parts]
    _console(err=err).print(Text.assemble(*safe))


def error_lines(message: str, hint: str) -> None:
    """Print what happened and what to do next."""
    line(("Error: ", "bold red"), message, err=True)
    if hint:
        line(hint, err=True)


def inferred(summary: Summary, signal_count: int) -> None:
    """What `popi summarize` prints."""
    if not summary:
        line(f"Nothing to say: no preference shows clearly enough in {_counted(signal_count, 'signal')}.")
    _clauses(summary, err=False)
    _saving(summary.raw_tokens, summary.tokens, summary.estimated, err=False)
    _removed(summary.removed, err=False)


def request(reply: Reply, messages: Sequence[Mapping[str, Any]], model: str, why_not: str) -> None:
    """The request that was not sent: summary, messages, saving, and what would send it."""
    _clauses(reply.summary, err=False)
    line()
    line(("Request", "bold"), f" to {model}:")
    for message in messages:
        _message(message)
    line()
    _about(reply, err=False)
    line((why_not, "bold"))


def answer(reply: Reply, *, already_printed: bool) -> None:
    """The answer on standard output, and a short footer on standard error."""
    if not already_printed:
        sys.stdout.write(printable(reply.text))
    sys.stdout.write("" if reply.text.endswith("\n") else "\n")
    sys.stdout.flush()
    line(err=True)
    if reply.summary:
        line(("Summary: ", "bold"), reply.summary.text, err=True)
    _about(reply, err=True)
    cost = "" if reply.cost_usd is None else f", {reply.cost_usd:.6f} USD"
    line(f"Answered by {reply.model}: {_counted(reply.usage.total_tokens, 'token')}{cost}", err=True)


def profile(stored: Profile, behind: Mapping[str, Mapping[str, Any]] | None) -> None:
    """What `popi profile` prints; with `behind`, each clause is followed by its signals."""
    name = f"{stored.user_id} (namespace {stored.namespace})"
    if not stored.sequence and not stored.summary:
        line(f"Nothing is stored about {name}.")
        return
    line(("Profile of ", "bold"), name, f": {_counted(stored.signal_count, 'signal')}")
    _clauses(stored.summary, err=False, behind=behind)
    if not stored.summary:
        line(
            "No summary yet: the signals show no preference clearly enough." if not stored.stale else "No summary yet."
        )
    if stored.stale:
        line("Newer signals wait; they count once the summary is refreshed.")
    _saving(stored.summary.raw_tokens, stored.summary.tokens, stored.summary.estimated, err=False)


@contextmanager
def progress(what: str, total: int | None = None) -> Iterator[Any]:
    """A bar on standard error while something takes long, on a terminal only; gives a function that advances it."""
    if not sys.stderr.isatty():  # a bar that rich shows disabled still ends with an empty line in its version 13
        yield lambda _steps: None
        return
    from rich.progress import Progress

    with Progress(console=_console(err=True), transient=True) as bar:
        task = bar.add_task(what, total=total)
        yield lambda steps: bar.advance(task, steps)


def _console(*, err: bool) -> Console:
    from rich.console import Console

    # Soft wrapping leaves long lines to the terminal: nothing is cut or broken in a pipe.
    return Console(file=sys.stderr if err else sys.stdout, soft_wrap=True, highlight=False, markup=False, emoji=False)


def _clauses(summary: Summary, *, err: bool, behind: Mapping[str, Mapping[str, Any]] | None = None) -> None:
    if not summary:
        return
    version = f", version {summary.version}" if summary.version else ""
    writer = "in the user's own words" if summary.pinned else f"by {summary.model}"
    line(("Summary", "bold"), f" {writer}{version}, {_tokens(summary.tokens, summary.estimated)}:", err=err)
    for clause in summary.clauses:
        count = "" if not clause.signal_ids else f"  ({_counted(len(clause.signal_ids), 'signal')})"
        kept_out = "  (only untrusted signals are behind it: kept out of system prompts)" if clause.untrusted else ""
        line("  - ", clause.text, (count + kept_out, "dim"), err=err)
        if behind is not None:
            _signals_behind([behind[name] for name in clause.signal_ids if name in behind], pinned=summary.pinned)


def _signals_behind(signals: Sequence[Mapping[str, Any]], *, pinned: bool) -> None:
    if not signals:
        line(("      in the user's own words" if pinned else "      from the summary as a whole", "dim"))
    for signal in signals[-_SIGNALS_SHOWN:]:
        day = str(signal["at"] or signal["observed_at"])[:10]
        line((f"      {day} {signal['kind'].replace('_', ' ')} {signal['id']}: ", "dim"), (signal["excerpt"], "dim"))
    if len(signals) > _SIGNALS_SHOWN:
        line((f"      and {len(signals) - _SIGNALS_SHOWN} older ones (all with --json)", "dim"))


def _message(message: Mapping[str, Any]) -> None:
    content = message.get("content")
    parts = content if isinstance(content, list) else [{"text": content or ""}]
    cached = " (marked for the provider's prompt cache)" if any("cache_control" in part for part in parts) else ""
    line("  ", (str(message["role"]), "cyan"), cached)
    for part in parts:
        for row in printable(str(part.get("text", ""))).split("\n"):
            line(f"  | {row}".rstrip())


def _about(reply: Reply, *, err: bool) -> None:
    """Saving, status, warnings."""
    _saving(reply.context.raw_tokens, reply.context.summary_tokens, reply.context.estimated, err=err)
    line(("Status: ", "bold"), f"{reply.status}, {STATUS[reply.status]}", err=err)
    for warning in reply.warnings:
        line(("Warning: ", "bold yellow"), warning, err=err)
    _removed(reply.redactions, err=err)


def _saving(raw: int, summary: int, estimated: bool, *, err: bool) -> None:
    if not raw or not summary:
        return
    less = f" ({int(100 - 100 * summary / raw)}% less)" if summary < raw else ""
    line(
        ("Saving: ", "bold"),
        f"{_tokens(raw, estimated)} of signals -> {_tokens(summary, estimated)} of summary{less}",
        err=err,
    )


def _removed(removed: Mapping[str, int], *, err: bool) -> None:
    if removed:
        counts = ", ".join(f"{reason} {count}" for reason, count in removed.items())
        line(("Taken out by the guard: ", "bold"), counts, err=err)


def _tokens(count: int, estimated: bool) -> str:
    return f"{'about ' if estimated else ''}{_counted(count, 'token')}{' (estimated)' if estimated else ''}"


def _counted(count: int, what: str) -> str:
    return f"{count:,} {what}{'' if count == 1 else 's'}"
