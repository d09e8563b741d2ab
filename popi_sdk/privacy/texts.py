"""One text: what is private in it is found, and replaced by its kind in brackets."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from types import MappingProxyType
from typing import TypeAlias

from popi_sdk.privacy import addresses, assignments, national_ids, numbers, phones, secrets
from popi_sdk.privacy.folding import fold
from popi_sdk.privacy.patterns import matches

Span: TypeAlias = tuple[int, int]
"""Start and end of a finding."""

_DETECTORS: tuple[tuple[str, Callable[[str], Iterable[Span]]], ...] = (
    ("private key", secrets.private_keys),
    ("secret", assignments.in_addresses),
    ("secret", secrets.keys),
    ("secret", assignments.named),
    ("email", addresses.emails),
    ("iban", numbers.ibans),
    ("card", numbers.cards),
    ("national id", national_ids.find),
    ("ip", addresses.ips),
    ("phone", phones.find),
)
"""What looks for each kind, the surest first: a text that one has taken is not seen by those after it."""

KINDS = ("private key", "secret", "email", "iban", "card", "national id", "ip", "phone")
"""The kinds that are looked for in every text."""

_NOTHING: Mapping[str, int] = MappingProxyType({})
_NO_PATTERNS: Mapping[str, re.Pattern[str]] = MappingProxyType({})
_TAKEN = "\0"
"""Stands for each character of what is taken; no detector takes it for a part of anything."""
_MOST_PASSES = 12
_WORTH_A_LOOK = re.compile(
    r"""@ | [(\[{][ ]?(?:at|arroba)[ ]?[)\]}] | ://\S | -----BEGIN | PuTTY
    | [0-9](?:[\W_]{0,3}[0-9]){5} | [0-9]\.[0-9]{1,3}\.[0-9] | [0-9a-fA-F]:[0-9a-fA-F:]
    | [A-Za-z0-9_-]{16} | [A-Z]{2}[0-9]{2}""",
    re.VERBOSE,
)


@dataclass(frozen=True, slots=True)
class Redacted:
    """A text without what is private, and how much of each kind was taken out."""

    text: str
    counts: Mapping[str, int]


def redact(text: str, extra: Mapping[str, re.Pattern[str]] = _NO_PATTERNS) -> Redacted:
    """Replace what is private in `text` by its kind in brackets; redacting again changes nothing.

    Args:
        text: any string.
        extra: patterns of the app's own, by the name that then stands in brackets; `Redactor` checks such.

    >>> redact("My card is 4111 1111 1111 1111.")
    Redacted(text='My card is [card].', counts=mappingproxy({'card': 1}))
    """
    if not extra and not _looks_private(fold(text).text):
        return Redacted(text, _NOTHING)
    brackets = _brackets(tuple(extra))
    counts: Counter[str] = Counter()
    for _ in range(_MOST_PASSES):
        found = sorted(_found(text, extra, brackets))
        if not found:
            break
        counts.update(kind for _, _, kind in found)
        text = "".join(_replaced(text, found))
    else:  # made so that each replacement uncovers the next finding; no such text says anything
        text = "[secret]"
        counts["secret"] += 1
    return Redacted(text, MappingProxyType(dict(counts)) if counts else _NOTHING)


def _looks_private(text: str) -> bool:
    return bool(_WORTH_A_LOOK.search(text)) or assignments.may_hold(text)


@lru_cache(maxsize=16)
def _brackets(names: tuple[str, ...]) -> re.Pattern[str]:
    return re.compile(r"\[(?:" + "|".join(map(re.escape, (*KINDS, *names))) + r")\]")


def _found(
    text: str, extra: Mapping[str, re.Pattern[str]], brackets: re.Pattern[str]
) -> Iterator[tuple[int, int, str]]:
    """Stretches to replace, which do not overlap; each holds something that is not in brackets yet."""
    text = brackets.sub(_hide, text)
    for name, pattern in extra.items():
        spans = [(start, end) for start, end in matches(pattern, text) if text[start:end].strip(_TAKEN)]
        yield from ((start, end, name) for start, end in spans)
        text = _without(text, spans)
    folded = fold(text)
    seen = folded.text
    for kind, detector in _DETECTORS:
        spans = list(detector(seen))
        yield from ((*folded.place(start, end), kind) for start, end in spans)
        seen = _without(seen, spans)


def _hide(found: re.Match[str]) -> str:
    return _TAKEN * len(found[0])


def _without(text: str, spans: Iterable[Span]) -> str:
    pieces: list[str] = []
    place = 0
    for start, end in spans:
        pieces += (text[place:start], _TAKEN * (end - start))
        place = end
    return "".join((*pieces, text[place:])) if pieces else text


def _replaced(text: str, found: Iterable[tuple[int, int, str]]) -> Iterator[str]:
    place = 0
    for start, end, kind in found:
        yield text[place:start]
        yield f"[{kind}]"
        place = end
    yield text[place:]
