"""Joint reversals: exact where they can be, honest where they are sampled."""

from __future__ import annotations

import itertools
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from popi_sdk.summarizers.significance import DRAWS, EXACT_PAIRS, draw_sums, family_wise

rows = st.lists(st.tuples(*[st.integers(-90_000, 90_000)] * 3), min_size=1, max_size=7)


@given(rows)
def test_few_pairs_are_reversed_in_every_way(pairs: list[tuple[int, ...]]) -> None:
    sums = draw_sums(pairs)
    assert sums.exact
    every_way = [
        sorted(
            sum(sign * value for sign, value in zip((1, *signs), column, strict=True))
            for signs in itertools.product((1, -1), repeat=len(pairs) - 1)
        )
        for column in zip(*pairs, strict=True)
    ]
    assert [sorted(column) for column in sums.by_chance] == every_way
    assert list(sums.observed) == [sum(column) for column in zip(*pairs, strict=True)]


def test_eight_agreeing_pairs_have_the_p_value_of_the_sign_test() -> None:
    sums = draw_sums([(1000,)] * 8)
    assert family_wise(abs(sums.observed[0]), [abs(v) for v in sums.by_chance[0]], exact=True) == 2 / 256


def test_all_measures_are_reversed_together() -> None:
    pairs = [(k + 1, 2 * (k + 1)) for k in range(EXACT_PAIRS + 5)]
    one, other = draw_sums(pairs).by_chance
    assert [2 * value for value in one] == list(other)


def test_sampled_reversals_have_the_right_mean_and_variance() -> None:
    pairs = [(random.Random(k).randint(-500, 500),) for k in range(60)]
    by_chance = draw_sums(pairs).by_chance[0]
    assert len(by_chance) == DRAWS
    variance = sum(value**2 for (value,) in pairs)
    assert abs(sum(by_chance) / DRAWS) < 4 * (variance / DRAWS) ** 0.5
    assert sum(v * v for v in by_chance) / DRAWS == pytest.approx(variance, rel=0.2)


def test_grades_are_dealt_anew_among_texts() -> None:
    texts, grades = [(10,), (20,), (-30,)], [100, -50, -50]
    sums = draw_sums([], texts, grades)
    possible = {sum(t[0] * g for t, g in zip(texts, deal, strict=True)) for deal in itertools.permutations(grades)}
    assert sums.observed == (10 * 100 - 20 * 50 + 30 * 50,)
    assert set(sums.by_chance[0]) == possible


def test_the_same_rows_give_the_same_draws() -> None:
    pairs = [(k * k % 37, k) for k in range(40)]
    assert draw_sums(pairs) == draw_sums(pairs)


def test_p_values_of_random_data_are_not_too_small() -> None:
    small = 0
    for user in range(300):
        draw = random.Random(user)
        sums = draw_sums([tuple(draw.choice((-1, 1)) * draw.randint(1, 1000) for _ in range(12)) for _ in range(9)])
        best = [max(map(abs, values)) for values in zip(*sums.by_chance, strict=True)]
        small += family_wise(max(map(abs, sums.observed)), best, exact=True) <= 0.1
    assert 10 <= small <= 48
