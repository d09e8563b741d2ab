"""A world of simulated users for tests and for learning where no weights can be downloaded: templated texts.

A user cares about some things (tone, layout, what claims rest on, ...), each one way or the other. Answers show each of
these one way or the other, whatever they are about. A user's signals are pairs of which the chosen answer mostly shows
what the user likes and the rejected one the opposite; a held-out pair differs in exactly one thing the user cares
about, so a summary has to get that one right.

Who the users are depends on the seed alone, and user `train-17` is the same one whatever else is asked for.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping, Sequence, Set
from dataclasses import dataclass
from typing import TypeAlias

from popi_sdk.signals import PreferencePair
from trainer.config import WorldConfig
from trainer.data import Example

Side: TypeAlias = int
"""0 or 1: one of the two ways of a dimension."""
Tastes: TypeAlias = Mapping[int, Side]
"""What a user cares about, by dimension."""


@dataclass(frozen=True, slots=True)
class Way:
    """One way of a dimension: how a summary says it, and texts that show it."""

    clause: str
    texts: tuple[str, ...]


DIMENSIONS: tuple[tuple[Way, Way], ...] = (
    (
        Way("Use a formal tone.", ("Good day to you.", "Allow me to explain.", "It is a pleasure to assist you.")),
        Way("Use a casual tone.", ("Hey there!", "Sure thing, friend!", "Oh, easy one!")),
    ),
    (
        Way("Answer in bullet points.", ("- {0}\n- {1}", "* {0}\n* {1}", "1. {0}\n2. {1}")),
        Way("Answer in flowing prose.", ("First {0}, and then {1}.", "You {0} before you {1}.", "Once you {0}, {1}.")),
    ),
    (
        Way("Back claims with studies.", ("Studies show it works.", "Research confirms this.", "The data agree.")),
        Way("Tell a personal story.", ("I tried this last summer.", "My aunt swears by it.", "I recall doing so.")),
    ),
    (
        Way("End with a question.", ("Shall we go on?", "Would you like more?", "What do you think?")),
        Way("End with a firm conclusion.", ("That settles it.", "Nothing more is needed.", "So that is that.")),
    ),
    (
        Way("Give an example.", ("For example, take a rainy day.", "For instance, picture a beginner.")),
        Way("Explain the theory.", ("In theory, order matters most.", "The principle is balance.")),
    ),
    (
        Way("Warn about the risks.", ("Beware of haste.", "Careful, it can go wrong.")),
        Way("Be encouraging.", ("You can do this.", "It gets easier every time.")),
    ),
)
"""What users may care about; texts stand in this order in an answer."""

TOPICS = (
    "bread", "cheese", "coffee", "gardens", "roses", "chess", "maps", "guitars", "running", "sailing", "stars",
    "clocks", "kites", "paint", "poems", "letters", "bees", "soup", "tea", "boats", "trains", "bikes", "lamps",
    "shoes", "hats", "tents", "knots", "wood", "clay", "glass", "honey", "rice", "plums", "dogs", "cats", "birds",
)  # fmt: skip
QUESTIONS = ("How do I begin with {0}?", "Tell me about {0}.", "What should I know about {0}?", "Explain {0} to me.")
STEPS = (
    "start small", "take notes", "ask around", "keep it clean", "wait a day", "use good tools", "measure twice",
    "read the label", "practise daily", "watch the weather", "work slowly", "check the edges", "save the rest",
    "share the result", "stay patient", "plan ahead",
)  # fmt: skip


def describe(tastes: Tastes, order: Sequence[int] | None = None) -> str:
    """The tastes in plain English, one clause a line.

    >>> print(describe({0: 1, 1: 0}))
    Use a casual tone.
    Answer in bullet points.
    """
    return "\n".join(DIMENSIONS[dimension][tastes[dimension]].clause for dimension in order or sorted(tastes))


def read_tastes(text: str) -> dict[int, Side]:
    """What a summary says, as far as it says it in this world's words and without contradicting itself.

    >>> read_tastes("Use a casual tone. Be brief.")
    {0: 1}
    """
    said = {}
    for dimension, ways in enumerate(DIMENSIONS):
        named = [side for side, way in enumerate(ways) if way.clause.rstrip(".").lower() in text.lower()]
        if len(named) == 1:
            said[dimension] = named[0]
    return said


def world_examples(world: WorldConfig, split: str, count: int, seed: int) -> list[Example]:
    """`count` users of `split` ("train", "validation", "test", ...); no two splits share a user."""
    return [_example(world, f"{split}-{number}", random.Random(f"{seed} {split} {number}")) for number in range(count)]


def guided_answers(world: WorldConfig, seed: int, *, follows: float = 0.9) -> Iterator[tuple[str, str, str]]:
    """Endless (description, question, answer): what a generator from scratch learns to follow descriptions from.

    Each thing described shows in the answer with chance `follows`, so that preference learning still has a margin to
    gain; a quarter of the descriptions are empty.
    """
    draw = random.Random(f"{seed} guided")
    while True:
        described = draw.sample(range(world.dimensions), draw.randint(1, world.dimensions))
        tastes = {dimension: draw.randrange(2) for dimension in described}
        shown = _random_sides(draw, world)
        for dimension, side in tastes.items():
            shown[dimension] = side if draw.random() < follows else 1 - side
        order = described if draw.random() < 0.5 else sorted(described)
        yield ("" if draw.random() < 0.25 else describe(tastes, order)), _question(draw), _answer(draw, shown)


def _example(world: WorldConfig, user: str, draw: random.Random) -> Example:
    cared = sorted(draw.sample(range(world.dimensions), world.cares))
    tastes = {dimension: draw.randrange(2) for dimension in cared}
    drifts = draw.random() < world.drift
    before = {dimension: 1 - side for dimension, side in tastes.items()} if drifts else tastes
    count = draw.randint(world.fewest_signals, world.signals) if world.fewest_signals else world.signals
    signals = tuple(_shown(draw, world, before if number < count // 2 else tastes) for number in range(count))
    asked = {signal.prompt for signal in signals}
    return Example(
        user=user,
        signals=signals,
        pairs=tuple(_held_out(draw, world, tastes, number, asked) for number in range(world.pairs)),
        slices={"drift": "yes" if drifts else "no"},
        oracle=describe(tastes),
    )


def _shown(draw: random.Random, world: WorldConfig, tastes: Tastes) -> PreferencePair:
    """A pair whose answers differ in whatever the user cares about, each thing amiss with chance `noise`."""
    chosen, rejected = _random_sides(draw, world), _random_sides(draw, world)
    for dimension, side in tastes.items():
        chosen[dimension] = side if draw.random() >= world.noise else 1 - side
        rejected[dimension] = 1 - side if draw.random() >= world.noise else side
    if draw.random() < world.conflicts:
        chosen, rejected = rejected, chosen
    return _pair(draw, chosen, rejected)


def _held_out(draw: random.Random, world: WorldConfig, tastes: Tastes, number: int, asked: Set[str]) -> PreferencePair:
    """A pair that differs in one thing the user cares about, each in its turn, about a question not asked before."""
    chosen = _random_sides(draw, world)
    dimension = sorted(tastes)[number % len(tastes)]
    chosen[dimension] = tastes[dimension]
    return _pair(draw, chosen, {**chosen, dimension: 1 - tastes[dimension]}, asked)


def _pair(draw: random.Random, chosen: Tastes, rejected: Tastes, asked: Set[str] = frozenset()) -> PreferencePair:
    first = _answer(draw, chosen)
    second = first
    while second == first:  # two answers of one kind may come out alike word for word
        second = _answer(draw, rejected)
    question = _question(draw)
    while question in asked:
        question = _question(draw)
    return PreferencePair(question, first, second)


def _random_sides(draw: random.Random, world: WorldConfig) -> dict[int, Side]:
    return {dimension: draw.randrange(2) for dimension in range(world.dimensions)}


def _question(draw: random.Random) -> str:
    return draw.choice(QUESTIONS).format(draw.choice(TOPICS))


def _answer(draw: random.Random, sides: Tastes) -> str:
    steps = draw.sample(STEPS, 2)
    return "\n".join(
        draw.choice(DIMENSIONS[dimension][side].texts).format(*steps) for dimension, side in sorted(sides.items())
    )
