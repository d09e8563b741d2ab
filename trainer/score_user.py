"""Does a summary explain one user's own choices? The judge is asked with the summary and without, on held-out pairs.

A pair counts for the summary when the judge, shown it, leans further towards the answer that the user chose than the
same judge shown nothing, and against it when it leans the other way; pairs that it does not move count for neither.
A summary that has nothing to do with the choices moves as many pairs one way as the other, however good the judge is
without it. (One that asks for what everybody chooses does not; `popi-train evaluate` tries another user's summary too.)
So the verdict rests on the share of moved pairs that go towards the user's choice, with its exact 95 % interval:

    explains            the interval lies above one half (the exact two-sided sign test)
    no better           it does not, and lies below three quarters: chance is possible, a telling summary is not
    too few pairs       it holds both: eight pairs of which five go the right way may be either
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal, TypeAlias

import torch

from popi_sdk.config import Config as SdkConfig
from popi_sdk.errors import ConfigError
from popi_sdk.personalization import own_words
from popi_sdk.signals import PreferencePair
from popi_sdk.summary import NOTHING, Summary
from trainer.data import Example, load_examples
from trainer.datasets.rotation import set_apart
from trainer.fitting import fitted, refuse_long_pairs
from trainer.intervals import Interval, exact_interval
from trainer.opened import open_judge, open_writer
from trainer.scoring import ROUNDING, PairScorer, ranked_right

Verdict: TypeAlias = Literal["explains", "no better than no summary", "too few pairs to tell"]

Move: TypeAlias = tuple[float, float]
"""A pair's margin with the summary and without, in nats."""

CHANCE, TELLING = 0.5, 0.75
"""Shares of moved pairs that a summary gets right by chance, and that one gets right which is worth having."""
ENOUGH_TO_HOLD_OUT = 4
"""Pairs among the signals from which on the newest quarter of them may be held out."""

_LONG_AGO = datetime.min.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class UserScore:
    """What a summary is worth for one user's own choices; all lines of a user in the file together."""

    user: str
    summaries: tuple[str, ...]
    """The summary of each of the user's lines."""
    pairs: int
    """Held-out pairs."""
    taken_from_signals: bool
    """Whether the newest quarter of the pairs among the signals was held out, as no `pairs` were given."""
    accuracy: float | None
    """Share of the pairs that the judge ranks right with the summary; None without pairs, as all that follow."""
    accuracy_without: float | None
    margin: float | None
    """Mean of how much further the judge leans towards the chosen answer with the summary than without, in nats."""
    towards: int
    """Pairs that the summary moves towards the chosen answer."""
    away: int
    """Pairs that it moves away from it."""

    @property
    def share(self) -> Interval | None:
        """The share `towards` has of all pairs that are moved, with its exact interval; None where none is."""
        moved = self.towards + self.away
        return exact_interval(self.towards, moved) if moved else None

    @property
    def verdict(self) -> Verdict:
        """What all that comes to; see the top of this chapter."""
        if self.pairs and not any(self.summaries):
            return "no better than no summary"
        if self.share is None:
            return "too few pairs to tell"
        if self.share.low > CHANCE:
            return "explains"
        return "no better than no summary" if self.share.high < TELLING else "too few pairs to tell"

    def as_json(self) -> dict[str, Any]:
        """Plain numbers and texts; what is not known is None."""
        share = self.share.as_json("share") if self.share else {"share": None, "low": None, "high": None}
        return {
            "user": self.user,
            "verdict": self.verdict,
            "summaries": list(self.summaries),
            "pairs": self.pairs,
            "taken_from_signals": self.taken_from_signals,
            "accuracy": self.accuracy,
            "accuracy_without": self.accuracy_without,
            "margin": self.margin,
            "towards": self.towards,
            "away": self.away,
            **share,
        }


