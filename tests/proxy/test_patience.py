"""A request waits for POPI only so long, and not at all once others have waited for nothing."""

from __future__ import annotations

import asyncio

import pytest

from popi_sdk.integrations import patience
from popi_sdk.integrations.patience import NotWaitedError, Patience


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(patience, "LONGEST_WAIT", 0.05)
    monkeypatch.setattr(patience, "NOTICEABLE", 0.01)
    monkeypatch.setattr(patience, "PAUSE", 0.3)
    monkeypatch.setattr(patience, "MANY", 3)


class Asked:
    """Work that counts how often it was begun and finished."""

    begun = finished = 0

    async def work(self, seconds: float = 0.0, *, wrong: bool = False) -> str:
        self.begun += 1
        await asyncio.sleep(seconds)
        self.finished += 1
        if wrong:
            raise ValueError("wrong")
        return "done"


async def _tired(asked: Asked) -> Patience:
    """One whose requests have waited for nothing often enough."""
    waits = Patience()
    for _ in range(3):
        with pytest.raises(NotWaitedError):
            await waits.wait_for(asked.work(0.1))
    return waits


async def test_what_takes_too_long_goes_on_behind_the_request() -> None:
    asked = Asked()

    with pytest.raises(NotWaitedError, match="timeout"):
        await Patience().wait_for(asked.work(0.1))

    await asyncio.sleep(0.15)
    assert asked.finished == 1


async def test_after_many_long_waits_nobody_waits_until_the_pause_is_over() -> None:
    asked = Asked()
    waits = await _tired(asked)

    with pytest.raises(NotWaitedError, match="paused"):
        await waits.wait_for(asked.work())
    assert asked.begun == 3

    await asyncio.sleep(0.3)
    assert await waits.wait_for(asked.work()) == "done"
    assert await waits.wait_for(asked.work()) == "done"


async def test_after_the_pause_one_request_tries_while_the_others_go_on_without() -> None:
    asked = Asked()
    waits = await _tired(asked)
    await asyncio.sleep(0.3)

    answers = await asyncio.gather(*(waits.wait_for(asked.work(0.1)) for _ in range(5)), return_exceptions=True)

    assert sorted(str(answer) for answer in answers) == ["paused"] * 4 + ["timeout"]


async def test_one_success_among_failures_keeps_everyone_asking() -> None:
    asked, waits = Asked(), Patience()

    for _ in range(5):
        for _ in range(2):
            with pytest.raises(NotWaitedError, match="timeout"):
                await waits.wait_for(asked.work(0.1))
        assert await waits.wait_for(asked.work()) == "done"


async def test_failures_that_nobody_notices_cause_no_pause_and_slow_ones_do() -> None:
    asked, waits = Asked(), Patience()

    for _ in range(9):
        with pytest.raises(ValueError, match="wrong"):
            await waits.wait_for(asked.work(wrong=True))
    for _ in range(3):
        assert await waits.wait_for(asked.work(0.02), lambda result: result == "done") == "done"
    with pytest.raises(NotWaitedError, match="paused"):
        await waits.wait_for(asked.work())


async def test_a_request_that_is_called_off_leaves_the_work_running() -> None:
    asked = Asked()
    request = asyncio.create_task(Patience().wait_for(asked.work(0.03)))
    await asyncio.sleep(0.01)

    request.cancel()

    with pytest.raises(asyncio.CancelledError):
        await request
    await asyncio.sleep(0.05)
    assert asked.finished == 1
