"""A request waits for POPI only so long, and not at all once others have waited for nothing.

Pauses and slow work pass on a clock that the tests move, and what is waited for in vain never ends by itself: so no
test depends on how quick the machine is.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Coroutine
from types import SimpleNamespace
from typing import Any

import pytest

from popi_sdk import SignalError
from popi_sdk.integrations import patience
from popi_sdk.integrations.patience import NotWaitedError, Patience

PAUSE = 60.0


class Clock:
    """Time as Patience sees it: the machine's, and what tests skip."""

    skipped = 0.0

    def monotonic(self) -> float:
        return time.monotonic() + self.skipped

    def skip(self, seconds: float) -> None:
        self.skipped += seconds


@pytest.fixture(autouse=True)
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(patience, "time", SimpleNamespace(monotonic=clock.monotonic))
    monkeypatch.setattr(patience, "LONGEST_WAIT", 0.1)
    monkeypatch.setattr(patience, "NOTICEABLE", 0.5)
    monkeypatch.setattr(patience, "PAUSE", PAUSE)
    monkeypatch.setattr(patience, "MANY", 3)
    return clock


class Asked:
    """Work that counts how often it was begun and finished; what is not `at_once` ends when `may_end` is set."""

    def __init__(self, *, at_once: bool = True) -> None:
        self.begun = self.finished = 0
        self.may_end = asyncio.Event()
        if at_once:
            self.may_end.set()

    async def work(self, *, wrong: bool = False) -> str:
        self.begun += 1
        await self.may_end.wait()
        self.finished += 1
        if wrong:
            raise ValueError("wrong")
        return "done"

    async def until_finished(self) -> None:
        self.may_end.set()
        while not self.finished:
            await asyncio.sleep(0.001)


def never() -> Coroutine[Any, Any, str]:
    return Asked(at_once=False).work()


async def dead() -> None:
    """What a store that does not answer makes of a probe."""
    await asyncio.Event().wait()


async def alive() -> None:
    """What a store that answers makes of a probe."""


async def wait(
    waits: Patience, work: Coroutine[Any, Any, str], about: str = "a", probe: Any = dead, **more: Any
) -> str:
    return await waits.wait_for(work, about, probe, **more)


async def in_vain(waits: Patience, about: str = "a", probe: Any = dead, count: int = 3) -> None:
    """Requests that wait too long, one after another."""
    for _ in range(count):
        with pytest.raises(NotWaitedError, match="timeout"):
            await wait(waits, never(), about, probe)


async def _tired() -> Patience:
    """One whose requests have waited for nothing often enough, of a store that does not answer."""
    waits = Patience()
    await in_vain(waits)
    return waits


async def test_what_takes_too_long_goes_on_behind_the_request() -> None:
    asked = Asked(at_once=False)

    with pytest.raises(NotWaitedError, match="timeout"):
        await wait(Patience(), asked.work())

    await asked.until_finished()
    assert asked.finished == 1


async def test_what_fails_behind_the_request_is_told_and_what_fails_before_it_is_raised_only() -> None:
    told: list[Exception] = []
    late = Asked(at_once=False)

    with pytest.raises(NotWaitedError, match="timeout"):
        await wait(Patience(), late.work(wrong=True), late=told.append)
    with pytest.raises(ValueError, match="wrong"):
        await wait(Patience(), Asked().work(wrong=True), late=told.append)
    assert told == []
    await late.until_finished()
    await asyncio.sleep(0)

    assert [str(error) for error in told] == ["wrong"]


async def test_after_many_long_waits_nobody_waits_until_the_pause_is_over(clock: Clock) -> None:
    asked = Asked()
    waits = await _tired()

    with pytest.raises(NotWaitedError, match="paused"):
        await wait(waits, asked.work())
    assert asked.begun == 0

    clock.skip(PAUSE)
    assert await wait(waits, asked.work()) == "done"
    assert await wait(waits, asked.work()) == "done"


async def test_a_store_that_does_not_answer_is_noticed_for_everybody() -> None:
    waits = Patience()
    for tenant in ("a", "b", "c"):
        await in_vain(waits, tenant, count=1)

    for tenant in ("a", "d"):
        with pytest.raises(NotWaitedError, match="paused"):
            await wait(waits, Asked().work(), tenant)


