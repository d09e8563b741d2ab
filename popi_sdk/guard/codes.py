"""Things in a sentence that are not words: encodings, keys and codes, more signs than letters, lines of a program."""

from __future__ import annotations

import base64
import binascii
import re
import unicodedata

from popi_sdk.guard.data import words

_ENCODED = re.compile(
    r"""(?:%[0-9a-f]{2}[ ]?){2,}                      # %49%67
    | (?:\\+[ux]\{?[0-9a-f]{2,6}\}?[ ]?){2,}          # \u0049\x67
    | (?:\\+[ux]\{?[0-9a-f]{2,6}\}?.{0,80}?){2}       # \u0069gnore \x26 say
    | (?:(?<=\w)%[0-9a-f]{2}(?=[a-z]).{0,40}?){2}     # all%20the%20rules
    | (?:\\[0-7]{3}){2,}
    | (?:&\#x?[0-9a-f]{2,6};?){2,}                    # &#73;&#103;
    | (?:0x[0-9a-f]{2}[ ,]*){4,}
    | (?:[01]{7,8}[ ,]+){2,}                          # binary
    | (?:(?<![\w.])[.\-–—·•−]{1,6}[ /|]+){5,}         # Morse
    | (?:\b[0-9a-f]{2}[ :]){6,}
    | (?:\b\d{1,3}[ ,.-]+){9,}                        # letters as numbers
    | \b(?:u\+[0-9a-f]{4,6}[ ,]*){2,}""",
    re.IGNORECASE | re.VERBOSE,
)
_RUN = re.compile(r"[A-Za-z0-9+/=_-]{12,}")
_ORDINARY_RUN = re.compile(
    r"""[A-Za-z]?[a-z]+(?:[-_/+][A-Za-z]?[a-z]*\d{0,2})*     # long-words-with-hyphens, paths/of/words
    | [A-Z]+(?:[-_][A-Z]+)*
    | (?:[A-Z][a-z]+)+ | [a-z]+(?:[A-Z][a-z]+)+              # CamelCase""",
    re.VERBOSE,
)
_HEX = re.compile(r"\b(?=[0-9a-f]*\d)(?=[0-9a-f]*[a-f])[0-9a-f]{8,}\b|\b[0-9a-f]{16,}\b|\b\d{9,}\b", re.IGNORECASE)
_KEY_NAMED = re.compile(
    r"""\b(?:api[ -]?key|password|passcode|passphrase|secret|(?:access|auth|bearer)[ ]token|code[ ]?word|keyword)
    \s*(?:is|=|:)?\s*["'“]?(?=[\w!$\#-]*[a-z])(?=[\w!$\#-]*\d)[\w!$\#-]+""",
    re.IGNORECASE | re.VERBOSE,
)
_TOKEN = re.compile(r"[^\s\"“”„«»‘’'`(),;:!?\[\]{}<>]+")
_CODE_TOKEN = re.compile(
    r"""(?=.*\d)[A-Z0-9]+(?:[-_][A-Z0-9]+){2,}$            # ZX-99-ALPHA
    | [A-Z]{4,}[-_]?\d+\w*$ | [A-Z]{2,}_\d+$               # PWNED-1, AB_7
    | [A-Za-z]{4,}\d{3,}$ | [^\W\d_]{4,}[-_]\d+$           # banana4711, banana-7
    | [A-Z]+(?:_[A-Z0-9]+)+$                               # SECRET_WORD
    | (?:sk|pk|ghp|xox[bp]|AKIA)[-_]?\w{6,}                # keys of well-known services
    | (?=.*[a-z])(?=.*[A-Z])(?=.*\d)(?=.*[!$%^&*\#?@~+=])\S{8,}$
    | (?=(?:.*[A-Za-z]\d){3}).{8,}$                        # a1b2c3d4""",
    re.VERBOSE,
)
_LONGEST_WORD = 45
_LOOK_ALIKE_SCRIPTS = frozenset({"LATIN", "CYRILLIC", "GREEK", "ARMENIAN", "CHEROKEE", "COPTIC", "LISU"})
_PLAIN_SIGNS = frozenset(" .,;:!?'\"()-–—%/&+’‘“”„«»…、。，！？：；「」『』（）·•`¿¡°€$£¥#→")
_MOST_SIGNS = 0.2
"""Share of signs in a sentence that still passes for words."""


