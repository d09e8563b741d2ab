"""How often the personalized answer wins: from outcomes of single comparisons to a figure with its doubts beside it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Literal, TypeAlias

from trainer.intervals import Interval, by_user, share_over_users
from trainer.judge.asking import Bill

Outcome: TypeAlias = Literal["win", "tie", "loss", "invalid", "failed"]
"""Of the personalized answer; "invalid": the judge gave no verdict, "failed": there was no reply."""

SIMILAR_LENGTH = 0.25
"""Answers whose lengths differ by less than this share of the longer one are alike in length."""
_POINTS: dict[Outcome, float] = {"win": 1.0, "tie": 0.5, "loss": 0.0}


@dataclass(frozen=True, slots=True)
class Comparison:
    """One prompt of one user, answered with the user's summary and without."""

    user: str
    persona: str
    """What the judge is told about the user."""
    prompt: str
    personalized: str
    plain: str
    slices: Mapping[str, str] = field(default_factory=dict)

    @property
    def similar_length(self) -> bool:
        """Whether the answers' lengths in characters differ by less than a quarter of the longer one."""
        lengths = len(self.personalized), len(self.plain)
        return max(lengths) - min(lengths) < SIMILAR_LENGTH * max(lengths) or lengths[0] == lengths[1]


@dataclass(frozen=True, slots=True)
class Judged:
    """A comparison and what came of it."""

    comparison: Comparison
    outcome: Outcome


@dataclass(frozen=True, slots=True)
class Share:
    """The win rate among some of the comparisons, ties counting half, with its interval over users."""

    rate: Interval
    comparisons: int

    def as_json(self) -> dict[str, Any]:
        """Plain numbers, under the names that the whole win rate has too."""
        return {**self.rate.as_json("win_rate"), "comparisons": self.comparisons}


@dataclass(frozen=True, slots=True)
class WinRate:
    """What the judge said over all comparisons of the personalized answer with the plain one."""

    judge: str
    users: int
    """Users with at least one outcome that counts."""
    comparisons: int
    wins: int
    ties: int
    """Verdicts of "tie", orders that contradict each other, and answers that are the same."""
    losses: int
    identical: int
    """The ties among `ties` that were not asked about, because both answers are the same text."""
    invalid: int
    """The judge gave no verdict that can be read, asked twice."""
    failed: int
    """The provider gave no reply, neither to the prompt or to the judge."""
    failure: str
    """One of those failures in words; "" when there was none."""
    overall: Share | None
    """None when no outcome counts."""
    similar_length: Share | None
    """Among answers of similar length: what is left of a win rate that only rewards longer or shorter answers."""
    slices: Mapping[str, Mapping[str, Share]]
    """By slice and its value."""
    position_bias: float | None
    """Share of the verdicts for an answer that went to the one shown first: 0.5 is fair; None without any."""
    judging: Bill
    answering: Bill | None = None
    """What the answers took, where they were made in the same run."""

    def as_json(self) -> dict[str, Any]:
        """One object of plain numbers and texts; what is not known is None."""
        nothing = {"win_rate": None, "low": None, "high": None}
        return {
            "judge": self.judge,
            **(self.overall.rate.as_json("win_rate") if self.overall else nothing),
            "users": self.users,
            "comparisons": self.comparisons,
            "wins": self.wins,
            "ties": self.ties,
            "losses": self.losses,
            "identical": self.identical,
            "invalid": self.invalid,
            "failed": self.failed,
            "failure": self.failure,
            "similar_length": self.similar_length.as_json() if self.similar_length else None,
            "slices": {
                name: {value: share.as_json() for value, share in values.items()}
                for name, values in self.slices.items()
            },
            "position_bias": self.position_bias,
            "judging": asdict(self.judging),
            "answering": asdict(self.answering) if self.answering else None,
        }


def tally(
    judged: Sequence[Judged], *, judge: str, first_picks: Sequence[bool], bill: Bill, failure: str = ""
) -> WinRate:
    """Count outcomes and take the shares; `first_picks` holds for each verdict that names an answer whether it is A."""
    counts = Counter(one.outcome for one in judged)
    return WinRate(
        judge=judge,
        users=len({one.comparison.user for one in judged if one.outcome in _POINTS}),
        comparisons=len(judged),
        wins=counts["win"],
        ties=counts["tie"],
        losses=counts["loss"],
        identical=sum(one.comparison.personalized == one.comparison.plain for one in judged),
        invalid=counts["invalid"],
        failed=counts["failed"],
        failure=failure,
        overall=share_of(judged),
        similar_length=share_of(one for one in judged if one.comparison.similar_length),
        slices=_by_slice(judged),
        position_bias=sum(first_picks) / len(first_picks) if first_picks else None,
        judging=bill,
    )


def share_of(judged: Iterable[Judged]) -> Share | None:
    """The win rate among the outcomes that count, or None when none does."""
    counted = [(one.comparison.user, _POINTS[one.outcome]) for one in judged if one.outcome in _POINTS]
    if not counted:
        return None
    users, points = zip(*counted, strict=True)
    return Share(share_over_users(by_user(users, points)), len(counted))


def _by_slice(judged: Sequence[Judged]) -> dict[str, dict[str, Share]]:
    found: dict[str, dict[str, Share]] = {}
    for name in sorted({name for one in judged for name in one.comparison.slices}):
        values = sorted({one.comparison.slices[name] for one in judged if name in one.comparison.slices})
        shares = {
            value: share_of(one for one in judged if one.comparison.slices.get(name) == value) for value in values
        }
        found[name] = {value: share for value, share in shares.items() if share is not None}
    return found
