"""Two tenants, and two users of one tenant, never see each other."""

from __future__ import annotations

import itertools
import unicodedata
from collections.abc import Callable

import pytest

from popi_sdk.errors import SignalError
from popi_sdk.signals import Statement
from popi_sdk.store import Store
from popi_sdk.summary import Clause, Summary

LOOK_ALIKES = [
    ("a/b", "c"),
    ("a", "b/c"),
    ("a", "b"),
    ("A", "b"),
    ("a", "B"),
    ("b", "a"),
    ("a", "b "),
    ("a", " b"),
    ("a ", "b"),
    ("a", "é"),
    ("a", unicodedata.normalize("NFD", "é")),
    ("a", "e"),
    ("a", "b%"),
    ("a", "b_"),
    ("a", "b'; DROP TABLE popi_signals; --"),
    ("a", "ｂ"),
    ("a", "b\u200b"),
    ("a", "1"),
    ("a", "01"),
    ("a", "1.0"),
    ("a", "None"),
    ("a" * 255, "🦜" * 255),
    ("a" * 255, "🦜" * 254),
    ("🦜" * 255, "a" * 255),
]


def test_names_that_look_alike_are_different_users(store: Store, namespace: str) -> None:
    tag = namespace[:4]
    owners = [(tenant if len(tenant) > 250 else f"{tag}{tenant}", user_id) for tenant, user_id in LOOK_ALIKES]
    for owner in owners:
        store.forget(*owner)
    for number, owner in enumerate(owners):
        # The same id for all of them: it must not leak from one to the other either.
        assert store.observe(*owner, [Statement(f"Of owner {number}.", id="same")]) == 1
        summary = Summary((Clause(f"About owner {number}.", ("same",)),), signal_ids=("same",))
        assert store.save(store.read(*owner), summary) is not None
    for number, owner in enumerate(owners):
        profile = store.read(*owner)
        assert (profile.namespace, profile.user_id, profile.signal_count) == (*owner, 1)
        assert profile.summary.text == f"About owner {number}."
        assert [signal.id for signal in store.signals(*owner)] == ["same"]
        assert store.signals(*owner) == (Statement(f"Of owner {number}.", id="same"),)
        assert [summary.text for summary in store.history(*owner)] == [f"About owner {number}."]
        assert str(store.export(*owner)).count("Of owner") == 1
    for number, owner in enumerate(owners):
        assert store.forget(*owner, "same" if number % 2 else None) == 1
        for later in owners[number + 1 :]:
            assert store.read(*later).signal_count == 1
            assert store.read(*later).summary.version == 1


def test_a_pin_reaches_one_user_only(store: Store, namespace: str) -> None:
    for tenant, user_id in itertools.product((namespace, namespace + "2"), ("ada", "bob")):
        store.observe(tenant, user_id, [Statement("One.")])
    store.pin(namespace, "ada", Summary((Clause("My words."),)))
    for tenant, user_id in ((namespace, "bob"), (namespace + "2", "ada"), (namespace + "2", "bob")):
        assert not store.read(tenant, user_id).summary


BAD_NAMES = [
    ("", "is empty"),
    ("  ", "is empty"),
    ("a\x00b", "holds a control character at position 1"),
    ("a\n", "holds a control character at position 1"),
    ("\x7f", "holds a control character at position 0"),
    ("a\x85", "holds a control character at position 1"),
    ("ab\ud800", "holds half a character"),
    ("a" * 256, "has 256 characters"),
    (None, "is NoneType, not a string"),
    (7, "is int, not a string"),
    (b"ada", "is bytes, not a string"),
]

CALLS: dict[str, Callable[[Store, str, str], object]] = {
    "observe": lambda store, namespace, user_id: store.observe(namespace, user_id, [Statement("One.")]),
    "read": lambda store, namespace, user_id: store.read(namespace, user_id),
    "signals": lambda store, namespace, user_id: store.signals(namespace, user_id),
    "history": lambda store, namespace, user_id: store.history(namespace, user_id),
    "pin": lambda store, namespace, user_id: store.pin(namespace, user_id, None),
    "forget": lambda store, namespace, user_id: store.forget(namespace, user_id),
    "export": lambda store, namespace, user_id: store.export(namespace, user_id),
}


@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
def test_a_name_that_cannot_be_told_apart_is_refused_everywhere(
    store: Store, namespace: str, call: Callable[[Store, str, str], object]
) -> None:
    for bad, reason in BAD_NAMES:
        with pytest.raises(SignalError, match=f"`user_id`: {reason}"):
            call(store, namespace, bad)  # type: ignore[arg-type]
        with pytest.raises(SignalError, match=f"`namespace`: {reason}"):
            call(store, bad, "ada")  # type: ignore[arg-type]


def test_a_refused_name_is_not_repeated(store: Store, namespace: str) -> None:
    with pytest.raises(SignalError) as caught:
        store.read(namespace, "secret\n")
    assert "secret" not in str(caught.value)
