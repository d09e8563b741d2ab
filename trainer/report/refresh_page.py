"""The page about a refresh: what was decided and why, old against new, and ten users with both their summaries."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from trainer.intervals import Interval
from trainer.refresh.gate import FEWEST, Slice
from trainer.report.page import LINE_TOKENS, TEXT_TOKENS, cut, in_page, template, user_on_page
from trainer.report.reading import Measured
from trainer.report.refresh_figures import MOST_ROWS
from trainer.report.refresh_reading import RefreshRead

_OUTCOMES = ("none", "before", "trained", "swapped", "oracle")
"""Contexts whose outcomes stand beside each user's pairs."""
SIGNS = {"better": "\u25b2", "same": "\u25cb", "worse": "\u25bc", "too few": "\u00d7"}
"""The figure's markers as characters."""


@dataclass(frozen=True, slots=True)
class PopulationOnPage:
    """One population: every control, and new minus each of them."""

    title: str
    measured: Measured
    differences: Mapping[str, Interval]


def refresh_page(read: RefreshRead, figures: Mapping[str, bytes]) -> str:
    """The whole page as HTML."""
    decision = read.decided.decision
    shown = shown_slices(decision.slices)
    return template("refresh.html.j2").render(
        name=read.folder.resolve().name,
        verdict=verdict(read),
        promoted=decision.promoted,
        reasons=[cut(reason, 2 * TEXT_TOKENS) for reason in reasons(read)],
        facts=dict(_facts(read)),
        confidence=f"{100 * decision.confidence:g}",
        populations=[
            PopulationOnPage(title, measured, {**measured.differences, "before": difference})
            for title, measured, difference in populations(read)
        ],
        slices=[replace(one, name=cut(one.name, LINE_TOKENS), value=cut(one.value, LINE_TOKENS)) for one in shown],
        more=len(decision.slices) - len(shown),
        fewest=FEWEST,
        signs=SIGNS,
        images=in_page(figures),
        users=[user_on_page(one, _OUTCOMES) for one in read.held_out.shown],
    )


def verdict(read: RefreshRead) -> str:
    """The decision in a sentence."""
    parent = read.decided.parent
    former = "what was in service" if parent is None else f"version {parent}"
    if not read.decided.decision.promoted:
        return f"Refused: {former} stays in service."
    if read.outcome is None:
        return f"Passed: the new summarizer may take the place of {former}."
    if read.outcome.version is None:
        return "Passed, but not put in service."
    return f"Promoted: version {read.outcome.version} is in service in the place of {former}."


def reasons(read: RefreshRead) -> tuple[str, ...]:
    """Why, in sentences; what came in between after the decision comes first."""
    decided = read.decided.decision.reasons
    ended = read.outcome.reasons if read.outcome else ()
    return (*(reason for reason in ended if reason not in decided), *decided)


def populations(read: RefreshRead) -> Sequence[tuple[str, Measured, Interval]]:
    """Each population's name, its evaluation, and the difference that was decided on."""
    decision = read.decided.decision
    return (
        ("Held-out users", read.held_out, decision.overall),
        ("Trusted set", read.trusted, decision.trusted),
    )


def shown_slices(slices: Sequence[Slice]) -> list[Slice]:
    """At most `MOST_ROWS` of them in their order: those that had a say, a worse one before others, then the largest."""
    first = sorted(slices, key=lambda one: (one.verdict == "too few", one.verdict != "worse", -one.users))[:MOST_ROWS]
    return [one for one in slices if one in first]


def _facts(read: RefreshRead) -> Iterator[tuple[str, str]]:
    if read.decided.parent is not None:
        yield "Version in service before", str(read.decided.parent)
    yield "Joint steps", f"{read.decided.step:,}"
    for name, value in _scalars(read.decided.gathered):
        words = name.replace("_", " ")
        yield cut(words[:1].upper() + words[1:], LINE_TOKENS), cut(value, LINE_TOKENS)


def _scalars(facts: Mapping[str, Any], before: str = "") -> Iterator[tuple[str, str]]:
    for name, value in facts.items():
        if isinstance(value, Mapping):
            yield from _scalars(value, f"{before}{name}, ")
        elif isinstance(value, str | int | float) and value != "":
            yield f"{before}{name}", f"{value:,}" if isinstance(value, int | float) else value
