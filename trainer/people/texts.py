"""What small models learn from before they meet anyone: real answers with descriptions of them, and plain texts.

A description says of an answer what sets it apart from the other answers to its task, in the words of a summary, so a
generator learns what answers a summary asks for from answers that were written without any.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from functools import cache

from popi_sdk.signals import Conversation
from popi_sdk.style.facts import ASPECTS, levels
from popi_sdk.summarizers.topics import Wish
from popi_sdk.summarizers.wording import wish_text
from trainer.people.answers import Answer, Answers, Task
from trainer.people.wordings import Phrasebook, phrasebook

MOST_CLAUSES = 5
NO_DESCRIPTION = 0.2
"""Share of answers that come without a description, so that answering without one is learnt too."""
FURTHEST_OF = 4
"""A level that a description speaks of is that of the furthest of so many answers drawn."""
SHARES = {"answers": 0.5, "dialogues": 0.3, "wordings": 0.2}
"""What plain texts are made of."""


def described_answers(answers: Answers, seed: int) -> Iterator[tuple[str, str, str]]:
    """Endless (description, question, answer): what a generator that reads texts learns to follow descriptions from."""
    draw = random.Random(f"{seed} described")
    book = phrasebook("taught")
    while True:
        task = draw.choice(answers.tasks)
        answer = draw.choice(task.answers)
        apart = _apart(answer, draw)
        yield _in_words(apart, book, draw), task.prompt, answer.text


def described_levels(answers: Answers, seed: int) -> Iterator[tuple[str, str, str, str]]:
    """The same for a generator that reads levels, with the opposite: each aspect's level is that of another answer.

    So levels say nothing of each other, and there are as many different rows of them as anybody wants: a generator can
    neither know the answers by heart nor take what usually comes with a wish for the wish.
    """
    draw = random.Random(f"{seed} described levels")
    book = phrasebook("taught")
    pool = [(answer, levels(answer.text).split()) for task in answers.tasks for answer in task.answers]
    while True:
        apart = _apart(draw.choice(pool)[0], draw)
        row = [draw.choice(pool)[1][place] for place in range(len(ASPECTS))]
        opposite = list(row)
        for aspect, more in apart:
            place = ASPECTS.index(aspect)
            row[place] = _level_of_one_apart(pool, place, more, draw)
            opposite[place] = _level_of_one_apart(pool, place, not more, draw)
        other = " ".join(opposite) if opposite != row else ""
        yield _in_words(apart, book, draw), draw.choice(answers.tasks).prompt, " ".join(row), other


def plain_texts(answers: Answers, dialogues: Sequence[Conversation], seed: int) -> Iterator[tuple[str, str]]:
    """Endless (kind, text): answers, pieces of dialogues, and a few wordings at a time; `kind` is a key of `SHARES`.

    What people say is in lower case, as the small generator's template has it: one word, one token.
    """
    draw = random.Random(f"{seed} plain")
    wordings = _all_wordings(phrasebook("taught"))
    kinds = [kind for kind in SHARES if kind != "dialogues" or dialogues]
    while True:
        kind = draw.choices(kinds, [SHARES[one] for one in kinds])[0]
        if kind == "answers":
            task: Task = draw.choice(answers.tasks)
            yield kind, draw.choice(task.answers).text
        elif kind == "dialogues":
            yield kind, "\n".join(turn.text for turn in draw.choice(dialogues).messages).lower()
        else:
            yield kind, "\n".join(draw.sample(wordings, 6))


def real_texts(answers: Answers, dialogues: Sequence[Conversation], seed: int) -> Iterator[str]:
    """Endless texts in lower case to count words in: the same kinds, answers as they were written."""
    return (text.lower() for _, text in plain_texts(answers, dialogues, seed))


def clause_of(aspect: str, more: bool) -> str:
    """The clause for a wish, as the SDK words it."""
    return wish_text(Wish(aspect, "more" if more else "less"))


def _apart(answer: Answer, draw: random.Random) -> list[tuple[str, bool]]:
    """Some of what sets the answer apart, (aspect, more of it): the more it does, the likelier it is among them."""
    if draw.random() < NO_DESCRIPTION:
        return []
    count = draw.randint(1, MOST_CLAUSES)
    keys = [draw.random() ** (1 / (value**2 + 1e-3)) for value in answer.style]  # a weighted draw without repeats
    places = sorted(range(len(ASPECTS)), key=lambda place: -keys[place])[:count]
    return [(ASPECTS[place], answer.style[place] > 0) for place in places]


def _level_of_one_apart(pool: Sequence[tuple[Answer, list[str]]], place: int, more: bool, draw: random.Random) -> str:
    """The level of an answer that differs from the others to its task in this direction, the furthest of a few."""
    sign = 1 if more else -1
    found = max(draw.choices(pool, k=FURTHEST_OF), key=lambda one: sign * one[0].style[place])
    return found[1][place]


def _in_words(apart: Sequence[tuple[str, bool]], book: Phrasebook, draw: random.Random) -> str:
    return "\n".join(_said(aspect, more, book, draw) for aspect, more in apart)


def _said(aspect: str, more: bool, book: Phrasebook, draw: random.Random) -> str:
    how = draw.random()
    if how < 0.6:
        return clause_of(aspect, more)
    wordings = book.wishes[aspect, more]
    return draw.choice(wordings.clauses if how < 0.8 else wordings.said)


@cache
def _all_wordings(book: Phrasebook) -> list[str]:
    lists = [*book.wishes.values(), book.quiet]
    said = [one.lower() for each in lists for one in (*each.clauses, *each.said, *each.remarked)]
    clauses = [clause_of(aspect, more) for aspect in ASPECTS for more in (True, False)]
    return [*said, *clauses]
