"""E-mail addresses and IP addresses."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterator

from popi_sdk.privacy.neighbours import AFTER, BEFORE
from popi_sdk.privacy.words import MACHINES, MACHINES_ANYWHERE, VERSIONS, VERSIONS_ANYWHERE, any_of

_AT = re.compile(r"@|%40|[ ]?[(\[{][ ]?(?:at|@|arroba)[ ]?[)\]}][ ]?", re.IGNORECASE)
_LOCAL = re.compile(r"[\w!#$%&'*+/=?^`{|}~.-]{1,64}\Z")
_LOCAL_BEFORE_CJK = re.compile(r"[A-Za-z0-9À-ɏͰ-෿!#$%&'*+/=?^`{|}~._-]{1,64}\Z")
_DOT = r"(?:\.|[ ]?[(\[{][ ]?(?:dot|punto|punkt)[ ]?[)\]}][ ]?)"
_LABEL = "[A-Za-z0-9À-෿](?:[A-Za-z0-9À-෿-]{0,61}[A-Za-z0-9À-෿])?"
_DOMAIN = re.compile(
    rf"(?:{_LABEL}{_DOT}){{1,6}}(?:xn--[a-z0-9]{{2,59}}|[A-Za-zÀ-෿]{{2,24}})(?![A-Za-z0-9(])", re.IGNORECASE
)
_DOMAIN_IN_CJK = re.compile(r"(?:\w[\w-]{0,62}\.){1,6}[^\W\d_]{2,24}")
_FIRST_CJK = "\u0e00"
"""Scripts from here on set no spaces between words, so that a word beside an address is no part of it."""
_ENDING_OF_A_FILE = re.compile(
    r"""png|jpe?g|gif|svg|webp|avif|ico|bmp|m?js|tsx?|jsx|s?css|html?|json|ya?ml|toml|txt|pdf|csv|xml|exe|dll|jar|whl|t?gz|
    tar|lock|log|cfg|ini|conf|local|localhost|internal""",
    re.IGNORECASE | re.VERBOSE,
)

_V4 = re.compile(
    rf"{BEFORE}(?<!\.)(?:[0-9]{{1,3}}\.){{3}}[0-9]{{1,3}}{AFTER}(?!\.[0-9])(?:/[0-9]{{1,2}}(?!\w))?", re.ASCII
)
_V6 = re.compile(
    rf"(?:{BEFORE}(?<![:.])|(?<=[g-zG-Z]:))(?:[0-9a-fA-F]{{0,4}}:){{2,8}}[0-9a-fA-F:.]{{0,40}}"
    r"(?:%[A-Za-z0-9]{1,16})?(?:/[0-9]{1,3})?",
    re.ASCII,
)
_OF_A_VERSION = re.compile(
    rf"(?:{any_of(VERSIONS, VERSIONS_ANYWHERE)}[.:]?\s{{0,2}}|[A-Za-z+]/|§\s?|[=~^<>]=|[~^]|(?<!\w)v|[A-Za-z]-)\Z",
    re.IGNORECASE,
)
_VERSIONS = re.compile(r"version|release|firmware|верси|版本|バージョン|버전", re.IGNORECASE)
_OF_A_MACHINE = re.compile(rf"{any_of(MACHINES, MACHINES_ANYWHERE)}|(?:@|://)\Z", re.IGNORECASE)
_RESOLVERS = frozenset({"8.8.8.8", "8.8.4.4", "1.1.1.1", "1.0.0.1", "9.9.9.9"})
"""Public name servers; they tell of nobody."""
_MASKS = ipaddress.IPv4Address("240.0.0.0")
"""From here on no machine has its address."""
_CHARACTERS_BEFORE = 24


def emails(text: str) -> Iterator[tuple[int, int]]:
    """E-mail addresses, also with `%40` or `(at)`."""
    place = 0
    for at in _AT.finditer(text):
        if at.start() <= place:
            continue
        start = _local_part(text, place, at.start())
        end = _domain(text, at)
        if start < at.start() and end and not _is_something_else(text, start, at, end):
            yield start, end
            place = end


def _local_part(text: str, earliest: int, at: int) -> int:
    """Where the part before the sign begins; `at` where there is none."""
    around = text[max(earliest, at - 64) : at]
    found = (_LOCAL_BEFORE_CJK if around[-1:] < _FIRST_CJK else _LOCAL).search(around)
    local = found[0].lstrip("'*`|{/=.&?!#$^~-") if found else ""
    return at - len(re.split("[=/]", local)[-1])


def _domain(text: str, at: re.Match[str]) -> int | None:
    around = text[at.end() : at.end() + 254]
    found = (_DOMAIN if around[:1] < _FIRST_CJK else _DOMAIN_IN_CJK).match(around)
    return at.end() + found.end() if found else None


def _is_something_else(text: str, start: int, at: re.Match[str], end: int) -> bool:
    """Whether it is a file such as `icon@2x.png`, a repository such as `git@host:name`, or a program."""
    local, domain = text[start : at.start()], text[at.end() : end]
    if _ENDING_OF_A_FILE.fullmatch(domain.rpartition(".")[2]):
        return True
    return local == "git" or not any(map(str.isalnum, local))


def ips(text: str) -> Iterator[tuple[int, int]]:
    """IP addresses that may tell of somebody: no loopback, no masks, no version numbers."""
    place = 0
    spans = [found.span() for found in _V4.finditer(text) if _is_v4(text, found)] if text.count(".") >= 3 else []
    if text.count(":") >= 2:
        spans += [(found.start(), end) for found in _V6.finditer(text) if (end := _end_of_v6(found))]
    for start, end in sorted(spans):  # an IPv6 address may end in an IPv4 address
        if start >= place:
            yield start, end
            place = end


def _is_v4(text: str, found: re.Match[str]) -> bool:
    try:
        address = ipaddress.IPv4Address(found[0].partition("/")[0])
    except ValueError:
        return False
    if address.is_loopback or address.is_multicast or address.is_unspecified or address >= _MASKS:
        return False
    if _is_a_network(found[0]):
        return False
    before = text[max(0, found.start() - _CHARACTERS_BEFORE) : found.start()]
    if str(address) in _RESOLVERS or _OF_A_VERSION.search(before) or _speaks_of_versions(text, found.start()):
        return False
    followed = "/" in found[0] or text[found.end() : found.end() + 1] == ":"
    return max(address.packed) >= 32 or followed or bool(_OF_A_MACHINE.search(before))


def _is_a_network(written: str) -> bool:
    """Whether it is a block of addresses such as `10.0.0.0/8`, and not a machine in one, such as `10.0.0.5/8`."""
    try:
        return "/" in written and ipaddress.ip_network(written).num_addresses > 1
    except ValueError:
        return False


def _speaks_of_versions(text: str, place: int) -> bool:
    """Whether the words before tell of versions, and of no machine after that."""
    before = text[max(0, place - 3 * _CHARACTERS_BEFORE) : place]
    last = max((found.end() for found in _VERSIONS.finditer(before)), default=None)
    return last is not None and not _OF_A_MACHINE.search(before, last)


def _end_of_v6(found: re.Match[str]) -> int | None:
    written = found[0] if found[0].endswith("::") else found[0].rstrip(":.")
    bare = written.partition("/")[0]
    if _is_a_network(written):
        return None
    try:
        address = ipaddress.IPv6Address(bare)
    except ValueError:
        return None
    if address.is_loopback or address.is_unspecified or address.is_multicast or not any(map(str.isdigit, bare)):
        return None
    inner = address.ipv4_mapped
    if inner is not None:
        return None if inner.is_loopback else found.start() + len(written)
    first = bare.partition(":")[0].lower()
    of_a_network = len(first) == 4 and first[0] in "23f"
    return found.start() + len(written) if of_a_network or (bare.count(":") == 7 and len(bare) > 23) else None
