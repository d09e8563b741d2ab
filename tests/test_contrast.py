"""What `contrast` says about users, and what it never says."""

from __future__ import annotations

import os
import random
import subprocess
import sys
import time
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from popi_sdk.signals import (
    Conversation,
    Demonstration,
    Edit,
    Persona,
    PreferencePair,
    Rating,
    Signal,
    Statement,
)
from popi_sdk.summarizers import Summarizer
from popi_sdk.summarizers.contrast import MOST_CHARACTERS, MOST_CLAUSES, Contrast
from popi_sdk.summary import Summary
from tests.planted import DOMAINS, FEATURES, pool, user_who_likes


def summary_of(*signals: Signal) -> Summary:
    return Contrast().summarize(signals)


def clean_user(feature: str, more: bool, count: int = 12, start: int = 0) -> list[PreferencePair]:
    pairs = pool("garden", feature, False)[start : start + count]
    return [PreferencePair(f"q{start + k}", *(p if more else p[::-1])) for k, p in enumerate(pairs)]


def reversed_pair(pair: PreferencePair) -> PreferencePair:
    return PreferencePair(pair.prompt, pair.rejected, pair.chosen)


def test_it_is_a_summarizer_and_signs_with_its_name() -> None:
    assert isinstance(Contrast(), Summarizer)
    assert summary_of(Statement("Short answers.")).model == "contrast"


def test_no_signals_give_an_empty_summary() -> None:
    assert not summary_of()
    assert summary_of(*clean_user("emoji", True, 3)).clauses == ()


def test_all_signals_seen_are_named_and_each_clause_names_those_that_support_it() -> None:
    signals = clean_user("emoji", True, 12)
    against = reversed_pair(pool_pair := clean_user("emoji", True, 1, start=12)[0])
    assert pool_pair.id != against.id
    summary = summary_of(*signals, against)
    assert summary.signal_ids == tuple(s.id for s in [*signals, against])
    (emoji,) = [clause for clause in summary.clauses if clause.aspect == "emoji"]
    assert set(emoji.signal_ids) == {s.id for s in signals}
    assert 0 < emoji.strength < 1


def test_a_length_clause_says_about_how_many_words() -> None:
    summary = summary_of(*clean_user("length", False))
    assert "short and concise, about" in summary.text
    words = int(summary.text.split("about ")[1].split(" ")[0])
    typical = sorted(len(s.chosen.split()) for s in clean_user("length", False))[6]
    assert abs(words - typical) < 0.25 * typical


def test_edits_count_like_pairs() -> None:
    edits = [Edit(p.prompt, p.rejected, p.chosen) for p in clean_user("lists", True)]
    assert "Use bullet lists" in summary_of(*edits).text


def test_thumbs_in_chats_are_evidence() -> None:
    chats = []
    for k, (with_it, without) in enumerate(pool("travel", "emoji", False)[:20]):
        up = k % 2 == 0
        answer = {"role": "assistant", "content": with_it if up else without, "feedback": "up" if up else "down"}
        chats.append(Conversation([{"role": "user", "content": f"Tell me about place {k}"}, answer]))
    assert "Use emoji" in summary_of(*chats).text


def test_ratings_of_answers_to_one_request_are_matched_as_pairs() -> None:
    ratings = [
        Rating(pair.prompt, text, score=score)
        for pair in clean_user("lists", True, 8)
        for text, score in ((pair.chosen, 0.9), (pair.rejected, 0.2))
    ]
    assert "Use bullet lists" in summary_of(*ratings).text


def test_two_planted_preferences_are_both_said() -> None:
    signals = []
    for k in range(16):
        draw = random.Random(k)
        short, long = sorted(pool("cooking", "length", False)[k], key=len)
        signals.append(PreferencePair(f"q{k}", short.replace(". ", " 🎉. ", draw.randint(1, 2)), long))
    text = summary_of(*signals).text
    assert "short" in text
    assert "Use emoji" in text


