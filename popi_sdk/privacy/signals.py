"""Whole signals: every text in them, and the id where it was made from the content."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, cast

from popi_sdk.errors import SignalError
from popi_sdk.privacy.json_texts import is_json
from popi_sdk.privacy.patterns import compile_pattern
from popi_sdk.privacy.secrets import keys_at_the_edges
from popi_sdk.privacy.texts import KINDS, Redacted, redact
from popi_sdk.signals import MAX_TEXT, Conversation, Edit, Message, Persona, PreferencePair, Signal, SignalBase

EMPTIED = "emptied"
"""Counted for what had to be dropped whole: a pair or an edit whose two texts differed only in what is private."""

_TEXTS = ("prompt", "chosen", "rejected", "response", "reason", "text", "draft", "final")
_DEEPEST = 60
"""Levels of lists and tables in one message; what lies deeper is in no chat, and is dropped."""
_FILE = re.compile(
    r"(?:data:(?:[\w.+-]{1,80}/[\w.+-]{1,80})?(?:;[\w=.+-]{1,80}){0,5};base64,|(?=[A-Za-z0-9+/=_-]{4000}))"
    r"(?P<bytes>[A-Za-z0-9+/=_-]*)"
)
"""The bytes of a file, which are no words."""
_PLAIN = frozenset({str, int, float, bool, type(None)})


@dataclass(frozen=True, slots=True)
class RedactedSignals:
    """Signals without what is private, and how much of each kind was taken out of all of them."""

    signals: tuple[Signal, ...]
    counts: Mapping[str, int]


@dataclass(slots=True)
class Redactor:
    """Takes what is private out of signals; `extra` adds patterns, by the name that stands in their place.

    A pattern sees a line at a time, and of a longer line pieces of 2,000 characters that share 200. One that takes long
    on texts made to slow it down is refused; not every such pattern can be told.

    Raises:
        ConfigError: a pattern does not compile, matches the empty text or takes too long, or its name cannot be used.

    >>> from popi_sdk.signals import Statement
    >>> redactor = Redactor({"customer": r"C-[0-9]{6}"})
    >>> found = redactor.signals([Statement("I am C-204177, mail me at ada@example.org.")])
    >>> found.signals[0].text, dict(found.counts)
    ('I am [customer], mail me at [email].', {'customer': 1, 'email': 1})
    """

    extra: Mapping[str, str] | None = None
    _patterns: dict[str, re.Pattern[str]] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        taken = (*KINDS, EMPTIED)
        self._patterns = {name: compile_pattern(name, text, taken) for name, text in (self.extra or {}).items()}

    def text(self, text: str) -> Redacted:
        """Return one text without what is private."""
        return redact(text, self._patterns)

    def signals(self, signals: Sequence[Signal]) -> RedactedSignals:
        """Return `signals` without what is private; one that holds nothing of the kind is the very same object.

        An id that was made from the content is made from the new content, as the old one would let a number be
        guessed. A pair or an edit whose two texts are the same without what is private is left out and counted.
        """
        counts: Counter[str] = Counter()
        kept = [new for signal in signals if (new := self._signal(signal, counts)) is not None]
        return RedactedSignals(tuple(kept), MappingProxyType(dict(counts)))

    def _signal(self, signal: Signal, counts: Counter[str]) -> Signal | None:
        found: Counter[str] = Counter()
        changes: dict[str, Any] = {}
        for name in _TEXTS:
            text = getattr(signal, name, None)
            if text is not None:
                changes[name] = self._text(text, found)
        if isinstance(signal, Conversation):
            changes["messages"] = tuple(self._message(message, found) for message in signal.messages)
        if isinstance(signal, Persona) and signal.attributes:
            changes["attributes"] = self._table(signal.attributes, found)
        counts.update(found)
        if not found:
            return signal
        if _says_nothing(signal, changes):
            counts[EMPTIED] += 1
            return None
        try:
            return _changed(signal, changes)
        except SignalError:  # parts of a chat that grew beyond what a signal may hold
            counts[EMPTIED] += 1
            return None

    def _text(self, text: str, found: Counter[str]) -> str:
        redacted = redact(text, self._patterns)
        found.update(redacted.counts)
        return redacted.text[:MAX_TEXT]  # a kind in brackets may be longer than what it stands for

    def _message(self, message: Message, found: Counter[str]) -> Message:
        before = sum(found.values())
        parts: dict[str, Any] = {"content": message.content, **(message.model_extra or {})}
        if not _is_plain(parts):  # a vendor's object, a set, a date: looked at in the form that is stored
            parts = {name: value for name, value in message.model_dump(mode="json").items() if name in parts}
        content = self._value(parts.pop("content"), "", found)
        others = self._table(parts, found)
        if sum(found.values()) == before:
            return message
        return Message(role=message.role, content=content, feedback=message.feedback, **others)

    def _table(self, table: Mapping[str, Any], found: Counter[str], depth: int = 0) -> dict[str, Any]:
        """Names and values; names that become the same are numbered, so that no value is lost."""
        new: dict[str, Any] = {}
        numbers: Counter[str] = Counter()
        for key, value in table.items():
            name = once = self._text(key, found)
            while name in new or (name != key and name in table):
                numbers[once] += 1
                name = f"{once} {numbers[once] + 1}"
            new[name] = self._value(value, key, found, depth)
        return new

    def _value(self, value: Any, key: str, found: Counter[str], depth: int = 0) -> Any:
        """A value as JSON has them, read together with its key: `"phone": 4155550132` is a phone number."""
        if isinstance(value, str):
            file = _FILE.fullmatch(value)
            return self._bytes(value, file.start("bytes"), found) if file else self._after(key, value, found)
        if isinstance(value, int | float) and not isinstance(value, bool):
            text = self._after(key, str(value), found)
            return value if text == str(value) else text
        if depth >= _DEEPEST and isinstance(value, list | dict):
            found[EMPTIED] += 1
            return None
        if isinstance(value, list):
            return [self._value(item, key, found, depth + 1) for item in value]
        return self._table(value, found, depth + 1) if isinstance(value, dict) else value

    def _bytes(self, value: str, start: int, found: Counter[str]) -> str:
        for first, last in reversed(list(keys_at_the_edges(value[start:]))):
            found["secret"] += 1
            value = f"{value[: start + first]}[secret]{value[start + last :]}"
        return value

    def _after(self, key: str, text: str, found: Counter[str]) -> str:
        if not key or "\n" in text or len(key) > 64 or is_json(text):
            return self._text(text, found)
        together = redact(f"{key}: {text}", self._patterns)
        if together.counts and together.text.startswith(f"{key}: "):
            found.update(together.counts)
            return together.text.removeprefix(f"{key}: ")
        return self._text(text, found)


def _is_plain(value: Any) -> bool:
    """Whether a value is made of nothing but what JSON has, so that it is stored as it is."""
    left = [value]
    while left:
        item = left.pop()
        if type(item) is list:
            left += item
        elif type(item) is dict:
            if any(type(name) is not str for name in item):
                return False
            left += item.values()
        elif type(item) not in _PLAIN:
            return False
    return True


def _says_nothing(signal: Signal, changes: Mapping[str, Any]) -> bool:
    if isinstance(signal, PreferencePair):
        return bool(changes["chosen"] == changes["rejected"])
    return isinstance(signal, Edit) and bool(changes["draft"] == changes["final"])


def _changed(signal: Signal, changes: dict[str, Any]) -> Signal:
    """The signal with new content; its own id where one was given, else one made from the new content."""
    fields = {name: getattr(signal, name) for name in type(signal).model_fields}
    if signal.id == signal.content_hash():
        del fields["id"]
    kind: type[SignalBase] = type(signal)
    return cast("Signal", kind(**(fields | changes)))
