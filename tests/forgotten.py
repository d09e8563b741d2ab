"""Made-up words that can be told apart wherever they turn up, and the search for what still holds them.

word("ada", "rating", "reason")           # always the same word, and nobody else's
words_in(path.read_bytes())               # which such words stand there
held_by(popi)                             # which are reachable in memory from an object
"""

from __future__ import annotations

import gc
import hashlib
import re
import sys
import types
from collections.abc import Iterable, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from popi_sdk import (
    Clause,
    Conversation,
    Demonstration,
    Edit,
    Persona,
    PreferencePair,
    Rating,
    Statement,
    Summary,
)
from popi_sdk.signals import Signal

_SHAPE = re.compile(r"qua(?:[bdfgklmnprstvz][aeiou]){6}")
_CONSONANTS, _VOWELS = "bdfgklmnprstvz", "aeiou"
_NOT_DATA = (
    types.ModuleType,
    type,
    types.FunctionType,
    types.BuiltinFunctionType,
    types.FrameType,
    types.CodeType,
    types.TracebackType,
)
"""What every object leads to in the end, and what holds no data of its own."""


def word(*where: object) -> str:
    """The made-up word of a place; a short one, of plain letters, so that no guard and no escaping changes it."""
    digest = hashlib.sha256("/".join(map(str, where)).encode()).digest()
    syllables = (_CONSONANTS[one % 14] + _VOWELS[two % 5] for one, two in zip(digest[:6], digest[6:12], strict=True))
    return "qua" + "".join(syllables)


def words_in(content: object) -> set[str]:
    """The made-up words in a text, in bytes, or in what an object shows of itself."""
    text = content.decode("latin-1") if isinstance(content, bytes) else str(content)
    return set(_SHAPE.findall(text))


def signals_of(*owner: object, at: datetime | None = None, allow_training: bool = False) -> list[Signal]:
    """One signal of each of the seven kinds, with a word of its own in every field that takes text."""

    def own(*field: object) -> str:
        return word(*owner, *field)

    common: Any = {"at": at, "allow_training": allow_training}
    call = {"id": "1", "type": "function", "function": {"name": own("name"), "arguments": own("arguments")}}
    chat = [
        {"role": "user", "content": [{"type": "text", "text": own("asks")}]},
        {"role": "assistant", "content": None, "tool_calls": [call]},
        {"role": "tool", "tool_call_id": "1", "content": own("tool")},
        {"role": "assistant", "content": own("answers"), "feedback": "up"},
    ]
    return [
        PreferencePair(own("query"), own("chosen"), own("rejected"), **common),
        Rating(own("prompt"), own("response"), liked=True, reason=own("reason"), **common),
        Statement(f"I like {own('statement')}.", **common),
        Edit(own("edited"), own("draft"), own("final"), **common),
        Conversation(chat, **common),
        Demonstration(own("written"), own("task"), **common),
        Persona({own("trait"): [own("value")]}, text=own("about"), **common),
    ]


def words_of(signals: Iterable[Signal]) -> set[str]:
    """The made-up words in signals."""
    return set().union(*(words_in(signal.model_dump_json()) for signal in signals))


class Quoting:
    """A summarizer that repeats every made-up word it is shown, in one clause for each signal."""

    name = "quoting"

    def summarize(self, signals: Sequence[Signal], previous: Summary | None = None) -> Summary:
        """Quote all."""
        words = ((signal.id, sorted(words_of([signal]))) for signal in signals)
        return Summary(tuple(Clause(f"Mention {', '.join(some)} often.", (each,)) for each, some in words if some))


class Place:
    """Where a store keeps what it keeps: the files of SQLite, or all tables of a PostgreSQL database."""

    def __init__(self, url: str, folder: Path | None = None) -> None:
        self.url = url
        self._folder = folder

    def words(self) -> set[str]:
        """All made-up words in it, read around the store."""
        return _words_in_files(self._folder) if self._folder else _words_in_tables(self.url)


def _words_in_files(folder: Path) -> set[str]:
    return set().union(*(words_in(path.read_bytes()) for path in sorted(folder.rglob("*")) if path.is_file()))


def _words_in_tables(url: str) -> set[str]:
    import psycopg

    with psycopg.connect(url) as connection:
        tables = connection.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'").fetchall()
        assert len(tables) >= 3, tables
        rows = (connection.execute(f'SELECT t::text FROM "{name}" t').fetchall() for (name,) in tables)
        return set().union(*(words_in(row) for some in rows for row in some))


def held_by(*roots: object, but: tuple[str, ...] = ()) -> dict[str, str]:
    """Made-up words that can be reached from `roots`, each with the way to it; `but`: packages not looked into."""
    came_from: dict[int, tuple[object, object]] = {}
    found: dict[str, str] = {}
    to_visit: list[tuple[object, object]] = [(root, None) for root in roots]
    while to_visit:
        one, parent = to_visit.pop()
        if id(one) in came_from:
            continue
        came_from[id(one)] = (one, parent)
        if isinstance(one, str | bytes):
            for each in words_in(one):
                found.setdefault(each, _way(one, came_from))
        elif isinstance(one, types.FunctionType):
            to_visit.extend((held, one) for held in (*(one.__closure__ or ()), *(one.__defaults__ or ())))
        elif not isinstance(one, _NOT_DATA) and not type(one).__module__.startswith(but or ("\0",)):
            to_visit.extend((held, one) for held in gc.get_referents(one))
    return found


def held_by_modules(package: str) -> dict[str, str]:
    """Made-up words in what the modules of a package keep, the caches of their functions included."""
    modules = [module for name, module in sys.modules.items() if name.partition(".")[0] == package]
    # The tables of a tokenizer are a million objects of somebody else's.
    return held_by(*(kept for module in modules for kept in vars(module).values()), but=("tiktoken",))


def _way(one: object, came_from: dict[int, tuple[object, object]]) -> str:
    steps = []
    while one is not None:
        steps.append(type(one).__name__)
        one = came_from[id(one)][1]
    return " in ".join(steps)
