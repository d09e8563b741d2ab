"""Phone numbers: international ones, national ones in a form that little else has, others where words say so."""

from __future__ import annotations

import re
from collections.abc import Iterator

from popi_sdk.privacy.neighbours import AFTER, BEFORE
from popi_sdk.privacy.words import PHONES, PHONES_ANYWHERE, THINGS, THINGS_ANYWHERE, any_of, any_within

_CANDIDATE = re.compile(
    rf"""(?:{BEFORE}(?<![0-9]\.)(?<![$€£¥^/%-])(?:(?<![\#*])|(?=[+(])|(?<=(?<![\w)\]*])\*)|(?<=(?<![\w)\]*])\*\*))
      | (?<=[0-9])(?=\+[0-9]{{1,3}}[ (-]))
    (?:\+[ ]?|00(?=[1-9]))?\(?[0-9](?:[ .\-/()]{{0,3}}[0-9]){{5,30}}
    {AFTER}(?![%°]|[.:][0-9]|-[0-9A-Za-z])""",
    re.ASCII | re.VERBOSE,
)
_NAMED = re.compile(any_of(PHONES, PHONES_ANYWHERE), re.IGNORECASE)
_NAMED_AFTER = re.compile(
    rf"[ ,]{{1,2}}(?:is|es|ist|est|é|è)[ ](?:my|mi|meine?|mon|ma|o[ ]meu|meu|il[ ]mio)[ ]{any_of(PHONES)}",
    re.IGNORECASE,
)
_SAYS_WHICH = re.compile(r"(?![(])\W*(?:(?:[^\W\d_]{1,4}|number|nummer|numer\w*|номер\w*|número)\W+){0,4}")
"""What may stand between a word for phone and a number that is written as a count of something may be."""
_NUMBER_OF_A_THING = re.compile(
    rf"""(?:{any_of(THINGS)}(?:[ ](?:number|nummer|is|was|no|nr|id|№))?[ .:\#n°º№-]{{0,4}}
    | {any_within(THINGS_ANYWHERE)}\w{{0,3}}[ :]?
    | (?<!\w)1Z[ ]?[0-9A-Z]{{3}}[ ]?[0-9A-Z]{{3}}[ ]?)\Z          # a parcel of UPS
    """,
    re.IGNORECASE | re.VERBOSE,
)
_FORMS = tuple(
    (region, re.compile(form))
    for region, form in (
        ("US", r"(?:1[ .-]?)?\([2-9][0-9]{2}\)[ ]?[2-9][0-9]{2}[ .-][0-9]{4}"),
        ("US", r"(?:1[ .-]?)?[2-9][0-9]{2}([.-])[2-9][0-9]{2}\1[0-9]{4}"),
        ("GB", r"\(?0[12378][0-9]{1,4}\)?[ -][0-9]{3,4}[ -]?[0-9]{3,4}"),
        ("GB", r"07[0-9]{3}[ -]?[0-9]{6}|01[0-9]{3}[ ][0-9]{6}"),
        ("FR", r"0[1-9]([ .-])[0-9]{2}(?:\1[0-9]{2}){3}"),
        ("DE", r"\(?0[1-9][0-9]{1,4}\)?[ ]?[/ -][ ]?[0-9]{3,9}(?:[ -][0-9]{1,5}){0,3}"),
        ("JP", r"0[0-9]{1,3}-[0-9]{2,4}-[0-9]{4}"),
        ("KR", r"01[016789]-[0-9]{3,4}-[0-9]{4}"),
        ("CN", r"1[3-9][0-9]([ -])[0-9]{4}\1[0-9]{4}|1[3-9][0-9]{9}|0[0-9]{2,3}-[0-9]{7,8}"),
        ("BR", r"\(?[1-9][0-9]\)?[ ](?:9[ ]?)?[0-9]{4}-[0-9]{4}"),
        ("IN", r"[6-9][0-9]{4}[ -][0-9]{5}"),
        ("ES", r"[679][0-9]{2}[ ][0-9]{3}[ ][0-9]{3}|[679][0-9]{2}(?:[ ][0-9]{2}){3}"),
        ("IT", r"3[0-9]{2}[ ][0-9]{3}[ ]?[0-9]{4}"),
        ("RU", r"8[ -]?\(?[0-9]{3}\)?[ -][0-9]{3}-[0-9]{2}-[0-9]{2}"),
        ("NL", r"06[ -][0-9]{8}|06(?:[ -][0-9]{2}){4}"),
        ("AU", r"04[0-9]{2}[ ][0-9]{3}[ ][0-9]{3}|\(0[2378]\)[ ][0-9]{4}[ ][0-9]{4}"),
    )
)
"""Forms that little but the phone numbers of a region has; in it the number must be valid there."""
_FROM_ANYWHERE = re.compile(r"\(?0[1-9][0-9]{0,3}\)?[ /-][0-9]{2,4}(?:[ -][0-9]{2,5}){1,3}")
"""National numbers of many countries; one must be valid in one of the regions."""
_REGIONS = re.findall(
    "[A-Z]{2}",
    "US GB DE FR ES IT BR MX IN CN JP KR NL PL RU SE NO DK FI CH AT BE PT IE GR CZ UA TR AU NZ ZA KE NG EG SA AE IL AR "
    "CL CO ID PH SG MY TH VN PK BD HU RO",
)
"""Where a number that words call a phone number may be from."""
_DATE = re.compile(
    r"""\(?(?:(?:19|20)[0-9]{2}(?P<sign>[-./ ])[0-9]{1,2}(?P=sign)[0-9]{1,2}
    | [0-9]{1,2}(?P<dot>[-./])[0-9]{1,2}(?P=dot)(?:19|20)[0-9]{2})(?![0-9])""",
    re.VERBOSE,
)
_BETWEEN = re.compile(r"[ ]+[/-][ ]*|/[ ]*|[ ]{2,}|[ ](?=[0-9(]+[0-9().]*[-.])|[ ](?=\()|(?<=[0-9]\.)[ ]")
_MOST_PARTS = 3
"""Parts of one number that what may stand between two numbers stands between, as in `1 (415) 555-2671`."""
_DECIMAL = re.compile(r"\+?[0-9]+\.[0-9]+")
_COULD_COUNT = re.compile(r"[0-9]+|[0-9]{1,3}(?:[ .][0-9]{3})+")
"""A number that is written as a count of something may be."""
_COMMA_BEFORE = re.compile(r"(?<![0-9])[0-9],\Z")
_CENTS = re.compile(r",[0-9]{1,2}(?![0-9])")
_LAST_GROUP = re.compile(r"[ ./()-]+[0-9]+$")
_CHARACTERS_BEFORE = 40


