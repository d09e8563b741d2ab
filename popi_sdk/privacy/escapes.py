r"""Escapes undone: `\n`, `\"`, `\u0434` as JSON writes them, once or many times over, and `%40` as addresses do."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

_ESCAPE = re.compile(
    r"""(?<!\\)\\++(?:u(?P<high>[dD][89abAB][0-9a-fA-F]{2})\\++u(?P<low>[dD][c-fC-F][0-9a-fA-F]{2})
      | u(?P<point>(?![dD][89a-fA-F])[0-9a-fA-F]{4}) | (?P<letter>[bfnrt"'/]))
    | %(?P<hex>0[9AaDd]|2[0-46-9A-Fa-f]|3[A-Fa-f]|40|5[B-Fb-f]|60|7[B-Eb-e])""",
    re.VERBOSE,
)
r"""Many backslashes are read as one: a text that was written as JSON within JSON has `\\n` where it had `\n`."""
_LETTERS = {"b": " ", "f": " ", "n": "\n", "r": "\r", "t": "\t"}


@dataclass(frozen=True, slots=True)
class Unescaped:
    """A text without escapes, and where each of its characters begins and ends in the text itself.

    Without places, each stands where it stood.
    """

    text: str
    starts: Sequence[int] | None = None
    ends: Sequence[int] | None = None

    def place(self, start: int, end: int) -> tuple[int, int]:
        """Where a stretch stands in the text itself."""
        if self.starts is None or self.ends is None:
            return start, end
        return self.starts[start], self.ends[end - 1]


def unescape(text: str) -> Unescaped:
    r"""Return `text` with its escapes undone.

    >>> unescape("at\\t4111, ada%40example.org, \\u043f\\ud83d\\udcde").text
    'at\t4111, ada@example.org, п📞'
    """
    if "\\" not in text and "%" not in text:
        return Unescaped(text)
    pieces: list[str] = []
    starts: list[int] = []
    ends: list[int] = []
    place = 0
    for escape in _ESCAPE.finditer(text):
        pieces += (text[place : escape.start()], _read(escape))
        starts += range(place, escape.start() + 1)
        ends += range(place + 1, escape.start() + 1)
        ends.append(escape.end())
        place = escape.end()
    if not pieces:
        return Unescaped(text)
    starts += range(place, len(text))
    ends += range(place + 1, len(text) + 1)
    return Unescaped("".join((*pieces, text[place:])), starts, ends)


def _read(escape: re.Match[str]) -> str:
    if escape["letter"]:
        return _LETTERS.get(escape["letter"], escape["letter"])
    if escape["high"]:
        return chr(0x10000 + ((int(escape["high"], 16) - 0xD800) << 10) + int(escape["low"], 16) - 0xDC00)
    return chr(int(escape["point"] or escape["hex"], 16))
