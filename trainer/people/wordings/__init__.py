"""What people say who want to be answered otherwise: written for this project, one file per aspect.

Each file has `[more]` and `[less]`, and in each `clauses` (as a summary would say it), `said` (on its own) and
`remarked` (on an answer just given). `language.toml` holds frames with {language}; `quiet.toml` what people say without
any wish about answers. Three parts of `said` and `remarked`, by the wordings alone:

    unseen      a quarter that nothing is trained on, so that evaluation can ask about words that are new
    spoken      another quarter: what simulated people say while a summarizer learns
    taught      the others, and all of `also_said` and `also_remarked`, which were written later by others who had seen
                none of these: what the SDK learns to read words from (trainer/people/asking.py)

Beside whole wordings there are parts of some: `things` and `doing` of each aspect, and in `frames.toml` ways to want
a thing or not. Crossed they make thousands more to teach, in which nothing but the frame tells which way a wish goes.
None of them is evaluated with: a wording of the quarter that can be put together so, or is a clause as well, is in no
part.
"""

from __future__ import annotations

import hashlib
import random
import tomllib
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Literal, TypeAlias

from popi_sdk.style.facts import ASPECTS

Part: TypeAlias = Literal["taught", "spoken", "unseen"]
QUARTER = 0.25
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
    """One part of all wordings."""

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
        """A wish put together from a frame and what it is about; to be taught only."""
        parts, frames = self.parts[aspect], self.frames
        if draw.random() < THINGS_SHARE:
            return draw.choice(frames.things[more]).format(thing=draw.choice(parts.things))
        wanted = draw.random() < 0.5
        doing = draw.choice(parts.doing[more is wanted])  # not wanting less of it is wanting more
        return draw.choice(frames.doing[wanted]).format(doing=doing)


@cache
def phrasebook(part: Part) -> Phrasebook:
    """The wordings of one part; clauses, and parts of wordings, are the same in all."""
    tables = {aspect: _read(aspect) for aspect in ASPECTS}
    parts, frames = {aspect: _parts(table) for aspect, table in tables.items()}, _frames(_read("frames"))
    met = _met(tables, parts, frames) if part == "unseen" else set()
    wishes = {
        (aspect, more): _wordings(table[_name(more)], part, met) for aspect, table in tables.items() for more in _BOTH
    }
    language = _read("language")
    return Phrasebook(
        wishes=wishes,
        language=_wordings(language, part),
        languages=tuple(language["languages"]),
        quiet=_wordings(_read("quiet"), part),
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


def _wordings(table: Mapping[str, Sequence[str]], part: Part, met: Collection[str] = ()) -> Wordings:
    def of(name: str) -> tuple[str, ...]:
        wordings = table[name]
        order = sorted(wordings, key=lambda one: hashlib.sha256(one.encode("utf-8")).digest())
        first, second = round(QUARTER * len(order)), round(2 * QUARTER * len(order))
        parts: dict[Part, list[str]] = {
            "unseen": order[:first],
            "spoken": order[first:second],
            "taught": order[second:],
        }
        chosen = set(parts[part])
        later = table.get(f"also_{name}", ()) if part == "taught" else ()
        return (*(one for one in wordings if one in chosen and plain(one) not in met), *later)

    return Wordings(tuple(table.get("clauses", ())), of("said"), of("remarked"))
