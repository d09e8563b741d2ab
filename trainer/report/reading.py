"""A run directory's files as frozen data: what the metrics tell of each step, and what the last evaluation left."""

from __future__ import annotations

import json
import math
import shlex
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from popi_sdk.errors import ConfigError, SignalError
from trainer.data import Example, read_example
from trainer.intervals import Interval
from trainer.run_directory import find_run


@dataclass(frozen=True, slots=True)
class Series:
    """One figure over steps."""

    steps: tuple[int, ...]
    values: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Context:
    """One control: how well pairs were ranked with it, and how long it is."""

    name: str
    accuracy: Interval
    tokens: float
    """Mean over users, in the generator's tokens."""


@dataclass(frozen=True, slots=True)
class SliceValue:
    """The users of one value of a slice, such as those of the topic "cooking"."""

    value: str
    pairs: int
    accuracy: Mapping[str, Interval]
    """By context."""


@dataclass(frozen=True, slots=True)
class ShownUser:
    """One of the users whose signals and outcomes are shown whole."""

    example: Example
    summary: str
    ranked: Mapping[str, Sequence[float]]
    """By context: 1 for each held-out pair ranked right, 0.5 for a tie."""
    before: str = ""
    """The summary by the version in service, in a refresh."""


@dataclass(frozen=True, slots=True)
class Measured:
    """What `popi-train evaluate` left."""

    step: int
    users: int
    pairs: int
    contexts: Sequence[Context]
    differences: Mapping[str, Interval]
    """Accuracy of `trained` minus that of each other context."""
    slices: Mapping[str, Sequence[SliceValue]]
    better: int
    """Users of whom more pairs are ranked right with the summary than without one."""
    worse: int
    same: int
    judge: Mapping[str, Any] | None
    shown: Sequence[ShownUser]

    def context(self, name: str) -> Context | None:
        """The context of that name; None where it does not apply to these data."""
        return next((one for one in self.contexts if one.name == name), None)


@dataclass(frozen=True, slots=True)
class RunRead:
    """Everything a page about a run is made of."""

    folder: Path
    facts: Mapping[str, str]
    """What was trained and how, in words."""
    steps: Mapping[str, Series]
    """Figures of joint steps, such as `reward`."""
    looks: Mapping[str, Series]
    """Figures of the evaluations during training, such as `accuracy_trained`."""
    measured: Measured | None
    missing: Sequence[str]
    """What is not there or not up to date, and which command makes it."""


def read_run(place: Path) -> RunRead:
    """Read the run that `place` is, or that it is a checkpoint of.

    Raises:
        ConfigError: it is no run, there is nothing in it to report yet, or its evaluation is damaged.
    """
    run, _ = find_run(place)
    config, newest = run.config(), run.latest()
    steps, looks = read_metrics(run.metrics)
    measured = _measured(run.evaluation) if run.evaluation.is_file() else None
    if not steps and not looks and measured is None:
        raise ConfigError(f"{run.path} has nothing to report yet", hint="Let `popi-train train` go on first.")
    if not config.objective.kl:
        steps.pop("kl", None)  # it was not measured, which the log tells as 0
    done = newest.step if newest else 0
    facts = {
        "Base model": "from scratch" if config.model.base == "scratch" else Path(config.model.base).name,
        "Form": config.run.form.replace("_", " "),
        "Joint steps": f"{done:,} of {config.run.steps:,}",
        "Each step": f"{config.rollout.users} users with {config.rollout.group} summaries each",
        "Seed": str(config.run.seed),
    }
    return RunRead(
        folder=run.path,
        facts=facts,
        steps=steps,
        looks=looks,
        measured=measured,
        missing=list(_missing(run.path, steps, measured, done)),
    )


def read_metrics(file: Path) -> tuple[dict[str, Series], dict[str, Series]]:
    """Figures of joint steps, and of the evaluations between them; none where there is no such file."""
    rows = list(_metrics(file))
    steps, looks = (_series(row for row in rows if row["kind"] == kind) for kind in ("step", "evaluation"))
    return steps, looks


