"""Which signals are behind which clause of a summary that a model wrote: found by leaving them out, one at a time.

    prompt with all signals     -> log-probability of each token of the summary
    prompt without one of them  -> the same tokens again, likelier or not
    a clause                    -> the signals whose absence makes it less likely, and how sure the model was of it

A clause rests on a signal when its tokens, each given everything before it, are on average at least `LEAST_DROP` nats
less likely without that signal. Only the `MOST_TRIED` newest signals that the model was shown are tried, for each one
costs a reading of the prompt. A clause that no single one carries, as when several say the same, rests on all that were
shown. A clause taken over from an earlier summary word for word keeps the signals that it had there. Where some of the
signals are untrusted, a clause that is not written without them rests on them alone (`told_apart`).

What is named mattered; what is not named may have mattered together with others.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from math import exp
from statistics import fmean

from popi_sdk.summary import NOTHING, Clause, Summary

MOST_TRIED = 32
LEAST_DROP = 0.05


@dataclass(frozen=True, slots=True)
class Written:
    """A summary as a model wrote it."""

    ends: Sequence[int]
    """Characters of `text` up to and including each of its tokens."""
    text: str
    told: Sequence[float]
    """Log-probability of each token, and last that of the end."""


def written_out(ids: Sequence[int], told: Sequence[float], decode: Callable[[Sequence[int]], str]) -> Written:
    """The text of `ids`, and where each of them ends in it."""
    return Written([len(decode(ids[: place + 1])) for place in range(len(ids))], decode(ids), told)


@dataclass(frozen=True, slots=True)
class LeftOut:
    """How likely each token of a summary is with all signals in the prompt, and without each one."""

    with_all: Sequence[float]
    without: Mapping[str, Sequence[float]]
    """By the id of the signal that was left out."""
    shown: tuple[str, ...]
    """The ids of all signals that stood in the prompt."""


def with_sources(summary: Summary, written: Written, left_out: LeftOut, previous: Summary | None) -> Summary:
    """Say of each clause of `summary` which signals are behind it, and as its strength how sure the model was.

    That is the geometric mean of the probabilities of a clause's tokens, and no more than that of the clause before it,
    for the model was asked to write what is strongest first.
    """
    known = {clause.text: clause.signal_ids for clause in (previous or NOTHING).clauses}
    done: list[Clause] = []
    strength = 1.0
    for clause, span in zip(summary.clauses, spans(written, [one.text for one in summary.clauses]), strict=True):
        strength = min(strength, exp(_mean(written.told, span))) if span else strength
        found = [
            signal for signal in left_out.shown
            if span and signal in left_out.without
            and _mean(left_out.with_all, span) - _mean(left_out.without[signal], span) >= LEAST_DROP
        ]  # fmt: skip
        ids = dict.fromkeys([*known.get(clause.text, ()), *found]) or left_out.shown
        done.append(replace(clause, signal_ids=tuple(ids), strength=strength))
    return replace(summary, clauses=tuple(done), signal_ids=left_out.shown)


def told_apart(summary: Summary, untrusted: Collection[str], said_without: Collection[str]) -> Summary:
    """What would not be said without the untrusted signals rests on these alone, whoever else had a part in it; what
    would be said without them rests on none of them.

    `said_without` are the clauses that the model writes when it is shown the other signals only.
    """
    return replace(
        summary,
        clauses=tuple(
            _resting(clause, summary.signal_ids, untrusted, trusted=clause.text in said_without)
            for clause in summary.clauses
        ),
    )


def _resting(clause: Clause, shown: Sequence[str], untrusted: Collection[str], *, trusted: bool) -> Clause:
    alike = [one for one in clause.signal_ids if (one not in untrusted) is trusted]
    return replace(clause, signal_ids=tuple(alike or [one for one in shown if (one not in untrusted) is trusted]))


def spans(written: Written, clauses: Sequence[str]) -> list[range]:
    """The places of each clause's tokens; what stands between two clauses tells of neither. Empty where none is found.

    >>> spans(Written(ends=[3, 10, 11, 14, 20], text="Use lists.\\nBe brief.", told=()), ["Use lists.", "Be brief."])
    [range(0, 2), range(3, 5)]
    """
    places: list[range] = []
    after = 0
    for clause in clauses:
        first_word = clause.split(maxsplit=1)[0]
        start = written.text.find(clause, after)
        start = written.text.find(first_word, after) if start < 0 else start  # cleaning may have changed the rest
        if start < 0:
            places.append(range(0))
            continue
        after = start + len(clause)
        # From the token that ends behind the start to the one that ends at or behind the end.
        places.append(range(bisect_right(written.ends, start), bisect_left(written.ends, after) + 1))
    return [range(place.start, min(place.stop, len(written.ends))) for place in places]


def _mean(told: Sequence[float], span: range) -> float:
    return fmean(told[place] for place in span)
