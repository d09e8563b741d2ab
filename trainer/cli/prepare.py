"""`popi-train prepare`: any source of preferences to checked, split training data."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from popi_sdk.errors import ConfigError, PopiError, SignalError

_FAILED, _WRONG_USAGE = 1, 2
_WHY = {
    "shared_with_a_held_out_split": "as their user or prompt stands in a split that is held out further",
    "nothing_to_show_beside_them": "as no signal remains to show beside them",
}


def prepare(
    source: Annotated[
        str,
        typer.Argument(
            metavar="SOURCE",
            help="A file or folder (.jsonl, .json, .csv, .tsv, .parquet), a dataset of the Hugging Face hub "
            "(owner/name), or a store of the SDK (sqlite:///path, postgresql://...).",
        ),
    ],
    out: Annotated[Path, typer.Option(help="Folder for train.jsonl, validation.jsonl, test.jsonl and prepare.json.")],
    adapter: Annotated[
        str | None,
        typer.Option(
            "--as",
            metavar="ADAPTER",
            help="What SOURCE holds: examples (the documented format), columns, store, elix, review, roleplay, "
            "alignx-ica, alignx-pba, answer-pairs or writer-edits. Without it, what SOURCE's name says.",
        ),
    ] = None,
    column: Annotated[
        list[str] | None,
        typer.Option(
            metavar="FIELD=COLUMN",
            help="Where a field is found, such as user=rater; may be repeated. Fields: user, prompt, chosen, rejected "
            "(or a, b, label), oracle.",
        ),
    ] = None,
    shots: Annotated[
        int | None, typer.Option(help="Pairs shown beside the held-out ones. Without it, what suits SOURCE.")
    ] = None,
    hold_out: Annotated[int | None, typer.Option(help="Pairs held out at once, 1 without it.")] = None,
    split_by: Annotated[
        str | None,
        typer.Option(
            metavar="user|prompt|both",
            help="What never stands in two splits. Prompt: users are shared by the splits, as the levels of ELIX are.",
        ),
    ] = None,
    sample: Annotated[
        int | None, typer.Option(help="Draw so many rows at random (of AlignX the released code drew 92000).")
    ] = None,
    namespace: Annotated[str | None, typer.Option(help="Whose users of a store, `default` without it.")] = None,
    seed: Annotated[
        int, typer.Option(help="Shuffles pairs into blocks and draws rows; users' splits do not move.")
    ] = 42,
) -> None:
    """Turn preferences into training data: held-out pairs in rotation, splits without leaks.

    The folder is finished when prepare.json is in it, which says how the files were made.
    Polis votes and the music chats cannot be prepared: they hold no two answers to one prompt.
    """
    from popi_sdk.cli import show
    from trainer.datasets.prepare import prepare as make
    from trainer.datasets.recipes import recipe

    try:
        how = recipe(
            source,
            adapter=adapter,
            column_map=column or (),
            namespace=namespace,
            shots=shots,
            hold_out=hold_out,
            split_by=split_by,
            sample=sample,
            seed=seed,
        )
        facts = make(how, out, show.progress)
    except PopiError as error:
        show.error_lines(error.message, error.hint)
        raise typer.Exit(_WRONG_USAGE if isinstance(error, ConfigError | SignalError) else _FAILED) from None
    except OSError as error:
        reason = f"{error.filename or out}: {error.strerror or error}"
        show.error_lines(f"{reason}. No split was changed.", "Free some space or choose another --out, then try again.")
        raise typer.Exit(_FAILED) from None
    _show(facts, out)


def _show(facts: Mapping[str, Any], out: Path) -> None:
    from rich.console import Console
    from rich.table import Table

    from popi_sdk.cli import show

    table = Table("Split", box=None)
    for heading in ("Users", "Examples", "Held-out pairs", "Raw tokens (median)"):
        table.add_column(heading, justify="right")
    for split, counts in facts["splits"].items():
        numbers = (counts["users"], counts["examples"], counts["pairs"], counts["median_raw_tokens"])
        table.add_row(split, *(f"{number:,}" for number in numbers))
    Console(highlight=False, emoji=False).print(table)
    for why, pairs in facts["pairs_left_out"].items():
        if pairs:
            show.line(f"Pairs left out, {_WHY[why]}: {pairs:,}.")
    empty = [split for split, counts in facts["splits"].items() if not counts["examples"]]
    if empty:
        show.line(
            ("Warning: ", "bold yellow"),
            f"{' and '.join(empty)} got no example: too few users or prompts for this way of splitting (--split-by).",
        )
    show.line(f"Written to {out}.")
