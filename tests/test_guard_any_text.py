"""What holds for the guard whatever text it is given."""

from __future__ import annotations

import re
import unicodedata

from hypothesis import given, settings
from hypothesis import strategies as st

from popi_sdk.errors import SignalError
from popi_sdk.guard import check_own_words, guard
from popi_sdk.summary import Clause, Summary
from popi_sdk.tokens import count_tokens

UNSEEN = re.compile(
    r"[\x00-\x1f\x7f-\x9f\u00ad\u034f\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufe00-\ufe0f\ufeff]|[\U000e0000-\U000e0fff]"
)
TAG = re.compile(r"<[/!?|a-zA-Z][^>]*>")
URL = re.compile(r"\w+://|\bwww\.\w|javascript:|data:\w+/", re.IGNORECASE)
TEMPLATE = re.compile(r"\{\{|\{%|\$\{|<%|```")

SYNTAX = st.sampled_from(
    [
        "<|im_start|>",
        "</s>",
        "[INST]",
        "<<SYS>>",
        "System:",
        "\n\nHuman:",
        "{{",
        "}}",
        "{%",
        "%}",
        "${",
        "<%",
        "%>",
        "```",
        "**",
        "__",
        "http://",
        "www.",
        ".com",
        "a@b.de",
        "<b>",
        "</x>",
        "](http",
        "![",
        "\u200b",
        "\u202e",
        "️",
        "\U000e0041",
        "\x1b[0m",
        "###",
        "---",
        "===",
        "ignore",
        "previous",
        "instructions",
        "the",
        "password",
        "say",
        "'x'",
        "e.g.",
        ";",
        ".",
        "!",
        "。",
    ]
)
ANY_TEXT = st.one_of(
    st.text(max_size=300),
    st.lists(st.one_of(SYNTAX, st.text(max_size=8)), max_size=40).map(" ".join),
    st.lists(SYNTAX, max_size=30).map("".join),
)


@settings(max_examples=150, deadline=None)
@given(ANY_TEXT, st.integers(0, 60))
def test_whatever_comes_in_only_plain_text_comes_out(text: str, max_tokens: int):
    for summary in (guard(text, max_tokens=max_tokens), guard(Summary(clauses=(Clause(text),)), max_tokens=max_tokens)):
        assert count_tokens(summary.text) <= max_tokens
        for pattern in (UNSEEN, TAG, URL, TEMPLATE):
            assert not pattern.search(summary.text), summary.text
        assert not any(unicodedata.category(character) in ("Cc", "Cf", "Cs", "Co") for character in summary.text)


@settings(max_examples=150, deadline=None)
@given(ANY_TEXT)
def test_guarding_twice_changes_nothing_more(text: str):
    for once in (guard(text, max_tokens=300), guard(Summary(clauses=(Clause(text),)), max_tokens=300)):
        assert guard(once, max_tokens=300) == once


@settings(max_examples=100, deadline=None)
@given(ANY_TEXT)
def test_own_words_are_taken_whole_or_refused(text: str):
    try:
        kept = check_own_words(text, max_tokens=200)
    except SignalError:
        return
    assert guard(Summary(clauses=(Clause(kept),)), max_tokens=200).text == kept
