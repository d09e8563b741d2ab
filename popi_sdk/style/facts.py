"""What measuring an answer tells, in few words: for texts too long to be shown, and for models too small to read them.

    counts(answer)            '412 words, 5 list items, 2 headings'
    traits(answer)            'longer, more lists, warmer'            against a usual answer
    compared(better, worse)   'far shorter, fewer lists'             against another answer to the same request
    levels(answer)            'lengthG listsI stepsE ...'             every aspect on a scale from A to J
    compared_in_code(...)     'lengthA listsD'                        the same differences, one word each
    asked_in_code(words)      'lengthA'                               what somebody's words ask for

Sizes are in usual differences: how far two answers of different LLMs to one request lie apart (`calibration`). Nothing
of a text itself stands in any of these, so whatever a text says cannot speak to the model that reads them.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import cache

from popi_sdk.style.asking import LANGUAGE, LEAST, Wished, asks
from popi_sdk.style.calibration import SPREADS, USUAL
from popi_sdk.style.measures import INDEX, MEASURES, count_words, measure
from popi_sdk.style.structure import structure_of

ASPECTS: tuple[str, ...] = tuple(dict.fromkeys(one.aspect for one in MEASURES))
"""What style has to say about an answer, in the order of the numbers of `style`."""

COMPARATIVES: dict[str, tuple[str, str]] = {
    "length": ("longer", "shorter"),
    "lists": ("more lists", "fewer lists"),
    "steps": ("more steps", "fewer steps"),
    "headings": ("more headings", "fewer headings"),
    "tables": ("more tables", "fewer tables"),
    "paragraphs": ("longer paragraphs", "shorter paragraphs"),
    "bold": ("more bold", "less bold"),
    "code": ("more code", "less code"),
    "emoji": ("more emoji", "fewer emoji"),
    "formality": ("more formal", "more casual"),
    "exclamations": ("more exclamations", "fewer exclamations"),
    "examples": ("more examples", "fewer examples"),
    "analogies": ("more analogies", "fewer analogies"),
    "questions": ("more questions", "fewer questions"),
    "hedging": ("more hedged", "less hedged"),
    "caveats": ("more caveats", "fewer caveats"),
    "warmth": ("warmer", "cooler"),
    "directness": ("with an opening phrase", "without opening phrase"),
    "closing": ("with a closing phrase", "without closing phrase"),
    "humour": ("funnier", "more serious"),
    "person": ("more you", "less you"),
    "first_person": ("more I", "less I"),
    "reading": ("harder words", "plainer words"),
    "sentences": ("longer sentences", "shorter sentences"),
    "numbers": ("more numbers", "fewer numbers"),
    "sources": ("more sources", "fewer sources"),
    "summing_up": ("more summing up", "less summing up"),
    "options": ("more options", "fewer options"),
    "dashes": ("more dashes", "fewer dashes"),
}
"""Per aspect, what an answer with more of it is called, and one with less."""

NOTICED, FAR = 0.5, 1.5
"""Differences below the first are not named; from the second on they are called far."""
MOST = 10
"""At most so many differences are named, the largest."""
LIKELY = (0.95, 0.85, 0.7, 0.5, LEAST)
"""Likelihoods from which on a wish in words has the first letter, the second, and so on (or the last, and so on)."""
LETTERS = "ABCDEFGHIJ"
STEP = 0.5
"""Difference between two neighbouring levels."""


def style(text: str) -> tuple[float, ...]:
    """One number per entry of `ASPECTS`: the mean of its measures, in usual differences from a usual answer."""
    values = measure(text)
    return tuple(
        sum((values[place] - usual) / spread for place, usual, spread in places) / len(places)
        for places in _measures_by_aspect()
    )


def compared(better: str, worse: str) -> str:
    """How `better` differs from `worse`, the largest difference first; empty when measuring finds none.

    >>> compared("Sure. Tea is hot.", "Sure! Tea is hot! Drink it!")
    'far fewer exclamations'
    """
    return ", ".join(_name(*one) for one in _noticed(_between(better, worse)))


def compared_in_code(better: str, worse: str) -> str:
    """The same, one word per difference for a small model: A or J for far less or more of an aspect, D or G for less
    or more.

    >>> compared_in_code("Sure. Tea is hot.", "Sure! Tea is hot! Drink it!")
    'exclamationsA'
    """
    return " ".join(_code(*one) for one in _noticed(_between(better, worse)))


def traits(text: str) -> str:
    """How `text` differs from a usual answer, the largest difference first."""
    return ", ".join(_name(*one) for one in _noticed(style(text)))


def traits_in_code(text: str) -> str:
    """The same in the words of `compared_in_code`."""
    return " ".join(_code(*one) for one in _noticed(style(text)))


def asked_in_code(text: str) -> str:
    """What somebody's words ask for, the likeliest first, one word per wish: A to E for less of an aspect, J to F for
    more, A and J where that is almost sure; of a language its name.

    >>> asked_in_code("Could you please keep it short?")
    'lengthA'
    >>> asked_in_code("My sister is getting married in June.")
    ''
    """
    return " ".join(map(_wished, asks(text)))


def levels(text: str) -> str:
    """Every aspect of `text` with its level, A to J; a usual answer has E or F of each.

    One word per aspect, always in the same order: a tokenizer trained on such words makes one token of each, and a
    model that is asked how likely a text is answers one small question per aspect.
    """
    marks = (min(9, max(0, math.floor(5 + value / STEP))) for value in style(text))
    return " ".join(f"{_word(aspect)}{LETTERS[mark]}" for aspect, mark in zip(ASPECTS, marks, strict=True))


def counts(text: str) -> str:
    """What can be counted in `text`, as one would say it.

    >>> counts("# Tea\\n\\nTwo ways:\\n\\n- hot\\n- cold")
    '5 words, 2 list items, 1 heading'
    """
    structure = structure_of(text)
    numbered = (
        (round(count_words(text)), "word"),
        (structure.bullets + structure.numbered, "list item"),
        (structure.headings, "heading"),
        (structure.code_blocks, "code block"),
        (structure.tables, "table"),
    )
    return ", ".join(f"{count} {name}{'' if count == 1 else 's'}" for count, name in numbered if count)


def _between(better: str, worse: str) -> list[float]:
    return [one - other for one, other in zip(style(better), style(worse), strict=True)]


def _noticed(differences: Sequence[float]) -> list[tuple[str, float]]:
    """Aspects with differences that are named, the largest first."""
    order = sorted(range(len(ASPECTS)), key=lambda place: -abs(differences[place]))
    return [(ASPECTS[place], differences[place]) for place in order if abs(differences[place]) >= NOTICED][:MOST]


def _name(aspect: str, difference: float) -> str:
    word = COMPARATIVES[aspect][difference < 0]
    return f"far {word}" if abs(difference) >= FAR and not word.startswith("with") else word


def _code(aspect: str, difference: float) -> str:
    letter = ("J" if difference > 0 else "A") if abs(difference) >= FAR else ("G" if difference > 0 else "D")
    return f"{_word(aspect)}{letter}"


def _wished(one: Wished) -> str:
    if one.aspect == LANGUAGE:
        return f"{LANGUAGE} {one.direction}"
    place = next(place for place, least in enumerate(LIKELY) if one.likelihood >= least)
    return f"{_word(one.aspect)}{LETTERS[place if one.direction == 'less' else -1 - place]}"


def _word(aspect: str) -> str:
    return aspect.replace("_", "")


@cache
def _measures_by_aspect() -> tuple[tuple[tuple[int, float, float], ...], ...]:
    """Per aspect, its measures: place, usual value and usual difference."""
    return tuple(
        tuple((INDEX[one.name], USUAL[one.name], SPREADS[one.name]) for one in MEASURES if one.aspect == aspect)
        for aspect in ASPECTS
    )
