"""Which summary is served, how versions count, and what erasure reaches."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Any

import pytest

from popi_sdk.errors import SignalError
from popi_sdk.signals import Signal, Statement
from popi_sdk.store import Profile, Store
from popi_sdk.summary import NOTHING, Clause, Summary

ONE, TWO, THREE = Statement("One.", id="one"), Statement("Two.", id="two"), Statement("Three.", id="three")


def words(text: str, *signal_ids: str, **others: Any) -> Summary:
    return Summary(clauses=(Clause(text, signal_ids),), signal_ids=signal_ids, **others)


def observed(store: Store, namespace: str, *signals: Signal) -> Profile:
    store.observe(namespace, "ada", signals)
    return store.read(namespace, "ada")


def saved(store: Store, profile: Profile, summary: Summary) -> Profile:
    kept = store.save(profile, summary)
    assert kept is not None
    assert kept == store.read(profile.namespace, profile.user_id)
    return kept


def test_a_saved_summary_comes_back_whole(store: Store, namespace: str) -> None:
    inferred = Summary(
        clauses=(
            Clause('Say "ciao" \x00 🦜.', ("one",), strength=0.75, aspect="length"),
            Clause("Use lists.", ("one", "two")),
        ),
        signal_ids=("one", "two"),
        tokens=9,
        raw_tokens=900,
        model="contrast",
        created_at=datetime(2026, 1, 1, 0, 0, 0, 123456, tzinfo=UTC),
        removed=MappingProxyType({"url": 2}),
        estimated=True,
    )
    profile = saved(store, observed(store, namespace, ONE, TWO), inferred)
    assert profile.summary.version == 1
    assert profile.summary == Summary(**{**_fields(inferred), "version": 1})
    assert (profile.seen, profile.stale, profile.first_unseen_at) == (2, False, None)
    assert store.history(namespace, "ada") == (profile.summary,)


def _fields(summary: Summary) -> dict[str, Any]:
    return {name: getattr(summary, name) for name in Summary.__dataclass_fields__}


def test_a_new_signal_makes_the_summary_stale_and_leaves_it_served(store: Store, namespace: str) -> None:
    saved(store, observed(store, namespace, ONE), words("Be brief.", "one"))
    profile = observed(store, namespace, TWO)
    assert (profile.summary.text, profile.stale, profile.seen) == ("Be brief.", True, 1)
    assert profile.first_unseen_at == profile.last_observed_at


def test_signals_observed_while_inferring_stay_unseen(store: Store, namespace: str) -> None:
    profile = observed(store, namespace, ONE)
    unseen_since = observed(store, namespace, TWO).last_observed_at
    kept = saved(store, profile, words("Be brief.", "one"))
    assert (kept.seen, kept.sequence, kept.stale, kept.first_unseen_at) == (1, 2, True, unseen_since)


def test_versions_count_up(store: Store, namespace: str) -> None:
    for number, signal in enumerate((ONE, TWO, THREE), start=1):
        kept = saved(store, observed(store, namespace, signal), words(f"Number {number}.", signal.id))
        assert kept.summary.version == number
    assert [summary.version for summary in store.history(namespace, "ada")] == [1, 2, 3]


def test_equal_words_keep_their_version_and_remember_all_they_rest_on(store: Store, namespace: str) -> None:
    first = saved(store, observed(store, namespace, ONE), words("Be brief.", "one", raw_tokens=5))
    again = saved(store, observed(store, namespace, TWO), words("Be brief.", "two", raw_tokens=10))
    assert (again.summary.version, again.summary.created_at) == (1, first.summary.created_at)
    assert again.summary.signal_ids == ("one", "two")
    assert again.summary.raw_tokens == 10
    assert not again.stale
    assert store.history(namespace, "ada") == (again.summary,)


def test_nothing_worth_saying_is_remembered_without_a_version(store: Store, namespace: str) -> None:
    kept = saved(store, observed(store, namespace, ONE), NOTHING)
    assert (kept.summary, kept.stale, kept.seen) == (NOTHING, False, 1)
    assert store.history(namespace, "ada") == ()


def test_nothing_worth_saying_any_more_serves_nothing(store: Store, namespace: str) -> None:
    saved(store, observed(store, namespace, ONE), words("Be brief.", "one"))
    assert saved(store, observed(store, namespace, TWO), NOTHING).summary == NOTHING
    assert [summary.text for summary in store.history(namespace, "ada")] == ["Be brief."]
    assert saved(store, observed(store, namespace, THREE), words("Be brief.", "three")).summary.version == 2


def test_of_two_savers_one_wins(store: Store, namespace: str) -> None:
    profile = observed(store, namespace, ONE)
    saved(store, profile, words("The first.", "one"))
    assert store.save(profile, words("The second.", "one")) is None
    assert [summary.text for summary in store.history(namespace, "ada")] == ["The first."]


def test_of_two_refreshes_without_new_signals_one_wins(store: Store, namespace: str) -> None:
    profile = saved(store, observed(store, namespace, ONE), words("The first.", "one"))
    saved(store, profile, words("The second.", "one"))
    assert store.save(profile, words("The third.", "one")) is None


@pytest.mark.parametrize("signal_id", ["one", None])
def test_what_was_inferred_before_a_forget_is_not_saved(store: Store, namespace: str, signal_id: str | None) -> None:
    profile = observed(store, namespace, ONE, TWO)
    store.forget(namespace, "ada", signal_id)
    assert store.save(profile, words("Rests on one.", "one")) is None
    assert store.history(namespace, "ada") == ()


def test_what_was_inferred_before_a_forget_is_not_saved_for_the_user_who_came_back(
    store: Store, namespace: str
) -> None:
    profile = observed(store, namespace, ONE)
    store.forget(namespace, "ada")
    observed(store, namespace, TWO)
    assert store.save(profile, words("Rests on one.", "one")) is None


def test_what_was_inferred_before_an_edit_is_not_saved(store: Store, namespace: str) -> None:
    profile = observed(store, namespace, ONE)
    store.pin(namespace, "ada", words("My words."))
    assert store.save(profile, words("Be brief.", "one")) is None


def test_nothing_is_saved_for_a_user_never_observed(store: Store, namespace: str) -> None:
    assert store.save(store.read(namespace, "ada"), words("Be brief.")) is None
    assert store.read(namespace, "ada") == Profile(namespace, "ada")


def test_a_persons_own_words_win_until_they_are_let_go_of(store: Store, namespace: str) -> None:
    saved(store, observed(store, namespace, ONE), words("Inferred.", "one"))
    pinned = store.pin(namespace, "ada", words("My words."))
    assert (pinned.summary.text, pinned.summary.version, pinned.summary.pinned) == ("My words.", 2, True)
    assert pinned.summary.model == "person"
    assert pinned.summary.created_at is not None
    assert not observed(store, namespace, TWO).stale
    assert store.read(namespace, "ada").summary == pinned.summary
    released = store.pin(namespace, "ada", None)
    assert (released.summary.text, released.summary.version, released.stale) == ("Inferred.", 1, True)
    assert [summary.text for summary in store.history(namespace, "ada")] == ["Inferred.", "My words."]


def test_an_inference_under_a_pin_is_kept_behind_it(store: Store, namespace: str) -> None:
    observed(store, namespace, ONE)
    pinned = store.pin(namespace, "ada", words("My words."))
    kept = saved(store, pinned, words("Inferred.", "one", pinned=True))
    assert kept.summary == pinned.summary
    assert store.pin(namespace, "ada", None).summary.text == "Inferred."


def test_the_newest_of_a_persons_words_win(store: Store, namespace: str) -> None:
    store.pin(namespace, "ada", words("Mine."))
    assert store.pin(namespace, "ada", words("Mine, again.")).summary.version == 2
    assert store.pin(namespace, "ada", None).summary == NOTHING


def test_a_person_may_want_nothing_to_be_said(store: Store, namespace: str) -> None:
    saved(store, observed(store, namespace, ONE), words("Inferred.", "one"))
    pinned = store.pin(namespace, "ada", NOTHING)
    assert not pinned.summary
    assert pinned.summary.pinned
    assert not pinned.stale


def test_letting_go_of_nothing_changes_nothing(store: Store, namespace: str) -> None:
    assert store.pin(namespace, "ada", None) == Profile(namespace, "ada")
    profile = saved(store, observed(store, namespace, ONE), words("Inferred.", "one"))
    assert store.pin(namespace, "ada", None) == profile


def test_forgetting_a_signal_erases_every_version_that_rests_on_it(store: Store, namespace: str) -> None:
    saved(store, observed(store, namespace, ONE), words("On one.", "one"))
    saved(store, observed(store, namespace, TWO), words("On two.", "two"))
    saved(store, observed(store, namespace, THREE), words("On one and three.", "one", "three"))
    assert store.forget(namespace, "ada", "one") == 1
    profile = store.read(namespace, "ada")
    assert [summary.text for summary in store.history(namespace, "ada")] == ["On two."]
    assert (profile.summary.text, profile.stale, profile.seen) == ("On two.", True, 0)
    assert (profile.signal_count, profile.sequence) == (2, 3)
    assert profile.first_unseen_at is not None
    assert {signal.id for signal in store.signals(namespace, "ada")} == {"two", "three"}


def test_a_version_number_is_never_used_again(store: Store, namespace: str) -> None:
    saved(store, observed(store, namespace, ONE, TWO), words("On one.", "one"))
    store.forget(namespace, "ada", "one")
    assert saved(store, store.read(namespace, "ada"), words("On two.", "two")).summary.version == 2


def test_words_kept_for_newer_signals_go_with_the_older_signal_they_were_written_from(
    store: Store, namespace: str
) -> None:
    saved(store, observed(store, namespace, ONE), words("Be brief.", "one"))
    saved(store, observed(store, namespace, TWO), words("Be brief.", "two"))
    store.forget(namespace, "ada", "one")
    assert store.history(namespace, "ada") == ()


def test_a_version_goes_when_only_one_of_its_clauses_names_the_signal(store: Store, namespace: str) -> None:
    inferred = Summary(clauses=(Clause("On one.", ("one",)),), signal_ids=("two",))
    saved(store, observed(store, namespace, ONE, TWO), inferred)
    store.forget(namespace, "ada", "one")
    assert store.history(namespace, "ada") == ()


def test_a_version_that_does_not_say_what_it_rests_on_goes_with_any_signal(store: Store, namespace: str) -> None:
    saved(store, observed(store, namespace, ONE, TWO), words("On something."))
    store.forget(namespace, "ada", "one")
    assert store.read(namespace, "ada").summary == NOTHING


def test_a_persons_own_words_outlive_a_signal_and_not_the_user(store: Store, namespace: str) -> None:
    observed(store, namespace, ONE)
    store.pin(namespace, "ada", words("My words.", "one"))
    store.forget(namespace, "ada", "one")
    assert store.read(namespace, "ada").summary.text == "My words."
    assert store.forget(namespace, "ada") == 0
    assert store.read(namespace, "ada") == Profile(namespace, "ada")


def test_a_forgotten_signal_can_be_shown_again(store: Store, namespace: str) -> None:
    observed(store, namespace, ONE)
    store.forget(namespace, "ada", "one")
    assert store.observe(namespace, "ada", [ONE]) == 1
    assert store.read(namespace, "ada").sequence == 2


def test_forgetting_a_user_leaves_nothing(store: Store, namespace: str) -> None:
    saved(store, observed(store, namespace, ONE, TWO), words("Be brief.", "one"))
    store.pin(namespace, "ada", words("My words."))
    assert store.forget(namespace, "ada") == 2
    assert store.read(namespace, "ada") == Profile(namespace, "ada")
    assert store.signals(namespace, "ada") == ()
    assert store.history(namespace, "ada") == ()
    assert saved(store, observed(store, namespace, ONE), words("Anew.", "one")).summary.version == 1


@pytest.mark.parametrize("signal_id", ["unknown", "", "\x00", "é", "\ud800"])
def test_forgetting_what_is_not_there_changes_nothing(store: Store, namespace: str, signal_id: str) -> None:
    assert store.forget(namespace, "ada", signal_id) == 0
    assert store.forget(namespace, "ada") == 0
    profile = saved(store, observed(store, namespace, ONE), words("Be brief.", "one"))
    assert store.forget(namespace, "ada", signal_id) == 0
    assert store.read(namespace, "ada") == profile


def test_forgetting_needs_an_id_in_words(store: Store, namespace: str) -> None:
    observed(store, namespace, Statement("Five.", id="5"))
    with pytest.raises(SignalError, match="`signal_id`: is int"):
        store.forget(namespace, "ada", 5)  # type: ignore[arg-type]


def test_an_export_holds_everything(store: Store, namespace: str) -> None:
    at = datetime(2026, 1, 1, tzinfo=UTC)
    signal = Statement("Short, please \x00.", id="one", at=at, source="untrusted", allow_training=True)
    inferred = Summary((Clause("Be brief.", ("one",), 0.5, "length"),), 0, ("one",), 3, 30, "contrast", at)
    saved(store, observed(store, namespace, signal), inferred)
    profile = store.pin(namespace, "ada", words("My words."))
    export: Any = json.loads(json.dumps(store.export(namespace, "ada")))
    assert (export["namespace"], export["user_id"]) == (namespace, "ada")
    (held,) = export["signals"]
    assert profile.first_unseen_at is None
    assert profile.last_observed_at is not None
    assert held == {
        **signal.model_dump(mode="json"),
        "at": at.isoformat(),
        "observed_at": profile.last_observed_at.isoformat(),
        "sequence": 1,
    }
    first, second = export["summaries"]
    assert first == {
        "version": 1,
        "text": "Be brief.",
        "clauses": [
            {"text": "Be brief.", "signal_ids": ["one"], "strength": 0.5, "aspect": "length", "untrusted": False}
        ],
        "signal_ids": ["one"],
        "tokens": 3,
        "raw_tokens": 30,
        "model": "contrast",
        "created_at": at.isoformat(),
        "pinned": False,
        "removed": {},
        "estimated": False,
    }
    assert (second["text"], second["pinned"], second["model"]) == ("My words.", True, "person")
    counters = ("served_version", "signal_count", "sequence", "seen", "epoch", "first_unseen_at", "last_observed_at")
    assert [export[name] for name in counters] == [
        2, 1, 1, 1, profile.epoch, None, profile.last_observed_at.isoformat(),
    ]  # fmt: skip


def test_an_export_of_an_unknown_user_is_empty(store: Store, namespace: str) -> None:
    export = store.export(namespace, "nobody")
    assert (export["signals"], export["summaries"], export["served_version"]) == ([], [], None)
