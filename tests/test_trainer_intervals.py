"""Shares and intervals over users: against arithmetic worked out by hand, and against worlds whose truth is known."""

from __future__ import annotations

import math
from dataclasses import astuple

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from popi_sdk.errors import ConfigError
from trainer.intervals import (
    bootstrap_over_users,
    by_user,
    differences_by_user,
    exact_interval,
    paired_bootstrap,
    ratio_over_users,
    share_over_users,
    wilson_interval,
)

values_of_users = st.dictionaries(
    st.text(min_size=1, max_size=3),
    st.lists(st.floats(-10, 10), min_size=1, max_size=4),
    min_size=2,
    max_size=6,
)


def test_the_mean_is_over_pairs_and_not_over_users() -> None:
    # ada: four pairs of 1, bo: one pair of 0 -> 4 / 5; the mean of the users' means would be 1 / 2.
    assert bootstrap_over_users({"ada": [1.0] * 4, "bo": [0.0]}).mean == pytest.approx(0.8)


def test_two_users_can_be_drawn_in_four_ways_and_the_bounds_are_among_them() -> None:
    # A quarter of the draws are bo twice (mean 0), a quarter ada twice (mean 1), half one of each (mean 4 / 5).
    interval = bootstrap_over_users({"ada": [1.0] * 4, "bo": [0.0]})
    assert (interval.low, interval.high) == (0.0, 1.0)
    middle = bootstrap_over_users({str(user): [float(user % 2)] for user in range(400)})
    # 400 users with one draw of 0 or 1: the normal interval is 0.5 +- 1.966 * 0.5 / sqrt(399).
    assert middle.low == pytest.approx(0.4508, abs=0.006)
    assert middle.high == pytest.approx(0.5492, abs=0.006)


def test_users_are_drawn_and_not_pairs() -> None:
    # Twenty users, each with fifty pairs of the same value: as much doubt as with one pair each, not a seventh of it.
    once = bootstrap_over_users({str(user): [float(user % 2)] for user in range(20)})
    often = bootstrap_over_users({str(user): [float(user % 2)] * 50 for user in range(20)})
    assert astuple(often) == pytest.approx(astuple(once))
    assert often.high - often.low > 0.4


@pytest.mark.parametrize("users", [8, 30])
def test_the_interval_holds_the_truth_as_often_as_it_says(users: int) -> None:
    random = np.random.default_rng(7)
    truth, worlds, held = 0.3, 300, 0
    for world in range(worlds):
        tastes = random.normal(truth, 1.0, users)
        values = {
            str(user): list(random.normal(taste, 1.0, random.integers(1, 9))) for user, taste in enumerate(tastes)
        }
        interval = bootstrap_over_users(values, samples=400, seed=world)
        held += interval.low <= truth <= interval.high
    assert 0.92 <= held / worlds <= 0.985  # 0.95 give or take two standard errors of 300 worlds, 0.0126 each


@given(values_of_users, st.integers(0, 5))
def test_the_interval_stays_within_the_users_means_and_is_the_same_again(values: dict[str, list[float]], seed: int):
    interval = bootstrap_over_users(values, samples=50, seed=seed)
    means = [sum(one) / len(one) for one in values.values()]
    assert min(means) - 1e-9 <= interval.low <= interval.high <= max(means) + 1e-9
    assert interval == bootstrap_over_users(values, samples=50, seed=seed)
    wide = bootstrap_over_users(values, samples=50, seed=seed, confidence=0.99)
    assert wide.low <= interval.low
    assert interval.high <= wide.high


def test_another_seed_draws_other_users() -> None:
    values = {str(user): [math.sin(user)] for user in range(20)}
    assert bootstrap_over_users(values, seed=0) != bootstrap_over_users(values, seed=1)


def test_more_users_than_are_drawn_at_once_give_the_same_kind_of_interval() -> None:
    values = {str(user): [float(user % 2)] for user in range(3_000)}
    interval = bootstrap_over_users(values, samples=500)
    assert interval.high - interval.low == pytest.approx(2 * 1.96 * 0.5 / math.sqrt(3_000), rel=0.15)


def test_the_bounds_of_a_single_user_are_not_known() -> None:
    interval = bootstrap_over_users({"ada": [1.0, 0.0]})
    assert interval.mean == 0.5
    assert math.isnan(interval.low)
    assert math.isnan(interval.high)
    assert interval.as_json("accuracy") == {"accuracy": 0.5, "low": None, "high": None}


