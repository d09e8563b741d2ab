"""What is private is taken out of texts and signals, and what only looks like it stays."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from popi_sdk.errors import ConfigError
from popi_sdk.privacy import KINDS, Redactor, redact
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

FILE = Path(__file__).with_name("private.jsonl")

PRIVATE = [
    ("Write to ada@example.org.", "Write to [email]."),
    ("请联系ada@example.org谢谢", "请联系[email]谢谢"),
    ("ada (at) example (dot) org", "[email]"),
    ("jörg.müller@bücher.de", "[email]"),
    ("https://example.org/?mail=ada%40example.org", "https://example.org/?mail=[email]"),
    ("Call +44 20 7946 0958 today.", "Call [phone] today."),
    ("Ring me on 020 7946 0958 or (415) 555-2671", "Ring me on [phone] or [phone]"),
    ("+44 20 7946 0958+44 20 7946 0958", "[phone][phone]"),
    ("415-555-2671 / 415-555-2672", "[phone] / [phone]"),
    ("My card is 4111 1111 1111 1111.", "My card is [card]."),
    ("my card is ４１１１\N{NO-BREAK SPACE}1111\N{NO-BREAK SPACE}1111\N{NO-BREAK SPACE}1111", "my card is [card]"),
    ("4111\N{ZERO WIDTH SPACE}111111111111", "[card]"),
    ("٤١١١١١١١١١١١١١١١", "[card]"),
    ("ada,4111111111111111,123,415-555-2671,219-09-9998,x", "ada,[card],123,[phone],[national id],x"),
    ("IBAN DE89 3704 0044 0532 0130 00 please", "IBAN [iban] please"),
    ("GB29NWBK60161331926819", "[iban]"),
    ("The host is 203.0.113.77:8080.", "The host is [ip]:8080."),
    ("::ffff:203.0.113.77", "[ip]"),
    ("2001:db8:85a3::8a2e:370:7334 and fe80::1ff:fe23:4567:890a%eth0", "[ip] and [ip]"),
    ("My SSN is 219-09-9998.", "My SSN is [national id]."),
    ("DNI 12345678Z", "DNI [national id]"),
    ("key AKIAFAO4ZC7GWCGMFWCB", "key [secret]"),
    ("AKIAFAO4ZC7GWCGMFWCB 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", "[secret] [secret]"),
    ("sk-ant-api03-CcgYk1slfUh5xJlAvIrFf3", "[secret]"),
    ("AccountKey=" + "aB3dE6gH9j" * 8 + "kLmN12==", "[secret]"),  # known by detect-secrets' form
    ("Authorization: Bearer c2VjcmV0LXRva2Vu", "Authorization: Bearer [secret]"),
    ("password=hunter2&user=ada", "password=[secret]&user=ada"),
    ("my password is hunter2, thanks", "my password is [secret], thanks"),
    ('{"password": "correct-horse"}', '{"password": "[secret]"}'),
    ("mon mot de passe est Tulipe!93", "mon mot de passe est [secret]"),
    ("postgres://ada:s3cr3t@db.example.org/app", "postgres://[secret]@db.example.org/app"),
    ("--token a8f3kd02mnc7", "--token [secret]"),
    (
        "-----BEGIN RSA PRIVATE KEY-----\nMIIEowIBAAKCAQEA\n-----END RSA PRIVATE KEY-----\nafter",
        "[private key]\nafter",
    ),
    ("-----BEGIN PRIVATE KEY-----\nMIIEowIBAAKCAQEAabcd\nMIIEowIBAAKCAQEAabcd", "[private key]"),
    ("PuTTY-User-Key-File-3: ssh-rsa\nPrivate-Lines: 1\nAAAA\nPrivate-MAC: 00ff", "[private key]"),
]

HARMLESS = [
    "Version 1.2.3.4 is out, 127.0.0.1 and ::1 are this machine, 255.255.255.0 is a mask.",
    "Chrome/120.0.0.0 asks 8.8.8.8.",
    "std::vector and a::before",
    "On 2026-03-14 at 12:30:45 it cost 1,299,000.00 dollars.",
    "ISBN 978-3-16-148410-0, order 4155552671, 12345678901234567890",
    "0.4111111111111111 and 1712345678 seconds",
    "4111 1111 1111 1112 is no card",
    "DE89 3704 0044 0532 0130 01 is no IBAN",
    "icon@2x.png, git@github.com:a/b, @app.route, lodash@4.17.21",
    "000-12-3456 was never given out",
    "The password must have 8 characters; the token is expired.",
    'password = os.environ["PASSWORD"]; api_key: str = Field(default=None)',
    "connect(password=user_password, token=<your token>)",
    "sk-xxxxxxxxxxxxxxxxxxxxxxxx stands for a key",
    "redis://:${REDIS_PASSWORD}@cache and postgres://USER:PASSWORD@HOST/name",
    "550e8400-e29b-41d4-a716-446655440000 and 9f2c1e7a4b8d3f605c1a2e9b7d4f8c3a6e5b1d02",
    "fibonacci: 1 1 2 3 5 8 13 21 34 55 89 144",
    "[email] and [phone] stay",
    "",
]


@pytest.mark.parametrize(("text", "redacted"), PRIVATE)
def test_what_is_private_is_replaced_by_its_kind_and_the_rest_stays(text: str, redacted: str) -> None:
    assert redact(text).text == redacted


@pytest.mark.parametrize("text", HARMLESS)
def test_what_only_looks_private_stays(text: str) -> None:
    assert redact(text).text == text
    assert not redact(text).counts


def test_findings_are_counted_by_kind() -> None:
    found = redact("ada@example.org, bob@example.org, +44 20 7946 0958")
    assert dict(found.counts) == {"email": 2, "phone": 1}


def test_pattern_of_the_app_comes_first_and_cannot_reach_into_what_is_redacted() -> None:
    redactor = Redactor({"customer": r"C-[0-9]{6}", "word": "email|card"})
    (signal,) = redactor.signals([Statement("C-204177 has the email ada@example.org and [card].")]).signals
    assert isinstance(signal, Statement)
    assert signal.text == "[customer] has the [word] [email] and [card]."


def test_pattern_that_takes_a_whole_line_swallows_what_was_redacted_in_it() -> None:
    patterns = {"line": re.compile("note: .+")}
    assert redact("note: [email] rang\nstays", patterns).text == "[line]\nstays"


@pytest.mark.parametrize(
    ("name", "pattern", "reason"),
    [
        ("ticket", "(", "no regular expression"),
        ("ticket", "a*", "empty text"),
        ("ticket", r"\b", "empty text"),
        ("ticket", "(a+)+$", "too long"),
        ("ticket", r"(\w|\d)+!", "too long"),
        ("email", "a", "itself"),
        ("Emptied", "a", "itself"),
        ("a]b", "a", "brackets"),
        ("", "a", "brackets"),
    ],
)
def test_pattern_that_cannot_be_used_is_refused_by_its_name(name: str, pattern: str, reason: str) -> None:
    with pytest.raises(ConfigError, match=reason) as refused:
        Redactor({name: pattern})
    assert name in str(refused.value)


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


def test_libraries_are_imported_only_when_something_may_be_private() -> None:
    program = """if True:
        import sys, popi_sdk, popi_sdk.privacy
        popi_sdk.privacy.redact("Short answers, please: 3 points at most.")
        print([name for name in ("phonenumbers", "stdnum", "detect_secrets", "requests") if name in sys.modules])
        popi_sdk.privacy.redact("+44 20 7946 0958")
        print("phonenumbers" in sys.modules)
    """
    run = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert run.stdout.split("\n")[:2] == ["[]", "True"]


@pytest.mark.skipif(not FILE.exists(), reason="the measured texts are not there")
def test_measured_texts_are_redacted_as_well_as_before() -> None:
    lines = [json.loads(line) for line in FILE.read_text(encoding="utf-8").split("\n") if line.strip()]
    missed = alarms = meant = harmless = 0
    for line in lines:
        counts = redact(line["text"]).counts
        missed += sum(max(0, number - counts.get(kind, 0)) for kind, number in line["kinds"].items())
        meant += sum(line["kinds"].values())
        harmless += not line["kinds"]
        alarms += bool(counts) and not line["kinds"]
        assert counts.keys() <= set(KINDS)
    assert missed <= 0.03 * meant
    assert alarms <= 0.02 * harmless
