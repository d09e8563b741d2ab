"""Which preference a few words speak of: "no jargon", "zu lang", "can you show it in code instead".

`wishes(text)` finds aspects and directions in words about answers. A topic names an aspect and what its plain mention
asks for; a negation or a complaint in front of it ("no", "too many", "sans") turns it round. `remarks(text)` does the
same for a turn of a chat, where most words are about the matter, not the answer, and so takes narrower forms only.
English first; common wishes also in German, French, Spanish, Portuguese, Italian, Dutch, Chinese, Japanese and Russian.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache

from popi_sdk.style.languages import LANGUAGES
from popi_sdk.summarizers.remark_patterns import ANSWERING, REMARKS
from popi_sdk.summarizers.topic_patterns import LESS, MORE, TOPICS


@dataclass(frozen=True, slots=True)
class Wish:
    """An aspect and its direction: "more", "less", or a value such as the name of a language."""

    aspect: str
    direction: str


_NEGATION = re.compile(
    r"\b(?:no|not|never|without|avoid\w*|stop|skip|drop|less|fewer|omit|remove|leave out|cut|ditch|easy on|"
    r"light on|lose|minus|don'?t|do not|doesn'?t|won'?t|shouldn'?t|can'?t stand|hate|dislike|dislikes|tired of|"
    r"sick of|enough|rather than|instead of|over|nor|zero|limit|refrain|annoy\w*|neither|kein\w*|nicht|nie|ohne|"
    r"weniger|vermeide\w*|sans|pas|moins|jamais|évite\w*|sin|nunca|menos|evita\w*|sem|não|evite|senza|non|meno|"
    r"mai|geen|niet|nooit|zonder|minder|vermijd\w*|без|не|никаких|меньше)\b|不要|不用|别|少用|没有|无需|いらない"
)
_NEGATION_AFTER = re.compile(
    r"^\W*(?:is|are|seem|feel)?\s*(?:not needed|unnecessary|annoying|distracting|not necessary|useless|overkill|"
    r"free\b|なし|不要|を使わない|は使わない|は不要|しないで|いらない)|^[- ]free\b"
)
_TOO = re.compile(
    r"\b(?:too|so|overly|way too|excessive\w*|zu|trop|demasiad[oa]s?|muito|troppo|te|слишком)(?: (?:many|much|"
    r"viel\w*|de|\w+))?\s*$|太|すぎ"
)
_TOO_AFTER = re.compile(r"^(?:すぎ| overload| everywhere)")
_NOT_ENOUGH = re.compile(r"\bnot\b[^.]*$")
_LACK = re.compile(
    r"\b(?:no|not enough|lack\w*|missing|misses|without|zero|needs?|keine?|fehlen|sans|manque|sin|falta\w*|sem|"
    r"senza|geen)\b"
)
_ASKS = re.compile(
    r"\b(?:please|should|could|needs?|want|wish|prefer|would|more|less|fewer|rather|bitte|plus|más|mais|più|meer)\b"
)
_TURN = re.compile(
    r"\b(?:but|instead(?! of)|and (?:use|give|keep|write|be|add|show|do|always|include|make|put|stick)|just|aber|"
    r"mais|pero|ma|maar)\b"
)
_MAY_FOLLOW = (
    "please|only|answers?|repl|respon|instead|from|and|but|with|unless|bitte|not|if|when|for|at|all|"
    "mit|und|avec|et|con|com|met|sin|sem|sans|en|e|y|ohne|aber"
)
_NO_LANGUAGE = re.compile(r"\b(?:not|don't|never|nicht|pas) (?:\w+ ){0,3}(?:in|auf|en|em) \w+")
_PIECES = re.compile(r"[,;:.!?…。，、！？；\n()]+|\s[-–—]+\s")


def wishes(text: str, *, disliked: bool = False) -> tuple[Wish, ...]:
    """The preferences that words about answers speak of; `disliked` for what was said against an answer.

    >>> wishes("Short answers, and no emoji please")
    (Wish(aspect='length', direction='less'), Wish(aspect='emoji', direction='less'))
    >>> wishes("no examples at all", disliked=True)
    (Wish(aspect='examples', direction='more'),)
    """
    lowered = _normal(text)
    found: dict[Wish, None] = dict.fromkeys(_language(lowered))
    for piece in _PIECES.split(_shield(lowered)):
        taken: list[tuple[int, int]] = []
        for aspect, direction, fixed, pattern in _compiled(TOPICS):
            for match in pattern.finditer(piece):
                if any(match.start() < end and start < match.end() for start, end in taken):
                    continue
                taken.append(match.span())
                turned = not fixed and _turned(piece, match, disliked=disliked)
                found[Wish(aspect, _opposite(direction) if turned else direction)] = None
    return tuple(found)


def remarks(text: str) -> tuple[Wish, ...]:
    """The preferences that a remark on an answer in a chat speaks of, narrowly.

    >>> remarks("ok but that's too long, and no jargon please")
    (Wish(aspect='length', direction='less'), Wish(aspect='reading', direction='less'))
    >>> remarks("can you add some longer songs to the list?")
    ()
    """
    lowered = _normal(text)
    found: dict[Wish, None] = dict.fromkeys(_language(lowered))
    for piece in _PIECES.split(_shield(lowered)):
        for aspect, direction, _, pattern in _compiled(REMARKS):
            for match in pattern.finditer(piece):
                before = piece[: match.start()]
                if not re.search(r"\b(?:not|isn't|wasn't|never)\b[\w ']{0,12}$", before):
                    found.setdefault(Wish(aspect, direction))
    return tuple(found)


def _normal(text: str) -> str:
    return " ".join(text.lower().replace("’", "'").split(" "))


def _shield(lowered: str) -> str:
    """Keep the marks inside "tl;dr" from cutting it in two."""
    return lowered.replace("tl;dr", "tldr").replace("e.g.", "eg")


def _opposite(direction: str) -> str:
    return LESS if direction == MORE else MORE


@cache
def _compiled(table: tuple[tuple[str, str, str], ...]) -> tuple[tuple[str, str, bool, re.Pattern[str]], ...]:
    """Each topic with its pattern; "!" marks words that mean one thing whatever stands before them."""
    compiled = []
    for aspect, direction, pattern in table:
        fixed = pattern.startswith("!")
        words = pattern.removeprefix("!")
        compiled.append((aspect, direction, fixed, re.compile(rf"(?<![a-zа-яà-ÿ0-9])(?:{words})(?![a-zа-яà-ÿ])")))
    return tuple(compiled)


def _turned(piece: str, match: re.Match[str], *, disliked: bool) -> bool:
    """Whether what stands around a topic turns it round."""
    before = piece[: match.start()]
    before = _TURN.split(before)[-1]
    before = " ".join(before.split(" ")[-8:])
    after = piece[match.end() :]
    if after.lstrip().startswith("enough") and _NOT_ENOUGH.search(before):
        return False
    too = _TOO.search(before) is not None or _TOO_AFTER.match(after) is not None
    if disliked and not too:
        return not (_LACK.search(before) or _ASKS.search(piece)) or (
            _LACK.search(before) is None and _NEGATION.search(before) is not None
        )
    negated = _NEGATION.search(before) is not None or _NEGATION_AFTER.match(after) is not None
    if re.search(
        r"\b(?:not|never) (?:\w+ )?without\b|don'?t (?:forget|skip|leave out|omit|be afraid)|not only", before
    ):
        return False
    return negated or too


@cache
def _language_patterns() -> tuple[tuple[str, re.Pattern[str]], ...]:
    return tuple(
        (
            name,
            re.compile(
                rf"(?<![a-zа-яà-ÿ]){ANSWERING}\s*(?:(?:to |me |mir |moi |in |auf |en |em |het |only |на )*)"
                rf"(?:{words})(?![a-zа-яà-ÿ])(?!\s+(?!{_MAY_FOLLOW})[a-z])"
            ),
        )
        for name, words in LANGUAGES.items()
    )


def _language(lowered: str) -> list[Wish]:
    """The language to answer in, if one is named for that: "in German please", not "German songs"."""
    if "spelling" in lowered or _NO_LANGUAGE.search(lowered):
        return []
    return [Wish("language", name) for name, pattern in _language_patterns() if pattern.search(lowered)][:1]
