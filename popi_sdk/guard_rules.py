"""From the words in `guard_patterns` and `guard_languages` to rules that can be tried on a folded clause.

A rule is tried only where every word it needs, or a word of the same family, is there; most clauses meet none.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from functools import cache

from popi_sdk.guard_languages import LANGUAGES, Language
from popi_sdk.guard_patterns import EXCUSES, FAMILIES, RULES
from popi_sdk.guard_text import fold_letters

_TOGETHER = (
    "IGNORE ..6 ORDERS", "ORDERS ..4 IGNORE", "EARLIER ..1 ORDERS", "ORDERS ..1 EARLIER", "REVEAL ..5 SECRETS", "SECRETS ..3 REVEAL",
    "NO ..3 REVEAL ..3 PEOPLE", "NO ..3 PEOPLE ..3 REVEAL", "REVEAL ..3 PEOPLE ..3 NO", "PEOPLE ..3 REVEAL ..3 NO", "PEOPLE ..3 NO ..3 REVEAL",
    "PHRASES",
)  # fmt: skip
"""What is refused in every language; see `guard_languages`."""


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


@cache
def rules() -> tuple[Rule, ...]:
    """All rules over words: English first, then the languages that put spaces between words."""
    english = [_rule(reason, line, FAMILIES) for reason, lines in RULES.items() for line in lines.strip().splitlines()]
    spaced = [_families(language) for language in LANGUAGES.values() if language.spaced]
    return (*english, *(_rule("instruction", line, families) for families in spaced for line in _TOGETHER))


@cache
def unspaced() -> re.Pattern[str]:
    """What is refused in the languages that put no spaces between words, for a clause without its spaces."""
    languages = [_families(language) for language in LANGUAGES.values() if not language.spaced]
    return re.compile("|".join(_run(line, families) for families in languages for line in _TOGETHER))


@cache
def excuses() -> re.Pattern[str]:
    """Where a verb is no order: "how to call an API" asks for knowledge."""
    pairs = {fold_letters(excuse).replace("_", " ").rpartition(" ")[::2] for excuse in EXCUSES.split()}
    return re.compile("|".join(sorted(rf"(?<= {first}) {last}(?!\S)" for first, last in pairs)))


def rules_for(words: Iterable[str]) -> list[Rule]:
    """The rules, in their order, of which every needed word is among `words`."""
    index = _by_first_need()
    here = set(words)
    for word in tuple(here):
        here.update(start for length in range(1, len(word) + 1) if (start := word[:length] + "*") in index.beginnings)
    places = sorted({place for word in here for place in index.places.get(word, ())})
    found = (rules()[place] for place in places)
    return [rule for rule in found if not any(need.isdisjoint(here) for need in rule.needs)]


@dataclass(frozen=True, slots=True)
class _Index:
    """Where to look: the places of the rules that begin with a word, and all beginnings (`begin*`) of words."""

    places: Mapping[str, Sequence[int]]
    beginnings: frozenset[str]


@cache
def _by_first_need() -> _Index:
    places: dict[str, list[int]] = {}
    for place, rule in enumerate(rules()):
        for word in rule.needs[0]:
            places.setdefault(word, []).append(place)
    words = (word for rule in rules() for need in rule.needs for word in need)
    return _Index(places, frozenset(word for word in words if word.endswith("*")))


def _families(language: Language) -> dict[str, str]:
    return {field.name.upper(): getattr(language, field.name) for field in fields(language) if field.name != "spaced"}


def _rule(reason: str, line: str, families: Mapping[str, str]) -> Rule:
    tokens = line.split()
    needed = (token for token in tokens if not token.startswith((".", "!")) and not token.endswith("?"))
    needs = (frozenset(_first_words(token, families)) for token in needed if "START" not in token and "$" not in token and token != "^")
    return Rule(reason, tuple(needs), "".join(_token(token, families) for token in tokens))


def _first_words(token: str, families: Mapping[str, str]) -> Iterator[str]:
    for member in _members(token, families):
        yield fold_letters(member).split("_", 1)[0]


def _members(token: str, families: Mapping[str, str]) -> list[str]:
    words = (families.get(name, name).split() for name in token.strip("!?").split("|"))
    return [word for group in words for word in group if word not in "^$"]


def _token(token: str, families: Mapping[str, str]) -> str:
    """One token as a regular expression over words that each have a space before them."""
    if token in ("^", "$"):
        return token
    if token.startswith(".."):
        return rf"(?: \S+){{0,{token[2:]}}}?"
    members = _members(token, families)
    words = "|".join(sorted({_spelled(member, " ") for member in members}, key=len, reverse=True))
    found = rf"(?: (?:{words})(?!\S))"
    if token.startswith("!"):
        return f"(?!{found})"
    if token.endswith("?"):
        return f"{found}?"
    if token == "START":
        return rf"(?:^|{found})"
    return f"(?:$|{found})" if "$" in token else found


def _run(line: str, families: Mapping[str, str]) -> str:
    """A rule as a regular expression over text without spaces; a word in between is taken for six characters."""
    parts = []
    for token in line.split():
        if token.startswith(".."):
            parts.append(f".{{0,{6 * int(token[2:])}}}?")
        else:
            parts.append("(?:" + "|".join(_spelled(member, "") for member in _members(token, families)) + ")")
    return "".join(parts)


def _spelled(member: str, space: str) -> str:
    return fold_letters(member).replace("_", space).replace("*", r"\w*")
