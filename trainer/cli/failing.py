"""How `popi-train` ends: as `popi` does, in plain lines and an exit code, and with a word on what can be gone on with."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from typing import Any

import typer

from popi_sdk.cli.entry import PopiGroup
from popi_sdk.errors import MissingExtraError


class TrainGroup(PopiGroup):
    """All commands under their own name."""

    def main(self, args: Sequence[str] | None = None, prog_name: str | None = None, *rest: Any, **extra: Any) -> Any:
        """Run the command that `args` name, and leave the process with its exit code."""
        return super().main(args, prog_name or "popi-train", *rest, **extra)


@contextlib.contextmanager
def training_packages() -> Iterator[None]:
    """Say which extra brings a missing package, and how an interrupted run goes on."""
    try:
        yield
    except ModuleNotFoundError as error:
        package = (error.name or "").split(".")[0]
        if package in ("popi_sdk", "trainer"):
            raise
        raise MissingExtraError(package, "train") from error
    except KeyboardInterrupt:
        typer.echo("Stopped. The same command with --resume goes on from the last checkpoint.", err=True)
        raise typer.Exit(130) from None
