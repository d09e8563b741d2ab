"""From a store to the data of a refresh: what is new, what is replayed, what is held out, and who is not there."""

from __future__ import annotations

import json
import random
import uuid
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from itertools import product
from pathlib import Path
from typing import cast

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from popi_sdk.errors import ConfigError, SignalError
from popi_sdk.render import signal_parts
from popi_sdk.signals import Conversation, Edit, PreferencePair, Rating, Signal, Statement
from popi_sdk.store import open_store
from trainer.config import RefreshConfig
from trainer.data import Example, leaked_pairs, load_examples, same_text, split_of
from trainer.datasets import stored
from trainer.datasets.rotation import rotate
from trainer.refresh.deal import Dealt, NothingNewError, Shown, deal
from trainer.refresh.gather import Gathered, gather, load_gathered, still_allowed
from trainer.refresh.languages import language
from trainer.refresh.pairs import choices

SINCE = datetime(2026, 3, 1, tzinfo=UTC)
UNTIL = datetime(2026, 4, 1, tzinfo=UTC)
BEFORE, AFTER = SINCE - timedelta(days=9), SINCE + timedelta(days=9)
SETTINGS = RefreshConfig(replay=0.3, shots=4, held_out=2)
USERS = [f"user-{number}" for number in range(60)]
TRAINED = next(user for user in USERS if split_of(user) == "train")
TESTED = next(user for user in USERS if split_of(user) == "test")
FILES = ["earlier.jsonl", "gathered.json", "test.jsonl", "train.jsonl", "validation.jsonl"]


