"""ELIX: questions explained for five levels of expertise; a user is the pool of rows scored for one level.

Asap7772/elix_generations_autolabel, columns read:

prompt          the question
response_x/_y   two explanations
level_x/_y      the level each was written for
scorer_level    the level it is judged for (child, preteen, teenager, young adult, expert)
label           0 where response_x suits that level better, 1 where response_y does

As in the released POPI code, only rows of which one answer was written for the scorer's own level are used, with 4
shots. Unlike it: a question may stand in several rows, and such rows are not shown beside one another (the released
blocks can give the held-out answer away); questions of the test split do not return in training; blocks are rotated
instead of drawn twice; and a shorter last block is kept.
"""

from __future__ import annotations

from collections.abc import Iterable

from trainer.data import Example
from trainer.datasets.pools import labelled_pair, pooled
from trainer.datasets.rows import Row


def examples(rows: Iterable[Row]) -> list[Example]:
    """One example for each level, with all its pairs held out."""
    return pooled(
        ((row.text("scorer_level"), labelled_pair(row)) for row in rows if _written_for_the_scorer(row)),
        slices=lambda level: {"domain": "elix", "level": level},
        oracle=lambda level: f"This user wants explanations that suit this level of expertise: {level}.",
    )


def _written_for_the_scorer(row: Row) -> bool:
    level = row.text("scorer_level")
    return bool(level) and level in (row.text("level_x"), row.text("level_y"))
