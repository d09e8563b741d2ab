"""A look at unseen users: what counts as a lead, and when a run that goes wrong is stopped."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.brief_runs import brief_config, quiet, write_data
from trainer.config import Config, WorldConfig
from trainer.data import Example
from trainer.errors import ChannelError, DivergedError
from trainer.health import Health, Look, users_to_look_at
from trainer.run_directory import RunDirectory
from trainer.train import train

ONE_THING: dict[str, Any] = {"dimensions": 1, "cares": 1, "signals": 2, "pairs": 2, "noise": 0.0}


def look(
    oracle: float | None = None, *, trained: float = 0.5, swapped: float = 0.5, pairs: int = 400, loss: float = 1.0
) -> Look:
    accuracy = {"trained": trained, "swapped": swapped, "none": 0.5} | ({} if oracle is None else {"oracle": oracle})
    return Look(accuracy=accuracy, pairs=pairs, loss=loss, chance=1.386, written=[])


def after(*looks: Look) -> Health:
    health = Health()
    for step, each in enumerate(looks):
        health = health.after(step, each)
    return health


def test_the_truth_leads_over_chance_and_without_it_the_own_summary_over_another_users() -> None:
    assert look(0.8).channel == pytest.approx(0.3)
    assert look(trained=0.7, swapped=0.45).channel == pytest.approx(0.25)


def test_the_doubt_is_two_standard_errors_of_the_shares_compared() -> None:
    assert look(0.8, pairs=400).doubt == pytest.approx(0.05)  # 2 * sqrt(0.25 / 400)
    assert look(pairs=400).doubt == pytest.approx(0.0707, abs=1e-4)  # of a difference of two


def test_two_bad_looks_in_a_row_stop_a_run() -> None:
    with pytest.raises(ChannelError, match=r"By step 3 .* leads by 2\.0 points where it led by 30\.0.*Warm-start"):
        after(look(0.8), look(0.75), look(0.55), look(0.52))


def test_a_dip_is_forgiven() -> None:
    assert after(look(0.8), look(0.52), look(0.75), look(0.52), look(0.9)).bad == 0


def test_half_of_the_lead_may_be_lost() -> None:
    assert after(look(0.8), *[look(0.61)] * 5).bad == 0


def test_a_lead_within_doubt_is_none_and_its_loss_stops_nothing() -> None:
    health = after(look(0.54), *[look(0.5)] * 5)
    assert health.lead is None
    assert after(look(0.54), look(0.8)).lead == pytest.approx(0.3)  # what comes later is watched from then on


@given(st.lists(st.floats(-0.045, 0.045), min_size=3, max_size=20))
def test_noise_around_chance_never_stops_a_run(noise: list[float]) -> None:
    after(*[look(0.5 + each) for each in noise])


@given(st.lists(st.floats(-0.045, 0.045), min_size=3, max_size=20))
def test_noise_around_a_steady_channel_never_stops_a_run(noise: list[float]) -> None:
    after(*[look(0.8 + each) for each in noise])


def test_a_single_user_has_no_channel_to_watch() -> None:
    alone = Look(accuracy={"trained": 0.5, "none": 0.5}, pairs=4, loss=1.0, chance=1.386, written=[])
    assert alone.channel is None
    assert after(alone, alone, alone).lead is None


def test_a_loss_ten_times_that_of_knowing_nothing_is_a_divergence() -> None:
    health = after(look(0.8, loss=0.4))
    assert health.loss == 1.386  # the start was better than chance
    health.check(5, 13.8)
    with pytest.raises(DivergedError, match=r"at step 5 is 13\.9, and 1\.39 was the most to begin with"):
        health.check(5, 13.9)
    with pytest.raises(DivergedError):
        after(look(0.8), look(0.8, loss=14.0))


def test_a_bad_start_is_measured_by_itself() -> None:
    after(look(0.8, loss=5.0)).check(1, 49.0)
    with pytest.raises(DivergedError):
        after(look(0.8, loss=5.0)).check(1, 51.0)


def test_health_goes_through_a_checkpoint() -> None:
    health = after(look(0.8), look(0.52))
    assert health.bad == 1
    assert Health.from_json(health.as_json()) == health


def test_different_users_are_looked_at_before_any_ones_second_example() -> None:
    examples = [Example(user, (), ()) for user in ("a", "a", "a", "b", "b", "c")]
    assert [example.user for example in users_to_look_at(examples, 4)] == ["a", "b", "c", "a"]
    assert len(users_to_look_at(examples, 64)) == 6


def test_the_transcript_shows_summaries_beside_the_truth() -> None:
    written = [(Example("ada", (), (), oracle="Be brief.\nBe kind."), "Be short."), (Example("bob", (), ()), "")]
    shown = Look(accuracy={"trained": 0.5}, pairs=2, loss=1.0, chance=1.0, written=written).transcript(40)
    assert shown == (
        "# Summaries of unseen users at step 40\n\n## ada\n\nBe short.\n\nThe truth: Be brief. Be kind.\n\n"
        "## bob\n\n(nothing)\n"
    )


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    users = {"train": 64, "validation": 40, "test": 2}
    return write_data(tmp_path_factory.mktemp("data"), users, WorldConfig(**ONE_THING))


def one_thing(data: Path, warm_start: dict[str, Any], run: dict[str, Any]) -> Config:
    return brief_config(
        data,
        world=ONE_THING,
        warm_start={"generator_steps": 120, "batch": 16, "learning_rate": 4e-3} | warm_start,
        rollout={"users": 8, "group": 4, "microbatch": 16},
        run={"evaluate_every": 4, "save_every": 4, "seed": 0} | run,
    )


def test_a_generator_that_learns_from_empty_words_unlearns_to_read_and_is_stopped(data: Path, tmp_path: Path) -> None:
    config = one_thing(data, {"summarizer": "none"}, {"steps": 40, "generator_learning_rate": 1e-2})
    with pytest.raises(ChannelError, match="has unlearned to read summaries"):
        train(config, tmp_path / "run", reporter=quiet())
    latest = RunDirectory(tmp_path / "run").latest()
    assert latest is not None
    assert latest.facts["health"]["bad"] == 1  # the look that stopped it is in no checkpoint


def test_a_run_with_a_warm_start_and_a_slow_generator_passes(data: Path, tmp_path: Path) -> None:
    warm_start = {"summarizer": "oracle", "summarizer_steps": 200, "summarizer_noise": 0.0}
    config = one_thing(data, warm_start, {"steps": 8, "generator_learning_rate": 1e-4})
    run = train(config, tmp_path / "run", reporter=quiet())
    latest = run.latest()
    assert latest is not None
    assert latest.step == 8
    assert latest.facts["health"]["bad"] == 0
    assert latest.facts["health"]["lead"] > 0.2
