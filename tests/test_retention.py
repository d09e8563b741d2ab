"""`retention`: what is older goes, with every summary that rested on it, as thoroughly as what is forgotten."""

from __future__ import annotations

import json
import os
import sqlite3
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing
from datetime import UTC, datetime, timedelta
from itertools import chain
from pathlib import Path

import pytest

from popi_sdk import ConfigError, Popi, Rating, Statement
from popi_sdk.store import Profile
from popi_sdk.testing import FakeBackend
from tests.forgotten import Place, Quoting, held_by, signals_of, word, words_in, words_of
from tests.postgres import PostgresServer, postgres_server  # noqa: F401

USERS = tuple(f"user-{number}" for number in range(24))
DAYS = 30
ROOM = {"max_summary_tokens": 5_000}


@pytest.fixture(params=["sqlite", "postgresql"])
def place(request, tmp_path: Path) -> Place:
    if request.param == "sqlite":
        (tmp_path / "store").mkdir()
        return Place(f"sqlite:///{tmp_path}/store/popi.db", tmp_path / "store")
    server: PostgresServer = request.getfixturevalue("postgres_server")
    return Place(server.new_database())


def ago(days: float) -> datetime:
    return datetime.now(UTC) - timedelta(days=days)


def quoting(clients, place: Place, **settings):
    return clients(store=place.url, backend=FakeBackend(), summarizer=Quoting(), **{**ROOM, **settings})


def old(user: str, days: float = 2 * DAYS) -> list:
    return signals_of(user, "old", at=ago(days))


def new(user: str) -> list:
    return signals_of(user, "new")


def observe_old_and_new(popi, users) -> None:
    for user in users:
        popi.observe(user, old(user))
        popi.profile(user)
        popi.observe(user, new(user))
        assert words_in(popi.profile(user).summary) == words_of([*old(user), *new(user)])
        assert len(popi.history(user)) == 2


TOUCHES = {
    "observe": lambda popi, user: popi.observe(user, "Be brief."),
    "personalize": lambda popi, user: popi.personalize("Hi", user_id=user),
    "profile": lambda popi, user: popi.profile(user),
    "personal": lambda popi, user: popi.personal(user),
    "history": lambda popi, user: popi.history(user),
    "export": lambda popi, user: popi.export(user),
}


