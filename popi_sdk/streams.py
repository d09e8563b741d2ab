"""A personalized answer piece by piece: `with popi.stream(...) as stream: for piece in stream: ...`.

The summary and its status are known before the first piece, the whole reply at the end. Leaving the block early
closes the connection.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Generic, Self, TypeVar

from popi_sdk.backend.completion import Completion
from popi_sdk.errors import PopiError
from popi_sdk.reply import Personal, Reply, Status, reply_from
from popi_sdk.summary import Summary

C = TypeVar("C")


@dataclass(frozen=True, slots=True)
class Opened(Generic[C]):
    """A stream that has begun, and what is known about its user."""

    chunks: C
    personal: Personal
    warnings: tuple[str, ...] = ()


class _Stream(Generic[C]):
    """What both streams know."""

    def __init__(self, prompt: str) -> None:
        self._prompt = prompt
        self._opened: Opened[C] | None = None
        self._completion: Completion | None = None

    @property
    def summary(self) -> Summary:
        """The summary that stands in the request."""
        return self._begun.personal.summary

    @property
    def status(self) -> Status:
        """Whether it is current; see `Reply.status`."""
        return self._begun.personal.status

    @property
    def reply(self) -> Reply:
        """The whole reply.

        Raises:
            PopiError: the stream has not ended.
        """
        begun = self._begun
        if self._completion is None:
            raise PopiError("The stream has not ended.", hint="Read all its pieces first.")
        return reply_from(self._completion, begun.personal, self._prompt, begun.warnings)

    @property
    def _begun(self) -> Opened[C]:
        if self._opened is None:
            raise PopiError("The stream has not begun.", hint="Use it in a `with` block.")
        return self._opened


class ReplyStream(_Stream[Any]):
    """A reply as it is written; iterate for pieces of text, or `chunks()` for the provider's own."""

    def __init__(self, open_: Callable[[], Opened[Any]], prompt: str) -> None:
        super().__init__(prompt)
        self._open = open_

    def begin(self) -> Self:
        """Send the request, unless it is under way; iterating and `with` do it by themselves."""
        if self._opened is None:
            self._opened = self._open()
        return self

    def __enter__(self) -> Self:
        return self.begin()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def __iter__(self) -> Iterator[str]:
        for chunk in self.chunks():
            if piece := self._begun.chunks.text_of(chunk):
                yield piece

    def chunks(self) -> Iterator[Any]:
        """The provider's chunks as LiteLLM gives them."""
        with self:
            chunks = self._begun.chunks
            yield from chunks
            self._completion = chunks.completion()

    def close(self) -> None:
        """Release the connection; what was not read is lost."""
        if self._opened is not None:
            self._opened.chunks.close()


class AsyncReplyStream(_Stream[Any]):
    """The awaitable twin of ReplyStream."""

    def __init__(self, open_: Callable[[], Awaitable[Opened[Any]]], prompt: str) -> None:
        super().__init__(prompt)
        self._open = open_

    async def begin(self) -> Self:
        """Send the request, unless it is under way; iterating and `async with` do it by themselves."""
        if self._opened is None:
            self._opened = await self._open()
        return self

    async def __aenter__(self) -> Self:
        return await self.begin()

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def __aiter__(self) -> AsyncIterator[str]:
        async for chunk in self.chunks():
            if piece := self._begun.chunks.text_of(chunk):
                yield piece

    async def chunks(self) -> AsyncIterator[Any]:
        """The provider's chunks as LiteLLM gives them."""
        async with self:
            chunks = self._begun.chunks
            async for chunk in chunks:
                yield chunk
            self._completion = chunks.completion()

    async def close(self) -> None:
        """Release the connection; what was not read is lost."""
        if self._opened is not None:
            await self._opened.chunks.aclose()
