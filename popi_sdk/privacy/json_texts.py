"""Texts that are JSON, such as the arguments of a tool call: what is replaced in them leaves them JSON."""

from __future__ import annotations

import json
import re
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator

_BEGINS = re.compile(r'[ \t\r\n]*[\[{"]')
_TOKEN = re.compile(r'"(?P<string>(?:[^"\\]++|\\.)*+)"|[^\s\[\]{}:,"]++')
_ESCAPE = re.compile(r"\\(?:u[0-9a-fA-F]{4}|.)")


def is_json(text: str) -> bool:
    """Whether `text` is a table, a list or a string in JSON.

    >>> is_json('{"n": 1}'), is_json("[1]"), is_json("[email]"), is_json("1")
    (True, True, False, False)
    """
    if not _BEGINS.match(text):
        return False
    try:
        json.loads(text, parse_int=float, parse_float=float)  # int() refuses thousands of digits
    except (ValueError, RecursionError):
        return False
    return True


def within_values(text: str, spans: Iterable[tuple[int, int, str]]) -> Iterator[tuple[int, int, str, bool]]:
    """Fit stretches of a JSON text to its strings and numbers, each given with whether it needs quotes.

    Of a string only its inside is taken, escapes whole; a number or a word such as `null` is taken whole.
    `text` is that in which nothing stands where something was replaced already.
    """
    tokens = [_token(found) for found in _TOKEN.finditer(text)]
    starts = [start for start, _, _ in tokens]
    escapes = [found.span() for found in _ESCAPE.finditer(text)]
    place = 0
    for start, end, kind in spans:
        for first, last, quoted in tokens[max(0, bisect_right(starts, start) - 1) : bisect_left(starts, end)]:
            if last <= start:
                continue
            inside = (first, last) if quoted else _whole(escapes, max(first, start), min(last, end))
            if max(inside[0], place) < inside[1]:
                yield max(inside[0], place), inside[1], kind, quoted
                place = inside[1]


def _token(found: re.Match[str]) -> tuple[int, int, bool]:
    return (*found.span(), True) if found["string"] is None else (*found.span("string"), False)


def _whole(escapes: list[tuple[int, int]], start: int, end: int) -> tuple[int, int]:
    """The stretch with the whole of the escapes that it begins and ends in."""
    before = bisect_left(escapes, (start, 0)) - 1
    if before >= 0 and escapes[before][1] > start:
        start = escapes[before][0]
    before = bisect_left(escapes, (end, 0)) - 1
    if before >= 0 and escapes[before][1] > end:
        end = escapes[before][1]
    return start, end