def score_users(file: Path, *, summarizer: str = "", text: str = "", generator: str = "") -> list[UserScore]:
    """Score every user of a file in the documented format, in the file's order.

    Args:
        summarizer: whoever writes the summaries: a run or checkpoint, or whatever the SDK takes; "embedded" by default.
        text: a summary that a person wrote about the file's only user, instead of the summarizer's.
        generator: judges instead of the shipped one: a run, a folder laid out alike, or any model.

    Raises:
        ConfigError: there is no such file, summarizer or judge, `text` is about several users, or the judge cannot read
            a pair.
        SignalError: a line cannot be used, or the guard would cut a part of `text`.
    """
    if not file.is_file():
        raise ConfigError(f"There is no {file}", hint="Give a file in the documented format, a user's example a line.")
    given = load_examples(file)
    if text and summarizer:
        raise ConfigError("Either a person wrote the summary or a summarizer did", hint="Leave out one of the two.")
    if text and len({example.user for example in given}) > 1:
        raise ConfigError(
            f"{file} holds several users, and one text is about one of them", hint="Give a file with that user's lines."
        )
    own = own_words(text, SdkConfig(), redactor=None) if text else None
    judge = open_judge(generator)[1]
    examples = [example if example.pairs else with_held_out(example) for example in given]
    refuse_long_pairs(judge, examples)
    summaries = [own] * len(examples) if own else open_writer(summarizer, judge).write(examples)
    summaries = [fitted(judge, one, said) for one, said in zip(examples, summaries, strict=True)]
    moves = _moves(judge, examples, summaries)
    lines: dict[str, list[int]] = {}
    for place, example in enumerate(examples):
        lines.setdefault(example.user, []).append(place)
    return [
        _score(
            user,
            summaries=tuple(summaries[place].text for place in places),
            moves=[move for place in places for move in moves[place]],
            taken_from_signals=any(examples[place].pairs and not given[place].pairs for place in places),
        )
        for user, places in lines.items()
    ]


def with_held_out(example: Example) -> Example:
    """The example with the newest quarter of its preference pairs held out, where it shows at least four.

    The user's own pairs only, and no signal stays in which the prompt of a held-out pair can be read.

    >>> pairs = tuple(PreferencePair(f"Question {n}?", "Yes.", "No.") for n in range(8))
    >>> held = with_held_out(Example("ada", pairs, ()))
    >>> len(held.signals), [pair.prompt for pair in held.pairs]
    (6, ['Question 6?', 'Question 7?'])
    """
    pairs = [one for one in example.signals if isinstance(one, PreferencePair) and one.source == "user"]
    if len(pairs) < ENOUGH_TO_HOLD_OUT:
        return example
    newest = sorted(pairs, key=lambda pair: pair.at or _LONG_AGO)[-(len(pairs) // 4) :]
    signals = tuple(one for one in example.signals if one not in newest)
    return set_apart(replace(example, signals=signals, pairs=tuple(newest)))


def _moves(judge: PairScorer, examples: Sequence[Example], summaries: Sequence[Summary]) -> list[list[Move]]:
    """Margins of each example's pairs with its summary, and without one."""
    held = [place for place, example in enumerate(examples) if example.pairs]
    if not held:
        return [[] for _ in examples]
    theirs = [examples[place] for place in held]
    both = [judge.margins(theirs, [summaries[place] for place in held]), judge.margins(theirs, [NOTHING] * len(held))]
    moves = {
        place: list(zip(shown.tolist(), bare.tolist(), strict=True))
        for place, shown, bare in zip(held, *both, strict=True)
    }
    return [moves.get(place, []) for place in range(len(examples))]


def _score(user: str, *, summaries: tuple[str, ...], moves: Sequence[Move], taken_from_signals: bool) -> UserScore:
    unknown = UserScore(user, summaries, len(moves), taken_from_signals, None, None, None, 0, 0)
    if not moves:
        return unknown
    shown, bare = torch.tensor(moves, dtype=torch.float64).T
    moved = shown - bare
    return replace(
        unknown,
        accuracy=ranked_right(shown).mean().item(),
        accuracy_without=ranked_right(bare).mean().item(),
        margin=moved.mean().item(),
        towards=int((moved > ROUNDING).sum()),
        away=int((moved < -ROUNDING).sum()),
    )
