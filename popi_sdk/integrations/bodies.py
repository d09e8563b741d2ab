"""A summary into the JSON body of a provider's request, for each of the three protocols that chat models speak.

`composer.py` knows where the block stands in chat messages; here is where it stands in the other two. The caller's
body is never changed. What does not look like a request of its protocol is given back as it came, so that the
provider says what is wrong with it, as it would without POPI.
"""

from __future__ import annotations

from collections import UserString
from collections.abc import Iterator, Mapping, MappingView, Sequence, Set
from typing import Any, Literal, TypeAlias

from popi_sdk.composer import (
    INSTRUCTING,
    MOST_CACHE_MARKS,
    Placement,
    after_instructions,
    block,
    compose,
    into_user_turn,
    is_block,
    without_block,
    without_block_in_text,
    without_this_block_in_user_turn,
)
from popi_sdk.errors import ConfigError
from popi_sdk.summary import Summary
from popi_sdk.templates import Templates

Route: TypeAlias = Literal["chat", "responses", "messages"]
"""chat: chat completions of OpenAI, Mistral, DeepSeek, vLLM, Ollama
responses: the Responses API of OpenAI
messages: the Messages API of Anthropic"""

Body: TypeAlias = dict[str, Any]

_KEPT_BY_THE_PROVIDER = ("previous_response_id", "conversation")
_READ_HERE = ("messages", "input", "system", "tools")
"""The lists of a request that are looked through; a generator can be looked through only once."""


def with_lists(body: Mapping[str, Any]) -> Body:
    """A new body in which what is sent as a list is one, so that looking at it takes nothing away.

    >>> with_lists({"tools": (tool for tool in ["hammer"]), "stream": True})
    {'tools': ['hammer'], 'stream': True}
    """
    return {name: _listed(value) if name in _READ_HERE else value for name, value in body.items()}


def _listed(value: Any) -> Any:
    if _is_sent_as_list(value):
        return [_listed(item) for item in value]
    if isinstance(value, Mapping) and _is_sent_as_list(value.get("content")):
        return {**value, "content": _listed(value["content"])}
    return value


def _is_sent_as_list(value: Any) -> bool:
    """As the vendors' clients see it: an object that merely can be iterated, such as a model or a file, is none."""
    if isinstance(value, str | UserString | bytes | bytearray | memoryview) or hasattr(value, "read"):
        return False
    return isinstance(value, Sequence | Set | MappingView | Iterator)


def personalized(
    body: Mapping[str, Any],
    route: Route,
    summary: Summary,
    *,
    placement: Placement,
    templates: Templates,
    mark_cache: bool,
) -> Body:
    """A new body with the block of `summary` in it once; an earlier block is replaced, and no summary changes nothing.

    `mark_cache` lets the block end a cached prefix (Anthropic's `cache_control`) where the request has room for a mark.

    >>> from popi_sdk.summary import Clause
    >>> from popi_sdk.templates import default_templates
    >>> brief = Summary(clauses=(Clause("Be brief."),))
    >>> options = {"placement": "system", "templates": default_templates(), "mark_cache": False}
    >>> body = personalized({"instructions": "You sell shoes.", "input": "Hi"}, "responses", brief, **options)
    >>> body["instructions"].splitlines()[0], body["input"]
    ('You sell shoes.', 'Hi')
    """
    text = block(summary, templates)
    if not text:
        return dict(body)
    if route == "chat":
        return _chat(body, summary, placement, templates, mark_cache=mark_cache)
    if route == "responses":
        return _responses(body, text, placement, templates)
    return _messages(body, text, placement, templates, mark_cache=mark_cache)


def _chat(
    body: Mapping[str, Any], summary: Summary, placement: Placement, templates: Templates, *, mark_cache: bool
) -> Body:
    messages: Any = body.get("messages")
    if not _is_list_of_mappings(messages):
        return dict(body)
    provider = "anthropic" if mark_cache else ""
    tools = body.get("tools") or ()
    try:
        composed = compose(messages, summary, placement=placement, provider=provider, templates=templates, tools=tools)
    except ConfigError:
        return dict(body)
    return {**body, "messages": composed}


# --- Responses -----------------------------------------------------------------------------------------------------