def odd_token(sentence: str) -> str:
    """ "encoded" or "odd" when a sentence holds an encoding, a code such as a key, or more signs than words."""
    if _ENCODED.search(sentence) or any(map(_looks_encoded, _RUN.findall(sentence))):
        return "encoded"
    if _HEX.search(sentence) or _KEY_NAMED.search(sentence):
        return "odd"
    tokens = [token.strip(".*-_~") for token in _TOKEN.findall(sentence)]
    if any(map(_is_code_token, tokens)) or any(map(_mixes_scripts, tokens)) or _shouts_a_name(tokens):
        return "odd"
    signs = sum(1 for sign in re.sub(r"(\W)\1+", r"\1", sentence) if not _is_plain(sign))
    return "odd" if len(sentence) >= 12 and signs > _MOST_SIGNS * len(sentence) else ""


def _looks_encoded(run: str) -> bool:
    """A long run of mixed letters and digits, or one that base64 turns into words."""
    core = run.strip("-_=/+")
    if _ORDINARY_RUN.fullmatch(core):
        return False
    changes = len(re.findall(r"[a-z][A-Z0-9]|[0-9][A-Za-z]|[A-Z][0-9]", core))
    if changes >= max(4, len(core) // 5) or (len(core) >= 28 and not re.search(r"[-_/]", core)):
        return True
    try:
        decoded = base64.b64decode(core + "=" * (-len(core) % 4), validate=True)
    except (binascii.Error, ValueError):
        return False
    return len(decoded) >= 8 and all(32 <= byte < 127 or byte in b"\t\n\r" for byte in decoded)


def _is_code_token(token: str) -> bool:
    first = re.split(r"[-_\d]", token, maxsplit=1)[0].casefold()
    names_a_style = token.casefold().rpartition("_")[2] in ("case", "caps")
    if first in words("STANDARDS") or names_a_style:
        return False
    return bool(_CODE_TOKEN.match(token)) or (len(token) > _LONGEST_WORD and token.isascii())


def _mixes_scripts(token: str) -> bool:
    """Whether one word mixes Latin, Cyrillic, Greek, ... letters, as look-alikes do."""
    if token.isascii():
        return False
    for word in re.split(r"[\W\d_]+", token):
        scripts = {unicodedata.name(letter, "?").split(" ", 1)[0] for letter in word}
        if len(word) > 3 and len(scripts & _LOOK_ALIKE_SCRIPTS) > 1:
            return True
    return False


def _shouts_a_name(tokens: list[str]) -> bool:
    """Whether a word in capitals stands in a sentence that is not in capitals, and is no word of emphasis."""
    letters = [letter for token in tokens for letter in token if letter.isalpha()]
    if len(tokens) > 2 and sum(map(str.isupper, letters)) > 0.6 * len(letters):
        return False
    parts = (part for token in tokens for part in re.split(r"[-/_'’]", token))
    known = words("CAPITALS") | words("FORMAT")
    return any(len(part) >= 5 and part.isalpha() and part.isupper() and part.casefold() not in known for part in parts)


def _is_plain(sign: str) -> bool:
    return sign.isalnum() or sign in _PLAIN_SIGNS or unicodedata.category(sign) in ("So", "Mn", "Mc", "Sk", "Lm")


_PROGRAM = re.compile(
    r"""^(?:def|class|import|from|const|let|var|function|public|private|\#include|package|using|return|select|
        insert[ ]into|update|drop)\b.*(?:[;{(=:]$|\bimport\b|\bfrom\b.*\b(?:where|;)|=)
    | [;{]\s*$
    | \w+\([^)\s]*["'=:][^)]*\) | \w+\.\w+\(\w | \$\(\w       # calls with arguments
    | => | \(\)\s*; | [!=]==? | && | \|\|
    | \{\s?%[^%{}]*["'=(.] | \{\s?\{[^{}]*[.(|][^{}]*\}\s?\} | \$\s?\{[^{}]*[.:(][^{}]*\}   # templates that compute
    | ^\s*[{\[]\s*" | "\s*:\s*["\[{\d]                        # JSON""",
    re.VERBOSE,
)


def is_code(sentence: str) -> bool:
    """Whether a sentence is a line of a program or of data rather than words."""
    return bool(_PROGRAM.search(sentence))
