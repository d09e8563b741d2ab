"""What commands print for a person."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from rich.console import Console
from rich.table import Table

from trainer.evaluate import Evaluation
from trainer.intervals import Interval

_SHOWN = 10
"""Users whose summaries are shown."""


def show_evaluation(evaluation: Evaluation) -> None:
    """All controls as a table, then slices, then some summaries to read."""
    console = Console()
    table = Table(title=f"{evaluation.pairs:,} held-out pairs of {evaluation.users:,} users")
    table.add_column("context")
    for heading in ("accuracy", "95 % interval", "per token", "margin", "loss", "tokens"):
        table.add_column(heading, justify="right")
    for name, result in evaluation.controls.items():
        table.add_row(
            name, _percent(result.accuracy.mean), _bounds(result.accuracy), _percent(result.accuracy_per_token),
            f"{result.margin:.2f}", f"{result.loss:.3f}", f"{result.tokens:,.0f}",
        )  # fmt: skip
    console.print(table)
    for name, values in evaluation.slices.items():
        shown = ", ".join(f"{value} {_percent(each.mean)} ({_bounds(each)})" for value, each in values.items())
        console.print(f"{name}: {shown}", highlight=False)
    for example, summary in evaluation.summaries[:_SHOWN]:
        console.print(f"\n[bold]{example.user}[/bold]", highlight=False)
        console.print(summary.text or "(nothing)", markup=False, highlight=False)


def show_win_rate(win_rate: Mapping[str, Any]) -> None:
    """What the judge said, in one table."""
    table = Table(title=f"Answers with the summary against answers without, judged by {win_rate['judge']}")
    table.add_column("figure")
    table.add_column("value", justify="right")
    for name, value in win_rate.items():
        if isinstance(value, int | float) and not isinstance(value, bool):
            table.add_row(name.replace("_", " "), f"{value:,.3f}" if isinstance(value, float) else f"{value:,}")
    Console().print(table)


def _percent(share: float) -> str:
    return f"{100 * share:.1f} %"


def _bounds(interval: Interval) -> str:
    if math.isnan(interval.low):
        return "one user"
    return f"{100 * interval.low:.1f} to {100 * interval.high:.1f}"
