"""How good the summaries are: held-out accuracy of a generator shown them, beside every control, with intervals.

A pair counts as ranked right when the generator, shown the summary, favours the chosen answer more than the reference
does without one (the sign of the margin; a margin of exactly 0 counts half). Intervals are bootstrapped over users, and
so are differences, pair by pair: what makes a pair easy for two controls falls out.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeAlias

import torch

from popi_sdk.errors import ConfigError
from popi_sdk.summary import Summary
from trainer.controls import CONTROLS, contrast_summaries, nothing, oracle_summaries, raw_summaries, swapped
from trainer.data import Example, load_examples
from trainer.fitting import fitted, refuse_long_pairs
from trainer.health import users_to_look_at
from trainer.intervals import (
    Interval,
    by_user,
    differences_by_user,
    paired_bootstrap,
    ratio_over_users,
    share_over_users,
)
from trainer.opened import Evaluated, open_evaluated
from trainer.progress import Reporter
from trainer.scoring import Scored, ranked_right

Scores: TypeAlias = Mapping[str, Mapping[str, Sequence[float]]]
"""By control and user: 1 for each pair ranked right, 0 for the others, 0.5 for ties."""


@dataclass(frozen=True, slots=True)
class ControlResult:
    """One control's figures on all pairs."""

    accuracy: Interval
    accuracy_per_token: float
    """The same with log-probabilities divided by the answers' lengths."""
    margin: float
    """Mean margin in nats."""
    loss: float
    """Mean preference loss."""
    tokens: float
    """Mean tokens of what stands in the context, in the generator's tokens."""

    def as_json(self) -> dict[str, Any]:
        """With `accuracy`, `low`, `high`, `margin`, `tokens` and the rest."""
        return {
            **self.accuracy.as_json("accuracy"),
            "margin": self.margin,
            "tokens": self.tokens,
            "loss": self.loss,
            "accuracy_per_token": self.accuracy_per_token,
        }


@dataclass(frozen=True, slots=True)
class Compared:
    """The controls on some of the users, and the trained summary against each other one."""

    users: int
    pairs: int
    accuracy: Mapping[str, Interval]
    """By control."""
    differences: Mapping[str, Interval]
    """Accuracy of `trained` minus that of each other control, on the same pairs."""
    oracle_share: Interval | None
    """Gain of `trained` over `none` as a share of the oracle's; None where there is no oracle, or it gains nothing."""

    def as_json(self) -> dict[str, Any]:
        """Accuracy of `trained` under `accuracy`, `low`, `high`; all controls under `controls`."""
        share = self.oracle_share
        return {
            **self.accuracy["trained"].as_json("accuracy"),
            "users": self.users,
            "pairs": self.pairs,
            "controls": {name: interval.as_json("accuracy") for name, interval in self.accuracy.items()},
            **self.differences_as_json(),
            "oracle_share": share.as_json("share") if share else None,
        }

    def differences_as_json(self) -> dict[str, Any]:
        """`trained` minus each other control under `differences`."""
        return {"differences": {name: one.as_json("difference") for name, one in self.differences.items()}}


@dataclass(frozen=True, slots=True)
class Evaluation:
    """All controls on the same users and pairs."""

    controls: Mapping[str, ControlResult]
    overall: Compared
    slices: Mapping[str, Mapping[str, Compared]]
    """The same by slice, such as {"topic": {"cooking": ...}}."""
    summaries: Sequence[tuple[Example, Summary]]
    """What the summarizer wrote."""
    ranked: Mapping[str, Sequence[Sequence[float]]] = field(default_factory=dict)
    """By control, and by example in the same order: the score of each of its pairs."""
    written: Mapping[str, Sequence[Summary]] = field(default_factory=dict)
    """What else was written about the same examples: by the version in service, under `before`."""

    @property
    def users(self) -> int:
        """How many users there are."""
        return self.overall.users

    @property
    def pairs(self) -> int:
        """How many pairs were ranked."""
        return self.overall.pairs

    def as_json(self) -> dict[str, Any]:
        """One object; see DESIGN for the names promised."""
        share = self.overall.oracle_share
        return {
            "users": self.users,
            "pairs": self.pairs,
            "controls": {name: result.as_json() for name, result in self.controls.items()},
            **self.overall.differences_as_json(),
            "oracle_share": share.as_json("share") if share else None,
            "slices": {
                name: {value: compared.as_json() for value, compared in values.items()}
                for name, values in self.slices.items()
            },
        }


def evaluate(
    place: Path | None = None,
    *,
    data: Path | None = None,
    summarizer: str = "",
    generator: str = "",
    limit: int | None = None,
    sampled: bool = False,
    reporter: Reporter | None = None,
) -> Evaluation:
    """Evaluate a run or one of its checkpoints, or any summarizer without a run.

    Args:
        place: the run; without one, the shipped generator judges, and the SDK's embedded summarizer is judged.
        data: examples in the documented format; the run's own test split by default.
        summarizer: judged instead: a run or checkpoint, or whatever the SDK takes as one (an exported directory,
            "contrast", "provider/model").
        generator: judges instead: a run or checkpoint, a folder laid out as `trainer.shipped` says, or a hub id or
            directory of any model.
        limit: at most so many examples, of as many users as there are.
        sampled: sample summaries at `rollout.temperature` instead of decoding them greedily, as the SDK does.

    Raises:
        ConfigError: no such run or judge, no example with held-out pairs, or a pair that the judge cannot read.
    """
    if place is None and data is None:
        raise ConfigError("Without a run there are no held-out pairs", hint="Give --data FILE, or name a run.")
    evaluated = open_evaluated(place, summarizer, generator, sampled=sampled)
    return measure(evaluated, _examples(data or evaluated.test_split, limit), reporter=reporter)


