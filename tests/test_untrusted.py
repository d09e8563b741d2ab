"""What only untrusted signals say never stands in a system prompt; with `placement="user"`, in the user's turn."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from popi_sdk import Clause, PreferencePair, Signal, Statement, Summary
from popi_sdk.testing import FakeBackend

LONG = "It goes on and on with many further words that nobody asked for. " * 12
PAIRS = [
    PreferencePair(f"Question {number}?", f"Answer {number}. Short.", f"Answer {number}. {LONG}", source="untrusted")
    for number in range(10)
]
OWN = Statement("Cite a source for each claim.")


class Naming:
    """Says back what each statement says, and names it as the source."""

    names_sources = True

    def __init__(self) -> None:
        self.shown: list[list[str]] = []

    def summarize(self, signals: Sequence[Signal], previous: Summary | None = None) -> Summary:
        self.shown.append([signal.source for signal in signals])
        return Summary(clauses=tuple(Clause(signal.text, (signal.id,)) for signal in signals))


class Plain(Naming):
    """The same as a plain text, of which nobody can tell what is behind it."""

    names_sources = False

    def summarize(self, signals: Sequence[Signal], previous: Summary | None = None) -> str:  # type: ignore[override]
        return super().summarize(signals, previous).text


def statements() -> list[Statement]:
    return [OWN, Statement("Use bullet points.", source="untrusted")]


def system_of(messages: list[dict[str, Any]]) -> str:
    return " ".join(str(message["content"]) for message in messages if message["role"] != "user")


def test_a_clause_that_rests_on_untrusted_signals_alone_is_left_out_of_the_system_prompt(clients) -> None:
    popi = clients(backend=FakeBackend(), summarizer="contrast")
    reply = popi.personalize("Hi", [OWN, *PAIRS])
    assert [clause.text for clause in reply.summary.clauses] == [OWN.text]
    assert reply.summary.tokens < popi.personalize("Hi", [OWN, *PAIRS], placement="user").summary.tokens
    assert "short" not in system_of(popi.compose("Hi", [OWN, *PAIRS]))
    assert "short" not in system_of(popi.compose("Hi", [OWN, *PAIRS], placement="developer"))
    assert "short" in str(popi.compose("Hi", [OWN, *PAIRS], placement="user"))


def test_a_clause_with_one_trusted_signal_behind_it_stays(clients) -> None:
    trusted = PAIRS[0].model_copy(update={"source": "user", "id": "trusted"})
    summary = clients(backend=FakeBackend(), summarizer="contrast").personalize("Hi", [trusted, *PAIRS[1:]]).summary
    assert any("short" in clause.text for clause in summary.clauses)


def test_nothing_but_untrusted_signals_is_nothing_worth_saying(clients) -> None:
    reply = clients(backend=FakeBackend(), summarizer="contrast").personalize("Hi", PAIRS)
    assert (reply.status, str(reply.summary)) == ("skipped", "")


def test_the_profile_of_a_user_shows_the_clause_and_its_mark_after_reopening(clients, tmp_path: Path) -> None:
    store = f"sqlite:///{tmp_path}/popi.db"
    clients(store=store, summarizer="contrast").observe("ada", OWN, *PAIRS)
    marks = {clause.text: clause.untrusted for clause in clients(store=store).profile("ada").summary.clauses}
    assert marks.pop(OWN.text) is False
    assert set(marks.values()) == {True}
    again = clients(store=store, backend=FakeBackend())
    assert [clause.text for clause in again.personalize("Hi", user_id="ada").summary.clauses] == [OWN.text]


def test_a_summarizer_that_names_no_sources_is_not_shown_untrusted_text(clients) -> None:
    summarizer = Plain()
    reply = clients(backend=FakeBackend(), summarizer=summarizer).personalize("Hi", statements())
    assert summarizer.shown == [["user"]]
    assert reply.summary.text == OWN.text


def test_with_placement_user_it_is_shown_all_and_nothing_it_says_is_trusted(clients) -> None:
    summarizer = Plain()
    popi = clients(backend=FakeBackend(), summarizer=summarizer, placement="user")
    reply = popi.personalize("Hi", statements())
    assert summarizer.shown == [["user", "untrusted"]]
    assert all(clause.untrusted for clause in reply.summary.clauses)
    assert popi.personalize("Hi", statements(), placement="system").status == "skipped"


def test_one_that_names_its_sources_is_shown_all_and_keeps_what_is_trusted(clients) -> None:
    summarizer = Naming()
    popi = clients(backend=FakeBackend(), summarizer=summarizer)
    assert popi.personalize("Hi", statements()).summary.text == OWN.text
    assert summarizer.shown == [["user", "untrusted"]]


def test_the_mark_of_an_earlier_summary_stays_with_one_that_was_built_on_it(clients) -> None:
    class Building(Plain):
        input_tokens = 1

        def summarize(self, signals: Sequence[Signal], previous: Summary | None = None) -> str:
            return f"{previous.text if previous else ''} {super().summarize(signals, previous)}".strip()

    popi = clients(backend=FakeBackend(), summarizer=Building(), placement="user")
    popi.observe("ada", *statements())
    assert popi.profile("ada").summary.clauses[0].untrusted
    popi.observe("ada", "No jargon.")
    later = popi.profile("ada").summary
    assert "No jargon." in later.text
    assert all(clause.untrusted for clause in later.clauses)


@pytest.mark.parametrize("placement", ["system", "developer"])
def test_an_earlier_summary_is_shown_without_its_untrusted_clauses(clients, tmp_path: Path, placement: str) -> None:
    seen: list[str] = []

    class Building(Plain):
        input_tokens = 1

        def summarize(self, signals: Sequence[Signal], previous: Summary | None = None) -> str:
            seen.append(previous.text if previous else "")
            return "Use bullet points."

    store = f"sqlite:///{tmp_path}/popi.db"
    with_user = clients(store=store, summarizer=Building(), placement="user")
    with_user.observe("ada", *statements())
    with_user.profile("ada")
    later = clients(store=store, summarizer=Building(), placement=placement)
    later.observe("ada", "No jargon.")
    later.profile("ada")
    assert seen == ["", ""]
