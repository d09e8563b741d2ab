"""The page: what was read, in words, tables and figures, through one template that escapes whatever others wrote."""

from __future__ import annotations

import base64
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import jinja2

from popi_sdk.cli.show import printable
from popi_sdk.render import rendered_signal, shorten, signal_parts
from popi_sdk.signals import Signal
from trainer.intervals import Interval
from trainer.report.reading import Measured, RunRead, ShownUser, SliceValue
from trainer.report.styles import style

SIGNALS_SHOWN = 5
"""Of each user, the newest."""
PARTS_SHOWN = 6
"""Of each signal, the last ones."""
VALUES_SHOWN = 12
"""Of each slice, those of most pairs."""
PAIRS_SHOWN = 6
"""Held-out ones, of each user."""
TEXT_TOKENS, SUMMARY_TOKENS, LINE_TOKENS = 60, 200, 30
NARROW = "\N{NO-BREAK SPACE}"
_OF_SLICES = ("none", "contrast", "trained", "oracle")
_SCORES = {1.0: "right", 0.5: "tie", 0.0: "wrong"}


@dataclass(frozen=True, slots=True)
class SignalOnPage:
    """A signal: what it is, and its texts with their names."""

    title: str
    parts: Sequence[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class PairOnPage:
    """A held-out pair, and how it was ranked with each context."""

    prompt: str
    chosen: str
    rejected: str
    outcomes: Sequence[str]
    """Right, wrong or tie."""


@dataclass(frozen=True, slots=True)
class UserOnPage:
    """One user's signals, summary and outcomes."""

    name: str
    signals: Sequence[SignalOnPage]
    older: int
    """Signals that are left out."""
    summary: str
    before: str
    """The summary by the version in service, in a refresh."""
    truth: str
    contexts: Sequence[str]
    pairs: Sequence[PairOnPage]
    more: int
    """Pairs that are left out."""
    sums: Sequence[str]


@dataclass(frozen=True, slots=True)
class Slice:
    """One slice: its values of most pairs, and how many there are besides."""

    name: str
    contexts: Sequence[str]
    values: Sequence[SliceValue]
    more: int


def page(read: RunRead, figures: Mapping[str, bytes]) -> str:
    """The whole page as HTML."""
    measured = read.measured
    return template("page.html.j2").render(
        name=read.folder.resolve().name,
        facts=read.facts,
        missing=read.missing,
        findings=findings(measured) if measured else [],
        images=in_page(figures),
        looks=[(style(name[9:]).label, one.values[-1]) for name, one in read.looks.items() if name[:9] == "accuracy_"],
        measured=measured,
        slices=[_slice(name, values) for name, values in measured.slices.items()] if measured else [],
        judge=_judge(measured),
        users=[user_on_page(one) for one in measured.shown] if measured else [],
    )


def in_page(figures: Mapping[str, bytes]) -> dict[str, str]:
    """Figures as addresses that hold them."""
    return {name: "data:image/png;base64," + base64.b64encode(image).decode() for name, image in figures.items()}


def findings(measured: Measured) -> list[str]:
    """What the evaluation says, a sentence each, the most important first."""
    said = []
    if (trained := measured.context("trained")) is not None:
        said.append(
            f"With the trained summary, {trained.tokens:,.0f} tokens on average, {_share(trained.accuracy)} of the "
            f"held-out pairs are ranked as the user ranked them."
        )
        if (raw := measured.context("raw")) is not None and trained.tokens:
            said.append(
                f"With the raw signals, {raw.tokens:,.0f} tokens, it is {_share(raw.accuracy)}; the summary is "
                f"{_versus(measured.differences['raw'])} and {raw.tokens / trained.tokens:,.1f} times shorter."
            )
    said += [
        f"{words}, it is {_share(context.accuracy)}; the summary is {_versus(measured.differences[name])}."
        for name, words in (
            ("none", "Without any summary"),
            ("swapped", "With another user's summary"),
            ("warm_start", "With the summary from before reinforcement learning"),
            ("contrast", "With what the baseline without a model finds"),
            ("oracle", "With the truth about each user"),
        )
        if (context := measured.context(name)) is not None
    ]
    said.append(
        f"More pairs are ranked right with the summary than without one for {measured.better:,} users, fewer for "
        f"{measured.worse:,}, and as many for {measured.same:,}."
    )
    return said


def _versus(difference: Interval) -> str:
    """A difference of the trained summary's accuracy from another one's."""
    points = 100 * difference.mean
    way = "better" if points > 0 else "worse"
    bounds = "" if math.isnan(difference.low) else f" (interval{NARROW}{_signed(difference)})"
    return f"{abs(points):.1f} points {way}{bounds}" if round(points, 1) else f"just as good{bounds}"


def _signed(difference: Interval) -> str:
    return f"{100 * difference.low:+.1f} to {100 * difference.high:+.1f}"


def _share(found: Interval) -> str:
    bounds = "" if math.isnan(found.low) else f" ({100 * found.low:.1f} to {100 * found.high:.1f})"
    return f"{100 * found.mean:.1f}{NARROW}%{bounds}"


def _slice(name: str, values: Sequence[SliceValue]) -> Slice:
    largest = sorted(values, key=lambda one: -one.pairs)[:VALUES_SHOWN]
    contexts = [context for context in _OF_SLICES if context in largest[0].accuracy]
    shown = [replace(one, value=cut(one.value, LINE_TOKENS)) for one in values if one in largest]
    return Slice(cut(name, LINE_TOKENS), contexts, shown, len(values) - len(shown))


def _judge(measured: Measured | None) -> Mapping[str, str]:
    """What the judge said; figures only, as in the terminal."""
    found = measured.judge if measured and measured.judge else {}
    return {
        name.replace("_", " "): f"{value:,.3f}" if isinstance(value, float) else cut(str(value), TEXT_TOKENS)
        for name, value in found.items()
        if isinstance(value, int | float | str) and value != ""
    }


def user_on_page(user: ShownUser, among: Sequence[str] = ()) -> UserOnPage:
    """A user as shown, with the outcomes of the contexts `among` those there are, or of all."""
    example, contexts = user.example, [name for name in user.ranked if not among or name in among]
    newest = example.signals[-SIGNALS_SHOWN:]
    return UserOnPage(
        name=cut(example.user, LINE_TOKENS),
        signals=[_signal(one) for one in newest],
        older=len(example.signals) - len(newest),
        summary=cut(user.summary, SUMMARY_TOKENS),
        before=cut(user.before, SUMMARY_TOKENS),
        truth=cut(" ".join(example.oracle.split()), SUMMARY_TOKENS),
        contexts=contexts,
        pairs=[
            PairOnPage(
                prompt=cut(pair.prompt, LINE_TOKENS),
                chosen=cut(pair.chosen, LINE_TOKENS),
                rejected=cut(pair.rejected, LINE_TOKENS),
                outcomes=[_SCORES[user.ranked[context][place]] for context in contexts],
            )
            for place, pair in enumerate(example.pairs[:PAIRS_SHOWN])
        ],
        more=len(example.pairs[PAIRS_SHOWN:]),
        sums=[f"{sum(user.ranked[context]):g} of {len(example.pairs)}" for context in contexts],
    )


def _signal(signal: Signal) -> SignalOnPage:
    rendered = rendered_signal(signal, TEXT_TOKENS, PARTS_SHOWN)
    before = len(signal_parts(signal)) - len(rendered.parts)
    left_out = [("", f"[... {before} earlier texts left out ...]")] if before else []
    texts = [(part.name, cut(part.whole, TEXT_TOKENS)) for part in rendered.parts]
    return SignalOnPage(rendered.title, left_out + texts)


def cut(text: str, tokens: int) -> str:
    """A text of somebody's to show: shortened in the middle with a mark, control characters as their codes.

    >>> cut("word " * 1000, 30).count("left out")
    1
    """
    return printable(shorten(text, tokens))


def _bar(found: Interval, width: int) -> tuple[float, float, float]:
    """Where an interval begins, has its mean and ends on a scale from 0 to 1 that is `width` long."""
    known = (found.mean if math.isnan(bound) else bound for bound in (found.low, found.mean, found.high))
    low, mean, high = (round(width * value, 1) for value in known)
    return low, mean, high


def _points(difference: Interval) -> str:
    bounds = "" if math.isnan(difference.low) else f" ({_signed(difference)})"
    return f"{100 * difference.mean:+.1f}{bounds}"


def template(name: str) -> jinja2.Template:
    """A template of this folder, which escapes whatever is put in."""
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(Path(__file__).parent),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"label": lambda name: style(name).label, "share": _share, "points": _points, "bar": _bar}
    return environment.get_template(name)
