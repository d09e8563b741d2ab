"""The words and orders the guard knows, read from the three text files beside this module when first needed."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import TypeAlias

from popi_sdk.guard.text import fold_words

Families: TypeAlias = MappingProxyType[str, tuple[str, ...]]
"""Words by the name of their family."""

_GOES_ON = re.compile(r"\|\n\s+")
_ENTRY = re.compile(r"^([A-Z_]+): ((?:.+)(?:\n    .+)*)", re.MULTILINE)
_SECTION = re.compile(r"^\[(\w+)\]( unspaced)?(?: joined (.+))?\n((?:(?!\[\w+\]).*\n)*)", re.MULTILINE)


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
    return tuple((reason, line) for reason, _, _, lines in sections for line in lines.split("\n") if line)


@cache
def languages() -> tuple[tuple[Families, bool], ...]:
    """The families of every other language, and whether it puts spaces between words.

    The first holds the words that many share; the others have those of their families too.
    """
    (*_, first), *others = _SECTION.findall(_read("languages.txt"))
    shared = _families(first)
    return (
        (shared, True),
        *(
            (_with(shared, _joined(_families(text), joined.split())), not unspaced)
            for _, unspaced, joined, text in others
        ),
    )


def _joined(families: Families, particles: list[str]) -> Families:
    """Families in which each word stands also behind the particles that its language writes as one with it."""
    before = ("", *particles)
    return MappingProxyType({name: tuple(a + b for b in members for a in before) for name, members in families.items()})


def _with(shared: Families, families: Families) -> Families:
    """The families of a language and, but for whole phrases, what it shares with others."""
    more = {name: members for name, members in shared.items() if name not in ("PHRASES", "PLACED")}
    return MappingProxyType({**families, **{name: (*more[name], *families.get(name, ())) for name in more}})


@dataclass(frozen=True, slots=True)
class Recommending:
    """How a language asks for something to be recommended again and again; all folded."""

    verbs: tuple[str, ...]
    """Their beginnings."""
    always: frozenset[str]
    capital_nouns: bool


@cache
def recommending() -> tuple[Recommending, ...]:
    """The languages whose names begin with a capital and that have words for it."""
    found = (families for families, _ in languages() if families.keys() >= {"PROMOTE", "EACH", "NOUNS"})
    return tuple(
        Recommending(
            verbs=tuple(fold_words(verb) for verb in families["PROMOTE"] if "_" not in verb),
            always=frozenset(fold_words(word) for word in families["EACH"] if "_" not in word),
            capital_nouns="capital" in families["NOUNS"],
        )
        for families in found
    )
