"""`popi-train train`: a configuration to a run."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from trainer.cli.failing import training_packages

if TYPE_CHECKING:
    from trainer.config import Config


def train(
    config: Annotated[str, typer.Argument(help="A TOML file, or the name of a shipped one such as `smoke`.")],
    out: Annotated[Path | None, typer.Option(help="The run's directory; runs/NAME by default.")] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Go on with an interrupted run.")] = False,
) -> None:
    """Train a summarizer and a generator jointly."""
    with training_packages():
        from trainer.config import load_config
        from trainer.train import train as run_training

        place = out or Path("runs") / Path(config).stem
        try:
            run = run_training(placed(load_config(config)), place, resume=resume)
        except KeyboardInterrupt:
            typer.echo("Stopped. The same command with --resume goes on from the last checkpoint.", err=True)
            raise typer.Exit(130) from None
        if os.environ.get("RANK", "0") == "0":  # the first of the processes that torchrun started
            typer.echo(f"Trained: {run.path}\nNext: popi-train evaluate {run.path}")


def placed(config: Config) -> Config:
    """The paths of data in full, so that the run can be gone on with and evaluated from anywhere."""
    if config.data.folder == "people":
        named = {name: getattr(config.people, name) for name in ("answers", "dialogues")}
        full = {name: str(Path(path).resolve()) for name, path in named.items() if path}
        return config.model_copy(update={"people": config.people.model_copy(update=full)})
    if config.data.folder == "world":
        return config
    data = config.data.model_copy(update={"folder": str(Path(config.data.folder).resolve())})
    return config.model_copy(update={"data": data})
