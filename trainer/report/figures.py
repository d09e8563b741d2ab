"""The figures: each a function of data that returns a matplotlib figure, which `as_png` turns into bytes.

Text in them is ours alone: what users wrote stands on the page, where it is escaped and every script has its letters.
"""

from __future__ import annotations

import io
import math
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager

import numpy as np
from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, MaxNLocator, NullLocator, PercentFormatter

from trainer.report.reading import Context, Series
from trainer.report.styles import BLUE, GREY, style

DOTS_PER_INCH = 150
SMOOTHED_FROM = 40
"""Steps from which on single ones are drawn thin, and their running mean over them."""
CHANCE = 0.5
_MOST_MARKERS = 30
NOTHING = Series((), ())
_TICKS = (0, 5, *(digit * 10**power for power in range(1, 7) for digit in (1, 2, 5)))
_NAMED = ("raw", "trained")
"""Contexts that have their name beside them, not only in the list."""
_LOOKED_AT = ("oracle", "swapped", "none", "trained")
"""Contexts whose accuracy is looked at during training; the last one is drawn on top."""


def progress_figure(steps: Mapping[str, Series], looks: Mapping[str, Series]) -> Figure:
    """Accuracy, reward, KL and length of the summaries over joint steps."""
    with our_settings():
        figure = Figure(figsize=(10.5, 7.2), layout="constrained")
        above, below = figure.subfigures(2, 1, squeeze=False, height_ratios=(1.1, 1), hspace=0.06).flat
        _accuracy_over_steps(above.subplots(), steps.get("accuracy", NOTHING), looks)
        reward, divergence, length = below.subplots(1, 3)
        _over_steps(reward, steps.get("reward", NOTHING), "Reward", "negated preference loss")
        _over_steps(divergence, steps.get("kl", NOTHING), "KL from the start", "nats per token")
        _over_steps(length, steps.get("summary_tokens", NOTHING), "Length of summaries", "tokens, as sampled")
    return figure


def controls_figure(contexts: Sequence[Context], pairs: int, users: int) -> Figure:
    """Held-out accuracy with every context, with its interval; the order is that of the evaluation, from the top."""
    with our_settings():
        figure = Figure(figsize=(10.5, 1.5 + 0.46 * len(contexts)), layout="constrained")
        axes = figure.subplots()
        for place, context in enumerate(reversed(contexts)):
            _point(axes, context, context.accuracy.mean, place, horizontal=True)
            axes.annotate(
                _percent(context), (1.02, place), xycoords=("axes fraction", "data"), va="center",
                weight="bold" if context.name == "trained" else "normal", annotation_clip=False,
            )  # fmt: skip
        axes.set_yticks(range(len(contexts)), [style(context.name).label for context in reversed(contexts)])
        axes.set_ylim(-0.6, len(contexts) - 0.4)
        axes.axvline(CHANCE, color=GREY, linestyle=(0, (4, 3)), linewidth=1, zorder=0)
        axes.xaxis.set_major_formatter(PercentFormatter(1.0, decimals=0))
        axes.set_xlabel(f"held-out pairs ranked right ({pairs:,} pairs of {users:,} users; dashed: chance)")
    return figure


def tokens_figure(contexts: Sequence[Context]) -> Figure:
    """Held-out accuracy against the tokens that each context takes: what a summary keeps of the raw signals."""
    with our_settings():
        figure = Figure(figsize=(10.5, 5.0), layout="constrained")
        axes = figure.subplots()
        for context in contexts:
            label = f"{style(context.name).label}: {context.tokens:,.0f} tokens, {context.accuracy.mean:.1%}"
            _point(axes, context, context.tokens, context.accuracy.mean, horizontal=False, label=label)
            if context.name in _NAMED:
                axes.annotate(
                    style(context.name).label, (context.tokens, context.accuracy.mean), (12, 12),
                    textcoords="offset points", weight="bold", bbox={"color": "white", "pad": 1},
                )  # fmt: skip
        most = 3 * max(10.0, *(context.tokens for context in contexts))
        axes.set_xscale("symlog", linthresh=10, linscale=0.6)  # a scale by factors that has a place for no summary
        axes.set_xlim(-1, most)
        axes.set_xticks([tokens for tokens in _TICKS if tokens <= most], minor=False)
        axes.xaxis.set_minor_locator(NullLocator())
        axes.xaxis.set_major_formatter(FuncFormatter(lambda tokens, _: f"{tokens:,.0f}"))
        axes.axhline(CHANCE, color=GREY, linestyle=(0, (4, 3)), linewidth=1, zorder=0)
        axes.yaxis.set_major_formatter(PercentFormatter(1.0, decimals=0))
        axes.set_xlabel("tokens in the context (mean over users; from 10 on by factors)")
        axes.set_ylabel("held-out pairs ranked right")
        figure.legend(loc="outside right upper", frameon=False, handletextpad=0.4, labelspacing=0.9)
    return figure


