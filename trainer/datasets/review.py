"""Review: reviews steered to be positive, negative, concise or verbose; a user is the pool of one kind.

Asap7772/steered_reviews_full_autolabel_gpt4o_pref, columns read:

prompt          what to review
response_x/_y   two reviews
scorer_level    the kind it is judged for
label           0 where response_x suits that kind better, 1 where response_y does

As in the released POPI code, only the four plain kinds are used (not "positive+concise" and the like), with 4 shots.
The differences from it are those of `elix`.
"""

from __future__ import annotations

from collections.abc import Iterable

from trainer.data import Example
from trainer.datasets.pools import labelled_pair, pooled
from trainer.datasets.rows import Row

KINDS = ("positive", "negative", "concise", "verbose")


def examples(rows: Iterable[Row]) -> list[Example]:
    """One example for each kind of review, with all its pairs held out."""
    return pooled(
        ((row.text("scorer_level"), labelled_pair(row)) for row in rows if row.text("scorer_level") in KINDS),
        slices=lambda kind: {"domain": "review", "level": kind},
        oracle=lambda kind: f"This user prefers {kind} reviews.",
    )
