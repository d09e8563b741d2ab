"""`popi-train embed`: from raw answers to the summarizer that ships with the SDK."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from trainer.cli.failing import training_packages
from trainer.cli.train import placed


def embed(
    config: Annotated[str, typer.Argument(help="A configuration over simulated people.")] = "embedded-cpu",
    out: Annotated[Path | None, typer.Option(help="The run's directory.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the evaluation as one JSON object.")] = False,
) -> None:
    """Train the embedded summarizer and put it into the SDK, with its evaluation beside it.

    Tokenizer, pretraining, both warm starts, joint training, export, calibration, evaluation. The same command goes on
    where it was stopped; a run that is complete is only shipped. `popi-train train` does the training alone.
    `torchrun --nproc_per_node 2 -m trainer embed` runs the warm starts side by side, and shares out a step's users.
    """
    with training_packages():
        from trainer.config import load_config
        from trainer.distributed import started_first
        from trainer.ship import ship
        from trainer.train import train

        place = out or Path("runs") / Path(config).stem
        train(placed(load_config(config)), place, resume=place.is_dir())
        if not started_first():
            return
        shipped = ship(place)
        if as_json:
            typer.echo(json.dumps(shipped.evaluation.as_json(), indent=1, allow_nan=False))
            return
        from trainer.cli.tables import show_evaluation

        show_evaluation(shipped.evaluation)
        typer.echo(f"{100 * shipped.doubted.left_out:.1f} % of the clauses are doubtful and left out.")
        if shipped.better_than_contrast:
            typer.echo('Shipped. It is better than contrast, so summarizer="auto" takes it.')
        else:
            typer.echo('Shipped. It is not better than contrast everywhere, so summarizer="auto" takes contrast.')
