"""The gate of a refresh: a new summarizer passes where it is better beyond doubt, and nowhere worse."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from popi_sdk.errors import ConfigError
from popi_sdk.summary import NOTHING
from trainer.data import Example
from trainer.evaluate import Compared, Evaluation
from trainer.intervals import Interval, paired_bootstrap
from trainer.refresh.gate import FEWEST, OTHERS, Decision, Slice, decide

PAIRS = 4


@dataclass(frozen=True)
class Row:
    """One example: how many of its pairs are ranked right with old, new and another user's summary."""

    user: str
    old: Sequence[float]
    new: Sequence[float]
    other: Sequence[float] = (0.0,) * PAIRS
    slices: dict[str, str] = field(default_factory=dict)


def right(count: float, of: int = PAIRS) -> list[float]:
    return [1.0] * int(count) + [0.0] * (of - int(count))


def evaluation(rows: Sequence[Row]) -> Evaluation:
    return Evaluation(
        controls={},
        overall=Compared(len({row.user for row in rows}), sum(len(row.new) for row in rows), {}, {}, None),
        slices={},
        summaries=[(Example(row.user, (), (), row.slices), NOTHING) for row in rows],
        ranked={
            "before": [list(row.old) for row in rows],
            "trained": [list(row.new) for row in rows],
            "swapped": [list(row.other) for row in rows],
        },
    )


def users(
    count: int, old: int, new: Callable[[int], int], slices: Callable[[int], dict[str, str]] = lambda _: {}
) -> list[Row]:
    """One example of each; `new` and `slices` are told the user's number."""
    return [Row(f"user {place}", right(old), right(new(place)), slices=slices(place)) for place in range(count)]


BETTER = users(40, 2, lambda place: 3 if place % 3 else 2)
ALIKE = users(40, 2, lambda _: 2)
WORSE = users(40, 2, lambda place: 1 if place % 3 else 2)


def slice_of(decision: Decision, name: str, value: str) -> Slice:
    (found,) = [one for one in decision.slices if (one.name, one.value) == (name, value)]
    return found


