"""From the words and orders in `data` to rules that can be tried on a folded clause.

A rule is tried only where every word it needs, or a word of the same family, is there; most clauses meet none.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache

from popi_sdk.guard.data import Families, english, languages, orders
from popi_sdk.guard.text import fold_letters

_TOGETHER = (
    "<DONT IGNORE !NOT ..6 ORDERS",
    "ORDERS ..4 <DONT IGNORE !NOT",
    "<DONT IGNORE !NOT ..2 BEFORE",
    "BEFORE ..2 <DONT IGNORE !NOT",
    "COPY ..2 BEFORE",
    "BEFORE ..2 COPY",
    "EARLIER ..1 ORDERS",
    "ORDERS ..1 EARLIER",
    "REVEAL ..5 SECRETS !OFGOOD",
    "SECRETS ..3 REVEAL",
    "NO ..3 REVEAL ..3 PEOPLE",
    "NO ..3 PEOPLE ..3 REVEAL",
    "REVEAL ..3 PEOPLE ..3 NO",
    "PEOPLE ..3 REVEAL ..3 NO",
    "PEOPLE ..3 NO ..3 REVEAL",
    "LIFT ..4 LIMITS",
    "LIMITS ..4 LIFT",
    "AI ..3 UNBOUND",
    "UNBOUND ..1 AI",
    "VERSION ..2 UNBOUND",
    "UNBOUND VERSION",
    "NEVER ..2 REFUSE",
    "REFUSE ..2 NEVER",
    "HIDDEN NOTE|ORDERS",
    "NOTE|ORDERS HIDDEN",
    "EACH ..6 WRITE ..3 LITERAL !TOPIC",
    "EACH ..6 LITERAL !TOPIC ..3 WRITE",
    "WRITE ..6 EACH ..3 LITERAL !TOPIC",
    "WRITE ..3 LITERAL !TOPIC ..8 EACH",
    "PROMOTE ..4 BRANDS",
    "PROMOTE ..8 QUIETLY",
    "QUIETLY ..6 PROMOTE",
    "PRAISE !ME ..8 EACH",
    "EACH ..6 PRAISE !ME",
    "NO ..3 TELL ..4 ADVERT",
    "ADVERT ..3 TELL ..1 NO",
    "ADVERT ..3 QUIETLY",
    "PERSUADE ..6 BUY",
    "EVERYONE ..3 BUY",
    "CALL ..4 TOOL",
    "TOOL ..1 CALL",
    "SEND ..1 LOG",
    "LOG ..1 SEND",
    "DATA ..1 OTHERS",
    "OTHERS ..1 DATA",
    "WROTE ..3 PREVIOUS",
    "PREVIOUS ..3 WROTE",
    "OPENING|ORDERS ..4 INVALID",
    "SPEAKWELL !ME",
    "HAVENOT ..2 LIMITS",
    "DESTROY ..3 FILES",
    "FILES ..1 DESTROY",
    "PEOPLE ..4 RIGHTS",
    "YOUR ..2 MASTER",
    "DISSUADE ..3 HEALTH",
    "HEALTH ..3 DISSUADE",
    "SECRETS ..2 OWNERS",
    "OWNERS ..1 SECRETS",
    "TURN ..6 DO",
    "AI ..2 READS",
    "READS ..2 AI",
    "PHRASES",
)
"""What is refused in every language; see `data/languages.txt`. `<X` says that X does not stand right before."""


@dataclass(frozen=True, slots=True)
class Rule:
    """One way of putting an order, and the reason it is refused for."""

    reason: str
    needs: tuple[frozenset[str], ...]
    """Of each of these sets one word must be there."""
    source: str
    """The rule as a regular expression, compiled when its words are first met."""

    def fits(self, folded: str) -> bool:
        """Whether the rule fits folded words, each with a space before it."""
        return bool(_compiled(self.source).search(folded))


@cache
def _compiled(source: str) -> re.Pattern[str]:
    return re.compile(source, re.MULTILINE)


# ---- finding the rules for a clause ------------------------------------------------------------------------------


def rules_for(words: Iterable[str]) -> list[Rule]:
    """The rules, in their order, of which every needed word is among `words`."""
    index = _index()
    here = set(words)
    for word in tuple(here):
        here.update(start for length in range(1, len(word) + 1) if (start := word[:length] + "*") in index.beginnings)
    places = sorted({place for word in here for place in index.places.get(word, ())})
    found = (_rules()[place] for place in places)
    return [rule for rule in found if not any(need.isdisjoint(here) for need in rule.needs)]


@dataclass(frozen=True, slots=True)
class _Index:
    places: Mapping[str, Sequence[int]]
    """Where the rules stand whose first need holds a word."""
    beginnings: frozenset[str]
    """All `begin*` that rules look for."""


@cache
def _index() -> _Index:
    places: dict[str, list[int]] = {}
    for place, rule in enumerate(_rules()):
        for word in rule.needs[0]:
            places.setdefault(word, []).append(place)
    words = (word for rule in _rules() for need in rule.needs for word in need)
    return _Index(places, frozenset(word for word in words if word.endswith("*")))


@cache
def _rules() -> tuple[Rule, ...]:
    """All rules over words: English first, then the languages that put spaces between words."""
    spaced = (families for families, has_spaces in languages() if has_spaces)
    return (
        *(_rule(reason, line, english()) for reason, line in orders()),
        *(_rule("instruction", line, families) for families in spaced for line in _together(families)),
    )


@cache
def unspaced() -> re.Pattern[str]:
    """What is refused in the languages that put no spaces between words, for a clause without its spaces."""
    all_families = (families for families, has_spaces in languages() if not has_spaces)
    return re.compile("|".join(_run(line, families) for families in all_families for line in _together(families)))


def _together(families: Families) -> list[str]:
    """The lines of `_TOGETHER` whose families a language has."""
    return [line for line in _TOGETHER if families.keys() >= set(re.findall(r"[A-Z]+", line))]


@cache
def excuses() -> re.Pattern[str]:
    """The word after which a verb is no order: "how to call an API" asks for knowledge."""
    pairs = {_spelled(excuse, " ").rpartition(" ")[::2] for excuse in english()["EXCUSED"]}
    return re.compile("|".join(sorted(rf"(?<= {first}) {last}(?!\S)" for first, last in pairs)))


@cache
def bans() -> re.Pattern[str]:
    """What asks for certain words not to be used: "never say the word X"; but not "never end without the word X"."""
    unless = _token("without|unless|before|until|except|but|anything|anywhere|other_than", english())
    return re.compile("".join(_token(token, english()) for token in ("BAN", "..2", "VERBATIM")) + rf"(?!.*{unless})")


# ---- reading a rule ----------------------------------------------------------------------------------------------


def _rule(reason: str, line: str, families: Families) -> Rule:
    tokens = line.split()
    needs = (frozenset(_first_words(token, families)) for token in tokens if _is_needed(token))
    return Rule(reason, tuple(needs), "".join(_token(token, families) for token in tokens))


def _is_needed(token: str) -> bool:
    return not (token.startswith((".", "!", "<")) or token.endswith("?") or token in ("^", "START") or "$" in token)


def _first_words(token: str, families: Families) -> list[str]:
    return [fold_letters(member).split("_", 1)[0] for member in _members(token, families)]


def _members(token: str, families: Families) -> list[str]:
    groups = (families.get(name, (name,)) for name in token.strip("<!?").split("|"))
    return [word for group in groups for word in group if word not in "^$"]


def _token(token: str, families: Families) -> str:
    """One token as a regular expression over words that each have a space before them."""
    if token in ("^", "$"):
        return token
    if token.startswith(".."):
        return rf"(?: \S+){{0,{token[2:]}}}?"
    members = {_spelled(member, " ") for member in _members(token, families)}
    found = rf"(?: (?:{'|'.join(sorted(members, key=lambda member: (-len(member), member)))})(?!\S))"
    if token.startswith("!"):
        return f"(?!{found})"
    if token.startswith("<"):
        return "".join(rf"(?<! {member})" for member in sorted(members))
    if token.endswith("?"):
        return f"{found}?"
    if token == "START":
        return f"(?:^|{found})"
    return f"(?:$|{found})" if "$" in token else found


def _run(line: str, families: Families) -> str:
    """A rule as a regular expression over text without spaces; a word in between is taken for six characters."""
    parts = []
    for token in line.split():
        if token.startswith(".."):
            parts.append(f".{{0,{6 * int(token[2:])}}}?")
            continue
        members = [_spelled(member, "") for member in _members(token, families)]
        if token.startswith("<"):
            parts += [f"(?<!{member})" for member in members]
        else:
            parts.append(f"(?{'!' if token.startswith('!') else ':'}{'|'.join(members)})")
    return "".join(parts)


def _spelled(member: str, space: str) -> str:
    return fold_letters(member).replace("_", space).replace("*", r"\w*")
