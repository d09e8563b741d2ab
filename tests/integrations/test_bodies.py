"""Where a summary stands in a body of each protocol, and that putting it there twice or taking it out is harmless."""

from __future__ import annotations

import copy
import json
from typing import Any, ClassVar

import pytest
from hypothesis import given
from hypothesis import strategies as st

from popi_sdk.composer import block, is_block, without_block_in_text
from popi_sdk.integrations.bodies import personalized, with_lists
from popi_sdk.summary import NOTHING, Clause, Summary
from popi_sdk.templates import default_templates

TEMPLATES = default_templates()
BRIEF = Summary(clauses=(Clause("Be brief."),))
LONG = Summary(clauses=(Clause("Be long."), Clause("Use lists.")))
BLOCK = block(BRIEF, TEMPLATES)


def put(body: dict[str, Any], route: Any, summary: Summary = BRIEF, **options: Any) -> dict[str, Any]:
    settings: dict[str, Any] = {"placement": "system", "templates": TEMPLATES, "mark_cache": False, **options}
    return personalized(body, route, summary, **settings)


class TestResponses:
    def test_the_block_follows_the_apps_instructions(self) -> None:
        body = put({"instructions": "You sell shoes.", "input": "Hi"}, "responses")
        assert body == {"instructions": f"You sell shoes.\n\n{BLOCK}", "input": "Hi"}

    @pytest.mark.parametrize("given_instructions", [{}, {"instructions": None}, {"instructions": ""}])
    def test_without_instructions_the_block_is_them(self, given_instructions) -> None:
        assert put({**given_instructions, "input": "Hi"}, "responses") == {"instructions": BLOCK, "input": "Hi"}

    def test_a_stored_prompt_without_input_stays_without(self) -> None:
        body = {"prompt": {"id": "pmpt_1"}}
        assert put(body, "responses") == {**body, "instructions": BLOCK}

    def test_instructions_given_in_the_input_stay_in_front_of_the_block(self) -> None:
        turns = [{"role": "developer", "content": "You sell shoes."}, {"role": "user", "content": "Hi"}]
        body = put({"input": turns}, "responses")
        assert body == {"input": [{"role": "developer", "content": f"You sell shoes.\n\n{BLOCK}"}, turns[1]]}

    def test_parts_of_a_system_item_get_a_part_of_their_kind(self) -> None:
        turns = [{"role": "system", "content": [{"type": "input_text", "text": "You sell shoes."}]}]
        [item] = put({"input": turns}, "responses")["input"]
        assert item["content"][1] == {"type": "input_text", "text": BLOCK}

    def test_in_a_user_turn_the_block_stands_before_the_first(self) -> None:
        body = put({"input": "Hi", "instructions": "You sell shoes."}, "responses", placement="user")
        assert body == {"input": f"{BLOCK}\n\nHi", "instructions": "You sell shoes."}
        parts = [{"role": "user", "content": [{"type": "input_text", "text": "Hi"}]}]
        [item] = put({"input": parts}, "responses", placement="user")["input"]
        assert item["content"][0] == {"type": "input_text", "text": BLOCK}

    @pytest.mark.parametrize("kept", [{"previous_response_id": "resp_1"}, {"conversation": "conv_1"}])
    def test_in_a_chat_that_the_provider_keeps_nothing_is_added_to_its_input(self, kept) -> None:
        turns = [{"role": "developer", "content": "Now in French."}, {"role": "user", "content": "Hi"}]
        assert put({**kept, "input": turns}, "responses") == {**kept, "input": turns, "instructions": BLOCK}
        result = {**kept, "input": [{"type": "function_call_output", "call_id": "c", "output": "42"}]}
        assert put(result, "responses", placement="user") == result

    def test_a_block_for_a_user_turn_never_becomes_an_instruction(self) -> None:
        """What rests on untrusted signals alone may stand in a user turn only."""
        for kept in ({}, {"previous_response_id": "resp_1"}):
            body = put({**kept, "instructions": "You sell shoes.", "input": "Hi"}, "responses", placement="user")
            assert body["instructions"] == "You sell shoes."


