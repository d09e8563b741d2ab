"""A summary into a request: one block of plain text, after the app's own words, the same bytes for the same summary.

Nothing else of the request changes, the caller's messages are never mutated, and without a summary they come back
equal to what was given.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, Literal, TypeAlias

from popi_sdk.errors import ConfigError
from popi_sdk.summary import Summary
from popi_sdk.templates import Templates, default_templates

Placement: TypeAlias = Literal["system", "developer", "user"]
ChatMessage: TypeAlias = dict[str, Any]
Prompt: TypeAlias = "str | Sequence[Mapping[str, Any]]"

INSTRUCTING = ("system", "developer")
"""The roles in which an app speaks to the model."""
MOST_CACHE_MARKS = 4
"""Anthropic refuses a request with more `cache_control` marks."""


def as_messages(prompt: Prompt) -> list[ChatMessage]:
    """A prompt as chat messages: a string is one user turn; messages are copied one level deep.

    Raises:
        ConfigError: no message, or something that is not a message.

    >>> as_messages("Why is the sky blue?")
    [{'role': 'user', 'content': 'Why is the sky blue?'}]
    """
    if isinstance(prompt, str):
        if not prompt.strip():
            raise ConfigError("`prompt` is empty", hint="Give the user's question or the chat so far.")
        _check_encodable(prompt, "`prompt`")
        return [{"role": "user", "content": prompt}]
    if isinstance(prompt, Mapping) or not isinstance(prompt, Sequence):
        raise ConfigError(f"`prompt` is a {type(prompt).__name__}", hint="Give a string or a list of chat messages.")
    messages = []
    for index, message in enumerate(prompt):
        if not isinstance(message, Mapping) or not isinstance(message.get("role"), str):
            raise ConfigError(
                f"`prompt`: message {index} has no `role`",
                hint='Messages look like {"role": "user", "content": "..."}.',
            )
        _check_encodable(message.get("content"), f"`prompt`: message {index}")
        messages.append(dict(message))
    if not messages:
        raise ConfigError("`prompt` has no message", hint="Give the user's question or the chat so far.")
    return messages


def _check_encodable(content: Any, where: str) -> None:
    if isinstance(content, str):
        try:
            content.encode("utf-8")
        except UnicodeEncodeError as error:
            raise ConfigError(f"{where} holds half a character (lone surrogate) at position {error.start}") from error


def block(summary: Summary, templates: Templates | None = None) -> str:
    """The text that stands in the request: the clauses between borders; empty for an empty summary."""
    if not summary:
        return ""
    clauses = tuple(clause.text for clause in summary.clauses)
    return (templates or default_templates()).render("generation_system", clauses=clauses)


def compose(
    prompt: Prompt,
    summary: Summary,
    *,
    placement: Placement = "system",
    provider: str = "",
    templates: Templates | None = None,
    tools: Sequence[Any] = (),
) -> list[ChatMessage]:
    """Put `summary` into the messages of `prompt`; a block that is already there is replaced, not doubled.

    `provider` "anthropic" marks the block for the prompt cache when messages and `tools` hold fewer than four marks.

    >>> from popi_sdk.summary import Clause, Summary
    >>> compose("Hi", Summary())
    [{'role': 'user', 'content': 'Hi'}]
    >>> [message["role"] for message in compose("Hi", Summary(clauses=(Clause("Be brief."),)))]
    ['system', 'user']
    """
    messages = as_messages(prompt)
    templates = templates or default_templates()
    text = block(summary, templates)
    if not text:
        return messages
    messages = without_block(messages, templates.borders)
    if placement == "user":
        return into_user_turn(messages, text, templates)
    messages = without_this_block_in_user_turn(messages, text)
    part: ChatMessage = {"type": "text", "text": text}
    if provider == "anthropic":
        if _cache_marks(messages, tools) < MOST_CACHE_MARKS:
            part["cache_control"] = {"type": "ephemeral"}
        return after_instructions(messages, part, placement, as_parts=True)
    return after_instructions(messages, part, placement, as_parts=False)


def after_instructions(
    messages: list[ChatMessage], part: ChatMessage, role: Placement, *, as_parts: bool
) -> list[ChatMessage]:
    """Add the block to the last leading message of `role`, or as a message of its own after the leading ones."""
    leading = 0
    while leading < len(messages) and messages[leading].get("role") in INSTRUCTING:
        leading += 1
    same_role = [place for place in range(leading) if messages[place]["role"] == role]
    if not same_role:
        content = [part] if as_parts else part["text"]
        return [*messages[:leading], {"role": role, "content": content}, *messages[leading:]]
    place = same_role[-1]
    content = _appended(messages[place].get("content"), part, as_parts=as_parts)
    return [*messages[:place], {**messages[place], "content": content}, *messages[place + 1 :]]


def _appended(content: Any, part: ChatMessage, *, as_parts: bool) -> Any:
    if isinstance(content, list | tuple):
        return [*content, part]
    if not content:
        return [part] if as_parts else part["text"]
    if as_parts:
        return [{"type": "text", "text": content}, part]
    return f"{content}\n\n{part['text']}"


def into_user_turn(
    messages: list[ChatMessage], text: str, templates: Templates, *, part_type: str = "text"
) -> list[ChatMessage]:
    """Put the block before the first user turn, where it stays while the chat grows behind it."""
    place = next((place for place, message in enumerate(messages) if message.get("role") == "user"), None)
    if place is None:
        return [*messages, {"role": "user", "content": text}]
    content = messages[place].get("content")
    if isinstance(content, list | tuple):
        kept = [item for item in content if not is_block(item, templates.borders)]
        new: Any = [{"type": part_type, "text": text}, *kept]
    else:
        own_words = without_block_in_text(str(content or ""), templates.borders)
        new = templates.render("generation_user", prompt=own_words, preferences=text)
    return [*messages[:place], {**messages[place], "content": new}, *messages[place + 1 :]]


def without_block(messages: list[ChatMessage], borders: tuple[str, str]) -> list[ChatMessage]:
    """The messages with any earlier block taken out of the leading instructions; user turns are not looked at."""
    cleaned: list[ChatMessage] = []
    for place, message in enumerate(messages):
        if message.get("role") not in INSTRUCTING:
            return [*cleaned, *messages[place:]]
        content = message.get("content")
        if isinstance(content, list | tuple):
            kept: Any = [item for item in content if not is_block(item, borders)]
        else:
            kept = without_block_in_text(content, borders) if isinstance(content, str) else content
        if kept or not content:
            cleaned.append(message if kept == content else {**message, "content": kept})
    return cleaned


def without_this_block_in_user_turn(messages: list[ChatMessage], text: str) -> list[ChatMessage]:
    """Take out what an earlier call with `placement="user"` put there; only these very bytes, never a user's words."""
    place = next((place for place, message in enumerate(messages) if message.get("role") == "user"), None)
    content = messages[place].get("content") if place is not None else None
    if isinstance(content, str) and content.startswith(text):
        kept: Any = content.removeprefix(text).lstrip("\n")
    elif isinstance(content, list) and content and isinstance(content[0], Mapping) and content[0].get("text") == text:
        kept = content[1:]
    else:
        return messages
    return [{**message, "content": kept} if here == place else message for here, message in enumerate(messages)]


