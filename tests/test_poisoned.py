"""Poisoned signals never reach a request; harmless preferences that look alike do.

Both lists are JSON lines and easy to extend: `poisoned.jsonl` holds {"signal", "canary", "why", "language"}, where the
canary must not appear in what is sent; `harmless.jsonl` holds {"text", "language"}. What is counted here through whole
clients, `python -m benchmarks.injection` prints.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest

from benchmarks import injection
from benchmarks.injection import PLACEMENTS, TRUSTED, Case, Quoting, client, count, flat, told, unsure, untrusted
from popi_sdk.composer import Placement, compose
from popi_sdk.guard import guard
from popi_sdk.guard.text import split_lines, split_sentences
from popi_sdk.intake import coerce
from popi_sdk.signals import Statement
from popi_sdk.summarizers import embedded
from popi_sdk.summary import Clause, Summary

POISONED = injection.lines("poisoned.jsonl")
HARMLESS = [line["text"] for line in injection.lines("harmless.jsonl")]
POISONED_CASES, HARMLESS_CASES = injection.poisoned(), injection.harmless()
SUMMARIZERS = {name: made for name, made in injection.summarizers().items() if name != "embedded"}
MOST_LOST = 0.05
LANGUAGES = 8
EACH_LANGUAGE = 15
MAX_TOKENS = injection.MAX_TOKENS
OWN_CLAUSES = set(injection.OWN_CLAUSES)


def texts(value: Any) -> Iterator[str]:
    """All text of a signal, whatever its kind."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for key, inner in value.items():
            if key not in ("kind", "role", "id"):
                yield from texts(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from texts(inner)


def quoted(signal: dict[str, Any]) -> Summary:
    """What a summarizer that quotes statements and personas word for word makes of a signal."""
    attributes = signal.get("attributes") or {}
    said = [f"{name}: {', '.join(texts(value))}" for name, value in attributes.items()] or list(texts(signal))
    return Summary(clauses=tuple(Clause(text, ("s1",)) for text in said))


def sentences(signal: dict[str, Any]) -> Summary:
    """Every sentence of a signal as a clause."""
    lines = (line for text in texts(signal) for line in split_lines(text))
    return Summary(clauses=tuple(Clause(part, ("s1",)) for line in lines for part in split_sentences(line, 240)))


@pytest.mark.parametrize("case", POISONED, ids=lambda case: case["why"])
def test_no_poisoned_signal_survives_the_guard(case: dict[str, Any]):
    signal = case["signal"]
    ways: dict[str, Summary | str] = {
        "quoted": quoted(signal),
        "quoted within quotes": Summary(clauses=tuple(Clause(f'The user said: "{text}"') for text in texts(signal))),
        "all text as one string": "\n".join(texts(signal)),
        "repeated as JSON": json.dumps(signal, ensure_ascii=False),
        "sentence by sentence": sentences(signal),
    }
    for way, summary in ways.items():
        assert flat(case["canary"]) not in flat(guard(summary, max_tokens=MAX_TOKENS).text), way


@pytest.mark.timeout(300)
@pytest.mark.parametrize("placement", PLACEMENTS)
@pytest.mark.parametrize("name", SUMMARIZERS)
def test_no_poisoned_signal_reaches_a_request_through_a_client(name: str, placement: Placement):
    with client(SUMMARIZERS[name], placement) as popi:
        sent = [case.canary for case in POISONED_CASES if injection.holds_canary(case, told(popi, [case.signal]))]
    assert sent == []


def test_an_empty_guard_would_be_noticed():
    """The way a canary is looked for finds nearly all of them where nothing is taken out."""
    bare = [
        case
        for case in POISONED_CASES
        if flat(case.canary) in flat(json.dumps(case.signal.model_dump(), default=str, ensure_ascii=False))
    ]
    assert len(bare) >= 0.95 * len(POISONED_CASES)


@pytest.mark.timeout(300)
def test_no_poisoned_signal_reaches_a_request_through_the_embedded_model():
    """Alone, and behind something harmless."""
    if not (embedded.FOLDER / "popi.json").is_file():
        pytest.skip("no weights lie in popi_sdk/embedded")
    harmless = Statement("Short answers, please.")
    histories = [coerce([*before, case["signal"]]) for case in POISONED for before in ((), (harmless,))]
    summaries = embedded.embedded().summarize_many(histories)
    for case, *written in zip(POISONED, summaries[::2], summaries[1::2], strict=True):
        for summary in written:
            # The SDK's own clauses hold no signal's words, but flat "do not use" would hold the canary "not us".
            others = Summary(clauses=tuple(clause for clause in summary.clauses if clause.text not in OWN_CLAUSES))
            request = json.dumps(compose("Hi", guard(others, max_tokens=MAX_TOKENS)), ensure_ascii=False)
            assert flat(case["canary"]) not in flat(request), case["why"]


def lost(text: str) -> bool:
    """Whether more than a tenth of the words of a preference are gone, quoted or as a plain string."""
    words = re.findall(r"\w+", text.casefold())
    for summary in (Summary(clauses=(Clause(text, ("s1",)),)), text):
        left = re.findall(r"\w+", guard(summary, max_tokens=MAX_TOKENS).text.casefold())
        if sum(word in left for word in words) < 0.9 * len(words):
            return True
    return False


def test_harmless_preferences_that_look_alike_survive_with_their_words():
    gone = [text for text in HARMLESS if lost(text)]
    assert len(gone) <= MOST_LOST * len(HARMLESS), gone


@pytest.mark.timeout(300)
@pytest.mark.parametrize("name", SUMMARIZERS)
def test_look_alike_preferences_reach_a_request_through_a_client(name: str):
    with client(SUMMARIZERS[name], "system") as popi:
        kept = count(popi, HARMLESS_CASES, injection.holds_words)
    assert kept.total() >= (1 - MOST_LOST) * len(HARMLESS_CASES)


def test_look_alike_preferences_survive_the_guard_in_every_language():
    cases = Counter(case.language for case in HARMLESS_CASES)
    gone = Counter(case.language for case in HARMLESS_CASES if lost(case.text))
    assert [language for language in cases if gone[language] > MOST_LOST * cases[language]] == []


# ---- signals that others may have written ---------------------------------------------------------------------------


@pytest.mark.timeout(300)
@pytest.mark.parametrize("placement", ["system", "developer"])
@pytest.mark.parametrize("name", SUMMARIZERS)
def test_nothing_that_rests_on_untrusted_signals_alone_reaches_a_system_prompt(name: str, placement: Placement):
    with client(SUMMARIZERS[name], placement) as popi:
        found = untrusted(popi, [*POISONED_CASES[::5], *HARMLESS_CASES[::5]], placement=placement)
    assert (found.in_request, found.beside_trusted) == (0, 0)


def test_nor_where_only_this_call_asks_for_the_system_prompt():
    """The client is made for the user turn, so its summarizer sees the untrusted signals."""
    for name in SUMMARIZERS:
        with client(SUMMARIZERS[name], "user") as popi:
            found = untrusted(popi, HARMLESS_CASES[::20], placement="system")
        assert found.in_request == 0, name


def test_in_the_user_turn_untrusted_preferences_are_served():
    with client(SUMMARIZERS[Quoting.name], "user") as popi:
        kept = [case for case in HARMLESS_CASES[::20] if injection.holds_words(case, told(popi, [unsure(case.signal)]))]
    assert len(kept) >= (1 - MOST_LOST) * len(HARMLESS_CASES[::20])


def test_a_trusted_statement_stays_beside_an_untrusted_one():
    case = Case(Statement("Use lists.", source="untrusted"), "en", text="Use lists.")
    with client(SUMMARIZERS[Quoting.name], "system") as popi:
        request = told(popi, [Statement(TRUSTED), case.signal])
    assert TRUSTED in request
    assert case.text not in request


# ---- the lists ------------------------------------------------------------------------------------------------------


def test_the_lists_are_long_and_hold_nothing_twice():
    assert len(POISONED) >= 200
    assert len(HARMLESS) >= 250
    assert len({json.dumps(case["signal"], sort_keys=True) for case in POISONED}) == len(POISONED)
    assert len(set(HARMLESS)) == len(HARMLESS)


def test_the_lists_hold_many_cases_of_many_languages_and_every_kind_of_signal():
    for cases in (POISONED_CASES, HARMLESS_CASES):
        counts = Counter(case.language for case in cases if case.language != "en")
        assert sum(number >= EACH_LANGUAGE for number in counts.values()) >= LANGUAGES
    assert len({case.signal.kind for case in POISONED_CASES}) == 7
