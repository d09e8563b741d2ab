"""Every text of every kind of signal is redacted, and the rest of a signal stays as it was."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest

from popi_sdk.privacy import Redactor
from popi_sdk.signals import (
    MAX_TEXT,
    Conversation,
    Demonstration,
    Edit,
    Persona,
    PreferencePair,
    Rating,
    Signal,
    Statement,
)

CARD = "4111 1111 1111 1111"
EACH_TEXT: list[tuple[Signal, str]] = [
    (PreferencePair(f"a {CARD}", f"b {CARD}", f"c {CARD}"), "card"),
    (Rating(f"a {CARD}", f"b {CARD}", 1, f"c {CARD}"), "card"),
    (Statement(f"a {CARD}"), "card"),
    (Edit(f"a {CARD}", f"b {CARD}", f"c {CARD}"), "card"),
    (Demonstration(f"a {CARD}", f"b {CARD}"), "card"),
    (Persona({f"a {CARD}": f"b {CARD}", "many": [f"c {CARD}"], "number": 4111111111111111}), "card"),
    (Persona(text=f"a {CARD}"), "card"),
    (
        Conversation(
            [
                {"role": "user", "content": f"a {CARD}", "name": f"b {CARD}"},
                {"role": "assistant", "content": [{"type": "text", "text": f"c {CARD}"}], "feedback": "up"},
                {
                    "role": "assistant",
                    "content": "",
                    "tool_calls": [{"id": "1", "function": {"name": "pay", "arguments": json.dumps({"with": CARD})}}],
                },
                {"role": "tool", "tool_call_id": "1", "content": json.dumps({"paid": CARD})},
                {"role": "assistant", "content": [{"type": "tool_use", "id": "2", "input": {"n": 4111111111111111}}]},
            ]
        ),
        "card",
    ),
]


@pytest.mark.parametrize(("signal", "kind"), EACH_TEXT, ids=lambda value: getattr(value, "kind", value))
def test_every_text_of_every_kind_of_signal_is_redacted(signal: Signal, kind: str) -> None:
    before = signal.model_dump_json()
    redacted = Redactor().signals([signal])
    (new,) = redacted.signals
    written = new.model_dump_json()
    assert "4111" not in written
    assert redacted.counts == {kind: before.count("4111 1111") + before.count("4111111111111111")}
    assert written.count(f"[{kind}]") == redacted.counts[kind]
    assert type(new) is type(signal)


def test_signal_without_findings_is_the_very_same_object() -> None:
    signals: list[Signal] = [Statement("Short answers, please."), Persona({"age": 41, "vip": True})]
    redacted = Redactor().signals(signals)
    assert all(new is old for new, old in zip(redacted.signals, signals, strict=True))
    assert redacted.counts == {}


def test_what_is_no_text_stays_as_it_is() -> None:
    signal = Conversation(
        [
            {
                "role": "user",
                "content": [{"type": "image_url", "image_url": {"url": "data:image/png;base64," + "4" * 20}}],
            },
            {"role": "assistant", "content": f"Seen, {CARD}.", "feedback": "down"},
        ],
        at="2026-03-14T12:00:00Z",  # type: ignore[arg-type]
        source="untrusted",
        allow_training=True,
    )
    (new,) = Redactor().signals([signal]).signals
    assert isinstance(new, Conversation)
    assert new.messages[0] == signal.messages[0]
    assert new.messages[1].feedback == "down"
    assert (new.at, new.source, new.allow_training) == (signal.at, "untrusted", True)


def test_id_made_from_the_content_is_made_from_the_redacted_content() -> None:
    (new,) = Redactor().signals([Statement("Call +44 20 7946 0958.")]).signals
    assert new.id == Statement("Call [phone].").id
    assert new.id == new.content_hash()


def test_id_that_was_given_stays() -> None:
    (new,) = Redactor().signals([Statement("Call +44 20 7946 0958.", id="mine")]).signals
    assert new.id == "mine"


@pytest.mark.parametrize(
    "signal", [PreferencePair("Hi", "Call 415-555-2671", "Call 415-555-2672"), Edit("Hi", "a@b.example", "c@d.example")]
)
def test_two_texts_that_differ_only_in_what_is_private_are_left_out_and_counted(signal: Signal) -> None:
    redacted = Redactor().signals([signal, Statement("Be brief.")])
    assert redacted.signals == (Statement("Be brief."),)
    assert redacted.counts["emptied"] == 1


def test_attributes_whose_names_become_the_same_are_all_kept() -> None:
    (new,) = Redactor().signals([Persona({"a@b.example": "one", "c@d.example": "two"})]).signals
    assert isinstance(new, Persona)
    assert new.attributes == {"[email]": "one", "[email] 2": "two"}


def test_attribute_is_read_together_with_its_name() -> None:
    (new,) = Redactor().signals([Persona({"phone": 4155552671, "password": "swordfish1", "age": 41})]).signals
    assert isinstance(new, Persona)
    assert new.attributes == {"phone": "[phone]", "password": "[secret]", "age": 41}


def test_no_name_of_an_attribute_or_of_an_argument_hides_a_value() -> None:
    person = Persona({"id": "219-09-9998", "type": CARD, "index": [CARD]})
    call = Conversation(
        [
            {"role": "user", "content": "Pay."},
            {"role": "assistant", "content": [{"input": {"id": CARD, "format": CARD}}]},
        ]
    )
    assert Redactor().signals([person, call]).counts == {"national id": 1, "card": 4}


def test_text_that_begins_like_an_address_of_an_image_is_text() -> None:
    said = Conversation([{"role": "user", "content": f"data: image/png,{CARD}"}])
    assert Redactor().signals([said]).counts == {"card": 1}


def test_chat_that_grows_beyond_what_a_signal_may_hold_is_left_out_and_counted() -> None:
    part = {"type": "text", "text": "my pin is 1234 " * (MAX_TEXT // 30)}
    signal = Conversation([{"role": "user", "content": [part, part]}])
    assert Redactor().signals([signal]).signals == ()


def test_text_at_the_limit_that_grows_is_still_a_signal() -> None:
    text = "1.2.3.400 " * 3 + "x@y.zz " * (MAX_TEXT // 7 - 6)
    (new,) = Redactor().signals([Statement(text)]).signals
    assert isinstance(new, Statement)
    assert len(new.text) == MAX_TEXT
    assert "@" not in new.text


def test_image_of_five_megabytes_takes_no_time() -> None:
    image = {"type": "image_url", "image_url": {"url": "data:image/png;base64," + "iVBORw0KGgoA" * 420_000}}
    raw = {"type": "image", "source": {"data": "iVBORw0KGgoA" * 420_000}}
    signal = Conversation([{"role": "user", "content": [image, raw, {"type": "text", "text": "What is this?"}]}])
    start = time.perf_counter()
    assert Redactor().signals([signal]).signals == (signal,)
    assert time.perf_counter() - start < 1


def test_chat_nested_deeper_than_any_is_cut_and_counted() -> None:
    nested: Any = CARD
    for _ in range(100):
        nested = {"a": nested}
    signal = Conversation([{"role": "user", "content": "Hi"}, {"role": "tool", "content": "x", "made_of": nested}])
    redacted = Redactor().signals([signal])
    assert redacted.counts == {"emptied": 1}
    assert CARD not in redacted.signals[0].model_dump_json()