async def test_what_takes_long_while_the_store_answers_is_left_alone_without_anything_else(
    clock: Clock,
) -> None:
    waits = Patience()
    await in_vain(waits, "summaries of a", alive)

    with pytest.raises(NotWaitedError, match="paused"):
        await wait(waits, Asked().work(), "summaries of a", alive)
    for other in ("summaries of b", "signals of a"):
        assert await wait(waits, Asked().work(), other, alive) == "done"
    clock.skip(PAUSE)
    assert await wait(waits, Asked().work(), "summaries of a", alive) == "done"


async def test_an_answer_to_somebody_else_shows_that_the_store_answers() -> None:
    waits, over = Patience(), asyncio.Event()

    async def others() -> None:
        while not over.is_set():
            await wait(waits, Asked().work(), "b")
            await asyncio.sleep(0.01)

    answered = asyncio.create_task(others())
    await in_vain(waits, "a", dead)

    with pytest.raises(NotWaitedError, match="paused"):
        await wait(waits, Asked().work(), "a")
    over.set()
    await answered  # none of these was left alone


async def test_those_who_wait_at_the_same_time_ask_the_store_once() -> None:
    waits, asked, all_of_them = Patience(), Asked(), Asked(at_once=False)

    async def probe() -> str:
        all_of_them.may_end.set()
        return await asked.work()

    await asyncio.gather(*(wait(waits, all_of_them.work(), f"{each}", probe) for each in range(20)))

    assert asked.begun == 1


async def test_a_wrong_signal_is_no_sign_of_a_store_that_does_not_answer(clock: Clock) -> None:
    async def refused() -> str:
        clock.skip(1)
        raise SignalError("wrong")

    waits = Patience()
    for _ in range(9):
        with pytest.raises(SignalError):
            await wait(waits, refused())

    assert await wait(waits, Asked().work()) == "done"


async def test_pauses_of_single_tenants_are_held_only_so_many(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(patience, "MOST_PAUSES", 2)
    waits = Patience()
    for tenant in ("a", "b", "c"):
        await in_vain(waits, tenant, alive)

    assert await wait(waits, Asked().work(), "a", alive) == "done"
    with pytest.raises(NotWaitedError, match="paused"):
        await wait(waits, Asked().work(), "c", alive)


async def test_after_the_pause_one_request_tries_while_the_others_go_on_without(clock: Clock) -> None:
    waits = await _tired()
    clock.skip(PAUSE)

    answers = await asyncio.gather(*(wait(waits, never()) for _ in range(5)), return_exceptions=True)

    assert sorted(str(answer) for answer in answers) == ["paused"] * 4 + ["timeout"]


@pytest.mark.parametrize("probe", [alive, dead])
async def test_one_success_among_failures_keeps_everyone_asking(probe: Any) -> None:
    asked, waits = Asked(), Patience()

    for _ in range(5):
        await in_vain(waits, "a", probe, count=2)
        assert await wait(waits, asked.work(), "a", probe) == "done"


@pytest.mark.parametrize("probe", [alive, dead])
async def test_failures_that_nobody_notices_cause_no_pause_and_slow_ones_do(probe: Any, clock: Clock) -> None:
    asked, waits = Asked(), Patience()

    async def slow() -> str:
        await asyncio.sleep(0.02)
        clock.skip(1)
        return "done"

    for _ in range(9):
        with pytest.raises(ValueError, match="wrong"):
            await wait(waits, asked.work(wrong=True), "a", probe)
    for _ in range(3):
        answer = await wait(waits, slow(), "a", probe, failed=lambda result: result == "done")
        assert answer == "done"
    with pytest.raises(NotWaitedError, match="paused"):
        await wait(waits, asked.work(), "a", probe)


async def test_a_request_that_is_called_off_leaves_the_work_running() -> None:
    asked = Asked(at_once=False)
    request = asyncio.create_task(wait(Patience(), asked.work()))
    while not asked.begun:
        await asyncio.sleep(0)

    request.cancel()

    with pytest.raises(asyncio.CancelledError):
        await request
    await asked.until_finished()
    assert asked.finished == 1
