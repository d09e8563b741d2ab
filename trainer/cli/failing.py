"""How a command fails: one plain line on standard error and exit code 2, no stack of calls."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

import typer

from popi_sdk.errors import MissingExtraError, PopiError


@contextlib.contextmanager
def failing_plainly() -> Iterator[None]:
    """Turn what a person can do something about into a line; anything else is a defect and keeps its stack."""
    try:
        yield
    except ModuleNotFoundError as error:
        package = (error.name or "").split(".")[0]
        if package in ("popi_sdk", "trainer"):
            raise
        _stop(MissingExtraError(package, "train"))
    except (PopiError, OSError) as error:
        _stop(error)
    except KeyboardInterrupt:
        typer.echo("Stopped. The same command with --resume goes on from the last checkpoint.", err=True)
        raise typer.Exit(130) from None


def _stop(error: Exception) -> None:
    typer.echo(f"Error: {error}", err=True)
    raise typer.Exit(2) from None
