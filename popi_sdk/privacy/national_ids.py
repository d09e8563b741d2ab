"""National identity and social security numbers, where form and check digits tell them from other numbers."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from typing import Any

from popi_sdk.privacy.neighbours import AFTER, BEFORE, NO_DECIMALS


@dataclass(frozen=True, slots=True)
class _NationalId:
    """One country's number: the module of python-stdnum that checks it, its form, and words that must stand near it."""

    module: str
    form: re.Pattern[str]
    named: re.Pattern[str] | None = None


def _form(pattern: str) -> re.Pattern[str]:
    return re.compile(rf"{BEFORE}(?<![/+-]){NO_DECIMALS}(?:{pattern}){AFTER}(?![./-][0-9])", re.ASCII)


def _named(words: str) -> re.Pattern[str]:
    return re.compile(words, re.IGNORECASE)


_SSN = _named(r"\bSSN\b|social.security|seguro social")
_IDS = (
    _NationalId("us.ssn", _form(r"[0-9]{3}-[0-9]{2}-[0-9]{4}")),
    _NationalId("us.ssn", _form(r"[0-9]{3} [0-9]{2} [0-9]{4}|[0-9]{9}"), _SSN),
    _NationalId("us.itin", _form(r"9[0-9]{2}-[0-9]{2}-[0-9]{4}")),
    _NationalId("es.dni", _form(r"[0-9]{8}-?[A-Z]|[0-9]{1,2}\.[0-9]{3}\.[0-9]{3}-?[A-Z]")),
    _NationalId("es.nie", _form(r"[XYZ]-?[0-9]{7}-?[A-Z]")),
    _NationalId("br.cpf", _form(r"[0-9]{3}\.[0-9]{3}\.[0-9]{3}-[0-9]{2}")),
    _NationalId("br.cpf", _form(r"[0-9]{11}"), _named(r"\bCPF\b")),
    _NationalId("it.codicefiscale", _form(r"[A-Z]{6}[0-9]{2}[A-EHLMPRST][0-9]{2}[A-Z][0-9]{3}[A-Z]")),
    _NationalId("fi.hetu", _form(r"[0-9]{6}[+A-FYXWVU-][0-9]{3}[0-9A-Y]")),
    _NationalId("cn.ric", _form(r"[1-9][0-9]{5}(?:19|20)[0-9]{9}[0-9X]")),
    _NationalId("fr.nir", _form(r"[12] ?[0-9]{2} ?[0-9]{2} ?(?:[0-9]{2}|2[AB]) ?[0-9]{3} ?[0-9]{3} ?[0-9]{2}")),
    _NationalId("kr.rrn", _form(r"[0-9]{6}-[0-9]{7}")),
    _NationalId("se.personnummer", _form(r"(?:[0-9]{2})?[0-9]{6}[-+][0-9]{4}")),
    _NationalId("mx.curp", _form(r"[A-Z]{4}[0-9]{6}[HM][A-Z]{5}[0-9A-Z][0-9]")),
    _NationalId("cl.rut", _form(r"[0-9]{1,2}\.[0-9]{3}\.[0-9]{3}-[0-9Kk]")),
    _NationalId("ch.ssn", _form(r"756\.?[0-9]{4}\.?[0-9]{4}\.?[0-9]{2}")),
    _NationalId("in_.aadhaar", _form(r"[2-9][0-9]{3}([ -])[0-9]{4}\1[0-9]{4}")),
    _NationalId("in_.aadhaar", _form(r"[2-9][0-9]{11}"), _named("aadhaa?r|आधार")),
    _NationalId("in_.pan", _form(r"[A-Z]{3}[ABCFGHLJPT][A-Z][0-9]{4}[A-Z]"), _named(r"\bPAN\b")),
    _NationalId("pl.pesel", _form(r"[0-9]{11}"), _named("pesel")),
    _NationalId("nl.bsn", _form(r"[0-9]{9}|[0-9]{4}\.[0-9]{2}\.[0-9]{3}"), _named(r"\bBSN\b|burgerservice|sofinummer")),
    _NationalId(
        "de.idnr",
        _form(r"[0-9]{11}|[0-9]{2} [0-9]{3} [0-9]{3} [0-9]{3}"),
        _named("steuer|identifikationsnummer|idnr|tax id"),
    ),
    _NationalId("tr.tckimlik", _form(r"[0-9]{11}"), _named("kimlik|T\\.?C\\.? ?no|TCKN")),
    _NationalId(
        "ca.sin", _form(r"[0-9]{3}[ -][0-9]{3}[ -][0-9]{3}|[0-9]{9}"), _named(r"\bSIN\b|\bNAS\b|social insurance")
    ),
    _NationalId("gb.nhs", _form(r"[0-9]{3}[ -]?[0-9]{3}[ -]?[0-9]{4}"), _named(r"\bNHS\b")),
    _NationalId("be.nn", _form(r"[0-9]{2}\.[0-9]{2}\.[0-9]{2}-[0-9]{3}\.[0-9]{2}")),
    _NationalId("za.idnr", _form(r"[0-9]{13}"), _named(r"\bID\b|identity")),
    _NationalId("no.fodselsnummer", _form(r"[0-9]{6} ?[0-9]{5}"), _named("fødselsnummer|personnummer|fodselsnummer")),
    _NationalId("dk.cpr", _form(r"[0-9]{6}-?[0-9]{4}"), _named(r"\bCPR\b|personnummer")),
    _NationalId("cz.rc", _form(r"[0-9]{6}/[0-9]{3,4}"), _named("rodné|rodne|narození")),
    _NationalId("ro.cnp", _form(r"[1-9][0-9]{12}"), _named(r"\bCNP\b")),
    _NationalId(
        "jp.in_", _form(r"[0-9]{12}|[0-9]{4}([ -])[0-9]{4}\1[0-9]{4}"), _named("マイナンバー|個人番号|my number")
    ),
    _NationalId("bg.egn", _form(r"[0-9]{10}"), _named("ЕГН|EGN")),
)
_NINO = re.compile(
    rf"{BEFORE}(?<!-)(?!BG|GB|NK|KN|TN|NT|ZZ)[A-CEGHJ-PR-TW-Z][A-CEGHJ-NPR-TW-Z] ?"
    rf"(?:[0-9]{{2}} ?){{3}}[A-D]{AFTER}(?!-)",
    re.ASCII,
)
"""National Insurance numbers of the United Kingdom: python-stdnum has none, as they hold no check digit."""
_MOST_WORDS_BEFORE = 48
_SOME_DIGITS = re.compile(r"[0-9](?:[^\n]?[0-9]){5}")


def find(text: str) -> Iterator[tuple[int, int]]:
    """Numbers that a state gave a person."""
    if not _SOME_DIGITS.search(text):
        return
    spans = [found.span() for found in _NINO.finditer(text)]
    for kind in _IDS:
        if kind.named is None or kind.named.search(text):
            spans += (found.span() for found in kind.form.finditer(text) if _is_one(kind, text, found))
    place = 0
    for start, end in sorted(spans):
        if start >= place:
            yield start, end
            place = end


def _is_one(kind: _NationalId, text: str, found: re.Match[str]) -> bool:
    before = text[max(0, found.start() - _MOST_WORDS_BEFORE) : found.start()]
    if kind.named is not None and not kind.named.search(before):
        return False
    return bool(_module(kind.module).is_valid(found[0].replace(".", "")))


@cache
def _module(name: str) -> Any:
    return import_module(f"stdnum.{name}")
