"""The real people of ../shared/data as examples in the documented format: what each has shown, and held-out choices.

answer_pairs    raters who compared two answers: each half of a rater's choices is held out while the other is shown
writer_edits    writers who edited LLM paragraphs: the same, shown as the edits they were, held out as final over draft
votes           participants of public consultations: their own statements, and some of their votes as pairs of a
                statement agreed with and one disagreed with; other votes, paired alike, are held out
music_chats     dialogues about music: the first half of the turns, songs with their thumbs; held out are the songs that
                were liked in a later turn over those disliked in the same turn. The file shortens titles to an initial.

The last two are no answers to one request, and what is learnt of them is an opinion or a taste in music. They are here
because they are real: nothing is trained on such pairs, and `popi-train prepare` does not make them.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from popi_sdk.signals import Conversation, PreferencePair, Signal, Statement
from trainer.data import Example, leaked_pairs, same_text
from trainer.datasets import people
from trainer.datasets.rotation import rotate
from trainer.datasets.rows import Row, Table

FOLDER = Path(__file__).resolve().parents[2] / "shared" / "data"

QUESTION = "Which of these statements do you agree with?"
LEAST_PAIRS = 4
"""Pairs of votes that a participant must have, half of them to be shown."""
MOST_PAIRS = 16
"""Pairs of votes that are taken of one participant."""


def answer_pairs(rows: Iterable[Row]) -> list[Example]:
    """Two examples for each rater; ties are left out."""
    return [half for whole in people.answer_pairs(rows) for half in _halves(whole)]


def writer_edits(rows: Iterable[Row]) -> list[Example]:
    """Two examples for each writer."""
    return [half for whole in people.writer_edits(rows) for half in _halves(whole, people.edit_of)]


def votes(rows: Iterable[Row], statements: Iterable[Row]) -> list[Example]:
    """One example for each participant with four pairs of votes or more."""
    texts = {(row.values["conversation"], row.values["id"]): row.text("text") for row in statements}
    examples = (_participant(row, texts) for row in rows)
    return [example for example in examples if example.pairs]


def music_chats(rows: Iterable[Row]) -> list[Example]:
    """One example for each dialogue in which a song was disliked in the second half of the turns."""
    examples = (_listener(row) for row in rows)
    return [example for example in examples if example.pairs]


def of_file(name: str, folder: Path = FOLDER) -> list[Example]:
    """The examples of one of the files, by its name without the ending."""
    rows = Table(folder / f"{name}.jsonl").rows()
    return votes(rows, Table(folder / "statements.jsonl").rows()) if name == "votes" else BY_ROWS[name](rows)


BY_ROWS: Mapping[str, Callable[[Iterable[Row]], list[Example]]] = {
    "answer_pairs": answer_pairs,
    "writer_edits": writer_edits,
    "music_chats": music_chats,
}
"""Files that need no other file."""
NAMES = ("answer_pairs", "votes", "writer_edits", "music_chats")


def _halves(whole: Example, shown_as: Callable[[PreferencePair], Signal] = lambda pair: pair) -> Iterator[Example]:
    half = len(whole.pairs) // 2
    return rotate(whole, shots=half, hold_out=len(whole.pairs) - half, shown_as=shown_as)


def _participant(row: Row, texts: Mapping[tuple[str, int], str]) -> Example:
    """Somebody's own statements and half of the pairs of votes; votes on own statements say nothing new."""
    conversation = row.values["conversation"]
    own = _different(texts.get((conversation, number), "") for number in row.values["own_statements"])
    said = {same_text(text) for text in own}
    by_vote: dict[int, list[str]] = {1: [], -1: []}
    for text, vote in _different_votes(row, texts):
        if vote and same_text(text) not in said:
            by_vote[vote].append(text)
    draw = random.Random(f"votes {row.text('user')}")
    for some in by_vote.values():
        draw.shuffle(some)
    chosen = list(zip(by_vote[1], by_vote[-1], strict=False))[:MOST_PAIRS]
    pairs = [PreferencePair(QUESTION, agreed, disagreed) for agreed, disagreed in chosen]
    half = len(pairs) // 2
    held_out = pairs[half:] if len(pairs) >= LEAST_PAIRS else []
    signals: list[Signal] = [*map(Statement, own), *pairs[:half]]
    return Example(row.text("user"), tuple(signals), tuple(held_out), {"conversation": conversation})


def _different_votes(row: Row, texts: Mapping[tuple[str, int], str]) -> Iterator[tuple[str, int]]:
    """Each statement's text once, with the vote on it."""
    seen: set[str] = set()
    for number, vote in row.values["votes"]:
        text = texts.get((row.values["conversation"], number), "")
        if text and same_text(text) not in seen:
            seen.add(same_text(text))
            yield text, vote


def _different(texts: Iterable[str]) -> list[str]:
    return list({same_text(text): text for text in texts if text}.values())


def _listener(row: Row) -> Example:
    turns = row.values["turns"]
    half = max(1, len(turns) // 2)
    messages = [message for turn in turns[:half] for message in _messages(turn)]
    pairs = {
        (turn["said"], liked, disliked): PreferencePair(turn["said"], liked, disliked)
        for turn in turns[half:]
        for liked, disliked in zip(turn["liked"], turn["disliked"], strict=False)
        if liked != disliked
    }
    example = Example(row.text("user"), (Conversation(messages),), tuple(pairs.values()))
    leaked = leaked_pairs(example)
    return replace(example, pairs=tuple(pair for pair in example.pairs if pair not in leaked))


def _messages(turn: Mapping[str, Any]) -> Iterator[dict[str, str]]:
    """What was said and answered in a turn, and each song that was played then, with its thumb."""
    yield {"role": "user", "content": turn["said"]}
    if turn["answered"].strip():
        yield {"role": "assistant", "content": turn["answered"]}
    for songs, thumb in ((turn["liked"], "up"), (turn["disliked"], "down")):
        yield from ({"role": "assistant", "content": song, "feedback": thumb} for song in songs)