def is_block(item: Any, borders: tuple[str, str]) -> bool:
    """Whether a part of a message is a block and nothing else."""
    text = item.get("text") if isinstance(item, Mapping) else None
    return isinstance(text, str) and text.startswith(borders[0] + "\n") and text.rstrip().endswith("\n" + borders[1])


def without_block_in_text(text: str, borders: tuple[str, str]) -> str:
    """`text` without blocks, and without the empty line that was put between a block and the text beside it."""
    if borders[0] not in text:
        return text
    first, last = (re.escape(border) for border in borders)
    return re.sub(rf"(?ms)(\n\n)?^{first}$.*?^{last}$(\n\n)?", _gap, text)


def _gap(match: re.Match[str]) -> str:
    """A block in the middle of a text leaves an empty line; one at either end leaves nothing."""
    return "\n\n" if match[1] and match[2] else ""


def _cache_marks(messages: Sequence[Mapping[str, Any]], tools: Any) -> int:
    """How many marks a request holds; `tools` that are no list are the provider's to refuse."""
    marked = [item for item in tools if isinstance(item, Mapping)] if isinstance(tools, list | tuple) else []
    for message in messages:
        marked.append(message)
        content = message.get("content")
        if isinstance(content, list | tuple):
            marked.extend(item for item in content if isinstance(item, Mapping))
    return sum(1 for item in marked if item.get("cache_control") or _function_mark(item))


def _function_mark(tool: Mapping[str, Any]) -> bool:
    function = tool.get("function")
    return isinstance(function, Mapping) and bool(function.get("cache_control"))
