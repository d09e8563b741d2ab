"""Whatever a text holds, redacting it ends, soon, and redacting it again changes nothing."""

from __future__ import annotations

import json
import re
import time
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from popi_sdk.privacy import Redactor, redact
from popi_sdk.signals import Statement

NUMBERS = [
    "+44 20 7946 0958",
    "020 7946 0958",
    "415-555-2671",
    "(415) 555-2671",
    "4111 1111 1111 1111",
    "4111111111111111",
]
NUMBERS += ["DE89370400440532013000", "DE89 3704 0044 0532 0130 00", "219-09-9998", "203.0.113.77", "2001:db8::1"]
NAMES = [
    "password=",
    "password is ",
    'token: "',
    "Bearer ",
    "call ",
    "order ",
    "SSN ",
    "PESEL ",
    "--token ",
    "curl -u ",
]
NAMES += ["my pin is ", "-----BEGIN PRIVATE KEY-----", "-----END PRIVATE KEY-----", "PuTTY-User-Key-File-2:"]
VALUES = [
    "hunter2",
    "sk-ant-api03-CcgYk1slfUh5xJ",
    "AKIAFAO4ZC7GWCGMFWCB",
    "eyJhbGciOi",
    ".eyJzdWIi",
    "Private-MAC: 0f",
]
VALUES += ["ada@example.org", "::ffff:203.0.113.77", "[email]", "[phone]", "[secret]"]
SIGNS = [
    "@",
    "%40",
    "(at)",
    '"',
    "'",
    "`",
    "://",
    ":",
    "/",
    "[",
    "]",
    "1",
    "2",
    "55",
    "0",
    "00",
    "+",
    "-",
    ".",
    " ",
    ",",
]
SIGNS += ["\\", "\\n", '\\"', "\\u0034", "\\u0070", "\\ud83d", "%2B", "%20", " at ", " dot ", "com", "_", "**"]
SIGNS += ["(", ")", "\n", "\0", "\u200b", "\u00a0", "４", "é", "漢", "٣", "=", "&", ";"]
PARTS = st.sampled_from([*NUMBERS, *NAMES, *VALUES, *SIGNS])
PATTERNS = {"customer": "C-[0-9]+", "line": "note: .+", "brackets": r"\]\[", "word": "mail|[a-z]{2}d"}
COMPILED = {name: re.compile(pattern) for name, pattern in PATTERNS.items()}


def redacted_once_is_redacted(text: str, **given: object) -> None:
    once = redact(text, **given)  # type: ignore[arg-type]
    twice = redact(once.text, **given)  # type: ignore[arg-type]
    assert twice.text == once.text
    assert not twice.counts
    assert (once.text == text) == (not once.counts)


@settings(max_examples=300, deadline=None)
@given(st.text())
def test_any_text_is_redacted_once_and_for_all(text: str) -> None:
    redacted_once_is_redacted(text)


@settings(max_examples=500, deadline=None)
@given(st.lists(PARTS, max_size=14).map("".join))
def test_text_made_of_private_parts_is_redacted_once_and_for_all(text: str) -> None:
    redacted_once_is_redacted(text)


@settings(max_examples=300, deadline=None)
@given(st.text("0123456789 -./+()", max_size=60))
def test_digits_and_signs_are_redacted_once_and_for_all(text: str) -> None:
    redacted_once_is_redacted(text)


@settings(max_examples=300, deadline=None)
@given(st.lists(st.one_of(PARTS, st.sampled_from(["C-", "note: ", "mail", "card"])), max_size=10).map("".join))
def test_patterns_of_the_app_are_redacted_once_and_for_all(text: str) -> None:
    redacted_once_is_redacted(text, extra=COMPILED)


@settings(max_examples=100, deadline=None)
@given(st.lists(PARTS, min_size=1, max_size=8).map("".join).filter(str.strip))
def test_signals_stay_signals(text: str) -> None:
    (new,) = Redactor().signals([Statement(text)]).signals
    assert isinstance(new, Statement)
    assert new.text == redact(text).text


