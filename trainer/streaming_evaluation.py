"""How much of a summary's gain is kept where it is only ever brought up to date, on the same held-out pairs.

A user's signals are dealt out in parts, in order. After each part three summaries are written and ranked with:

    full        of all signals so far, read again from the first
    streaming   of the previous such summary and the newest part
    newest      of the newest part alone, without which nobody could say that the previous summary was of any use

Beside them stand `none` and `oracle`, which no part changes. Held-out pairs follow what users like in the end, so those
who changed their mind half-way (a slice such as `drift` in simulated worlds) show how soon each of the three follows.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TypeAlias

from popi_sdk.errors import ConfigError
from popi_sdk.render import raw_tokens
from popi_sdk.signals import Signal
from popi_sdk.summary import NOTHING, Summary
from popi_sdk.tokens import count_tokens
from trainer.controls import SdkWriter, Writer, clause_lines, nothing, oracle_summaries
from trainer.data import Example, load_examples
from trainer.fitting import fitted, refuse_long_pairs
from trainer.health import users_to_look_at
from trainer.intervals import Interval, by_user, differences_by_user, ratio_over_users, share_over_users
from trainer.opened import Evaluated, open_evaluated
from trainer.progress import Reporter
from trainer.scoring import PairScorer, ranked_right
from trainer.streaming import parts

WAYS = ("full", "streaming", "newest")

Ranked: TypeAlias = Sequence[Sequence[float]]
"""By example in order: the score of each of its pairs."""


@dataclass(frozen=True, slots=True)
class AfterPart:
    """What is known of all users after so many parts of their signals."""

    accuracy: Mapping[str, Interval]
    """By way, of `WAYS`."""
    kept: Interval | None
    """Gain of `streaming` over no summary as a share of that of `full`; None where `full` gains nothing."""

    def as_json(self) -> dict[str, Any]:
        """Each way with `accuracy`, `low`, `high`, and `kept` with `share`, `low`, `high`."""
        ways = {way: interval.as_json("accuracy") for way, interval in self.accuracy.items()}
        return {**ways, "kept": self.kept.as_json("share") if self.kept else None}


@dataclass(frozen=True, slots=True)
class Streamed:
    """All ways after each part, for some of the users."""

    users: int
    pairs: int
    after: Sequence[AfterPart]
    beside: Mapping[str, Interval]
    """`none`, and `oracle` where it is known."""

    def as_json(self) -> dict[str, Any]:
        """`after` is a list, a part each."""
        return {
            "users": self.users,
            "pairs": self.pairs,
            "controls": {name: interval.as_json("accuracy") for name, interval in self.beside.items()},
            "after": [{"parts": part, **one.as_json()} for part, one in enumerate(self.after, start=1)],
        }


@dataclass(frozen=True, slots=True)
class StreamingEvaluation:
    """Full history against streaming over a number of updates."""

    overall: Streamed
    slices: Mapping[str, Mapping[str, Streamed]]
    read: Sequence[Mapping[str, float]]
    """By part and way: mean tokens of signals and previous summary that are read for one summary, as the SDK counts."""

    def as_json(self) -> dict[str, Any]:
        """One object; tokens stand beside the accuracy of each way in `after`."""
        whole = self.overall.as_json()
        for row, read in zip(whole["after"], self.read, strict=True):
            for way, tokens in read.items():
                row[way]["tokens_read"] = tokens
        return {
            **whole,
            "slices": {
                name: {value: streamed.as_json() for value, streamed in values.items()}
                for name, values in self.slices.items()
            },
        }


def evaluate_streaming(
    place: Path | None = None,
    *,
    updates: int,
    data: Path | None = None,
    summarizer: str = "",
    generator: str = "",
    limit: int | None = None,
    sampled: bool = False,
    reporter: Reporter | None = None,
) -> StreamingEvaluation:
    """Deal out the signals of a run's test users, or of those in `data`, in `updates` parts; see `trainer.evaluate`.

    Raises:
        ConfigError: no such run or judge, no user with held-out pairs and as many signals as parts, or a pair that the
            judge cannot read.
    """
    if place is None and data is None:
        raise ConfigError("Without a run there are no held-out pairs", hint="Give --data FILE, or name a run.")
    evaluated = open_evaluated(place, summarizer, generator, sampled=sampled)
    examples = users_with(updates, data or evaluated.test_split)
    return measure_streaming(evaluated, users_to_look_at(examples, limit or len(examples)), updates, reporter)


def users_with(updates: int, file: Path | None) -> list[Example]:
    """The examples that have held-out pairs and at least a signal for each part.

    Raises:
        ConfigError: there is no such file, or no such example in it.
    """
    if file is None or not file.is_file():
        raise ConfigError(f"There is no {file}", hint="Give --data a file in the documented format.")
    examples = [one for one in load_examples(file) if one.pairs and len(one.signals) >= updates]
    if not examples:
        raise ConfigError(
            f"No example in {file} has held-out pairs and {updates} signals",
            hint="Lower --updates, or give --data users who have shown more.",
        )
    return examples


def measure_streaming(
    evaluated: Evaluated, examples: Sequence[Example], updates: int, reporter: Reporter | None = None
) -> StreamingEvaluation:
    """Measure what was opened, on examples with held-out pairs and at least `updates` signals.

    Raises:
        ConfigError: the judge cannot read a pair.
    """
    reporter = reporter or Reporter()
    judge = evaluated.generator
    refuse_long_pairs(judge, examples)
    beside = {"none": nothing(examples), "oracle": oracle_summaries(examples, judge.encoder)}
    ranked_beside = {name: _ranked(judge, examples, each) for name, each in beside.items() if each is not None}
    after: list[dict[str, Ranked]] = []
    read: list[dict[str, float]] = []
    with reporter.stage("parts of the signals", updates) as advance:
        for asked, written in written_after_parts(evaluated.trained, examples, updates):
            after.append({way: _ranked(judge, examples, written[way]) for way in WAYS})
            read.append({way: sum(map(_tokens_read, asked[way])) / len(examples) for way in WAYS})
            advance()
    return StreamingEvaluation(
        overall=streamed(examples, after, ranked_beside),
        slices=_slices(examples, after, ranked_beside),
        read=read,
    )


def written_after_parts(
    writer: Writer, examples: Sequence[Example], updates: int
) -> Iterator[tuple[dict[str, list[Example]], dict[str, list[Summary]]]]:
    """After each part and by way: what the summarizer was shown of each user, and what it wrote."""
    dealt = [parts(example, _places(len(example.signals), updates)) for example in examples]
    heard: list[tuple[Signal, ...]] = [()] * len(examples)
    known = [NOTHING] * len(examples)
    for part in range(updates):
        newest = [one[part] for one in dealt]
        heard = [(*before, *one.signals) for before, one in zip(heard, newest, strict=True)]
        shown = {
            "full": [replace(one, signals=signals) for one, signals in zip(newest, heard, strict=True)],
            "streaming": [
                replace(one, previous=clause_lines(before)) for one, before in zip(newest, known, strict=True)
            ],
            "newest": newest,
        }
        written = {way: _write(writer, each) for way, each in shown.items()}
        known = written["streaming"]
        yield shown, written


def streamed(
    examples: Sequence[Example], after: Sequence[Mapping[str, Ranked]], beside: Mapping[str, Ranked]
) -> Streamed:
    """Accuracies and shares of the gain, given after each part and by way the scores of each example's pairs."""
    scores = {name: _by_user(examples, each) for name, each in beside.items()}
    return Streamed(
        users=len({example.user for example in examples}),
        pairs=sum(len(example.pairs) for example in examples),
        after=[_after({way: _by_user(examples, one[way]) for way in WAYS}, scores["none"]) for one in after],
        beside={name: share_over_users(each) for name, each in scores.items()},
    )


