"""Simulated users: who they are follows from the seed, and what they show and hold out follows from who they are."""

from __future__ import annotations

from itertools import islice

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from popi_sdk.signals import PreferencePair
from trainer.config import WorldConfig
from trainer.data import Example, leaked_pairs, read_example
from trainer.world import DIMENSIONS, describe, guided_answers, read_tastes, world_examples

WORLDS = st.builds(
    WorldConfig,
    dimensions=st.just(6),
    cares=st.integers(1, 6),
    signals=st.integers(1, 12),
    pairs=st.integers(1, 8),
    noise=st.sampled_from([0.0, 0.2, 1.0]),
    conflicts=st.sampled_from([0.0, 0.5]),
    drift=st.sampled_from([0.0, 0.5, 1.0]),
)


def sides(text: str, count: int = 6) -> list[int]:
    """Which way each dimension shows in an answer, line by line; a list in bullet points is two lines."""
    lines = text.splitlines()
    if len(lines) > count:
        lines[1:3] = ["- list"]
    found = []
    for dimension, line in enumerate(lines):
        if dimension == 1:
            found.append(0 if line == "- list" else 1)
        else:
            found += [side for side, way in enumerate(DIMENSIONS[dimension]) if line in way.texts]
    return found


def tastes(example: Example) -> dict[int, int]:
    return read_tastes(example.oracle)


def kept(example: Example, pairs: list[PreferencePair]) -> float:
    """How often a chosen answer shows what the user cares about."""
    shown = [sides(pair.chosen)[d] == side for pair in pairs for d, side in tastes(example).items()]
    return sum(shown) / len(shown)


def shown_pairs(example: Example) -> list[PreferencePair]:
    return [signal for signal in example.signals if isinstance(signal, PreferencePair)]


@settings(max_examples=30, deadline=None)
@given(world=WORLDS, seed=st.integers(0, 5))
def test_a_held_out_pair_differs_in_just_one_thing_the_user_cares_about(world: WorldConfig, seed: int) -> None:
    for example in world_examples(world, "train", 4, seed):
        assert len(tastes(example)) == world.cares
        for number, pair in enumerate(example.pairs):
            chosen, rejected = sides(pair.chosen), sides(pair.rejected)
            (differing,) = [d for d in range(6) if chosen[d] != rejected[d]]
            assert differing == sorted(tastes(example))[number % world.cares]
            assert chosen[differing] == tastes(example)[differing]


@settings(max_examples=30, deadline=None)
@given(world=WORLDS, seed=st.integers(0, 5))
def test_no_held_out_pair_stands_among_the_signals(world: WorldConfig, seed: int) -> None:
    for example in world_examples(world, "train", 4, seed):
        assert leaked_pairs(example) == ()
        assert not {pair.prompt for pair in example.pairs} & {pair.prompt for pair in shown_pairs(example)}
        assert all(pair.chosen != pair.rejected for pair in (*example.pairs, *shown_pairs(example)))


def test_a_user_is_the_same_one_whatever_else_is_asked_for() -> None:
    world = WorldConfig()
    assert world_examples(world, "train", 20, 3)[:5] == world_examples(world, "train", 5, 3)
    assert world_examples(world, "train", 5, 3) != world_examples(world, "train", 5, 4)
    users = [
        example.user for split in ("train", "validation", "test") for example in world_examples(world, split, 9, 0)
    ]
    assert len(set(users)) == 27


def test_without_noise_what_is_chosen_shows_every_taste_and_what_is_rejected_none() -> None:
    for example in world_examples(WorldConfig(dimensions=6, cares=4, noise=0.0), "train", 20, 0):
        for pair in shown_pairs(example):
            for dimension, side in tastes(example).items():
                assert sides(pair.chosen)[dimension] == side
                assert sides(pair.rejected)[dimension] == 1 - side


def test_noise_is_how_often_a_chosen_answer_misses_a_taste() -> None:
    examples = world_examples(WorldConfig(dimensions=6, cares=3, signals=10, noise=0.3), "train", 100, 0)
    assert sum(kept(each, shown_pairs(each)) for each in examples) / 100 == pytest.approx(0.7, abs=0.03)


def test_conflicts_are_pairs_chosen_the_wrong_way_round() -> None:
    world = WorldConfig(dimensions=6, cares=3, signals=10, noise=0.0, conflicts=0.2)
    examples = world_examples(world, "train", 100, 0)
    assert sum(kept(each, shown_pairs(each)) for each in examples) / 100 == pytest.approx(0.8, abs=0.03)


def test_who_drifts_shows_the_former_taste_first_and_is_judged_by_the_newer() -> None:
    world = WorldConfig(dimensions=6, cares=3, signals=6, noise=0.0, drift=1.0)
    for example in world_examples(world, "train", 10, 0):
        assert example.slices == {"drift": "yes"}
        assert kept(example, shown_pairs(example)[:3]) == 0.0
        assert kept(example, shown_pairs(example)[3:]) == 1.0
        assert kept(example, list(example.pairs[:3])) >= 1 / 3  # each pair is sure of one of three


def test_descriptions_can_be_read_back_and_contradictions_say_nothing() -> None:
    wanted = {0: 1, 3: 0, 5: 1}
    assert read_tastes(describe(wanted)) == wanted
    assert read_tastes(describe(wanted, [5, 0, 3])) == wanted
    assert read_tastes("Use a formal tone. Use a casual tone. Be encouraging.") == {5: 1}
    assert read_tastes("") == {}


def test_no_way_says_or_shows_what_another_does() -> None:
    ways = [way for dimension in DIMENSIONS for way in dimension]
    clauses = [way.clause.rstrip(".").lower() for way in ways]
    assert not [(a, b) for a in clauses for b in clauses if a != b and a in b]
    texts = [text for way in ways for text in way.texts]
    assert len(texts) == len(set(texts))


def test_guided_answers_follow_their_description_as_often_as_is_asked() -> None:
    world = WorldConfig(dimensions=6, cares=3)
    followed = [
        sides(answer)[dimension] == side
        for description, _, answer in islice(guided_answers(world, 0, follows=0.75), 800)
        for dimension, side in read_tastes(description).items()
    ]
    assert sum(followed) / len(followed) == pytest.approx(0.75, abs=0.03)
    empty = sum(not description for description, _, _ in islice(guided_answers(world, 0), 800))
    assert empty / 800 == pytest.approx(0.25, abs=0.05)


def test_examples_survive_the_file_format(tmp_path_factory: pytest.TempPathFactory) -> None:
    from trainer.data import load_examples, write_examples

    file = tmp_path_factory.mktemp("world") / "train.jsonl"
    examples = world_examples(WorldConfig(), "train", 5, 0)
    write_examples(examples, file)
    assert load_examples(file) == examples
    assert read_example({"user": "u", "pairs": []}, "here").pairs == ()
