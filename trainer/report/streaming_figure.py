"""Accuracy over updates: full history, streaming, and the newest part alone, from what `evaluate --updates` prints."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator, PercentFormatter

from trainer.report.styles import BLUE, ORANGE, VERMILION, Style, style

WAYS = {
    "full": Style("full history", VERMILION, "s", "-"),
    "streaming": Style("previous summary and newest part", BLUE, "o", "-"),
    "newest": Style("newest part alone", ORANGE, "P", "--"),
}


def streaming_figure(evaluation: Mapping[str, Any]) -> Figure:
    """One panel for all users and one for each value of a slice that not all of them share."""
    panels = [("all users", evaluation)]
    for name, values in evaluation["slices"].items():
        panels += [(f"{name}: {value}", one) for value, one in values.items() if len(values) > 1]
    with rc_context({"font.size": 11, "axes.titlesize": 12, "axes.spines.top": False, "axes.spines.right": False}):
        figure = Figure(figsize=(4.6 * len(panels), 4.2), layout="constrained")
        every: Sequence[Axes] = figure.subplots(1, len(panels), sharey=True, squeeze=False)[0]
        for axes, (title, one) in zip(every, panels, strict=True):
            _panel(axes, f"{title} ({one['users']:,})", one)
        every[0].set_ylabel("held-out pairs ranked right")
        every[0].yaxis.set_major_formatter(PercentFormatter(1.0, decimals=0))
        figure.legend(*every[0].get_legend_handles_labels(), loc="outside lower center", frameon=False, ncols=5)
    return figure


def _panel(axes: Axes, title: str, streamed: Mapping[str, Any]) -> None:
    axes.set_title(title, loc="left", weight="bold")
    places = [row["parts"] for row in streamed["after"]]
    for way, look in WAYS.items():
        rows = [row[way] for row in streamed["after"]]
        axes.plot(
            places, [row["accuracy"] for row in rows],
            color=look.colour, marker=look.marker, linestyle=look.line, label=look.label,
        )  # fmt: skip
        if all(row["low"] is not None for row in rows):  # a single user has no bounds
            bounds = [row["low"] for row in rows], [row["high"] for row in rows]
            axes.fill_between(places, *bounds, color=look.colour, alpha=0.12, linewidth=0)
    for name, interval in streamed["controls"].items():
        look = style(name)
        axes.axhline(interval["accuracy"], color=look.colour, linestyle=look.line, label=look.label, zorder=0)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.set_xlabel("parts of the signals shown")
