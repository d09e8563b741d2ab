"""A server that many users need at once, that is slow, that refuses: what waits, for how long, and what users get."""

from __future__ import annotations

import asyncio
import os
import threading
import time
from collections.abc import Sized
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from popi_sdk import AsyncPopi, Popi
from popi_sdk.backend import LiteLLMBackend
from popi_sdk.errors import SummarizerError
from popi_sdk.signals import Statement
from popi_sdk.summarizers import make_summarizer
from popi_sdk.summarizers.remote import AT_ONCE, ModelSummarizer
from popi_sdk.summarizers.turns import NoTurnError, Turns
from popi_sdk.testing import FakeBackend
from tests.loopback import Connection, LoopbackServer, Reply, hang, ok, status
from tests.test_doctor import closed_port

USERS = 3 * AT_ONCE


class Counting:
    """Answers after a moment with the newest number it is told of, and counts how many it does so for at once."""

    def __init__(self, seconds: float = 0.05) -> None:
        self.most = self.now = 0
        self._seconds = seconds

    async def __call__(self, connection: Connection) -> None:
        self.now += 1
        self.most = max(self.most, self.now)
        await connection.wait(self._seconds)
        self.now -= 1
        prompt = connection.request.body["messages"][-1]["content"]
        number = prompt.rpartition("in exactly ")[2].partition(" words")[0]
        await ok(f"Keep answers at {number} words.")(connection)


def wish(number: int) -> Statement:
    return Statement(f"Answer in exactly {number} words.")


def table(server: LoopbackServer) -> dict[str, str]:
    return {"name": "hosted_vllm/popi", "api_base": f"{server.url}/local/v1"}


def remote(server: LoopbackServer, **settings: Any) -> ModelSummarizer:
    with Popi(store="memory", summarizer=table(server), **settings) as popi:
        summarizer = make_summarizer(popi.config, LiteLLMBackend(), popi.templates)
    assert isinstance(summarizer, ModelSummarizer)
    return summarizer


class TestManyAtOnce:
    def test_texts_are_asked_for_several_at_once_and_come_in_order(self, loopback: LoopbackServer) -> None:
        loopback.default = counting = Counting()
        written = remote(loopback).texts([(wish(number),) for number in range(USERS)])
        assert written == [f"Keep answers at {number} words." for number in range(USERS)]
        assert 1 < counting.most <= AT_ONCE

    async def test_tasks_and_threads_share_the_bound_and_nobody_gets_anothers(self, loopback: LoopbackServer) -> None:
        loopback.default = counting = Counting()
        summarizer = remote(loopback)
        in_threads = asyncio.to_thread(summarizer.texts, [(wish(number),) for number in range(USERS)])
        in_tasks = (summarizer.asummarize((wish(1_000 + number),)) for number in range(USERS))
        threads, *tasks = await asyncio.gather(in_threads, *in_tasks)
        assert threads == [f"Keep answers at {number} words." for number in range(USERS)]
        assert tasks == [f"Keep answers at {1_000 + number} words." for number in range(USERS)]
        assert 1 < counting.most <= AT_ONCE

    def test_one_that_fails_leaves_the_rest_unasked(self, loopback: LoopbackServer) -> None:
        loopback.default = status(400)
        with pytest.raises(Exception, match="hosted_vllm/popi"):
            remote(loopback).texts([(wish(number),) for number in range(10 * USERS)])
        assert len(loopback.requests) < 5 * USERS