@pytest.mark.parametrize(
    ("values", "settings"),
    [
        ({}, {}),
        ({"ada": []}, {}),
        ({"ada": [1.0, math.nan], "bo": [0.0]}, {}),
        ({"ada": [math.inf], "bo": [0.0]}, {}),
        ({"ada": [1.0], "bo": [0.0]}, {"confidence": 1.0}),
        ({"ada": [1.0], "bo": [0.0]}, {"samples": 0}),
    ],
)
def test_what_no_interval_can_be_taken_of_is_refused(values: dict[str, list[float]], settings: dict[str, float]):
    with pytest.raises(ConfigError):
        bootstrap_over_users(values, **settings)  # type: ignore[arg-type]


def test_a_difference_on_the_same_pairs_is_surer_than_the_two_side_by_side() -> None:
    # Every user gains 0.1 or 0.3 on a level of their own, from 0 to 19.
    before = {str(user): [float(user), user + 0.5] for user in range(20)}
    after = {user: [value + 0.1 + 0.2 * (int(user) % 2) for value in values] for user, values in before.items()}
    gain = paired_bootstrap(after, before)
    assert gain.mean == pytest.approx(0.2)
    assert 0.1 <= gain.low < 0.2 < gain.high <= 0.3
    alone = bootstrap_over_users(after)
    assert alone.high - alone.low > 10 * (gain.high - gain.low)


@pytest.mark.parametrize("other", [{"ada": [1.0]}, {"ada": [1.0, 2.0], "cy": [1.0]}])
def test_other_pairs_cannot_be_compared(other: dict[str, list[float]]) -> None:
    with pytest.raises(ConfigError, match="same users and pairs"):
        paired_bootstrap({"ada": [1.0, 2.0], "bo": [1.0]}, other)


def test_thirty_users_of_thirty_who_won_leave_a_doubt() -> None:
    # Wilson with z = 1.96: low = 1 / (1 + z^2 / 30) = 30 / 33.8415.
    interval = share_over_users({str(user): [1.0, 1.0] for user in range(30)})
    assert interval.mean == 1.0
    assert interval.low == pytest.approx(30 / 33.8415, abs=1e-4)
    assert interval.high == 1.0
    mixed = {"ada": [1.0], "bo": [0.0], "cy": [0.5]}
    assert share_over_users(mixed) == bootstrap_over_users(mixed)


def test_a_share_lies_between_zero_and_one() -> None:
    with pytest.raises(ConfigError, match="between 0 and 1"):
        share_over_users({"ada": [1.5], "bo": [0.0]})


def test_wilsons_interval_for_ten_of_twenty() -> None:
    # z^2 = 3.8415; centre (0.5 + 0.0960) / 1.1921 = 0.5; reach sqrt(0.0125 + 0.0024) * 1.96 / 1.1921 = 0.2007.
    interval = wilson_interval(10, 20)
    assert interval.mean == 0.5
    assert interval.low == pytest.approx(0.2993, abs=1e-4)
    assert interval.high == pytest.approx(0.7007, abs=1e-4)
    for wins, trials in ((1, 0), (3, 2), (-1, 5)):
        with pytest.raises(ConfigError):
            wilson_interval(wins, trials)


def test_values_are_grouped_by_user_in_order() -> None:
    assert by_user(["b", "a", "b"], [1.0, 2.0, 3.0]) == {"b": [1.0, 3.0], "a": [2.0]}
    with pytest.raises(ValueError, match="zip"):
        by_user(["a"], [1.0, 2.0])


def test_a_share_of_a_gain_is_a_ratio_of_sums() -> None:
    # Gained: 1 + 0 + 1 of 1 + 1 + 2 that could be gained; the mean of the users' ratios would be 2 / 3.
    gained, most = {"ada": [1.0, 0.0], "bo": [1.0]}, {"ada": [1.0, 1.0], "bo": [2.0]}
    assert ratio_over_users(gained, most).mean == pytest.approx(0.5)