def _responses(body: Mapping[str, Any], text: str, placement: Placement, templates: Templates) -> Body:
    """Into `instructions`, which hold for one turn; into `input` for a user turn, or behind instructions given there.

    Where the provider keeps the chat it keeps all input, so there only a user turn gets a block: what may stand in
    a user turn need not be fit to instruct.
    """
    instructions, given = body.get("instructions"), body.get("input")
    if not isinstance(instructions, str | None) or not (isinstance(given, str | None) or _is_list_of_mappings(given)):
        return dict(body)
    kept = any(body.get(key) for key in _KEPT_BY_THE_PROVIDER)
    own_words = without_block_in_text(instructions or "", templates.borders)
    items = without_block(_items(given), templates.borders)
    if placement == "user":
        if kept and not any(item.get("role") == "user" for item in items):
            return dict(body)
        turns = into_user_turn(items, text, templates, part_type="input_text")
        return _with_responses(body, own_words, turns)
    items = without_this_block_in_user_turn(items, text)
    if not own_words and not kept and items and items[0].get("role") in INSTRUCTING:
        role = placement if any(item.get("role") == placement for item in _leading(items)) else items[0]["role"]
        part = {"type": "input_text", "text": text}
        return _with_responses(body, own_words, after_instructions(items, part, role, as_parts=False))
    return _with_responses(body, f"{own_words}\n\n{text}" if own_words else text, items)


def _with_responses(body: Mapping[str, Any], instructions: str, items: list[Body]) -> Body:
    """The body with both parts; `input` stays the string, or the absence, that the caller gave where it can."""
    changed = dict(body)
    if instructions:
        changed["instructions"] = instructions
    elif body.get("instructions"):
        del changed["instructions"]
    given = body.get("input")
    if isinstance(given, str) and len(items) == 1 and isinstance(items[0]["content"], str):
        changed["input"] = items[0]["content"]
    elif items or given is not None:
        changed["input"] = items
    return changed


def _items(given: Any) -> list[Body]:
    if isinstance(given, str):
        return [{"role": "user", "content": given}]
    return [dict(item) for item in given or ()]


def _leading(items: list[Body]) -> Iterator[Body]:
    for item in items:
        if item.get("role") not in INSTRUCTING:
            return
        yield item


# --- Messages ------------------------------------------------------------------------------------------------------


def _messages(
    body: Mapping[str, Any], text: str, placement: Placement, templates: Templates, *, mark_cache: bool
) -> Body:
    """The last text block of `system`, or before the first user turn; there is no developer role here."""
    system: Any = body.get("system")
    messages: Any = body.get("messages")
    if not _is_list_of_mappings(messages) or not (isinstance(system, str | None) or _is_list_of_mappings(system)):
        return dict(body)
    own_blocks = _without_system_block(system, templates.borders)
    turns = [dict(message) for message in messages]
    if placement == "user":
        changed = {**body, "messages": into_user_turn(turns, text, templates)}
        if own_blocks:
            changed["system"] = own_blocks
        elif system:
            del changed["system"]
        return changed
    changed = {**body, "messages": without_this_block_in_user_turn(turns, text)}
    if isinstance(own_blocks, str):
        own_blocks = [{"type": "text", "text": own_blocks}] if own_blocks else []
    part: Body = {"type": "text", "text": text}
    if mark_cache and _has_room_for_a_mark({**changed, "system": own_blocks}):
        part["cache_control"] = {"type": "ephemeral"}
    return {**changed, "system": [*own_blocks, part]}


def _without_system_block(system: Any, borders: tuple[str, str]) -> Any:
    if isinstance(system, str):
        return without_block_in_text(system, borders)
    return [item for item in system or () if not is_block(item, borders)]


def _has_room_for_a_mark(body: Mapping[str, Any]) -> bool:
    """Fewer than four marks, and none behind the block that outlives it, which Anthropic refuses."""
    behind = [*_marks(body["messages"]), *_marks([body])]
    before = [*_marks(body.get("tools")), *_marks(body["system"])]
    return len(before) + len(behind) < MOST_CACHE_MARKS and not any(mark.get("ttl") == "1h" for mark in behind)


def _marks(parts: Any) -> Iterator[Mapping[str, Any]]:
    """The cache marks of blocks and of the blocks inside them, not of what a tool is called with."""
    for part in parts if isinstance(parts, list | tuple) else ():
        if isinstance(part, Mapping):
            if isinstance(mark := part.get("cache_control"), Mapping):
                yield mark
            if isinstance(content := part.get("content"), list | tuple):
                yield from _marks(content)


def _is_list_of_mappings(value: Any) -> bool:
    return isinstance(value, list | tuple) and all(isinstance(item, Mapping) for item in value)
