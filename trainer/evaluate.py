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
from torch import Tensor

from popi_sdk.errors import ConfigError
from popi_sdk.summary import Summary
from trainer.checkpoint import Checkpoint
from trainer.config import Config
from trainer.controls import (
    CONTROLS,
    Writer,
    contrast_summaries,
    nothing,
    oracle_summaries,
    raw_summaries,
    swapped,
)
from trainer.data import Example, load_examples
from trainer.encode import Encoder
from trainer.intervals import Interval, share_over_users
from trainer.models import Models, Policy, load_language_model, load_models, restore_learner
from trainer.progress import Reporter
from trainer.reference import ReferenceLogprobs
from trainer.run_directory import RunDirectory, find_run, run_templates
from trainer.scoring import PairScorer
from trainer.stages import choose_device, make_encoder
from trainer.train import make_sampler


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


@dataclass(frozen=True, slots=True)
class Evaluated:
    """The models an evaluation is about."""

    config: Config
    run: RunDirectory
    trained: Writer
    warm_start: Writer
    untrained: Writer | None
    generator: PairScorer


def evaluate(
    place: Path,
    *,
    data: Path | None = None,
    summarizer: Path | None = None,
    generator: Path | None = None,
    limit: int | None = None,
    sampled: bool = False,
    reporter: Reporter | None = None,
) -> Evaluation:
    """Evaluate a run or one of its checkpoints.

    Args:
        data: examples in the documented format; the run's own test split by default.
        summarizer: another run or checkpoint whose summarizer is judged instead.
        generator: another run or checkpoint whose generator judges, one that was never trained with this summarizer.
        limit: at most so many examples.
        sampled: sample summaries at `rollout.temperature` instead of decoding them greedily, as the SDK does.

    Raises:
        ConfigError: no such run, or no example with held-out pairs.
    """
    reporter = reporter or Reporter()
    evaluated = _load(place, summarizer, generator, sampled)
    examples = _examples(evaluated, data, limit)
    contexts = _contexts(evaluated, examples, reporter)
    with reporter.stage("ranking held-out pairs", len(contexts) * len(examples)) as advance:
        results, margins = {}, {}
        for name, summaries in contexts.items():
            margins[name] = evaluated.generator.margins(examples, summaries)
            results[name] = _result(evaluated, examples, summaries, margins[name])
            advance(len(examples))
    return Evaluation(
        users=len({example.user for example in examples}),
        pairs=sum(len(example.pairs) for example in examples),
        controls=results,
        slices=_slices(examples, margins["trained"]),
        summaries=list(zip(examples, contexts["trained"], strict=True)),
    )


def _contexts(
    evaluated: Evaluated, examples: Sequence[Example], reporter: Reporter
) -> dict[str, Sequence[Summary]]:
    judge = evaluated.generator.encoder
    writers = {"trained": evaluated.trained, "warm_start": evaluated.warm_start, "untrained": evaluated.untrained}
    found: dict[str, Sequence[Summary] | None] = {"none": nothing(examples), "raw": raw_summaries(examples, judge)}
    with reporter.stage("writing summaries", len(writers) * len(examples)) as advance:
        for name, writer in writers.items():
            found[name] = writer.write(examples, advance) if writer is not None else None
    found["contrast"] = contrast_summaries(examples, judge)
    found["swapped"] = swapped(examples, found["trained"] or ())
    found["oracle"] = oracle_summaries(examples, judge)
    return {name: context for name in CONTROLS if (context := found[name]) is not None}


def _result(
    evaluated: Evaluated, examples: Sequence[Example], summaries: Sequence[Summary], margins: Sequence[Tensor]
) -> ControlResult:
    per_token = torch.cat(evaluated.generator.margins_per_token(examples, summaries))
    together = torch.cat(list(margins))
    encoder = evaluated.generator.encoder
    return ControlResult(
        accuracy=share_over_users(_scores_by_user(examples, margins)),
        accuracy_per_token=_scores(per_token).mean().item(),
        margin=together.mean().item(),
        loss=evaluated.generator.loss(together, evaluated.config.objective),
        tokens=sum(encoder.count(summary) for summary in summaries) / len(summaries),
    )


