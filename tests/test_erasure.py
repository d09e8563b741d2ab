"""Forgetting, through the public API: afterwards no word of what was forgotten is anywhere, and all else is intact.

Every text field of every signal holds a made-up word of its own, the summarizer quotes all of them, and the search goes
through what the client answers, its objects in memory, the log, and the database as it lies on the disk.
"""

from __future__ import annotations

import asyncio
import logging
import random
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from itertools import chain
from pathlib import Path

import pytest

from popi_sdk import AsyncPopi, Popi, SignalError, Statement
from popi_sdk.testing import FakeBackend
from tests.forgotten import (
    Place,
    Quoting,
    held_by,
    held_by_modules,
    signals_of,
    word,
    words_in,
    words_of,
)
from tests.postgres import PostgresServer, postgres_server  # noqa: F401

USERS = tuple(f"user-{number}" for number in range(60))
ROOM = {"max_summary_tokens": 5_000}
"""So that no clause is left out for its length."""
OUTSIDE = ("sqlalchemy", "popi_sdk.testing")
"""What the search in memory leaves out: the database layer, which has a test of its own, and the fake provider."""


@pytest.fixture(params=["sqlite", "postgresql"])
def place(request, tmp_path: Path) -> Place:
    if request.param == "sqlite":
        (tmp_path / "store").mkdir()
        return Place(f"sqlite:///{tmp_path}/store/popi.db", tmp_path / "store")
    server: PostgresServer = request.getfixturevalue("postgres_server")
    return Place(server.new_database())


def quoting(clients, place: Place, **settings):
    return clients(store=place.url, backend=FakeBackend(), summarizer=Quoting(), **{**ROOM, **settings})


def answered(popi, user: str) -> str:
    """Everything the client says about a user; each part must hold the same words, or none do."""
    said = (popi.profile(user), popi.export(user), popi.history(user), popi.compose("Hi", user_id=user))
    parts = {frozenset(words_in(part)) for part in said}
    assert len(parts) == 1, said
    return repr(said)


def until(popi, done: Callable[[], bool]) -> None:
    """Wait for what goes on behind the calls."""
    give_up_at = time.monotonic() + 20
    while not done():
        assert time.monotonic() < give_up_at
        popi.wait(0.05)