class TestWhatGoes:
    def test_it_goes_when_its_user_is_next_touched_and_idle_users_wait_for_expire(self, clients, place) -> None:
        keeping, popi = quoting(clients, place), quoting(clients, place, retention=DAYS)
        observe_old_and_new(keeping, USERS)
        keeping.scoped("elsewhere").observe("ada", signals_of("elsewhere", at=ago(2 * DAYS)))
        there = place.words()
        for number, user in enumerate(USERS[:12]):
            touch = list(TOUCHES)[number % len(TOUCHES)]
            said = TOUCHES[touch](popi, user)
            assert not words_in(said) & words_of(old(user)), touch
            there -= words_of(old(user))
            assert place.words() == there, touch
            assert words_in(popi.profile(user).summary) == words_of(new(user)), "inferred anew from what is left"
            assert popi.history(user)[-1].version > 2
        assert keeping.profile(USERS[12]).signal_count == 14
        assert popi.expire() == 12 * 7
        assert popi.expire() == 0
        there -= set().union(*(words_of(old(user)) for user in USERS))
        assert place.words() == there
        for client in (keeping, popi):
            for user in USERS:
                assert words_in([client.history(user), client.export(user)]) <= words_of(new(user))
                assert words_in(client.profile(user).summary) == words_of(new(user))
            assert not held_by(client, but=("sqlalchemy", "popi_sdk.testing")).keys() - there
        assert words_in(keeping.scoped("elsewhere").export("ada")) == words_of(signals_of("elsewhere"))

    def test_a_version_that_rests_on_newer_signals_alone_stays_and_is_served(self, clients, place) -> None:
        popi = quoting(clients, place)
        popi.observe("ada", new("ada"))
        first = popi.profile("ada").summary
        popi.observe("ada", old("ada"))
        popi.profile("ada")
        later = quoting(clients, place, retention=DAYS, refresh="manual")
        assert later.profile("ada").summary.text == first.text
        assert [summary.version for summary in later.history("ada")] == [1]

    def test_a_user_of_whom_nothing_is_left_is_unknown(self, clients, place) -> None:
        quoting(clients, place).observe("ada", old("ada"))
        popi = quoting(clients, place, retention=DAYS)
        assert popi.profile("ada") == Profile("default", "ada")
        assert popi.personalize("Hi", user_id="ada").status == "skipped"
        popi.observe("ada", new("ada"))
        assert words_in(popi.profile("ada").summary) == words_of(new("ada"))

    def test_what_was_shown_without_a_time_counts_from_when_it_was_observed(self, clients, place) -> None:
        quoting(clients, place).observe("ada", Statement(f"I like {word('early')}."), Statement("Be brief."))
        popi = quoting(clients, place, retention=DAYS)
        assert popi.profile("ada").signal_count == 2
        observed_earlier(place, DAYS - 0.001)
        assert popi.profile("ada").signal_count == 2
        observed_earlier(place, 0.002)
        assert popi.profile("ada").signal_count == 0
        assert place.words() == set()

    def test_said_again_it_is_as_new(self, clients, place) -> None:
        popi = quoting(clients, place)
        popi.observe("ada", old("ada"))
        popi.observe("ada", signals_of("ada", "old")[:2])
        assert quoting(clients, place, retention=DAYS).profile("ada").signal_count == 2

    def test_the_limit_is_exact(self, place) -> None:
        seconds = 86.4  # a thousandth of a day, the least that can be set
        popi = Popi(store=place.url, backend=FakeBackend(), summarizer=Quoting(), retention=0.001)
        popi.observe("ada", Rating("Hi", "Hello", 1, at=datetime.now(UTC) - timedelta(seconds=seconds + 0.2)))
        popi.observe(
            "ada", Statement(f"I like {word('almost')}.", at=datetime.now(UTC) - timedelta(seconds=seconds - 2))
        )
        assert [one["kind"] for one in popi.export("ada")["signals"]] == ["statement"]
        assert words_in(popi.profile("ada").summary) == {word("almost")}
        time.sleep(2.1)
        assert popi.personalize("Hi", user_id="ada").status == "skipped"
        assert place.words() == set()
        popi.close()


class TestWhatStays:
    def test_a_persons_own_words_stay_whatever_their_signals_do(self, clients, place) -> None:
        popi = quoting(clients, place)
        popi.observe("ada", old("ada"))
        popi.profile("ada")
        popi.edit("ada", f"I like {word('own')}.")
        later = quoting(clients, place, retention=DAYS)
        assert later.profile("ada").summary.text == f"I like {word('own')}."
        assert later.profile("ada").signal_count == 0
        assert place.words() == {word("own")}
        assert not later.edit("ada", None), "and no older summary comes back when they are let go of"

    def test_without_the_setting_nothing_goes(self, clients, place) -> None:
        popi = quoting(clients, place)
        popi.observe("ada", *signals_of("ada", at=ago(100 * 365)))
        for touch in TOUCHES.values():
            touch(popi, "ada")
        assert place.words() == words_of(signals_of("ada"))
        with pytest.raises(ConfigError, match="retention"):
            popi.expire()

    @pytest.mark.parametrize("days", [0, -1, "soon", float("inf"), True])
    def test_a_retention_that_is_none_is_refused(self, clients, days) -> None:
        with pytest.raises(ConfigError, match="retention"):
            clients(retention=days)


