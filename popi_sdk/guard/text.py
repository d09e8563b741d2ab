"""Text as the guard reads it: cleaned of what cannot be seen, cut into clauses, folded for comparison.

`guard` shows people and models the cleaned text and never the folded one. Folding throws away everything an
attacker can vary without changing what a model understands: case, accents, look-alike letters, digits for
letters, spacing and punctuation. Patterns are folded by the same function, so that both always agree.
"""

from __future__ import annotations

import codecs
import html
import re
import unicodedata
from functools import cache

_INVISIBLE_RANGES = (
    (0x034F, 0x034F), (0x115F, 0x1160), (0x17B4, 0x17B5), (0x180B, 0x180F), (0x2800, 0x2800), (0x3164, 0x3164),
    (0xFE00, 0xFE0F), (0xFFA0, 0xFFA0), (0xFFF0, 0xFFFC), (0xE0000, 0xE0FFF),
)  # fmt: skip
_SPACES = re.compile(r"[^\S\n]+")
_BREAKS = re.compile(r"\r\n?|[\v\f\x1c-\x1e\x85\u2028\u2029]")
_TERMINAL_CODES = re.compile(r"\x1b\[[0-9;?]*[a-zA-Z]|\x1b\][^\x07\x1b]{0,200}(?:\x07|\x1b\\)")
_BULLET = re.compile(r"^[\s>]*(?:(?:[-*+•‣◦▪●·–—]|\(?\d{1,3}[.)]|\(?[a-zA-Z][.)])\s+)+|^[\s>]+")
_SENTENCE = re.compile(
    r"(?<=[!?…])(?:\s+|[\"'”’»)\]]+\s+(?![a-z]))|(?<=[^\W\d][.])[\"'”’»)\]]*\s+(?![a-z])|(?<=[\d)\]\"'”’`][.])\s+(?![a-z])|(?<=[。！？｡])[」』”]*\s*"
)


_EMOJI = "©®‼⁉™ℹ↔-↪⌚-⏿Ⓜ▪-◾☀-➿⤴⤵⬅-⭕〰〽㊗㊙\U0001f000-\U0001faff"
_JOINED_SCRIPTS = "\u0620-\u06ff\u0750-\u077f\u0900-\u0dff\u1000-\u109f\u1780-\u17ff"
_JOINS = re.compile(
    rf"[{_EMOJI}]\ufe0f|[#*0-9]\ufe0f\u20e3|[{_EMOJI}\ufe0f]\u200d[{_EMOJI}]|[{_JOINED_SCRIPTS}][\u200c\u200d][{_JOINED_SCRIPTS}]"
)
"""What is unseen and yet part of the writing: in emoji, and between letters of Arabic and Indic scripts."""


@cache
def _is_invisible(character: str) -> bool:
    if character in "\n\t":
        return False
    point = ord(character)
    if unicodedata.category(character) in ("Cc", "Cf", "Cs", "Co"):
        return True
    return (point & 0xFFFE) == 0xFFFE or any(first <= point <= last for first, last in _INVISIBLE_RANGES)


def strip_invisible(text: str, instead: str = "") -> tuple[str, int]:
    """Take out control, bidi, zero-width, tag, variation and private-use characters; return text and their number."""
    text = _BREAKS.sub("\n", _TERMINAL_CODES.sub("", text))
    found = {character for character in set(text) if _is_invisible(character)}
    if not found:
        return text, 0
    taken = 0

    def take(one: re.Match[str]) -> str:
        nonlocal taken
        if _JOINS.match(text, max(one.start() - 1, 0)):
            return one[0]
        taken += 1
        return instead

    return re.sub("[" + "".join(map(re.escape, found)) + "]", take, text), taken


_HIDDEN_TEXT = re.compile(r"(?<![\U0001F3F4\U000E0020-\U000E007E])[\U000E0020-\U000E007E]{3,}")


