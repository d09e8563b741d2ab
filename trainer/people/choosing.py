"""Simulated users over real texts: each has a few hidden wishes about style and chooses between answers to one task.

    answers (trainer.people.answers) -> users with wishes -> their choices = signals, and pairs held out -> Example

A user's utility of an answer is the sum of weight * style over the aspects wished for. What a user *shows* is noisy: a
signal is chosen with probability sigmoid((difference of utility + bias for the first) / noise); a share of choices goes
against one of the user's own wishes; and wishes may change half-way. The held-out pairs say what the user truly likes
best now: newest wishes, no noise, so that knowing the wishes is worth an accuracy of 1.

Users come in mirrored twins: the second wishes the reverse of the first, sees the same answers in the reverse order and
chooses the reverse. The law of choice is symmetric, so the twin is as true a user as the first, and no answer is good
for everyone: over all users each answer of a pair is chosen as often as it is rejected, and whoever learns what people
like in general has learnt nothing.
"""

from __future__ import annotations

import math
import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from popi_sdk.errors import ConfigError
from popi_sdk.signals import PreferencePair
from popi_sdk.style.facts import ASPECTS
from popi_sdk.style.measures import MEASURES
from popi_sdk.summarizers.findings import Finding
from popi_sdk.summarizers.wording import finding_clause
from trainer.data import Example
from trainer.people.answers import INDEX, Answer, Answers, Task

WEIGHTS = (0.7, 1.5)
"""The least and the most a wish weighs."""

_MEASURES = {one.aspect: one.name for one in reversed(MEASURES)}
"""The first measure of each aspect."""


@dataclass(frozen=True)
class RealUser:
    """Hidden wishes (aspect -> weight, positive for more of it) and the ways of showing them.

    `later` holds the wishes from the middle of the signals on, where they change; `noise` is the temperature of a
    choice, in utility; `position_bias` is what being shown first is worth; `conflicts` the share of choices against
    one of the wishes.

    >>> RealUser({"length": -1.0, "lists": 0.8}).oracle(())
    'Keep answers short and concise. Use bullet lists.'
    """

    wishes: Mapping[str, float]
    later: Mapping[str, float] | None = None
    noise: float = 0.0
    position_bias: float = 0.0
    conflicts: float = 0.0

    def __post_init__(self) -> None:
        for wishes in (self.wishes, self.newest):
            if not wishes or not all(aspect in INDEX and math.isfinite(weight) for aspect, weight in wishes.items()):
                raise ConfigError(f"{dict(wishes)} are no wishes.", hint=f"Aspects are {', '.join(ASPECTS)}.")
            if not all(wishes.values()):
                raise ConfigError("A wish that weighs nothing is none.", hint="Leave it out.")
        if not (0 <= self.noise < math.inf and math.isfinite(self.position_bias) and 0 <= self.conflicts <= 1):
            raise ConfigError(
                "Noise is at least 0, conflicts are a share of 0 to 1, and both and the bias are finite numbers."
            )

    @property
    def newest(self) -> Mapping[str, float]:
        """The wishes as they are in the end."""
        return self.later or self.wishes

    def mirrored(self) -> RealUser:
        """The user who wishes the reverse."""
        later = None if self.later is None else _reverse(self.later)
        return replace(self, wishes=_reverse(self.wishes), later=later)

    def acting(self, place: int, of: int, draw: random.Random) -> Mapping[str, float]:
        """The wishes behind choice `place` of `of`; in a conflicting choice one wish alone counts, and in reverse."""
        wishes = self.newest if 2 * place >= of else self.wishes
        against = draw.choice(sorted(wishes))
        return {against: -wishes[against]} if draw.random() < self.conflicts else wishes

    def takes_first(self, first: Answer, second: Answer, wishes: Mapping[str, float], draw: random.Random) -> bool:
        """Choose between two answers shown in this order."""
        gain = first.utility(wishes) - second.utility(wishes) + self.position_bias
        chance = draw.random()  # drawn even where it decides nothing, so that users with and without noise see alike
        if self.noise == 0:
            return gain > 0
        return chance < 0.5 * (1 + math.tanh(gain / self.noise / 2))

    def oracle(self, liked: Sequence[Answer]) -> str:
        """The newest wishes, strongest first, in the words of the SDK's `contrast`; `liked` gives lengths a figure."""
        wishes = sorted(self.newest.items(), key=lambda wish: (-abs(wish[1]), wish[0]))
        return " ".join(_clause(aspect, weight > 0, liked) for aspect, weight in wishes)


