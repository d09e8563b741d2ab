"""Poisoned signals never reach a system prompt; harmless preferences that look alike do.

Both lists are JSON lines and easy to extend: `poisoned.jsonl` holds {"signal", "canary", "why"}, where the canary must
not appear in what is sent; `harmless.jsonl` holds {"text"}.
"""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from popi_sdk.composer import compose
from popi_sdk.guard import guard
from popi_sdk.guard.text import split_lines, split_sentences
from popi_sdk.intake import coerce
from popi_sdk.signals import Statement
from popi_sdk.summarizers import embedded
from popi_sdk.summarizers.contrast import Contrast
from popi_sdk.summarizers.wording import MORE_LESS
from popi_sdk.summary import Clause, Summary

HERE = Path(__file__).parent
POISONED = [json.loads(line) for line in (HERE / "poisoned.jsonl").read_text("utf-8").splitlines()]
HARMLESS = [json.loads(line)["text"] for line in (HERE / "harmless.jsonl").read_text("utf-8").splitlines()]
MOST_LOST = 0.05
MAX_TOKENS = 300
OWN_CLAUSES = {text.format(size="") for both in MORE_LESS.values() for text in both}


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


def flat(text: str) -> str:
    """Text as a careless reader takes it: without case, spaces and unseen characters."""
    return re.sub(r"[\s\u200b-\u200f\u2060\ufeff]", "", unicodedata.normalize("NFKC", text)).casefold()


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


@pytest.mark.parametrize("case", POISONED, ids=lambda case: case["why"])
def test_no_poisoned_signal_reaches_the_composed_request(case: dict[str, Any]):
    signals = coerce([case["signal"]])
    repeated = "\n".join(texts(case["signal"]))
    for written in (Contrast().summarize(signals), repeated):
        request = json.dumps(compose("Hi", guard(written, max_tokens=MAX_TOKENS)), ensure_ascii=False)
        assert flat(case["canary"]) not in flat(request)


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


def test_the_lists_are_long_and_hold_nothing_twice():
    assert len(POISONED) >= 160
    assert len(HARMLESS) >= 250
    assert len({json.dumps(case["signal"], sort_keys=True) for case in POISONED}) == len(POISONED)
    assert len(set(HARMLESS)) == len(HARMLESS)