class TestPopulations:
    def test_better_on_held_out_users_and_not_worse_on_the_trusted_set_is_promoted_with_figures(self) -> None:
        decision = decide(evaluation(BETTER), evaluation(ALIKE))
        assert decision.promoted
        better, trusted, slices, own = decision.reasons
        # 26 of 40 users rank one more of four pairs right: 26 / 160 = 16.25 points, from 80 to 106 of 160.
        assert better.startswith("Better on held-out users: +16.2 points (+")
        assert better.endswith("from 50.0 % to 66.2 % of 160 pairs of 40 users.")
        assert trusted.startswith("Not worse on the trusted set: +0.0 points (+0.0 to +0.0)")
        assert slices == "There is no slice of enough users, of held-out users and of the trusted set."
        assert own.startswith("The new summaries are about their own users: +66.2 points")

    def test_the_intervals_are_those_of_the_paired_bootstrap(self) -> None:
        rows = sorted(BETTER, key=lambda row: sum(row.new))
        old = {row.user: row.old for row in rows}
        assert decide(evaluation(BETTER), evaluation(ALIKE)).overall == paired_bootstrap(
            {row.user: row.new for row in rows}, old
        )

    @pytest.mark.parametrize("held_out", [ALIKE, WORSE])
    def test_no_better_on_held_out_users_is_refused(self, held_out: list[Row]) -> None:
        decision = decide(evaluation(held_out), evaluation(BETTER))
        assert not decision.promoted
        assert decision.reasons[0].startswith("Not shown to be better on held-out users: ")

    def test_a_gain_within_its_interval_is_refused(self) -> None:
        wavering = users(40, 2, lambda place: (3, 1, 2, 3, 1)[place % 5])
        decision = decide(evaluation([*wavering, Row("one more", right(0), right(4))]), evaluation(ALIKE))
        assert decision.overall.mean > 0 > decision.overall.low
        assert not decision.promoted

    def test_worse_on_the_trusted_set_is_refused_however_good_the_new_week(self) -> None:
        decision = decide(evaluation(users(40, 0, lambda _: 4)), evaluation(WORSE))
        assert not decision.promoted
        assert len(decision.reasons) == 1
        assert decision.reasons[0].startswith("Worse on the trusted set: -16.2 points (-")

    def test_a_loss_on_the_trusted_set_within_its_interval_is_borne(self) -> None:
        wavering = users(40, 2, lambda place: (1, 3, 2, 1)[place % 4])
        decision = decide(evaluation(BETTER), evaluation(wavering))
        assert decision.trusted.mean < 0 < decision.trusted.high
        assert decision.promoted

    @pytest.mark.parametrize("count", [0, 1, FEWEST - 1])
    def test_few_users_on_either_side_are_refused_whatever_they_say(self, count: int) -> None:
        few = users(count, 0, lambda _: 4)
        for held_out, trusted, said in ((few, ALIKE, f"Only {count} users are held out"),
                                        (BETTER, few, f"The trusted set has only {count} users")):  # fmt: skip
            decision = decide(evaluation(held_out), evaluation(trusted))
            assert not decision.promoted
            assert any(reason.startswith(said) for reason in decision.reasons)
        assert math.isnan(decide(evaluation(BETTER), evaluation(users(1, 0, lambda _: 4))).trusted.low)

    def test_many_pairs_of_one_user_are_one_user(self) -> None:
        much = [Row("ada", right(0), right(4)) for _ in range(100)]
        assert not decide(evaluation(much), evaluation(ALIKE)).promoted

    def test_ten_users_who_all_gain_the_same_are_enough_and_five_of_a_hundred_are_not(self) -> None:
        assert decide(evaluation(users(FEWEST, 1, lambda _: 2)), evaluation(ALIKE)).promoted
        others = [Row(f"other {place}", [1.0, 0.0], [0.0, 1.0], [0.0, 0.0]) for place in range(10)]  # one won, one lost
        five = decide(evaluation(users(100, 1, lambda place: 4 if place < 5 else 1) + others), evaluation(ALIKE))
        assert five.overall.low > 0
        assert five.reasons[0].startswith("Only 5 held-out users have more or fewer pairs ranked right than before")
        assert decide(evaluation(users(100, 1, lambda place: 4 if place < 6 else 1)), evaluation(ALIKE)).promoted

    def test_summaries_that_say_the_same_of_everyone_are_refused(self) -> None:
        same = [replace(row, other=row.new) for row in BETTER]
        decision = decide(evaluation(same), evaluation(ALIKE))
        assert not decision.promoted
        assert decision.reasons == (
            "The new summaries are not shown to be about their own users: "
            "+0.0 points (+0.0 to +0.0) over another user's summary.",
        )

    def test_without_another_users_summary_it_is_refused(self) -> None:
        held_out = evaluation(BETTER)
        alone = replace(held_out, ranked={name: held_out.ranked[name] for name in ("before", "trained")})
        assert not decide(alone, evaluation(ALIKE)).promoted

    def test_an_evaluation_without_the_version_in_service_is_an_error(self) -> None:
        held_out = evaluation(BETTER)
        lacking = replace(held_out, ranked={"trained": held_out.ranked["trained"]})
        with pytest.raises(ConfigError, match="no figures with before"):
            decide(lacking, evaluation(ALIKE))

    def test_a_score_that_is_no_number_is_an_error(self) -> None:
        with pytest.raises(ConfigError, match="NaN"):
            decide(evaluation([*BETTER, Row("x", right(1), [math.nan] * 4)]), evaluation(ALIKE))


