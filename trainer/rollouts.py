"""What one step of training is about: some users, G sampled summaries each, and the pairs that judge them."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import TypeAlias

import torch

from popi_sdk.signals import PreferencePair
from popi_sdk.summary import Summary
from trainer.config import Config
from trainer.data import Example
from trainer.distributed import own_share, rank
from trainer.encode import Encoder
from trainer.models import Policy
from trainer.sampling import Sampler
from trainer.streaming import as_updates

Pairs: TypeAlias = tuple[PreferencePair, ...]


@dataclass(frozen=True, slots=True)
class Group:
    """One user's rollouts in one step."""

    example: Example
    prompt: list[int]
    """The summarizer's prompt in tokens."""
    samples: list[list[int]]
    """G sampled summaries in tokens, with the stop token where one was written."""
    summaries: list[Summary]
    """The same as the generator is shown them, after the guard."""
    pairs: Pairs
    """Held-out pairs that score this group; all of its summaries meet the same ones."""
    plain: bool
    """Whether the generator also learns from these pairs without a summary in this step."""


class Batches:
    """Which users and pairs each step takes: a function of seed and step alone, so that a resumed run goes on alike.

    >>> batches = Batches([Example(str(n), (), ()) for n in range(4)], users=2, seed=0)
    >>> sorted(example.user for step in (0, 1) for example in batches.at(step))
    ['0', '1', '2', '3']
    """

    def __init__(self, examples: Sequence[Example], users: int, seed: int) -> None:
        self._examples = examples
        self._users = users
        self._seed = seed
        self._order = lru_cache(maxsize=2)(self._shuffled)  # a step may end one epoch and begin the next

    def at(self, step: int) -> list[Example]:
        """The users of a step; every user is met once before any is met again."""
        return [self._example(position) for position in range(step * self._users, (step + 1) * self._users)]

    def _example(self, position: int) -> Example:
        epoch, place = divmod(position, len(self._examples))
        return self._examples[self._order(epoch)[place]]

    def _shuffled(self, epoch: int) -> list[int]:
        order = list(range(len(self._examples)))
        random.Random(f"{self._seed} epoch {epoch}").shuffle(order)
        return order


@torch.no_grad()
def sample_groups(
    summarizer: Policy, sampler: Sampler, encoder: Encoder, users: Sequence[Example], config: Config, step: int
) -> list[Group]:
    """Sample G summaries for each of a step's users that are this process's, and choose the pairs that score them."""
    seed = random.Random(f"{config.run.seed} rollouts {step} {rank()}").getrandbits(63)
    turns = own_share(_turns(users, config, step))
    shown = as_updates(summarizer, sampler, encoder, users, config, step)
    prompts = [encoder.summarizer_prompt(example) for example in shown]
    samples = summarizer(
        lambda lm: sampler.sample(lm, prompts, config.rollout.group, temperature=config.rollout.temperature, seed=seed)
    )
    return [
        Group(
            example=example,
            prompt=prompt,
            samples=group,
            summaries=[encoder.safe_summary(encoder.summary_text(sample)) for sample in group],
            pairs=pairs,
            plain=plain,
        )
        for example, (_, pairs, plain), prompt, group in zip(shown, turns, prompts, samples, strict=True)
    ]


def _turns(users: Sequence[Example], config: Config, step: int) -> list[tuple[Example, Pairs, bool]]:
    """Each user with its pairs of this step, and whether they are shown without a summary too."""
    draw = random.Random(f"{config.run.seed} pairs {step}")
    share, count = config.objective.without_summary, config.objective.pairs
    return [
        (
            example,
            tuple(draw.sample(example.pairs, min(count, len(example.pairs)))),
            draw.random() < share * config.rollout.group / (1 - share),
        )
        for example in users
    ]
