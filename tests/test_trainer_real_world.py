"""Users over real texts: what they choose, what they show, and that no answer is good for everyone."""

from __future__ import annotations

import math
import os
import random
import subprocess
import sys
from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from popi_sdk.errors import ConfigError
from popi_sdk.guard import guard
from popi_sdk.signals import PreferencePair
from tests.real_answers import ABSENT, ASKED, DATA, made_up_rows, population, write_rows
from trainer.data import Example, leaked_pairs, load_examples, write_examples
from trainer.people.answers import ASPECTS, Answer, Answers, split_tasks
from trainer.people.choosing import RealUser, Simulated, real_examples, simulate


@pytest.fixture(scope="module")
def answers(tmp_path_factory: pytest.TempPathFactory) -> Answers:
    folder = tmp_path_factory.mktemp("answers")
    return Answers.load(write_rows(folder / "answers.jsonl.xz", made_up_rows(60)), cache=folder)


def shown(one: Simulated) -> list[PreferencePair]:
    return [signal for signal in one.example.signals if isinstance(signal, PreferencePair)]


def styles_of(answers: Answers) -> dict[tuple[str, str], Answer]:
    return {(task.prompt, answer.text): answer for task in answers.tasks for answer in task.answers}


def gain(pair: PreferencePair, wishes: Mapping[str, float], styles: dict[tuple[str, str], Answer]) -> float:
    """How much better the chosen answer meets `wishes`."""
    chosen, rejected = styles[pair.prompt, pair.chosen], styles[pair.prompt, pair.rejected]
    return chosen.utility(wishes) - rejected.utility(wishes)


def balance(pairs: list[PreferencePair]) -> Counter[tuple[str, str]]:
    """Per answer, how often it was chosen less how often it was rejected; answers in balance are left out."""
    total: Counter[tuple[str, str]] = Counter()
    for pair in pairs:
        total[pair.prompt, pair.chosen] += 1
        total[pair.prompt, pair.rejected] -= 1
    return Counter({answer: count for answer, count in total.items() if count})


def answer(**style: float) -> Answer:
    return Answer("shown", "whole", tuple(style.get(aspect, 0.0) for aspect in ASPECTS))


def test_utility_is_the_sum_of_weight_times_style() -> None:
    assert answer(length=2.0, lists=-1.0, emoji=3.0).utility({"length": -0.5, "lists": 1.5}) == -2.5


def test_without_noise_the_better_answer_is_taken_wherever_it_stands() -> None:
    user = RealUser({"lists": 1.0})
    better, worse = answer(lists=0.2), answer(lists=0.1)
    assert user.takes_first(better, worse, user.wishes, random.Random(0))
    assert not user.takes_first(worse, better, user.wishes, random.Random(0))


@pytest.mark.parametrize(
    ("noise", "bias", "expected"), [(0.5, 0.0, 0.7310586), (1.0, 0.0, 0.6224593), (1, 0.5, 0.7310586)]
)
def test_noise_is_the_temperature_of_a_logistic_choice(noise: float, bias: float, expected: float) -> None:
    user = RealUser({"lists": 1.0}, noise=noise, position_bias=bias)  # the first answer gains 0.5, and the bias
    draw = random.Random(0)
    taken = sum(user.takes_first(answer(lists=0.5), answer(), user.wishes, draw) for _ in range(20_000)) / 20_000
    assert taken == pytest.approx(expected, abs=4 * math.sqrt(0.25 / 20_000))


def test_a_strong_bias_takes_what_stands_first() -> None:
    user = RealUser({"lists": 1.0}, position_bias=9.0)
    assert user.takes_first(answer(lists=-1.0), answer(lists=1.0), user.wishes, random.Random(0))


def test_tiny_noise_does_not_overflow() -> None:
    user = RealUser({"lists": 1.0}, noise=1e-300)
    assert user.takes_first(answer(lists=3.0), answer(), user.wishes, random.Random(0))
    assert not user.takes_first(answer(), answer(lists=3.0), user.wishes, random.Random(0))


