"""What people say who want to be answered otherwise: written for this project, one file per aspect.

Each file has `[more]` and `[less]`, and in each `clauses` (as a summary would say it), `said` (on its own) and
`remarked` (on an answer just given). `language.toml` holds frames with {language}; `quiet.toml` what people say without
any wish about answers. A quarter of all wordings is never trained on, so that evaluation can ask about words that are
new; which quarter depends on the wordings alone.
"""

from __future__ import annotations

import hashlib
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from popi_sdk.style.facts import ASPECTS

UNSEEN_SHARE = 0.25


@dataclass(frozen=True, slots=True)
class Wordings:
    """The ways to say one thing."""

    clauses: tuple[str, ...]
    said: tuple[str, ...]
    remarked: tuple[str, ...]


@dataclass(frozen=True, eq=False)
class Phrasebook:
    """All wordings of one kind: those that are trained on, or those that never are."""

    wishes: Mapping[tuple[str, bool], Wordings]
    """By aspect, and whether more of it is wished for."""
    language: Wordings
    """Frames with {language}."""
    languages: tuple[str, ...]
    quiet: Wordings
    """Without a wish; `clauses` is empty."""


@cache
def phrasebook(*, unseen: bool = False) -> Phrasebook:
    """The wordings that are trained on, or with `unseen` the others; clauses are the same in both."""
    wishes = {}
    for aspect in ASPECTS:
        tables = _read(aspect)
        for more in (True, False):
            wishes[aspect, more] = _wordings(tables["more" if more else "less"], unseen)
    language = _read("language")
    return Phrasebook(
        wishes, _wordings(language, unseen), tuple(language["languages"]), _wordings(_read("quiet"), unseen)
    )


def _read(name: str) -> dict[str, Any]:
    return tomllib.loads((Path(__file__).parent / f"{name}.toml").read_text("utf-8"))


def _wordings(table: Mapping[str, Sequence[str]], unseen: bool) -> Wordings:
    said, remarked = (_part(table[name], unseen) for name in ("said", "remarked"))
    return Wordings(tuple(table.get("clauses", ())), said, remarked)


def _part(wordings: Sequence[str], unseen: bool) -> tuple[str, ...]:
    """The quarter that comes first by hash, or the others."""
    order = sorted(wordings, key=lambda one: hashlib.sha256(one.encode("utf-8")).digest())
    hidden = set(order[: round(UNSEEN_SHARE * len(order))])
    return tuple(one for one in wordings if (one in hidden) is unseen)
