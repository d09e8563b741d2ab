"""People who have said a thing or two and shown nothing else: what a summarizer learns to read from first.

What one saying means is learnt from short texts in a fraction of the time that it takes among a dozen signals.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence

from popi_sdk.signals import Conversation, Signal, Statement
from popi_sdk.style.facts import ASPECTS
from popi_sdk.summarizers.topics import Wish
from popi_sdk.summarizers.wording import wish_text
from trainer.data import Example
from trainer.people.showing import roughly
from trainer.people.texts import clause_of
from trainer.people.wordings import Phrasebook, phrasebook

ONE = 0.5
"""Share of people who say a single thing."""
MOST = 5
QUIET = 0.15
"""Chance of small talk beside what is said, and in its place."""
ASKS_LANGUAGE = 0.04
CROSSED = 0.4
"""Share of wishes that are put together from a frame and what they are about."""
CROSSED_MEANINGS = 200
"""Crossed wordings of each wish among `meanings`."""
_BEFORE = (
    {"role": "user", "content": "What do you know about tea?"},
    {"role": "assistant", "content": "It is the most common drink after water."},
)
"""What a remark is made on; the small model does not read it."""


def sayings(seed: int) -> Iterator[Example]:
    """Endless people with what they said and, as `evident`, what it means; they have no held-out pairs."""
    draw = random.Random(f"{seed} sayings")
    book = phrasebook()
    made = 0
    while True:
        yield _example(f"sayings-{made}", book, draw)
        made += 1


def meanings(seed: int) -> list[tuple[str, int]]:
    """Every wording that is trained on and many crossed ones, in lower case, each with the number of its wish.

    The last number stands for no wish.
    """
    draw, book = random.Random(f"{seed} meanings"), phrasebook()
    wishes = [(aspect, more) for aspect in ASPECTS for more in (True, False)]
    told = []
    for number, (aspect, more) in enumerate(wishes):
        wordings = book.wishes[aspect, more]
        crossed = (book.crossed(aspect, more, draw) for _ in range(CROSSED_MEANINGS))
        texts = (*wordings.clauses, *wordings.said, *wordings.remarked, *crossed)
        told += [(text.lower(), number) for text in texts]
    return told + [(text.lower(), len(wishes)) for text in (*book.quiet.said, *book.quiet.remarked)]


def _example(name: str, book: Phrasebook, draw: random.Random) -> Example:
    count = 0 if draw.random() < QUIET else 1 if draw.random() < ONE else draw.randint(2, MOST)
    wishes = [(aspect, draw.random() < 0.5) for aspect in draw.sample(ASPECTS, count)]
    signals = [_said(aspect, more, book, draw) for aspect, more in wishes]
    if not signals or draw.random() < QUIET:
        quiet = book.quiet.said if draw.random() < 0.5 else book.quiet.remarked
        signals.append(_signal(quiet, draw, remark=quiet is book.quiet.remarked))
    clauses = [clause_of(aspect, more) for aspect, more in sorted(wishes)]
    if draw.random() < ASKS_LANGUAGE:
        language = draw.choice(book.languages)
        signals.append(Statement(draw.choice(book.language.said).format(language=language)))
        clauses.insert(0, wish_text(Wish("language", language)))
    draw.shuffle(signals)
    signals = list({signal.id: signal for signal in signals}.values())
    told = "\n".join(clauses)
    return Example(user=name, signals=tuple(signals), pairs=(), slices={}, oracle=told, evident=told)


def _said(aspect: str, more: bool, book: Phrasebook, draw: random.Random) -> Signal:
    wordings = book.wishes[aspect, more]
    if draw.random() < CROSSED:
        return _signal([book.crossed(aspect, more, draw)], draw, remark=draw.random() < 0.5)
    remark = draw.random() < 0.5
    return _signal(wordings.remarked if remark else wordings.said, draw, remark=remark)


def _signal(wordings: Sequence[str], draw: random.Random, *, remark: bool) -> Signal:
    words = roughly(draw.choice(wordings), draw)
    return Conversation([*_BEFORE, {"role": "user", "content": words}]) if remark else Statement(words)