class TestASlowServer:
    async def test_nobody_waits_longer_than_two_time_outs_and_everybody_is_answered(
        self, loopback: LoopbackServer
    ) -> None:
        loopback.default = hang(30)
        backend = FakeBackend()
        summarizer = remote(loopback, timeout=0.5, retries=0)
        async with AsyncPopi(store="memory", summarizer=summarizer, backend=backend) as popi:
            await popi.personalize("Hi", [])  # LiteLLM's import is not what is measured
            start = time.monotonic()
            replies = await asyncio.gather(*(popi.personalize("Hi", [wish(number)]) for number in range(USERS)))
            took = time.monotonic() - start
            assert {reply.status for reply in replies} == {"failed"}
            assert all(reply.text for reply in replies)
            assert took < 8 * 0.5
            assert len(loopback.requests) <= 2 * AT_ONCE
            assert any("had no turn" in reply.warnings[0] for reply in replies)

            asked = len(loopback.requests)  # it took long to fail, so it is left alone for a while
            late = await popi.personalize("Hi", [wish(-1)])
            assert (late.status, len(loopback.requests)) == ("failed", asked)
            assert "left alone" in late.warnings[0]

    def test_a_server_with_too_much_to_do_is_given_the_time_it_asks_for(self, loopback: LoopbackServer) -> None:
        loopback.default = counting = Counting()
        busy = status(429, headers={"retry-after-ms": "300"}), status(503, headers={"retry-after-ms": "300"})
        loopback.replies.extend(busy)
        start = time.monotonic()
        assert remote(loopback).texts([(wish(5),), (wish(6),)]) == [f"Keep answers at {n} words." for n in (5, 6)]
        assert time.monotonic() - start >= 0.3
        assert (len(loopback.requests), counting.most) == (4, 2)

    @pytest.mark.parametrize("refusal", [status(503), status(429, headers={"retry-after": "3600"}), status(500)])
    def test_one_that_stays_overloaded_costs_the_summary_and_not_the_answer(
        self, loopback: LoopbackServer, refusal: Reply
    ) -> None:
        loopback.default = Counting(0)
        backend = FakeBackend()
        with Popi(store="memory", summarizer=remote(loopback, retries=0), backend=backend) as popi:
            popi.observe("ada", wish(5))
            assert popi.personalize("Hi", user_id="ada").status == "applied"
            loopback.default = refusal
            popi.observe("ada", wish(6))
            reply = popi.personalize("Hi", user_id="ada")
            assert (reply.status, reply.summary.text) == ("stale", "Keep answers at 5 words.")
            assert popi.personalize("Hi", [wish(7)]).status == "failed"
            loopback.default = Counting(0)
            popi._inference._pause._until = 0.0
            assert popi.personalize("Hi", user_id="ada").summary.text == "Keep answers at 6 words."
        assert len(backend.requests) == 4

    def test_a_refused_connection_fails_at_once(self) -> None:
        with closed_port() as port:
            spec = {"name": "hosted_vllm/popi", "api_base": f"http://127.0.0.1:{port}/v1"}
            popi = Popi(store="memory", summarizer=spec, retries=0, on_failure="raise")
            with popi, pytest.raises(SummarizerError, match="hosted_vllm/popi"):
                popi.personalize("Hi", [wish(1)])


class TestTurns:
    def test_who_comes_first_is_next(self) -> None:
        turns, order = Turns(1), list[int]()

        def take(number: int) -> None:
            with turns.turn(10):
                order.append(number)

        with ThreadPoolExecutor(8) as pool, turns.turn(1):
            for number in range(8):
                pool.submit(take, number)
                wait_for(turns._waiting, number + 1)
        assert order == list(range(8))
        assert turns._free == 1

    def test_who_gave_up_is_passed_over(self) -> None:
        turns = Turns(1)
        with turns.turn(1), pytest.raises(NoTurnError), turns.turn(0.01):
            raise AssertionError
        with turns.turn(0.01):
            assert turns._free == 0
        assert turns._free == 1

    async def test_a_task_that_is_cancelled_gives_its_turn_on(self) -> None:
        turns = Turns(1)
        reached = asyncio.Event()

        async def hold() -> None:
            async with turns.aturn(10):
                reached.set()
                await asyncio.sleep(10)

        holding, waiting = asyncio.create_task(hold()), asyncio.create_task(hold())
        await reached.wait()
        reached.clear()
        given_up = asyncio.create_task(hold())
        await asyncio.sleep(0)
        given_up.cancel()
        holding.cancel()
        await asyncio.wait_for(reached.wait(), 5)
        waiting.cancel()
        await asyncio.gather(holding, waiting, given_up, return_exceptions=True)
        assert turns._free == 1

    async def test_a_task_waits_no_longer_than_it_is_told(self) -> None:
        turns = Turns(1)
        async with turns.aturn(1):
            with pytest.raises(NoTurnError):
                async with turns.aturn(0.01):
                    raise AssertionError
        async with turns.aturn(0.01):
            pass

    def test_one_that_serves_several_event_loops_gives_turns_in_each(self) -> None:
        turns, done = Turns(2), list[int]()

        async def take(number: int) -> None:
            async with turns.aturn(10):
                await asyncio.sleep(0.01)
                done.append(number)

        async def all_of_them() -> None:
            await asyncio.gather(*map(take, range(10)))

        threads = [threading.Thread(target=lambda: asyncio.run(all_of_them())) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(30)
        assert sorted(done) == sorted([*range(10)] * 4)
        assert turns._free == 2

    def test_in_a_forked_child_all_turns_are_free_again(self, monkeypatch: pytest.MonkeyPatch) -> None:
        turns = Turns(1)
        with turns.turn(1):
            monkeypatch.setattr(os, "getpid", lambda: -1)
            with turns.turn(0.01):
                assert turns._free == 0


def wait_for(waiting: Sized, count: int) -> None:
    deadline = time.monotonic() + 10
    while len(waiting) != count and time.monotonic() < deadline:
        time.sleep(0.001)
    assert len(waiting) == count
