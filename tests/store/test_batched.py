"""Reads that wait at the same moment share a thread, and each still gets its own answer."""

from __future__ import annotations

import asyncio

import pytest

from popi_sdk.errors import SignalError, StoreError
from popi_sdk.signals import Statement
from popi_sdk.store import Profile, open_async_store
from popi_sdk.store.batched import BatchedReads


async def test_each_of_many_reads_gets_its_own_profile_or_its_own_error(tmp_path) -> None:
    store = await open_async_store(f"sqlite:///{tmp_path}/popi.db")
    for number in range(5):
        await store.observe("n", f"user{number}", [Statement(f"Word {place}.") for place in range(number + 1)])
    users = ["user0", "", "user4", "unknown", "user2", "a\x00b"] * 20
    found = await asyncio.gather(*(store.read("n", user) for user in users), return_exceptions=True)
    for user, answer in zip(users, found, strict=True):
        if user.startswith("user"):
            assert (answer.user_id, answer.signal_count) == (user, int(user[4:]) + 1)
        elif user == "unknown":
            assert answer.signal_count == 0
        else:
            assert isinstance(answer, SignalError)
    await store.close()


async def test_reads_that_wait_together_are_read_together() -> None:
    sizes: list[int] = []

    reads = BatchedReads(lambda namespace, user_id: Profile(namespace, user_id))
    await reads("n", "first")
    batches = next(iter(reads._batches.values()))
    read_all = batches._read_all
    batches._read_all = lambda wanted: sizes.append(len(wanted)) or read_all(wanted)  # type: ignore[method-assign]
    answers = await asyncio.gather(*(reads("n", str(number)) for number in range(100)))
    assert [answer.user_id for answer in answers] == [str(number) for number in range(100)]
    assert sum(sizes) == 100
    assert len(sizes) < 10


async def test_who_gives_up_waiting_does_not_disturb_the_others() -> None:
    reads = BatchedReads(lambda namespace, user_id: Profile(namespace, user_id))
    tasks = [asyncio.create_task(reads("n", str(number))) for number in range(10)]
    await asyncio.sleep(0)
    tasks[3].cancel()
    answers = await asyncio.gather(*tasks, return_exceptions=True)
    assert isinstance(answers[3], asyncio.CancelledError)
    assert [answer.user_id for place, answer in enumerate(answers) if place != 3] == list("012456789")


async def test_a_failing_store_fails_each_read_that_waited() -> None:
    def fail(namespace: str, user_id: str) -> Profile:
        raise StoreError(f"{user_id} cannot be read")

    reads = BatchedReads(fail)
    for answer in await asyncio.gather(*(reads("n", str(number)) for number in range(5)), return_exceptions=True):
        assert isinstance(answer, StoreError)
    with pytest.raises(StoreError, match="7 cannot be read"):
        await reads("n", "7")
