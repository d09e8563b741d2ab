"""The command line `popi-train`: one module per command, none of which holds logic of its own."""

from __future__ import annotations

import typer

from trainer.cli.prepare import prepare

app = typer.Typer(
    help="Teach the summarizer from your app's own signals, and ship it only where it is measurably better.",
    no_args_is_help=True,
    add_completion=False,
)


@app.callback()
def _commands() -> None:
    """Keep `prepare` a command of its own although it is the only one so far."""


app.command()(prepare)
