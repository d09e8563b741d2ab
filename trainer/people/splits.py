"""Who is trained on and who is not, among simulated people: other tasks, other people, other words.

train        tasks of their own, wordings that are spoken, people who show little or much or wish for nothing
validation   other tasks and people
test         other tasks and people again, and wordings that nothing was trained on; 8 signals each

Small talk from real dialogues and the clauses in profiles are the same in all three.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from popi_sdk.errors import ConfigError
from popi_sdk.signals import Conversation
from popi_sdk.style.facts import ASPECTS
from trainer.config import PeopleConfig
from trainer.data import Example, write_examples
from trainer.people.answers import Answers, split_tasks
from trainer.people.choosing import Population
from trainer.people.examples import ALONE, People, load_dialogues, people_examples

ANSWERS_PER_TASK = 6
"""Tasks with fewer answers seldom have two that differ in what a person wishes for."""
TEST_SHARE, VALIDATION_SHARE = 0.2, 0.28
"""Of the tasks, by their names' place between 0 and 1: below the first are test tasks, from there to the second
validation tasks."""
AT_A_TIME = 500
"""Newcomers made at once, an even number."""
FEWEST = 1
"""Signals that a person to train on shows at least."""
FEWEST_TO_CALIBRATE_ON = 4
"""Signals that a person to calibrate on shows at least: of one or two choices hardly anything can be told."""
TEST_SIGNALS, TEST_PAIRS = 8, 4
SIZES = {"validation": 200, "calibration": 400, "doubts": 400, "test": 400, "alone": 160}
"""People to validate and calibrate on; in each way of showing things, people to find out on when to doubt; people of
the test split who show things in all ways, and in each way alone."""


def people_to_train_on(config: PeopleConfig, seed: int) -> list[Example]:
    """The training split."""
    people = People(_population(config, config.users), few=FEWEST, without_wishes=config.without_wishes)
    return people_examples(answers_by_split(config.answers)["train"], people, dialogues_of(config), seed=seed)


def newcomers(config: PeopleConfig, seed: int, count: int) -> Iterator[Example]:
    """People over the training tasks whom nobody has met, about `count` of them and then more.

    Those who come first have shown one thing, later ones more and more, until from half-way on all have shown up to
    `signals`: what a single signal says is learnt sooner where it stands alone.
    """
    made = 0
    while True:
        signals = max(1, round(min(1.0, 2 * made / count) * config.signals))
        population = _population(config, AT_A_TIME, signals, config.pairs)
        people = People(population, few=FEWEST, without_wishes=config.without_wishes)
        chunk = people_examples(
            answers_by_split(config.answers)["train"], people, dialogues_of(config), seed=f"{seed} newcomers {made}"
        )
        random.Random(f"{seed} {made}").shuffle(chunk)
        yield from chunk
        made += len(chunk)


def people_to_validate_on(config: PeopleConfig, seed: int) -> list[Example]:
    """The validation split."""
    people = People(_population(config, SIZES["validation"]), few=FEWEST)
    return people_examples(
        answers_by_split(config.answers)["validation"], people, dialogues_of(config), seed=f"{seed} validation"
    )


def people_to_test_on(config: PeopleConfig, seed: int) -> list[Example]:
    """The test split: people who show things in all ways, then others who use one way only."""
    answers, dialogues = answers_by_split(config.answers)["test"], dialogues_of(config)
    examples: list[Example] = []
    for kinds in ("all", *ALONE):
        population = _population(config, SIZES["test" if kinds == "all" else "alone"], TEST_SIGNALS, TEST_PAIRS)
        people = People(population, kinds=kinds, wordings="unseen")
        examples += people_examples(answers, people, dialogues, seed=f"{seed} {kinds}")
    return examples


def people_to_calibrate_on(config: PeopleConfig, seed: int) -> list[Example]:
    """Others over the validation tasks, half of whom wish for nothing."""
    population = _population(config, SIZES["calibration"], pairs=TEST_PAIRS)
    people = People(population, few=min(FEWEST_TO_CALIBRATE_ON, config.signals), without_wishes=0.5)
    return people_examples(
        answers_by_split(config.answers)["validation"], people, dialogues_of(config), seed=f"{seed} calibration"
    )


def people_to_doubt_on(config: PeopleConfig, seed: int) -> list[Example]:
    """Others over the validation tasks, some for every way of showing things, who all wish for something."""
    answers, dialogues = answers_by_split(config.answers)["validation"], dialogues_of(config)
    examples: list[Example] = []
    for kinds in ("all", *ALONE):
        population = _population(config, SIZES["doubts"], TEST_SIGNALS, TEST_PAIRS)
        examples += people_examples(answers, People(population, kinds=kinds), dialogues, seed=f"{seed} doubts {kinds}")
    return examples


def write_people(config: PeopleConfig, seed: int, folder: Path) -> None:
    """Write the validation and the test split as `validation.jsonl` and `test.jsonl`."""
    write_examples(people_to_validate_on(config, seed), folder / "validation.jsonl")
    write_examples(people_to_test_on(config, seed), folder / "test.jsonl")


def refuse_missing_people(config: PeopleConfig) -> None:
    """Check that the files people are made of are there.

    Raises:
        ConfigError: one is not.
    """
    for name, path in (("people.answers", config.answers), ("people.dialogues", config.dialogues)):
        if path and not Path(path).is_file():
            raise ConfigError(f"`{name}`: there is no {path}", hint="Name a file of the format that the README shows.")


def _population(config: PeopleConfig, users: int, signals: int = 0, pairs: int = 0) -> Population:
    return Population(
        users=users,
        signals=signals or config.signals,
        pairs=pairs or config.pairs,
        noise=config.noise,
        flips=config.flips,
        drift=config.drift,
        wishes_per_user=(config.least_wishes, config.most_wishes),
        aspects=ASPECTS,
    )


@cache
def answers_by_split(path: str) -> dict[str, Answers]:
    """The answers that each split is made of."""
    everything = Answers.load(Path(path), tasks_with_at_least=ANSWERS_PER_TASK)
    rest, test = split_tasks(everything, TEST_SHARE)
    train, validation = split_tasks(rest, VALIDATION_SHARE)
    return {"train": train, "validation": validation, "test": test}


def dialogues_of(config: PeopleConfig) -> tuple[Conversation, ...]:
    """The real dialogues, none where none are named."""
    return load_dialogues(Path(config.dialogues)) if config.dialogues else ()