def hides_text(text: str) -> bool:
    """Whether `text` holds words in tag characters, which models read and nobody sees; flags use a few of them."""
    return _HIDDEN_TEXT.search(text) is not None


class _Plain(dict[int, str]):
    """Styled forms of ASCII letters and signs (fullwidth, bold, script, circled) to the plain ones."""

    def __missing__(self, point: int) -> str:
        character = chr(point)
        plain = unicodedata.normalize("NFKC", character)
        styled = point > 0x2FF and len(plain) == 1 and plain.isascii() and plain.isprintable()
        keep = character in "：，！？；（）" or unicodedata.category(character) == "No" or plain == " "
        self[point] = plain if styled and not keep else character
        return self[point]


_PLAIN = _Plain()


def without_joiners(text: str) -> str:
    """Text without the unseen characters that `strip_invisible` leaves because they are part of the writing."""
    return text if text.isascii() else re.sub("[\u200c\u200d\ufe0f]", "", text)


def plain_letters(text: str) -> str:
    """Write styled letters and signs in their plain form, so that no marker hides behind a font.

    >>> plain_letters("Ｓｙｓｔｅｍ 𝐛𝐨𝐥𝐝")
    'System bold'
    """
    return text if text.isascii() else text.translate(_PLAIN)


def squeeze(text: str) -> str:
    """Turn every run of white space into one space."""
    return " ".join(text.split())


def split_lines(text: str) -> list[str]:
    """Cut text into lines, numbering and bullets taken off; empty lines left out."""
    lines = (_BULLET.sub("", line).strip() for line in text.split("\n"))
    return [squeeze(line) for line in lines if line]


def split_sentences(line: str, longest: int) -> list[str]:
    """Cut a line into sentences; one longer than `longest` is cut at its semicolons where that makes all of it fit.

    >>> split_sentences("Short answers, e.g. one line. No emojis!", 240)
    ['Short answers, e.g. one line.', 'No emojis!']
    """
    sentences: list[str] = []
    for sentence in filter(None, map(str.strip, _SENTENCE.split(line))):
        parts = sentence.split("; ") if len(sentence) > longest else [sentence]
        sentences += parts if max(map(len, parts)) <= longest else [sentence]
    return [part for part in (_BULLET.sub("", sentence).strip() for sentence in sentences) if part]


# ---- folding -------------------------------------------------------------------------------------------------

_LOOK_ALIKE = str.maketrans(
    "аеорсухіјѕԁһԛԝӏкмтвнαβεηικνορτυχγωօսհոզəƨ",
    "aeopcyxijsdhqwlkmtbhabenikvoptuxywouhnqes",
)
_NAMED_LETTER = re.compile(
    r"(?:LATIN|SYMBOL|TAG) (?:SMALL |CAPITAL )?LETTER "
    r"(?:(?:SMALL CAPITAL|TURNED|REVERSED|INVERTED|OPEN|SCRIPT|DOTLESS|LONG|BARRED|SIDEWAYS|BLACK-LETTER) )*"
    r"([A-Z])(?: WITH .*)?$"
)
_SHORT_FORMS = (
    (re.compile(r"\b(do|does|did|is|are|was|were|should|must|would|could|have|has)n['’`´]?t\b"), r"\1 not"),
    (re.compile(r"\b(?:can['’`´]?t|cannot)\b"), "can not"),
    (re.compile(r"\bwon['’`´]?t\b"), "will not"),
    (re.compile(r"\bur\b"), "your"),
    (re.compile(r"\bu\b"), "you"),
    (re.compile(r"\bpl[sz]\b"), "please"),
    (re.compile(r"\b(you|they|we)['’`´]re\b"), r"\1 are"),
    (re.compile(r"\bi['’`´]m\b"), "i am"),
    (re.compile(r"\b(\w+)['’`´]ve\b"), r"\1 have"),
    (re.compile(r"\b(\w+)['’`´]ll\b"), r"\1 will"),
)
_STRETCHED = re.compile(r"([a-z])\1{2,}")
_LEET_WORD = re.compile(r"(?<![\w@$|!+])(?=[^\s]*[a-z])(?=[^\s]*[0-9@$|!+][^\s]*[\w])[a-z0-9@$|!+]{2,}")
_LEET = str.maketrans("0134567890@$|!+", "oieasgtbgoasiit")
_SEPARATED = re.compile(r"(?<=[^\W_])[-._*~+/\\|·•'’=]{1,2}(?=[^\W_])")
_SPACED_OUT = re.compile(r"\b[a-z0-9@$](?:[ .,*_/|·-]{1,3}[a-z0-9@$]\b){4,}")
_NOT_A_WORD = re.compile(r"[\W_]+")
_PART = re.compile(r"[,;:.!?\"“”()\[\]{}|/\n]+\s*|\s[-–—]+\s|->|=>")
_CAMEL = re.compile(r"(?<=[a-z])(?=[A-Z])")


