"""What commands print for a person."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from popi_sdk.cli.show import printable
from trainer.evaluate import Compared, Evaluation
from trainer.intervals import Interval

_SHOWN = 10
"""Users whose summaries are shown."""
_VALUES_SHOWN = 12
"""Values of a slice that are shown, those of most pairs; --json has them all."""
_BY_SLICE = ("none", "contrast", "trained", "oracle")
"""Controls that are shown for each slice."""


def show_evaluation(evaluation: Evaluation) -> None:
    """All controls as a table, differences, then slices, then some summaries to read."""
    console = Console()
    table = _table(f"{evaluation.pairs:,} held-out pairs of {evaluation.users:,} users", "context",
                   "accuracy", "95 % interval", "per token", "margin", "loss", "tokens")  # fmt: skip
    for name, result in evaluation.controls.items():
        table.add_row(
            name, _percent(result.accuracy.mean), _bounds(result.accuracy), _percent(result.accuracy_per_token),
            f"{result.margin:.2f}", f"{result.loss:.3f}", f"{result.tokens:,.0f}",
        )  # fmt: skip
    console.print(table)
    _show_differences(console, evaluation.overall)
    for name, values in evaluation.slices.items():
        _show_slice(console, name, values)
    for example, summary in evaluation.summaries[:_SHOWN]:
        console.print()
        console.print(Text(printable(example.user), "bold"))
        console.print(Text(printable(summary.text) or "(nothing)"))


def show_win_rate(win_rate: Mapping[str, Any]) -> None:
    """What the judge said, in one table."""
    title = f"Answers with the summary against answers without, judged by {win_rate['judge']}"
    table = _table(title, "figure", "value")
    for name, value in win_rate.items():
        if isinstance(value, int | float) and not isinstance(value, bool):
            table.add_row(name.replace("_", " "), f"{value:,.3f}" if isinstance(value, float) else f"{value:,}")
    Console().print(table)


def _show_differences(console: Console, overall: Compared) -> None:
    table = _table("Accuracy of `trained` minus that of each other context, in points", "context",
                   "difference", "95 % interval")  # fmt: skip
    for name, difference in overall.differences.items():
        table.add_row(name, _points(difference.mean), _bounds(difference))
    console.print(table)
    if overall.oracle_share is not None:
        share = overall.oracle_share
        doubt = "the interval has no bounds" if math.isnan(share.low) else _bounds(share)
        console.print(f"Share of the oracle's gain over no summary: {_percent(share.mean)} ({doubt})", highlight=False)


def _show_slice(console: Console, name: str, values: Mapping[str, Compared]) -> None:
    known = next(iter(values.values())).accuracy
    controls = [control for control in _BY_SLICE if control in known]
    against = [control for control in ("contrast", "none") if control in known]
    table = _table(f"By {printable(name)}: accuracy in per cent, and `trained` minus a context in points", "value",
                   "pairs", *controls, *(f"over {control}" for control in against))  # fmt: skip
    largest = sorted(values, key=lambda value: -values[value].pairs)[:_VALUES_SHOWN]
    for value in (value for value in values if value in largest):
        one = values[value]
        table.add_row(
            Text(printable(value)), f"{one.pairs:,}", *(f"{100 * one.accuracy[each].mean:.1f}" for each in controls),
            *(f"{_points(one.differences[each].mean)} ({_bounds(one.differences[each])})" for each in against),
        )  # fmt: skip
    console.print(table)
    if len(values) > len(largest):
        console.print(f"{len(values) - len(largest)} more values of {printable(name)} are in --json.", markup=False)


def _table(title: str, first: str, *others: str) -> Table:
    table = Table(title=Text(title))
    table.add_column(first)
    for heading in others:
        table.add_column(heading, justify="right")
    return table


def _percent(share: float) -> str:
    return f"{100 * share:.1f} %"


def _points(difference: float) -> str:
    return f"{100 * difference:+.1f}"


def _bounds(interval: Interval) -> str:
    if math.isnan(interval.low):
        return "one user"
    return f"{100 * interval.low:.1f} to {100 * interval.high:.1f}"