def measure(
    evaluated: Evaluated,
    examples: Sequence[Example],
    *,
    controls: Collection[str] = CONTROLS,
    reporter: Reporter | None = None,
) -> Evaluation:
    """Measure what was opened on examples with held-out pairs.

    Args:
        controls: which of them; `trained` is always among them.

    Raises:
        ConfigError: the judge cannot read a pair.
    """
    reporter = reporter or Reporter()
    refuse_long_pairs(evaluated.generator, examples)
    contexts = _contexts(evaluated, examples, {*controls, "trained"}, reporter)
    with reporter.stage("ranking held-out pairs", len(contexts) * len(examples)) as advance:
        scored = {}
        for name, summaries in contexts.items():
            scored[name] = evaluated.generator.scored(examples, summaries)
            advance(len(examples))
    ranked = {name: [ranked_right(one.margins).tolist() for one in each] for name, each in scored.items()}
    overall = _compared(examples, ranked)
    return Evaluation(
        controls={name: _result(evaluated, overall.accuracy[name], contexts[name], scored[name]) for name in contexts},
        overall=overall,
        slices=_slices(examples, ranked),
        summaries=list(zip(examples, contexts["trained"], strict=True)),
        ranked=ranked,
        written={name: contexts[name] for name in ("before",) if name in contexts},
    )


def _contexts(
    evaluated: Evaluated, examples: Sequence[Example], wanted: Collection[str], reporter: Reporter
) -> dict[str, Sequence[Summary]]:
    judge = evaluated.generator
    named = {"trained": evaluated.trained, "warm_start": evaluated.warm_start, "untrained": evaluated.untrained,
             "before": evaluated.before}  # fmt: skip
    writers = {name: writer for name, writer in named.items() if writer is not None and name in wanted}
    found: dict[str, Sequence[Summary] | None] = {"none": nothing(examples)}
    with reporter.stage("writing summaries", len(writers) * len(examples)) as advance:
        for name, writer in writers.items():
            found[name] = writer.write(examples, advance)
    found.setdefault("untrained", found.get("warm_start"))
    if "contrast" in wanted:
        found["contrast"] = contrast_summaries(examples, judge.encoder)
    found["swapped"] = swapped(examples, found["trained"] or ())
    found["raw"] = raw_summaries(examples, judge.encoder) if "raw" in wanted else None
    found["oracle"] = oracle_summaries(examples, judge.encoder)
    return {
        name: [fitted(judge, one, context) for one, context in zip(examples, contexts, strict=True)]
        for name in CONTROLS
        if name in wanted and (contexts := found.get(name)) is not None
    }


def _result(
    evaluated: Evaluated, accuracy: Interval, summaries: Sequence[Summary], scored: Sequence[Scored]
) -> ControlResult:
    per_token = torch.cat([one.per_token for one in scored])
    together = torch.cat([one.margins for one in scored])
    encoder = evaluated.generator.encoder
    return ControlResult(
        accuracy=accuracy,
        accuracy_per_token=ranked_right(per_token).mean().item(),
        margin=together.mean().item(),
        loss=evaluated.generator.loss(together, evaluated.config.objective),
        tokens=sum(encoder.count(summary) for summary in summaries) / len(summaries),
    )


def _slices(
    examples: Sequence[Example], ranked: Mapping[str, Sequence[Sequence[float]]]
) -> dict[str, dict[str, Compared]]:
    slices: dict[str, dict[str, Compared]] = {}
    for name, value in sorted({item for example in examples for item in example.slices.items()}):
        inside = [place for place, example in enumerate(examples) if example.slices.get(name) == value]
        theirs = {control: [scores[place] for place in inside] for control, scores in ranked.items()}
        slices.setdefault(name, {})[value] = _compared([examples[place] for place in inside], theirs)
    return slices


def _compared(examples: Sequence[Example], ranked: Mapping[str, Sequence[Sequence[float]]]) -> Compared:
    """Compare the controls on `examples`, given for each control and example the scores of its pairs."""
    scores = {name: _by_user(examples, each) for name, each in ranked.items()}
    return Compared(
        users=len({example.user for example in examples}),
        pairs=sum(len(example.pairs) for example in examples),
        accuracy={name: share_over_users(each) for name, each in scores.items()},
        differences={
            name: paired_bootstrap(scores["trained"], each) for name, each in scores.items() if name != "trained"
        },
        oracle_share=_oracle_share(scores),
    )


def _oracle_share(scores: Scores) -> Interval | None:
    if not {"none", "oracle"} <= scores.keys():
        return None
    gain, most = (differences_by_user(scores[name], scores["none"]) for name in ("trained", "oracle"))
    if sum(map(sum, most.values())) <= 0:
        return None
    return ratio_over_users(gain, most)


def _by_user(examples: Sequence[Example], scores: Sequence[Sequence[float]]) -> dict[str, list[float]]:
    users = [example.user for example in examples for _ in example.pairs]
    return by_user(users, [score for one in scores for score in one])


def _examples(file: Path | None, limit: int | None) -> list[Example]:
    if file is None or not file.is_file():
        raise ConfigError(f"There is no {file}", hint="Give --data a file in the documented format.")
    examples = [example for example in load_examples(file) if example.pairs]
    if not examples:
        raise ConfigError(f"{file} holds no example with held-out pairs", hint="See `popi-train prepare --help`.")
    return users_to_look_at(examples, limit or len(examples))
