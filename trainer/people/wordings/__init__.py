"""What people say who want to be answered otherwise: written for this project, one file per aspect.

Each file has `[more]` and `[less]`, and in each `clauses` (as a summary would say it), `said` (on its own) and
`remarked` (on an answer just given). `language.toml` holds frames with {language}; `quiet.toml` what people say without
any wish about answers. A quarter of `said` and `remarked` is never trained on, so that evaluation can ask about words
that are new; which quarter depends on the wordings alone. `also_said` and `also_remarked` came later, by writers who
had seen none of the others: they are all trained on, so that the quarter stays what earlier models were measured with.

Beside whole wordings there are parts of some: `things` and `doing` of each aspect, and in `frames.toml` ways to want
a thing or not. Crossed they make thousands more for training, in which nothing but the frame tells which way a wish
goes. None of them is evaluated with: a wording of the quarter that can be put together so, or is a clause as well, is
in neither part.
"""

from __future__ import annotations

import hashlib
import random
import tomllib
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from popi_sdk.style.facts import ASPECTS

UNSEEN_SHARE = 0.25
THINGS_SHARE = 0.5
"""Share of crossed wordings about things; the others are about doing something."""


@dataclass(frozen=True, slots=True)
class Wordings:
    """The ways to say one thing."""

    clauses: tuple[str, ...]
    said: tuple[str, ...]
    remarked: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Parts:
    """Parts of wordings about one aspect."""

    things: tuple[str, ...]
    doing: Mapping[bool, tuple[str, ...]]
    """By whether doing it means more of the aspect."""


@dataclass(frozen=True, slots=True)
class Frames:
    """Ways to want something or not, by whether it is wanted."""

    things: Mapping[bool, tuple[str, ...]]
    """With {thing}."""
    doing: Mapping[bool, tuple[str, ...]]
    """With {doing}."""


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
    parts: Mapping[str, Parts]
    """By aspect."""
    frames: Frames

    def crossed(self, aspect: str, more: bool, draw: random.Random) -> str:
        """A wish put together from a frame and what it is about; for training only."""
        parts, frames = self.parts[aspect], self.frames
        if draw.random() < THINGS_SHARE:
            return draw.choice(frames.things[more]).format(thing=draw.choice(parts.things))
        wanted = draw.random() < 0.5
        doing = draw.choice(parts.doing[more is wanted])  # not wanting less of it is wanting more
        return draw.choice(frames.doing[wanted]).format(doing=doing)


@cache
def phrasebook(*, unseen: bool = False) -> Phrasebook:
    """The wordings that are trained on, or with `unseen` the others; clauses and parts are the same in both."""
    tables = {aspect: _read(aspect) for aspect in ASPECTS}
    parts, frames = {aspect: _parts(table) for aspect, table in tables.items()}, _frames(_read("frames"))
    met = _met(tables, parts, frames) if unseen else set()
    wishes = {
        (aspect, more): _wordings(table[_name(more)], unseen, met) for aspect, table in tables.items() for more in _BOTH
    }
    language = _read("language")
    return Phrasebook(
        wishes=wishes,
        language=_wordings(language, unseen),
        languages=tuple(language["languages"]),
        quiet=_wordings(_read("quiet"), unseen),
        parts=parts,
        frames=frames,
    )


def _met(tables: Mapping[str, Any], parts: Mapping[str, Parts], frames: Frames) -> set[str]:
    """What is trained on without being among the wordings: what can be put together, and clauses."""
    clauses = {plain(one) for table in tables.values() for more in _BOTH for one in table[_name(more)]["clauses"]}
    return clauses | {plain(one) for each in parts.values() for one in combinations(each, frames)}


def combinations(parts: Parts, frames: Frames) -> Iterator[str]:
    """Every wording that can be put together about an aspect."""
    for wanted in _BOTH:
        yield from (frame.format(thing=thing) for frame in frames.things[wanted] for thing in parts.things)
        doings = (*parts.doing[True], *parts.doing[False])
        yield from (frame.format(doing=doing) for frame in frames.doing[wanted] for doing in doings)


def plain(text: str) -> str:
    """A wording without case and punctuation."""
    return " ".join("".join(one if one.isalnum() else " " for one in text.casefold() if one not in "'\u2019").split())


@cache
def turning() -> frozenset[str]:
    """Words that may decide whether something is wanted."""
    return frozenset(_read("frames")["turning"])


_BOTH = (True, False)


def _name(more: bool) -> str:
    return "more" if more else "less"


def _read(name: str) -> dict[str, Any]:
    return tomllib.loads((Path(__file__).parent / f"{name}.toml").read_text("utf-8"))


def _parts(table: Mapping[str, Any]) -> Parts:
    return Parts(tuple(table["things"]), {more: tuple(table[_name(more)]["doing"]) for more in _BOTH})


def _frames(table: Mapping[str, Any]) -> Frames:
    def both(kind: Mapping[str, Sequence[str]]) -> dict[bool, tuple[str, ...]]:
        return {True: tuple(kind["wanted"]), False: tuple(kind["unwanted"])}

    return Frames(both(table["things"]), both(table["doing"]))


def _wordings(table: Mapping[str, Sequence[str]], unseen: bool, met: Collection[str] = ()) -> Wordings:
    def part(name: str) -> tuple[str, ...]:
        if unseen:
            return tuple(one for one in _part(table[name], unseen) if plain(one) not in met)
        return (*_part(table[name], unseen), *table.get(f"also_{name}", ()))

    return Wordings(tuple(table.get("clauses", ())), part("said"), part("remarked"))


def _part(wordings: Sequence[str], unseen: bool) -> tuple[str, ...]:
    """The quarter that comes first by hash, or the others."""
    order = sorted(wordings, key=lambda one: hashlib.sha256(one.encode("utf-8")).digest())
    hidden = set(order[: round(UNSEEN_SHARE * len(order))])
    return tuple(one for one in wordings if (one in hidden) is unseen)
