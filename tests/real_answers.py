"""Made-up answers that differ in four aspects, and where the real ones are."""

from __future__ import annotations

import json
import lzma
import random
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from trainer.people.choosing import Population

DATA = Path(__file__).resolve().parents[2] / "shared" / "data" / "answers.jsonl.xz"
ABSENT = "../shared/data/answers.jsonl.xz is not on this machine"
WORDS = ("garden", "tomato", "compost", "seedling", "shade", "mulch", "frost", "bloom", "prune", "trellis", "spade")
ASKED = ("length", "lists", "directness", "bold")
"""What the made-up answers differ in."""


def made_up_text(draw: random.Random, *, long: bool, lists: bool, opener: bool, bold: bool) -> str:
    lines = [" ".join(draw.choices(WORDS, k=9)).capitalize() + "." for _ in range(9 if long else 3)]
    if bold:
        lines = [f"**{line.split()[0]}** {line}" for line in lines]
    body = "\n".join(f"- {line}" for line in lines) if lists else " ".join(lines)
    return f"Sure, here it is.\n\n{body}" if opener else body


def made_up_rows(tasks: int) -> list[dict[str, str | None]]:
    rows: list[dict[str, str | None]] = []
    for task in range(tasks):
        draw = random.Random(f"task {task}")
        prompt = None if task % 3 == 0 else f"What about number {task}?"
        for number in range(16):
            flags = {name: bool(number >> bit & 1) for bit, name in enumerate(("long", "lists", "opener", "bold"))}
            rows.append({"task": f"t-{task}", "prompt": prompt, "model": "m", "text": made_up_text(draw, **flags)})
    return rows


def write_rows(path: Path, rows: Sequence[Mapping[str, str | None]]) -> Path:
    with lzma.open(path, "wt", encoding="utf-8") as out:
        out.writelines(json.dumps(row) + "\n" for row in rows)
    return path


def population(**changes: Any) -> Population:
    """A small world over the made-up answers."""
    return replace(Population(users=12, signals=8, pairs=4, aspects=ASKED), **changes)
