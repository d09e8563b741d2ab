"""Whether a new summarizer may take the place of the one in service: said by figures, and never where they are unknown.

It may when all of this holds, for the same pairs of the same users ranked with old and new summaries:

    better      on users that were held out, the interval of the difference lies above 0
    trusted     on the frozen set, the interval of the difference does not lie below 0
    slices      on no slice of either population does its interval lie below 0
    own         a user's own new summary ranks better than the new summary of somebody else

Many slices are looked at, so one of them would look worse by chance: their intervals together hold with the confidence
asked for (Bonferroni). Holm's method would decide alike, as its first step is Bonferroni's and the gate only asks
whether any slice is worse; but Bonferroni's intervals can be drawn. A slice of few users has no say, and the small ones
of a name are pooled, so that dealing users out to small slices hides no loss.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from math import isnan, nan
from typing import Any, Literal, TypeAlias

from popi_sdk.errors import ConfigError
from trainer.evaluate import Evaluation
from trainer.intervals import Interval, bootstrap_over_users, by_user, differences_by_user

FEWEST = 10
"""Users below which nothing is told: ten who all lose do so by chance once in 1024 times, bootstrap or not."""
FEWEST_CHANGED = 6
"""Users that must gain or lose at all: five who all gain do so by chance once in 32 times."""
OTHERS = "all others"
"""The value under which a name's small slices, and the examples without that name, are pooled."""
_SAMPLES = 2_000
_SAMPLES_OF_SLICES = 10_000
"""More, as their bounds lie further out."""

_UNKNOWN = Interval(nan, nan, nan)

Population: TypeAlias = Literal["held out", "trusted"]
Verdict: TypeAlias = Literal["better", "same", "worse", "too few"]


@dataclass(frozen=True, slots=True)
class Slice:
    """Old against new on the examples of one value of a slice."""

    population: Population
    name: str
    value: str
    users: int
    pairs: int
    difference: Interval
    """Corrected for the number of slices; without bounds where there are too few users."""
    verdict: Verdict

    def as_json(self) -> dict[str, Any]:
        """The interval's numbers stand under `difference`, `low` and `high`."""
        names = ("population", "name", "value", "users", "pairs", "verdict")
        return {name: getattr(self, name) for name in names} | self.difference.as_json("difference")


@dataclass(frozen=True, slots=True)
class Decision:
    """Whether the new summarizer is promoted, and all that this rests on. Differences are new minus old."""

    promoted: bool
    reasons: tuple[str, ...]
    """Why, or why not, in sentences."""
    confidence: float
    overall: Interval
    """On all held-out users."""
    trusted: Interval
    """On the trusted set."""
    own: Interval
    """On held-out users, a user's own new summary minus that of another one."""
    slices: tuple[Slice, ...]

    def as_json(self) -> dict[str, Any]:
        """One object; a bound that is not known is null."""
        return {
            "promoted": self.promoted,
            "reasons": list(self.reasons),
            "confidence": self.confidence,
            "overall": self.overall.as_json("difference"),
            "trusted": self.trusted.as_json("difference"),
            "own": self.own.as_json("difference"),
            "slices": [one.as_json() for one in self.slices],
        }


def decide(held_out: Evaluation, trusted: Evaluation, *, confidence: float = 0.95) -> Decision:
    """Decide from the controls `trained`, `before` and `swapped` on both populations.

    Neither the order nor the names of users matter.

    Raises:
        ConfigError: an evaluation lacks `trained` or `before`, holds a score that is no number, or `confidence` does
            not lie between 0 and 1.
    """
    overall = _difference(_gains(held_out, "before"), confidence)
    on_trusted = _difference(_gains(trusted, "before"), confidence)
    own = _difference(_gains(held_out, "swapped"), confidence) if "swapped" in held_out.ranked else _UNKNOWN
    slices = _slices(held_out, trusted, confidence)
    checks = (
        _overall_check(held_out, overall),
        _trusted_check(trusted, on_trusted),
        _slices_check(slices),
        _own_check(own),
    )
    refusals = tuple(chain.from_iterable(check.refusals for check in checks))
    return Decision(
        promoted=not refusals,
        reasons=refusals or tuple(check.passed for check in checks),
        confidence=confidence,
        overall=overall,
        trusted=on_trusted,
        own=own,
        slices=slices,
    )


