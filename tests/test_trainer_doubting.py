"""When a clause is too doubtful to be said: `trainer.doubting`, and what the SDK does with its thresholds."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from popi_sdk.signals import Edit, PreferencePair, Signal, Statement
from popi_sdk.summarizers.doubts import SEVERAL, least_margin, way_of
from popi_sdk.summarizers.trained import TrainedSummarizer
from trainer.data import Example
from trainer.doubting import Clause, calibrate_doubts, doubt_threshold

AIM = 0.1
BRIEF, WARM = Statement("Be brief."), Statement("Be warm.")
EDIT = Edit("Why?", "A long draft.", "Short.")
PAIR = PreferencePair("Why?", "Because.", "It is a long story.")
SHORT, LONG = "Keep answers short and concise.", "Write longer, detailed answers."
clauses = st.builds(Clause, st.integers(-5, 5).map(float), st.booleans())


def keeps_the_promise(some: Sequence[Clause], least: float) -> bool:
    said = [one.reversed for one in some if one.margin >= least]
    return sum(said) <= AIM * len(said)


@given(st.lists(clauses, max_size=60))
def test_the_threshold_keeps_the_promise_and_no_lower_one_would(some: list[Clause]) -> None:
    found = doubt_threshold(some, AIM)
    assert keeps_the_promise(some, found)
    assert not any(keeps_the_promise(some, one.margin) for one in some if 0 <= one.margin < found)


def test_what_is_less_likely_than_its_reverse_is_never_said() -> None:
    assert doubt_threshold([Clause(-1.0, False), Clause(1.0, False)], AIM) == 0.0


def test_where_all_is_reversed_nothing_is_said() -> None:
    assert doubt_threshold([Clause(1.0, True), Clause(2.0, True)], 0.5) > 2.0


@pytest.mark.parametrize("aim", [0.0, 0.5])
def test_without_clauses_all_may_be_said(aim: float) -> None:
    assert doubt_threshold([], aim) == 0.0


class Telling(TrainedSummarizer):
    """One that finds each person's clause as much likelier than its reverse as their statements say."""

    def __init__(self) -> None:
        pass

    def prompt(self, signals: Sequence[Signal], previous: object = None) -> list[int]:
        return [int(one.text.split()[0]) for one in signals if isinstance(one, Statement)]

    def summary_ids(self, prompt: Sequence[int]) -> list[int]:
        return list(prompt)

    def text_of(self, ids: Sequence[int]) -> str:
        return SHORT

    def margins(self, prompt: Sequence[int], summary: Sequence[int]) -> dict[str, float]:
        return {SHORT: float(prompt[0])}


def test_each_way_of_showing_things_has_its_own_threshold() -> None:
    def shows(*signals: Signal, wish: str) -> Example:
        return Example("ada", signals, (), oracle=wish)

    people = [
        shows(Statement("1 is unsure"), wish=LONG),
        shows(Statement("2 is sure"), wish=SHORT),
        shows(Statement("3 is sure"), EDIT, wish=LONG),
        shows(Statement("5 is sure"), EDIT, wish=SHORT),
        shows(Statement("4 is unsure"), EDIT, wish=LONG),
    ]
    doubted = calibrate_doubts(Telling(), people)
    assert doubted.least == {"statement": 2.0, SEVERAL: 5.0}
    assert (doubted.clauses, doubted.left_out) == (5, 0.6)


def test_the_way_is_the_kind_of_all_signals_or_several() -> None:
    assert [way_of(some) for some in ([BRIEF, WARM], [EDIT], [BRIEF, EDIT], [])] == [
        "statement", "edit", SEVERAL, SEVERAL,
    ]  # fmt: skip


def test_a_way_that_nothing_is_known_of_needs_the_most() -> None:
    least = {"statement": 1.0, "edit": 0.0, SEVERAL: 2.0}
    shown: list[list[Signal]] = [[BRIEF], [EDIT], [BRIEF, EDIT], [PAIR]]
    assert [least_margin(least, some) for some in shown] == [1.0, 0.0, 2.0, 2.0]
    assert least_margin({}, [BRIEF]) is None
