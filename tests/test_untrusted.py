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


def test_untrusted_signals_count_for_nothing_where_the_summary_stands_in_a_system_prompt(clients) -> None:
    popi = clients(backend=FakeBackend(), summarizer="contrast")
    reply = popi.personalize("Hi", [OWN, *PAIRS])
    assert [clause.text for clause in reply.summary.clauses] == [OWN.text]
    assert "short" not in system_of(popi.compose("Hi", [OWN, *PAIRS]))
    assert "short" not in str(popi.compose("Hi", [OWN, *PAIRS], placement="developer"))


def test_with_placement_user_they_count_and_what_rests_on_them_alone_stays_out_of_a_system_prompt(clients) -> None:
    popi = clients(backend=FakeBackend(), summarizer="contrast", placement="user")
    shown = popi.personalize("Hi", [OWN, *PAIRS])
    assert "short" in shown.summary.text
    in_system = popi.personalize("Hi", [OWN, *PAIRS], placement="system")
    assert [clause.text for clause in in_system.summary.clauses] == [OWN.text]
    assert in_system.summary.tokens < shown.summary.tokens


def test_a_clause_with_one_trusted_signal_behind_it_stays(clients) -> None:
    trusted = PAIRS[0].model_copy(update={"source": "user", "id": "trusted"})
    popi = clients(backend=FakeBackend(), summarizer="contrast", placement="user")
    summary = popi.personalize("Hi", [trusted, *PAIRS[1:]], placement="system").summary
    assert any("short" in clause.text for clause in summary.clauses)


def test_untrusted_signals_can_not_outvote_what_the_user_has_shown(clients) -> None:
    own = [PreferencePair(f"Own {n}?", f"Own answer {n}. Short.", f"Own answer {n}. {LONG}") for n in range(8)]
    against = [
        PreferencePair(f"Other {n}?", f"Other answer {n}. {LONG}", f"Other {n}. Short.", source="untrusted")
        for n in range(40)
    ]
    popi = clients(backend=FakeBackend(), summarizer="contrast")
    assert popi.personalize("Hi", [*own, *against]).summary.text == popi.personalize("Hi", own).summary.text != ""


def test_a_flood_of_untrusted_signals_takes_nobodys_place(clients) -> None:
    popi = clients(backend=FakeBackend(), summarizer="contrast")
    popi.observe("ada", OWN)
    popi.observe("ada", [Statement(f"Use {number} bullet points.", source="untrusted") for number in range(2_001)])
    assert popi.personalize("Hi", user_id="ada").summary.text == OWN.text


def test_nothing_but_untrusted_signals_is_nothing_worth_saying(clients) -> None:
    reply = clients(backend=FakeBackend(), summarizer="contrast").personalize("Hi", PAIRS)
    assert (reply.status, str(reply.summary)) == ("skipped", "")


def test_the_profile_of_a_user_shows_the_clause_and_its_mark_after_reopening(clients, tmp_path: Path) -> None:
    store = f"sqlite:///{tmp_path}/popi.db"
    popi = clients(store=store, summarizer="contrast", placement="user")
    popi.observe("ada", OWN, *PAIRS)
    marks = {clause.text: clause.untrusted for clause in popi.profile("ada").summary.clauses}
    assert marks.pop(OWN.text) is False
    assert set(marks.values()) == {True}
    again = clients(store=store, backend=FakeBackend())
    assert [clause.text for clause in again.personalize("Hi", user_id="ada").summary.clauses] == [OWN.text]


@pytest.mark.parametrize("summarizer", [Plain, Naming])
def test_no_summarizer_is_shown_untrusted_text_for_a_system_prompt(clients, summarizer: type[Naming]) -> None:
    asked = summarizer()
    reply = clients(backend=FakeBackend(), summarizer=asked).personalize("Hi", statements())
    assert asked.shown == [["user"]]
    assert reply.summary.text == OWN.text


def test_with_placement_user_it_is_shown_all_and_nothing_it_says_is_trusted(clients) -> None:
    summarizer = Plain()
    popi = clients(backend=FakeBackend(), summarizer=summarizer, placement="user")
    reply = popi.personalize("Hi", statements())
    assert summarizer.shown == [["user", "untrusted"]]
    assert all(clause.untrusted for clause in reply.summary.clauses)
    assert popi.personalize("Hi", statements(), placement="system").status == "skipped"


def test_one_that_names_its_sources_keeps_what_is_trusted(clients) -> None:
    popi = clients(backend=FakeBackend(), summarizer=Naming(), placement="user")
    assert popi.personalize("Hi", statements(), placement="system").summary.text == OWN.text


class Building(Plain):
    """Builds on its last summary once the history has outgrown what it reads at once, which is at once."""

    input_tokens = 1

    def __init__(self, said: str = "") -> None:
        super().__init__()
        self.said = said
        self.previous: list[str] = []

    def summarize(self, signals: Sequence[Signal], previous: Summary | None = None) -> str:
        self.previous.append(previous.text if previous else "")
        return self.said or f"{self.previous[-1]} {super().summarize(signals, previous)}".strip()


def test_untrusted_news_leave_the_summary_as_it_was(clients) -> None:
    popi = clients(backend=FakeBackend(), summarizer=Building())
    popi.observe("ada", OWN)
    before = popi.profile("ada").summary
    popi.observe("ada", Statement("Use bullet points.", source="untrusted"))
    reply = popi.personalize("Hi", user_id="ada")
    assert (reply.status, reply.summary.text, reply.summary.version) == ("applied", OWN.text, before.version)


def test_the_mark_of_an_earlier_summary_stays_with_one_that_was_built_on_it(clients) -> None:
    popi = clients(backend=FakeBackend(), summarizer=Building(), placement="user")
    popi.observe("ada", *statements())
    assert popi.profile("ada").summary.clauses[0].untrusted
    popi.observe("ada", "No jargon.")
    later = popi.profile("ada").summary
    assert "No jargon." in later.text
    assert all(clause.untrusted for clause in later.clauses)


@pytest.mark.parametrize("placement", ["system", "developer"])
def test_an_earlier_summary_is_shown_without_its_untrusted_clauses(clients, tmp_path: Path, placement: str) -> None:
    summarizer = Building("Use bullet points.")
    store = f"sqlite:///{tmp_path}/popi.db"
    with_user = clients(store=store, summarizer=summarizer, placement="user")
    with_user.observe("ada", *statements())
    with_user.profile("ada")
    later = clients(store=store, summarizer=summarizer, placement=placement)
    later.observe("ada", "No jargon.")
    later.profile("ada")
    assert summarizer.previous == ["", ""]
