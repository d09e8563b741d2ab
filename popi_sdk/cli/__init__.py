"""The command line `popi`: thin commands over `popi_sdk.client`.

answering   personalize, summarize
profiles    observe, profile, edit, forget, export
checking    doctor
options     the options all commands share, and reading signals from files and standard input
outgoing    keeps a request so that it can be shown, sent or not
show        printing for people; facts: the same as JSON
entry       errors as plain lines and exit codes
"""

from __future__ import annotations

from typing import Annotated

import typer

from popi_sdk.cli import answering, checking, profiles
from popi_sdk.cli.entry import PopiGroup

_EPILOG = """
Settings come from options, then POPI_* variables, then popi.toml. Every command takes --json.

Exit codes:

- 0: it worked

- 1: it failed (model, summarizer, store; for doctor: a problem was found)

- 2: wrong usage or bad input (arguments, configuration, signals)
"""

app = typer.Typer(
    name="popi",
    cls=PopiGroup,
    help="Learn how each user likes to be answered, and put it in front of any LLM.",
    epilog=_EPILOG,
    add_completion=False,
    rich_markup_mode="markdown",
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _show_version(wanted: bool) -> None:
    if wanted:
        from popi_sdk import __version__

        typer.echo(f"popi {__version__}")
        raise typer.Exit


@app.callback()
def _popi(
    version: Annotated[
        bool, typer.Option("--version", help="Show the version and leave.", callback=_show_version, is_eager=True)
    ] = False,
) -> None:
    """Learn how each user likes to be answered, and put it in front of any LLM."""


answering.register(app)
profiles.register(app)
checking.register(app)