def in_points(difference: Interval) -> str:
    """A difference of accuracies in words.

    >>> in_points(Interval(0.05, 0.01, 0.09))
    '+5.0 points (+1.0 to +9.0)'
    """
    if isnan(difference.mean):
        return "an unknown difference"
    unknown = isnan(difference.low) or isnan(difference.high)
    bounds = "bounds unknown" if unknown else f"{100 * difference.low:+.1f} to {100 * difference.high:+.1f}"
    return f"{100 * difference.mean:+.1f} points ({bounds})"


# --- what must hold ------------------------------------------------------------------------------------------------
# A bound that is not known is NaN and compares false with everything: each condition is put such that this refuses.


@dataclass(frozen=True, slots=True)
class _Check:
    refusals: tuple[str, ...]
    passed: str
    """What is said where nothing is refused."""


def _overall_check(held_out: Evaluation, difference: Interval) -> _Check:
    gains = _gains(held_out, "before")
    changed = sum(sum(each) != 0 for each in gains.values())
    found = f"{in_points(difference)}, {_from_to(held_out)}"
    if len(gains) < FEWEST:
        refusals = [f"Only {len(gains)} users are held out; below {FEWEST} nothing can be told."]
    elif not difference.low > 0:
        refusals = [f"Not shown to be better on held-out users: {found}."]
    elif changed < FEWEST_CHANGED:
        refusals = [
            f"Only {changed} held-out users have more or fewer pairs ranked right than before; "
            f"that fewer than {FEWEST_CHANGED} gain may be chance."
        ]
    else:
        refusals = []
    return _Check(tuple(refusals), f"Better on held-out users: {found}.")


def _trusted_check(trusted: Evaluation, difference: Interval) -> _Check:
    users = len(_gains(trusted, "before"))
    found = f"{in_points(difference)}, {_from_to(trusted)}"
    if users < FEWEST:
        refusals = [f"The trusted set has only {users} users; below {FEWEST} nothing can be told."]
    else:
        refusals = [] if difference.high >= 0 else [f"Worse on the trusted set: {found}."]
    return _Check(tuple(refusals), f"Not worse on the trusted set: {found}.")


def _slices_check(slices: Sequence[Slice]) -> _Check:
    looked_at = sum(one.verdict != "too few" for one in slices)
    passed = f"Worse on none of {looked_at} slices" if looked_at else "There is no slice of enough users"
    refusals = (
        f'Worse on the {one.population.replace(" ", "-")} slice {one.name} "{one.value}": {in_points(one.difference)}, '
        f"{_count(one.pairs, one.users)}."
        for one in slices
        if one.verdict == "worse"
    )
    return _Check(tuple(refusals), f"{passed}, of held-out users and of the trusted set.")


def _own_check(difference: Interval) -> _Check:
    found = f"{in_points(difference)} over another user's summary"
    refusal = f"The new summaries are not shown to be about their own users: {found}."
    return _Check(() if difference.low > 0 else (refusal,), f"The new summaries are about their own users: {found}.")


def _from_to(evaluation: Evaluation) -> str:
    shares = []
    for name in ("before", "trained"):
        scores = list(chain.from_iterable(evaluation.ranked[name]))
        shares.append(f"{100 * sum(scores) / len(scores):.1f} %" if scores else "nothing")
    return f"from {shares[0]} to {shares[1]} of {_count(len(scores), len(_gains(evaluation, 'before')))}"


def _count(pairs: int, users: int) -> str:
    return f"{pairs:,} pairs of {users:,} users"