@pytest.fixture(params=["sqlite", "postgresql"])
def any_store(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """URL of an empty store on either database; tests keep apart by their namespaces."""
    if request.param == "postgresql":
        return cast(str, request.getfixturevalue("postgres_url"))
    return sqlite(tmp_path)


@pytest.fixture
def store(tmp_path: Path) -> str:
    return sqlite(tmp_path)


@pytest.fixture
def namespace() -> str:
    return uuid.uuid4().hex


def sqlite(folder: Path) -> str:
    url = f"sqlite:///{folder}/popi.db"
    open_store(url).close()
    return url


def pair(name: object, at: datetime | None = AFTER, **more: object) -> PreferencePair:
    """A pair on a prompt of its own."""
    more = {"allow_training": True, **more}
    return PreferencePair(f"Question {name}?", f"Yes, {name}.", f"No, {name}.", at=at, **more)  # type: ignore[arg-type]


def three_before_three_after(user: str) -> list[Signal]:
    return [pair(f"{user} {number}", BEFORE if number < 3 else AFTER) for number in range(6)]


def shown(**more: Sequence[Signal]) -> list[Shown]:
    """Sixty users who have shown three pairs before and three after, and what some have shown more."""
    by_name = {name.replace("_", "-"): signals for name, signals in more.items()}
    everybody = sorted({*USERS, *by_name})
    return [(user, [*three_before_three_after(user), *by_name.get(user, ())]) for user in everybody]


def fill(url: str, namespace: str, found: Sequence[Shown]) -> None:
    opened = open_store(url)
    for user, signals in found:
        opened.observe(namespace, user, signals)
    opened.close()


def gathered(url: str, namespace: str, out: Path, since: datetime | None = SINCE, until: datetime = UNTIL) -> Gathered:
    return gather(url, namespace, since, until, SETTINGS, 7, [], [], out)


def dealt(
    found: Sequence[Shown],
    since: datetime | None = SINCE,
    refresh: RefreshConfig = SETTINGS,
    old: Sequence[Example] = (),
    trusted: Sequence[Example] = (),
) -> Dealt:
    return deal(found, since, refresh, 7, old, trusted)


def read(out: Path, name: str) -> list[Example]:
    return load_examples(out / f"{name}.jsonl")


def prompts(examples: Sequence[Example]) -> set[str]:
    return {one.prompt for example in examples for one in example.pairs}


def everything(found: Dealt) -> list[Example]:
    return [*(example for some in found.splits.values() for example in some), *found.earlier]


def of(user: str, examples: Sequence[Example]) -> list[Example]:
    return [example for example in examples if example.user == user]


# Which signals are pairs


def test_a_pair_an_edit_and_two_ratings_are_choices_and_other_signals_stay_signals() -> None:
    signals: list[Signal] = [
        PreferencePair("A?", "a", "b"),
        Statement("Be brief."),
        Edit("B?", draft="long", final="short"),
        Rating("C?", "poor", -0.5),
        Rating("D?", "alone", liked=True),
        Rating("C?", "good", 1),
    ]
    found, rest = choices(signals)
    assert [(one.pair.prompt, one.pair.chosen, one.pair.rejected) for one in found] == [
        ("A?", "a", "b"),
        ("B?", "short", "long"),
        ("C?", "good", "poor"),
    ]
    assert [one.shown_as for one in found] == [(signals[0],), (signals[2],), (signals[3], signals[5])]
    assert rest == [signals[1], signals[4]]


@pytest.mark.parametrize(
    ("scores", "made"),
    [
        ({"good": 0.6, "poor": -0.4}, ("good", "poor")),
        ({"good": 0.5, "poor": -0.4}, None),
        ({"good": 1, "fair": 0.5, "poor": -1}, ("good", "poor")),
        ({"good": 1}, None),
        ({"good": 0.3, "poor": -0.7}, ("good", "poor")),
        ({"good": 1, "fair": 0}, ("good", "fair")),
    ],
)
def test_ratings_of_one_prompt_make_a_pair_when_their_scores_differ_by_one(scores, made) -> None:
    found, _ = choices([Rating("Why?", answer, score) for answer, score in scores.items()])
    assert [(one.pair.chosen, one.pair.rejected) for one in found] == ([made] if made else [])


def test_prompts_of_ratings_are_one_whatever_their_case_and_spacing() -> None:
    found, _ = choices([Rating("Why is  it?", "good", 1), Rating("why is it?", "poor", -1), Rating("Else?", "x", -1)])
    assert [(one.pair.chosen, one.pair.rejected) for one in found] == [("good", "poor")]


def test_of_several_ratings_of_one_answer_the_newest_counts() -> None:
    changed = [Rating("Why?", "a", 1), Rating("Why?", "b", -1), Rating("Why?", "a", -1), Rating("Why?", "b", 1)]
    found, rest = choices(changed)
    assert [(one.pair.chosen, one.pair.rejected, one.shown_as) for one in found] == [("b", "a", tuple(changed[2:]))]
    assert rest == changed[:2]


def test_of_answers_rated_alike_the_newer_one_is_taken() -> None:
    scores = {"poor, older": -1, "good, older": 1, "good, newer": 1, "poor, newer": -1}
    [found], _ = choices([Rating("Why?", answer, score) for answer, score in scores.items()])
    assert (found.pair.chosen, found.pair.rejected) == ("good, newer", "poor, newer")


def test_a_choice_has_the_time_of_the_last_signal_that_tells_of_it() -> None:
    ratings = [Rating("Why?", "good", 1, at=BEFORE), Rating("Why?", "poor", -1, at=AFTER)]
    [rated], _ = choices(ratings)
    assert (rated.pair.at, rated.shown_as) == (AFTER, tuple(ratings))
    edit, same = Edit("B?", "long", "short", at=BEFORE), PreferencePair("B?", "short", "long", at=AFTER)
    [both], rest = choices([edit, same])
    assert (both.pair.at, both.shown_as, rest) == (AFTER, (edit, same), [])


def test_nothing_untrusted_makes_a_pair() -> None:
    signals: list[Signal] = [
        PreferencePair("A?", "a", "b", source="untrusted"),
        Edit("B?", "long", "short", source="untrusted"),
        Rating("C?", "good", 1, source="untrusted"),
        Rating("C?", "poor", -1),
    ]
    assert choices(signals) == ([], signals)


def test_a_pair_that_is_not_held_out_may_be_shown_as_several_signals() -> None:
    pairs = tuple(pair(number) for number in range(3))
    ratings = {
        one.id: (Rating(one.prompt, one.chosen, 1, at=one.at), Rating(one.prompt, one.rejected, -1, at=one.at))
        for one in pairs
    }
    turns = list(rotate(Example("ada", (), pairs), shots=2, shown_as=lambda one: ratings[one.id]))
    assert [[signal.kind for signal in turn.signals] for turn in turns] == [["rating"] * 4] * 3


# When it was shown


def test_every_signal_comes_with_the_time_it_was_shown(any_store, namespace) -> None:
    began = datetime.now(UTC) - timedelta(seconds=1)
    fill(
        any_store,
        namespace,
        [("ada", [pair("late", None), pair("early", BEFORE), pair("private", allow_training=False)])],
    )
    [(user, found)] = stored.shown(any_store, namespace)
    assert (user, [(one.prompt, one.at) for one, _ in found]) == (
        "ada",
        [("Question early?", BEFORE), ("Question late?", None)],
    )
    assert found[0][1] == BEFORE
    assert began < found[1][1] < datetime.now(UTC) + timedelta(seconds=1)
    assert stored.trainable(any_store, namespace) == [(user, tuple(one for one, _ in found))]


def test_since_is_new_and_until_is_left_for_the_next_time(any_store, namespace, tmp_path) -> None:
    moment = timedelta(microseconds=1)
    edges = {"old": SINCE - moment, "first": SINCE, "last": UNTIL - moment, "next": UNTIL}
    fill(any_store, namespace, [*shown(), ("edge", [pair(name, at) for name, at in edges.items()])])
    assert split_of("edge") == "train"
    gathered(any_store, namespace, tmp_path / "out")
    held = {
        one.prompt: example.slices["when"]
        for example in of("edge", read(tmp_path / "out", "train"))
        for one in example.pairs
    }
    assert held.keys() >= {"Question first?", "Question last?"}
    assert "Question next?" not in str((tmp_path / "out" / "train.jsonl").read_text())
    assert held["Question first?"] == held["Question last?"] == "new"
    [earlier] = of("edge", read(tmp_path / "out", "earlier"))
    assert [one.prompt for one in earlier.signals if isinstance(one, PreferencePair)] == ["Question old?"]


def test_a_signal_without_a_time_of_its_own_is_as_old_as_its_observation(store, namespace, tmp_path) -> None:
    began = datetime.now(UTC)
    fill(store, namespace, [(user, [pair(f"{user} {number}", None) for number in range(4)]) for user in USERS])
    with pytest.raises(NothingNewError):
        gathered(store, namespace, tmp_path / "out", datetime.now(UTC), datetime.now(UTC) + timedelta(hours=1))
    gathered(store, namespace, tmp_path / "out", began, datetime.now(UTC))
    assert {example.slices["when"] for example in read(tmp_path / "out", "train")} == {"new"}


def test_in_a_first_refresh_everything_is_new(store, namespace, tmp_path) -> None:
    fill(store, namespace, shown())
    made = gathered(store, namespace, tmp_path / "out", None)
    assert {example.slices["when"] for example in read(tmp_path / "out", "test")} == {"new"}
    assert (tmp_path / "out" / "earlier.jsonl").read_bytes() == b""
    assert (made.since, made.facts["train"]["earlier_pairs"]) == (None, 0)


# What is written


def test_a_store_becomes_a_folder_that_says_what_it_holds(any_store, namespace, tmp_path) -> None:
    fill(any_store, namespace, shown())
    out = tmp_path / "out"
    made = gathered(any_store, namespace, out)
    assert sorted(path.name for path in out.iterdir()) == FILES
    assert out.stat().st_mode & 0o777 == 0o700
    assert load_gathered(out) == made
    for split in ("train", "validation", "test"):
        examples = read(out, split)
        assert {split_of(example.user) for example in examples} == {split}
        assert made.facts[split]["users"] == len({example.user for example in examples})
        assert made.facts[split]["examples"] == len(examples)
        assert {key for example in examples for key in example.slices} == {"when", "signals", "kinds", "language"}
    tested = [user for user in USERS if split_of(user) == "test"]
    assert {example.user for example in read(out, "test")} == set(tested)
    assert made.facts["test"]["new_pairs"] == made.facts["test"]["earlier_pairs"] == 3 * len(tested)
    for example in read(out, "test"):  # of the six pairs that a user has shown, 3 to 5 are new
        is_new = any(one.prompt.removesuffix("?").endswith(("3", "4", "5")) for one in example.pairs)
        assert example.slices["when"] == ("new" if is_new else "earlier")


def test_the_same_store_gives_the_same_bytes(store, namespace, tmp_path) -> None:
    fill(store, namespace, shown())
    for name in ("first", "second"):
        gathered(store, namespace, tmp_path / name)
    for name in FILES:
        assert (tmp_path / "first" / name).read_bytes() == (tmp_path / "second" / name).read_bytes()


def test_earlier_signals_are_all_that_a_user_to_train_on_had_shown_as_it_was(store, namespace, tmp_path) -> None:
    extra: list[Signal] = [
        Edit("Edited before?", "long", "short", at=BEFORE, allow_training=True),
        Rating("Rated before?", "good", 1, at=BEFORE, allow_training=True),
        Rating("Rated before?", "poor", -1, at=AFTER, allow_training=True),
        Statement("Said before.", at=BEFORE, allow_training=True),
        PreferencePair("From the web?", "a", "b", at=BEFORE, allow_training=True, source="untrusted"),
        Statement("Said after.", at=AFTER, allow_training=True),
    ]
    fill(store, namespace, shown(**{TRAINED: extra, TESTED: extra}))
    gathered(store, namespace, tmp_path / "out")
    earlier = read(tmp_path / "out", "earlier")
    assert {split_of(example.user) for example in earlier} == {"train"}
    assert not any(example.pairs for example in earlier)
    [mine] = of(TRAINED, earlier)
    # What the tested user has shown on the same prompts stays out of training, whatever else was shown beside it.
    assert {signal.kind for signal in mine.signals} == {"preference_pair", "statement"}
    other = uuid.uuid4().hex
    fill(store, other, shown(**{TRAINED: extra}))
    gathered(store, other, tmp_path / "other")
    [mine] = of(TRAINED, read(tmp_path / "other", "earlier"))
    assert sorted(signal.kind for signal in mine.signals) == [
        "edit", "preference_pair", "preference_pair", "preference_pair", "preference_pair", "rating", "statement",
    ]  # fmt: skip
    assert all(signal.at == BEFORE for signal in mine.signals)


def test_slices_say_how_many_signals_of_which_kind_in_which_language() -> None:
    german = [
        PreferencePair(f"Warum ist der Himmel am Morgen so blau, Teil {number}?", "Ja.", "Nein.", at=AFTER)
        for number in range(4)
    ]
    few = [*german[:2]]
    many = [*german, Statement("Bitte kurz.", at=AFTER)]
    plain = dict(shown())
    one, other = [user for user in USERS if split_of(user) == "test"][:2]
    found = dealt([*((user, plain[user]) for user in USERS if user not in (one, other)), (one, few), (other, many)])
    assert {tuple(sorted(example.slices.items())) for example in of(one, found.splits["test"])} == {
        (("kinds", "preference_pair"), ("language", "de"), ("signals", "few"), ("when", "new"))
    }
    assert {example.slices["kinds"] for example in of(other, found.splits["test"])} == {"several"}
    assert {example.slices["language"] for example in of(other, found.splits["test"])} == {"de"}


def test_a_language_that_is_not_certain_is_unknown() -> None:
    english, german = "Why is the sky blue in the morning?", "Warum ist der Himmel am Morgen blau?"
    assert language([english, "ok", "12345"]) == "en"
    assert language([german]) == "de"
    assert language(["Pourquoi le ciel est-il bleu le matin ?"]) == "fr"
    assert language(["空はなぜ青いのですか？"]) == "ja"
    assert language([english, english + " Why?", german]) == "unknown"
    assert language([english, german + " " + english]) == "en"
    for short in ([], [""], ["ok"], ["12345 ???"], ["Yes"], ["Question 3.4?"], [" \n "], ["\U0001f600"]):
        assert language(short) == "unknown"


# What is held out


@st.composite
def apps(draw: st.DrawFn) -> tuple[list[Shown], list[Example], list[Example]]:
    """An app whose users meet the same few prompts and answers, a trusted set and an old one that do so too."""
    dice = random.Random(draw(st.integers(0, 2**32)))
    asked, answers = draw(st.integers(1, 40)), draw(st.integers(2, 30))
    times = (BEFORE, SINCE, AFTER)

    def signal() -> Signal:
        prompt = f"Shared {dice.randrange(asked)}?"
        one, two = (f"Answer {number}." for number in dice.sample(range(answers), 2))
        common = {"at": dice.choice(times), "source": dice.choice(["user", "user", "user", "untrusted"])}
        made: list[Signal] = [
            PreferencePair(prompt, one, two, **common),  # type: ignore[arg-type]
            Edit(prompt, one, two, **common),  # type: ignore[arg-type]
            Rating(prompt, one, dice.choice([-1.0, 0.0, 1.0]), **common),  # type: ignore[arg-type]
            Statement(prompt, **common),  # type: ignore[arg-type]
            Conversation([{"role": "user", "content": prompt}, {"role": "assistant", "content": one}], **common),  # type: ignore[arg-type]
        ]
        return dice.choice(made)

    def signals(user: str) -> list[Signal]:
        own = {one.id: one for one in (*three_before_three_after(user), *(signal() for _ in range(dice.randrange(6))))}
        return sorted(own.values(), key=lambda one: one.at or SINCE)

    def example(user: str) -> Example:
        held = PreferencePair(f"Shared {dice.randrange(asked)}?", "Answer 0.", "Answer 1.")
        return Example(user, (Statement(f"Words of {user}."),), (held,))

    found = [(user, signals(user)) for user in USERS]
    trusted = [example(user) for user in (*dice.sample(USERS, 3), "somebody")]
    old = [example(user) for user in (*dice.sample(USERS, 3), "somebody", *(f"old-{n}" for n in range(30)))]
    return found, trusted, old


def texts(signal: Signal) -> set[str]:
    return {same_text(part.whole) for part in signal_parts(signal)}


def gives_away(signal: Signal, held: set[tuple[str, str]]) -> bool:
    """Whether the signal shows a prompt and an answer of a pair that is held out."""
    return not held.isdisjoint(product(texts(signal), repeat=2))


def held_by(examples: Sequence[Example]) -> set[tuple[str, str]]:
    pairs = [one for example in examples for one in example.pairs]
    return {(same_text(one.prompt), same_text(text)) for one in pairs for text in (one.chosen, one.rejected)}


@settings(max_examples=20, deadline=None)
@given(apps(), st.sampled_from([0.0, 0.3, 0.8]))
def test_whatever_users_show_nothing_held_out_is_trained_on(app, replay) -> None:
    found, trusted, old = app
    refresh = RefreshConfig(replay=replay, shots=4, held_out=2)
    made = dealt(found, refresh=refresh, old=old, trusted=trusted)
    train, validation, test = (made.splits[split] for split in ("train", "validation", "test"))
    assert dealt(found, refresh=refresh, old=old, trusted=trusted) == made

    assert not any(leaked_pairs(example) for example in everything(made))
    frozen = {example.user for example in trusted}
    assert not frozen & {example.user for example in everything(made)}
    ranks = ([*train, *made.earlier], validation, test, trusted)
    for place, less in enumerate(ranks):
        held = held_by([example for more in ranks[place + 1 :] for example in more])
        assert not any(gives_away(one, held) for example in less for one in (*example.signals, *example.pairs))

    untrusted = {texts_of(one) for _, signals in found for one in signals if one.source == "untrusted"}
    own = {texts_of(one) for _, signals in found for one in signals if one.source == "user"}
    for split, some in made.splits.items():
        mine = [example for example in some if example.slices["when"] != "replay"]
        assert {split_of(example.user) for example in mine} <= {split}
        held = [(example.user, one.prompt, one.chosen, one.rejected) for example in mine for one in example.pairs]
        assert len(held) == len(set(held))
        assert not any(texts_of(one) in untrusted - own for example in mine for one in example.pairs)
    assert len(validation) <= 64


def texts_of(signal: Signal) -> tuple[str, str, str] | None:
    """A pair's or an edit's content, in the form of a pair."""
    if isinstance(signal, PreferencePair):
        return signal.prompt, signal.chosen, signal.rejected
    return (signal.prompt, signal.final, signal.draft) if isinstance(signal, Edit) else None


@settings(max_examples=15, deadline=None)
@given(apps(), st.sampled_from([0.1, 0.3, 0.5, 0.8]))
def test_all_new_examples_are_trained_on_and_the_share_that_is_asked_for_is_replayed(app, replay) -> None:
    found, trusted, old = app
    new = dealt(found, refresh=RefreshConfig(replay=0), old=old, trusted=trusted).splits["train"]
    assert {example.slices["when"] for example in new} == {"new"}
    refresh = RefreshConfig(replay=replay)
    train = dealt(found, refresh=refresh, old=old, trusted=trusted).splits["train"]
    assert [example for example in train if example.slices["when"] == "new"] == new
    earlier, replayed = (
        [example for example in train if example.slices["when"] == when] for when in ("earlier", "replay")
    )
    wanted = round(len(new) * replay / (1 - replay))
    assert len(earlier) + len(replayed) <= wanted
    everybody = {user for user, _ in found} | {example.user for example in trusted}
    assert not everybody & {example.user for example in replayed}
    given_old = {example.user for example in old}
    assert {example.user for example in replayed} <= given_old
    half = wanted // 2
    if len(earlier) >= half and len(replayed) >= half:
        assert len(earlier) + len(replayed) == wanted
        assert abs(len(earlier) - len(replayed)) <= 1


def test_one_half_of_the_replay_makes_up_for_the_other() -> None:
    old = [Example(f"old-{number}", (Statement("Rhyme."),), (pair(f"old {number}", None),)) for number in range(500)]
    long_ago = [(user, [pair(f"{user} {n}", BEFORE if n < 8 else AFTER) for n in range(10)]) for user in USERS]
    only_new = [(user, [pair(f"{user} {n}") for n in range(4)]) for user in USERS]
    half_replayed = RefreshConfig(replay=0.5)
    for found, given_old, some in ((long_ago, [], {"earlier"}), (only_new, old, {"replay"}), (only_new, [], set())):
        train = dealt(found, refresh=half_replayed, old=given_old).splits["train"]
        assert {example.slices["when"] for example in train} == {"new", *some}
    train = dealt(only_new, refresh=half_replayed, old=old).splits["train"]
    assert sum(example.slices["when"] == "replay" for example in train) * 2 == len(train)
    assert {example.user for example in train if example.slices["when"] == "replay"} <= {one.user for one in old}


def test_a_prompt_that_everybody_is_asked_does_not_empty_training() -> None:
    found = [
        (user, [PreferencePair(f"Shared {n}?", f"Yes, {user}.", f"No, {user}.", at=AFTER) for n in range(6)])
        for user in USERS
    ]
    made = dealt(found)
    assert made.facts["left_out"]["signals_held_out_elsewhere"] == 0
    assert prompts(made.splits["train"]) == prompts(made.splits["test"]) == {f"Shared {n}?" for n in range(6)}
    same_answers = [
        PreferencePair("Shared 0?", "Yes.", "No.", at=AFTER),
        PreferencePair("Shared 1?", "Yes.", "No.", at=AFTER),
    ]
    made = dealt(shown(**dict.fromkeys(USERS, same_answers)))
    assert prompts(made.splits["test"]) >= {"Shared 0?", "Shared 1?"}
    assert not prompts([*made.splits["train"], *made.splits["validation"]]) & {"Shared 0?", "Shared 1?"}
    assert made.facts["left_out"]["signals_held_out_elsewhere"] > len(USERS)


def test_validation_is_small_and_the_test_is_not_cut() -> None:
    found = [(user, [pair(f"{user} {number}") for number in range(60)]) for user in USERS]
    made = dealt(found)
    assert len(made.splits["validation"]) == 64
    assert sum(len(example.pairs) for example in made.splits["test"]) == 60 * sum(
        split_of(user) == "test" for user in USERS
    )


def test_nobody_moves_when_more_users_come() -> None:
    fewer, more = dealt(shown()[:50]), dealt(shown())
    for split in ("train", "test"):
        before, after = ({example.user for example in made.splits[split]} for made in (fewer, more))
        assert before <= after


# Who is not there


def test_who_is_forgotten_or_takes_permission_back_is_not_gathered(any_store, namespace, tmp_path) -> None:
    fill(any_store, namespace, shown())
    out = tmp_path / "out"
    gathered(any_store, namespace, out)
    assert TRAINED in (out / "train.jsonl").read_text()
    assert still_allowed(out, any_store, namespace)
    opened = open_store(any_store)
    opened.forget(namespace, TRAINED)
    opened.forget(namespace, TESTED)
    opened.observe(namespace, TESTED, [pair(f"{TESTED} {number}", allow_training=False) for number in range(6)])
    opened.close()
    assert not still_allowed(out, any_store, namespace)
    gathered(any_store, namespace, out)
    assert still_allowed(out, any_store, namespace)
    for name in FILES:
        kept = (out / name).read_text()
        assert f'"{TRAINED}"' not in kept
        assert f'"{TESTED}"' not in kept


def test_one_signal_less_is_noticed_and_more_signals_are_not(store, namespace, tmp_path) -> None:
    fill(store, namespace, shown())
    out = tmp_path / "out"
    gathered(store, namespace, out)
    opened = open_store(store)
    opened.observe(namespace, "newcomer", three_before_three_after("newcomer"))
    opened.observe(namespace, TRAINED, [Statement("More.", allow_training=True)])
    assert still_allowed(out, store, namespace)
    signals = opened.signals(namespace, TRAINED)
    opened.forget(namespace, TRAINED, signals[0].id)
    assert not still_allowed(out, store, namespace)
    opened.observe(namespace, TRAINED, [Statement("Something else.", id=signals[0].id, allow_training=True)])
    assert not still_allowed(out, store, namespace)
    opened.forget(namespace, TRAINED, signals[0].id)
    opened.observe(namespace, TRAINED, [signals[0]])
    assert still_allowed(out, store, namespace)
    opened.close()


def test_marks_of_what_was_gathered_name_nobody(store, namespace, tmp_path) -> None:
    fill(store, namespace, shown())
    gathered(store, namespace, tmp_path / "out")
    about = (tmp_path / "out" / "gathered.json").read_text()
    assert "user-" not in about
    assert "Question" not in about
    assert len(json.loads(about)["marks"]) == 6 * len(USERS)


def test_a_folder_that_is_damaged_or_from_elsewhere_is_gathered_again(store, namespace, tmp_path) -> None:
    fill(store, namespace, shown())
    out = tmp_path / "out"
    assert not still_allowed(out, store, namespace)
    gathered(store, namespace, out)
    assert not still_allowed(out, store, "another")
    (out / "train.jsonl").write_text("")
    assert not still_allowed(out, store, namespace)
    gathered(store, namespace, out)
    (out / "gathered.json").write_text("[]")
    assert not still_allowed(out, store, namespace)
    with pytest.raises(ConfigError, match="Gather them again"):
        load_gathered(out)


def test_a_gathering_that_is_refused_leaves_no_older_one_behind(store, namespace, tmp_path) -> None:
    fill(store, namespace, shown())
    gathered(store, namespace, tmp_path / "out")
    opened = open_store(store)
    for user in USERS:
        opened.forget(namespace, user)
    opened.close()
    with pytest.raises(NothingNewError):
        gathered(store, namespace, tmp_path / "out")
    assert [path.name for path in tmp_path.iterdir() if not path.name.startswith("popi.db")] == []


# What is refused


def test_a_store_that_is_not_there_is_refused_and_not_made(tmp_path) -> None:
    with pytest.raises(ConfigError, match="There is no store"):
        gathered(f"sqlite:///{tmp_path}/none.db", "default", tmp_path / "out")
    assert not list(tmp_path.iterdir())


def test_too_little_is_refused_with_what_to_do() -> None:
    old_pairs = [(user, [pair(f"{user} {number}", BEFORE) for number in range(4)]) for user in USERS]
    with pytest.raises(NothingNewError, match=r"since 2026-03-01 00:00.*earlier --since"):
        dealt(old_pairs)
    only_words: list[Shown] = [(user, [Statement("Be brief.", at=AFTER)]) for user in USERS]
    with pytest.raises(NothingNewError, match=r"allow_training"):
        dealt(only_words, None)
    with pytest.raises(SignalError, match="No user with pairs is left for the test split"):
        dealt([(user, signals) for user, signals in shown() if split_of(user) != "test"])
    with pytest.raises(SignalError, match="No user with pairs is left for the validation split"):
        dealt([(user, signals) for user, signals in shown() if split_of(user) != "validation"])
    trained = [user for user in USERS if split_of(user) == "train"]
    few = [(user, signals) for user, signals in shown() if split_of(user) != "train" or user in trained[:9]]
    with pytest.raises(SignalError, match=r"Only 9 users to train on have shown pairs since.*at least 10"):
        dealt(few)
    assert dealt([(user, signals) for user, signals in shown() if user not in trained[10:]])
