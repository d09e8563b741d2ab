"""`popi-train versions` and `popi-train rollback`: which summarizer is in service, and which was before."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from trainer.cli.failing import training_packages

if TYPE_CHECKING:
    from trainer.versions import Version

_FACTS_SHOWN = 4
_Folder = Annotated[Path, typer.Argument(metavar="DIR", help='The directory of versions: Popi(summarizer="DIR").')]
_Json = Annotated[bool, typer.Option("--json", help="Print one JSON object and nothing else.")]


def versions(
    folder: _Folder,
    exported: Annotated[
        Path | None,
        typer.Option(
            "--add", metavar="EXPORTED", help="First keep a copy of what `popi-train export` wrote and make it current."
        ),
    ] = None,
    as_json: _Json = False,
) -> None:
    """List the versions of a summarizer; apps whose `summarizer` is DIR use the current one, without a restart."""
    with training_packages():
        from popi_sdk.cli import show
        from popi_sdk.errors import ConfigError
        from trainer.versions import add, current, listed, promote

        if exported is not None:
            promote(folder, add(folder, exported).number)
        if not folder.is_dir():
            raise ConfigError(f"There is no directory {folder}", hint="--add EXPORTED makes one.")
        found, in_service = listed(folder), current(folder)
        number = in_service.number if in_service else None
        if as_json:
            show.json_object({"current": number, "versions": [one.model_dump(mode="json") for one in found]})
        elif not found:
            show.line(f"{folder} holds no versions. --add EXPORTED makes the first.")
        else:
            _show_table(found, number)


def rollback(
    folder: _Folder,
    to: Annotated[int | None, typer.Option(metavar="N", help="Another version than the one before.")] = None,
    as_json: _Json = False,
) -> None:
    """Make the version current again that was so before; once more goes further back.

    Apps take it up with their next call, and serve again what it has written about each user, where that rests on the
    same signals.
    """
    with training_packages():
        from popi_sdk.cli import show
        from trainer.versions import rollback as go_back

        version = go_back(folder, to)
        if as_json:
            show.json_object({"current": version.number})
        else:
            show.line(f"Version {version.number} is current.")


def _show_table(found: tuple[Version, ...], current: int | None) -> None:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table("version", "made", "from", "", "facts")
    for one in found:
        table.add_row(
            str(one.number),
            f"{one.made:%Y-%m-%d %H:%M} UTC",
            str(one.parent or ""),
            "current" if one.number == current else "",
            Text(_in_short(one.facts)),
        )
    Console().print(table)


def _in_short(facts: Mapping[str, Any]) -> str:
    """The first plain facts; --json has them all."""
    from popi_sdk.cli.show import printable

    plain = [(name, value) for name, value in facts.items() if isinstance(value, str | int | float)]
    shown = (f"{name} {value:.3g}" if isinstance(value, float) else f"{name} {value}" for name, value in plain)
    return printable(", ".join(list(shown)[:_FACTS_SHOWN]))
