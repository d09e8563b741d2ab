"""When a clause is too doubtful to be said: `trainer.doubting`."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trainer.doubting import Clause, doubt_threshold

AIM = 0.1
clauses = st.builds(Clause, st.sampled_from(["pair", "statement"]), st.integers(-5, 5).map(float), st.booleans())


def keeps_the_promise(some: Sequence[Clause], least: float) -> bool:
    said = [one for one in some if one.margin >= least]
    by_way = [[one.reversed for one in said if one.way == way] for way in {one.way for one in said}]
    return all(sum(turned) <= AIM * len(turned) for turned in by_way)


@given(st.lists(clauses, max_size=60))
def test_the_threshold_keeps_the_promise_in_every_way_and_no_lower_one_would(some: list[Clause]) -> None:
    found = doubt_threshold(some, AIM)
    assert keeps_the_promise(some, -1e9 if found is None else found)
    lower = {one.margin for one in some if found is not None and one.margin < found}
    assert not any(keeps_the_promise(some, least) for least in lower)


def test_the_way_that_needs_most_decides() -> None:
    careful = [Clause("statement", float(margin), margin < 5) for margin in range(10)]
    easy = [Clause("pair", float(margin), False) for margin in range(10)]
    assert doubt_threshold([*careful, *easy], 0.0) == 5.0
    assert doubt_threshold([*easy, *careful], 0.0) == 5.0
    assert doubt_threshold(easy, 0.0) is None


def test_where_all_is_reversed_nothing_is_said() -> None:
    found = doubt_threshold([Clause("pair", 1.0, True), Clause("pair", 2.0, True)], 0.5)
    assert found is not None
    assert found > 2.0


@pytest.mark.parametrize("aim", [0.0, 0.5])
def test_without_clauses_there_is_no_threshold(aim: float) -> None:
    assert doubt_threshold([], aim) is None
