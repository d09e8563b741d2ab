"""Findings and wishes in plain words: one imperative clause per aspect and direction, with numbers where they help."""

from __future__ import annotations

import math
import statistics
from functools import cache

from popi_sdk.style.languages import LANGUAGES
from popi_sdk.style.measures import count_words
from popi_sdk.summarizers.findings import Finding
from popi_sdk.summarizers.topic_patterns import LESS, MORE
from popi_sdk.summarizers.topics import Wish
from popi_sdk.summary import Clause

MORE_LESS: dict[str, tuple[str, str]] = {
    "length": ("Write longer, detailed answers{size}.", "Keep answers short and concise{size}."),
    "lists": ("Use bullet lists.", "Avoid bullet lists; write in paragraphs."),
    "steps": ("Use numbered lists and go step by step.", "Avoid numbered lists and step-by-step formats."),
    "headings": ("Use headings to structure answers.", "Do not use headings."),
    "tables": ("Use tables where they fit.", "Do not use tables."),
    "paragraphs": ("Write in long, flowing paragraphs.", "Break text into short paragraphs."),
    "bold": ("Highlight key terms in bold.", "Do not use bold text."),
    "code": ("Show code, in code blocks.", "Explain in words rather than code; avoid code blocks."),
    "emoji": ("Use emoji.", "Do not use emoji."),
    "formality": ("Use a formal, professional tone.", "Use a casual, informal tone."),
    "exclamations": ("Sound lively, with exclamation marks.", "Do not use exclamation marks."),
    "examples": ("Give concrete examples.", "Leave out examples."),
    "analogies": ("Explain with analogies and comparisons.", "Avoid analogies and figurative comparisons."),
    "questions": ("Ask a question back, to clarify or go on.", "Do not ask questions back."),
    "hedging": ("Say how certain or uncertain things are.", "Be definite; avoid hedging words."),
    "caveats": ("Mention caveats and risks.", "Leave out caveats, warnings and disclaimers."),
    "warmth": ("Be warm, supportive and encouraging.", "Stay matter-of-fact: no praise, greetings or warm phrases."),
    "directness": ("Open with a short friendly phrase.", "Answer directly, without opening phrases."),
    "closing": ("Close with an offer of further help.", "End without closing phrases or offers of help."),
    "humour": ("Use some humour.", "Do not joke; avoid humour."),
    "person": ("Address the user directly as you.", "Write impersonally, without addressing the user as you."),
    "first_person": ("Speak in the first person (I).", "Do not speak in the first person (I)."),
    "reading": ("Use precise, advanced vocabulary.", "Use plain, simple words."),
    "sentences": ("Write longer, connected sentences.", "Write short sentences."),
    "numbers": ("Give exact numbers and figures.", "Go easy on numbers and figures."),
    "sources": ("Cite sources and give links.", "Leave out sources and links."),
    "summing_up": ("Include a short summary (TL;DR).", "Leave out summaries and conclusions."),
    "options": ("Compare alternatives with pros and cons.", "Give one recommendation, without alternatives."),
    "dashes": ("Dashes are welcome.", "Avoid dashes."),
}
"""Per aspect, the clause for more of it and for less."""

VALUES = {"language": "Answer in {}.", "units": "Use {} units.", "spelling": "Use {} spelling."}
"""Per aspect that has values instead, the clause for one."""

FEW_WORDS, MANY_WORDS = 80, 120
"""Nobody calls 20 words detailed or 150 words short, even when the answers liked less were further off."""


def wish_text(wish: Wish) -> str:
    """A wish in our own words.

    >>> wish_text(Wish("length", "less")), wish_text(Wish("language", "German"))
    ('Keep answers short and concise.', 'Answer in German.')
    """
    if wish.aspect in VALUES:
        return VALUES[wish.aspect].format(wish.direction)
    more, less = MORE_LESS[wish.aspect]
    return (more if wish.direction == MORE else less).format(size="")


def reverse_of(clause: str) -> str | None:
    """The clause that asks for the reverse, of one in our own words; None of any other.

    >>> reverse_of("Use emoji."), reverse_of("Answer in German.")
    ('Do not use emoji.', None)
    """
    wish = wish_of(clause)
    if wish is None or wish.aspect not in MORE_LESS:
        return None
    return wish_text(Wish(wish.aspect, LESS if wish.direction == MORE else MORE))


def wish_of(clause: str) -> Wish | None:
    """The wish that a clause in the SDK's own words says, of those a trained model writes; None of any other.

    >>> wish_of("Use emoji."), wish_of("Show your working.")
    (Wish(aspect='emoji', direction='more'), None)
    """
    return _wishes().get(clause)


@cache
def _wishes() -> dict[str, Wish]:
    every = [Wish(aspect, way) for aspect in MORE_LESS for way in (MORE, LESS)]
    every += [Wish("language", name) for name in LANGUAGES]
    return {wish_text(one): one for one in every}


def finding_clause(finding: Finding) -> Clause:
    """The clause for one finding."""
    more, less = MORE_LESS[finding.aspect]
    words = _usual_words(finding.liked) if finding.aspect == "length" else None
    text = (more if finding.more else less).format(size=f", about {words} words" if words else "")
    if words and finding.more and words < FEW_WORDS:
        text = f"Write longer answers, about {words} words."
    elif words and not finding.more and words > MANY_WORDS:
        text = f"Make answers more concise, about {words} words."
    return Clause(text, finding.signal_ids, round(finding.strength, 3), finding.aspect)


def _usual_words(liked: tuple[str, ...]) -> int | None:
    """The usual length of the liked texts; None when they vary too much for one figure."""
    counts = sorted(count_words(text) for text in liked)
    if not counts:
        return None
    lower, upper = counts[len(counts) // 4], counts[(3 * len(counts)) // 4]
    if upper > 3 * max(lower, 5):
        return None
    return _round(statistics.median(counts))


def _round(count: float) -> int:
    """To one or two leading digits, as one would say it.

    >>> [_round(n) for n in (3, 17, 83, 147, 412, 1260)]
    [5, 15, 85, 150, 400, 1300]
    """
    step = 5 if count < 100 else 10 if count < 200 else 50 if count < 1000 else 100
    return max(5, step * math.floor(count / step + 0.5))
