"""What a person's own words ask of answers, and how likely it is that they do: "you lost me" asks for plainer words.

    text -> itself and each of its sentences -> features -> a score per wish -> likelihoods -> the likely ones

A linear classifier over words, words side by side and apart, and pieces of words (Joulin et al., "Bag of Tricks for
Efficient Text Classification", 2017). `popi-train wordings` learns its weights from the wordings of this project and
writes them to `asking.bin`: a line of JSON (`Header`), then per feature its CRC-32, ascending, in four bytes (the
lowest first), then per feature a signed byte per wish. Nothing of a text itself comes out of here.
"""

from __future__ import annotations

import math
import re
import sys
from array import array
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import pairwise
from operator import add
from pathlib import Path
from zlib import crc32

from pydantic import BaseModel, ConfigDict

from popi_sdk.style.kept import Kept
from popi_sdk.style.languages import LANGUAGES

TABLE = Path(__file__).parent / "asking.bin"
LANGUAGE, NOTHING = "language", "nothing"
"""Besides an aspect and a direction, such as "length less", a text may ask for a language, or for nothing."""
LEAST = 0.15
"""Likelihood from which on a wish is told at all."""
LONGEST = 40
"""Words of a text that is read as one; of a longer one, which is matter rather than a remark, each sentence is, and no
sentence that is longer."""
MOST_SENTENCES = 12
"""Sentences that are read of one text: the first half and the last."""
LONGEST_PIECE = 400
"""Characters that are read of one sentence, or of a text as one."""

_TURNING = """
add added annoy annoying annoys any anything arent avoid away back ban barely better bored bring cannot cant cut
didnt dislike doesnt dont drop easy end enough fail fan few fewer forget forgot hardly hate hold instead isnt keep
lacked lacking lacks lay least leave less lighter like little lose love loves many mind miss missed missing more
most much need needs never no nobody none not nothing off only out please prefer quit rather shouldnt shy sick skimp
skip spare stop thanks tired too unless until want wants wasnt where why without wont worse wouldnt
"""
TURNS = frozenset(_TURNING.split())
"""Words that may turn a wish round; what stands a few words before or after them counts together with them."""
REACH = 5
"""How far behind such a word; before it, one less."""
MOST = 8
"""Wishes that are told of one text."""

_REFUSED = re.compile(r"\b(?:not|don't|never|no|stop|without|instead of|rather than|than)\s+(?:[^\W\d_]+\s+){0,3}$")
_IN = re.compile(r"(?:\b(?:in|into|to|auf|en|em|use|speak|write|prefer)|\blanguage:)\s+(?:[^\W\d_]+\s+)?$")
_SPOKEN = re.compile(
    r"\b(?:languages|speaks|(?:native|first|second|mother|foreign) (?:languages?|tongue)): (?:[^\W\d_]+, )*$"
)
"""In a profile, before languages that somebody knows, which are not those they ask for."""
_WORDS = re.compile(r"[^\W\d_]+(?:'[^\W\d_]+)*|[^\w\s]|\d+")
_SENTENCES = re.compile(r"(?<=[.!?…;])\s+|\n+")


@dataclass(frozen=True, slots=True)
class Wished:
    """One thing that a text asks for."""

    aspect: str
    """One of `facts.ASPECTS`, or "language"."""
    direction: str
    """ "more", "less", or the English name of a language."""
    likelihood: float


class Header(BaseModel):
    """What the first line of the table says."""

    model_config = ConfigDict(frozen=True, use_attribute_docstrings=True, defer_build=True)

    wordings: str
    """Digest of the written wordings it was learnt from."""
    features: int
    wishes: tuple[str, ...]
    """What each column stands for: "length more", ..., "language", "nothing"."""
    bias: tuple[float, ...]
    scale: tuple[float, ...]
    """What one step of a byte is worth, per column."""


def asks(text: str) -> tuple[Wished, ...]:
    """What `text` asks for, the likeliest first; empty where nothing is likely. A text seen lately is not read again.

    >>> [(one.aspect, one.direction) for one in asks("Could you please keep it short?")]
    [('length', 'less')]
    """
    return _read(text)


def unmet(text: str) -> list[str]:
    """The words of `text` that the classifier never met, so that it cannot have read what they ask for.

    >>> unmet("Show prices in yen, please.")
    ['yen']
    """
    words = [one for one in _WORDS.findall(_plain(text)) if one[0].isalnum()]
    return [word for word, number in zip(words, hashed(words), strict=True) if _table().row(number) is None]


def features(text: str) -> list[str]:
    """What the classifier sees of a text, each once; punctuation counts by itself, neighbours are those among words."""
    found = _WORDS.findall(_plain(text))
    words = ["^", *(one for one in found if one[0].isalnum()), "$"]
    framed = [f"<{word}>" for word in words]
    every = (
        *(one for one in found if not one[0].isalnum()),
        *words,
        *(" ".join(pair) for pair in pairwise(words)),
        *(f"{one}_{other}" for one, other in zip(words, words[2:], strict=False)),
        *(f"#{word[start : start + 4]}" for word in framed for start in range(len(word) - 3)),
        *_about_turns(words),
    )
    return list(dict.fromkeys(every))