def _scores_by_user(examples: Sequence[Example], margins: Sequence[Tensor]) -> dict[str, list[float]]:
    by_user: dict[str, list[float]] = {}
    for example, own in zip(examples, margins, strict=True):
        by_user.setdefault(example.user, []).extend(_scores(own).tolist())
    return by_user


def _scores(margins: Tensor) -> Tensor:
    return (margins > 0).double() + 0.5 * (margins == 0).double()


def _slices(examples: Sequence[Example], margins: Sequence[Tensor]) -> dict[str, dict[str, Interval]]:
    values = sorted({item for example in examples for item in example.slices.items()})
    slices: dict[str, dict[str, Interval]] = {}
    for name, value in values:
        inside = [place for place, example in enumerate(examples) if example.slices.get(name) == value]
        scores = _scores_by_user([examples[place] for place in inside], [margins[place] for place in inside])
        slices.setdefault(name, {})[value] = share_over_users(scores)
    return slices


def _examples(evaluated: Evaluated, data: Path | None, limit: int | None) -> list[Example]:
    folder = evaluated.config.data.folder
    file = data or (evaluated.run.data if folder == "world" else Path(folder)) / "test.jsonl"
    if not file.is_file():
        raise ConfigError(f"There is no {file}", hint="Give --data a file in the documented format.")
    examples = [example for example in load_examples(file) if example.pairs][:limit]
    if not examples:
        raise ConfigError(f"{file} holds no example with held-out pairs", hint="See `popi-train prepare --help`.")
    return examples


def _load(place: Path, summarizer: Path | None, generator: Path | None, sampled: bool) -> Evaluated:
    run, config, models, encoder = open_models(summarizer or place)
    sampler = make_sampler(models, config)
    temperature = config.rollout.temperature if sampled else 0.0

    def writer(policy: Policy) -> Writer:
        return Writer(policy, encoder, sampler, temperature, config.run.seed)

    judging_run, judging_config, judging, judging_encoder = (
        (run, config, models, encoder) if generator is None and summarizer is None else open_models(generator or place)
    )
    cache = judging_run.reference
    return Evaluated(
        config=judging_config,
        run=find_run(place)[0],
        trained=writer(models.summarizer),
        warm_start=writer(models.anchor),
        untrained=_untrained(run, config, writer),
        generator=PairScorer(
            judging.generator,
            judging_encoder,
            ReferenceLogprobs(judging.reference, judging_encoder, cache),
            judging_config.rollout.microbatch,
        ),
    )


def _untrained(run: RunDirectory, config: Config, writer: Any) -> Writer | None:
    """The base model as summarizer; None where no warm start moved the summarizer, as it is `warm_start` itself."""
    if not (run.start / "summarizer").is_dir():
        return None
    base = load_language_model(run.base_of(config), choose_device(config), torch.float32)
    return writer(Policy(base, learns=False))  # type: ignore[no-any-return]


def open_models(place: Path) -> tuple[RunDirectory, Config, Models, Encoder]:
    """The models of a run at its newest checkpoint, or at the checkpoint that `place` is.

    Raises:
        ConfigError: it is no run, or one that has no checkpoint yet.
    """
    run, checkpoint = find_run(place)
    config = run.config()
    if checkpoint is None:
        raise ConfigError(f"{place} has no checkpoint yet", hint="Let `popi-train train` go on first.")
    models = load_models(
        config.model, run.base_of(config), choose_device(config), start=run.start if run.start.is_dir() else None
    )
    _restore(models, checkpoint)
    return run, config, models, make_encoder(models, config, run_templates(config))


def _restore(models: Models, checkpoint: Checkpoint) -> None:
    for role, policy in models.learners.items():
        restore_learner(policy, checkpoint.folder / role)