@pytest.mark.parametrize(
    "wrong",
    [{"wishes": {}}, {"wishes": {"colour": 1.0}}, {"wishes": {"lists": 0.0}}, {"wishes": {"lists": math.nan}},
     {"later": {"colour": 1.0}}, {"noise": -1.0}, {"noise": math.inf}, {"conflicts": 1.1}, {"position_bias": math.nan}],
)  # fmt: skip
def test_a_user_that_cannot_be_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ConfigError):
        RealUser(**{"wishes": {"lists": 1.0}, **wrong})


@pytest.mark.parametrize("more", [True, False])
@pytest.mark.parametrize("aspect", ASPECTS)
def test_an_oracle_passes_the_guard_unchanged(aspect: str, more: bool) -> None:
    text = RealUser({aspect: 1.0 if more else -1.0}).oracle(())
    guarded = guard(text, max_tokens=200)
    assert guarded.text == text
    assert not guarded.removed


def test_an_oracle_says_the_newest_wishes_strongest_first_and_a_usual_length() -> None:
    liked = [Answer("shown", "word " * count, (0.0,) * len(ASPECTS)) for count in (70, 80, 90)]
    user = RealUser({"bold": 1.0}, later={"lists": 0.8, "length": -1.2, "bold": -0.9})
    assert (
        user.oracle(liked) == "Keep answers short and concise, about 80 words. Do not use bold text. Use bullet lists."
    )


def test_one_seed_gives_one_world_and_another_seed_another(answers: Answers) -> None:
    def made(seed: int) -> list[Example]:
        return real_examples(answers, users=6, signals=6, pairs=3, seed=seed, conflicts=0.2, drift=0.5, aspects=ASKED)

    assert made(1) == made(1)
    assert made(1) != made(2)
    assert [one.user for one in made(1)] != [one.user for one in made(2)]


