"""The command line `popi-train`: one module per command, none of which holds logic of its own."""

from __future__ import annotations

import os

import typer

from trainer.cli.bench import bench
from trainer.cli.embed import embed
from trainer.cli.evaluate import evaluate
from trainer.cli.export import export
from trainer.cli.failing import TrainGroup
from trainer.cli.prepare import prepare
from trainer.cli.refresh import refresh
from trainer.cli.report import report
from trainer.cli.score import score
from trainer.cli.train import train
from trainer.cli.versions import rollback, versions
from trainer.cli.wordings import wordings

# Waiting threads that spin take the other cores' time on a shared machine; torch reads this when it is imported.
os.environ.setdefault("GOMP_SPINCOUNT", "0")

app = typer.Typer(
    help="Teach the summarizer from your app's own signals, and ship it only where it is measurably better.",
    no_args_is_help=True,
    add_completion=False,
    cls=TrainGroup,
    context_settings={"help_option_names": ["-h", "--help"]},
    pretty_exceptions_enable=False,
)
app.command()(prepare)
app.command()(train)
app.command()(evaluate)
app.command()(score)
app.command()(report)
app.command()(export)
app.command()(refresh)
app.command()(versions)
app.command()(rollback)
app.command()(wordings)
app.command()(embed)
app.command()(bench)
