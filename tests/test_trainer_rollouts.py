"""Whom a step is about: a function of seed and step alone, whatever was interrupted in between."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.brief_runs import WORLD, brief_config, quiet, write_data
from trainer.config import Config
from trainer.data import Example
from trainer.rollouts import Batches, Group, _turns, sample_groups
from trainer.run_directory import RunDirectory
from trainer.stages import prepare_data, prepare_models
from trainer.train import Training, make_training
from trainer.world import world_examples


def users(count: int) -> list[Example]:
    return [Example(str(number), (), ()) for number in range(count)]


def names(examples: Sequence[Example]) -> list[str]:
    return [example.user for example in examples]


@given(count=st.integers(1, 12), each=st.integers(1, 15), seed=st.integers(0, 3))
def test_everyone_is_met_once_before_anyone_is_met_again(count: int, each: int, seed: int) -> None:
    batches = Batches(users(count), each, seed)
    met = [name for step in range(3 * count) for name in names(batches.at(step))]
    for epoch in range(len(met) // count):
        assert Counter(met[epoch * count : (epoch + 1) * count]) == Counter(names(users(count)))


def test_a_step_has_the_same_users_in_whatever_order_steps_are_asked_for() -> None:
    batches, resumed = Batches(users(7), 3, 0), Batches(users(7), 3, 0)
    forwards = [names(batches.at(step)) for step in range(20)]
    assert [names(resumed.at(step)) for step in reversed(range(20))] == forwards[::-1]


def test_epochs_and_seeds_have_orders_of_their_own() -> None:
    orders = {tuple(names(Batches(users(50), 50, seed).at(step))) for seed in range(3) for step in range(3)}
    assert len(orders) == 9


def test_a_million_users_take_no_time_per_step() -> None:
    one = Example("one", (), ())
    batches = Batches([one] * 1_000_000, 64, 0)
    batches.at(0)
    began = time.perf_counter()
    for step in range(1, 200):
        batches.at(step)
    assert time.perf_counter() - began < 5  # shuffling a million for each user takes hours


@pytest.fixture(scope="module")
def config(tmp_path_factory: pytest.TempPathFactory) -> Config:
    data = write_data(tmp_path_factory.mktemp("data"))
    return brief_config(data, objective={"pairs": 1, "without_summary": 0.25}, rollout={"group": 3})


@pytest.fixture(scope="module")
def training(config: Config, tmp_path_factory: pytest.TempPathFactory) -> Training:
    run = RunDirectory(tmp_path_factory.mktemp("run"))
    data = prepare_data(run, config)
    models, encoder = prepare_models(run, config, data, quiet())
    return make_training(run, config, models, encoder, data)


def sampled(training: Training, step: int, people: Sequence[Example] | None = None) -> list[Group]:
    users = training.batches.at(step) if people is None else people
    return sample_groups(training.models.summarizer, training.sampler, training.encoder, users, training.config, step)


def test_a_steps_rollouts_follow_from_its_number_and_the_weights(training: Training) -> None:
    assert sampled(training, 3) == sampled(training, 3)
    again = sampled(training, 4, training.batches.at(3))
    assert [group.samples for group in again] != [group.samples for group in sampled(training, 3)]


def test_a_group_has_its_summaries_in_tokens_and_as_they_are_shown(training: Training) -> None:
    for group in sampled(training, 0):
        assert len(group.samples) == len(group.summaries) == 3
        assert all(0 < len(sample) <= training.config.model.max_summary_tokens for sample in group.samples)
        shown = [training.encoder.safe_summary(training.encoder.summary_text(sample)) for sample in group.samples]
        assert shown == group.summaries


def test_held_out_pairs_are_drawn_from_the_users_own(training: Training) -> None:
    drawn = {group.example.user: set() for group in sampled(training, 0)}
    for step in range(30):
        for group in sampled(training, step, training.batches.at(0)):
            assert len(group.pairs) == 1
            drawn[group.example.user].add(group.example.pairs.index(group.pairs[0]))
    assert all(places == {0, 1} for places in drawn.values())


@pytest.mark.parametrize(("share", "group"), [(0.0, 8), (0.08, 8), (0.1, 3), (0.25, 3)])
def test_the_share_without_a_summary_is_of_all_the_generators_examples(
    share: float, group: int, config: Config
) -> None:
    objective = config.objective.model_copy(update={"without_summary": share})
    settings = config.model_copy(
        update={"objective": objective, "rollout": config.rollout.model_copy(update={"group": group})}
    )
    people = world_examples(WORLD, "train", 16, 0)
    plain = [plain for step in range(200) for _, _, plain in _turns(people, settings, step)]
    assert sum(plain) / (sum(plain) + group * len(plain)) == pytest.approx(share, abs=0.01)