def as_png(figure: Figure) -> bytes:
    """The same bytes for the same figure."""
    FigureCanvasAgg(figure)
    written = io.BytesIO()
    figure.savefig(written, format="png", dpi=DOTS_PER_INCH, metadata={"Software": None})
    return written.getvalue()


def running_mean(values: Sequence[float], window: int) -> list[float]:
    """The mean of each value and those before it, `window` in all where there are as many.

    >>> running_mean([1.0, 3.0, 5.0], window=2)
    [1.0, 2.0, 4.0]
    """
    sums = np.concatenate([[0.0], np.cumsum(values)])
    ends = np.arange(1, len(values) + 1)
    starts = np.maximum(0, ends - window)
    return ((sums[ends] - sums[starts]) / (ends - starts)).tolist()


def our_settings() -> AbstractContextManager[None]:
    """Sizes of text, and no frame."""
    return rc_context({"font.size": 11, "axes.titlesize": 12, "axes.spines.top": False, "axes.spines.right": False})


def _over_steps(axes: Axes, series: Series, title: str, unit: str) -> None:
    axes.set_title(title, loc="left", weight="bold")
    axes.set_ylabel(unit)
    _say_steps(axes)
    if not series.steps:
        _say_nothing(axes)
    elif len(series.steps) < SMOOTHED_FROM:
        axes.plot(series.steps, series.values, color=BLUE, marker="o", markersize=4)
    else:
        _draw_many(axes, series, BLUE)


def _accuracy_over_steps(axes: Axes, sampled: Series, looks: Mapping[str, Series]) -> None:
    axes.set_title("Held-out pairs ranked right", loc="left", weight="bold")
    _say_steps(axes)
    axes.yaxis.set_major_formatter(PercentFormatter(1.0, decimals=0))
    axes.plot(sampled.steps, sampled.values, color="#BBBBBB", linewidth=1, label="in training, as sampled")
    for name in _LOOKED_AT:
        series, drawn = looks.get(f"accuracy_{name}", NOTHING), style(name)
        if series.steps:
            axes.plot(
                series.steps, series.values, color=drawn.colour, linestyle=drawn.line, marker=drawn.marker,
                linewidth=2.4 if name == "trained" else 1.5, markersize=7, label=drawn.label,
                markevery=1 + len(series.steps) // _MOST_MARKERS,
            )  # fmt: skip
    if not sampled.steps and not any(name.startswith("accuracy_") for name in looks):
        _say_nothing(axes)
        return
    axes.legend(frameon=False, loc="center left", bbox_to_anchor=(1.01, 0.5), handlelength=3, labelspacing=0.9)


def _draw_many(axes: Axes, series: Series, colour: str) -> None:
    window = max(2, len(series.steps) // 20)
    axes.plot(series.steps, series.values, color="#BBBBBB", linewidth=0.8, label="each step")
    axes.plot(
        series.steps, running_mean(series.values, window), color=colour, linewidth=2.2, label=f"mean of {window} steps"
    )
    axes.legend(fontsize=9, frameon=False)


def _point(axes: Axes, context: Context, x: float, y: float, *, horizontal: bool, label: str = "") -> None:
    """A mean with its interval, which is left out where one user alone gives none."""
    drawn, found = style(context.name), context.accuracy
    trained = context.name == "trained"
    bounds = (found.mean - found.low, found.high - found.mean)
    reach = None if math.isnan(found.low) else [[max(0.0, bound)] for bound in bounds]
    axes.errorbar(
        x, y, xerr=reach if horizontal else None, yerr=None if horizontal else reach,
        color=drawn.colour, marker=drawn.marker, markersize=11 if trained else 8, markeredgecolor="black",
        markeredgewidth=0.8, elinewidth=3 if trained else 1.6, capsize=4, linestyle="none", label=label or context.name,
        zorder=3 if trained else 2,
    )  # fmt: skip


def _percent(context: Context) -> str:
    found = context.accuracy
    bounds = "one user" if math.isnan(found.low) else f"{100 * found.low:.1f} to {100 * found.high:.1f}"
    return f"{100 * found.mean:.1f} %  ({bounds})"


def _say_steps(axes: Axes) -> None:
    axes.set_xlabel("joint step")
    axes.xaxis.set_major_locator(MaxNLocator(integer=True, nbins=7))
    axes.grid(axis="y", color="#E3E3E3", linewidth=0.8)
    axes.set_axisbelow(True)


def _say_nothing(axes: Axes) -> None:
    axes.text(0.5, 0.5, "no such figure in this run", transform=axes.transAxes, ha="center", color=GREY)
    axes.set_xticks([])
    axes.set_yticks([])
