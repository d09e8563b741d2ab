"""One test for both clients: `Awaited` runs the methods of AsyncPopi to their end, so that it looks like Popi."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Iterator
from typing import Any

from popi_sdk import AsyncPopi, Popi


class Awaited:
    """An AsyncPopi with the face of a Popi."""

    def __init__(self, client: AsyncPopi, runner: asyncio.Runner) -> None:
        self._client = client
        self._runner = runner

    def __getattr__(self, name: str) -> Any:
        attribute = getattr(self._client, name)
        if not callable(attribute):
            return attribute

        def call(*args: Any, **kwargs: Any) -> Any:
            async def run() -> Any:
                found = attribute(*args, **kwargs)
                return await found if inspect.isawaitable(found) else found

            result = self._runner.run(run())
            return Awaited(result, self._runner) if isinstance(result, AsyncPopi) else result

        return call

    def read_stream(self, *args: Any, **kwargs: Any) -> tuple[Any, list[str]]:
        """Open a stream and read all its pieces."""

        async def run() -> tuple[Any, list[str]]:
            async with self._client.stream(*args, **kwargs) as stream:
                assert stream.summary is not None
                return stream, [piece async for piece in stream]

        return self._runner.run(run())

    def wait(self, seconds: float) -> None:
        """Let background tasks run."""
        self._runner.run(asyncio.sleep(seconds))


class Direct(Popi):
    """A Popi with the two extra methods of `Awaited`."""

    def read_stream(self, *args: Any, **kwargs: Any) -> tuple[Any, list[str]]:
        with self.stream(*args, **kwargs) as stream:
            assert stream.summary is not None
            return stream, list(stream)

    def wait(self, seconds: float) -> None:
        import time

        time.sleep(seconds)


class Clients:
    """Makes clients of one kind and closes them at the end of a test."""

    def __init__(self, kind: str) -> None:
        self.kind = kind
        self.runner = asyncio.Runner() if kind == "async" else None
        self.made: list[Any] = []

    def __call__(self, *args: Any, **settings: Any) -> Any:
        settings = {"store": "memory", **settings}
        if self.runner is None:
            client: Any = Direct(*args, **settings)
        else:
            client = Awaited(AsyncPopi(*args, **settings), self.runner)
        self.made.append(client)
        return client

    def close(self) -> None:
        for client in self.made:
            client.close()
        if self.runner is not None:
            self.runner.close()


def clients(kind: str) -> Iterator[Clients]:
    """The body of the fixture `clients`."""
    made = Clients(kind)
    yield made
    made.close()