def find(text: str) -> Iterator[tuple[int, int]]:
    """Phone numbers."""
    place = 0
    while found := _CANDIDATE.search(text, place):
        place = found.end()
        for start, end in _numbers(text, found):
            yield start, end
            place = end


def _numbers(text: str, found: re.Match[str]) -> Iterator[tuple[int, int]]:
    """The phone numbers in a run of digits and what may stand between them, from its beginning."""
    before = text[max(0, found.start() - _CHARACTERS_BEFORE) : found.start()]
    if _DECIMAL.fullmatch(found[0]) or _is_a_sum(text, found) or _NUMBER_OF_A_THING.search(before):
        return
    named = _is_named(before, found[0]) or bool(_NAMED_AFTER.match(text, found.end()))
    start = found.start()
    dated = bool(_DATE.match(found[0]))
    for length in _longest_first(found[0]) if named or found[0][0] == "+" else [len(found[0])]:
        if not dated and _is_phone(found[0][:length], named):
            yield start, start + length
            return
    for first, last in _side_by_side(found[0]):
        yield start + first, start + last


def _is_a_sum(text: str, found: re.Match[str]) -> bool:
    """Whether it is a part of one number with a comma, as in `7,123456` and in `1.234.567,89`."""
    if not _COULD_COUNT.fullmatch(found[0]):
        return False
    return bool(_COMMA_BEFORE.search(text, max(0, found.start() - 3), found.start()) or _CENTS.match(text, found.end()))


def _is_named(before: str, written: str) -> bool:
    last = max((name.end() for name in _NAMED.finditer(before)), default=None)
    if last is None:
        return False
    return bool(_SAYS_WHICH.fullmatch(before, last)) or not _COULD_COUNT.fullmatch(written)


def _is_phone(written: str, named: bool) -> bool:
    if written.startswith(("+", "00")):
        return _is_international(written, named)
    return _has_a_form(written) or (named and _is_national(written))


def _longest_first(written: str) -> list[int]:
    """Lengths of the whole and, for a number that words or a plus announce, of all but the last one and two groups."""
    without = _LAST_GROUP.sub("", written)
    return sorted({len(written), len(without), len(_LAST_GROUP.sub("", without))}, reverse=True)


def _side_by_side(written: str) -> Iterator[tuple[int, int]]:
    """Each of several numbers that stand side by side, or behind a date or the number of a list."""
    gaps = [gap.span() for gap in _BETWEEN.finditer(written)]
    starts = [0, *(end for _, end in gaps)]
    ends = [*(start for start, _ in gaps), len(written)]
    first = 0
    while first < len(starts):
        for last in range(min(len(ends), first + _MOST_PARTS) - 1, first - 1, -1):
            part = written[starts[first] : ends[last]]
            if part != written and _has_a_form(part) and not _DATE.match(part):
                yield starts[first], ends[last]
                first = last
                break
        first += 1


def _has_a_form(written: str) -> bool:
    if any(form.fullmatch(written) and _is_valid(written, region) for region, form in _FORMS):
        return True
    return bool(_FROM_ANYWHERE.fullmatch(written)) and _is_national(written)


def _is_national(written: str) -> bool:
    digits = sum(map(str.isdigit, written))
    return 7 <= digits <= 13 and any(_is_valid(written, region) for region in _REGIONS)


def _is_valid(written: str, region: str) -> bool:
    # Imported on first use: most texts hold nothing that looks like a phone number.
    import phonenumbers

    try:
        number = phonenumbers.parse(written, region)
    except phonenumbers.NumberParseException:
        return False
    return phonenumbers.is_valid_number(number)


def _is_international(written: str, named: bool) -> bool:
    import phonenumbers

    plus = written if written.startswith("+") else "+" + written.removeprefix("00")
    try:
        number = phonenumbers.parse(plus, None)
    except phonenumbers.NumberParseException:
        return False
    grouped = any(sign in written[2:] for sign in " -.()/")
    if phonenumbers.is_valid_number(number):
        return named or grouped or not written.startswith("+ ")  # a sum
    return (named or (grouped and written.startswith("+"))) and phonenumbers.is_possible_number(number)
