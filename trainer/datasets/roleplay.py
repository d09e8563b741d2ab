"""Roleplay: answers chosen for some 1,500 described persons; a user is one of them.

sher222/persona-iterative-responses, columns read:

x               the question
yw, yl          the answer that suits the person, and the one that suits less
level           the person's id
score_persona   the person's description

8 shots, as in the released POPI code. Unlike it, persons of the test split do not return in training, blocks are
rotated, and a shorter last block is kept.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from popi_sdk.signals import PreferencePair
from trainer.data import Example
from trainer.datasets.pools import pair_of, pooled
from trainer.datasets.rows import Row


def examples(rows: Iterable[Row]) -> list[Example]:
    """One example for each person, with all their pairs held out and the description as the oracle."""
    described: dict[str, str] = {}

    def pairs() -> Iterator[tuple[str, PreferencePair | None]]:
        for row in rows:
            person = row.text("level")
            if not person:
                raise row.refused("names no person in `level`")
            described.setdefault(person, row.text("score_persona"))
            yield person, pair_of(row, "x", "yw", "yl")

    return pooled(pairs(), slices=lambda _person: {"domain": "roleplay"}, oracle=lambda person: described[person])
