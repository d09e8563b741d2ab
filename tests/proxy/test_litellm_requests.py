"""Whose call a request is, what is taken out of it and what is put in: decided from plain data."""

from __future__ import annotations

import hashlib
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from popi_sdk.composer import block
from popi_sdk.integrations.litellm_requests import (
    MOST_CHARACTERS,
    Caller,
    are_too_large,
    put_into,
    take_signals,
    whose_call,
)
from popi_sdk.summary import Clause, Summary
from popi_sdk.templates import default_templates

BRIEF = Summary(clauses=(Clause("Be brief."),))
HOW: dict[str, Any] = {"placement": "system", "templates": default_templates(), "mark_cache": False}
HASH = hashlib.sha256(b"sk-1").hexdigest()

names = st.one_of(st.none(), st.just(""), st.text("ab:/ tem", min_size=1, max_size=9))


def key(**fields: Any) -> Any:
    return SimpleNamespace(
        **{"team_id": None, "user_id": None, "token": None, "api_key": None, "end_user_id": "ada"} | fields
    )


keys = st.builds(lambda team, user, token: key(team_id=team, user_id=user, token=token), names, names, names)


def test_the_tenant_is_the_keys_team_else_its_user_else_the_key() -> None:
    assert whose_call(key(team_id="x", user_id="y", token=HASH)) == Caller("team:x", "ada")
    assert whose_call(key(team_id="", user_id="y", token=HASH)) == Caller("user:y", "ada")
    assert whose_call(key(token=HASH)) == Caller(f"key:{HASH}", "ada")


def test_a_key_itself_is_never_written_into_the_store() -> None:
    assert whose_call(key(api_key="plain-key")) == Caller(f"key:{hashlib.sha256(b'plain-key').hexdigest()}", "ada")


def test_a_key_user_that_callers_name_in_a_header_is_no_tenant() -> None:
    named = key(user_id="somebody", token=HASH)

    assert whose_call(named, user_from_header=True) == Caller(f"key:{HASH}", "ada")
    assert whose_call(key(user_id="somebody"), user_from_header=True) == "no-tenant"


@given(keys, keys)
def test_two_keys_share_a_namespace_only_when_team_user_or_key_is_the_same(first: Any, second: Any) -> None:
    one, other = whose_call(first), whose_call(second)

    if isinstance(one, Caller) and isinstance(other, Caller) and one.namespace == other.namespace:
        assert _identity(first) == _identity(second)


def _identity(of: Any) -> tuple[str, str]:
    return next((field, getattr(of, field)) for field in ("team_id", "user_id", "token") if getattr(of, field))


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({}, "no-tenant"),
        ({"team_id": "x", "end_user_id": None}, "no-end-user"),
        ({"team_id": "x", "end_user_id": ""}, "no-end-user"),
        ({"team_id": "x" * 251}, "unusable-tenant"),
        ({"team_id": "x\0"}, "unusable-tenant"),
        ({"team_id": "x", "end_user_id": "a" * 256}, "unusable-end-user"),
        ({"team_id": "x", "end_user_id": "a\0b"}, "unusable-end-user"),
    ],
)
def test_a_call_of_nobody_says_why(fields: dict[str, Any], reason: str) -> None:
    assert whose_call(key(**fields)) == reason


def test_signals_are_taken_out_of_every_copy_of_the_metadata() -> None:
    data: dict[str, Any] = {
        "metadata": {"popi_signals": ["A."], "colour": "blue"},
        "litellm_metadata": {
            "popi_signals": '["B."]',
            "requester_metadata": {"popi_signals": ["A."], "colour": "blue"},
        },
        "proxy_server_request": {
            "body": {
                "metadata": {"popi_signals": ["A."]},
                "litellm_metadata": {"requester_metadata": {"popi_signals": ["A."]}},
            }
        },
    }

    assert take_signals(data) == [["A."], ["B."]]
    assert "popi_signals" not in str(data)
    assert data["metadata"] == {"colour": "blue"}
    assert data["litellm_metadata"] == {"requester_metadata": {"colour": "blue"}}


def test_signals_in_what_is_meant_for_the_provider_alone_are_taken_too() -> None:
    def body() -> dict[str, Any]:
        return {"extra_body": {"metadata": {"popi_signals": ["A."]}, "seed": 7}}

    data = {**body(), "proxy_server_request": {"body": body()}}

    assert take_signals(data) == [["A."]]
    assert data["extra_body"] == {"seed": 7}
    assert "popi_signals" not in str(data)


@pytest.mark.parametrize(
    ("given", "too_large"),
    [
        ([], False),
        ([["x"] * 200], False),
        ([["x"] * 201], True),
        ([["x"] * 101, ["x"] * 100], True),
        (["x" * (MOST_CHARACTERS - 1)], False),
        (["x" * MOST_CHARACTERS], True),
        ([{"a": [{"b": "x" * 1_000}] * 199}], True),
        ([{"x" * MOST_CHARACTERS: 1}], True),
        ([{"a": list(range(MOST_CHARACTERS))}], True),
        ([7, None, "x", {"text": "y"}], False),
    ],
)
def test_what_one_request_may_bring_is_limited_in_number_and_length(given: list[Any], too_large: bool) -> None:
    assert are_too_large(given) is too_large


def test_signals_as_json_that_are_too_long_are_not_even_read() -> None:
    text = "[" + "1, " * MOST_CHARACTERS + "1]"

    assert take_signals({"metadata": {"popi_signals": text}}) == [text]
    assert are_too_large([text])


@pytest.mark.parametrize(
    ("given", "taken"),
    [
        ("Be brief.", "Be brief."),
        ('{"text": "Be brief."}', {"text": "Be brief."}),
        ("[sic] stays as it is", "[sic] stays as it is"),
        ("[" * 100_000, "[" * 100_000),
        (None, None),
    ],
)
def test_a_string_is_a_statement_unless_it_is_json(given: Any, taken: Any) -> None:
    assert take_signals({"metadata": {"popi_signals": given}}) == [taken]


@pytest.mark.parametrize("metadata", [None, "a string", ["a list"], {}, {"colour": "blue"}])
def test_metadata_without_signals_stays_as_it_is(metadata: Any) -> None:
    data = {"metadata": metadata, "proxy_server_request": None}

    assert take_signals(data) == []
    assert data == {"metadata": metadata, "proxy_server_request": None}


def test_only_what_decides_where_the_block_stands_is_touched() -> None:
    messages = [{"role": "user", "content": "Why?"}]
    data: dict[str, Any] = {"model": "gpt", "messages": messages, "metadata": {}, "litellm_call_id": "1"}

    put_into(data, "chat", BRIEF, **HOW)

    assert data["messages"] == [{"role": "system", "content": block(BRIEF)}, {"role": "user", "content": "Why?"}]
    assert messages == [{"role": "user", "content": "Why?"}]
    assert {name: value for name, value in data.items() if name != "messages"} == {
        "model": "gpt",
        "metadata": {},
        "litellm_call_id": "1",
    }


def test_a_part_that_the_block_empties_goes_away() -> None:
    data: dict[str, Any] = {"system": block(BRIEF), "messages": [{"role": "user", "content": "Why?"}]}

    put_into(data, "messages", BRIEF, **HOW | {"placement": "user"})

    assert "system" not in data
    assert block(BRIEF) in str(data["messages"][0]["content"])
