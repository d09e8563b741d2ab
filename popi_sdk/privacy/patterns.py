"""Patterns of the app's own: checked when given, and never shown more than a line at a time."""

from __future__ import annotations

import re
import time
from collections.abc import Collection, Iterator

from popi_sdk.errors import ConfigError

LONGEST_PIECE = 2_000
"""Characters that a pattern is shown at once: a line, or so much of one."""
OVERLAP = 200
"""Characters of a long line that are shown twice, so that what stands across a cut is seen whole."""
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9 _-]{0,39}")
_LONGEST_TRIAL = 0.05
_TRIAL_LENGTHS = (*range(8, 40), 64, 128, 256, 512, 1_000, LONGEST_PIECE)
_USUAL = "a0A -.@_/"


def compile_pattern(name: str, pattern: str, taken: Collection[str]) -> re.Pattern[str]:
    """Compile a pattern that shall be replaced by `[name]`.

    Raises:
        ConfigError: the name is odd or taken, or the pattern does not compile, matches the empty text or is slow.
    """
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        raise ConfigError(
            f"The name of a pattern, {name!r}, cannot stand in brackets",
            hint="Use 1 to 40 letters, digits, spaces, `-` and `_`, a letter first.",
        )
    if name.casefold() in taken:
        raise ConfigError(f"The name `{name}` of a pattern is one that POPI uses itself", hint="Choose another name.")
    try:
        compiled = re.compile(pattern)
    except (re.error, TypeError, OverflowError, RecursionError) as error:
        raise ConfigError(f"The pattern `{name}` is no regular expression: {error}") from error
    if any(not found[0] for found in compiled.finditer(_USUAL)) or compiled.search(""):
        raise ConfigError(f"The pattern `{name}` matches the empty text", hint="Let it ask for at least one character.")
    if not _is_quick(compiled):
        raise ConfigError(
            f"The pattern `{name}` takes too long on some texts",
            hint="Repeats inside repeats, as in `(a+)+`, are usually why; let each part match in one way only.",
        )
    return compiled


def matches(pattern: re.Pattern[str], text: str) -> Iterator[tuple[int, int]]:
    """Where `pattern` is found, in lines of at most `LONGEST_PIECE` characters; what is taken already stays outside.

    A stretch that is longer than `OVERLAP` may be missed where it stands across a cut of a longer line.
    """
    last: tuple[int, int] | None = None
    for start, piece in _pieces(text):
        for found in pattern.finditer(piece):
            bare = found[0].strip("\0")
            if not bare:
                continue
            first = start + found.start() + len(found[0]) - len(found[0].lstrip("\0"))
            span = (first, first + len(bare))
            if last and first < last[1]:  # the same, or what goes on behind the cut
                last = (min(last[0], first), max(last[1], span[1]))
                continue
            if last:
                yield last
            last = span
    if last:
        yield last


def _pieces(text: str) -> Iterator[tuple[int, str]]:
    start = 0
    for line in text.splitlines(keepends=True):
        for place in range(0, max(1, len(line) - OVERLAP), LONGEST_PIECE - OVERLAP):
            yield start + place, line[place : place + LONGEST_PIECE]
        start += len(line)


def _is_quick(pattern: re.Pattern[str]) -> bool:
    """Try it on texts that grow: one that tries every way to match doubles its time with each character."""
    literal = re.sub(r"\\.|[^\w@.,:;/ -]", "", pattern.pattern)[:40]
    for seed in (*_USUAL, *dict.fromkeys(literal), literal or "a"):
        for length in _TRIAL_LENGTHS:
            trial = (seed * length)[:length] + "\x01"
            # A second time, as a busy machine may stretch one.
            if _seconds(pattern, trial) > _LONGEST_TRIAL and _seconds(pattern, trial) > _LONGEST_TRIAL:
                return False
    return True


def _seconds(pattern: re.Pattern[str], text: str) -> float:
    start = time.thread_time()
    pattern.search(text)
    return time.thread_time() - start
