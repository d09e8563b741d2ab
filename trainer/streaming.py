"""Updates: a summary of a user's earlier signals and the newer signals in one prompt, which make the next summary.

    signals   1 2 3 | 4 5 | 6 7 8 9
    written   summary of 1 2 3 -> summary of that and 4 5 -> the group, of that and 6 7 8 9, which is scored

A history that outgrows the summarizer's window is served like that, so it is trained like that: earlier summaries are
the summarizer's own, written by the weights of the step as they would be served (the likeliest tokens, after the
guard). Before it writes any, in its warm start, a worn copy of what it shall learn to say stands in their place.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise

from trainer.config import Config
from trainer.controls import clause_lines
from trainer.data import Example
from trainer.distributed import own_share
from trainer.encode import Encoder
from trainer.models import Policy
from trainer.sampling import Sampler

MOST_CUTS = 3
"""Summaries that may be written, each on top of the last, before the one that is scored."""


def as_updates(
    summarizer: Policy, sampler: Sampler, encoder: Encoder, users: Sequence[Example], config: Config, step: int
) -> list[Example]:
    """This process's share of a step's users, `rollout.updates` of them as what was known and what is new since.

    Who is cut where follows from seed and step alone. All processes have to call it.
    """
    histories = _histories(users, config, step)
    rounds = max(map(len, histories)) - 1  # of all users, so that every process samples as often as the others
    own = own_share(histories)
    shown = [parts[0] for parts in own]
    for turn in range(1, rounds + 1):
        places = [place for place, parts in enumerate(own) if turn < len(parts)]
        prompts = [encoder.summarizer_prompt(shown[place]) for place in places]
        written = summarizer(
            lambda lm, prompts=prompts: sampler.sample(lm, prompts, 1, temperature=0, seed=config.run.seed)
        )
        for place, (sample,) in zip(places, written, strict=True):
            known = encoder.safe_summary(encoder.summary_text(sample))
            shown[place] = replace(own[place][turn], previous=clause_lines(known))
    return shown


def cut(example: Example, draw: random.Random) -> tuple[Example, Example]:
    """A user up to some moment, which may be before the first signal, and what the user has shown since."""
    earlier, newer = parts(example, [draw.randrange(max(1, len(example.signals)))])
    return earlier, newer


def parts(example: Example, places: Sequence[int]) -> list[Example]:
    """The user's signals cut before each of `places`, in order; everything else is the same in each part.

    >>> from popi_sdk.signals import Statement
    >>> said = tuple(map(Statement, ("a", "b", "c")))
    >>> [[one.text for one in part.signals] for part in parts(Example("ada", said, ()), [1, 1])]
    [['a'], [], ['b', 'c']]
    """
    bounds = [0, *places, len(example.signals)]
    return [replace(example, signals=example.signals[start:end]) for start, end in pairwise(bounds)]


def worn(text: str, other: str, draw: random.Random) -> str:
    """A summary as one written before might be: some clauses missing, in the place of some what is said of `other`.

    How many is drawn as well: of most summaries a few, of some nearly all, as of a user who has changed their mind.
    """
    wear = draw.random() ** 2
    others = other.splitlines()
    kept = []
    for place, clause in enumerate(text.splitlines()):
        if draw.random() >= wear:
            kept.append(clause)
        elif place < len(others) and draw.random() < 0.5:
            kept.append(others[place])
    return "\n".join(dict.fromkeys(kept))


def _histories(users: Sequence[Example], config: Config, step: int) -> list[list[Example]]:
    """Each user's signals in parts, a single one where the user is shown as a whole."""
    draw = random.Random(f"{config.run.seed} updates {step}")
    histories = []
    for user in users:
        inside = range(1, len(user.signals))
        if inside and draw.random() < config.rollout.updates:
            histories.append(parts(user, sorted(draw.sample(inside, draw.randint(1, min(MOST_CUTS, len(inside)))))))
        else:
            histories.append([user])
    return histories
