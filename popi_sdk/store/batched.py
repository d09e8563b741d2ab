"""Reads that wait at the same moment go to a thread together: at many calls in flight, one hop serves dozens."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TypeAlias
from weakref import WeakKeyDictionary

from popi_sdk.store import Profile

Read: TypeAlias = Callable[[str, str], Profile]


class BatchedReads:
    """Reads profiles in threads; what is asked for while a batch is read makes the next batch."""

    def __init__(self, read: Read) -> None:
        self._read = read
        self._batches: WeakKeyDictionary[asyncio.AbstractEventLoop, _Batches] = WeakKeyDictionary()

    async def __call__(self, namespace: str, user_id: str) -> Profile:
        """Read one profile; raises what reading it raises."""
        loop = asyncio.get_running_loop()
        batches = self._batches.get(loop)
        if batches is None:
            batches = self._batches[loop] = _Batches(self._read)
        return await batches.read(namespace, user_id)


class _Batches:
    """The reads of one event loop."""

    def __init__(self, read: Read) -> None:
        self._read = read
        self._asked: list[tuple[str, str, asyncio.Future[Profile]]] = []
        self._task: asyncio.Task[None] | None = None

    async def read(self, namespace: str, user_id: str) -> Profile:
        answer: asyncio.Future[Profile] = asyncio.get_running_loop().create_future()
        self._asked.append((namespace, user_id, answer))
        if self._task is None or self._task.done():
            self._task = asyncio.get_running_loop().create_task(self._serve(), name="popi-reads")
        return await answer

    async def _serve(self) -> None:
        while self._asked:
            batch, self._asked = self._asked, []
            wanted = [(namespace, user_id) for namespace, user_id, _ in batch]
            try:
                found = await asyncio.to_thread(self._read_all, wanted)
            except BaseException:  # the loop is ending; nobody may be left waiting
                for _, _, answer in batch:
                    answer.cancel()
                raise
            for (_, _, answer), result in zip(batch, found, strict=True):
                if answer.done():  # its caller has given up
                    continue
                if isinstance(result, Profile):
                    answer.set_result(result)
                else:
                    answer.set_exception(result)

    def _read_all(self, wanted: list[tuple[str, str]]) -> list[Profile | Exception]:
        return [self._read_one(namespace, user_id) for namespace, user_id in wanted]

    def _read_one(self, namespace: str, user_id: str) -> Profile | Exception:
        try:
            return self._read(namespace, user_id)
        except Exception as error:  # belongs to whoever asked for this one
            return error