class TestManyUsers:
    """A third of the users is forgotten, of another third one signal each, the rest stays as it was."""

    def test_nothing_forgotten_is_left_anywhere_and_all_else_stays(self, clients, place, caplog) -> None:
        caplog.set_level(logging.DEBUG)
        popi, second = quoting(clients, place), quoting(clients, place)
        elsewhere = popi.scoped("elsewhere")
        users = USERS if clients.kind == "sync" else USERS[:30]
        given = {user: signals_of(user) for user in users}
        for user, signals in given.items():
            for some in (signals[:1], signals[1:]):  # so that there are two versions
                popi.observe(user, some)
                assert words_in(popi.personalize("Hi", user_id=user).summary) >= words_of(some)
        for user in users[::5]:
            second.personalize("Hi", [f"I also like {word(user, 'given')}."], user_id=user)
        for user in USERS[:6]:
            elsewhere.observe(user, signals_of("elsewhere", user))
            elsewhere.profile(user)
        there = place.words()
        assert there == words_of(chain(*given.values())) | words_of(
            chain(*(signals_of("elsewhere", user) for user in USERS[:6]))
        )

        forgotten = self._forget_some(popi, given)
        assert len(forgotten) > 200
        assert place.words() & forgotten == set()
        kept = {user: words_of(signals) for user, signals in given.items()}
        for client, some in ((popi, users), (second, users[::4])):
            for user in some:
                assert words_in(answered(client, user)) == kept[user], user
            memory = held_by(client, but=OUTSIDE)
            assert not memory.keys() & forgotten, memory
        assert place.words() == there - forgotten
        for user in USERS[:6]:
            assert words_in(elsewhere.profile(user).summary) == words_of(signals_of("elsewhere", user))
        assert [record.getMessage() for record in caplog.records if words_in(vars(record))] == []

    @staticmethod
    def _forget_some(popi, given) -> set[str]:
        """Forget, take what was forgotten out of `given`, and return its words."""
        forgotten = set()
        for number, user in enumerate(given):
            if number % 3 == 0:
                assert popi.forget(user) == 7
                forgotten |= words_of(given[user])
                given[user] = []
            elif number % 3 == 1:
                gone = given[user].pop(number // 3 % 7)
                assert popi.forget(user, gone.id) == 1
                forgotten |= words_of([gone])
        return forgotten


class TestMemory:
    def test_the_database_layer_holds_no_statement_with_forgotten_words(self, clients, place) -> None:
        popi = quoting(clients, place)
        for user in USERS[:3]:
            for some in (signals_of(user)[:3], signals_of(user)[3:], [Statement("Be brief.")]):
                popi.observe(user, some)
                popi.profile(user)
            popi.edit(user, f"I like {word(user, 'own')}.")
            popi.forget(user)
        assert held_by(popi, but=OUTSIDE[1:]) == {}

    def test_no_cache_of_a_module_holds_forgotten_words(self) -> None:
        with Popi(store="memory", backend=FakeBackend(), summarizer=Quoting(), **ROOM) as popi:
            popi.observe("ada", signals_of("in a module"))
            assert words_in(popi.personalize("Hi", user_id="ada").summary)
            popi.forget("ada")
        ours = words_of(signals_of("in a module"))
        assert not {each: way for each, way in held_by_modules("popi_sdk").items() if each in ours}

    def test_what_other_clients_were_given_beside_stored_signals_is_not_served_or_held_after_forgetting(
        self, clients, place
    ) -> None:
        popi = quoting(clients, place)
        others = (popi.scoped("default"), quoting(clients, place))
        popi.observe("ada", signals_of("ada"))
        for other in others:
            assert words_in(other.personalize("Hi", ["Be brief."], user_id="ada").summary) == words_of(
                signals_of("ada")
            )
        popi.forget("ada")
        for other in others:
            assert not words_in(other.personalize("Hi", ["Be brief."], user_id="ada").summary)
            assert held_by(other, but=OUTSIDE) == {}


class Slow(Quoting):
    """Waits in the middle of its work until it is told to go on."""

    name = "slow"

    def __init__(self) -> None:
        self.begun, self.go_on = threading.Event(), threading.Event()

    def summarize(self, signals, previous=None):
        self.begun.set()
        assert self.go_on.wait(20)
        return super().summarize(signals, previous)


class TestMeanwhile:
    """Something is under way with the signal at the moment it is forgotten."""

    @pytest.mark.parametrize("signal_id", [True, False], ids=["one signal", "the user"])
    @pytest.mark.parametrize("refresh", ["inline", "background"])
    def test_a_summary_that_was_being_inferred_is_not_saved_or_served(self, place, refresh, signal_id) -> None:
        summarizer, secret = Slow(), Statement(f"I like {word('secret')}.")
        with (
            Popi(store=place.url, backend=FakeBackend(), summarizer=summarizer, refresh=refresh) as popi,
            ThreadPoolExecutor(1) as pool,
        ):
            popi.observe("ada", secret, "Be brief.")
            call = pool.submit(popi.profile, "ada")
            assert summarizer.begun.wait(20)
            assert popi.forget("ada", secret.id if signal_id else None)
            summarizer.go_on.set()
            assert not words_in(call.result())
            popi._inference.background.close()
            assert not words_in(answered(popi, "ada"))
            assert held_by(popi, but=OUTSIDE) == {}
        assert place.words() == set()

    async def test_nor_by_the_asynchronous_client(self, place) -> None:
        begun, go_on = asyncio.Event(), asyncio.Event()

        class Waiting(Quoting):
            async def summarize(self, signals, previous=None):
                begun.set()
                await go_on.wait()
                return super().summarize(signals, previous)

        async with AsyncPopi(store=place.url, backend=FakeBackend(), summarizer=Waiting()) as popi:
            await popi.observe("ada", signals_of("ada"))
            call = asyncio.create_task(popi.profile("ada"))
            await begun.wait()
            assert await popi.forget("ada", signals_of("ada")[0].id) == 1
            go_on.set()
            left = words_of(signals_of("ada")[1:])
            assert words_in((await call).summary) <= left
            assert words_in((await popi.profile("ada")).summary) <= left
            assert not held_by(popi, but=OUTSIDE).keys() - left
        assert place.words() == left

    def test_a_summary_of_signals_given_directly_does_not_stay_when_one_of_them_is_forgotten_meanwhile(self) -> None:
        summarizer, secret = Slow(), Statement(f"I like {word('secret')}.")
        with Popi(store="memory", backend=FakeBackend(), summarizer=summarizer) as popi, ThreadPoolExecutor(1) as pool:
            popi.observe("ada", secret)
            call = pool.submit(popi.personalize, "Hi", [secret])
            assert summarizer.begun.wait(20)
            popi.forget("ada", secret.id)
            summarizer.go_on.set()
            call.result()
            del call
            assert held_by(popi, but=OUTSIDE) == {}

    def test_a_refresh_that_waits_finds_nothing_of_it(self, clients, place) -> None:
        popi = quoting(clients, place, refresh="background", debounce=0.2)
        given = {user: signals_of(user) for user in USERS[:9]}
        for user, signals in given.items():
            popi.observe(user, signals)
        for user in USERS[:9:2]:
            popi.forget(user, given[user].pop(0).id)
        popi.forget(USERS[1])
        given[USERS[1]] = []
        for user, signals in given.items():
            until(popi, lambda user=user: not popi.profile(user).stale)
            assert words_in(popi.profile(user).summary) == words_of(signals)
        assert place.words() == words_of(chain(*given.values()))

    def test_a_failing_summarizer_logs_no_word_of_it(self, clients, caplog) -> None:
        caplog.set_level(logging.DEBUG)

        class Failing:
            def summarize(self, signals, previous=None):
                raise ValueError(f"cannot read {signals}")

        for refresh in ("inline", "background"):
            popi = clients(backend=FakeBackend(), summarizer=Failing(), refresh=refresh)
            popi.observe("ada", signals_of("ada"))
            popi.personalize("Hi", user_id="ada")
            until(popi, lambda refresh=refresh: refresh == "inline" or "could not be refreshed" in caplog.text)
            popi.forget("ada")
        assert "could not be refreshed" in caplog.text
        assert [record.getMessage() for record in caplog.records if words_in(vars(record))] == []


_FORGETTING = """
import sys
from popi_sdk import Popi
from tests.test_erasure import gone_of
popi = Popi(store=sys.argv[1])
for user in sys.argv[2:]:
    popi.forget(user, gone_of(user)[1])
    print(user, flush=True)
    sys.stdin.readline() if user == sys.argv[-1] else None
"""


def gone_of(user: str) -> tuple[set[str], str | None]:
    """What is forgotten of a user in the test of kills, everything or the first signal: its words, and the id."""
    signals = signals_of(user)
    return (words_of(signals), None) if int(user[5:]) % 2 else (words_of(signals[:1]), signals[0].id)


def killed_while_forgetting(url: str, users: list[str], count: int) -> list[str]:
    """Kill a process (-9) once it has acknowledged `count` of these users; all that it acknowledged."""
    command = [sys.executable, "-c", _FORGETTING, url, *users]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        acknowledged = [process.stdout.readline().strip() for _ in range(count)]
        process.kill()
        return acknowledged + process.stdout.read().split()


def test_every_acknowledged_forget_holds_after_a_kill(place) -> None:
    users = USERS[:30]
    with Popi(store=place.url, backend=FakeBackend(), summarizer=Quoting(), **ROOM) as popi:
        for user in users:
            popi.observe(user, signals_of(user))
            popi.profile(user)
        left, there = list(users), place.words()
        for count in (3, 8):
            acknowledged = killed_while_forgetting(place.url, left, count)
            assert count <= len(acknowledged) < len(left), "it was killed in the middle"
            left = left[len(acknowledged) :]
            there -= set().union(*(gone_of(user)[0] for user in acknowledged))
            begun = left.pop(0)  # its forget may have been under way: all of it took place, or nothing
            before = words_of(signals_of(begun))
            assert words_in(answered(popi, begun)) in (before, before - gone_of(begun)[0])
            assert place.words() in (there, there - gone_of(begun)[0])
            popi.forget(begun, gone_of(begun)[1])
            there -= gone_of(begun)[0]
            assert place.words() == there, "forgetting again finishes what the kill left undone"
        for user in users:
            kept = words_of(signals_of(user)) - (set() if user in left else gone_of(user)[0])
            assert words_in(answered(popi, user)) == kept


def test_forgetting_holds_while_others_observe_and_ask_for_the_same_user(place) -> None:
    """Six threads and two clients; what is forgotten is never observed again."""
    users = USERS[:4]
    doomed = {user: [Statement(f"I like {word(user, number)}.") for number in range(12)] for user in users}
    with (
        Popi(store=place.url, backend=FakeBackend(), summarizer=Quoting(), **ROOM) as popi,
        Popi(store=place.url, backend=FakeBackend(), summarizer=Quoting(), **ROOM) as second,
        ThreadPoolExecutor(6) as pool,
    ):
        for user, signals in doomed.items():
            popi.observe(user, signals)
        stop = threading.Event()

        def observe() -> int:
            number = 0
            while not stop.is_set():
                for user in users:
                    popi.observe(user, f"Others stay, number {number}.")
                number += 1
            return number

        def ask(client: Popi) -> None:
            while not stop.is_set():
                for user in users:
                    client.personalize("Hi", user_id=user)
                    client.history(user)

        working = [pool.submit(observe), pool.submit(ask, popi), pool.submit(ask, second)]
        forgetting = [
            pool.submit(lambda user=user: [popi.forget(user, one.id) for one in doomed[user][:-1]])
            for user in users[:3]
        ]
        assert [each.result(30) for each in forgetting] == [[1] * 11] * 3
        stop.set()
        assert working[0].result(30) > 0
        for each in working[1:]:
            each.result(30)
        popi.forget(users[3])
        expected = {user: words_of(doomed[user][-1:]) for user in users[:3]} | {users[3]: set()}
        for client in (popi, second):
            for user in users:
                assert words_in(answered(client, user)) == expected[user]
            assert held_by(client, but=OUTSIDE).keys() <= set().union(*expected.values())
        assert place.words() == set().union(*expected.values())


_ANOTHER_PROCESS = """
import sys
from popi_sdk import Popi
from popi_sdk.testing import FakeBackend
from tests.forgotten import Quoting, held_by, words_in
from tests.test_erasure import OUTSIDE, answered
with Popi(store=sys.argv[1], backend=FakeBackend(), summarizer=Quoting(), max_summary_tokens=5_000) as popi:
    for line in sys.stdin:
        said = words_in([answered(popi, user) for user in line.split()])
        given = words_in([popi.personalize("Hi", ["Be brief."], user_id=user).summary for user in line.split()])
        print(*said, *given, *held_by(popi, but=OUTSIDE), flush=True)
"""


def test_another_process_with_the_store_open_serves_nothing_forgotten(place) -> None:
    users = USERS[:6]
    command = [sys.executable, "-c", _ANOTHER_PROCESS, place.url]
    with (
        Popi(store=place.url, backend=FakeBackend(), summarizer=Quoting(), **ROOM) as popi,
        subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as other,
    ):
        assert other.stdin is not None
        assert other.stdout is not None

        def says() -> set[str]:
            other.stdin.write(" ".join(users) + "\n")
            other.stdin.flush()
            return words_in(other.stdout.readline())

        kept = set()
        for user in users:
            popi.observe(user, signals_of(user))
            kept |= words_of(signals_of(user))
        assert says() == kept
        for number, user in enumerate(users):
            gone = None if number % 2 else signals_of(user)[number]
            popi.forget(user, gone and gone.id)
            kept -= words_of([gone] if gone else signals_of(user))
            assert place.words() == kept
        assert says() == kept
        other.stdin.close()
        assert other.wait(30) == 0


class TestTraining:
    """What may be trained on, as `popi-train prepare` writes it."""

    def test_only_what_allows_it_leaves_the_store_and_what_is_forgotten_leaves_the_next_files(
        self, place, tmp_path, capfd
    ) -> None:
        popi = Popi(store=place.url)
        allowed = {user: self._observed(popi, user, allow_training=True) for user in USERS}
        refused = {user: self._observed(popi, user, allow_training=False) for user in USERS}
        popi.scoped("elsewhere").observe("ada", signals_of("elsewhere", allow_training=True))
        prepared = self._prepared(place, tmp_path)
        assert not prepared & set().union(*map(words_of, refused.values())), "in no file"
        assert prepared == set().union(*map(words_of, allowed.values())), "and all that may be trained on is there"
        for number, user in enumerate(USERS[1::2]):
            gone = None if number % 2 else allowed[user][number % len(allowed[user])]
            popi.forget(user, gone and gone.id)
            allowed[user] = [one for one in allowed[user] if gone and one is not gone]
        assert self._prepared(place, tmp_path) == set().union(*map(words_of, allowed.values()))
        assert words_in("".join(capfd.readouterr())) == set(), "nothing is printed"
        popi.close()

    def test_when_all_are_forgotten_the_files_of_an_earlier_run_do_not_stay(self, tmp_path) -> None:
        place = Place(f"sqlite:///{tmp_path}/popi.db")
        with Popi(store=place.url) as popi:
            for user in USERS[:9]:
                self._observed(popi, user, allow_training=True)
            assert self._prepared(place, tmp_path)
            for user in USERS[:9]:
                popi.forget(user)
        with pytest.raises(SignalError):
            self._prepared(place, tmp_path)
        assert Place("", tmp_path / "data").words() == set()

    @staticmethod
    def _observed(popi, user: str, *, allow_training: bool) -> list:
        """One signal of each kind and three pairs more, so that one may be forgotten and others are still held out."""
        some = [signals_of(user, allow_training, number, allow_training=allow_training) for number in range(4)]
        signals = [*some[0], *(others[0] for others in some[1:])]
        popi.observe(user, signals)
        return signals

    @staticmethod
    def _prepared(place: Place, tmp_path: Path) -> set[str]:
        from trainer.datasets.prepare import prepare
        from trainer.datasets.recipes import recipe

        prepare(recipe(place.url), tmp_path / "data")
        return Place("", tmp_path / "data").words()


class TestLongLives:
    """SQLite overwrites what is deleted, but rows also move between pages when their neighbours come and go."""

    def test_rows_that_have_moved_leave_no_copy_behind(self, tmp_path) -> None:
        for seed in (3, 10):  # a few hundred steps do it in about one life of ten
            folder = tmp_path / str(seed)
            folder.mkdir()
            self._live(Place(f"sqlite:///{folder}/popi.db", folder), random.Random(f"lives {seed}"))

    @staticmethod
    def _live(place: Place, draw: random.Random, steps: int = 240) -> None:
        """Observe and forget in changing order, and look for what was forgotten after each step."""
        known: dict[str, list[str]] = {}
        forgotten: set[str] = set()
        with Popi(store=place.url) as popi:
            for step in range(steps):
                user = f"user-{draw.randrange(40)}"
                if draw.random() < 0.7 or not known:
                    own = [word(step, number) for number in range(draw.choice((1, 1, 3)))]
                    popi.observe(user, [Statement(f"{each} " * draw.choice((1, 5, 20, 60)), id=each) for each in own])
                    known.setdefault(user, []).extend(own)
                    continue
                user = draw.choice(sorted(known))
                if draw.random() < 0.3:
                    popi.forget(user)
                    forgotten |= set(known.pop(user))
                else:
                    gone = known[user].pop(draw.randrange(len(known[user])))
                    popi.forget(user, gone)
                    forgotten.add(gone)
                    if not known[user]:
                        del known[user]
                assert not place.words() & forgotten, step
