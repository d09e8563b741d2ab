"""One text: what is private in it is found, and replaced by its kind in brackets."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from types import MappingProxyType
from typing import TypeAlias

from popi_sdk.privacy import addresses, assignments, national_ids, numbers, phones, secrets, spoken
from popi_sdk.privacy.escapes import Unescaped, unescape
from popi_sdk.privacy.folding import fold
from popi_sdk.privacy.json_texts import is_json, within_values
from popi_sdk.privacy.patterns import matches

Span: TypeAlias = tuple[int, int]
"""Start and end of a finding."""

_DETECTORS: tuple[tuple[str, Callable[[str], Iterable[Span]]], ...] = (
    ("private key", secrets.private_keys),
    ("secret", assignments.in_addresses),
    ("secret", secrets.keys),
    ("secret", assignments.named),
    ("email", addresses.emails),
    ("email", spoken.emails),
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
    r"""@ | [ ](?i:dot|punkt|punto|point)[ ] | [(\[{][ ]?(?:at|arroba)[ ]?[)\]}] | ://\S | -----BEGIN | PuTTY
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

    What stands behind escapes, as in JSON and in addresses, is found too; a text that is JSON is JSON afterwards.

    Args:
        text: any string.
        extra: patterns of the app's own, by the name that then stands in brackets; `Redactor` checks such.

    >>> redact("My card is 4111 1111 1111 1111.")
    Redacted(text='My card is [card].', counts=mappingproxy({'card': 1}))
    """
    if not extra and not _looks_private(fold(unescape(text)).text):
        return Redacted(text, _NOTHING)
    brackets = _brackets(tuple(extra))
    counts: Counter[str] = Counter()
    as_json: bool | None = None
    for _ in range(_MOST_PASSES):
        hidden = brackets.sub(_hide, text)
        found = _apart(_found(hidden, extra))
        if not found:
            break
        as_json = is_json(text) if as_json is None else as_json
        chosen = _outside_brackets(hidden, found, as_json)
        if not chosen:
            break
        counts.update(kind for _, _, kind, _ in chosen)
        text = "".join(_replaced(text, chosen))
    else:  # made so that each replacement uncovers the next finding; no such text says anything
        text = '"[secret]"' if as_json else "[secret]"
        counts["secret"] += 1
    return Redacted(text, MappingProxyType(dict(counts)) if counts else _NOTHING)


def _looks_private(text: str) -> bool:
    return bool(_WORTH_A_LOOK.search(text)) or assignments.may_hold(text)


@lru_cache(maxsize=16)
def _brackets(names: tuple[str, ...]) -> re.Pattern[str]:
    return re.compile(r"\[(?:" + "|".join(map(re.escape, (*KINDS, *names))) + r")\]")


def _found(text: str, extra: Mapping[str, re.Pattern[str]]) -> Iterator[tuple[int, int, str]]:
    """Stretches to replace in a text whose kinds in brackets are hidden."""
    for name, pattern in extra.items():
        spans = list(matches(pattern, text))
        yield from ((start, end, name) for start, end in spans)
        text = _without(text, spans)
    # A password in an address may hold `%40` and `%2F` just so that its end can be told.
    folded = fold(Unescaped(text))
    spans = [folded.place(start, end) for start, end in assignments.in_addresses(folded.text)]
    yield from ((start, end, "secret") for start, end in spans)
    unescaped = unescape(_without(text, spans))
    seen = unescaped.text
    if unescaped.starts is not None:
        for name, pattern in extra.items():
            spans = list(matches(pattern, seen))
            yield from ((*unescaped.place(start, end), name) for start, end in spans)
            seen = _without(seen, spans)
    folded = fold(Unescaped(seen, unescaped.starts, unescaped.ends))
    seen = folded.text
    for kind, detector in _DETECTORS:
        spans = list(detector(seen))
        yield from ((*folded.place(start, end), kind) for start, end in spans)
        seen = _without(seen, spans)


def _apart(found: Iterable[tuple[int, int, str]]) -> list[tuple[int, int, str]]:
    """Stretches from first to last; those that overlap are one, of the kind of the first."""
    joined: list[tuple[int, int, str]] = []
    for start, end, kind in sorted(found):
        if joined and start < joined[-1][1]:
            joined[-1] = (joined[-1][0], max(end, joined[-1][1]), joined[-1][2])
        else:
            joined.append((start, end, kind))
    return joined


def _outside_brackets(
    hidden: str, found: Sequence[tuple[int, int, str]], as_json: bool
) -> list[tuple[int, int, str, bool]]:
    """What holds more than kinds in brackets, and whether what replaces it needs quotes."""
    fitted = within_values(hidden, found) if as_json else ((*stretch, False) for stretch in found)
    return [stretch for stretch in fitted if hidden[stretch[0] : stretch[1]].strip(_TAKEN)]


def _hide(found: re.Match[str]) -> str:
    return _TAKEN * len(found[0])


def _without(text: str, spans: Iterable[Span]) -> str:
    pieces: list[str] = []
    place = 0
    for start, end in spans:
        pieces += (text[place:start], _TAKEN * (end - start))
        place = end
    return "".join((*pieces, text[place:])) if pieces else text


def _replaced(text: str, chosen: Iterable[tuple[int, int, str, bool]]) -> Iterator[str]:
    place = 0
    for start, end, kind, quoted in chosen:
        yield text[place:start]
        yield f'"[{kind}]"' if quoted else f"[{kind}]"
        place = end
    yield text[place:]
