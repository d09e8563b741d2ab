"""The words and orders the guard knows, read from the three text files beside this module when first needed."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import TypeAlias

from popi_sdk.guard.text import fold_words

Families: TypeAlias = MappingProxyType[str, tuple[str, ...]]
"""Words by the name of their family."""

_GOES_ON = re.compile(r"\|\n\s+")
_ENTRY = re.compile(r"^([A-Z_]+): ((?:.+)(?:\n    .+)*)", re.MULTILINE)
_SECTION = re.compile(r"^\[(\w+)\]( unspaced)?\n((?:(?!\[\w+\]).*\n)*)", re.MULTILINE)


def _read(name: str) -> str:
    text = (Path(__file__).parent / name).read_text("utf-8")
    return "".join(line for line in text.splitlines(keepends=True) if not line.startswith("#"))


def _families(text: str) -> Families:
    return MappingProxyType({name: tuple(members.split()) for name, members in _ENTRY.findall(text)})


@cache
def english() -> Families:
    """The families of English words."""
    return _families(_read("english_words.txt"))


@cache
def words(family: str) -> frozenset[str]:
    """One English family as a set."""
    return frozenset(english()[family])


@cache
def abroad() -> frozenset[str]:
    """Words of other languages for "always", "each" and "at the end", folded, none of which is English."""
    return frozenset(fold_words(word) for word in languages()[0][0]["PLACED"])


@cache
def orders() -> tuple[tuple[str, str], ...]:
    """Reason and line of every order in English."""
    sections = _SECTION.findall(_GOES_ON.sub("|", _read("english_orders.txt")))
    return tuple((reason, line) for reason, _, lines in sections for line in lines.split("\n") if line)


@cache
def languages() -> tuple[tuple[Families, bool], ...]:
    """The families of every other language, and whether it puts spaces between words."""
    return tuple((_families(text), not unspaced) for _, unspaced, text in _SECTION.findall(_read("languages.txt")))