class TestMessages:
    BODY: ClassVar = {"model": "m", "messages": [{"role": "user", "content": "Hi"}]}

    def test_the_block_is_the_last_of_the_system_blocks(self) -> None:
        part = {"type": "text", "text": BLOCK}
        own = {"type": "text", "text": "You sell shoes."}
        assert put(self.BODY, "messages")["system"] == [part]
        assert put({**self.BODY, "system": "You sell shoes."}, "messages")["system"] == [own, part]
        assert put({**self.BODY, "system": [own]}, "messages", placement="developer")["system"] == [own, part]

    def test_a_user_turn_can_hold_it(self) -> None:
        body = put({**self.BODY, "system": "You sell shoes."}, "messages", placement="user")
        assert body["messages"] == [{"role": "user", "content": f"{BLOCK}\n\nHi"}]
        assert body["system"] == "You sell shoes."

    @pytest.mark.parametrize(
        ("marked", "expected"),
        [
            ({}, True),
            ({"system": [{"type": "text", "text": "a", "cache_control": {"type": "ephemeral"}}]}, True),
            ({"tools": [{"name": str(n), "cache_control": {"type": "ephemeral"}} for n in range(3)]}, True),
            ({"tools": [{"name": str(n), "cache_control": {"type": "ephemeral"}} for n in range(4)]}, False),
            (
                {
                    "cache_control": {"type": "ephemeral"},
                    "tools": [{"name": str(n), "cache_control": {"type": "ephemeral"}} for n in range(3)],
                },
                False,
            ),
            ({"cache_control": {"type": "ephemeral", "ttl": "1h"}}, False),
        ],
    )
    def test_it_is_marked_for_the_cache_where_the_request_has_room(self, marked, expected) -> None:
        part = put({**self.BODY, **marked}, "messages", mark_cache=True)["system"][-1]
        assert ("cache_control" in part) is expected

    def test_marks_inside_tool_results_count_and_arguments_of_tools_do_not(self) -> None:
        def body(**result: Any) -> dict[str, Any]:
            used = {"type": "tool_use", "id": "t", "name": "f", "input": {"cache_control": {"type": "mine"}}}
            return {"messages": [{"role": "assistant", "content": [used] * 4}, {"role": "user", "content": [result]}]}

        mark = {"type": "ephemeral"}
        inner = [{"type": "text", "text": "x", "cache_control": mark} for _ in range(4)]
        assert "cache_control" in put(body(type="tool_result", content="x"), "messages", mark_cache=True)["system"][-1]
        full = put(body(type="tool_result", content=inner), "messages", mark_cache=True)
        assert "cache_control" not in full["system"][-1]

    def test_another_place_takes_the_block_away_from_the_first(self) -> None:
        system = put({**self.BODY, "system": "You sell shoes."}, "messages")
        moved = put(system, "messages", placement="user")
        assert json.dumps(moved).count("<user_preferences>") == 1
        assert json.dumps(put(moved, "messages")).count("<user_preferences>") == 1


@pytest.mark.parametrize(
    ("route", "body"),
    [
        ("chat", {"messages": "Hi"}),
        ("chat", {"messages": []}),
        ("chat", {"messages": [{"content": "no role"}]}),
        ("chat", {"prompt": "Hi"}),
        ("responses", {"instructions": 5, "input": "Hi"}),
        ("responses", {"input": [5]}),
        ("messages", {"system": "You sell shoes."}),
        ("messages", {"messages": ["Hi"]}),
        ("messages", {"messages": [{"role": "user", "content": "Hi"}], "system": 5}),
    ],
)
def test_what_is_no_request_of_its_protocol_is_left_for_the_provider_to_refuse(route, body) -> None:
    for placement in ("system", "developer", "user"):
        assert put(body, route, placement=placement) == body


@pytest.mark.parametrize("route", ["chat", "messages"])
@pytest.mark.parametrize("tools", [5, "tools", {"a": 1}, [5, None]])
def test_tools_that_are_none_are_left_for_the_provider_to_refuse(route, tools) -> None:
    body = put({"messages": [{"role": "user", "content": "Hi"}], "tools": tools}, route, mark_cache=True)
    assert body["tools"] == tools
    assert json.dumps(body).count("<user_preferences>") == 1


def test_what_is_sent_as_a_list_is_made_one_and_nothing_else_is_touched() -> None:
    class Model:
        def __iter__(self) -> Any:
            raise AssertionError

    text, model, ids = {"type": "text", "text": "Hi"}, Model(), iter("ab")
    inner = {"type": "tool_result", "content": (part for part in [text])}
    body = {
        "messages": ({"role": "user", "content": map(dict, [inner])} for _ in range(1)),
        "tools": {"a": text}.values(),
        "system": "You sell shoes.",
        "input": [model],
        "stop_sequences": ids,
    }
    assert with_lists(body) == {
        "messages": [{"role": "user", "content": [{"type": "tool_result", "content": [text]}]}],
        "tools": [text],
        "system": "You sell shoes.",
        "input": [model],
        "stop_sequences": ids,
    }
    assert list(ids) == ["a", "b"]


