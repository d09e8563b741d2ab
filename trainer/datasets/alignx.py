"""AlignX: Reddit users who comment and choose comments; each row is one user and one held-out pair.

JinaLeejnl/AlignX (training) and JinaLeejnl/AlignX-test (Reddit_DEMO, _PAIR, _UGC, _arbitrary .json), columns read:

prompt, chosen, rejected        the post, the comment this user prefers, the other one: the held-out pair
Demographic Information         who the user is, in words
User-Generated Content          up to 4 of {"prompt", "comment", "Preference Direction"}
Pair-wise Comparative Feedback  up to 4 of {"prompt", "chosen", "rejected", "Preference Direction"}
Preference Direction            90 numbers, see `alignx_traits`
profile                         (test files) the traits in words; read only where the directions are missing

In the form "ica" these are the signals themselves; in "pba" the only signal is the line of traits to which the
directions of what is shown lean. Training rows are dealt to the four modes of the test sets as in the released POPI
code: the rarest mode so far comes next; UGC shows 4 comments, PAIR 4 pairs, DEMO the demographics, arbitrary 0 to 4 of
each, and the demographics always or (if anything else is shown) half of the time. Test rows are taken as they are.

Differences from the released code: a pba profile never rests on demographics that are not shown (that of the
arbitrary test file does); what a user said about the held-out post itself is left out; demographics are matched by
the held-out pair, not by row number. Mind that in DEMO the pba traits are those of the held-out pair itself, and that
the oracle is the signal: it measures little but how well traits are copied.
"""

from __future__ import annotations

import random
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal

from popi_sdk.errors import SignalError
from popi_sdk.intake import coerce
from popi_sdk.signals import Demonstration, Persona, PreferencePair, Signal
from trainer.data import Example
from trainer.datasets.alignx_traits import POLES, traits
from trainer.datasets.pools import pair_of
from trainer.datasets.rotation import set_apart
from trainer.datasets.rows import Row

Form = Literal["ica", "pba"]
Mode = Literal["ugc", "pair", "demo", "arbitrary"]

TEST_FILES = "Reddit_"
"""The files of the test set begin so; the rest of the name is the mode."""
_MOST = 4
"""Comments, and pairs, that a row shows at most."""


@dataclass(frozen=True, slots=True)
class _Item:
    """One comment or pair, and where its user leans in it."""

    signal: Signal
    direction: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class _Shown:
    """What a row shows of its user."""

    mode: str
    demographics: str
    items: tuple[_Item, ...]


def examples(rows: Iterable[Row], form: Form, seed: int = 42) -> list[Example]:
    """One example for each row that shows anything of its user."""
    demographics: dict[str, str] = {}
    counts: dict[Mode, int] = {"ugc": 0, "pair": 0, "demo": 0, "arbitrary": 0}
    found = []
    for row in rows:
        target = pair_of(row, "prompt", "chosen", "rejected")
        if target is None:
            continue
        if about := row.values.get("Demographic Information"):
            demographics[target.id] = str(about).strip()
        shown = _shown(row, counts, random.Random(f"{seed}/{target.id}"))
        slices = {"domain": "alignx", "form": form, "mode": shown.mode}
        example = set_apart(Example(f"alignx-{target.id[:12]}", _signals(row, shown, form), (target,), slices))
        if example.signals:
            found.append(example)
    return [replace(example, oracle=demographics.get(example.pairs[0].id, "")) for example in found]


def _shown(row: Row, counts: dict[Mode, int], draw: random.Random) -> _Shown:
    comments, pairs = _items(row, "User-Generated Content"), _items(row, "Pair-wise Comparative Feedback")
    demographics = str(row.values.get("Demographic Information") or "").strip()
    if row.table.startswith(TEST_FILES):
        return _Shown(row.table.removeprefix(TEST_FILES).lower(), demographics, (*comments, *pairs))
    mode = _next_mode(counts, len(comments), len(pairs))
    counts[mode] += 1
    match mode:
        case "ugc":
            return _Shown(mode, "", tuple(draw.sample(comments, _MOST)))
        case "pair":
            return _Shown(mode, "", tuple(draw.sample(pairs, _MOST)))
        case "demo":
            return _Shown(mode, demographics, ())
        case "arbitrary":
            few = draw.sample(comments, draw.randint(0, _MOST)) + draw.sample(pairs, draw.randint(0, _MOST))
            hidden = bool(few) and draw.random() < 0.5
            return _Shown(mode, "" if hidden else demographics, tuple(few))


def _next_mode(counts: Mapping[Mode, int], comments: int, pairs: int) -> Mode:
    if comments >= _MOST and pairs >= _MOST:
        return min(counts, key=lambda mode: counts[mode])
    if comments >= _MOST:
        return "ugc"
    return "pair" if pairs >= _MOST else "demo"


def _signals(row: Row, shown: _Shown, form: Form) -> tuple[Signal, ...]:
    if form == "pba":
        words = _traits(row, shown)
        return (Persona(text=words),) if words else ()
    persona = [Persona(text=shown.demographics)] if shown.demographics else []
    return coerce([*persona, *(item.signal for item in shown.items)])


def _traits(row: Row, shown: _Shown) -> str:
    directions = [item.direction for item in shown.items]
    if shown.demographics:
        directions.append(_direction(row, row.values))
    if not all(directions):
        return row.text("profile")
    return traits(directions) if directions else ""


def _items(row: Row, column: str) -> list[_Item]:
    items = []
    for item in row.values.get(column) or ():
        try:
            signal = _signal(item)
        except SignalError:  # An empty comment, or two equal ones: it says nothing.
            continue
        except (KeyError, TypeError) as error:
            raise row.refused(f"holds something else than posts and comments in `{column}`") from error
        items.append(_Item(signal, _direction(row, item)))
    return items


def _signal(item: Mapping[str, Any]) -> Signal:
    if "comment" in item:
        return Demonstration(item["comment"], item["prompt"])
    return PreferencePair(item["prompt"], item["chosen"], item["rejected"])


def _direction(row: Row, item: Mapping[str, Any]) -> tuple[float, ...]:
    direction = tuple(item.get("Preference Direction") or ())
    if direction and len(direction) != len(POLES):
        raise row.refused(f"has a `Preference Direction` of {len(direction)} numbers", f"It has {len(POLES)}.")
    return direction
