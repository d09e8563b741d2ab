"""`popi-train bench`: the released loop, TRL and ours, measured side by side."""

from __future__ import annotations

from typing import Annotated, Literal

import typer

from trainer.cli.failing import training_packages


def bench(
    device: Annotated[Literal["cpu", "cuda"], typer.Option(help="Where to measure.")] = "cpu",
    size: Annotated[
        Literal["tiny", "small", "1b", "3b"] | None,
        typer.Option(help="The model: 0.1 M or 5 M parameters, or the shapes of Llama 3.2; small on CPUs, else 1b."),
    ] = None,
    lengths: Annotated[
        str, typer.Option(metavar="S/Z/X/Y", help="Tokens of signals, summary, question and response.")
    ] = "1800/60/25/220",
    scale: Annotated[float, typer.Option(help="All lengths times this, for slower machines.", min=0.01)] = 1.0,
    users: Annotated[int, typer.Option(help="Users per step, each with 8 summaries.", min=1)] = 1,
    rounds: Annotated[int, typer.Option(help="Timed steps of each loop, in turns.", min=1)] = 3,
    trl: Annotated[bool, typer.Option("--trl/--no-trl", help="Measure TRL's GRPOTrainer too.")] = True,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object and nothing else.")] = False,
) -> None:
    """Measure a training step: token passes, seconds and memory, of the released loop, of TRL and of ours."""
    with training_packages():
        from rich.console import Console

        from popi_sdk.cli.show import json_object
        from trainer.bench.measure import bench as measure
        from trainer.bench.report import show
        from trainer.bench.shapes import Lengths

        with Console(stderr=True).status("measuring") as status:
            report = measure(
                size or ("small" if device == "cpu" else "1b"),
                Lengths.parse(lengths).scaled(scale),
                users=users,
                rounds=rounds,
                device=device,
                with_trl=trl,
                progress=status.update,
            )
        if as_json:
            json_object(report.as_json())
        else:
            show(report)