# --- slices --------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Part:
    """A value of a slice, and the gains of its users."""

    population: Population
    name: str
    value: str
    gains: Mapping[str, Sequence[float]]


def _slices(held_out: Evaluation, trusted: Evaluation, confidence: float) -> tuple[Slice, ...]:
    populations: tuple[tuple[Population, Evaluation], ...] = (("held out", held_out), ("trusted", trusted))
    parts = [part for population, evaluation in populations for part in _parts(population, evaluation)]
    looked_at = sum(len(part.gains) >= FEWEST for part in parts)
    corrected = 1 - (1 - confidence) / max(1, looked_at)
    return tuple(_slice(part, corrected) for part in parts)


def _parts(population: Population, evaluation: Evaluation) -> Iterator[_Part]:
    """Every value of every slice, and what is pooled; what all examples share tells no more than the whole does."""
    examples = [example for example, _ in evaluation.summaries]
    for name in sorted({name for example in examples for name in example.slices}):
        places: dict[str, list[int]] = {}
        unnamed = [place for place, example in enumerate(examples) if name not in example.slices]
        for place, example in enumerate(examples):
            if name in example.slices:
                places.setdefault(example.slices[name], []).append(place)
        if len(places) == 1 and not unnamed:
            continue
        parts = [
            _Part(population, name, value, _gains(evaluation, "before", places[value])) for value in sorted(places)
        ]
        yield from parts
        small = [part.value for part in parts if len(part.gains) < FEWEST]
        pooled = unnamed + [place for value in small for place in places[value]]
        if (unnamed or len(small) > 1) and len(pooled) < len(examples):
            yield _Part(population, name, OTHERS, _gains(evaluation, "before", pooled))


def _slice(part: _Part, confidence: float) -> Slice:
    users = len(part.gains)
    if users < FEWEST:
        difference = Interval(_mean(part.gains), nan, nan)
    else:
        difference = _difference(part.gains, confidence, _SAMPLES_OF_SLICES)
    pairs = sum(map(len, part.gains.values()))
    return Slice(part.population, part.name, part.value, users, pairs, difference, _verdict(users, difference))


def _verdict(users: int, difference: Interval) -> Verdict:
    if users < FEWEST:
        return "too few"
    if not difference.high >= 0:
        return "worse"
    return "better" if difference.low > 0 else "same"


# --- differences ---------------------------------------------------------------------------------------------------


def _gains(evaluation: Evaluation, other: str, places: Sequence[int] | None = None) -> dict[str, list[float]]:
    """By user, for each pair the score with the new summary minus that with `other`; users without pairs are absent."""
    missing = {"trained", other} - evaluation.ranked.keys()
    if missing:
        raise ConfigError(
            f"The evaluation has no figures with {' or '.join(sorted(missing))}",
            hint="Measure with what is in service as `Evaluated.before`.",
        )
    inside = range(len(evaluation.summaries)) if places is None else places
    new, old = (_by_user(evaluation, name, inside) for name in ("trained", other))
    return differences_by_user(new, old)


def _by_user(evaluation: Evaluation, control: str, places: Iterable[int]) -> dict[str, list[float]]:
    scored = [
        (evaluation.summaries[place][0].user, score) for place in places for score in evaluation.ranked[control][place]
    ]
    return by_user([user for user, _ in scored], [score for _, score in scored])


def _difference(gains: Mapping[str, Sequence[float]], confidence: float, samples: int = _SAMPLES) -> Interval:
    if not gains:
        return _UNKNOWN
    in_order = sorted(gains.values(), key=lambda each: (sum(each), len(each)))  # draws know users by their places
    unnamed = {str(place): each for place, each in enumerate(in_order)}
    return bootstrap_over_users(unnamed, confidence=confidence, samples=samples)


def _mean(gains: Mapping[str, Sequence[float]]) -> float:
    values = list(chain.from_iterable(gains.values()))
    return sum(values) / len(values) if values else nan