class _Folded(dict[int, str]):
    """Each letter to the one it stands for or looks like."""

    def __missing__(self, point: int) -> str:
        character = chr(point)
        if point > 0x7F:
            character = character.translate(_LOOK_ALIKE)
            if not character.isascii():
                named = _NAMED_LETTER.search(unicodedata.name(character, ""))
                character = named[1].lower() if named else character
        self[point] = "i" if character == "l" else character
        return self[point]


_FOLDED = _Folded()


def _unaccented(text: str) -> str:
    text = unicodedata.normalize("NFKC", text).casefold()
    if text.isascii():
        return text
    apart = unicodedata.normalize("NFD", text)
    return unicodedata.normalize("NFC", "".join(mark for mark in apart if unicodedata.category(mark)[0] != "M"))


def fold_letters(text: str) -> str:
    """Fold case, accents and look-alikes; punctuation stays. `l` and `i` become one letter, as 1 stands for both.

    >>> fold_letters("Ìgnоrе ALL")
    'ignore aii'
    """
    return _unaccented(text).translate(_FOLDED)


def fold_words(text: str) -> str:
    """Fold to words with single spaces between them, short forms written out, digits in words read as letters.

    >>> fold_words("Don't 1gn0re  it!")
    'do not ignore it'
    """
    text = _unaccented(text).translate(_LOOK_ALIKE)
    for short, full in _SHORT_FORMS:
        text = short.sub(full, text)
    text = _STRETCHED.sub(r"\1", text)
    text = _LEET_WORD.sub(lambda word: word[0].translate(_LEET), text)
    return _NOT_A_WORD.sub(" ", text.translate(_FOLDED)).strip()


_ESCAPED = re.compile(r"\\+u\{?([0-9a-f]{4,6})\}?|\\+x([0-9a-f]{2})|%([0-9a-f]{2})(?!\d)", re.IGNORECASE)


def _unescaped(escaped: re.Match[str]) -> str:
    point = int(escaped[1] or escaped[2] or escaped[3], 16)
    return chr(point) if point < 0x110000 else " "


def readings(text: str) -> list[str]:
    """The ways to read `text` as words, folded: as it stands, its parts, without separators, camel case cut apart."""
    text = _ESCAPED.sub(_unescaped, html.unescape(text))
    lower = _unaccented(text)
    spaced = _SPACED_OUT.sub(lambda run: re.sub(r"[^\w@$]", "", run[0]), lower)
    found = [text, *_PART.split(text), _SEPARATED.sub("", text), spaced, _CAMEL.sub(" ", text)]
    return list(dict.fromkeys(filter(None, map(fold_words, found))))


def hidden_readings(text: str) -> list[str]:
    """What `text` says to one who turns it around: reversed, or shifted by thirteen letters."""
    lower = _unaccented(text)
    return [fold_words(lower[::-1]), fold_words(codecs.encode(lower, "rot13"))]
