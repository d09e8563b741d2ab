"""Streams of a provider's chunks, sync and async: close at once, and tell a cut answer from a finished one.

Opened by the backend, read by the client. LiteLLM ends a stream whose connection was cut with a made-up "stop", and
closes connections for some providers only; both are put right here.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Self

from popi_sdk.backend.completion import Completion, completion_from
from popi_sdk.backend.vendor_errors import popi_error
from popi_sdk.errors import BackendError

_TOWARDS_THE_CONNECTION = ("completion_stream", "http_response", "response", "streaming_response", "_iterator")
"""Attributes under which LiteLLM's and the providers' stream objects hold what they read from."""
_DEEPEST = 6
_WORTH = ("content", "reasoning_content", "thinking_blocks", "tool_calls", "function_call", "audio", "images")
"""Parts of a chunk that are pieces of an answer; chunks that only open it hold none of them."""
_FINISH_REASONS = ("received_finish_reason", "intermittent_finish_reason")
"""Where LiteLLM's stream notes how the provider ended the answer."""


def text_of(chunk: Any) -> str:
    """The piece of the answer's text in a provider's chunk; "" for chunks that carry something else."""
    choices = getattr(chunk, "choices", None)
    content = getattr(getattr(choices[0], "delta", None), "content", None) if choices else None
    return content if isinstance(content, str) else ""


def _says_something(chunk: Any) -> bool:
    choices = getattr(chunk, "choices", None)
    if not choices:
        return False
    delta = getattr(choices[0], "delta", None)
    return bool(getattr(choices[0], "finish_reason", None)) or any(getattr(delta, name, None) for name in _WORTH)


@dataclass
class _Stream:
    """What both kinds of stream know."""

    source: Any
    """LiteLLM's stream."""
    model: str
    timeout: float
    messages: Sequence[dict[str, Any]]
    outside: BaseException | None = None
    """What the caller was handling when the stream was opened; no part of the stream's errors."""
    chunks: list[Any] = field(default_factory=list)
    _given: int = 0
    _closed: bool = False
    _from_afar: bool = True

    def __post_init__(self) -> None:
        unread = getattr(self.source, "completion_stream", None) is None
        self._from_afar = unread or any(True for _ in _connections(self.source))

    text_of = staticmethod(text_of)

    def completion(self) -> Completion:
        """The answer made of the chunks so far, all of them once the stream has ended.

        Usage and cost are the provider's where it sends them; else LiteLLM's estimate, as after closing early.

        Raises:
            BackendError: no chunk has come yet.
        """
        import litellm

        built = litellm.stream_chunk_builder(list(self.chunks), messages=list(self.messages))
        if built is None:
            raise BackendError(f"{self.model} has not answered yet.", model=self.model, hint="Read the stream first.")
        return completion_from(built, self.model)

    def _check(self, chunk: Any) -> Any:
        """The chunk, unless it is the end that LiteLLM makes up when the provider's own never came."""
        choices = getattr(chunk, "choices", None)
        if choices and getattr(choices[0], "finish_reason", None) and not self._finished():
            raise self._cut()
        self.chunks.append(chunk)
        return chunk

    def _finished(self) -> bool:
        """Whether the provider itself ended the answer; a source without a connection, such as a mock, has no need."""
        return not self._from_afar or any(getattr(self.source, name, True) for name in _FINISH_REASONS)

    def _cut(self) -> BackendError:
        return BackendError(
            f"{self.model} ended its answer before it was complete.",
            model=self.model,
            hint="Try again, or set `fallbacks`.",
            retryable=True,
        )


@dataclass
class ChunkStream(_Stream):
    """Iterates over a provider's chunks as LiteLLM gives them; also a context manager that closes.

    Raises:
        BackendError: while iterating, when the connection breaks or the answer is cut; it is never tried again.
    """

    def __iter__(self) -> Iterator[Any]:
        return self

    def __next__(self) -> Any:
        if self._closed:
            raise StopIteration
        if self._given == len(self.chunks):
            self.pull()
        self._given += 1
        return self.chunks[self._given - 1]

    def pull(self) -> None:
        """Read one more chunk into `chunks`; raises StopIteration at the end."""
        try:
            self._check(next(self.source))
        except StopIteration:
            if not self._finished():
                self.close()
                raise self._cut() from None
            raise
        except BackendError:
            self.close()
            raise
        except Exception as error:
            self.close()
            raise popi_error(error, self.model, self.timeout, self.outside) from error

    def pull_first(self) -> None:
        """Wait for the first chunk that says something; whatever goes wrong leaves nothing open."""
        try:
            while not (self.chunks and _says_something(self.chunks[-1])):
                self.pull()
        except StopIteration:
            raise self._cut() from None
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """Let go of the connection at once; what the provider still sends is not waited for."""
        if not self._closed:
            self._closed = True
            for closable in _connections(self.source):
                closable.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()


@dataclass
class AsyncChunkStream(_Stream):
    """The awaitable twin of `ChunkStream`."""

    def __aiter__(self) -> AsyncIterator[Any]:
        return self

    async def __anext__(self) -> Any:
        if self._closed:
            raise StopAsyncIteration
        if self._given == len(self.chunks):
            await self.pull()
        self._given += 1
        return self.chunks[self._given - 1]

    async def pull(self) -> None:
        """Read one more chunk into `chunks`; raises StopAsyncIteration at the end."""
        try:
            self._check(await anext(self.source))
        except StopAsyncIteration:
            if not self._finished():
                await self.aclose()
                raise self._cut() from None
            raise
        except BackendError:
            await self.aclose()
            raise
        except Exception as error:
            await self.aclose()
            raise popi_error(error, self.model, self.timeout, self.outside) from error

    async def pull_first(self) -> None:
        """Wait for the first chunk that says something; whatever goes wrong leaves nothing open."""
        try:
            async with asyncio.timeout(self.timeout):
                while not (self.chunks and _says_something(self.chunks[-1])):
                    await self.pull()
        except StopAsyncIteration:
            raise self._cut() from None
        except TimeoutError as error:
            await self.aclose()
            raise popi_error(error, self.model, self.timeout, self.outside) from error
        except BaseException:
            await self.aclose()
            raise

    async def aclose(self) -> None:
        """Let go of the connection at once; what the provider still sends is not waited for."""
        if not self._closed:
            self._closed = True
            for closable in _connections(self.source):
                await closable.aclose()
            await self.source.aclose()  # LiteLLM's own bookkeeping

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *exc: object) -> None:
        await self.aclose()


def _connections(stream: Any, depth: int = 0) -> Iterator[Any]:
    """The HTTP responses a stream reads from, found through the objects that hold them.

    Several of LiteLLM's streams keep only the generator of a response's lines, so generators are looked into.
    """
    if hasattr(stream, "status_code") and hasattr(stream, "aclose"):
        yield stream
        return
    if depth == _DEEPEST:
        return
    held = [getattr(stream, name, None) for name in _TOWARDS_THE_CONNECTION]
    frame = getattr(stream, "gi_frame", None) or getattr(stream, "ag_frame", None)
    if frame is not None:
        held.append(frame.f_locals.get("self"))
    for inner in held:
        if inner is not None and not isinstance(inner, (str, bytes)) and inner is not stream:
            yield from _connections(inner, depth + 1)
