"""What can be measured of an answer: about three dozen numbers, each as independent of length as it can be.

`measure(text)` gives one number per entry of `MEASURES`. Most are densities that grow ever slower (the second emoji
says less than the first), or shares. More of a measure is more of its `aspect`, the thing a clause is about; an aspect
may have several measures, because formality shows in contractions with one writer and in connectives with another.
`calibration.py` holds how much two answers to the same request usually differ in each.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from dataclasses import dataclass

from popi_sdk.style.kept import Kept
from popi_sdk.style.lexicons import (
    CONTRACTED,
    LATINATE_ENDINGS,
    phrases_by_first_word,
    split_words,
    words_by_kind,
)
from popi_sdk.style.structure import HEAD, Structure, structure_of


@dataclass(frozen=True, slots=True)
class Measure:
    """One number of a text: its name, what it is about, and the least difference anyone notices.

    `weight` says how common preferences of this kind are, as a factor: the test is keener on common ones.
    """

    name: str
    aspect: str
    noticeable: float
    weight: float = 0.8


MEASURES: tuple[Measure, ...] = (
    Measure("words", "length", 0.14, 1.0),
    Measure("sentences", "length", 0.2, 0.9),
    Measure("bullets", "lists", 0.3, 1.0),
    Measure("list_share", "lists", 0.1, 0.9),
    Measure("numbered", "steps", 0.3),
    Measure("sequence", "steps", 0.1, 0.6),
    Measure("headings", "headings", 0.3),
    Measure("tables", "tables", 0.5),
    Measure("paragraph_words", "paragraphs", 0.3, 0.6),
    Measure("bold", "bold", 0.2),
    Measure("code_blocks", "code", 0.5),
    Measure("inline_code", "code", 0.2, 0.6),
    Measure("emoji", "emoji", 0.2, 1.0),
    Measure("formal_balance", "formality", 0.12, 1.0),
    Measure("slang_avoided", "formality", 0.15, 0.9),
    Measure("full_forms", "formality", 0.15, 0.8),
    Measure("contractions_avoided", "formality", 0.1, 0.8),
    Measure("exclamations", "exclamations", 0.1, 0.7),
    Measure("examples", "examples", 0.15),
    Measure("analogies", "analogies", 0.15, 0.6),
    Measure("questions", "questions", 0.08),
    Measure("ends_with_question", "questions", 0.5),
    Measure("hedges", "hedging", 0.15, 0.7),
    Measure("caveats", "caveats", 0.15, 0.7),
    Measure("warmth", "warmth", 0.15),
    Measure("opening", "directness", 0.5),
    Measure("closing", "closing", 0.5, 0.7),
    Measure("humour", "humour", 0.15, 0.6),
    Measure("you", "person", 0.15, 0.6),
    Measure("i", "first_person", 0.15, 0.5),
    Measure("readability", "reading", 0.8, 0.8),
    Measure("long_words", "reading", 0.03, 0.7),
    Measure("sentence_words", "sentences", 0.2, 0.6),
    Measure("numbers", "numbers", 0.15, 0.6),
    Measure("sources", "sources", 0.2, 0.7),
    Measure("links", "sources", 0.3, 0.8),
    Measure("summing_up", "summing_up", 0.4, 0.7),
    Measure("options", "options", 0.15, 0.6),
    Measure("dashes", "dashes", 0.1, 0.6),
)
"""All measures, in the order of the numbers that `measure` gives."""

INDEX = {measure.name: index for index, measure in enumerate(MEASURES)}
"""The place of each measure by its name."""

_PICTURES = (  # Unicode's Extended_Pictographic, but for © ® ™ and the arrows, which need a variation selector here
    "\U0001f300-\U0001faff\u2600-\u26ff\u2702\u2705\u2708-\u2712\u2714\u2716\u2721\u2728\u2733\u2734\u2744\u2747\u274c\u274e"
    "\u2753-\u2755\u2757\u2763-\u2767\u2795-\u2797"
)
_EMOJI = re.compile(
    "(?:[\U0001f1e6-\U0001f1ff]{2}|[0-9#*]\ufe0f?\u20e3|"
    f"[{_PICTURES}\u231a\u231b\u23e9-\u23fa\u2b05-\u2b07\u2b1b\u2b1c\u2b50\u2b55\U0001f000-\U0001f2ff]"
    f"[\ufe0f\U0001f3fb-\U0001f3ff]*(?:\u200d[{_PICTURES}\u2640\u2642\u2695]\ufe0f?)*|[\u2700-\u27bf\u2190-\u21ff]\ufe0f)"
)
_EMOTICON = re.compile(r"(?<![\w:;=(/])(?:[:;=8][-^']?[)(DPpOo3*|\]](?!\w)|<3|\^_\^|\^\^|xD\b|:'\(|¯\\_\(ツ\)_/¯|\(:)")
_BOLD = re.compile(r"\*\*(?=\S)[^*\n]+\*\*|__(?=\S)[^_\n]+__")
_INLINE_CODE = re.compile(r"`[^`\n]+`")
_LINK = re.compile(r"https?://|www\.\w|\]\([^)\s]+\)|\[\d{1,3}\](?!\()|\(\w[\w .&]+,? (?:19|20)\d\d\)")
_CJK = re.compile("[\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff]")
_LOWER_START = re.compile(r"[a-zà-ÿ]")
_LONE_I = re.compile(r"(?<![\w'.])i(?=[ ,'])(?!\.e)")
_LOOSE_START = re.compile(r"(?:^|[.!?]\s)(?:So|But|And|Well|Plus|Oh|Now|Turns out)\b")
_PASSIVE = re.compile(r"\b(?:is|are|was|were|be|been|being) (?:\w+ly )?\w{2,}(?:ed|en|wn)\b")
_STRETCHED = re.compile(r"([a-z])\1\1|[!?]{2,}|\.\.\.|…")


def measure(text: str) -> tuple[float, ...]:
    """The numbers of `MEASURES` for one text; a text seen lately is not measured again."""
    return _measure(text)


def count_words(text: str) -> float:
    """How many words `text` has; three characters of a script without spaces count as about two words."""
    head = text[:HEAD]
    words = len(split_words(head.lower()))
    characters = len(_CJK.findall(head)) if not head.isascii() else 0
    if characters:
        words = len(split_words(_CJK.sub(" ", head.lower())))
    return (words + 0.65 * characters) * len(text) / max(1, len(head))


def emoji_in(text: str) -> int:
    """How many emoji and emoticons `text` holds; a flag or a family is one.

    >>> emoji_in("Well done 🎉 :) 👩‍👩‍👧 🇫🇷 3️⃣"), emoji_in("ratio 3:2, a <b>, → ✓ ©")
    (5, 0)
    """
    pictures = len(_EMOJI.findall(text)) if not text.isascii() else 0
    return pictures + len(_EMOTICON.findall(text))


def count_kinds(words: tuple[str, ...]) -> Counter[str]:
    """How often each kind of wording of `lexicons` occurs among `words`."""
    found: Counter[str] = Counter()
    singles, phrases = words_by_kind(), phrases_by_first_word()
    for place, word in enumerate(words):
        for kind in singles.get(word, ()):
            found[kind] += 1
        for rest, kinds in phrases.get(word, ()):
            if words[place + 1 : place + 1 + len(rest)] == rest:
                for kind in kinds:
                    found[kind] += 1
    return found


@Kept
def _measure(text: str) -> tuple[float, ...]:
    structure = structure_of(text)
    prose = "\n".join(structure.blocks).replace("’", "'")
    words = split_words(prose.lower())
    kinds = count_kinds(words)
    values = {
        **_size(text, structure, words),
        **_shape(structure, prose),
        **_tone(structure, prose, words, kinds),
        **_habits(structure, words, kinds, prose),
        **_reading(structure, words),
    }
    return tuple(values[measure.name] for measure in MEASURES)


def _few(count: float) -> float:
    """None, one, some, many: the second says less than the first."""
    return math.log1p(count)


def _per(count: float, total: float) -> float:
    """How densely something comes (per 100 words or 10 sentences, given as `total`), growing ever slower."""
    return math.log1p(2 * count / max(1.0, total))


def _size(text: str, structure: Structure, words: tuple[str, ...]) -> dict[str, float]:
    total = count_words(text)
    blocks = [block for block in structure.blocks if len(block) > 40]
    return {
        "words": math.log(total + 5),
        "sentences": math.log(len(structure.sentences) + 1),
        "paragraph_words": math.log(len(words) / max(1, len(blocks)) + 5),
    }


def _shape(structure: Structure, prose: str) -> dict[str, float]:
    hundreds = len(prose) / 600
    return {
        "bullets": _few(min(structure.bullets, 6)),
        "list_share": structure.list_share,
        "numbered": _few(min(structure.numbered, 6)),
        "headings": _few(structure.headings + 0.5 * structure.title_lines),
        "tables": float(min(structure.tables, 2)),
        "bold": _per(len(_BOLD.findall(prose)), max(1.0, hundreds)),
        "code_blocks": float(min(structure.code_blocks, 1)) + structure.code_share,
        "inline_code": _per(len(_INLINE_CODE.findall(prose)), max(1.0, hundreds)),
        "emoji": _few(min(4, 3 * emoji_in(prose) / max(1.0, hundreds))),
        "dashes": _per(prose.count("—") + prose.count(" – "), max(1.0, hundreds)),
        "links": _few(len(_LINK.findall(prose))),
    }


def _tone(structure: Structure, prose: str, words: tuple[str, ...], kinds: Counter[str]) -> dict[str, float]:
    sentences = max(1, len(structure.sentences))
    contractions = sum("'" in word and (word in CONTRACTED or not word.endswith("'s")) for word in words)
    lower_starts = sum(_LOWER_START.match(sentence) is not None for sentence in structure.sentences)
    exclamations = prose.count("!") + prose.count("！")
    latinate = sum(len(word) >= 10 and word.endswith(LATINATE_ENDINGS) for word in words)
    sloppy = (0.5 * lower_starts if 2 * lower_starts > sentences else 0.0) + len(_LONE_I.findall(prose))
    lively = 0.5 * len(_STRETCHED.findall(prose)) + 0.4 * exclamations + 0.5 * len(_LOOSE_START.findall(prose))
    informal = kinds["slang"] + 0.7 * contractions + sloppy + lively + 0.3 * kinds["plain_talk"]
    formal = kinds["formal"] + 0.7 * kinds["full_forms"] + 0.3 * latinate + 0.4 * len(_PASSIVE.findall(prose))
    return {
        "formal_balance": (formal - informal) / (formal + informal + 1 + len(words) / 25),
        "slang_avoided": -_per(3 * (kinds["slang"] + sloppy), sentences + 2),
        "full_forms": (kinds["full_forms"] - contractions) / (contractions + kinds["full_forms"] + 1 + len(words) / 40),
        "contractions_avoided": -_per(contractions, sentences + 1),
        "exclamations": _per(exclamations, sentences + 1),
        "warmth": _per(2 * kinds["warmth"], sentences + 2),
        "humour": _per(2 * kinds["humour"], sentences + 2),
    }


def _habits(structure: Structure, words: tuple[str, ...], kinds: Counter[str], prose: str) -> dict[str, float]:
    sentences = structure.sentences or ("",)
    some, hundreds = len(sentences) + 2, len(words) / 100 + 0.5
    first, last = split_words(sentences[0].lower().replace("’", "'")), split_words(prose[-220:].lower())
    return {
        "sequence": _per(kinds["sequence"], some),
        "examples": _per(2 * kinds["examples"], some),
        "analogies": _per(2 * kinds["analogies"], some),
        "questions": sum(s.rstrip("\"'”’)*_ ").endswith(("?", "？")) for s in sentences) / (len(sentences) + 1),
        "ends_with_question": float(sentences[-1].rstrip("\"'”’)*_ 😊🙂").endswith(("?", "？"))),
        "hedges": _per(kinds["hedges"], some),
        "caveats": _per(2 * kinds["caveats"], some),
        "opening": float(count_kinds(first[:5])["fillers"] > 0),
        "closing": float(count_kinds(last)["closers"] > 0),
        "you": _per(kinds["you"], 2 * hundreds),
        "i": _per(kinds["first_person"], 2 * hundreds),
        "numbers": _per(sum(word[0].isdigit() for word in words), 2 * hundreds),
        "sources": _per(2 * kinds["sources"], some),
        "summing_up": float(min(kinds["summing_up"], 2)),
        "options": _per(2 * kinds["options"], some),
    }


def _reading(structure: Structure, words: tuple[str, ...]) -> dict[str, float]:
    letters = sum(map(len, words)) / max(1, len(words))
    mean_sentence = len(words) / max(1, len(structure.sentences))
    long_words = sum(len(word) > 6 for word in words) / max(1, len(words))
    return {
        # The Automated Readability Index, its sentence part flattened: one endless sentence is no grade of 60.
        "readability": 4.71 * letters + 0.5 * min(40.0, mean_sentence) - 21.43 if words else 0.0,
        "long_words": long_words,
        "sentence_words": math.log(mean_sentence + 2),
    }