# --- any body ------------------------------------------------------------------------------------------------------

words = st.text(alphabet="ab \n<>-", min_size=1, max_size=12).filter(lambda text: text == text.strip())
placements = st.sampled_from(["system", "developer", "user"])


def turns(kind: str) -> st.SearchStrategy[dict[str, Any]]:
    parts = st.lists(st.builds(lambda text: {"type": kind, "text": text}, words), min_size=1, max_size=3)
    return st.fixed_dictionaries({"role": st.sampled_from(["user", "assistant"]), "content": words | parts})


def chats(kind: str, instructing: tuple[str, ...]) -> st.SearchStrategy[list[dict[str, Any]]]:
    first = st.lists(
        st.fixed_dictionaries({"role": st.sampled_from(instructing or ("user",)), "content": words}), max_size=2
    )
    user = st.fixed_dictionaries({"role": st.just("user"), "content": words})
    rest = st.lists(turns(kind), max_size=3)
    return st.builds(lambda a, b, c: [*(a if instructing else []), b, *c], first, user, rest)


chat_bodies = st.fixed_dictionaries({"model": words, "messages": chats("text", ("system", "developer"))})
responses_bodies = st.fixed_dictionaries(
    {"input": words | chats("input_text", ("system", "developer"))},
    optional={"instructions": words, "previous_response_id": st.just("resp_1"), "tools": st.just([{"type": "x"}])},
)
system_blocks = st.lists(st.builds(lambda text: {"type": "text", "text": text}, words), min_size=1, max_size=3)
messages_bodies = st.fixed_dictionaries(
    {"messages": chats("text", ()), "max_tokens": st.just(5)}, optional={"system": words | system_blocks}
)
bodies = st.one_of(
    st.tuples(st.just("chat"), chat_bodies),
    st.tuples(st.just("responses"), responses_bodies),
    st.tuples(st.just("messages"), messages_bodies),
)


def without(body: dict[str, Any]) -> dict[str, Any]:
    """The body with every block taken out, and what held nothing else."""
    cut: dict[str, Any] = {}
    for name, value in body.items():
        if isinstance(value, str):
            kept: Any = without_block_in_text(value, TEMPLATES.borders)
        elif isinstance(value, list):
            items = (without(item) for item in value if not is_block(item, TEMPLATES.borders))
            kept = [item for item in items if set(item) != {"role"}]
        else:
            kept = value
        if kept or not value:
            cut[name] = kept
    return cut


def as_parts(body: dict[str, Any]) -> dict[str, Any]:
    """A text is the same as a list of one part with that text, which a cache mark needs."""
    parts = {**body}
    for name in ("system", "content"):
        if isinstance(body.get(name), str):
            parts[name] = [{"type": "text", "text": body[name]}]
    if "messages" in body:
        parts["messages"] = [as_parts(message) for message in body["messages"]]
    return parts


@given(bodies, placements, st.booleans())
def test_twice_is_once_and_taking_the_block_out_gives_the_original(given_body, placement, mark_cache) -> None:
    route, body = given_body
    before = copy.deepcopy(body)
    options = {"placement": placement, "mark_cache": mark_cache}
    once = put(body, route, **options)
    assert body == before
    assert json.dumps(once).count("<user_preferences>") == 1
    assert put(once, route, **options) == once
    assert as_parts(without(once)) == as_parts(body)


@given(bodies, placements)
def test_a_newer_summary_replaces_the_older(given_body, placement) -> None:
    route, body = given_body
    replaced = put(put(body, route, placement=placement), route, LONG, placement=placement)
    assert replaced == put(body, route, LONG, placement=placement)
    assert json.dumps(replaced).count("<user_preferences>") == 1
    assert "Be brief." not in json.dumps(replaced)


@given(bodies, placements)
def test_without_a_summary_the_body_is_equal(given_body, placement) -> None:
    route, body = given_body
    same = put(body, route, NOTHING, placement=placement)
    assert same == body
    assert same is not body


@given(bodies, placements, placements)
def test_another_place_moves_the_block(given_body, first, second) -> None:
    route, body = given_body
    moved = put(put(body, route, placement=first), route, placement=second)
    assert as_parts(moved) == as_parts(put(body, route, placement=second))
