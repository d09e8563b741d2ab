"""Measured facts of answers: what is said of a text too long to be shown."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from popi_sdk.style.calibration import SPREADS, USUAL
from popi_sdk.style.facts import ASPECTS, COMPARATIVES, MOST, compared, counts, levels, style, traits
from popi_sdk.style.measures import MEASURES
from popi_sdk.summarizers.wording import MORE_LESS

SHORT = "Boil it for eight minutes."
LONG = "# Eggs\n\n" + "\n".join(f"- **Step {n}**: warm the water and wait, as one should always do." for n in range(30))


def test_a_longer_answer_with_lists_is_called_that_and_the_other_the_reverse() -> None:
    there, back = compared(LONG, SHORT).split(", "), compared(SHORT, LONG).split(", ")
    assert {"far longer", "far more lists", "far more bold"} <= set(there)
    assert {"far shorter", "far fewer lists", "far less bold"} <= set(back)


def test_an_answer_does_not_differ_from_itself() -> None:
    assert compared(LONG, LONG) == ""


def test_the_largest_difference_is_named_first() -> None:
    differences = {aspect: one - other for aspect, one, other in zip(ASPECTS, style(LONG), style(SHORT), strict=True)}
    largest = max(differences, key=lambda aspect: abs(differences[aspect]))
    first = compared(LONG, SHORT).split(", ")[0].removeprefix("far ")
    assert first == COMPARATIVES[largest][differences[largest] < 0]


def test_every_aspect_has_two_different_names_and_a_clause() -> None:
    names = [name for both in COMPARATIVES.values() for name in both]
    assert len(set(names)) == 2 * len(ASPECTS) == len(names)
    assert set(COMPARATIVES) == set(ASPECTS) == set(MORE_LESS)


def test_every_measure_has_a_usual_value() -> None:
    assert list(USUAL) == [one.name for one in MEASURES] == list(SPREADS)


def test_a_style_is_the_mean_of_its_measures_in_usual_differences() -> None:
    from popi_sdk.style.measures import INDEX, measure

    words, sentences = (measure(SHORT)[INDEX[name]] for name in ("words", "sentences"))
    by_hand = (
        (words - USUAL["words"]) / SPREADS["words"] + (sentences - USUAL["sentences"]) / SPREADS["sentences"]
    ) / 2
    assert style(SHORT)[ASPECTS.index("length")] == pytest.approx(by_hand)


def test_counts_are_said_as_one_would_say_them() -> None:
    assert counts("# A\n\ntext\n\n```\nx = 1\n```\n\n```\ny\n```").endswith("1 heading, 2 code blocks")
    assert counts("one") == "1 word"


@given(st.text(min_size=1, max_size=300).filter(str.strip))
def test_facts_repeat_nothing_of_the_text(text: str) -> None:
    assert re.fullmatch(r"([a-z]+[A-J] ?){29}", levels(text))
    known = {name for both in COMPARATIVES.values() for name in both}
    said = [one.removeprefix("far ") for one in traits(text).split(", ") if one]
    assert set(said) <= known
    assert len(said) <= MOST


def test_more_of_an_aspect_is_a_later_letter() -> None:
    letters = {text: {word[:-1]: word[-1] for word in levels(text).split()} for text in (SHORT, LONG)}
    assert letters[SHORT]["length"] < letters[LONG]["length"]
    assert letters[SHORT]["lists"] < letters[LONG]["lists"]
