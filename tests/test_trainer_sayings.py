"""What people say, put together from parts, and people who have said a thing or two."""

from __future__ import annotations

import random
from itertools import islice

from popi_sdk.signals import Conversation, Statement
from popi_sdk.style.facts import ASPECTS
from trainer.data import Example
from trainer.people.sayings import CROSSED_MEANINGS, meanings, sayings
from trainer.people.showing import roughly
from trainer.people.texts import clause_of
from trainer.people.wordings import combinations, phrasebook, plain, turning


def said_by(example: Example) -> list[str]:
    texts = []
    for signal in example.signals:
        assert isinstance(signal, Statement | Conversation)
        texts.append(signal.text if isinstance(signal, Statement) else signal.messages[-1].text)
    return texts


def test_a_crossed_wording_goes_the_way_it_is_asked_to() -> None:
    book, draw = phrasebook(), random.Random(0)
    things, doing = book.frames.things, book.frames.doing
    for aspect in ASPECTS:
        parts = book.parts[aspect]
        ways = {
            more: {frame.format(thing=thing) for frame in things[more] for thing in parts.things}
            | {frame.format(doing=one) for frame in doing[True] for one in parts.doing[more]}
            | {frame.format(doing=one) for frame in doing[False] for one in parts.doing[not more]}
            for more in (True, False)
        }
        assert not ways[True] & ways[False]
        for more in (True, False):
            made = {book.crossed(aspect, more, draw) for _ in range(60)}
            assert made <= ways[more]
            assert len(made) > 50


def test_no_crossed_wording_is_one_that_is_kept_for_evaluation() -> None:
    book, unseen = phrasebook(), phrasebook(unseen=True)
    kept = {plain(one) for each in unseen.wishes.values() for one in (*each.said, *each.remarked)}
    crossed = {plain(one) for aspect in ASPECTS for one in combinations(book.parts[aspect], book.frames)}
    assert len(crossed) > 100_000
    assert not crossed & kept
    assert len(kept) > 5_000


def test_every_crossed_wording_is_one_of_the_combinations_and_wordings_are_compared_without_dress() -> None:
    book, draw = phrasebook(), random.Random(1)
    made = {book.crossed("lists", more, draw) for more in (True, False) for _ in range(200)}
    assert made <= set(combinations(book.parts["lists"], book.frames))
    assert plain("DON'T use bullets!") == plain("don\u2019t use  bullets") == "dont use bullets"


def test_what_people_say_is_what_is_evident_of_them() -> None:
    people = list(islice(sayings(0), 2_000))
    wishes = {clause_of(aspect, more) for aspect in ASPECTS for more in (True, False)}
    counts = [0, 0, 0]
    for one in people:
        clauses = one.evident.splitlines()
        styles = [clause for clause in clauses if not clause.startswith("Answer in ")]
        assert set(styles) <= wishes
        assert len(one.signals) >= len(clauses)
        assert not one.pairs
        counts[min(2, len(styles))] += 1
    assert min(counts) > 200  # some without a wish, some with one, some with several


def test_sayings_never_use_a_wording_that_is_kept_for_evaluation() -> None:
    book = phrasebook(unseen=True)
    kept = {one.lower() for each in (*book.wishes.values(), book.quiet) for one in (*each.said, *each.remarked)}
    said = {text.lower() for one in islice(sayings(1), 3_000) for text in said_by(one)}
    assert len(said) > 3_000
    assert not said & kept


def test_one_seed_says_the_same_things_again() -> None:
    assert list(islice(sayings(2), 50)) == list(islice(sayings(2), 50))
    assert list(islice(sayings(2), 50)) != list(islice(sayings(3), 50))


def test_careless_people_leave_out_no_word_that_turns_a_wish_round() -> None:
    draw = random.Random(0)
    for text in ("please don't ever use the bullet points again", "I can do without all of these long tables, thanks"):
        kept = {word for word in text.casefold().split() if word.strip(",").endswith("n't") or word in turning()}
        made = [roughly(text, draw).casefold() for _ in range(300)]
        assert len(set(made)) > 50
        assert kept
        assert all(kept <= set(one.split()) for one in made)


def test_meanings_hold_every_wording_that_is_trained_on_with_its_wish_and_none_that_is_kept() -> None:
    book, unseen = phrasebook(), phrasebook(unseen=True)
    wishes = [(aspect, more) for aspect in ASPECTS for more in (True, False)]
    told = meanings(0)
    of_wish: dict[int, list[str]] = {}
    for text, number in told:
        of_wish.setdefault(number, []).append(text)
    assert sorted(of_wish) == list(range(len(wishes) + 1))
    for number, wish in enumerate(wishes):
        whole = book.wishes[wish]
        known = [text.lower() for text in (*whole.clauses, *whole.said, *whole.remarked)]
        assert of_wish[number][: len(known)] == known
        assert len(of_wish[number]) == len(known) + CROSSED_MEANINGS
    assert set(of_wish[len(wishes)]) == {text.lower() for text in (*book.quiet.said, *book.quiet.remarked)}
    kept = {plain(one) for each in unseen.wishes.values() for one in (*each.said, *each.remarked)}
    assert not kept & {plain(text) for text, _ in told}
    assert meanings(0) == told != meanings(1)
