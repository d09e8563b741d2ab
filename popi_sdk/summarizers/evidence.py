"""Signals sorted into the kinds of evidence `contrast` can use, newest content once each.

Preference pairs and edits are `Pair`s: a better and a worse text for one request. Thumbs and scores are `Graded` texts,
or pairs where one request was graded differently. What the user said, in so many words, is `Said`: a statement or a
persona may be quoted, a remark in a chat or the reason of a rating may only be recognised.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TypeVar

from popi_sdk.signals import Conversation, Demonstration, Edit, Persona, PreferencePair, Rating, Signal, Statement

NEWEST = 500
"""At most this many pairs, and this many graded texts, are looked at, the newest ones: time stays bounded."""

T = TypeVar("T")

_LONG_AGO = datetime(1, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Pair:
    """One text liked better than another; `place` counts up with time."""

    better: str
    worse: str
    signal_ids: tuple[str, ...]
    place: int


@dataclass(frozen=True, slots=True)
class Graded:
    """One text and how it was liked, -1 to 1."""

    prompt: str
    text: str
    score: float
    signal_id: str
    place: int


@dataclass(frozen=True, slots=True)
class Said:
    """Words of the user; only a statement (`quotable`) may be repeated in a summary.

    `follows_answer` is true for a remark on an answer: a reason, or a turn after an answer in a chat. `mood` is the
    score a reason goes with.
    """

    text: str
    signal_id: str
    place: int
    quotable: bool
    follows_answer: bool = False
    mood: float | None = None


@dataclass(frozen=True, slots=True)
class Evidence:
    """Everything usable, each kind oldest first."""

    pairs: tuple[Pair, ...]
    graded: tuple[Graded, ...]
    said: tuple[Said, ...]
    personas: tuple[Persona, ...]
    written: tuple[Demonstration, ...]


def gather(signals: Sequence[Signal]) -> Evidence:
    """Sort `signals` by time and kind; a text said or judged twice counts once, as its newest."""
    ordered = by_time(signals)
    pairs: list[Pair] = []
    graded: list[Graded] = []
    said: list[Said] = []
    for place, signal in enumerate(ordered):
        match signal:
            case PreferencePair():
                pairs.append(Pair(signal.chosen, signal.rejected, (signal.id,), place))
            case Edit():
                pairs.append(Pair(signal.final, signal.draft, (signal.id,), place))
            case Rating():
                graded.append(Graded(signal.prompt, signal.response, signal.score, signal.id, place))
            case Conversation():
                graded.extend(_thumbs(signal, place))
        if signal.source == "user":
            said.extend(_words_of(signal, place))
    matched, alone = _match(_newest_of_each(graded, lambda g: (g.prompt, g.text)))
    pairs = _newest_of_each([*pairs, *matched], lambda p: tuple(sorted((p.better, p.worse))))
    trusted = [signal for signal in ordered if signal.source == "user"]
    return Evidence(
        pairs=tuple(sorted(pairs, key=_place)[-NEWEST:]),
        graded=tuple(sorted(alone, key=_place)[-NEWEST:]),
        said=tuple(said[-4 * NEWEST :]),
        personas=tuple(s for s in trusted if isinstance(s, Persona)),
        written=tuple(s for s in trusted if isinstance(s, Demonstration))[-NEWEST:],
    )


def by_time(signals: Iterable[Signal]) -> list[Signal]:
    """Oldest first; a signal without a time is as old as the newest one given before it; one id counts once."""
    latest = _LONG_AGO
    timed: list[tuple[datetime, Signal]] = []
    for signal in signals:
        latest = max(latest, signal.at) if signal.at else latest
        timed.append((signal.at or latest, signal))
    timed.sort(key=lambda pair: pair[0])
    return list({signal.id: signal for _, signal in reversed(timed)}.values())[::-1]


def _place(item: Pair | Graded) -> int:
    return item.place


def _newest_of_each(items: Sequence[T], content: Callable[[T], Hashable]) -> list[T]:
    return list({content(item): item for item in items}.values())


def _match(graded: Sequence[Graded]) -> tuple[list[Pair], list[Graded]]:
    """Pair answers to one request that were graded differently, best with worst; return the pairs and the rest."""
    by_prompt: dict[str, list[Graded]] = {}
    for one in graded:
        by_prompt.setdefault(one.prompt.strip() or one.text, []).append(one)
    pairs: list[Pair] = []
    alone: list[Graded] = []
    for group in by_prompt.values():
        group.sort(key=lambda one: (one.score, one.text))
        while len(group) > 1 and group[0].score < group[-1].score:
            worst, best = group.pop(0), group.pop()
            ids = tuple(dict.fromkeys((best.signal_id, worst.signal_id)))
            pairs.append(Pair(best.text, worst.text, ids, max(worst.place, best.place)))
        alone.extend(group)
    return pairs, alone


def _thumbs(chat: Conversation, place: int) -> Iterator[Graded]:
    asked = ""
    for message in chat.messages:
        if message.role == "user":
            asked = message.text
        elif message.role == "assistant" and message.feedback and message.text.strip():
            score = 1.0 if message.feedback == "up" else -1.0
            yield Graded(asked, message.text, score, chat.id, place)


def _words_of(signal: Signal, place: int) -> Iterator[Said]:
    match signal:
        case Statement():
            yield Said(signal.text, signal.id, place, quotable=True)
        case Rating() if signal.reason:
            yield Said(signal.reason, signal.id, place, quotable=False, follows_answer=True, mood=signal.score)
        case Conversation():
            answered = False
            for message in signal.messages:
                if message.role == "user" and message.text.strip():
                    yield Said(message.text, signal.id, place, quotable=False, follows_answer=answered)
                answered = answered or message.role == "assistant"