def test_the_world_does_not_depend_on_the_hash_seed(tmp_path: Path) -> None:
    path = write_rows(tmp_path / "a.jsonl.xz", made_up_rows(20))
    code = (
        "import sys, hashlib; from pathlib import Path; from trainer.people.answers import Answers; "
        "from trainer.people.choosing import real_examples; "
        "a = Answers.load(Path(sys.argv[1]), cache=Path(sys.argv[2])); "
        "e = real_examples(a, users=6, signals=6, pairs=3, seed=3, conflicts=0.2, drift=0.5); "
        "print(hashlib.sha256(repr(e).encode()).hexdigest())"
    )
    printed = {
        subprocess.run(
            [sys.executable, "-c", code, str(path), str(tmp_path)],
            env={**os.environ, "PYTHONHASHSEED": seed},
            cwd=Path(__file__).resolve().parents[1],
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in ("1", "2")
    }
    assert len(printed) == 1


@settings(max_examples=25, deadline=None)
@given(
    seed=st.integers(0, 10_000),
    noise=st.sampled_from([0.0, 0.5, 3.0]),
    conflicts=st.sampled_from([0.0, 0.4, 1.0]),
    drift=st.sampled_from([0.0, 0.5, 1.0]),
    position_bias=st.sampled_from([0.0, 1.0]),
)
def test_over_all_users_every_answer_is_chosen_as_often_as_rejected(
    answers: Answers, seed: int, noise: float, conflicts: float, drift: float, position_bias: float
) -> None:
    world = population(noise=noise, conflicts=conflicts, drift=drift, position_bias=position_bias)
    users = simulate(answers, world, seed=seed)
    assert not balance([pair for one in users for pair in one.example.pairs])
    assert not balance([pair for one in users for pair in shown(one)])
    for one, twin in zip(users[::2], users[1::2], strict=True):
        assert twin.user == one.user.mirrored()
        assert twin.example.slices == one.example.slices
        for part in ("signals", "pairs"):
            seen = [(p.prompt, p.rejected, p.chosen) for p in getattr(one.example, part)]
            assert [(p.prompt, p.chosen, p.rejected) for p in getattr(twin.example, part)] == seen


def test_without_mirroring_users_differ_in_more_than_direction(answers: Answers) -> None:
    users = simulate(answers, population(users=7, mirrored=False), seed=0)
    assert len(users) == len({one.example.user for one in users}) == 7
    assert balance([pair for one in users for pair in one.example.pairs])


def test_no_task_of_a_user_comes_twice(answers: Answers) -> None:
    for one in simulate(answers, population(conflicts=0.3, drift=0.5), seed=0):
        prompts = [pair.prompt for pair in (*shown(one), *one.example.pairs)]
        assert len(prompts) == len(set(prompts)) == 12


@pytest.mark.parametrize("contrast", [0.6, 2.0])
def test_without_noise_users_choose_by_utility_and_never_between_equals(answers: Answers, contrast: float) -> None:
    styles = styles_of(answers)
    for one in simulate(answers, population(noise=0.0, contrast=contrast), seed=0):
        for pair in (*shown(one), *one.example.pairs):
            assert gain(pair, one.user.wishes, styles) >= contrast - 1e-12


def test_noise_is_in_the_signals_and_not_in_what_is_held_out(answers: Answers) -> None:
    styles = styles_of(answers)
    users = simulate(answers, population(users=100, noise=4.0, mirrored=False), seed=0)
    gains = [gain(pair, one.user.wishes, styles) for one in users for pair in shown(one)]
    chances = [1 / (1 + math.exp(abs(value) / 4.0)) for value in gains]
    spread = math.sqrt(sum(chance * (1 - chance) for chance in chances))
    assert sum(value < 0 for value in gains) == pytest.approx(sum(chances), abs=3 * spread)
    assert sum(chances) > 6 * spread  # so that none wrong at all would be noticed
    assert all(gain(pair, one.user.wishes, styles) > 0 for one in users for pair in one.example.pairs)


def test_the_better_answer_stands_first_as_often_as_second(answers: Answers) -> None:
    styles = styles_of(answers)
    world = population(users=50, noise=0.0, position_bias=100.0, mirrored=False)  # whoever stands first is taken
    gains = [gain(pair, one.user.wishes, styles) for one in simulate(answers, world, seed=0) for pair in shown(one)]
    assert sum(value > 0 for value in gains) == pytest.approx(200, abs=3 * math.sqrt(400 * 0.25))


def test_drift_turns_one_wish_round_half_way(answers: Answers) -> None:
    styles = styles_of(answers)
    users = simulate(answers, population(noise=0.0, drift=1.0, wishes_per_user=(1, 1)), seed=0)
    for one in users:
        ((aspect, weight),) = one.user.wishes.items()
        assert one.user.newest == {aspect: -weight}
        gains = [gain(pair, one.user.wishes, styles) for pair in shown(one)]
        assert [value > 0 for value in gains] == [True] * 4 + [False] * 4
        assert all(gain(pair, one.user.newest, styles) > 0 for pair in one.example.pairs)
        assert one.example.oracle.startswith(RealUser(one.user.newest).oracle(())[:12])
        assert one.example.slices["drift"] == "yes"


def test_of_several_wishes_drift_turns_exactly_one(answers: Answers) -> None:
    for one in simulate(answers, population(drift=1.0, wishes_per_user=(3, 3)), seed=0):
        turned = [aspect for aspect in one.user.wishes if one.user.newest[aspect] == -one.user.wishes[aspect]]
        kept = [aspect for aspect in one.user.wishes if one.user.newest[aspect] == one.user.wishes[aspect]]
        assert (len(turned), len(kept)) == (1, 2)


def test_a_share_of_users_drifts(answers: Answers) -> None:
    users = simulate(answers, population(users=200, signals=2, pairs=1, drift=0.3), seed=0)
    drifted = [one.example.slices["drift"] for one in users].count("yes") / 200
    assert drifted == pytest.approx(0.3, abs=0.13)  # 100 twins: 0.3 is within 0.13 in more than 99 of 100 worlds


def test_a_share_of_choices_goes_against_a_wish(answers: Answers) -> None:
    styles = styles_of(answers)
    world = population(users=200, noise=0.0, conflicts=0.2, wishes_per_user=(1, 1), pairs=1)
    against = 0
    for one in simulate(answers, world, seed=0):
        wrong = sum(gain(pair, one.user.wishes, styles) < 0 for pair in shown(one))
        assert one.example.slices["conflict"] == ("yes" if wrong else "no")
        assert all(gain(pair, one.user.wishes, styles) > 0 for pair in one.example.pairs)
        against += wrong
    assert against / 1600 == pytest.approx(0.2, abs=0.045)  # 800 independent choices, three standard deviations


def test_a_conflicting_choice_is_about_one_wish_alone() -> None:
    user = RealUser({"lists": 1.0, "length": -0.8}, conflicts=1.0)
    acted = {tuple(user.acting(0, 1, random.Random(seed)).items()) for seed in range(20)}
    assert acted == {(("lists", -1.0),), (("length", 0.8),)}


def test_slices_say_what_kind_of_user_it_is(answers: Answers) -> None:
    _, unseen = split_tasks(answers, test=0.5)
    for one in simulate(unseen, population(wishes_per_user=(2, 2)), seed=0):
        strongest = max(one.user.wishes, key=lambda aspect: abs(one.user.wishes[aspect]))
        assert one.example.slices == {
            "aspect": strongest, "wishes": "2", "conflict": "no", "drift": "no", "tasks": "unseen",
        }  # fmt: skip


def test_users_over_seen_and_unseen_tasks_share_no_name_and_no_task(answers: Answers) -> None:
    seen, unseen = (simulate(part, population(signals=4), seed=0) for part in split_tasks(answers, test=0.5))
    assert not {one.example.user for one in seen} & {one.example.user for one in unseen}

    def prompts(users: list[Simulated]) -> set[str]:
        return {p.prompt for one in users for p in (*shown(one), *one.example.pairs)}

    assert not prompts(seen) & prompts(unseen)


def test_written_examples_load_again(answers: Answers, tmp_path: Path) -> None:
    made = real_examples(answers, users=4, signals=5, pairs=3, seed=0, aspects=ASKED)
    write_examples(made, tmp_path / "world.jsonl")
    assert load_examples(tmp_path / "world.jsonl") == made


@pytest.mark.parametrize(
    "wrong",
    [{"users": 0}, {"users": 3}, {"pairs": 0}, {"signals": -1}, {"wishes_per_user": (0, 1)},
     {"wishes_per_user": (2, 1)}, {"wishes_per_user": (1, 5)}, {"drift": 1.5}, {"contrast": 0.0},
     {"contrast": math.nan}],
)  # fmt: skip
def test_a_world_that_cannot_be_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ConfigError):
        population(**wrong)