def _missing(run: Path, steps: Mapping[str, Series], measured: Measured | None, done: int) -> Iterator[str]:
    if not steps:
        yield "There are no figures over steps: the run has taken no joint step."
    if measured is None:
        yield (
            "There is no evaluation, so neither controls nor slices nor users can be shown. "
            f"This makes one: {_evaluate(run)}"
        )
    elif measured.step != done:
        yield (
            f"The evaluation is of step {measured.step:,}, and the newest checkpoint of step {done:,}. "
            f"This makes a new one: {_evaluate(run)}"
        )


def _evaluate(run: Path) -> str:
    return shlex.join(["popi-train", "evaluate", str(run)])


def _metrics(file: Path) -> Iterator[Mapping[str, Any]]:
    """The lines of a metrics file; one that a crash has torn is passed over."""
    lines = file.read_text("utf-8", errors="replace").splitlines() if file.is_file() else []
    for line in lines:
        try:
            row = json.loads(line)
        except ValueError:
            continue
        if isinstance(row, dict) and isinstance(row.get("step"), int) and "kind" in row:
            yield row


def _series(rows: Iterable[Mapping[str, Any]]) -> dict[str, Series]:
    """Each figure with the steps that have it: the summarizer's are absent where only the generator learns."""
    found: dict[str, list[tuple[int, float]]] = {}
    for row in rows:
        for name, value in row.items():
            if isinstance(value, int | float) and name not in ("step", "time"):
                found.setdefault(name, []).append((row["step"], float(value)))
    return {
        name: Series(tuple(step for step, _ in points), tuple(value for _, value in points))
        for name, points in found.items()
    }


def measured_from(record: Mapping[str, Any], place: str) -> Measured:
    """An evaluation in the form of `trainer.evaluation_file`; `place` begins the message about an example.

    Raises:
        KeyError, TypeError, AttributeError: it is damaged; so do SignalError and ValueError.
    """
    examples = record["examples"]
    changes = Counter((gain > 0) - (gain < 0) for gain in _gains(examples).values())
    return Measured(
        step=record["step"],
        users=record["users"],
        pairs=record["pairs"],
        contexts=[Context(name, _interval(one, "accuracy"), one["tokens"]) for name, one in record["controls"].items()],
        differences={name: _interval(one, "difference") for name, one in record["differences"].items()},
        slices={
            name: [SliceValue(value, one["pairs"], _accuracies(one["controls"])) for value, one in values.items()]
            for name, values in record["slices"].items()
        },
        better=changes[1],
        worse=changes[-1],
        same=changes[0],
        judge=record["judge"],
        shown=[_shown(one, place) for one in examples if "signals" in one],
    )


def _measured(file: Path) -> Measured:
    try:
        return measured_from(json.loads(file.read_text("utf-8")), str(file))
    except (OSError, ValueError, KeyError, TypeError, AttributeError, SignalError) as error:
        raise ConfigError(
            f"{file} cannot be read: {type(error).__name__}",
            hint=f"This writes it anew: {_evaluate(file.parent)}",
        ) from error


def _gains(examples: Sequence[Mapping[str, Any]]) -> dict[str, float]:
    """By user, how many more pairs are ranked right with the summary than without one."""
    gains: dict[str, float] = {}
    for one in examples:
        ranked = one["ranked"]
        gains[one["user"]] = gains.get(one["user"], 0.0) + sum(ranked["trained"]) - sum(ranked["none"])
    return gains


def _shown(record: Mapping[str, Any], place: str) -> ShownUser:
    return ShownUser(read_example(record, place), record["summary"], record["ranked"], record.get("before", ""))


def _accuracies(controls: Mapping[str, Mapping[str, float | None]]) -> dict[str, Interval]:
    return {name: _interval(one, "accuracy") for name, one in controls.items()}


def _interval(record: Mapping[str, float | None], name: str) -> Interval:
    mean, low, high = (math.nan if record[key] is None else float(record[key] or 0) for key in (name, "low", "high"))
    return Interval(mean, low, high)