@dataclass(frozen=True)
class Population:
    """What kind of users to simulate."""

    users: int
    signals: int
    """Choices each user shows."""
    pairs: int
    """Pairs held out from the summarizer, of other tasks than the signals."""
    noise: float = 0.5
    conflicts: float = 0.0
    drift: float = 0.0
    """Share of users of whom one wish turns round half-way."""
    wishes_per_user: tuple[int, int] = (1, 3)
    """The least and the most wishes."""
    contrast: float = 1.0
    """The least difference in utility between the answers of a pair."""
    mirrored: bool = True
    position_bias: float = 0.0
    flips: float = 0.0
    """Share of shown choices that come out the other way round, for no reason."""
    aspects: tuple[str, ...] | None = None
    """What may be wished for; None for all in which these answers differ often enough. Name them where training and
    test tasks must share them exactly."""

    def __post_init__(self) -> None:
        least, most = self.wishes_per_user
        if self.users < 1 or self.pairs < 1 or self.signals < 0:
            raise ConfigError("A world has at least one user, one held-out pair, and no fewer than 0 signals.")
        if self.mirrored and self.users % 2:
            raise ConfigError(f"{self.users} users cannot be mirrored twins.", hint="Ask for an even number.")
        if not 1 <= least <= most <= len(self.aspects or ASPECTS):
            raise ConfigError(f"A user cannot have {least} to {most} wishes.", hint="Give a least and a most, from 1.")
        if not (0 <= self.drift <= 1 and 0 <= self.flips <= 1) or not 0 < self.contrast < math.inf:
            raise ConfigError("Drift and flips are shares, 0 to 1, and contrast is above 0.")


@dataclass(frozen=True)
class Choice:
    """A task with the answer taken and the other one."""

    task: Task
    chosen: Answer
    rejected: Answer

    def reversed(self) -> Choice:
        """The same two answers, the other one taken."""
        return replace(self, chosen=self.rejected, rejected=self.chosen)

    def pair(self) -> PreferencePair:
        """The choice as a signal."""
        return PreferencePair(self.task.prompt, self.chosen.text, self.rejected.text)


@dataclass(frozen=True)
class Choices:
    """All choices of one user."""

    shown: tuple[Choice, ...]
    held_out: tuple[Choice, ...]
    conflict: bool

    def reversed(self) -> Choices:
        """The same tasks and answers, each choice the other way."""
        shown, held_out = ([choice.reversed() for choice in part] for part in (self.shown, self.held_out))
        return replace(self, shown=tuple(shown), held_out=tuple(held_out))


@dataclass(frozen=True)
class Simulated:
    """A user with what they have shown."""

    user: RealUser
    example: Example
    choices: Choices


def real_examples(
    answers: Answers,
    *,
    users: int,
    signals: int,
    pairs: int,
    seed: int,
    noise: float = 0.5,
    conflicts: float = 0.0,
    drift: float = 0.0,
    wishes_per_user: tuple[int, int] = (1, 3),
    contrast: float = 1.0,
    mirrored: bool = True,
    position_bias: float = 0.0,
    aspects: Sequence[str] | None = None,
) -> list[Example]:
    """One example per user; the settings are those of `Population`.

    The slices are `aspect` (the strongest wish), `wishes` (how many), `conflict` and `drift` ("yes", "no") and `tasks`
    ("seen", "unseen"). Mirrored twins stand next to each other: a file of them is not to be split by user.

    Raises:
        ConfigError: settings that no users can have, or too few tasks with answers that differ enough.
    """
    population = Population(
        users=users,
        signals=signals,
        pairs=pairs,
        noise=noise,
        conflicts=conflicts,
        drift=drift,
        wishes_per_user=wishes_per_user,
        contrast=contrast,
        mirrored=mirrored,
        position_bias=position_bias,
        aspects=None if aspects is None else tuple(aspects),
    )
    return [one.example for one in simulate(answers, population, seed=seed)]