class TestMeanwhile:
    def test_a_summary_that_was_being_inferred_from_it_is_not_saved(self, place) -> None:
        begun, go_on = threading.Event(), threading.Event()

        class Slow(Quoting):
            def summarize(self, signals, previous=None):
                begun.set()
                assert go_on.wait(20)
                return super().summarize(signals, previous)

        with (
            Popi(store=place.url, backend=FakeBackend(), summarizer=Slow(), **ROOM) as keeping,
            Popi(store=place.url, backend=FakeBackend(), summarizer=Quoting(), retention=DAYS, **ROOM) as popi,
            ThreadPoolExecutor(1) as pool,
        ):
            keeping.observe("ada", old("ada"), new("ada"))
            call = pool.submit(keeping.profile, "ada")
            assert begun.wait(20)
            assert popi.expire() == 7
            go_on.set()
            assert words_in(call.result().summary) <= words_of(new("ada"))
            assert words_in(popi.profile("ada").summary) == words_of(new("ada"))
        assert place.words() == words_of(new("ada"))

    def test_several_processes_expire_the_same_users_once_while_others_ask_and_observe(self, place) -> None:
        with Popi(store=place.url, backend=FakeBackend(), summarizer=Quoting(), **ROOM) as popi, ExitStack() as ended:
            for user in USERS:
                popi.observe(user, old(user), new(user))
            command = [sys.executable, "-m", "popi_sdk", "expire", "--store", place.url, "--json"]
            environment = {**os.environ, "POPI_RETENTION": str(DAYS)}
            processes = [
                ended.enter_context(subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment))
                for _ in range(3)
            ]
            asked = 0
            while any(process.poll() is None for process in processes):
                user = USERS[asked % len(USERS)]
                popi.observe(user, f"Others stay, number {asked}.")
                popi.profile(user)
                asked += 1
                time.sleep(0.01)
            outputs = [json.loads(process.communicate()[0]) for process in processes]
            assert sum(output["erased"] for output in outputs) == 7 * len(USERS)
            assert [output["retention"] for output in outputs] == [DAYS] * 3
            for user in USERS:
                assert words_in([popi.profile(user), popi.history(user), popi.export(user)]) == words_of(new(user))
            kept = set().union(*(words_of(new(user)) for user in USERS))
            assert place.words() == kept


def test_what_has_expired_is_in_no_training_file(tmp_path) -> None:
    from trainer.datasets.prepare import prepare
    from trainer.datasets.recipes import recipe

    url = f"sqlite:///{tmp_path}/popi.db"
    with Popi(store=url, retention=DAYS) as popi:
        for user in USERS:
            for number in range(3):
                popi.observe(user, signals_of(user, number, at=ago(2 * DAYS * (number == 0)), allow_training=True))
        popi.expire()
    prepare(recipe(url), tmp_path / "data")
    recent = [signals_of(user, number) for user in USERS for number in (1, 2)]
    assert Place("", tmp_path / "data").words() == words_of(chain(*recent))


def observed_earlier(place: Place, days: float) -> None:
    """Put the time at which everything was observed back by so many days, around the store."""
    statement = f"UPDATE popi_signals SET observed_at = observed_at - {round(days * 86_400 * 1_000_000)}"
    if place.url.startswith("sqlite"):
        connection = sqlite3.connect(place.url.removeprefix("sqlite:///"))
        connection.execute("PRAGMA secure_delete = ON")
        with connection:
            connection.execute(statement)
        connection.close()
    else:
        import psycopg

        with psycopg.connect(place.url) as server:
            server.execute(statement)


def test_expire_rewrites_the_file_also_where_each_users_signals_have_gone_already(tmp_path: Path) -> None:
    path = tmp_path / "popi.db"
    old = datetime.now(UTC) - timedelta(days=40)
    with Popi(store=f"sqlite:///{path}", summarizer="contrast") as popi:
        popi.observe("ada", [Statement(f"{number} " + "words " * 2_000, at=old) for number in range(50)])
    with Popi(store=f"sqlite:///{path}", summarizer="contrast", retention=30) as popi:
        assert popi.profile("ada").signal_count == 0
        assert free_pages(path) > 0, "on the way of an answer nothing is rewritten"
        assert popi.expire() == 0
        assert free_pages(path) == 0


def free_pages(path: Path) -> int:
    with closing(sqlite3.connect(path)) as connection:
        return int(connection.execute("PRAGMA freelist_count").fetchone()[0])
