"""Signals: what is taken, what is refused and how the refusal reads, and which signals are the same."""

from __future__ import annotations

import random
from contextlib import suppress
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from popi_sdk.errors import SignalError
from popi_sdk.intake import coerce
from popi_sdk.signals import (
    KINDS,
    MAX_TEXT,
    Conversation,
    Demonstration,
    Edit,
    Persona,
    PreferencePair,
    Rating,
    Statement,
)

EVERY_KIND = [
    PreferencePair("Why?", "Because.", "Well, it is a long story."),
    Rating("Why?", "Because.", liked=True, reason="Short."),
    Statement("Short answers, please."),
    Edit("Why?", "Because of that.", "Because."),
    Conversation([{"role": "user", "content": "Why?"}, {"role": "assistant", "content": "Because.", "feedback": "up"}]),
    Demonstration("Hi all, see you at noon.", "Write an invitation."),
    Persona({"occupation": "nurse", "languages": ["French", "English"], "parent": True}),
]


def test_there_are_seven_kinds() -> None:
    assert {signal.kind for signal in EVERY_KIND} == set(KINDS)


@pytest.mark.parametrize("signal", EVERY_KIND, ids=lambda signal: signal.kind)
def test_a_signal_survives_json_with_its_id(signal) -> None:
    again = type(signal).model_validate_json(signal.model_dump_json())
    assert again == signal
    assert again.id == signal.id


@pytest.mark.parametrize("signal", EVERY_KIND, ids=lambda signal: signal.kind)
def test_the_time_does_not_change_the_id_but_content_and_source_do(signal) -> None:
    fields = signal.model_dump(exclude={"id"})
    assert type(signal)(**{**fields, "at": datetime(2026, 1, 2, tzinfo=UTC)}).id == signal.id
    assert type(signal)(**{**fields, "allow_training": True}).id == signal.id
    assert type(signal)(**{**fields, "source": "untrusted"}).id != signal.id


def test_two_signals_of_different_content_have_different_ids() -> None:
    assert PreferencePair("a", "b", "c").id != PreferencePair("a", "c", "b").id
    assert Statement("a").id != Demonstration("a").id


def test_a_given_id_is_kept() -> None:
    assert Statement("Be brief.", id="crm-17").id == "crm-17"


def test_a_signal_cannot_be_changed() -> None:
    with pytest.raises(Exception, match="frozen"):
        EVERY_KIND[2].text = "Long answers, please."


def test_a_thumb_is_a_score_and_a_score_is_a_thumb() -> None:
    assert Rating("p", "r", liked=True).score == 1.0
    assert Rating("p", "r", liked=False).score == -1.0
    assert Rating("p", "r", -0.5).liked is False
    assert Rating("p", "r", 0.0).liked is None
    assert Rating("p", "r", True).score == 1.0


def test_a_time_without_zone_is_taken_as_utc() -> None:
    at = Statement("a", at=datetime(2026, 1, 2, 3, 4)).at
    assert at == datetime(2026, 1, 2, 3, 4, tzinfo=UTC)


REFUSED = [
    (lambda: Statement(""), "text"),
    (lambda: Statement(" \n\t"), "text"),
    (lambda: Statement(7), "text"),
    (lambda: Statement("x" * (MAX_TEXT + 1)), "text"),
    (lambda: Statement("x" * 10_000_000), "text"),
    (lambda: Statement("half \ud83d"), "text"),
    (lambda: Statement("a", id="has space"), "id"),
    (lambda: Statement("a", at="yesterday"), "at"),
    (lambda: Statement("a", source="somebody"), "source"),
    (lambda: Statement("a", mood="good"), "mood"),
    (lambda: PreferencePair("p", "same", "same"), "rejected"),
    (lambda: PreferencePair("p", "chosen"), "rejected"),
    (lambda: PreferencePair("", "a", "b"), "prompt"),
    (lambda: Edit("p", "same", "same"), "final"),
    (lambda: Rating("p", "r"), "score"),
    (lambda: Rating("p", "r", float("nan")), "score"),
    (lambda: Rating("p", "r", float("inf")), "score"),
    (lambda: Rating("p", "r", 1.01), "score"),
    (lambda: Rating("p", "r", "good"), "score"),
    (lambda: Rating("p", "r", 1.0, liked=False), "liked"),
    (lambda: Rating("p", "", 1.0), "response"),
    (lambda: Conversation([]), "messages"),
    (lambda: Conversation([{"role": "user", "content": ""}]), "messages"),
    (lambda: Conversation([{"role": "pope", "content": "Hi"}]), "messages.0.role"),
    (
        lambda: Conversation([{"role": "user", "content": "Hi"}, {"role": "user", "content": "\ud800"}]),
        "messages.1.content",
    ),
    (lambda: Persona(), "attributes"),
    (lambda: Persona({}), "attributes"),
    (lambda: Persona({"height": float("nan")}), "attributes"),
    (lambda: Persona({"job": {"title": "nurse"}}), None),
]


@pytest.mark.parametrize(("build", "field"), REFUSED)
def test_bad_input_is_refused_with_the_field_named(build, field) -> None:
    with pytest.raises(SignalError) as refused:
        build()
    if field is not None:
        assert refused.value.field == field
        assert f"`{field}`" in str(refused.value)


def test_a_refusal_does_not_repeat_what_the_user_wrote() -> None:
    with pytest.raises(SignalError) as refused:
        PreferencePair("my secret", "my secret answer", "my secret answer")
    assert "secret" not in str(refused.value)


@given(st.permutations(range(len(EVERY_KIND))))
def test_any_order_gives_the_same_ids(order) -> None:
    shuffled = [EVERY_KIND[place] for place in order]
    again = coerce([signal.model_dump(exclude={"id"}) for signal in shuffled])
    assert {signal.id for signal in again} == {signal.id for signal in EVERY_KIND}
    assert [signal.id for signal in again] == [signal.id for signal in shuffled]


@given(st.text(max_size=200))
def test_any_text_is_either_taken_or_refused_as_a_signal_error(text) -> None:
    if text.strip() and text.isprintable():
        assert Statement(text).text == text
        return
    with suppress(SignalError):
        assert len(Statement(text).id) == 24


def test_ids_do_not_depend_on_the_order_of_attributes() -> None:
    attributes = [("a", "1"), ("b", "2"), ("c", "3")]
    random.Random(0).shuffle(attributes)
    assert Persona(dict(attributes)).id == Persona({"a": "1", "b": "2", "c": "3"}).id
