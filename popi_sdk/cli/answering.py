"""`popi personalize` and `popi summarize`."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated

import typer

from popi_sdk.cli import facts, options, show
from popi_sdk.errors import ConfigError

if TYPE_CHECKING:
    from popi_sdk.cli.outgoing import Outgoing
    from popi_sdk.client import Popi
    from popi_sdk.config import Config
    from popi_sdk.reply import Reply
    from popi_sdk.signals import Signal


def register(app: typer.Typer) -> None:
    """Add the commands of this file."""
    app.command()(personalize)
    app.command()(summarize)


def personalize(
    prompt: Annotated[str, typer.Argument(metavar="PROMPT", help="The user's question; - is standard input.")],
    signals: options.Signals = None,
    user: Annotated[str | None, typer.Option("--user", metavar="ID", help="A user whose profile is stored.")] = None,
    model: Annotated[str | None, typer.Option("--model", metavar="PROVIDER/MODEL", help="Who answers.")] = None,
    api_base: Annotated[str | None, typer.Option("--api-base", metavar="URL", help="A local or own server.")] = None,
    placement: Annotated[
        str | None,
        typer.Option("--placement", metavar="ROLE", help="Where the summary stands: system, developer, user."),
    ] = None,
    system: Annotated[str | None, typer.Option("--system", metavar="TEXT", help="Your app's own system text.")] = None,
    stream: Annotated[bool, typer.Option("--stream", help="Print the answer as it is written.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show the request; send nothing.")] = False,
    config: options.ConfigPath = None,
    store: options.Store = None,
    namespace: options.Namespace = None,
    as_json: options.Json = False,
) -> None:
    """Answer PROMPT the way a user likes to be answered; without a key, show the request that would be sent."""
    asked = options.read_prompt(prompt, signals, system)
    shown = options.read_signals(signals)
    settings = options.config_from(config, store, namespace, placement=placement)
    settings = options.with_model(settings, model, api_base)
    why_not = _why_not_sent(settings, dry_run=dry_run)
    popi, outgoing = _client(settings, send=not why_not, dry_run=dry_run)
    with popi:
        streamed = stream and not why_not
        if streamed:
            reply = _streamed(popi, asked, shown, user, aloud=not as_json)
        else:
            reply = popi.personalize(asked, shown, user_id=user)
    if as_json:
        show.json_object(facts.of_reply(reply, outgoing.messages, outgoing.model, not_sent=why_not))
    elif why_not:
        show.request(reply, outgoing.messages, outgoing.model, why_not)
    else:
        show.answer(reply, already_printed=streamed)


def summarize(
    signals: options.Signals = None,
    config: options.ConfigPath = None,
    store: options.Store = None,
    namespace: options.Namespace = None,
    as_json: options.Json = False,
) -> None:
    """Say how the user behind the signals likes to be answered; nothing is stored."""
    if not signals:
        raise ConfigError("Give at least one file of signals: --signals FILE (- is standard input).")
    shown = options.read_signals(signals)
    from popi_sdk.client import Popi

    with Popi(options.config_from(config, store, namespace)) as popi:
        summary = popi.summarize(shown)
    if as_json:
        show.json_object(facts.of_inferred(summary, len(shown)))
    else:
        show.inferred(summary, len(shown))


def _why_not_sent(config: Config, *, dry_run: bool) -> str:
    """What keeps the request here, and what would send it; empty when it can be sent."""
    from popi_sdk.backend.provider_keys import access, litellm_installed

    if dry_run:
        return "Not sent: --dry-run was given."
    found = [access(model) for model in config.models]
    steps = []
    if not any(each.ready for each in found):
        wanted = " and ".join(found[0].missing)
        steps.append(f"set {wanted} (or --model with a local server: --api-base http://localhost:8000/v1)")
    if not litellm_installed():
        steps.append('install LiteLLM (pip install "popi-sdk[litellm]")')
    return f"Not sent: to send it, {' and '.join(steps)}." if steps else ""


def _client(config: Config, *, send: bool, dry_run: bool) -> tuple[Popi, Outgoing]:
    """A client whose requests are noted; its summarizer may call its model unless nothing at all shall leave."""
    from popi_sdk.backend import LiteLLMBackend
    from popi_sdk.cli.outgoing import NothingLeaves, Outgoing
    from popi_sdk.client import Popi
    from popi_sdk.summarizers import make_summarizer
    from popi_sdk.templates import load_templates

    outgoing = Outgoing(LiteLLMBackend() if send else None)
    for_summaries = NothingLeaves() if dry_run else LiteLLMBackend()
    summarizer = make_summarizer(config, for_summaries, load_templates(config.templates))
    return Popi(config, backend=outgoing, summarizer=summarizer), outgoing


def _streamed(
    popi: Popi, asked: str | list[dict[str, object]], shown: tuple[Signal, ...], user: str | None, *, aloud: bool
) -> Reply:
    """Ask in pieces, and print them as they come."""
    with popi.stream(asked, shown, user_id=user) as stream:
        for piece in stream:
            if aloud:
                sys.stdout.write(show.printable(piece))
                sys.stdout.flush()
        return stream.reply
