"""Who learns in a step, and how fast: functions of the configuration and the step alone."""

from __future__ import annotations

import math

from trainer.config import RunConfig

LOWEST = 0.1
"""Share of the peak learning rate that a cosine schedule ends at."""


def who_learns(run: RunConfig, step: int) -> frozenset[str]:
    """The roles that learn in `step`.

    `alternating` deals the steps out to 2 * rounds phases, the summarizer first (POPI's code does one round).

    >>> run = RunConfig(form="alternating", rounds=1, steps=4)
    >>> [sorted(who_learns(run, step)) for step in range(4)]
    [['summarizer'], ['summarizer'], ['generator'], ['generator']]
    """
    match run.form:
        case "interleaved":
            return frozenset({"summarizer", "generator"})
        case "frozen_generator":
            return frozenset({"summarizer"})
        case "frozen_summarizer":
            return frozenset({"generator"})
        case "alternating":
            phase = step * 2 * run.rounds // run.steps
            return frozenset({"generator" if phase % 2 else "summarizer"})


def learning_rate(run: RunConfig, peak: float, step: int) -> float:
    """The learning rate of `step` (from 0): linear warm-up to `peak`, then constant or along a cosine.

    >>> learning_rate(RunConfig(schedule="constant", warmup_steps=4), 1.0, 1)
    0.5
    """
    if step < run.warmup_steps:
        return peak * (step + 1) / run.warmup_steps
    if run.schedule == "constant":
        return peak
    done = (step - run.warmup_steps) / max(1, run.steps - run.warmup_steps)
    return peak * (LOWEST + (1 - LOWEST) * 0.5 * (1 + math.cos(math.pi * min(1.0, done))))
