"""Secrets by what stands before them: `password=...`, "my password is ...", `postgres://user:password@host`."""

from __future__ import annotations

import re
from collections.abc import Iterator

from popi_sdk.privacy.words import HINTS_OF_SECRETS, OTHER_SECRETS, PASSWORDS, any_within

_HINTS = HINTS_OF_SECRETS.split()
_FOR_WHAT = (
    r"(?:[ ](?:for|to|of|on|pour|para|für|zu|de|del|do|da|di|för|til|от|для|к|voor|van)"
    r"(?:[ ](?:[^\W\d_]|[-'’.]){1,20}){1,4})?"
)
_IS = r"(?:is|was|are|ist|lautet|war|es|era|est|était|é|è|to|jest|on|är|er|это|:|=)"
_NAMED = re.compile(
    rf"""(?:(?P<password>{any_within(PASSWORDS)}|(?<=[_-])pass
     |(?<![^\W_])(?:pass|pw)(?=["']?[ ]{{0,3}}[:=]))
     |{any_within(OTHER_SECRETS)})
    (?P<link>["'`\]*]{{0,4}}[ \t]{{0,20}}(?:[=-]>|→|:=|=(?!=)|:(?!:))[ \t]{{0,20}}\*{{0,2}}
     | {_FOR_WHAT}(?:[ ]{_IS}|:)[ :]{{1,2}} | [ ]?(?:是|为|為|は、?|은|는|이|가|:|：)[ ]? | [ ])
    (?:"(?P<double>[^"\0\r\n]{{1,200}})" | '(?P<single>[^'\0\r\n]{{1,200}})' | `(?P<ticks>[^`\0\r\n]{{1,200}})`
     | [「“„«]?(?P<bare>[^\s\0"'`「」“”„«»]{{1,200}}))""",
    re.IGNORECASE | re.VERBOSE,
)
_OPTION = re.compile(
    r"""(?<!\w)--?(?:pass(?:word|wd|phrase)?|pwd|token|api-?key|secret)(?:=|[ ]{1,3})["']?
      (?P<value>[^\s\0"'`<>$-][^\s\0"'`]{3,200})
    | \bcurl\b[^\0\n]{0,200}?[ ](?:-u|--user)[ ]{0,2}["']?[^\s\0:"']{1,64}:(?P<user>[^\s\0"':]{3,200})
    | \bmy[ ]pin(?:[ ](?:code|number))?[ ](?:is|:)[ ](?P<pin>[0-9]{4,8})(?![\w-])
    | \bmysql\b[^\0\n]{0,100}?[ ]-p(?P<mysql>[^\s\0"']{4,100})
    | \b(?:sshpass|redis-cli)\b[^\0\n]{0,60}?[ ]-[pa][ ]?["']?(?P<cli>[^\s\0"'$-][^\s\0"']{3,100})
    | \w_key["']?[ ]{0,3}[:=][ ]{0,3}["']?(?P<key>(?=[^\s0-9]{0,40}[0-9])[A-Za-z0-9+/=_-]{24,200})(?![\w.(\[])""",
    re.IGNORECASE | re.VERBOSE,
)
_IN_ADDRESS = re.compile(r"://(?P<user>[^\s\0:/@\"'<>]{0,100}):(?P<password>[^\s\0/\"'<>]{1,256})@(?=[\w\[<{$.-])")

_WORD_OF_NONE = re.compile(
    r"""string|str|text|none|null|nil|true|false|yes|no|required|optional|hidden|password|passwd|pass|pwd|secret|token|any|
    bool(?:ean)?|int(?:eger)?|number|object|undefined|todo|tbd|empty|unknown|value|key|varchar|char|bytes|sensitive|visible|
    invalid|expired|missing|incorrect|wrong|correct|valid|secure|strong|weak|forgot|reset|changed?|default|disabled|enabled|
    username|user|login|email|example|sample|test|here|below|above|input|self|request|response|basic|bearer|oauth|jwt|fields?|
    type|name|bytes32|uuid|ascii|encrypted|hashed|plaintext|stored|sent|used|protected|secure-?string|secretstr|write-?only|
    read-?only|textfield|charfield""",
    re.IGNORECASE | re.VERBOSE,
)
_TEMPLATE = re.compile(
    r"""^[<\[{$%(&|\\/\#!*.…-] | ^(?:x+|\*+|•+|_+)$ | ^your|your[-_ ]|[-_]here$ | placeholder|redacted | \*{3} | x{5}
    | ^[A-Za-z_]\w*(?:(?:\.|->|::)[A-Za-z_]\w*){1,8}(?:[(\[].*)?[,;)]*$      # os.environ, self.password
    | ^[A-Za-z_]*(?:pass|pwd|secret|token|key)[A-Za-z_]*$                    # user_password
    | ^[A-Za-z_]\w*[(\[] | ^(?:await|new|lambda|function|process|import)\b | \$\{ | \{\{ | ^env[.:(]""",
    re.IGNORECASE | re.VERBOSE,
)
"""What says where a secret comes from, or that one belongs there."""
_NEXT_FIELD = re.compile(r"[;&,|](?=\s*\w+\s*=)|[;,]$|\\[nrt\"'].*")
_MEASURE = re.compile(
    r"""[0-9]{1,4}-?(?:[a-z]+(?:-[a-z]+)*)? | v?[0-9]+(?:[.:/-][0-9]+)* | [0-9.,]+%?
    | (?:sha|md|base|utf|aes|rsa|argon|bcrypt|oauth|http|python|ipv|rot|hs|rs|es|ed|gpt|win|web|top|part|step)
      -?[0-9]{1,4}\S{0,12}""",
    re.IGNORECASE | re.VERBOSE,
)
_AFTER_A_VALUE = ".,;:!?)]}>。、，；」』）"


