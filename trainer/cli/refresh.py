"""`popi-train refresh`: from what users have shown since to a better summarizer in service."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from trainer.cli.failing import training_packages

if TYPE_CHECKING:
    from trainer.refresh import Refreshed


def refresh(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help='The directory of versions: Popi(summarizer="DIR").')],
    store: Annotated[str, typer.Option(help='The SDK\'s store, such as "sqlite:///popi.db".')],
    namespace: Annotated[str, typer.Option(help="Whose users.")] = "default",
    since: Annotated[
        datetime | None,
        typer.Option(
            metavar="DATE",
            formats=["%Y-%m-%d", "%Y-%m-%dT%H:%M:%S"],
            help="What was shown from then on (UTC) is new; without it, what came after the version in service.",
        ),
    ] = None,
    first_run: Annotated[
        Path | None, typer.Option("--from", metavar="RUN", help="The run to begin with; needed the first time.")
    ] = None,
    trusted: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="Examples that nothing is ever trained on, frozen the first time; without it, RUN's test split.",
        ),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object and nothing else.")] = False,
) -> None:
    """Teach the summarizer in service what users have shown since, and replace it only where that is measurably better.

    Only signals with allow_training are read. Old and new are compared on held-out users and on the trusted set; the
    new one is put in service where it is better beyond its interval and no slice is worse. The same command goes on
    after an interruption, and does the next refresh once one has ended.
    """
    with training_packages():
        from datetime import UTC

        from popi_sdk.cli import show
        from trainer.refresh import refresh as run_refresh

        refreshed = run_refresh(
            folder,
            store,
            namespace=namespace,
            since=since.replace(tzinfo=UTC) if since else None,
            first_run=first_run,
            trusted=trusted,
        )
        if as_json:
            show.json_object(_as_json(refreshed))
        else:
            for line in _lines(refreshed):
                show.line(line)


def _as_json(refreshed: Refreshed) -> dict[str, object]:
    return {
        "folder": str(refreshed.folder),
        "version": refreshed.version,
        "reasons": list(refreshed.reasons),
        "decision": refreshed.decision.as_json(),
    }


def _lines(refreshed: Refreshed) -> list[str]:
    what = f"Version {refreshed.version} is in service." if refreshed.version else "What was in service still is."
    return [what, *refreshed.reasons, f"Next: popi-train report {refreshed.folder}"]