@pytest.mark.parametrize("feature", FEATURES)
def test_when_the_newer_half_contradicts_the_older_one_the_newer_wins(feature: str) -> None:
    start = datetime(2026, 1, 1, tzinfo=UTC)
    older, newer = clean_user(feature, True, 12), clean_user(feature, False, 12, start=12)
    timed = [p.model_copy(update={"at": start + timedelta(days=k)}) for k, p in enumerate([*older, *newer])]
    random.Random(1).shuffle(timed)
    wanted, unwanted = summary_of(*clean_user(feature, False)), summary_of(*clean_user(feature, True))
    said = {clause.aspect: clause.text for clause in summary_of(*timed).clauses}
    aspect = "length" if feature == "length" else feature
    not_said = {clause.text for clause in unwanted.clauses if clause.aspect == aspect}
    assert said.get(aspect) not in not_said
    if feature != "length":
        assert said.get(aspect) in {clause.text for clause in wanted.clauses}


def test_a_long_past_outvotes_a_new_turn_only_into_silence() -> None:
    signals = [*clean_user("emoji", True, 30), *clean_user("emoji", False, 10, start=30)]
    assert "Use emoji" not in summary_of(*signals).text


def test_own_words_win_over_evidence() -> None:
    summary = summary_of(Statement("Long, detailed answers please."), *clean_user("length", False))
    assert summary.text.startswith("Long, detailed answers please.")
    assert "short" not in summary.text


def test_evidence_that_agrees_with_own_words_supports_them() -> None:
    said, pairs = Statement("Keep it short."), clean_user("length", False)
    (clause,) = [c for c in summary_of(said, *pairs).clauses if c.aspect == "length"]
    assert clause.text == "Keep it short."
    assert set(clause.signal_ids) == {said.id, *(p.id for p in pairs)}


def test_texts_of_pairs_edits_ratings_and_chats_never_appear() -> None:
    canary = "zanzibar-4711"
    signals: list[Signal] = [
        PreferencePair("q", f"{canary} be brief", f"{canary} use emoji please"),
        Edit("q", f"Please be formal {canary}", f"{canary}"),
        Rating("q", f"{canary}", liked=False, reason=f"too long, {canary} please"),
        Conversation(
            [
                {"role": "user", "content": f"hi {canary}"},
                {"role": "assistant", "content": canary, "feedback": "down"},
                {"role": "user", "content": f"tl;dr please {canary}"},
            ]
        ),
        Demonstration(f"I always write {canary}."),
    ]
    summary = summary_of(*signals)
    assert "short" in summary.text
    assert canary not in summary.text


def test_untrusted_signals_are_measured_and_never_quoted() -> None:
    said = Statement("Use emoji please", source="untrusted"), Persona("A wizard.", source="untrusted")
    assert not summary_of(*said)
    pairs = [PreferencePair(p.prompt, p.chosen, p.rejected, source="untrusted") for p in clean_user("emoji", True)]
    assert "Use emoji" in summary_of(*pairs).text


def test_own_writing_counts_faintly_and_only_where_nothing_else_speaks() -> None:
    written = [
        Demonstration(f"hey, yeah I'm gonna be {k} minutes late lol, sorry!! that's cool right?") for k in range(6)
    ]
    summary = summary_of(*written)
    assert "casual" in summary.text
    assert summary.clauses[0].strength < 0.5
    assert "casual" not in summary_of(*written, Statement("Formal answers, please.")).text
    assert not summary_of(*written[:3])


def test_the_summary_stays_small_however_much_was_said() -> None:
    said = [Statement(f"Always mention topic number {k} when it fits into the answer at all.") for k in range(60)]
    summary = summary_of(*said, *clean_user("emoji", True), Persona({"occupation": "nurse"}))
    assert len(summary.clauses) <= MOST_CLAUSES
    assert len(summary.text) <= MOST_CHARACTERS + MOST_CLAUSES
    assert summary.clauses[0].text.startswith("Always mention topic number 59")


def test_strongest_comes_first() -> None:
    summary = summary_of(*clean_user("emoji", True), Statement("Metric units."), Persona({"job": "nurse"}))
    strengths = [clause.strength for clause in summary.clauses]
    assert strengths == sorted(strengths, reverse=True)
    assert all(0 < strength <= 1 for strength in strengths)


