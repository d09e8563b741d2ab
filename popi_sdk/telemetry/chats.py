"""Model calls: a `chat {model}` span and two metrics for each model that is asked, its retries included."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, nullcontext
from typing import Any, TypeAlias, cast

from popi_sdk.backend.calls import LiteLLMBackend, Messages
from popi_sdk.backend.chunks import AsyncChunkStream, ChunkStream
from popi_sdk.backend.completion import Completion
from popi_sdk.backend.model_spec import ModelSpec
from popi_sdk.telemetry import content
from popi_sdk.telemetry.beside import litellm_tells_of_calls, with_parent
from popi_sdk.telemetry.metrics import instruments
from popi_sdk.telemetry.operations import Operation, harmless, tracer

_PROVIDERS = {
    "azure": "azure.ai.openai",
    "azure_ai": "azure.ai.inference",
    "bedrock": "aws.bedrock",
    "cohere_chat": "cohere",
    "gemini": "gcp.gemini",
    "mistral": "mistral_ai",
    "moonshot": "moonshot_ai",
    "vertex_ai": "gcp.vertex_ai",
    "watsonx": "ibm.watsonx.ai",
    "xai": "x_ai",
}
"""LiteLLM's names to those of the conventions where they differ."""
_UNKNOWN = "litellm"
"""For a model without its provider's name, which LiteLLM looks up."""

Ended: TypeAlias = Callable[[Completion | None, BaseException | None], object]


class Traced:
    """A backend whose calls are told to OpenTelemetry; without a provider they pass straight through."""

    def __init__(self, backend: Any) -> None:
        self._backend = backend

    def complete(
        self, messages: Messages, model: ModelSpec, *, timeout: float, retries: int, options: Mapping[str, Any]
    ) -> Completion:
        """See `Backend.complete`."""
        with self._asking(messages, model, options) as (chat, options):
            answer = self._backend.complete(messages, model, timeout=timeout, retries=retries, options=options)
            return chat.answered(answer) if chat else cast("Completion", answer)

    async def acomplete(
        self, messages: Messages, model: ModelSpec, *, timeout: float, retries: int, options: Mapping[str, Any]
    ) -> Completion:
        """See `AsyncBackend.acomplete`."""
        with self._asking(messages, model, options) as (chat, options):
            answer = await self._backend.acomplete(messages, model, timeout=timeout, retries=retries, options=options)
            return chat.answered(answer) if chat else cast("Completion", answer)

    def stream(
        self, messages: Messages, model: ModelSpec, *, timeout: float, retries: int, options: Mapping[str, Any]
    ) -> ChunkStream:
        """See `Backend.stream`."""
        with self._asking(messages, model, options, streamed=True) as (chat, options):
            chunks = self._backend.stream(messages, model, timeout=timeout, retries=retries, options=options)
            return cast("ChunkStream", chat.begun(chunks) if chat else chunks)

    async def astream(
        self, messages: Messages, model: ModelSpec, *, timeout: float, retries: int, options: Mapping[str, Any]
    ) -> AsyncChunkStream:
        """See `AsyncBackend.astream`."""
        with self._asking(messages, model, options, streamed=True) as (chat, options):
            chunks = await self._backend.astream(messages, model, timeout=timeout, retries=retries, options=options)
            return cast("AsyncChunkStream", chat.begun(chunks) if chat else chunks)

    @contextmanager
    def _asking(
        self, messages: Messages, model: ModelSpec, options: Mapping[str, Any], *, streamed: bool = False
    ) -> Iterator[tuple[Chat | None, Mapping[str, Any]]]:
        """What to tell of the call, None for nothing, and the options to make it with."""
        if tracer() is None and instruments() is None:
            yield None, options
            return
        by_litellm = isinstance(self._backend, LiteLLMBackend)
        if by_litellm and litellm_tells_of_calls():
            yield None, _told_the_parent(options)
            return
        chat = harmless(Chat)(messages, model, streamed)
        with chat.current() if chat else nullcontext():
            yield chat, _told_the_parent(options) if by_litellm else options


