"""Simulated people who show what they like in every way the SDK knows, over real answers to real tasks.

    hidden wishes -> choices between real answers (trainer.people.choosing) -> signals of every kind -> Example

A choice may come out as a pair, a thumb for one of its answers, an edit of the worse into the better, a text of their
own, or as words: a statement about oneself, or a remark on the answer one did not like. Some of what people show says
nothing about answers: talk about their day, real dialogues about films and flights, a profile. Some people wish for
nothing, and choose at random. A person may also ask for a language, in words only.

`Example.oracle` is the whole truth; `Example.evident` is the part of it that the signals make evident, the clearest
first, and so what a summarizer can learn to say.
"""

from __future__ import annotations

import json
import lzma
import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from popi_sdk.errors import ConfigError
from popi_sdk.signals import Conversation, PreferencePair, Signal
from popi_sdk.summarizers.topics import Wish
from popi_sdk.summarizers.wording import wish_text
from trainer.data import Example
from trainer.people.answers import Answers
from trainer.people.choosing import Population, RealUser, Simulated, simulate
from trainer.people.showing import Shown, Speaker
from trainer.people.texts import clause_of
from trainer.people.wordings import Part, Phrasebook, phrasebook

MIXED: Mapping[str, float] = {
    "pair": 0.30, "rating": 0.12, "edit": 0.10, "statement": 0.17, "conversation": 0.17, "demonstration": 0.03,
    "persona": 0.03, "quiet": 0.08,
}  # fmt: skip
"""Kinds of signals and their shares where a person shows things in many ways."""
ALONE = ("pair", "rating", "edit", "statement", "conversation")
"""Kinds that some people use only."""
EVIDENT = 1.5
"""Usual differences, in sum over all choices, from which a wish is evident; said in words it counts as said."""
ASKS_LANGUAGE = 0.06
"""Share of people who ask for a language."""
EVERY = 5
"""One dialogue in so many is enough of them."""


@dataclass(frozen=True)
class People:
    """What people to simulate.

    `kinds` is "mixed" (each in their own mixture or by one kind alone, as in training), "all" (every person in all
    ways), or one of `ALONE`.
    """

    population: Population
    kinds: str = "mixed"
    few: int = 0
    """With more than 0, a person shows between this many and all of the population's signals, few more often."""
    without_wishes: float = 0.0
    """Share of people who wish for nothing."""
    wordings: Part = "spoken"
    """The part of all wordings that they speak in."""

    def __post_init__(self) -> None:
        if self.kinds not in ("mixed", "all", *ALONE):
            raise ConfigError(f"People cannot show {self.kinds!r}.", hint=f"Use mixed, all, {', '.join(ALONE)}.")


def people_examples(
    answers: Answers, people: People, dialogues: Sequence[Conversation], *, seed: int | str
) -> list[Example]:
    """One example per person; mirrored twins stand next to each other, and under one name.

    Twins choose between the same answers: an interval that counted them as two people would be too sure.

    Raises:
        ConfigError: settings that no people can have, or too few tasks with answers that differ enough.
    """
    book = phrasebook(people.wordings)
    simulated = simulate(answers, people.population, seed=seed)
    twins = 2 if people.population.mirrored else 1
    names = [simulated[place - place % twins].example.user for place in range(len(simulated))]
    return [_example(one, name, people, book, dialogues) for one, name in zip(simulated, names, strict=True)]


@cache
def load_dialogues(path: Path) -> tuple[Conversation, ...]:
    """Real dialogues that say nothing about how to be answered, cut to a few turns.

    Raises:
        ConfigError: the file cannot be read.
    """
    try:
        with lzma.open(path, "rt", encoding="utf-8") as lines:
            rows = [json.loads(line) for number, line in enumerate(lines) if number % EVERY == 0]
    except (OSError, EOFError, lzma.LZMAError, ValueError) as error:  # EOFError: the file ends too soon
        raise ConfigError(f"{path} cannot be read: {error}") from error
    draw = random.Random("dialogues")
    return tuple(_dialogue(row, draw) for row in rows)


def _example(one: Simulated, name: str, people: People, book: Phrasebook, dialogues: Sequence[Conversation]) -> Example:
    draw = random.Random(f"{one.example.user} {people.kinds} shows")
    quiet = draw.random() < people.without_wishes
    choices = list(one.choices.shown)
    if people.few:
        counts = range(people.few, len(choices) + 1)
        choices = choices[: draw.choices(counts, [1 / count for count in counts])[0]]
    language = draw.choice(book.languages) if draw.random() < ASKS_LANGUAGE else ""
    speaker = Speaker(one.user, book, dialogues, draw, quiet=quiet)
    kinds = _kinds(people.kinds, len(choices), draw)
    shown = [speaker.show(choice, kind) for choice, kind in zip(choices, kinds, strict=True)]
    signals = [item.signal for item in shown]
    if language:
        signals.insert(draw.randint(0, len(signals)), speaker.asks_for(language))
    pairs = one.example.pairs
    if quiet:
        pairs = tuple(pair if draw.random() < 0.5 else _turned(pair) for pair in pairs)
    asked = (wish_text(Wish("language", language)),) if language else ()
    slices = {
        **one.example.slices,
        "shown": people.kinds if people.kinds != "mixed" else _name(kinds),
        "wishes": "0" if quiet else one.example.slices["wishes"],
        "wordings": people.wordings,
    }
    return Example(
        user=name,
        signals=_without_repeats(signals),
        pairs=pairs,
        slices=slices,
        oracle="\n".join((*asked, *(() if quiet else described(one.user)))),
        evident="\n".join((*asked, *(() if quiet else _evident(one.user, shown)))),
    )


def described(user: RealUser) -> list[str]:
    """The wishes in the SDK's words, strongest first."""
    wishes = user.newest
    return [clause_of(a, wishes[a] > 0) for a in sorted(wishes, key=lambda a: (-abs(wishes[a]), a))]


def _evident(user: RealUser, shown: Sequence[Shown]) -> list[str]:
    total = {aspect: sum(item.evidence.get(aspect, 0.0) for item in shown) for aspect in user.newest}
    clear = [aspect for aspect in total if total[aspect] >= EVIDENT]
    return [clause_of(a, user.newest[a] > 0) for a in sorted(clear, key=lambda a: (-round(total[a], 1), a))]


def _kinds(asked: str, count: int, draw: random.Random) -> list[str]:
    if asked == "mixed" and draw.random() < 0.5:
        asked = draw.choice(ALONE)
    if asked in ALONE:
        return [asked] * count
    return draw.choices(list(MIXED), list(MIXED.values()), k=count)


def _name(kinds: Sequence[str]) -> str:
    return kinds[0] if len(set(kinds)) == 1 else "all"


def _turned(pair: PreferencePair) -> PreferencePair:
    return PreferencePair(pair.prompt, pair.rejected, pair.chosen)


def _without_repeats(signals: Sequence[Signal]) -> tuple[Signal, ...]:
    """What is said twice in the same words is one signal."""
    return tuple({signal.id: signal for signal in signals}.values())


def _dialogue(row: Mapping[str, str], draw: random.Random) -> Conversation:
    """A few turns from the beginning of a dialogue."""
    turns = []
    for line in row["text"].splitlines()[: draw.randint(2, 6)]:
        name, colon, words = line.partition(": ")
        if colon and words.strip():
            turns.append({"role": "user" if name == "User" else "assistant", "content": words})
    return Conversation(turns)
