"""`popi observe`, `profile`, `edit`, `forget` and `export`: what is stored about a user."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Any

import typer

from popi_sdk.cli import facts, options, show
from popi_sdk.errors import ConfigError, StoreError

if TYPE_CHECKING:
    from popi_sdk.client import Popi
    from popi_sdk.signals import Signal

_BATCH = 500
"""Signals stored in one transaction, so that long work shows progress and an interruption loses little."""
_EXCERPT = 100
"""Characters of a signal shown behind a clause."""


def register(app: typer.Typer) -> None:
    """Add the commands of this file."""
    for command in (observe, profile, edit, forget, expire, export):
        app.command()(command)


def observe(
    user: options.User,
    signals: options.Signals = None,
    text: Annotated[
        list[str] | None, typer.Option("--text", metavar="TEXT", help="Something the user said. Repeatable.")
    ] = None,
    config: options.ConfigPath = None,
    store: options.Store = None,
    namespace: options.Namespace = None,
    as_json: options.Json = False,
) -> None:
    """Store what a user has shown; what is already there counts once and renews its time."""
    if not signals and not text:
        raise ConfigError("Give signals: --signals FILE (- is standard input) or --text TEXT.")
    from popi_sdk.intake import coerce

    shown = coerce([*options.read_signals(signals), *(text or ())])
    # Storing alone: the summary follows at the user's next call, or with `popi profile`.
    with _client(config, store, namespace, refresh="manual") as popi:
        before = popi.profile(user).signal_count
        _observe_in_batches(popi, user, shown)
        total = popi.profile(user).signal_count
    new = min(len(shown), max(0, total - before))
    if as_json:
        counts = {"observed": len(shown), "new": new, "repeated": len(shown) - new, "signal_count": total}
        show.json_object({"user_id": user, **counts})
    else:
        show.line(f"Stored for {user}: {new:,} new, {len(shown) - new:,} repeated; {total:,} in all.")


def profile(
    user: options.User,
    why: Annotated[bool, typer.Option("--why", help="Show each clause with the signals behind it.")] = False,
    config: options.ConfigPath = None,
    store: options.Store = None,
    namespace: options.Namespace = None,
    as_json: options.Json = False,
) -> None:
    """Show a user's summary, brought up to date where that is due."""
    with _client(config, store, namespace) as popi:
        stored = popi.profile(user)
        behind = _signals_by_id(popi.export(user)) if why else None
    if as_json:
        show.json_object(facts.of_profile(stored, behind))
    else:
        show.profile(stored, behind)


def edit(
    user: options.User,
    text: Annotated[str | None, typer.Argument(metavar="TEXT", help="The user's own words.")] = None,
    clear: Annotated[bool, typer.Option("--clear", help="Let go of them; what was inferred counts again.")] = False,
    config: options.ConfigPath = None,
    store: options.Store = None,
    namespace: options.Namespace = None,
    as_json: options.Json = False,
) -> None:
    """Let a person's own words be the summary; they win over what is inferred."""
    if clear == (text is not None):
        raise ConfigError("Give either TEXT or --clear.")
    with _client(config, store, namespace) as popi:
        popi.edit(user, text)
        stored = popi.profile(user)
    if as_json:
        show.json_object(facts.of_profile(stored, None))
    else:
        show.profile(stored, None)


def forget(
    user: options.User,
    signal: Annotated[str | None, typer.Option("--signal", metavar="ID", help="Only this signal.")] = None,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
    config: options.ConfigPath = None,
    store: options.Store = None,
    namespace: options.Namespace = None,
    as_json: options.Json = False,
) -> None:
    """Erase all about a user, or one signal with every summary that rested on it."""
    what = f"everything stored about {user}" if signal is None else f"signal {signal} of {user}"
    with _client(config, store, namespace) as popi:
        if not yes:
            _ask(what, popi.config.namespace)
        erased = popi.forget(user, signal)
    if as_json:
        show.json_object({"user_id": user, "signal_id": signal, "erased": erased})
    elif signal is not None and not erased:
        show.line(f"There is no signal {signal} of {user}; nothing was erased.")
    else:
        show.line(f"Erased {what} ({erased:,} signal{'' if erased == 1 else 's'}).")


def expire(
    config: options.ConfigPath = None,
    store: options.Store = None,
    namespace: options.Namespace = None,
    as_json: options.Json = False,
) -> None:
    """Erase all signals older than the setting `retention`, with every summary that rested on them."""
    with _client(config, store, namespace) as popi:
        erased = popi.expire()
        days, of = popi.config.retention, popi.config.namespace
    if as_json:
        show.json_object({"namespace": of, "retention": days, "erased": erased})
    else:
        show.line(f"Erased {erased:,} signal{'' if erased == 1 else 's'} of {of} older than {days:g} days.")


def export(
    user: options.User,
    config: options.ConfigPath = None,
    store: options.Store = None,
    namespace: options.Namespace = None,
    as_json: options.Json = False,  # noqa: ARG001 - an export is JSON either way
) -> None:
    """Print everything held about a user, as JSON."""
    with _client(config, store, namespace) as popi, show.progress(f"Reading all about {show.printable(user)}"):
        held = popi.export(user)
    show.json_object(held)


def _client(config: str | None, store: str | None, namespace: str | None, **more: Any) -> Popi:
    from popi_sdk.client import Popi

    return Popi(options.config_from(config, store, namespace, **more))


def _observe_in_batches(popi: Popi, user: str, shown: tuple[Signal, ...]) -> None:

    with show.progress("Storing signals", total=len(shown)) as advance:
        for start in range(0, len(shown), _BATCH):
            batch = shown[start : start + _BATCH]
            try:
                popi.observe(user, batch)
            except StoreError as error:
                kept = f" {start:,} of {len(shown):,} signals were stored before that." if start else ""
                raise StoreError(error.message + kept, hint=error.hint, retryable=error.retryable) from error
            advance(len(batch))


def _ask(what: str, namespace: str) -> None:
    """Let a person at a terminal confirm.

    Raises:
        typer.Abort: the answer was no.
        ConfigError: there is nobody to ask.
    """
    if not sys.stdin.isatty():
        raise ConfigError(f"This erases {what}. Add --yes to confirm.")
    typer.confirm(show.printable(f"Erase {what} (namespace {namespace})?"), abort=True, err=True)


def _signals_by_id(held: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """Exported signals by id, each with a line of its text."""
    from popi_sdk.intake import coerce
    from popi_sdk.render import signal_parts

    stored = {item["id"]: item for item in held["signals"]}
    ours = ("observed_at", "sequence")
    found = coerce([{key: value for key, value in item.items() if key not in ours} for item in stored.values()])
    return {
        signal.id: {
            "id": signal.id,
            "kind": signal.kind,
            "at": stored[signal.id]["at"],
            "observed_at": stored[signal.id]["observed_at"],
            "excerpt": _excerpt(" / ".join(part.whole for part in signal_parts(signal))),
        }
        for signal in found
    }


def _excerpt(text: str) -> str:
    flat = " ".join(text[: 20 * _EXCERPT].split())
    return flat if len(flat) <= _EXCERPT else flat[: _EXCERPT - 3] + "..."
