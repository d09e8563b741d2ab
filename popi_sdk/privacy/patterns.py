"""Patterns of the app's own: checked when given, and never shown more than a line at a time."""

from __future__ import annotations

import re
import time
from collections.abc import Collection, Iterator

from popi_sdk.errors import ConfigError

LONGEST_PIECE = 2_000
"""Characters that a pattern is shown at once: a line, or so much of one."""
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
    """Where `pattern` is found, in lines of at most `LONGEST_PIECE` characters; what is taken already stays outside."""
    for start, piece in _pieces(text):
        for found in pattern.finditer(piece):
            taken_before = len(found[0]) - len(found[0].lstrip("\0"))
            if found[0].strip("\0"):
                yield start + found.start() + taken_before, start + found.start() + len(found[0].rstrip("\0"))


def _pieces(text: str) -> Iterator[tuple[int, str]]:
    start = 0
    for line in text.splitlines(keepends=True):
        for place in range(0, len(line), LONGEST_PIECE):
            yield start + place, line[place : place + LONGEST_PIECE]
        start += len(line)


def _is_quick(pattern: re.Pattern[str]) -> bool:
    """Try it on texts that grow: one that tries every way to match doubles its time with each character."""
    literal = re.sub(r"\\.|[^\w@.,:;/ -]", "", pattern.pattern)[:40]
    for seed in (*_USUAL, *dict.fromkeys(literal), literal or "a"):
        for length in _TRIAL_LENGTHS:
            trial = (seed * length)[:length] + "\x01"
            start = time.perf_counter()
            pattern.search(trial)
            if time.perf_counter() - start > _LONGEST_TRIAL:
                return False
    return True