def test_too_few_tasks_for_a_user_say_what_to_do(answers: Answers) -> None:
    few = replace(answers, tasks=answers.tasks[:5])
    with pytest.raises(ConfigError, match=r"No task is left .*load more tasks"):
        simulate(few, population(), seed=0)
    with pytest.raises(ConfigError, match="differ often enough in 0 aspects"):
        simulate(few, population(aspects=None, contrast=5.0), seed=0)


def test_an_aspect_nobody_knows_is_refused(answers: Answers) -> None:
    with pytest.raises(ConfigError, match="are no wishes"):
        simulate(answers, population(aspects=("colour",), wishes_per_user=(1, 1)), seed=0)


def test_only_aspects_in_which_answers_differ_are_wished_for(answers: Answers) -> None:
    assert set(ASKED) <= set(answers.differing(1.4))
    assert not {"emoji", "code", "humour", "tables"} & set(answers.differing(1.4))
    wished = {aspect for one in simulate(answers, population(aspects=None), seed=0) for aspect in one.user.wishes}
    assert wished <= set(answers.differing(1 / 0.7))


@pytest.fixture(scope="module")
def real(tmp_path_factory: pytest.TempPathFactory) -> Answers:
    if not DATA.exists():
        pytest.skip(ABSENT)
    cache = tmp_path_factory.mktemp("cache")
    return Answers.load(DATA, tasks_with_at_least=13, limit=120, cache=cache)


def test_real_answers_make_users_that_load_again(real: Answers, tmp_path: Path) -> None:
    assert len(real.tasks) == 120
    assert {"length", "lists", "headings", "bold", "directness"} <= set(real.differing(1 / 0.7))
    made = real_examples(real, users=40, signals=10, pairs=5, seed=0, conflicts=0.05, drift=0.2)
    assert not any(leaked_pairs(one) for one in made)
    assert not balance([pair for one in made for pair in one.pairs])
    for one in made:
        guarded = guard(one.oracle, max_tokens=200)
        assert (guarded.text, dict(guarded.removed)) == (one.oracle, {})
    write_examples(made, tmp_path / "world.jsonl")
    assert load_examples(tmp_path / "world.jsonl") == made
