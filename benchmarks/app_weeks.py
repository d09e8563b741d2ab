"""Simulated users of an app, week by week: what they show, and how both their words and what they care about change.

Everybody likes a formal or a casual tone, and bullet points or prose. From the second week on, the answers are in new
wordings, and everybody also cares whether claims rest on studies or on stories, which the first summarizer never saw.
Most of what users show are pairs of answers; some are edits, pairs of ratings, and wishes in their own words.

Who the users are follows from the seed alone; user `ada-17` is the same one in every week.
"""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

from popi_sdk.signals import Edit, PreferencePair, Rating, Signal, Statement
from trainer.data import Example, write_examples
from trainer.world import DIMENSIONS, QUESTIONS, STEPS, TOPICS, Tastes, describe

ALL_QUESTIONS = [question.format(topic) for question in QUESTIONS for topic in TOPICS]
FIRST_DAY = datetime(2026, 6, 1, 9, tzinfo=UTC)
WEEK = timedelta(weeks=1)
KNOWN, ALL = (0, 1), (0, 1, 2)
"""What users care about in the first week, and later."""
NEW_WORDINGS: tuple[tuple[tuple[str, ...], tuple[str, ...]], ...] = (
    (("Good evening.", "I shall explain."), ("Yo!", "No worries!")),
    (("+ {0}\n+ {1}", "> {0}\n> {1}"), ("Do {0}, later {1}.", "People {0} and {1}.")),
    (("A survey found so.", "Experts agree."), ("My friend did it.", "I recall it well.")),
)
SAYINGS = (
    ("Be formal.", "Be casual."),
    ("Use bullet points.", "Write prose."),
    ("Cite studies.", "Tell stories."),
)
NOISE = 0.05
"""Chance that an answer misses one of its reader's tastes."""
ONE_THING = 0.4
"""Share of pairs whose answers differ in one thing only."""
SAID = 0.4
"""Chance that a user puts a wish into words, in a week from the second on."""


def tastes_of(seed: int, number: int) -> dict[int, int]:
    """What a user likes, by dimension."""
    draw = random.Random(f"{seed} tastes {number}")
    return {dimension: draw.randrange(2) for dimension in ALL}


def week_of(seed: int, number: int, week: int, *, pairs: int = 6, flipped: bool = False) -> list[Signal]:
    """What a user shows in a week (from 1); `flipped` turns the week's choices against the user's own tastes."""
    draw, tastes = random.Random(f"{seed} user {number} week {week}"), tastes_of(seed, number)
    chosen_by = {dimension: 1 - side for dimension, side in tastes.items()} if flipped else tastes
    questions = draw.sample(ALL_QUESTIONS, pairs)
    signals = [one for question in questions for one in _choice(draw, question, chosen_by, week)]
    if week > 1 and draw.random() < SAID:
        dimension = 2 if draw.random() < 0.6 else draw.choice(KNOWN)
        signals.append(Statement(SAYINGS[dimension][tastes[dimension]]))
    start = FIRST_DAY + (week - 1) * WEEK
    return [
        signal.model_copy(update={"at": start + timedelta(hours=place), "allow_training": True})
        for place, signal in enumerate(signals)
    ]


def write_pilot(folder: Path, seed: int, users: Mapping[str, int]) -> None:
    """The three splits that the first model learns from: other users, in the words of the first week."""
    folder.mkdir(parents=True, exist_ok=True)
    for place, (split, count) in enumerate(users.items()):
        first = 1_000_000 * (place + 1)
        write_examples(
            [_pilot_example(seed, number) for number in range(first, first + count)], folder / f"{split}.jsonl"
        )


def _pilot_example(seed: int, number: int) -> Example:
    draw, tastes = random.Random(f"{seed} pilot {number}"), tastes_of(seed, number)
    known = {dimension: tastes[dimension] for dimension in KNOWN}
    questions = draw.sample(ALL_QUESTIONS, 8)
    pairs = [_pair(draw, question, known, week=1) for question in questions]
    shown = draw.randint(2, 5)
    return Example(f"pilot-{number}", tuple(pairs[:shown]), tuple(pairs[shown : shown + 3]), oracle=describe(known))


def _choice(draw: random.Random, question: str, tastes: Tastes, week: int) -> Sequence[Signal]:
    """A choice between two answers, in one of the ways an app sees it."""
    pair, way = _pair(draw, question, tastes, week), draw.random()
    if way < 0.1:
        return [Edit(question, pair.rejected, pair.chosen)]
    if way < 0.2:
        return [Rating(question, pair.chosen, liked=True), Rating(question, pair.rejected, liked=False)]
    return [pair]


def _pair(draw: random.Random, question: str, tastes: Tastes, week: int) -> PreferencePair:
    dimensions = ALL if week > 1 else KNOWN
    chosen = {dimension: draw.randrange(2) for dimension in dimensions}
    rejected = dict(chosen)
    for dimension in [draw.choice(dimensions)] if draw.random() < ONE_THING else dimensions:
        chosen[dimension] = tastes[dimension] if draw.random() >= NOISE else 1 - tastes[dimension]
        rejected[dimension] = 1 - chosen[dimension]
    return PreferencePair(question, answer_of(draw, chosen, week), answer_of(draw, rejected, week))


def answer_of(draw: random.Random, sides: Tastes, week: int) -> str:
    """An answer that shows these sides, in the words of a week."""
    steps = draw.sample(STEPS, 2)
    texts = [
        NEW_WORDINGS[dimension][side] if week > 1 else DIMENSIONS[dimension][side].texts
        for dimension, side in sorted(sides.items())
    ]
    return "\n".join(draw.choice(some).format(*steps) for some in texts)