def _plain(text: str) -> str:
    return text.lower().replace("\u2019", "'")


def hashed(features: Sequence[str]) -> list[int]:
    """The numbers that the table knows features by."""
    return [crc32(one.encode("utf-8", "surrogatepass")) for one in features]


def table_digest() -> str:
    """Tells the table from others by its first line; a summarizer knows only what the table of its training tells."""
    with TABLE.open("rb") as file:
        return f"{crc32(file.readline()):08x}"


@cache
def header() -> Header:
    """The first line of the table."""
    with TABLE.open("rb") as file:
        return Header.model_validate_json(file.readline())


@Kept
def _read(text: str) -> tuple[Wished, ...]:
    best: dict[str, tuple[float, str]] = {}
    for piece in _pieces(text):
        for wish, likelihood in _likelihoods(piece).items():
            best[wish] = max((likelihood, piece), best.get(wish, (0.0, "")))
    found = [one for wish, (likelihood, piece) in best.items() if (one := _wished(wish, likelihood, piece))]
    return tuple(sorted(found, key=lambda one: -one.likelihood)[:MOST])


def _pieces(text: str) -> list[str]:
    """What is read of a text as one: all of it, if it is short, and its sentences."""
    sentences = [one for one in _SENTENCES.split(text.strip()) if one.strip()]
    half = MOST_SENTENCES // 2
    some = sentences if len(sentences) <= MOST_SENTENCES else [*sentences[:half], *sentences[-half:]]
    whole = [text] if len(sentences) > 1 else []
    return [one for one in (*whole, *some) if len(one.split()) <= LONGEST and len(one) <= LONGEST_PIECE]


def _about_turns(words: Sequence[str]) -> Iterator[str]:
    for place, word in enumerate(words):
        if word.endswith("n't") or word.replace("'", "") in TURNS:
            yield from (f"{word}>{after}" for after in words[place + 2 : place + 1 + REACH])
            yield from (f"{before}<{word}" for before in words[max(0, place + 1 - REACH) : max(0, place - 1)])


def _likelihoods(text: str) -> dict[str, float]:
    """Of every wish but asking for nothing."""
    table, head = _table(), header()
    sums, known = [0] * len(head.wishes), 0
    for number in hashed(features(text)):
        row = table.row(number)
        if row is not None:
            sums, known = list(map(add, sums, row)), known + 1
    if not known:
        return {}
    root = math.sqrt(known)
    scores = [value * scale / root + bias for value, scale, bias in zip(sums, head.scale, head.bias, strict=True)]
    highest = max(scores)
    powers = [math.exp(score - highest) for score in scores]
    whole = sum(powers)
    shares = {wish: power / whole for wish, power in zip(head.wishes, powers, strict=True)}
    return {wish: share for wish, share in shares.items() if share >= LEAST and wish != NOTHING}


def _wished(wish: str, likelihood: float, text: str) -> Wished | None:
    if wish != LANGUAGE:
        aspect, _, direction = wish.partition(" ")
        return Wished(aspect, direction, likelihood)
    language = _language(_plain(text))
    return Wished(LANGUAGE, language, likelihood) if language else None


def _language(lowered: str) -> str:
    """Of the languages that are named, the last one, those to answer "in" before the others, and none that is refused.

    English comes last of all, for it is often named as the reason ("even when I write in English").
    """
    found = [(match.start(), name) for name, pattern in _names().items() for match in pattern.finditer(lowered)]
    wanted = [
        (place, name)
        for place, name in sorted(found)
        if not _REFUSED.search(lowered[:place]) and not _SPOKEN.search(lowered[:place])
    ]
    asked_in = [name for place, name in wanted if _IN.search(lowered[:place])]
    named = asked_in or [name for _, name in wanted]
    return next((name for name in reversed(named) if name != "English"), named[0] if named else "")


@cache
def _names() -> dict[str, re.Pattern[str]]:
    return {name: re.compile(rf"(?<![^\W\d_])(?:{words})(?![^\W\d_])") for name, words in LANGUAGES.items()}


class _Table:
    """The weights, as they lie in the file."""

    def __init__(self, hashes: array[int], weights: array[int], columns: int) -> None:
        self._hashes, self._weights, self._columns = hashes, weights, columns

    def row(self, number: int) -> array[int] | None:
        """The weights of a feature; None of one that was not learnt."""
        place = bisect_left(self._hashes, number)
        if place == len(self._hashes) or self._hashes[place] != number:
            return None
        return self._weights[place * self._columns : (place + 1) * self._columns]


@cache
def _table() -> _Table:
    columns, count = len(header().wishes), header().features
    hashes, weights = array("I"), array("b")
    with TABLE.open("rb") as file:
        file.readline()
        hashes.fromfile(file, count)
        weights.fromfile(file, count * columns)
    if sys.byteorder == "big":
        hashes.byteswap()
    return _Table(hashes, weights, columns)
