"""What the user said about how to be answered, as wishes in the user's own words or in ours.

A statement is repeated in the user's words, sentence by sentence, when a sentence is shaped like a preference or an
instruction about answers; "I had soup for lunch" is not. Remarks in chats and the reasons of ratings are recognised by
`topics` and worded by us: their words never appear. A persona becomes one clause about the user.

About one aspect the newest word wins; saying the same again is one wish with both signals.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from popi_sdk.signals import Persona
from popi_sdk.summarizers.evidence import Said
from popi_sdk.summarizers.statement_shapes import says_how
from popi_sdk.summarizers.topics import Wish, remarks, wishes

LONGEST = 200
"""Characters of one sentence or persona that are repeated; a longer one ends at a word, with a mark."""

LONGEST_STATEMENT = 4_000
"""Characters of a statement that are read."""

LONGEST_REMARK = 40
"""Words of a turn or a reason that can be a remark; a longer one is matter to work on."""


@dataclass(frozen=True, slots=True)
class Spoken:
    """One thing the user asked for: the wishes in it, and its words when they may be repeated.

    `place` is the place of its signal and that of the sentence in it.
    """

    wishes: tuple[Wish, ...]
    words: str
    signal_ids: tuple[str, ...]
    place: tuple[int, int]
    asked_first: bool = False


_SENTENCES = re.compile(
    r"(?<=[.!?…])(?<!e\.g\.)(?<!i\.e\.)(?<!\b[A-Z]\.)(?<!etc\.)(?<!vs\.)(?<!Dr\.)(?<!Mr\.)(?<!Ms\.)(?<!Mrs\.)(?<!Prof\.)(?:\s+(?=\S)|[\"'”’)]+\s+(?=[^\sa-z]))|"
    r"(?<=[。！？])|\s*\n\s*(?:[-*•]\s+|\d+[.)]\s+)?"
)


_ENDS = (".", "!", "?", "…", "。", "！", "？")
_CJK_END = re.compile("[\u3040-\u30ff\u3400-\u9fff]$")
_LOOSE = frozenset({"code", "sources", "numbers", "questions", "hedging", "caveats", "options", "headings", "steps"})
"""Aspects of which one may say several things that do not contradict each other ("comment code", "run code first")."""


def spoken(said: Sequence[Said]) -> list[Spoken]:
    """All wishes among what the user said, newest first, contradictions settled and repeats joined."""
    found = [wish for one in said for wish in (_of_statement(one) if one.quotable else _of_remark(one))]
    return _settle(_only_repeated_first_turns(found))


def sentences(text: str) -> list[str]:
    """The sentences and list items of a statement, as far as one is read."""
    return [sentence for sentence in _SENTENCES.split(text[:LONGEST_STATEMENT]) if sentence and sentence.strip()]


def about_user(personas: Sequence[Persona]) -> tuple[str, tuple[str, ...]]:
    """One line about the user from all personas (newest attribute wins), and the signals behind it."""
    attributes: dict[str, str] = {}
    texts: list[str] = []
    ids: list[str] = []
    for persona in personas:
        ids.append(persona.id)
        for name, value in (persona.attributes or {}).items():
            if line := _attribute(name, value):
                attributes[name.strip().lower().replace("_", " ")] = line
        if persona.text:
            texts = [_shorten(_one_line(persona.text))]
    parts = "; ".join([*attributes.values(), *texts]).rstrip(" .;")
    return (f"About the user: {_shorten(parts).rstrip(' .;')}.", tuple(ids)) if parts else ("", ())


def _attribute(name: str, value: object) -> str:
    """An attribute as people say it: a bare occupation, "speaks French", else "name: value"."""
    words = " ".join(name.lower().replace("_", " ").split())
    if isinstance(value, bool):
        return words if value else f"not {words}"
    if isinstance(value, (list, tuple)):
        content = ", ".join(_one_line(str(item)) for item in value)
    else:
        content = _one_line(str(value))
    if words in ("occupation", "job", "profession", "role", "job title"):
        return content
    if words in ("language", "languages", "native language", "speaks", "locale language"):
        return f"speaks {content}"
    return f"{words}: {content}" if content else ""


def _one_line(text: str) -> str:
    """Lines joined by semicolons: what begins a line of its own must still be seen to."""
    lines = [" ".join(line.split()) for line in text.splitlines() if line.strip()]
    closed = [line if line.endswith((*_ENDS, ";", ",", ":")) else line + ";" for line in lines[:-1]]
    return " ".join([*closed, *lines[-1:]])


def _shorten(text: str) -> str:
    """At most `LONGEST` characters, ending with a sentence where one ends, else with a word and a mark."""
    if len(text) <= LONGEST:
        return text
    head = text[: LONGEST + 1]
    ends = [match.end() for match in re.finditer(r"[.!?;。！？](?=\s|$)|[。！？]", head)]
    if ends and ends[-1] >= LONGEST // 4:
        return head[: ends[-1]].strip()
    cut = head[: LONGEST - 1].rsplit(" ", 1)[0] if " " in head[: LONGEST - 1] else head[: LONGEST - 1]
    return cut.rstrip(" ,;:") + "…"


def _of_statement(one: Said) -> Iterator[Spoken]:
    """The sentences of a statement that say how to answer, in their own words."""
    for line, sentence in enumerate(sentences(one.text)):
        words = _shorten(" ".join(sentence.split()).strip("-*• "))
        if not words or not says_how(words):
            continue
        words = words[0].upper() + words[1:]
        closed = words if words.endswith(_ENDS) else words + ("。" if _CJK_END.search(words) else ".")
        meant = wishes(words) + settings(words.lower())
        yield Spoken(meant, closed, (one.signal_id,), (one.place, line))


def settings(lowered: str) -> tuple[Wish, ...]:
    """Aspects with a value of their own: units, spelling, what to call the user."""
    found = []
    for aspect, values in {
        "units": {"metric": r"\bmetric|celsius|kilomet", "imperial": r"\bimperial|fahrenheit|\bmiles\b"},
        "spelling": {
            "British": r"\b(?:british|uk) (?:english )?spell|british english",
            "American": r"\b(?:american|us) (?:english )?spell|american english",
        },
    }.items():
        found += [Wish(aspect, value) for value, pattern in values.items() if re.search(pattern, lowered)][:1]
    if name := re.search(r"\b(?<!don't )(?<!not )(?<!never )call me (\w+)", lowered):
        found.append(Wish("address", name[1]))
    return tuple(found)


def _of_remark(one: Said) -> Iterator[Spoken]:
    """Wishes in a reason or a turn of a chat; long turns are matter to work on, not remarks."""
    meant: dict[str, Wish] = {}
    if len(one.text.split()) <= LONGEST_REMARK:
        meant = {wish.aspect: wish for wish in remarks(one.text)}
        if one.mood is not None:
            meant |= {wish.aspect: wish for wish in wishes(one.text, disliked=one.mood < 0)}
    for wish in meant.values():
        yield Spoken((wish,), "", (one.signal_id,), (one.place, 0), asked_first=not one.follows_answer)


def _only_repeated_first_turns(found: Sequence[Spoken]) -> list[Spoken]:
    """A first question "in simple terms" may be about that question; only in several chats it is about the user."""
    signals: dict[tuple[Wish, ...], set[str]] = {}
    for one in found:
        if one.asked_first:
            signals.setdefault(one.wishes, set()).update(one.signal_ids)
    return [one for one in found if not one.asked_first or len(signals[one.wishes]) > 1]


def _settle(found: Sequence[Spoken]) -> list[Spoken]:
    """Newest first; an older word goes where a newer one speaks of its aspects, its signals staying with a repeat.

    A sentence about several things loses only what a newer one contradicts, and then is worded by us.
    """
    settled: list[Spoken] = []
    for one in sorted(found, key=lambda one: one.place, reverse=True):
        same = next((i for i, newer in enumerate(settled) if _repeats(one, newer)), None)
        if same is not None:
            ids = tuple(dict.fromkeys((*one.signal_ids, *settled[same].signal_ids)))
            settled[same] = replace(settled[same], signal_ids=ids)
            continue
        decided = {wish.aspect: wish.direction for newer in settled for wish in newer.wishes}
        left = tuple(w for w in one.wishes if w.aspect in _LOOSE or decided.get(w.aspect, w.direction) == w.direction)
        if left == one.wishes:
            settled.append(one)
        elif worded := tuple(wish for wish in left if wish.aspect != "address"):  # a name has no words of ours
            settled.append(replace(one, wishes=worded, words=""))
    return sorted(settled, key=lambda one: (-one.place[0], one.place[1]))


def _repeats(older: Spoken, newer: Spoken) -> bool:
    """Whether an older word adds nothing to a newer one: the same words, or the same plain wishes."""
    if older.words and older.words.casefold() == newer.words.casefold():
        return True
    plain = not any(wish.aspect in _LOOSE for wish in older.wishes) and len(older.words.split()) <= 10
    return bool(older.wishes) and set(older.wishes) <= set(newer.wishes) and (plain or not older.words)
