"""How much signals tell at all: python -m benchmarks.signals_ceiling [--users 4000]

The oracle knows the wishes; nobody who only sees eight choices does. For each way of showing things in deeds, a
logistic model is fitted that tells from measured differences what a person wishes for, on people over the training
tasks; it then ranks the held-out pairs of people over the test tasks by measured style, with no language model
between, so that what is missing to the oracle is missing from the signals. What an estimate of wishes can gain with a
perfect judge bounds what any summary of the same signals can, as a share of the oracle's gain.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from functools import cache
from typing import TypeAlias

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from benchmarks.embedded_accuracy import DATA
from popi_sdk.errors import ConfigError
from popi_sdk.signals import Edit, PreferencePair, Rating, Signal
from popi_sdk.style.facts import ASPECTS, style
from trainer.config import PeopleConfig
from trainer.data import Example
from trainer.people.choosing import Population
from trainer.people.examples import People, people_examples
from trainer.people.splits import TEST_PAIRS, TEST_SIGNALS, answers_by_split
from trainer.people.texts import clause_of

WAYS = ("pair", "edit", "rating")
TEST_USERS = 800
STEPS = 600
SAID_FROM = (0.2, 0.3, 0.4)
"""Chances from which a wish is said, of which the best is reported."""

_Array: TypeAlias = npt.NDArray[np.float64]


def main() -> None:
    """Print a line per way."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--users", type=int, default=4_000, help="people to fit on, an even number")
    arguments = parser.parse_args()
    config = PeopleConfig(answers=str(DATA / "answers.jsonl.xz"), dialogues="")
    try:
        answers_by_split(config.answers)
    except ConfigError as error:
        raise SystemExit(str(error)) from None
    print("way      oracle  weights  wishes  share of the oracle's gain, weights / wishes")
    for way in WAYS:
        fitted_on, asked = _people(config, way, "train", arguments.users), _people(config, way, "test", TEST_USERS)
        chances = _fitted(_evidence(fitted_on), _wishes(fitted_on))(_evidence(asked))
        differences = _held_out(asked)
        oracle = _accuracy(differences, _wishes(asked).float() - 1)
        weights = _accuracy(differences, chances[..., 2] - chances[..., 0])
        wishes = max(_accuracy(differences, _said(chances, least)) for least in SAID_FROM)
        shares = [(one - 0.5) / (oracle - 0.5) for one in (weights, wishes)]
        print(f"{way:8} {oracle:6.1%} {weights:8.1%} {wishes:7.1%}  {shares[0]:.0%} / {shares[1]:.0%}")


def _people(config: PeopleConfig, way: str, split: str, users: int) -> list[Example]:
    population = Population(
        users=users,
        signals=TEST_SIGNALS,
        pairs=TEST_PAIRS,
        noise=config.noise,
        flips=config.flips,
        drift=config.drift,
        wishes_per_user=(config.least_wishes, config.most_wishes),
        aspects=ASPECTS,
    )
    answers = answers_by_split(config.answers)[split]
    return people_examples(answers, People(population, kinds=way), (), seed=f"ceiling {split}")


def _evidence(people: Sequence[Example]) -> Tensor:
    """What all signals of a person say together of each aspect, in four sums: (people, aspects, 4)."""
    shown = [np.array([_leaning(signal) for signal in one.signals if _tells(signal)]) for one in people]
    sums = [
        np.stack([own.sum(0), own.clip(-1.5, 1.5).sum(0), np.sign(own).sum(0), _focused(own).sum(0)], axis=-1)
        for own in shown
    ]
    return torch.tensor(np.stack(sums), dtype=torch.float32)


def _focused(own: _Array) -> _Array:
    """Differences as shares of all that differ in the same signal."""
    shares: _Array = own / (1 + np.abs(own).sum(axis=1, keepdims=True))
    return shares


def _tells(signal: Signal) -> bool:
    return isinstance(signal, PreferencePair | Edit | Rating)


def _leaning(signal: Signal) -> _Array:
    """What a signal leans to: the liked text's style less the other's, or less a usual one's."""
    match signal:
        case PreferencePair():
            return _style(signal.chosen) - _style(signal.rejected)
        case Edit():
            return _style(signal.final) - _style(signal.draft)
        case Rating():
            return _style(signal.response) * signal.score
    raise AssertionError(signal)


@cache
def _style(text: str) -> _Array:
    return np.array(style(text)).clip(-4, 4)


def _wishes(people: Sequence[Example]) -> Tensor:
    """2 for more, 0 for less, 1 for no wish: (people, aspects)."""
    told = [set(one.oracle.splitlines()) for one in people]
    rows = [[1 + (clause_of(a, True) in own) - (clause_of(a, False) in own) for a in ASPECTS] for own in told]
    return torch.tensor(rows)


def _fitted(evidence: Tensor, wishes: Tensor) -> Callable[[Tensor], Tensor]:
    """A model of P(less, none, more) per aspect: its own evidence, and how all aspects go together."""
    torch.manual_seed(0)
    people, aspects, kinds = evidence.shape
    scale = evidence.std(dim=(0, 1))
    own, doubt = (torch.zeros(aspects, kinds, requires_grad=True) for _ in range(2))
    usual = torch.full((aspects,), 1.5, requires_grad=True)
    together = torch.nn.Linear(aspects * kinds, aspects, bias=False)

    def logits(some: Tensor) -> Tensor:
        towards = (some * own).sum(-1) + together(some.flatten(1))
        return torch.stack([-towards, usual - (some.abs() * doubt).sum(-1), towards], dim=-1)

    optimizer = torch.optim.AdamW([own, doubt, usual, *together.parameters()], lr=0.01, weight_decay=0.02)
    for _ in range(STEPS):
        some = torch.randint(0, people, (1_000,))
        loss = torch.nn.functional.cross_entropy(logits(evidence[some] / scale).transpose(1, 2), wishes[some])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()

    @torch.no_grad()
    def chances(others: Tensor) -> Tensor:
        return logits(others / scale).softmax(-1)

    return chances


def _said(chances: Tensor, least: float) -> Tensor:
    """The wishes that are likelier than `least`, without their weights, as a summary has them."""
    towards = chances[..., 2] - chances[..., 0]
    return towards.sign() * (torch.maximum(chances[..., 2], chances[..., 0]) > least)


def _held_out(people: Sequence[Example]) -> Tensor:
    rows = [[_style(pair.chosen) - _style(pair.rejected) for pair in one.pairs] for one in people]
    return torch.tensor(np.array(rows), dtype=torch.float32)


def _accuracy(differences: Tensor, weights: Tensor) -> float:
    margins = (differences * weights[:, None]).sum(-1)
    return ((margins > 0).float() + 0.5 * (margins == 0).float()).mean().item()


if __name__ == "__main__":
    main()