class Chat:
    """One model being asked."""

    def __init__(self, messages: Messages, model: ModelSpec, streamed: bool) -> None:
        name = model.name.removeprefix(f"{model.provider}/")
        self._common = {
            "gen_ai.operation.name": "chat",
            "gen_ai.provider.name": _PROVIDERS.get(model.provider, model.provider) or _UNKNOWN,
            "gen_ai.request.model": name,
        }
        self._began = time.perf_counter()
        self._told = False
        self._operation = Operation(
            f"chat {name}",
            {
                **self._common,
                "gen_ai.request.stream": streamed or None,
                "gen_ai.input.messages": content.input_messages(messages),
            },
            client=True,
        )

    @contextmanager
    def current(self) -> Iterator[None]:
        """Around the call; an error ends the chat."""
        try:
            with self._operation.current():
                yield
        except BaseException as error:
            self.end(None, error)
            raise

    def answered(self, completion: Completion) -> Completion:
        """The whole answer is there."""
        self.end(completion, None)
        return completion

    def begun(self, chunks: Any) -> Watched:
        """The first piece is there; the chat ends with the stream."""
        self._operation.describe({"gen_ai.response.time_to_first_chunk": time.perf_counter() - self._began})
        return Watched(chunks, self.end)

    @harmless
    def end(self, completion: Completion | None, error: BaseException | None) -> None:
        """Tell how it ended: with an answer, with an error, or dropped by the caller before it was complete."""
        if self._told:
            return
        self._told = True
        try:
            if completion is not None:
                self._operation.describe(_of_answer(completion))
        finally:
            self._operation.end(error)
            self._measure(completion, error)

    def _measure(self, completion: Completion | None, error: BaseException | None) -> None:
        meters = instruments()
        if meters is None:
            return
        attributes: dict[str, Any] = dict(self._common)
        if completion is not None and (model := _model_of(completion)):
            attributes["gen_ai.response.model"] = model
        if completion is not None and completion.usage.total_tokens:
            used = {"input": completion.usage.prompt_tokens, "output": completion.usage.completion_tokens}
            for kind, count in used.items():
                meters.tokens.record(count, {**attributes, "gen_ai.token.type": kind})
        if error is not None:
            attributes["error.type"] = type(error).__name__
        meters.duration.record(time.perf_counter() - self._began, attributes)


class Watched:
    """A stream of chunks that says once how it ended: read to its end, with an error, or dropped."""

    def __init__(self, chunks: Any, ended: Ended) -> None:
        self._chunks = chunks
        self._ended = ended

    def __iter__(self) -> Iterator[Any]:
        return self

    def __next__(self) -> Any:
        try:
            return next(self._chunks)
        except StopIteration:
            raise
        except BaseException as error:
            self._ended(None, error)
            raise

    def __aiter__(self) -> Any:
        return self

    async def __anext__(self) -> Any:
        try:
            return await anext(self._chunks)
        except StopAsyncIteration:
            raise
        except BaseException as error:
            self._ended(None, error)
            raise

    def completion(self) -> Completion:
        """The whole answer; asked for once all chunks are read."""
        completion = cast("Completion", self._chunks.completion())
        self._ended(completion, None)
        return completion

    def close(self) -> None:
        """Let go of the connection."""
        try:
            self._chunks.close()
        finally:
            self._ended(None, None)

    async def aclose(self) -> None:
        """Let go of the connection."""
        try:
            await self._chunks.aclose()
        finally:
            self._ended(None, None)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._chunks, name)

    def __del__(self) -> None:
        self._ended(None, None)  # of a stream that nobody read or closed


def _told_the_parent(options: Mapping[str, Any]) -> Mapping[str, Any]:
    return harmless(with_parent)(options) or options


def _of_answer(completion: Completion) -> dict[str, Any]:
    usage = completion.usage
    reasons = _finish_reasons(completion)
    return {
        "gen_ai.response.model": _model_of(completion),
        "gen_ai.response.finish_reasons": reasons,
        "gen_ai.usage.input_tokens": usage.prompt_tokens if usage.total_tokens else None,
        "gen_ai.usage.output_tokens": usage.completion_tokens if usage.total_tokens else None,
        "gen_ai.usage.cache_read.input_tokens": usage.cached_tokens or None,
        "gen_ai.output.messages": content.output_messages(completion, reasons),
    }


def _model_of(completion: Completion) -> str | None:
    """The name the provider itself gives the model that answered, which may carry a date."""
    name = getattr(completion.raw, "model", None)
    return name if isinstance(name, str) and name else None


def _finish_reasons(completion: Completion) -> list[str] | None:
    choices = getattr(completion.raw, "choices", None) or ()
    reasons = [getattr(choice, "finish_reason", None) for choice in choices]
    return [reason for reason in reasons if isinstance(reason, str)] or None