VALUES_OF_JSON = st.recursive(
    st.one_of(
        st.none(),
        st.sampled_from([1, 4111111111111111, 4155552671, 0.5, True]),
        st.text(max_size=5),
        st.lists(PARTS, max_size=6).map("".join),
    ),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.dictionaries(st.one_of(PARTS, st.sampled_from(["phone", "password", "пароль"])), inner, max_size=3),
        inner.map(json.dumps),
    ),
    max_leaves=8,
)


@settings(max_examples=300, deadline=None)
@given(st.one_of(st.lists(VALUES_OF_JSON), st.dictionaries(PARTS, VALUES_OF_JSON)), st.booleans(), st.booleans())
def test_text_that_is_json_is_json_when_redacted(value: Any, as_ascii: bool, with_patterns: bool) -> None:
    extra = {**COMPILED, "structure": re.compile(r'\{.*\}|", "|[nul]+')} if with_patterns else {}
    text = json.dumps(value, ensure_ascii=as_ascii)
    once = redact(text, extra).text
    assert type(json.loads(once)) is type(value)
    redacted_once_is_redacted(text, extra=extra)


@settings(max_examples=200, deadline=None)
@given(
    st.sampled_from([*NUMBERS[:1], *NUMBERS[3:10], *VALUES[1:3], "ada@example.org"]),
    st.sampled_from(["\n", "\t", "\r\n", "\u2028", "谢", "📞", '"', "<"]),
    st.integers(1, 3),
)
def test_escapes_hide_nothing(private: str, beside: str, times: int) -> None:
    text = f"{beside}{private}{beside}"
    for _ in range(times):
        text = json.dumps({"a": text})
    assert sum(redact(text).counts.values()) == 1
    assert private not in redact(text).text


LENGTH = 50_000


REPEATED = ["1", "1 ", "1-", "+1 ", "(1", "a@", "@", "a@b.", "a.", "DE89 ", "sk-", "eyJ", "-----BEGIN PRIVATE KEY-----"]
REPEATED += ["://a:", "1:", "::", "password", "password=", "password for a a ", "PuTTY-User-Key-File-2: \n", "4111 "]
REPEATED += [
    "123-45-6789 ",
    "call 1234567 ",
    "+44 20 7946 0958",
    "1.2.3.4 ",
    "\u200b1",
    "_authToken= ",
    "curl -u ",
    "AKC",
]
REPEATED += [
    "MMMMMMMMMMMMMMMMMMMMMMMM.",
    "Authorization: ",
    "12345678:",
    " (at) ",
    "[email]",
    "a",
    "AKIAFAO4ZC7GWCGMFWCB A",
]
REPEATED += [
    "\\",
    "\\n1",
    "\\u0031",
    '\\"',
    "%2B1",
    " at ",
    "a dot b at ",
    "1. (",
    "**+1 ",
    '["',
    "\\n4111111111111111",
]
REPEATED += ["1 (2) 3 (4) 5-6 7-8 9. ", "call 1 (2) 3 (4) 5-6 7-8 9. "]


def test_long_json_takes_time_in_proportion_to_its_length() -> None:
    text = json.dumps(["a\n4111111111111111", 4111111111111111] * (LENGTH // 40))
    start = time.perf_counter()
    assert json.loads(redact(text).text) == ["a\n[card]", "[card]"] * (LENGTH // 40)
    assert time.perf_counter() - start < 8


@pytest.mark.parametrize("part", REPEATED)
def test_no_text_takes_time_out_of_proportion_to_its_length(part: str) -> None:
    text = (part * LENGTH)[:LENGTH]
    redact(text[:1000])
    start = time.perf_counter()
    redacted_once_is_redacted(text)
    assert time.perf_counter() - start < 8  # a second on an idle core; quadratic or worse would be minutes
