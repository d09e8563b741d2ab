"""What `popi-train evaluate --updates` prints for a person."""

from __future__ import annotations

import math

from rich.console import Console
from rich.table import Table
from rich.text import Text

from popi_sdk.cli.show import printable
from trainer.intervals import Interval
from trainer.streaming_evaluation import WAYS, Streamed, StreamingEvaluation

_VALUES_SHOWN = 6
"""Values of a slice that are shown, those of most pairs; --json has them all."""


def show_streaming(evaluation: StreamingEvaluation) -> None:
    """A row per part: accuracies, the share of the gain that is kept, tokens read; then the slices."""
    console = Console()
    whole = evaluation.overall
    table = _table(f"{whole.pairs:,} held-out pairs of {whole.users:,} users: accuracy in per cent after each part")
    table.add_column("tokens read, full", justify="right")
    table.add_column("streaming", justify="right")
    for part, (one, read) in enumerate(zip(whole.after, evaluation.read, strict=True), start=1):
        accuracies = [_in_bounds(one.accuracy[way]) for way in WAYS]
        tokens = [f"{read[way]:,.0f}" for way in ("full", "streaming")]
        table.add_row(str(part), *accuracies, _kept(one.kept), *tokens)
    console.print(table)
    beside = ", ".join(f"{name} {_in_bounds(interval)}" for name, interval in whole.beside.items())
    console.print(f"Beside them, whatever the part: {beside}", highlight=False)
    for name, values in evaluation.slices.items():
        largest = sorted(values, key=lambda value: -values[value].pairs)[:_VALUES_SHOWN]
        for value in (value for value in values if value in largest):
            _show_slice(console, f"{printable(name)} {printable(value)}", values[value])


def _show_slice(console: Console, name: str, streamed: Streamed) -> None:
    table = _table(f"{name}: {streamed.pairs:,} pairs of {streamed.users:,} users")
    for part, one in enumerate(streamed.after, start=1):
        table.add_row(str(part), *(_in_bounds(one.accuracy[way]) for way in WAYS), _kept(one.kept))
    console.print(table)


def _table(title: str) -> Table:
    table = Table(title=Text(title))
    for heading in ("part", *WAYS, "gain kept"):
        table.add_column(heading, justify="left" if heading == "part" else "right")
    return table


def _kept(share: Interval | None) -> str:
    return "full gains nothing" if share is None else f"{_in_bounds(share)} %"


def _in_bounds(interval: Interval) -> str:
    mean = f"{100 * interval.mean:.1f}"
    return mean if math.isnan(interval.low) else f"{mean} ({100 * interval.low:.1f} to {100 * interval.high:.1f})"
