"""The figures about a refresh: old against new on both populations, and slice by slice.

What a verdict is, the marker's shape says; its colour only says it again. Names of slices come from data, so all but
plain letters stand in them as codes, and nothing in them is read as mathematics.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import FuncFormatter, PercentFormatter

from trainer.intervals import Interval
from trainer.refresh.gate import Slice, Verdict
from trainer.report.figures import our_settings
from trainer.report.reading import Measured
from trainer.report.styles import BLACK, BLUE, GREEN, GREY, VERMILION, style

MOST_ROWS = 40
"""Slices drawn and listed; the others stand in decision.json."""
_LABEL = 30
_LIGHT = "#E3E3E3"
MARKERS: dict[Verdict, tuple[str, str]] = {
    "better": ("^", GREEN),
    "same": ("o", "white"),
    "worse": ("v", VERMILION),
    "too few": ("x", GREY),
}
"""By verdict: shape and filling."""


def populations_figure(rows: Sequence[tuple[str, Measured, Interval]]) -> Figure:
    """Accuracy with the old and the new summaries, and the difference with its interval, a row for each population."""
    with our_settings():
        figure = Figure(figsize=(10.5, 1.7 + 0.75 * len(rows)), layout="constrained")
        shares, differences = figure.subplots(1, 2, sharey=True, width_ratios=(1.2, 1))
        for place, (_, measured, difference) in enumerate(rows):
            _old_and_new(shares, measured, place)
            _difference(differences, difference, place, "o", BLUE)
        shares.set_yticks(range(len(rows)), [name for name, _, _ in rows])
        shares.set_ylim(len(rows) - 0.5, -0.6)
        shares.xaxis.set_major_formatter(PercentFormatter(1.0, decimals=0))
        shares.set_xlabel("held-out pairs ranked right")
        shares.grid(axis="x", color=_LIGHT, linewidth=0.8)
        shares.legend(
            handles=[_key(name) for name in ("before", "trained")], frameon=False, ncols=2,
            loc="lower left", bbox_to_anchor=(-0.02, 1.0), handletextpad=0.2,
        )  # fmt: skip
        _in_points(differences, "new minus old, in points, with its interval")
    return figure


def slices_figure(slices: Sequence[Slice], confidence: float) -> Figure:
    """The difference on every slice with its corrected interval; those of too few users have none."""
    with our_settings():
        figure = Figure(figsize=(10.5, 1.9 + 0.34 * len(slices)), layout="constrained")
        axes = figure.subplots()
        for place, one in enumerate(slices):
            marker, filling = MARKERS[one.verdict]
            _difference(axes, one.difference, place, marker, filling)
            axes.annotate(
                f"{one.users:,} users", (1.02, place), xycoords=("axes fraction", "data"), va="center",
                annotation_clip=False, fontsize=9.5,
            )  # fmt: skip
            if place and one.population != slices[place - 1].population:
                axes.axhline(place - 0.5, color=BLACK, linewidth=0.8)
        axes.set_yticks(range(len(slices)), [_plain(one) for one in slices])
        for label in axes.get_yticklabels():
            label.set_parse_math(False)
        axes.set_ylim(len(slices) - 0.4, -0.6)
        _in_points(
            axes, f"new minus old, in points; all intervals together hold with {100 * confidence:g} % confidence"
        )
        figure.legend(
            handles=[_verdict_key(verdict) for verdict in MARKERS], frameon=False, ncols=4, loc="outside upper left"
        )
    return figure


def _old_and_new(axes: Axes, measured: Measured, place: int) -> None:
    for name, shift in (("before", -0.13), ("trained", 0.13)):
        context, drawn = measured.context(name), style(name)
        assert context is not None  # both were seen to be there
        found = context.accuracy
        axes.errorbar(
            found.mean, place + shift, xerr=_reach(found), color=drawn.colour, marker=drawn.marker, markersize=10,
            markerfacecolor="white" if name == "before" else drawn.colour, markeredgecolor="black", capsize=3,
            linestyle="none", label=name,
        )  # fmt: skip


def _difference(axes: Axes, found: Interval, place: int, marker: str, filling: str) -> None:
    in_points = Interval(*(100 * value for value in (found.mean, found.low, found.high)))
    axes.errorbar(
        in_points.mean, place, xerr=_reach(in_points), color="#333333", marker=marker, markersize=8.5,
        markerfacecolor=filling, markeredgecolor=GREY if marker == "x" else BLACK, markeredgewidth=1.2, elinewidth=1.6,
        capsize=3, linestyle="none",
    )  # fmt: skip


def _reach(found: Interval) -> list[list[float]] | None:
    if math.isnan(found.low) or math.isnan(found.high):
        return None
    return [[max(0.0, found.mean - found.low)], [max(0.0, found.high - found.mean)]]


def _in_points(axes: Axes, label: str) -> None:
    axes.axvline(0, color=BLACK, linewidth=1, linestyle=(0, (4, 3)), zorder=1.5)
    axes.margins(x=0.08)
    axes.xaxis.set_major_formatter(FuncFormatter(lambda points, _: f"{points:+g}" if points else "0"))
    axes.grid(axis="x", color=_LIGHT, linewidth=0.8)
    axes.set_axisbelow(True)
    axes.set_xlabel(label)


def _plain(one: Slice) -> str:
    name = f"{one.name} = {one.value}".encode("ascii", "backslashreplace").decode()
    shown = "".join(letter if letter.isprintable() else "?" for letter in name)
    return f"{one.population}: {shown if len(shown) <= _LABEL else shown[: _LABEL - 3] + '...'}"


def _key(context: str) -> Line2D:
    drawn = style(context)
    return Line2D(
        [], [], color=drawn.colour, marker=drawn.marker, markersize=9, markeredgecolor="black", linestyle="none",
        markerfacecolor="white" if context == "before" else drawn.colour, label=drawn.label,
    )  # fmt: skip


def _verdict_key(verdict: Verdict) -> Line2D:
    marker, filling = MARKERS[verdict]
    words = {"same": "no difference shown", "too few": "too few users: no say"}.get(verdict, verdict)
    return Line2D(
        [], [], marker=marker, markersize=9, markerfacecolor=filling, linestyle="none", label=words,
        markeredgecolor=GREY if marker == "x" else BLACK, markeredgewidth=1.2,
    )  # fmt: skip