def simulate(answers: Answers, population: Population, *, seed: int | str) -> list[Simulated]:
    """The users behind `real_examples`, with the wishes that nothing is trained on."""
    aspects = population.aspects or answers.differing(population.contrast / WEIGHTS[0])
    if len(aspects) < population.wishes_per_user[1]:
        raise ConfigError(
            f"The answers differ often enough in {len(aspects)} aspects only.",
            hint="Ask for fewer wishes, less contrast or more answers per task.",
        )
    made: list[Simulated] = []
    while len(made) < population.users:
        name = f"real-{seed}-{'seen' if answers.seen else 'unseen'}-{len(made)}"
        draw = random.Random(name)
        user = _user(population, aspects, draw)
        choices = _choices(user, answers, population, draw)
        made.append(_simulated(name, user, choices, answers))
        if population.mirrored:
            twin = f"{name.rpartition('-')[0]}-{len(made)}"
            made.append(_simulated(twin, user.mirrored(), choices.reversed(), answers))
    return made


def _user(population: Population, aspects: Sequence[str], draw: random.Random) -> RealUser:
    wished = draw.sample(sorted(aspects), draw.randint(*population.wishes_per_user))
    wishes = {aspect: draw.choice((-1, 1)) * draw.uniform(*WEIGHTS) for aspect in wished}
    turned = draw.choice(wished)
    drifts = draw.random() < population.drift
    return RealUser(
        wishes=wishes,
        later={**wishes, turned: -wishes[turned]} if drifts else None,
        noise=population.noise,
        position_bias=population.position_bias,
        conflicts=population.conflicts,
    )


def _choices(user: RealUser, answers: Answers, population: Population, draw: random.Random) -> Choices:
    """Let the user choose, first what is shown, then what is held out; no task comes twice."""
    left = draw.sample(answers.tasks, len(answers.tasks))
    acting = [user.acting(place, population.signals, draw) for place in range(population.signals)]
    least = population.contrast
    shown = [_shown_choice(user, wishes, _contrasting(left, wishes, least, draw), draw) for wishes in acting]
    if population.flips:
        shown = [choice.reversed() if draw.random() < population.flips else choice for choice in shown]
    held_out = [_contrasting(left, user.newest, least, draw) for _ in range(population.pairs)]
    conflict = any(wishes is not user.wishes and wishes is not user.newest for wishes in acting)
    return Choices(tuple(shown), tuple(held_out), conflict)


def _contrasting(left: list[Task], wishes: Mapping[str, float], contrast: float, draw: random.Random) -> Choice:
    """Take the first task out of `left` that has answers far enough apart, and two of those, the better one chosen."""
    for place, task in enumerate(left):
        scored = [(answer.utility(wishes), answer) for answer in task.answers]
        apart = [(a, b) for high, a in scored for low, b in scored if high - low >= contrast]
        if apart:
            del left[place]
            return Choice(task, *draw.choice(apart))
    raise ConfigError(
        f"No task is left with two answers that differ by {contrast} for a user who wishes {dict(wishes)}.",
        hint="Ask for fewer signals and pairs, less contrast, other aspects, or load more tasks.",
    )


def _shown_choice(user: RealUser, wishes: Mapping[str, float], best: Choice, draw: random.Random) -> Choice:
    """What the user makes of two answers shown in either order; `best` is how the wishes alone would choose."""
    if draw.random() < 0.5:
        return best if user.takes_first(best.chosen, best.rejected, wishes, draw) else best.reversed()
    return best.reversed() if user.takes_first(best.rejected, best.chosen, wishes, draw) else best


def _simulated(name: str, user: RealUser, choices: Choices, answers: Answers) -> Simulated:
    strongest = max(user.newest, key=lambda aspect: (abs(user.newest[aspect]), aspect))
    # Which of the answers shown they would like best now: noise and held-out pairs have no say in the truth.
    liked = [max(one.chosen, one.rejected, key=lambda answer: answer.utility(user.newest)) for one in choices.shown]
    slices = {
        "aspect": strongest,
        "wishes": str(len(user.newest)),
        "conflict": "yes" if choices.conflict else "no",
        "drift": "no" if user.later is None else "yes",
        "tasks": "seen" if answers.seen else "unseen",
    }
    signals, pairs = (tuple(one.pair() for one in part) for part in (choices.shown, choices.held_out))
    return Simulated(user, Example(name, signals, pairs, slices, user.oracle(liked)), choices)


def _clause(aspect: str, more: bool, liked: Sequence[Answer]) -> str:
    texts = tuple(answer.whole for answer in liked)
    return finding_clause(Finding(_MEASURES[aspect], aspect, more, 1.0, len(texts), (), texts)).text


def _reverse(wishes: Mapping[str, float]) -> dict[str, float]:
    return {aspect: -weight for aspect, weight in wishes.items()}
