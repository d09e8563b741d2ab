"""How much there is to learn about simulated people, by measures of style instead of language models.

A linear model gives the utility of an answer as the sum of weight * style. Its weights may be the user's own (`told`),
their signs alone (`directions`, which is what an oracle's description says), fitted to the user's signals (`fitted`),
the signs of what `contrast` found in them (`contrast`), or fitted to all users' signals at once (`population`).
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from popi_sdk.signals import PreferencePair
from popi_sdk.style.facts import ASPECTS
from popi_sdk.summarizers.evidence import gather
from popi_sdk.summarizers.findings import Finding, find
from trainer.people.answers import INDEX, Answers
from trainer.people.choosing import Simulated
from trainer.people.named import Named

RIDGE = 1.0
"""Inverse variance of a weight before anything is seen."""
STEPS = 25
TIE = 1e-9

_Array: TypeAlias = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Estimate:
    """A mean over users; the true one is within `within` of it, 95 times in 100 (mirrored twins count as one user)."""

    mean: float
    within: float


def found_by_contrast(simulated: Sequence[Simulated]) -> list[list[Finding]]:
    """What the SDK's `contrast` finds in each user's signals: one clause each."""
    return [find(gather(one.example.signals)) for one in simulated]


def best_linear_accuracy(
    simulated: Sequence[Simulated], answers: Answers, found: Sequence[Sequence[Finding]]
) -> dict[str, Estimate]:
    """Held-out accuracy of each linear model of this chapter; a tie counts half."""
    styles = _styles(answers)
    shown = [_differences(_pairs_shown(one), styles) for one in simulated]
    weights = {
        "told": [_weights(one.user.newest) for one in simulated],
        "directions": [_weights({a: math.copysign(1, w) for a, w in one.user.newest.items()}) for one in simulated],
        "fitted": [fitted(differences) for differences in shown],
        "contrast": [_weights({finding.aspect: 1 if finding.more else -1 for finding in own}) for own in found],
        "population": [fitted(np.concatenate(shown))] * len(simulated),
    }
    held_out = [_differences(one.example.pairs, styles) for one in simulated]
    # Twins were asked about the same tasks and are right and wrong together.
    asked = [tuple(pair.prompt for pair in one.example.pairs) for one in simulated]
    return {
        model: _estimate([_accuracy(pairs @ own) for pairs, own in zip(held_out, of_users, strict=True)], asked)
        for model, of_users in weights.items()
    }


def clauses_of_contrast(simulated: Sequence[Simulated], found: Sequence[Sequence[Finding]]) -> Named:
    """How often the clauses of `contrast` name a true wish in the right direction."""
    right = reverse = other = 0
    for one, own in zip(simulated, found, strict=True):
        for finding in own:
            weight = one.user.newest.get(finding.aspect)
            right += weight is not None and (weight > 0) == finding.more
            reverse += weight is not None and (weight > 0) != finding.more
            other += weight is None
    return Named(right, reverse, other, sum(len(one.user.newest) for one in simulated))


def fitted(differences: _Array) -> _Array:
    """Weights of the logistic model under which the better answers win: ridge regression by Newton's method.

    `differences` has a row of chosen minus rejected style per pair.
    """
    weights = np.zeros(differences.shape[1])
    for _ in range(STEPS):
        lost = 1 / (1 + np.exp(np.clip(differences @ weights, -30, 30)))
        slope = differences.T @ lost - RIDGE * weights
        curve = (differences.T * (lost * (1 - lost))) @ differences + RIDGE * np.eye(len(weights))
        step = np.linalg.solve(curve, slope)
        weights += step
        if np.abs(step).max(initial=0.0) < TIE:
            break
    return weights


def _pairs_shown(one: Simulated) -> list[PreferencePair]:
    return [signal for signal in one.example.signals if isinstance(signal, PreferencePair)]


def _styles(answers: Answers) -> dict[tuple[str, str], tuple[float, ...]]:
    return {(task.prompt, answer.text): answer.style for task in answers.tasks for answer in task.answers}


def _differences(pairs: Sequence[PreferencePair], styles: Mapping[tuple[str, str], tuple[float, ...]]) -> _Array:
    rows = [(styles[pair.prompt, pair.chosen], styles[pair.prompt, pair.rejected]) for pair in pairs]
    table = np.array(rows, dtype=np.float64).reshape(len(rows), 2, len(ASPECTS))
    return np.asarray(table[:, 0] - table[:, 1], dtype=np.float64)


def _weights(wishes: Mapping[str, float]) -> _Array:
    weights = np.zeros(len(ASPECTS))
    for aspect, weight in wishes.items():
        weights[INDEX[aspect]] = weight
    return weights


def _accuracy(margins: _Array) -> float:
    return float(np.mean((margins > TIE) + 0.5 * (np.abs(margins) <= TIE)))


def _estimate(of_users: Sequence[float], asked: Sequence[tuple[str, ...]]) -> Estimate:
    together: dict[tuple[str, ...], list[float]] = {}
    for accuracy, prompts in zip(of_users, asked, strict=True):
        together.setdefault(prompts, []).append(accuracy)
    values = np.array([sum(accuracies) / len(accuracies) for accuracies in together.values()])
    spread = values.std(ddof=1) if len(values) > 1 else 0.0
    return Estimate(float(values.mean()), float(1.96 * spread / math.sqrt(len(values))))
