"""What is observed comes back as it was shown."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from popi_sdk.errors import SignalError
from popi_sdk.signals import (
    Conversation,
    Demonstration,
    Edit,
    Message,
    Persona,
    PreferencePair,
    Rating,
    Signal,
    Statement,
)
from popi_sdk.store import Profile, Store
from popi_sdk.summary import NOTHING

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
STRANGE = "NUL \x00, quote ' \" \\, emoji 🦜, combining e\u0301, right-to-left \u202e, last \U0010ffff"

ONE_OF_EACH: list[Signal] = [
    PreferencePair("Why?", "Because.", "Well, it is a long story."),
    Rating("Hi", "Hello!", -0.25, reason="Too short", at=NOON),
    Statement(STRANGE, source="untrusted"),
    Edit("Write", "a draft", "the final", allow_training=True),
    Conversation(
        [
            {
                "role": "user",
                "content": [{"type": "text", "text": "Look"}, {"type": "image_url", "image_url": {"url": "x"}}],
            },
            {
                "role": "assistant",
                "content": None,
                "tool_calls": [{"id": "1", "function": {"name": "f", "arguments": "{}"}}],
            },
            {"role": "tool", "content": "42", "tool_call_id": "1"},
            {"role": "assistant", "content": "It is 42.", "feedback": "up"},
        ]
    ),
    Demonstration("So I wrote this.", prompt="Write"),
    Persona({"age": 40, "vegan": True, "height": 1.8, "languages": ["fr", "en"]}, id="my-own-id"),
]


def test_every_kind_of_signal_comes_back_equal(store: Store, namespace: str) -> None:
    assert store.observe(namespace, "ada", ONE_OF_EACH) == len(ONE_OF_EACH)
    found = {signal.id: signal for signal in store.signals(namespace, "ada")}
    assert found == {signal.id: signal for signal in ONE_OF_EACH}


def test_an_unknown_user_is_an_empty_profile(store: Store, namespace: str) -> None:
    assert store.read(namespace, "nobody") == Profile(namespace, "nobody")
    assert not store.read(namespace, "nobody").stale
    assert store.signals(namespace, "nobody") == ()
    assert store.history(namespace, "nobody") == ()


def test_observing_nothing_makes_no_profile(store: Store, namespace: str) -> None:
    assert store.observe(namespace, "ada", []) == 0
    assert store.read(namespace, "ada") == Profile(namespace, "ada")


def test_the_profile_counts_what_was_observed(store: Store, namespace: str) -> None:
    before = datetime.now(UTC)
    store.observe(namespace, "ada", [Statement("One.")])
    store.observe(namespace, "ada", [Statement("Two."), Statement("Three.")])
    after = datetime.now(UTC)
    profile = store.read(namespace, "ada")
    assert (profile.signal_count, profile.sequence, profile.seen, profile.stale) == (3, 3, 0, True)
    assert profile.first_unseen_at is not None
    assert profile.last_observed_at is not None
    assert before <= profile.first_unseen_at < profile.last_observed_at <= after


def test_a_repeat_only_renews_its_time(store: Store, namespace: str) -> None:
    store.observe(namespace, "ada", [Statement("One.", at=NOON), Statement("Two.", at=NOON + timedelta(hours=1))])
    assert store.observe(namespace, "ada", [Statement("One.", at=NOON + timedelta(hours=2))]) == 0
    first, second = store.signals(namespace, "ada")
    assert (first, second) == (
        Statement("Two.", at=NOON + timedelta(hours=1)),
        Statement("One.", at=NOON + timedelta(hours=2)),
    )
    assert store.read(namespace, "ada").signal_count == 2


def test_a_repeat_with_an_earlier_time_leaves_the_later_one(store: Store, namespace: str) -> None:
    store.observe(namespace, "ada", [Statement("One.", at=NOON)])
    store.observe(namespace, "ada", [Statement("One.", at=NOON - timedelta(days=1))])
    assert store.signals(namespace, "ada") == (Statement("One.", at=NOON),)


def test_a_repeat_without_a_time_was_shown_now(store: Store, namespace: str) -> None:
    store.observe(namespace, "ada", [Statement("One.", at=NOON - timedelta(days=9999)), Statement("Two.")])
    assert [signal.at for signal in store.signals(namespace, "ada")] == [NOON - timedelta(days=9999), None]
    store.observe(namespace, "ada", [Statement("One.")])
    assert store.signals(namespace, "ada") == (Statement("Two."), Statement("One."))


def test_the_same_signal_twice_in_one_call_is_one_signal(store: Store, namespace: str) -> None:
    again = [Statement("One.", at=NOON), Statement("Two."), Statement("One.", at=NOON + timedelta(hours=1))]
    assert store.observe(namespace, "ada", again) == 2
    assert Statement("One.", at=NOON + timedelta(hours=1)) in store.signals(namespace, "ada")
    assert store.read(namespace, "ada").signal_count == 2


def test_what_is_said_again_makes_a_summary_due_as_newer_words_win(store: Store, namespace: str) -> None:
    store.observe(namespace, "ada", [Statement("One.")])
    assert store.save(store.read(namespace, "ada"), NOTHING) is not None
    seen = store.read(namespace, "ada").seen
    store.observe(namespace, "ada", [Statement("One.", at=datetime.now(UTC))])
    profile = store.read(namespace, "ada")
    assert (profile.stale, profile.signal_count) == (True, 1)
    assert store.signals(namespace, "ada", after=seen) == store.signals(namespace, "ada")


def test_signals_come_oldest_first_by_when_they_happened(store: Store, namespace: str) -> None:
    late, early, now = Statement("Late.", at=NOON), Statement("Early.", at=NOON - timedelta(days=1)), Statement("Now.")
    long_ago = Statement("Long ago.", at=datetime(1901, 1, 1, tzinfo=UTC))
    for signal in (now, late, long_ago, early):
        store.observe(namespace, "ada", [signal])
    assert store.signals(namespace, "ada") == (long_ago, early, late, now)


def test_signals_of_one_moment_come_in_the_order_of_observation(store: Store, namespace: str) -> None:
    given = tuple(Statement(f"Number {number}.", at=NOON) for number in range(20))
    store.observe(namespace, "ada", given)
    assert store.signals(namespace, "ada") == given


def test_after_leaves_out_what_was_observed_before(store: Store, namespace: str) -> None:
    store.observe(namespace, "ada", [Statement("Old."), Statement("Older.")])
    seen = store.read(namespace, "ada").sequence
    store.observe(namespace, "ada", [Statement("New, about long ago.", at=NOON - timedelta(days=999))])
    assert store.signals(namespace, "ada", after=seen) == (
        Statement("New, about long ago.", at=NOON - timedelta(days=999)),
    )


@pytest.mark.parametrize(("limit", "expected"), [(None, 5), (9, 5), (2, 2), (0, 0), (-1, 0)])
def test_limit_keeps_the_newest(store: Store, namespace: str, limit: int | None, expected: int) -> None:
    given = tuple(Statement(f"Number {number}.") for number in range(5))
    store.observe(namespace, "ada", given)
    assert store.signals(namespace, "ada", limit=limit) == given[5 - expected :]


def test_more_signals_than_one_statement_can_name_are_told_apart(store: Store, namespace: str) -> None:
    given = [Statement(f"Number {number}.") for number in range(1200)]
    assert store.observe(namespace, "ada", given[:1100]) == 1100
    assert store.observe(namespace, "ada", given) == 100
    assert store.read(namespace, "ada").signal_count == 1200


def test_a_signal_of_a_million_characters_is_kept(store: Store, namespace: str) -> None:
    given = Statement("é" * 1_000_000)
    store.observe(namespace, "ada", [given])
    assert store.signals(namespace, "ada") == (given,)


def test_a_bad_signal_keeps_the_whole_call_out(store: Store, namespace: str) -> None:
    # A copy with changes is not checked again by pydantic.
    odd = Message.model_construct(role="user", content="Hi", extra=object())
    not_json = Conversation([{"role": "user", "content": "Hi"}]).model_copy(update={"messages": (odd,)})
    with pytest.raises(SignalError, match="signal 1: ") as caught:
        store.observe(namespace, "ada", [Statement("One."), not_json])
    assert caught.value.index == 1
    with pytest.raises(SignalError, match="signal 0: is str, not a signal"):
        store.observe(namespace, "ada", ["One."])  # type: ignore[list-item]
    assert store.read(namespace, "ada") == Profile(namespace, "ada")


def test_two_users_with_one_signal_have_one_each(store: Store, namespace: str) -> None:
    for user_id in ("ada", "bob"):
        assert store.observe(namespace, user_id, [Statement("One.")]) == 1
    assert store.forget(namespace, "ada") == 1
    assert store.signals(namespace, "bob") == (Statement("One."),)
