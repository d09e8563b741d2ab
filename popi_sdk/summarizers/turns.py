"""At most so many at once, threads and asyncio tasks alike; the others wait in the order in which they came.

A server of a model takes a batch of requests in hardly more time than one, and is slower for all beyond that. What
waits here costs it nothing, and keeps waiting behind whoever is in a pause between two attempts.
"""

from __future__ import annotations

import asyncio
import os
from collections import deque
from collections.abc import AsyncIterator, Iterator
from concurrent.futures import Future
from contextlib import asynccontextmanager, contextmanager
from threading import Lock


class NoTurnError(Exception):
    """No turn came in time."""


class Turns:
    """Gives out `most` turns; safe across threads, event loops and after a fork."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._start_over()

    def _start_over(self) -> None:
        self._process = os.getpid()
        self._guard = Lock()
        self._free = self._most
        self._waiting: deque[Future[None]] = deque()

    @contextmanager
    def turn(self, longest_wait: float) -> Iterator[None]:
        """Wait for a turn, and hold it for the length of a `with`.

        Raises:
            NoTurnError: none came within `longest_wait` seconds.
        """
        turn = self._asked_for()
        try:
            try:
                turn.result(longest_wait)
            except TimeoutError as error:
                raise NoTurnError from error
            yield
        finally:
            self._let_go(turn)

    @asynccontextmanager
    async def aturn(self, longest_wait: float) -> AsyncIterator[None]:
        """The awaitable twin of `turn`."""
        turn = self._asked_for()
        try:
            if not turn.done():
                try:
                    async with asyncio.timeout(longest_wait):
                        await asyncio.wrap_future(turn)
                except TimeoutError as error:
                    raise NoTurnError from error
            yield
        finally:
            self._let_go(turn)

    def _asked_for(self) -> Future[None]:
        """A turn that is there, or comes."""
        if self._process != os.getpid():
            self._start_over()  # who held a turn at the time of a fork is not in the child to give it back
        turn: Future[None] = Future()
        with self._guard:
            if self._free:
                self._free -= 1
                turn.set_result(None)
            else:
                self._waiting.append(turn)
        return turn

    def _let_go(self, turn: Future[None]) -> None:
        """Pass a turn on that came; one that did not come is no longer waited for."""
        if turn.cancel():
            return
        with self._guard:
            while self._waiting:
                following = self._waiting.popleft()
                if following.set_running_or_notify_cancel():  # False of one that has given up
                    following.set_result(None)
                    return
            self._free += 1