def test_the_hash_seed_does_not_matter() -> None:
    code = (
        "from popi_sdk.summarizers.contrast import Contrast\n"
        "from tests.planted import user_who_likes\n"
        "from popi_sdk.signals import Persona, Rating\n"
        "signals = user_who_likes('formality', True, 20, 0.1, 7, True)\n"
        "rated = [Rating(s.prompt + '!', s.chosen, liked=k % 2 == 0) for k, s in enumerate(signals)]\n"
        "print(Contrast().summarize([*signals, *rated, Persona({'job': 'nurse', 'city': 'Rome'})]))\n"
    )
    outputs = {
        subprocess.run(
            [sys.executable, "-c", code],
            env={**os.environ, "PYTHONHASHSEED": seed, "LC_ALL": locale, "PYTHONPATH": os.getcwd()},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed, locale in (("1", "C"), ("2", "tr_TR.UTF-8"))
    }
    assert len(outputs) == 1


users = st.builds(
    lambda feature, more, rate, seed: user_who_likes(feature, more, 14, rate, seed, seed % 2 == 0),
    st.sampled_from(FEATURES),
    st.booleans(),
    st.sampled_from([0.0, 0.1]),
    st.integers(0, 30),
)


@given(users)
@settings(max_examples=25, deadline=None)
def test_the_same_signals_give_the_same_summary(signals: list[PreferencePair]) -> None:
    assert summary_of(*signals) == summary_of(*signals)


@given(users, st.randoms(use_true_random=False))
@settings(max_examples=25, deadline=None)
def test_the_order_of_timed_signals_does_not_matter(signals: list[PreferencePair], draw: random.Random) -> None:
    start = datetime(2026, 1, 1, tzinfo=UTC)
    timed = [s.model_copy(update={"at": start + timedelta(hours=k)}) for k, s in enumerate(signals)]
    shuffled = list(timed)
    draw.shuffle(shuffled)
    assert summary_of(*shuffled).clauses == summary_of(*timed).clauses


@given(st.sampled_from(FEATURES), st.booleans(), st.randoms(use_true_random=False))
@settings(max_examples=15, deadline=None)
def test_the_order_of_agreeing_pairs_does_not_matter(feature: str, more: bool, draw: random.Random) -> None:
    signals = clean_user(feature, more, 10)
    shuffled = list(signals)
    draw.shuffle(shuffled)
    assert [c.text for c in summary_of(*shuffled).clauses] == [c.text for c in summary_of(*signals).clauses]


@given(users)
@settings(max_examples=25, deadline=None)
def test_swapping_chosen_and_rejected_turns_every_clause_round(signals: list[PreferencePair]) -> None:
    one, other = summary_of(*signals), summary_of(*map(reversed_pair, signals))
    assert [c.aspect for c in one.clauses] == [c.aspect for c in other.clauses]
    assert not {c.text for c in one.clauses} & {c.text for c in other.clauses}
    assert [c.strength for c in one.clauses] == [c.strength for c in other.clauses]


def test_twenty_pairs_take_a_fraction_of_a_second_and_five_hundred_seconds_at_most() -> None:
    draw = random.Random(0)

    def words() -> str:
        return ". ".join(" ".join(draw.choices(DOMAINS["garden"].split(), k=12)) for _ in range(13))

    for count, most in ((20, 0.5), (500, 6.0)):  # roomy: shared machines; measured 0.04 and 0.6 s
        signals = [PreferencePair(f"q{k}", words(), words()) for k in range(count)]
        began = time.perf_counter()
        summary_of(*signals)
        assert time.perf_counter() - began < most


def test_only_the_newest_evidence_counts_when_there_is_very_much() -> None:
    pairs = list(pool("garden", "emoji", False))
    older = [PreferencePair(f"old {k}", f"{pairs[k % 120][0]} {k}", f"{pairs[k % 120][1]} {k}") for k in range(600)]
    newer = [PreferencePair(f"new {k}", f"{pairs[k % 120][1]} n{k}", f"{pairs[k % 120][0]} n{k}") for k in range(500)]
    assert "Do not use emoji" in summary_of(*older, *newer).text
