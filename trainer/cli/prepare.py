"""`popi-train prepare`: any source of preferences to checked, split training data."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from popi_sdk.errors import PopiError
from trainer.data import load_examples, split_by_user, write_examples


def prepare(
    source: Annotated[Path, typer.Argument(help="JSON lines in the documented format.", exists=True, dir_okay=False)],
    out: Annotated[Path, typer.Option(help="Folder for train.jsonl, validation.jsonl and test.jsonl.")],
) -> None:
    """Check training data for leaks and split it by user."""
    try:
        split = split_by_user(load_examples(source))
    except (PopiError, OSError) as error:
        typer.echo(f"Error: {error}", err=True)
        raise typer.Exit(2) from None
    out.mkdir(parents=True, exist_ok=True)
    for name, examples in split.items():
        write_examples(examples, out / f"{name}.jsonl")
        users, pairs = len({example.user for example in examples}), sum(len(example.pairs) for example in examples)
        typer.echo(f"{name}: {users} users, {len(examples)} examples, {pairs} held-out pairs")
