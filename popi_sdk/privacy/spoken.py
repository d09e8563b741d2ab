"""E-mail addresses written as they are spoken: "jon dot harker at protonmail dot com"."""

from __future__ import annotations

import re
from collections.abc import Iterator

_AT = re.compile(r"[ ](?P<word>at|ät|arroba|arobase|arobas|klammeraffe)[ ]", re.IGNORECASE)
_DOT = r"(?:[ ](?:dot|punkt|punto|point)[ ])"
_NAME = r"[^\W_][\w+-]{0,31}"
_LOCAL = re.compile(rf"(?<![\w.+-])(?:{_NAME}(?:{_DOT}|\.)){{0,3}}{_NAME}\Z", re.IGNORECASE)
_LONGEST_LOCAL = 140
_ENDINGS = "com|net|org|edu|gov|info|io|co|me|ai|dev|app|eu|de|at|ch|es|mx|ar|cl|br|fr|be|ca|uk|us|it|nl|ie|au|nz|in|pt"
_DOMAIN = re.compile(
    rf"(?:[^\W_](?:[\w-]{{0,61}}[^\W_])?(?:{_DOT}|\.)){{0,2}}[^\W_](?:[\w-]{{0,61}}[^\W_])?"
    rf"{_DOT}(?:{_ENDINGS})(?:{_DOT}(?:{_ENDINGS}))?(?![\w-]|{_DOT})",
    re.IGNORECASE,
)
_PROVIDERS = re.compile(
    r"(?:gmail|googlemail|outlook|hotmail|live|yahoo|icloud|aol|proton|protonmail|gmx|web|t-online|posteo|mailbox|"
    r"fastmail|orange|wanadoo|laposte|free|libero|telefonica|mail|me|zoho|yandex)[ ]",
    re.IGNORECASE,
)
_SPOKEN_DOT = re.compile(_DOT, re.IGNORECASE)
_ENDS_AS_A_SITE = re.compile(rf"{_DOT}(?:{_ENDINGS})\Z", re.IGNORECASE)
_LETTERS_AND_DIGITS = re.compile(r"[^\W\d]+[0-9]|[0-9]+[^\W\d]")


def emails(text: str) -> Iterator[tuple[int, int]]:
    """E-mail addresses in words, in English, German, Spanish and French."""
    place = 0
    for at in _AT.finditer(text):
        local = _LOCAL.search(text[max(place, at.start() - _LONGEST_LOCAL) : at.start()])
        domain = _DOMAIN.match(text, at.end(), at.end() + 254) if local else None
        if local and domain and (at["word"].lower() != "at" or _is_a_mailbox(local[0], domain[0])):
            yield at.start() - len(local[0]), domain.end()
            place = domain.end()


def _is_a_mailbox(local: str, domain: str) -> bool:
    """Whether it is more than a word before the name of a site, as in "the shop at example dot com"."""
    if _ENDS_AS_A_SITE.search(local):
        return False
    if _SPOKEN_DOT.search(local):
        return True
    return bool(_PROVIDERS.match(domain)) and ("." in local or "_" in local or bool(_LETTERS_AND_DIGITS.search(local)))