def may_hold(text: str) -> bool:
    """Whether anything in `text` names a secret."""
    lower = text.lower()
    return any(hint in lower for hint in _HINTS)


def in_addresses(text: str) -> Iterator[tuple[int, int]]:
    """User and password in an address, such as `user:password` in `postgres://user:password@host/name`."""
    if "://" not in text:
        return
    for found in _IN_ADDRESS.finditer(text):
        password = found["password"]
        shown = password.upper() in ("PASSWORD", "PASS", "PWD", "PW", "SECRET") and (
            password.isupper() or found["user"].casefold() in ("user", "username", "login", "name")
        )
        if not shown and not _TEMPLATE.search(password):
            yield found.start("user"), found.end("password")


def named(text: str) -> Iterator[tuple[int, int]]:
    """Values that are given under the name of a secret."""
    if not may_hold(text):
        return
    spans = [found.span(found.lastgroup or 0) for found in _OPTION.finditer(text)]
    spans = [(start, end) for start, end in spans if not _stands_for_one(text[start:end])]
    place = 0
    while found := _NAMED.search(text, place):
        value = _value(text, found)
        spans += [value] if value else []
        # What looked like a value may be the name of the next: "the password token=..."
        place = value[1] if value else found.start(found.lastgroup or 0)
    place = 0
    for start, end in sorted(spans):
        if start >= place:
            yield start, end
            place = end


def _value(text: str, found: re.Match[str]) -> tuple[int, int] | None:
    group = found.lastgroup or "bare"
    start, end = found.span(group)
    value = found[group]
    if group == "bare":
        value = _NEXT_FIELD.split(value, maxsplit=1)[0].rstrip(_AFTER_A_VALUE)
        end = start + len(value)
    return (start, end) if _is_secret(found, value, text[end : end + 1]) else None


def _is_secret(found: re.Match[str], value: str, after: str) -> bool:
    """Whether a value is one: what must show it depends on the name, the link, and on quotes."""
    if _stands_for_one(value):
        return False
    quoted, password = found.lastgroup != "bare", found["password"]
    if " " in value:
        return quoted and password is not None and "phrase" in password.casefold()
    if found["link"] == " ":
        return password is not None and (_is_strong(value) if quoted else len(value) >= 8 and _is_mixed(value))
    if not quoted and not any(sign in found["link"] for sign in "=:"):
        return len(value) >= (4 if password else 12) and _is_strong(value)
    if password is None:
        return len(value) >= 8 and (_is_strong(value) or (quoted and len(value) >= 16 and "-" not in value))
    line = after in ("", "\n", "\r") and len(value) >= 6 and value.isascii()
    return len(value) >= 4 and (quoted or line or found["link"] == "=" or _is_strong(value))


def _stands_for_one(value: str) -> bool:
    """Whether a value only says what belongs there, where it comes from, or of which type it is."""
    return bool(_WORD_OF_NONE.fullmatch(value) or _TEMPLATE.search(value))


def _is_strong(value: str) -> bool:
    """Whether letters stand beside digits or signs as in passwords, and not as in "8-character" or "sha256"."""
    if _MEASURE.fullmatch(value):
        return sum(map(str.isdigit, value)) >= 5 and len(value) >= 6
    return any(map(str.isdigit, value)) or any(sign in "!@#$%^&*+=~" for sign in value[1:-1])


def _is_mixed(value: str) -> bool:
    """Whether letters stand beside digits, and capitals or signs among them, as nothing in a sentence does."""
    if _MEASURE.fullmatch(value) or not any(map(str.isdigit, value)) or not any(map(str.isalpha, value)):
        return False
    return any(map(str.isupper, value[1:])) or any(sign in "!@#$%^&*+=~_?" for sign in value[1:-1])
