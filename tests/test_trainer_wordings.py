"""The wordings written for this project, and the quarter of them that nothing is trained on."""

from __future__ import annotations

import tomllib
from importlib.resources import files
from typing import Any

from popi_sdk.style.facts import ASPECTS
from trainer.people.wordings import phrasebook, plain


def written(aspect: str, *, more: bool) -> dict[str, Any]:
    """A wish's table as it stands in its file."""
    text = (files("trainer.people.wordings") / f"{aspect}.toml").read_text("utf-8")
    table: dict[str, Any] = tomllib.loads(text)["more" if more else "less"]
    return table


def everything(*, unseen: bool) -> list[str]:
    book = phrasebook(unseen=unseen)
    return [one for each in (*book.wishes.values(), book.language, book.quiet) for one in (*each.said, *each.remarked)]


def test_every_wish_can_be_said_in_at_least_forty_wordings_of_which_a_quarter_is_never_trained_on() -> None:
    seen, unseen = phrasebook(), phrasebook(unseen=True)
    for aspect in ASPECTS:
        for more in (True, False):
            known, new = seen.wishes[aspect, more], unseen.wishes[aspect, more]
            assert len(known.clauses) >= 8
            table = written(aspect, more=more)
            first, later = (len(table[f"{also}said"]) + len(table[f"{also}remarked"]) for also in ("", "also_"))
            kept = len(new.said) + len(new.remarked)
            assert first >= 40
            assert abs(kept - first / 4) < 0.05 * first  # less those that can be put together
            assert abs(len(known.said) + len(known.remarked) - 0.75 * first - later) < 2


def test_what_was_written_later_is_trained_on_and_like_nothing_that_is_kept() -> None:
    kept = {plain(one) for one in everything(unseen=True)}
    for aspect in ASPECTS:
        for more in (True, False):
            table, known = written(aspect, more=more), phrasebook().wishes[aspect, more]
            assert set(table["also_said"]) <= set(known.said)
            assert set(table["also_remarked"]) <= set(known.remarked)
            assert not kept & {plain(one) for one in (*table["also_said"], *table["also_remarked"])}


def test_no_wording_is_both_trained_on_and_kept_for_evaluation() -> None:
    seen, unseen = everything(unseen=False), everything(unseen=True)
    assert not set(seen) & set(unseen)


def test_no_two_wishes_share_a_wording() -> None:
    said = [one.casefold() for unseen in (False, True) for one in everything(unseen=unseen)]
    assert len(said) == len(set(said))


def test_every_aspect_has_parts_to_cross_with_frames() -> None:
    book = phrasebook()
    for aspect in ASPECTS:
        parts = book.parts[aspect]
        assert len(parts.things) >= 20
        assert all(len(parts.doing[more]) >= 12 for more in (True, False))
        assert not set(parts.doing[True]) & set(parts.doing[False])
    for frames, place in ((book.frames.things, "{thing}"), (book.frames.doing, "{doing}")):
        assert all(place in frame for wanted in (True, False) for frame in set(frames[wanted]))
        assert not set(frames[True]) & set(frames[False])


def test_a_language_can_be_put_into_every_frame() -> None:
    book = phrasebook()
    for frame in (*book.language.clauses, *book.language.said, *book.language.remarked):
        assert frame.count("{language}") == 1
        assert "German" in frame.format(language="German")