def test_a_share_that_is_the_same_for_all_users_is_sure() -> None:
    most = {str(user): [1.0 + user, 0.5] for user in range(20)}
    interval = ratio_over_users({user: [0.8 * value for value in values] for user, values in most.items()}, most)
    assert astuple(interval) == pytest.approx((0.8, 0.8, 0.8))


def test_a_users_part_and_whole_are_drawn_together() -> None:
    # Parts and wholes vary a lot between users and in step, so that their ratio hardly varies.
    most = {str(user): [float(1 + user % 7)] for user in range(60)}
    gained = {user: [0.5 * values[0] + 0.01 * (int(user) % 2)] for user, values in most.items()}
    interval = ratio_over_users(gained, most)
    assert interval.low < interval.mean < interval.high
    assert interval.high - interval.low < 0.002
    means = bootstrap_over_users(gained)
    assert means.high - means.low > 0.4


def test_the_interval_of_a_ratio_holds_the_truth_as_often_as_it_says() -> None:
    random = np.random.default_rng(3)
    worlds, held = 300, 0
    for world in range(worlds):
        wholes = random.normal(1.0, 0.6, 30)
        parts = 0.7 * wholes + random.normal(0.0, 0.5, 30)
        interval = ratio_over_users(
            {str(user): [float(one)] for user, one in enumerate(parts)},
            {str(user): [float(one)] for user, one in enumerate(wholes)},
            samples=400,
            seed=world,
        )
        held += interval.low <= 0.7 <= interval.high
    assert 0.92 <= held / worlds <= 0.985


def test_a_share_of_what_may_be_nothing_has_no_bounds() -> None:
    unsure = {"ada": [1.0], "bo": [-0.5], "cy": [0.1]}
    interval = ratio_over_users({user: [0.1] for user in unsure}, unsure)
    assert interval.mean == pytest.approx(0.5)
    assert math.isnan(interval.low)
    assert math.isnan(interval.high)
    assert math.isnan(ratio_over_users({"ada": [1.0]}, {"ada": [2.0]}).low)


@pytest.mark.parametrize("wholes", [{"ada": [0.0]}, {"ada": [-1.0]}, {"bo": [1.0]}, {"ada": [1.0, 1.0]}])
def test_what_there_is_no_share_of_is_refused(wholes: dict[str, list[float]]) -> None:
    with pytest.raises(ConfigError):
        ratio_over_users({"ada": [1.0]}, wholes)


def test_differences_keep_users_and_pairs() -> None:
    assert differences_by_user({"a": [1.0, 0.5], "b": [0.0]}, {"a": [0.0, 0.5], "b": [1.0]}) == {
        "a": [1.0, 0.0],
        "b": [-1.0],
    }


def test_the_exact_interval_is_that_of_clopper_and_pearson() -> None:
    # All of six: 0.025 ** (1 / 6); none of four: 1 - 0.025 ** (1 / 4); ten of twenty as tabulated.
    assert exact_interval(6, 6).low == pytest.approx(0.025 ** (1 / 6), abs=1e-9)
    assert exact_interval(6, 6).high == 1.0
    assert exact_interval(0, 4).low == 0.0
    assert exact_interval(0, 4).high == pytest.approx(1 - 0.025 ** (1 / 4), abs=1e-9)
    assert astuple(exact_interval(10, 20)) == pytest.approx((0.5, 0.27196, 0.72804), abs=1e-5)
    assert astuple(exact_interval(5, 8)) == pytest.approx((0.625, 0.24486, 0.91477), abs=1e-5)
    many = exact_interval(2_600, 5_000)
    assert many.low == pytest.approx(0.52 - 1.96 * math.sqrt(0.52 * 0.48 / 5_000), abs=5e-4)
    assert many.high == pytest.approx(0.52 + 1.96 * math.sqrt(0.52 * 0.48 / 5_000), abs=5e-4)


def test_the_exact_interval_mirrors_wins_and_losses() -> None:
    for wins in range(10):
        one, other = exact_interval(wins, 9), exact_interval(9 - wins, 9)
        assert (one.low, one.high) == pytest.approx((1 - other.high, 1 - other.low), abs=1e-9)


@pytest.mark.parametrize(("wins", "trials"), [(1, 0), (3, 2), (-1, 5)])
def test_what_is_no_count_has_no_exact_interval(wins: int, trials: int) -> None:
    with pytest.raises(ConfigError, match="no share"):
        exact_interval(wins, trials)
