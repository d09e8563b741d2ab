"""How a text is read when something private is looked for: digits, spaces and dashes as plain ones, nothing unseen."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass

_PLAIN = {"Zs": " ", "Pd": "-"}
_SAME_IN_ANOTHER_FORM = ("<wide>", "<font>", "<small>")
_INVISIBLE_MARKS = frozenset({0x034F, 0x20E3, *range(0xFE00, 0xFE10), *range(0xE0100, 0xE01F0)})


@dataclass(frozen=True, slots=True)
class Folded:
    """A text as it is read, and where each of its characters stands in the text itself (None: at the same place)."""

    text: str
    places: Sequence[int] | None

    def place(self, start: int, end: int) -> tuple[int, int]:
        """Where a stretch of the folded text stands in the text itself, with the invisible signs inside it."""
        if self.places is None:
            return start, end
        return self.places[start], self.places[end - 1] + 1


class _Readings(dict[int, str | None]):
    """Each character to the one it is read as, or None for one that is not seen."""

    def __missing__(self, point: int) -> str | None:
        self[point] = _reading(chr(point))
        return self[point]


def _reading(character: str) -> str | None:
    if character.isascii():
        return character
    category = unicodedata.category(character)
    if category == "Cf" or ord(character) in _INVISIBLE_MARKS:
        return None
    if category == "Nd":
        return str(unicodedata.decimal(character))
    if unicodedata.decomposition(character).startswith(_SAME_IN_ANOTHER_FORM):
        same = unicodedata.normalize("NFKC", character)
        return same if len(same) == 1 and same.isascii() else character
    return "-" if character == "\N{MINUS SIGN}" else _PLAIN.get(category, character)


_READINGS = _Readings()


def fold(text: str) -> Folded:
    """Return `text` as it is read.

    >>> fold("４１１１\N{NO-BREAK SPACE}2\N{ZERO WIDTH SPACE}2").text
    '4111 22'
    """
    if text.isascii():
        return Folded(text, None)
    folded = text.translate(_READINGS)
    if len(folded) == len(text):
        return Folded(folded, None)
    return Folded(folded, [place for place, character in enumerate(text) if _READINGS[ord(character)] is not None])
