"""Whatever an app holds, as signals.

str                                   a Statement
dict                                  by its `kind`, else by its keys, such as `chosen` and `rejected`
list whose items all have `role`      one Conversation
pathlib.Path                          a JSON or JSON Lines file of any of these
any mix of them in a list             each in turn
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from difflib import get_close_matches
from pathlib import Path
from typing import Any, TypeAlias, cast

from popi_sdk.errors import SignalError
from popi_sdk.signals import KINDS, Conversation, Signal, SignalBase, Statement

SignalLike: TypeAlias = "SignalBase | str | Mapping[str, Any] | Sequence[Mapping[str, Any]] | Path"
"""What is taken wherever signals are: see the module docstring."""

SignalsLike: TypeAlias = "SignalLike | Iterable[SignalLike] | None"

_KEYS = (
    ({"chosen", "rejected"}, "preference_pair"),
    ({"draft", "final"}, "edit"),
    ({"response", "score"}, "rating"),
    ({"response", "liked"}, "rating"),
    ({"messages"}, "conversation"),
    ({"attributes"}, "persona"),
    ({"text", "prompt"}, "demonstration"),
    ({"text"}, "statement"),
)
"""Which keys give a dict without `kind` away, most telling first."""

_THUMBS = {1: "up", 0: "down", -1: "down", "thumbs_up": "up", "thumbs_down": "down", "like": "up", "dislike": "down"}
"""Thumbs as chat products write them; True and False count as 1 and 0."""


def coerce(signals: SignalsLike) -> tuple[Signal, ...]:
    """Return `signals` as signal objects, in order; a repeat within them counts once, the last time given.

    Raises:
        SignalError: something cannot be taken; `.index` is its place and `.field` the part at fault.

    >>> [signal.kind for signal in coerce(["Be brief.", {"prompt": "Hi", "response": "Hello!", "liked": True}])]
    ['statement', 'rating']
    """
    found: dict[str, Signal] = {}
    for signal in _each(signals):
        found.pop(signal.id, None)
        found[signal.id] = signal
    return tuple(found.values())


def coerce_all(groups: Sequence[SignalsLike]) -> tuple[Signal, ...]:
    """Signals given as several arguments, of which any may be a list of them.

    >>> [signal.text for signal in coerce_all(["Be brief.", ["No jargon.", "Use lists."]])]
    ['Be brief.', 'No jargon.', 'Use lists.']
    """
    if len(groups) == 1:
        return coerce(groups[0])
    several: list[Any] = []
    for group in groups:
        listed = isinstance(group, list | tuple) and not _is_chat(group)
        several.extend(cast("Sequence[Any]", group) if listed else [group])
    return coerce(several)


def load(path: str | Path) -> tuple[Signal, ...]:
    """Read signals from a JSON or JSON Lines file.

    Raises:
        SignalError: the file cannot be read, is not JSON, or holds something that is not a signal.
    """
    return coerce(Path(path))


def parse(text: str, name: str = "input") -> tuple[Signal, ...]:
    """Read signals from JSON or JSON Lines text, such as standard input; `name` stands in errors."""
    return coerce(_from_json(text, name))


def _each(signals: SignalsLike) -> Iterator[Signal]:
    if signals is None:
        return
    if isinstance(signals, SignalBase | str | Mapping):
        yield _one(signals, 0)
    elif isinstance(signals, Path):
        yield from _each(_from_json(_read(signals), str(signals)))
    elif isinstance(signals, bytes | bytearray) or not isinstance(signals, Iterable):
        raise SignalError(
            f"got {type(signals).__name__}", hint="Give signal objects, dicts, strings, or a list of them."
        )
    else:
        items = list(signals)
        if _is_chat(items):
            yield _one(items, 0)
            return
        for index, item in enumerate(items):
            yield from _each(item) if isinstance(item, Path) else (_one(item, index),)


def _one(item: Any, index: int) -> Signal:
    try:
        return _convert(item)
    except SignalError as error:
        raise SignalError(error.reason, index=index, field=error.field, hint=error.hint) from None


def _convert(item: Any) -> Signal:
    if isinstance(item, SignalBase):
        return cast("Signal", item)
    if isinstance(item, str):
        return Statement(item)
    if isinstance(item, Mapping):
        return _from_dict(dict(item))
    if isinstance(item, list | tuple) and _is_chat(item):
        return _conversation({"messages": list(item)})
    raise SignalError(f"is of type {type(item).__name__}", hint="Give a signal object, a dict or a string.")


def _from_dict(item: dict[str, Any]) -> Signal:
    if not all(isinstance(key, str) for key in item):
        raise SignalError("has a key that is not a string")
    kind = item.get("kind") or next((kind for keys, kind in _KEYS if keys <= item.keys()), None)
    if kind == "conversation":
        return _conversation(item)
    signal_class = KINDS.get(kind) if isinstance(kind, str) else None
    if signal_class is None:
        raise _unknown(item)
    texts = {key: _answer_text(value) if key in ("chosen", "rejected") else value for key, value in item.items()}
    return cast("Signal", signal_class(**texts))


def _unknown(item: dict[str, Any]) -> SignalError:
    if "kind" not in item:
        return SignalError(
            "is missing, and no signal has these keys: " + ", ".join(sorted(item)[:8]),
            field="kind",
            hint="Kinds are: " + ", ".join(KINDS) + ".",
        )
    near = get_close_matches(str(item["kind"])[:40], KINDS, n=1)
    hint = f"Did you mean `{near[0]}`?" if near else "Kinds are: " + ", ".join(KINDS) + "."
    return SignalError("is not one that exists", field="kind", hint=hint)


def _answer_text(value: Any) -> Any:
    """Preference data often holds each answer as chat messages; its last turn is the answer."""
    if isinstance(value, list) and _is_chat(value):
        content = value[-1].get("content")
        return content if isinstance(content, str) else value
    return value


def _is_chat(items: Sequence[Any]) -> bool:
    return len(items) > 0 and all(isinstance(item, Mapping) and "role" in item for item in items)


def _conversation(item: dict[str, Any]) -> Signal:
    messages = item.get("messages")
    if not isinstance(messages, list | tuple):
        raise SignalError("must be a list of messages", field="messages")
    item = dict(item)
    thumb = item.pop("feedback", None)
    turns = [_with_thumb(message) for message in messages]
    if thumb is not None:
        answers = [
            place for place, turn in enumerate(turns) if isinstance(turn, dict) and turn.get("role") == "assistant"
        ]
        if not answers:
            raise SignalError("rates a chat without an answer", field="feedback")
        turns[answers[-1]] = _with_thumb({**turns[answers[-1]], "feedback": thumb})
    return Conversation(**{**item, "messages": turns})


def _with_thumb(message: Any) -> Any:
    if not isinstance(message, Mapping) or message.get("feedback") is None:
        return message
    thumb = message["feedback"]
    return {**message, "feedback": _THUMBS.get(thumb, thumb) if isinstance(thumb, str | int) else thumb}


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise SignalError(f"The file {path} cannot be read: {error.strerror}.") from error
    except UnicodeDecodeError as error:
        raise SignalError(f"The file {path} is not UTF-8 text (byte {error.start}).") from error


def _from_json(text: str, name: str) -> Any:
    try:
        whole = json.loads(text)
    except RecursionError as error:
        raise SignalError(f"{name} is nested too deeply to be signals.") from error
    except ValueError:
        return _from_json_lines(text, name)
    if isinstance(whole, dict) and isinstance(whole.get("signals"), list):
        return whole["signals"]
    return whole


def _from_json_lines(text: str, name: str) -> list[Any]:
    items = []
    # Not splitlines(): it also breaks at characters such as U+2028 that may stand inside a JSON string.
    for number, line in enumerate(text.split("\n"), start=1):
        if not line.strip():
            continue
        try:
            items.append(json.loads(line))
        except (ValueError, RecursionError) as error:
            raise SignalError(
                f"Line {number} of {name} is not JSON.", hint="Give a JSON file, or one JSON object on each line."
            ) from error
    return items
