"""What measures of style can learn about users over real texts."""

from __future__ import annotations

import numpy as np
import pytest

from popi_sdk.summarizers.findings import Finding
from tests.real_answers import ABSENT, DATA, made_up_rows, population, write_rows
from trainer.people.answers import Answers
from trainer.people.ceiling import best_linear_accuracy, clauses_of_contrast, fitted, found_by_contrast
from trainer.people.choosing import Population, simulate


@pytest.fixture(scope="module")
def answers(tmp_path_factory: pytest.TempPathFactory) -> Answers:
    folder = tmp_path_factory.mktemp("answers")
    return Answers.load(write_rows(folder / "answers.jsonl.xz", made_up_rows(60)), cache=folder)


@pytest.fixture(scope="module")
def real(tmp_path_factory: pytest.TempPathFactory) -> Answers:
    if not DATA.exists():
        pytest.skip(ABSENT)
    cache = tmp_path_factory.mktemp("cache")
    return Answers.load(DATA, tasks_with_at_least=13, limit=120, cache=cache)


def test_a_fitted_weight_is_where_the_slope_of_the_likelihood_is_the_weight() -> None:
    # One pair with difference 1: 1 / (1 + e^w) = w, which is 0.4011 (0.40105811 to eight digits).
    assert fitted(np.array([[1.0]]))[0] == pytest.approx(0.40105814, abs=1e-6)
    assert fitted(np.zeros((0, 3))) == pytest.approx(np.zeros(3))
    assert fitted(np.array([[1.0], [-1.0]])) == pytest.approx(np.zeros(1))


def test_linear_accuracies_know_what_they_should(answers: Answers) -> None:
    users = simulate(answers, population(users=20, signals=16, noise=0.0, wishes_per_user=(1, 1)), seed=0)
    accuracy = best_linear_accuracy(users, answers, found_by_contrast(users))
    assert accuracy["told"].mean == accuracy["directions"].mean == 1.0
    assert accuracy["population"].mean == 0.5
    assert accuracy["fitted"].mean > 0.9
    assert accuracy["contrast"].mean > 0.8


def test_clauses_are_counted_as_right_reverse_or_other(answers: Answers) -> None:
    users = simulate(answers, population(users=2, mirrored=False, wishes_per_user=(3, 3)), seed=0)

    def finding(aspect: str, more: bool) -> Finding:
        return Finding("words", aspect, more, 1.0, 8, (), ())

    first, second, third = ((aspect, weight > 0) for aspect, weight in users[0].user.wishes.items())
    found = [[finding(*first), finding(*second), finding(third[0], not third[1]), finding("humour", True)], []]
    named = clauses_of_contrast(users, found)
    assert (named.right, named.reverse, named.other, named.wishes) == (2, 1, 1, 6)
    assert (named.precision, named.recall) == (2 / 4, 2 / 6)


def test_twins_count_as_one_user_in_an_interval(answers: Answers) -> None:
    users = simulate(answers, population(users=2, signals=3), seed=0)
    accuracy = best_linear_accuracy(users, answers, found_by_contrast(users))
    assert accuracy["fitted"].within == 0.0  # a single user says nothing about spread


def test_there_is_something_to_learn_about_users_of_real_answers(real: Answers) -> None:
    users = simulate(real, Population(users=40, signals=16, pairs=8, wishes_per_user=(1, 2)), seed=0)
    found = found_by_contrast(users)
    accuracy = best_linear_accuracy(users, real, found)
    assert accuracy["told"].mean == 1.0
    assert accuracy["population"].mean == 0.5
    assert accuracy["fitted"].mean > 0.8
    assert clauses_of_contrast(users, found).precision > 0.7