class TestSlices:
    def test_a_model_that_follows_the_newest_week_only_is_refused(self) -> None:
        new = [replace(row, slices={"when": "new"}) for row in users(40, 1, lambda _: 4)]
        earlier = [
            replace(row, slices={"when": "earlier"}) for row in users(40, 3, lambda place: 2 if place % 4 else 3)
        ]
        decision = decide(evaluation([*new, *earlier]), evaluation(ALIKE))
        assert decision.overall.low > 0
        assert [one.verdict for one in decision.slices] == ["worse", "better"]
        (reason,) = decision.reasons
        assert reason.startswith('Worse on the held-out slice when "earlier": -18.8 points (-')
        assert reason.endswith("160 pairs of 40 users.")

    def test_a_slice_of_the_trusted_set_counts_too(self) -> None:
        rows = users(
            60, 2, lambda place: 1 if place < 20 else 3, lambda place: {"topic": "food" if place < 20 else "code"}
        )
        decision = decide(evaluation(BETTER), evaluation(rows))
        assert decision.trusted.mean > 0
        assert not decision.promoted
        assert slice_of(decision, "topic", "food").population == "trusted"

    def test_intervals_are_widened_for_the_number_of_slices(self) -> None:
        def rows(names: int) -> list[Row]:
            return users(40, 2, lambda place: 3 if place % 3 else 1,
                         lambda place: {f"name {name}": "ab"[place % 2] for name in range(names)})  # fmt: skip

        one, many = (decide(evaluation(BETTER), evaluation(rows(names))) for names in (1, 12))
        narrow, wide = (slice_of(decision, "name 0", "a").difference for decision in (one, many))
        assert narrow.mean == wide.mean
        assert wide.high - wide.low > 1.2 * (narrow.high - narrow.low)

    def test_a_loss_that_chance_brings_about_among_many_slices_does_not_refuse(self) -> None:
        def slices(place: int) -> dict[str, str]:
            return {"side": "ab"[place % 2], **{f"name {name}": "xy"[place // 20] for name in range(10)}}

        rows = users(40, 2, lambda place: 1 if place in (0, 2, 4, 6, 8) else 2, slices)
        alone = [row for row in rows if row.slices["side"] == "a"]
        assert decide(evaluation(BETTER), evaluation([replace(row, slices={}) for row in alone])).trusted.high < 0
        rows += [replace(row, user=f"again {row.user}", new=right(3)) for row in rows[1::2]]
        decision = decide(evaluation(BETTER), evaluation(rows))
        assert slice_of(decision, "side", "a").difference.mean < 0
        assert slice_of(decision, "side", "a").verdict == "same"
        assert decision.promoted

    def test_a_slice_of_few_users_is_listed_and_has_no_say(self) -> None:
        rows = users(50, 2, lambda place: 0 if place < FEWEST - 1 else 3,
                     lambda place: {"language": "fi" if place < FEWEST - 1 else "en"})  # fmt: skip
        decision = decide(evaluation(rows), evaluation(ALIKE))
        few = slice_of(decision, "language", "fi")
        assert (few.verdict, few.users, few.pairs, few.difference.mean) == ("too few", 9, 36, -0.5)
        assert math.isnan(few.difference.low)
        assert decision.promoted

    def test_a_loss_dealt_out_to_many_small_slices_is_found_where_they_are_pooled(self) -> None:
        rows = users(90, 2, lambda place: 1 if place < 20 else 4,
                     lambda place: {"topic": str(place % 5) if place < 20 else "large"})  # fmt: skip
        decision = decide(evaluation(rows), evaluation(ALIKE))
        assert slice_of(decision, "topic", "3").verdict == "too few"
        assert slice_of(decision, "topic", OTHERS).users == 20
        assert slice_of(decision, "topic", OTHERS).verdict == "worse"
        assert not decision.promoted

    def test_examples_that_lost_their_slice_are_pooled_too(self) -> None:
        rows = users(80, 2, lambda place: 1 if place < 15 else 4, lambda place: {"topic": "a"} if place >= 15 else {})
        decision = decide(evaluation(rows), evaluation(ALIKE))
        assert slice_of(decision, "topic", OTHERS).verdict == "worse"
        assert not decision.promoted

    def test_a_value_that_everyone_has_is_no_slice(self) -> None:
        rows = users(40, 2, lambda place: 3 if place % 3 else 2, lambda _: {"language": "en"})
        assert decide(evaluation(rows), evaluation(ALIKE)).slices == ()

    def test_examples_of_a_user_in_several_slices_are_kept_apart(self) -> None:
        both = [
            Row(f"user {place}", right(2), right(new), slices={"when": when})
            for place in range(20)
            for when, new in (("new", 4), ("earlier", 1))
        ]
        decision = decide(evaluation(both), evaluation(ALIKE))
        assert slice_of(decision, "when", "new").difference.mean == 0.5
        assert slice_of(decision, "when", "earlier").difference.mean == -0.25
        assert slice_of(decision, "when", "earlier").users == 20


ROWS = st.lists(
    st.builds(
        Row,
        user=st.sampled_from([f"user {place}" for place in range(30)]),
        old=st.integers(0, PAIRS).map(right),
        new=st.integers(0, PAIRS).map(right),
        slices=st.dictionaries(st.sampled_from("ab"), st.sampled_from("xyz"), max_size=2),
    ),
    min_size=12,
    max_size=40,
)


def turned(one: Evaluation) -> Evaluation:
    ranked = {**one.ranked, "trained": one.ranked["before"], "before": one.ranked["trained"]}
    return replace(one, ranked=ranked)


class TestWhateverTheData:
    @given(ROWS, ROWS)
    @settings(max_examples=25, deadline=None)
    def test_old_and_new_are_never_both_better_than_the_other(self, held_out: list[Row], trusted: list[Row]) -> None:
        one, other = evaluation(held_out), evaluation(trusted)
        assert not (decide(one, other).promoted and decide(turned(one), turned(other)).promoted)

    @given(ROWS, st.randoms(use_true_random=False))
    @settings(max_examples=25, deadline=None)
    def test_order_and_names_of_users_change_nothing(self, rows: list[Row], chance: np.random.Generator) -> None:
        names = sorted({row.user for row in rows})
        others = list(names)
        chance.shuffle(others)
        renamed = [replace(row, user=dict(zip(names, others, strict=True))[row.user]) for row in rows]
        chance.shuffle(renamed)
        decided, again = (decide(evaluation(some), evaluation(some)) for some in (rows, renamed))
        assert json.dumps(again.as_json()) == json.dumps(decided.as_json())

    @given(st.integers(FEWEST, 25), st.integers(0, 5))
    @settings(max_examples=15, deadline=None)
    def test_a_slice_that_loses_refuses_whatever_else_gains(self, losing: int, names: int) -> None:
        rows = [replace(row, slices={**row.slices, "part": "gains"}) for row in users(60, 1, lambda _: 4)]
        rows += [Row(f"other {place}", right(3), right(1), slices={"part": "loses"}) for place in range(losing)]
        rows = [
            replace(row, slices={**row.slices, **{f"name {name}": "ab"[place % 2] for name in range(names)}})
            for place, row in enumerate(rows)
        ]
        decision = decide(evaluation(rows), evaluation(ALIKE))
        assert slice_of(decision, "part", "loses").verdict == "worse"
        assert not decision.promoted

    @given(ROWS, ROWS)
    @settings(max_examples=25, deadline=None)
    def test_what_is_promoted_is_worse_nowhere(self, held_out: list[Row], trusted: list[Row]) -> None:
        decision = decide(evaluation(held_out), evaluation(trusted))
        assert decision.reasons
        if decision.promoted:
            assert decision.overall.low > 0
            assert decision.trusted.high >= 0
            assert decision.own.low > 0
            assert "worse" not in {one.verdict for one in decision.slices}
        for one in decision.slices:
            assert (one.verdict == "too few") == (one.users < FEWEST) == math.isnan(one.difference.low)

    def test_the_same_everywhere_is_seldom_promoted_and_five_points_mostly(self) -> None:
        def drawn(chance: np.random.Generator, gain: float) -> Evaluation:
            old = chance.random((60, 6)) < 0.6
            again = chance.random((60, 6)) < 0.2
            new = np.where(again, chance.random((60, 6)) < 0.6 + gain / 0.2, old)
            return evaluation(
                [
                    Row(str(place), one.astype(float).tolist(), other.astype(float).tolist(), [0.0] * 6)
                    for place, (one, other) in enumerate(zip(old, new, strict=True))
                ]
            )

        chance = np.random.default_rng(0)
        alike = sum(decide(drawn(chance, 0.0), drawn(chance, 0.0)).promoted for _ in range(200))
        better = sum(decide(drawn(chance, 0.05), drawn(chance, 0.05)).promoted for _ in range(60))
        assert alike <= 10
        assert better >= 45


class TestRecord:
    def test_it_is_json_and_unknown_bounds_are_null(self) -> None:
        rows = users(45, 2, lambda _: 3, lambda place: {"topic": "a" if place < 5 else "b"})
        record = json.loads(json.dumps(decide(evaluation(rows), evaluation(ALIKE)).as_json(), allow_nan=False))
        assert record["promoted"] is True
        assert record["overall"] == {"difference": 0.25, "low": 0.25, "high": 0.25}
        assert record["slices"][0] == {
            "population": "held out", "name": "topic", "value": "a", "users": 5, "pairs": 20,
            "difference": 0.25, "low": None, "high": None, "verdict": "too few",
        }  # fmt: skip

    def test_confidence_is_the_callers(self) -> None:
        wide, narrow = (
            decide(evaluation(BETTER), evaluation(ALIKE), confidence=confidence).overall for confidence in (0.99, 0.5)
        )
        assert wide.low < narrow.low < narrow.high < wide.high
        assert isinstance(wide, Interval)
