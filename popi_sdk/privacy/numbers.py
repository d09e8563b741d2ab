"""Payment cards and IBANs: numbers whose check digits tell them from others."""

from __future__ import annotations

import re
from collections.abc import Iterator

from popi_sdk.privacy.neighbours import AFTER, BEFORE, NO_DECIMALS
from popi_sdk.privacy.words import CARDS, any_within

_IBAN = re.compile(r"(?<![A-Za-z0-9])[A-Za-z]{2}[ ]?[0-9]{2}(?:[ -]?[A-Za-z0-9]){11,36}")
_IBAN_LENGTHS = range(34, 14, -1)
_CARD = re.compile(
    rf"""{BEFORE}(?<![/+-]){NO_DECIMALS}(?:[0-9]{{13,19}}
    | [0-9]{{4}}(?:[ -][0-9]{{4}}){{2}}[ -][0-9]{{1,4}}(?:[ -][0-9]{{3}})? | [0-9]{{4}}(?:\.[0-9]{{4}}){{3}}
    | [0-9]{{4}}(?P<gap>[ -])[0-9]{{6}}(?P=gap)[0-9]{{4,5}}
    | [0-9]{{6}}[ ][0-9]{{10,13}}){AFTER}(?![.-][0-9])""",
    re.ASCII | re.VERBOSE,
)
_ISSUERS = re.compile(
    r"""4(?:[0-9]{15}|[0-9]{18})                                                                 # Visa
    | 5[1-5][0-9]{14} | 2(?:22[1-9]|2[3-9][0-9]|[3-6][0-9]{2}|7[01][0-9]|720)[0-9]{12}            # Mastercard
    | 3[47][0-9]{13}                                                                              # American Express
    | 6(?:011|4[4-9][0-9]|5[0-9]{2})[0-9]{12,15}                                                  # Discover
    | 3(?:0[0-5]|[68][0-9])[0-9]{11} | 35(?:2[89]|[3-8][0-9])[0-9]{12}                            # Diners Club, JCB
    | 62[0-9]{14,17} | 220[0-4][0-9]{12} | 9792[0-9]{12} | 60[0-9]{14} | 8[12][0-9]{14}           # other countries'
    | (?:50|5[6-8]|63|67)[0-9]{14}                                                                # Maestro""",
    re.VERBOSE,
)
_NAMED = re.compile(any_within(CARDS), re.IGNORECASE)
_CHARACTERS_BEFORE = 40


def ibans(text: str) -> Iterator[tuple[int, int]]:
    """International bank account numbers, with or without spaces."""
    for found in _IBAN.finditer(text):
        length = _iban_length(found[0])
        if length and not text[found.start() + length : found.start() + length + 1].isdigit():
            yield found.start(), found.start() + length


def _iban_length(candidate: str) -> int | None:
    """How much of `candidate` is an IBAN; words that follow it look like a part of it."""
    places = [place for place, sign in enumerate(candidate) if sign not in " -"]
    compact = "".join(candidate[place] for place in places).upper()
    for length in _IBAN_LENGTHS:
        if length <= len(compact) and _remainder(compact[:length]) == 1 and _is_iban(compact[:length]):
            return places[length - 1] + 1
    return None


def _remainder(iban: str) -> int:
    return int("".join(str(int(sign, 36)) for sign in iban[4:] + iban[:4])) % 97


def _is_iban(candidate: str) -> bool:
    # Imported on first use, as are all parts of python-stdnum.
    from stdnum import iban

    return iban.is_valid(candidate, check_country=False)


def cards(text: str) -> Iterator[tuple[int, int]]:
    """Payment card numbers: right check digit, and a beginning that an issuer uses or a word for card before it."""
    for found in _CARD.finditer(text):
        digits = re.sub("[^0-9]", "", found[0])
        if len(set(digits)) > 1 and _passes_luhn(digits) and (_ISSUERS.fullmatch(digits) or _is_named(text, found)):
            yield found.span()


def _is_named(text: str, found: re.Match[str]) -> bool:
    return bool(_NAMED.search(text[max(0, found.start() - _CHARACTERS_BEFORE) : found.start()]))


def _passes_luhn(digits: str) -> bool:
    from stdnum import luhn

    return luhn.is_valid(digits)
