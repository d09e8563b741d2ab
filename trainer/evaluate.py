"""How good the summaries are: held-out accuracy of a generator shown them, beside every control, with intervals.

A pair counts as ranked right when the generator, shown the summary, favours the chosen answer more than the reference
does without one (the sign of the margin; a margin of exactly 0 counts half). Intervals are bootstrapped over users.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from popi_sdk.errors import ConfigError
from popi_sdk.summary import Summary
from trainer.controls import CONTROLS, contrast_summaries, nothing, oracle_summaries, raw_summaries, swapped
from trainer.data import Example, load_examples
from trainer.health import users_to_look_at
from trainer.intervals import Interval, by_user, share_over_users
from trainer.opened import Evaluated, open_evaluated
from trainer.progress import Reporter
from trainer.scoring import Scored, ranked_right
from trainer.stages import data_folder, refuse_too_long


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
class Evaluation:
    """All controls on the same users and pairs."""

    users: int
    pairs: int
    controls: Mapping[str, ControlResult]
    slices: Mapping[str, Mapping[str, Interval]]
    """Accuracy of the trained summary by slice, such as {"topic": {"cooking": ...}}."""
    summaries: Sequence[tuple[Example, Summary]]
    """What the summarizer wrote."""

    def as_json(self) -> dict[str, Any]:
        """One object; see DESIGN for the names promised."""
        return {
            "users": self.users,
            "pairs": self.pairs,
            "controls": {name: result.as_json() for name, result in self.controls.items()},
            "slices": {
                name: {value: interval.as_json("accuracy") for value, interval in values.items()}
                for name, values in self.slices.items()
            },
        }


def evaluate(
    place: Path,
    *,
    data: Path | None = None,
    summarizer: str = "",
    generator: str = "",
    limit: int | None = None,
    sampled: bool = False,
    reporter: Reporter | None = None,
) -> Evaluation:
    """Evaluate a run or one of its checkpoints.

    Args:
        data: examples in the documented format; the run's own test split by default.
        summarizer: judged instead of the run's own: another run or checkpoint, or whatever the SDK takes as one (an
            exported directory, "contrast", "provider/model").
        generator: judges instead of the run's own: another run or checkpoint, or a hub id or directory of any model.
        limit: at most so many examples, of as many users as there are.
        sampled: sample summaries at `rollout.temperature` instead of decoding them greedily, as the SDK does.

    Raises:
        ConfigError: no such run, or no example with held-out pairs.
    """
    reporter = reporter or Reporter()
    evaluated = open_evaluated(place, summarizer, generator, sampled=sampled)
    examples = _examples(evaluated, data, limit)
    contexts = _contexts(evaluated, examples, reporter)
    with reporter.stage("ranking held-out pairs", len(contexts) * len(examples)) as advance:
        results, scored = {}, {}
        for name, summaries in contexts.items():
            scored[name] = evaluated.generator.scored(examples, summaries)
            results[name] = _result(evaluated, examples, summaries, scored[name])
            advance(len(examples))
    return Evaluation(
        users=len({example.user for example in examples}),
        pairs=sum(len(example.pairs) for example in examples),
        controls=results,
        slices=_slices(examples, scored["trained"]),
        summaries=list(zip(examples, contexts["trained"], strict=True)),
    )


def _contexts(evaluated: Evaluated, examples: Sequence[Example], reporter: Reporter) -> dict[str, Sequence[Summary]]:
    judge = evaluated.generator.encoder
    writers = {"trained": evaluated.trained, "warm_start": evaluated.warm_start, "untrained": evaluated.untrained}
    found: dict[str, Sequence[Summary] | None] = {"none": nothing(examples), "raw": raw_summaries(examples, judge)}
    with reporter.stage("writing summaries", len(writers) * len(examples)) as advance:
        for name, writer in writers.items():
            found[name] = writer.write(examples, advance) if writer is not None else None
    found["untrained"] = found["untrained"] or found["warm_start"]
    found["contrast"] = contrast_summaries(examples, judge)
    found["swapped"] = swapped(examples, found["trained"] or ())
    found["oracle"] = oracle_summaries(examples, judge)
    return {name: context for name in CONTROLS if (context := found[name]) is not None}


def _result(
    evaluated: Evaluated, examples: Sequence[Example], summaries: Sequence[Summary], scored: Sequence[Scored]
) -> ControlResult:
    per_token = torch.cat([one.per_token for one in scored])
    together = torch.cat([one.margins for one in scored])
    encoder = evaluated.generator.encoder
    return ControlResult(
        accuracy=share_over_users(_scores_by_user(examples, scored)),
        accuracy_per_token=ranked_right(per_token).mean().item(),
        margin=together.mean().item(),
        loss=evaluated.generator.loss(together, evaluated.config.objective),
        tokens=sum(encoder.count(summary) for summary in summaries) / len(summaries),
    )


def _scores_by_user(examples: Sequence[Example], scored: Sequence[Scored]) -> dict[str, list[float]]:
    users = [example.user for example in examples for _ in example.pairs]
    return by_user(users, ranked_right(torch.cat([one.margins for one in scored])).tolist())


def _slices(examples: Sequence[Example], scored: Sequence[Scored]) -> dict[str, dict[str, Interval]]:
    values = sorted({item for example in examples for item in example.slices.items()})
    slices: dict[str, dict[str, Interval]] = {}
    for name, value in values:
        inside = [place for place, example in enumerate(examples) if example.slices.get(name) == value]
        scores = _scores_by_user([examples[place] for place in inside], [scored[place] for place in inside])
        slices.setdefault(name, {})[value] = share_over_users(scores)
    return slices


def _examples(evaluated: Evaluated, data: Path | None, limit: int | None) -> list[Example]:
    file = data or data_folder(evaluated.run, evaluated.config) / "test.jsonl"
    if not file.is_file():
        raise ConfigError(f"There is no {file}", hint="Give --data a file in the documented format.")
    examples = [example for example in load_examples(file) if example.pairs]
    if not examples:
        raise ConfigError(f"{file} holds no example with held-out pairs", hint="See `popi-train prepare --help`.")
    chosen = users_to_look_at(examples, limit or len(examples))
    refuse_too_long(evaluated.generator.encoder, chosen)
    return chosen
