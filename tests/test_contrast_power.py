"""What `contrast` finds and does not find, counted over many simulated users."""

from __future__ import annotations

import json
import lzma
import random
from collections import defaultdict
from pathlib import Path

import pytest

from popi_sdk.signals import PreferencePair, Rating
from popi_sdk.summarizers.contrast import Contrast
from tests.planted import DOMAINS, FEATURES, pool, user_who_likes, varied_pool

USERS = 100
DATA = Path(__file__).resolve().parents[2] / "shared" / "data"
SAYS = {
    ("length", True): "longer, detailed",
    ("length", False): "short and concise",
    ("lists", True): "Use bullet lists",
    ("lists", False): "Avoid bullet lists",
    ("emoji", True): "Use emoji",
    ("emoji", False): "Do not use emoji",
    ("formality", True): "formal, professional",
    ("formality", False): "casual, informal",
}
KINDS = [(feature, more) for feature in FEATURES for more in (True, False)]


def found(feature: str, more: bool, pairs: int, reversed_pairs: set[int] | float, users: int = USERS) -> int:
    """How many of the users get the clause; half of them are shown pairs that differ in other ways too."""
    return sum(
        SAYS[feature, more]
        in Contrast().summarize(user_who_likes(feature, more, pairs, reversed_pairs, user, noisy=user % 2 == 0)).text
        for user in range(users)
    )


@pytest.mark.parametrize(("feature", "more"), KINDS)
def test_a_preference_shown_in_18_of_20_pairs_is_found(feature: str, more: bool) -> None:
    assert found(feature, more, 20, {3, 11}) >= 95


@pytest.mark.parametrize(("feature", "more"), KINDS)
def test_a_preference_shown_in_8_clean_pairs_is_found(feature: str, more: bool) -> None:
    assert found(feature, more, 8, set()) >= 90


def test_a_preference_shown_in_each_pair_with_nine_in_ten_chances_is_found() -> None:
    assert sum(found(feature, more, 20, 0.1, users=50) for feature, more in KINDS) >= 0.95 * 50 * len(KINDS)


def clauses_without_preference(users: list[list[PreferencePair]]) -> int:
    return sum(bool(Contrast().summarize(signals)) for signals in users)


@pytest.mark.parametrize("pairs", [8, 20])
def test_random_choices_between_planted_texts_give_no_clause(pairs: int) -> None:
    users = [user_who_likes(FEATURES[k % 4], True, pairs, 0.5, k, noisy=k % 8 < 4) for k in range(2 * USERS)]
    assert clauses_without_preference(users) <= 0.05 * len(users)


def test_random_choices_between_texts_that_vary_in_everything_give_no_clause() -> None:
    users = []
    for user in range(USERS):
        draw = random.Random(user)
        texts = draw.sample(varied_pool(draw.choice(sorted(DOMAINS))), 40)
        users.append([PreferencePair(f"q{k}", *texts[2 * k : 2 * k + 2]) for k in range(20)])
    assert clauses_without_preference(users) <= 5


def test_random_thumbs_give_no_clause() -> None:
    summaries = []
    for user in range(USERS):
        draw = random.Random(user)
        texts = draw.sample(varied_pool("garden"), 24)
        summaries.append(
            Contrast().summarize([Rating(f"q{k}", t, liked=draw.random() < 0.5) for k, t in enumerate(texts)])
        )
    assert sum(map(bool, summaries)) <= 5


@pytest.fixture(scope="module")
def answers() -> list[list[str]]:
    path = DATA / "answers.jsonl.xz"
    if not path.exists():
        pytest.skip("../shared/data/answers.jsonl.xz is not on this machine")
    by_task: dict[str, list[str]] = defaultdict(list)
    with lzma.open(path, "rt", encoding="utf-8") as lines:
        for line, _ in zip(lines, range(1500), strict=False):
            row = json.loads(line)
            if row["text"].strip() and len(row["text"]) < 2500:
                by_task[row["task"]].append(row["text"])
    return [sorted(set(texts)) for _, texts in sorted(by_task.items()) if len(set(texts)) > 1]


@pytest.mark.parametrize("pairs", [8, 20])
def test_random_choices_between_real_answers_give_no_clause(answers: list[list[str]], pairs: int) -> None:
    users = []
    for user in range(USERS):
        draw = random.Random(f"{user} {pairs}")
        drawn = [draw.sample(draw.choice(answers), 2) for _ in range(pairs)]
        users.append([PreferencePair(f"q{k}", one, other) for k, (one, other) in enumerate(drawn)])
    assert clauses_without_preference(users) <= 5


@pytest.mark.parametrize("longer", [True, False])
def test_a_preference_for_length_among_real_answers_is_found(answers: list[list[str]], longer: bool) -> None:
    hits = 0
    for user in range(USERS):
        draw = random.Random(f"{user} {longer}")
        signals: list[PreferencePair] = []
        while len(signals) < 20:
            short, long = sorted(draw.sample(draw.choice(answers), 2), key=len)
            if len(short) < 0.6 * len(long):
                turned = len(signals) in (3, 11)
                chosen, rejected = (long, short) if longer != turned else (short, long)
                signals.append(PreferencePair(f"q{len(signals)}", chosen, rejected))
        hits += SAYS["length", longer] in Contrast().summarize(signals).text
    assert hits >= 95


@pytest.mark.parametrize("feature", FEATURES)
def test_a_preference_shown_by_thumbs_is_found(feature: str) -> None:
    hits = 0
    for user in range(40):
        draw = random.Random(user)
        drawn = draw.sample(pool(draw.choice(sorted(DOMAINS)), feature, False), 24)
        signals = [Rating(f"q{k}", pair[k % 2], liked=k % 2 == 0) for k, pair in enumerate(drawn)]
        hits += SAYS[feature, True] in Contrast().summarize(signals).text
    assert hits >= 38


def test_ratings_of_answers_of_one_assistant_are_not_a_preference_when_all_are_alike() -> None:
    texts = varied_pool("garden")[:30]
    assert not Contrast().summarize([Rating(f"q{k}", text, liked=True) for k, text in enumerate(texts)])
