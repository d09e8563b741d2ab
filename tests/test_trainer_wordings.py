"""The wordings written for this project, and the quarter of them that nothing is trained on."""

from __future__ import annotations

import random
import tomllib
from importlib.resources import files
from typing import Any

from popi_sdk.style.facts import ASPECTS
from trainer.people.wordings import Part, combinations, phrasebook, plain


def written(aspect: str, *, more: bool) -> dict[str, Any]:
    """A wish's table as it stands in its file."""
    text = (files("trainer.people.wordings") / f"{aspect}.toml").read_text("utf-8")
    table: dict[str, Any] = tomllib.loads(text)["more" if more else "less"]
    return table


PARTS: tuple[Part, ...] = ("taught", "spoken", "unseen")


def everything(part: Part) -> list[str]:
    book = phrasebook(part)
    return [one for each in (*book.wishes.values(), book.language, book.quiet) for one in (*each.said, *each.remarked)]


def test_every_wish_can_be_said_in_at_least_forty_wordings_of_which_a_quarter_is_never_trained_on() -> None:
    taught, spoken, unseen = map(phrasebook, PARTS)
    for aspect in ASPECTS:
        for more in (True, False):
            table = written(aspect, more=more)
            first, later = (len(table[f"{also}said"]) + len(table[f"{also}remarked"]) for also in ("", "also_"))
            assert first >= 40
            sizes = []
            for book in (taught, spoken, unseen):
                wordings = book.wishes[aspect, more]
                assert len(wordings.clauses) >= 8
                sizes.append(len(wordings.said) + len(wordings.remarked))
            assert abs(sizes[0] - first / 2 - later) < 2
            assert abs(sizes[1] - first / 4) < 2
            assert abs(sizes[2] - first / 4) < 0.05 * first  # less those that can be put together


def test_what_was_written_later_is_taught_and_like_nothing_that_is_kept() -> None:
    kept = {plain(one) for one in everything("unseen")}
    for aspect in ASPECTS:
        for more in (True, False):
            table, known = written(aspect, more=more), phrasebook("taught").wishes[aspect, more]
            assert set(table["also_said"]) <= set(known.said)
            assert set(table["also_remarked"]) <= set(known.remarked)
            assert not kept & {plain(one) for one in (*table["also_said"], *table["also_remarked"])}


def test_no_wording_is_in_two_parts() -> None:
    taught, spoken, unseen = (set(everything(part)) for part in PARTS)
    assert not taught & spoken
    assert not taught & unseen
    assert not spoken & unseen


def test_no_two_wishes_share_a_wording() -> None:
    said = [one.casefold() for part in PARTS for one in everything(part)]
    assert len(said) == len(set(said))


def test_every_aspect_has_parts_to_cross_with_frames() -> None:
    book = phrasebook("taught")
    for aspect in ASPECTS:
        parts = book.parts[aspect]
        assert len(parts.things) >= 20
        assert all(len(parts.doing[more]) >= 12 for more in (True, False))
        assert not set(parts.doing[True]) & set(parts.doing[False])
    for frames, place in ((book.frames.things, "{thing}"), (book.frames.doing, "{doing}")):
        assert all(place in frame for wanted in (True, False) for frame in set(frames[wanted]))
        assert not set(frames[True]) & set(frames[False])


def test_a_language_can_be_put_into_every_frame() -> None:
    book = phrasebook("taught")
    for frame in (*book.language.clauses, *book.language.said, *book.language.remarked):
        assert frame.count("{language}") == 1
        assert "German" in frame.format(language="German")


def test_a_crossed_wording_goes_the_way_it_is_asked_to() -> None:
    book, draw = phrasebook("taught"), random.Random(0)
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
    book, unseen = phrasebook("taught"), phrasebook("unseen")
    kept = {plain(one) for each in unseen.wishes.values() for one in (*each.said, *each.remarked)}
    crossed = {plain(one) for aspect in ASPECTS for one in combinations(book.parts[aspect], book.frames)}
    assert len(crossed) > 100_000
    assert not crossed & kept
    assert len(kept) > 5_000


def test_every_crossed_wording_is_one_of_the_combinations_and_wordings_are_compared_without_dress() -> None:
    book, draw = phrasebook("taught"), random.Random(1)
    made = {book.crossed("lists", more, draw) for more in (True, False) for _ in range(200)}
    assert made <= set(combinations(book.parts["lists"], book.frames))
    assert plain("DON'T use bullets!") == plain("don\u2019t use  bullets") == "dont use bullets"