def _after(scores: Mapping[str, Mapping[str, Sequence[float]]], none: Mapping[str, Sequence[float]]) -> AfterPart:
    gains = {way: differences_by_user(scores[way], none) for way in ("streaming", "full")}
    gained = sum(map(sum, gains["full"].values())) > 0
    return AfterPart(
        accuracy={way: share_over_users(each) for way, each in scores.items()},
        kept=ratio_over_users(gains["streaming"], gains["full"]) if gained else None,
    )


def _slices(
    examples: Sequence[Example], after: Sequence[Mapping[str, Ranked]], beside: Mapping[str, Ranked]
) -> dict[str, dict[str, Streamed]]:
    slices: dict[str, dict[str, Streamed]] = {}
    for name, value in sorted({item for example in examples for item in example.slices.items()}):
        inside = [place for place, example in enumerate(examples) if example.slices.get(name) == value]
        slices.setdefault(name, {})[value] = streamed(
            [examples[place] for place in inside],
            [{way: [scores[place] for place in inside] for way, scores in one.items()} for one in after],
            {control: [scores[place] for place in inside] for control, scores in beside.items()},
        )
    return slices


def _places(signals: int, updates: int) -> list[int]:
    """Where `signals` are cut into parts as even as can be."""
    return [signals * part // updates for part in range(1, updates)]


def _write(writer: Writer, examples: Sequence[Example]) -> list[Summary]:
    if isinstance(writer, SdkWriter):  # it writes of signals alone, and the SDK's summarizers take both
        return [_updated(writer, example) for example in examples]
    return writer.write(examples)


def _updated(writer: SdkWriter, example: Example) -> Summary:
    previous = writer.encoder.as_it_is(example.previous)
    said = writer.summarizer.summarize(example.signals, previous or None)
    return writer.encoder.safe_summary(clause_lines(said) if isinstance(said, Summary) else said)


def _tokens_read(shown: Example) -> int:
    return raw_tokens(shown.signals) + count_tokens(shown.previous)


def _ranked(judge: PairScorer, examples: Sequence[Example], summaries: Sequence[Summary]) -> Ranked:
    readable = [fitted(judge, one, summary) for one, summary in zip(examples, summaries, strict=True)]
    return [ranked_right(one.margins).tolist() for one in judge.scored(examples, readable)]


def _by_user(examples: Sequence[Example], scores: Ranked) -> dict[str, list[float]]:
    users = [example.user for example in examples for _ in example.pairs]
    return by_user(users, [score for one in scores for score in one])
