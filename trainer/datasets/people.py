"""Real people's choices: the files of the project's data folder that hold a preference between two texts.

answer_pairs.jsonl   16 raters compared two answers (Tulu-1 human evaluation, Apache-2.0): `user`, `prompt`, `a`, `b`,
                     `preference` (a-is-better, a-is-slightly-better, tie, ...). Ties and equal answers are left out.
writer_edits.jsonl   3 professional writers edited the same LLM paragraphs (salesforce/creativity_eval, BSD-3-Clause):
                     `user`, `prompt`, `draft`, `final`. Held out, an edit is a pair that prefers the final text;
                     shown, it is the edit it was.

Both have few people who saw the same prompts, so they are split by prompt and users are shared. A rater's own history
did not help to predict that rater's votes in `answer_pairs`: it is a negative control rather than a training set.

The other files of that folder get no adapter. Votes and statements of Polis are opinions, not answers to a prompt;
liked and disliked songs in the music chats are titles, not two answers to one request. A held-out pair made of either
would be made up.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from popi_sdk.signals import Edit, PreferencePair
from trainer.data import Example
from trainer.datasets.pools import pair_of, pooled
from trainer.datasets.rows import Row

_WINNER = {
    "a-is-better": ("a", "b"),
    "a-is-slightly-better": ("a", "b"),
    "tie": None,
    "b-is-slightly-better": ("b", "a"),
    "b-is-better": ("b", "a"),
}


def answer_pairs(rows: Iterable[Row]) -> list[Example]:
    """One example for each rater, with all their choices held out."""

    def pairs() -> Iterator[tuple[str, PreferencePair | None]]:
        for row in rows:
            preference = row.text("preference")
            if preference not in _WINNER:
                raise row.refused(f"has the preference {preference[:30]!r}", f"Known are: {', '.join(_WINNER)}.")
            winner = _WINNER[preference]
            yield row.text("user"), pair_of(row, "prompt", *winner) if winner else None

    return pooled(pairs(), slices=lambda _user: {"domain": "answer-pairs"})


def writer_edits(rows: Iterable[Row]) -> list[Example]:
    """One example for each writer, with all their edits held out."""
    found = ((row.text("user"), pair_of(row, "prompt", "final", "draft")) for row in rows)
    return pooled(found, slices=lambda _user: {"domain": "writer-edits"})


def edit_of(pair: PreferencePair) -> Edit:
    """A held-out pair of `writer_edits` as what the writer did."""
    return Edit(pair.prompt, pair.rejected, pair.chosen)
