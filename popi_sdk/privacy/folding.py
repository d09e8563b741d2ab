"""How a text is read when something private is looked for: digits, spaces and dashes as plain ones, nothing unseen."""

from __future__ import annotations

import unicodedata

from popi_sdk.privacy.escapes import Unescaped

_PLAIN = {"Zs": " ", "Pd": "-"}
_SAME_IN_ANOTHER_FORM = ("<wide>", "<font>", "<small>")
_INVISIBLE_MARKS = frozenset({0x034F, 0x20E3, *range(0xFE00, 0xFE10), *range(0xE0100, 0xE01F0)})


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


def fold(text: Unescaped) -> Unescaped:
    """Return a text as it is read.

    >>> from popi_sdk.privacy.escapes import unescape
    >>> fold(unescape("４１１１\N{NO-BREAK SPACE}2\N{ZERO WIDTH SPACE}2 \\\\u0664")).text
    '4111 22 4'
    """
    if text.text.isascii():
        return text
    folded = text.text.translate(_READINGS)
    if len(folded) == len(text.text):
        return Unescaped(folded, text.starts, text.ends)
    seen = [place for place, character in enumerate(text.text) if _READINGS[ord(character)] is not None]
    places = [text.place(place, place + 1) for place in seen]
    return Unescaped(folded, [start for start, _ in places], [end for _, end in places])
