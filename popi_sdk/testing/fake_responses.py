"""Responses of a fake model in the shape LiteLLM gives them, whole and in chunks; made by `testing.py`."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias

from pydantic import BaseModel

from popi_sdk.backend.chunks import AsyncChunkStream, ChunkStream, text_of
from popi_sdk.backend.completion import Completion, completion_from


@dataclass(frozen=True, slots=True)
class ToolCall:
    """A function that the fake model asks for."""

    name: str
    arguments: Mapping[str, Any] = field(default_factory=dict)
    id: str = "call_0001"


Content: TypeAlias = str | Sequence[ToolCall]
"""What a model says: text, or calls of tools."""


class _Function(BaseModel):
    name: str
    arguments: str


class _Call(BaseModel):
    index: int
    id: str
    type: Literal["function"] = "function"
    function: _Function


class _Message(BaseModel):
    role: Literal["assistant"] | None = "assistant"
    content: str | None = None
    tool_calls: list[_Call] | None = None


class _Usage(BaseModel):
    prompt_tokens: int = 0
    completion_tokens: int = 0
    total_tokens: int = 0


class _Choice(BaseModel):
    index: int = 0
    message: _Message
    finish_reason: str


class _Response(BaseModel):
    id: str = "fake"
    object: Literal["chat.completion"] = "chat.completion"
    model: str
    choices: list[_Choice]
    usage: _Usage = _Usage()


class _Delta(BaseModel):
    index: int = 0
    delta: _Message
    finish_reason: str | None = None


class _Chunk(BaseModel):
    id: str = "fake"
    object: Literal["chat.completion.chunk"] = "chat.completion.chunk"
    model: str
    choices: list[_Delta]


def _message(said: Content) -> _Message:
    if isinstance(said, str):
        return _Message(content=said)
    calls = [
        _Call(index=place, id=call.id, function=_Function(name=call.name, arguments=json.dumps(dict(call.arguments))))
        for place, call in enumerate(said)
    ]
    return _Message(tool_calls=calls)


def _finish_reason(said: Content) -> str:
    return "stop" if isinstance(said, str) else "tool_calls"


def response(said: Content, model: str) -> _Response:
    """A whole response."""
    return _Response(model=model, choices=[_Choice(message=_message(said), finish_reason=_finish_reason(said))])


class Pieces:
    """The chunks of one answer, as an iterator that knows, like LiteLLM's, when it has ended as it should."""

    def __init__(self, said: Content, model: str) -> None:
        self.said = said
        self.received_finish_reason: str | None = None
        self._deltas = iter([*_pieces(said), None])
        self.model = model

    def __iter__(self) -> Pieces:
        return self

    def __next__(self) -> _Chunk:
        delta = next(self._deltas)
        if delta is None:
            self.received_finish_reason = _finish_reason(self.said)
        choice = _Delta(delta=delta or _Message(role=None), finish_reason=self.received_finish_reason)
        return _Chunk(model=self.model, choices=[choice])

    def __aiter__(self) -> Pieces:
        return self

    async def __anext__(self) -> _Chunk:
        try:
            return next(self)
        except StopIteration:
            raise StopAsyncIteration from None

    async def aclose(self) -> None:
        """Nothing is held open."""


class FakeStream(ChunkStream):
    """A stream that has its answer from Pieces."""

    def completion(self) -> Completion:
        """The answer made of the chunks so far."""
        return _so_far(self.source, self.chunks)


class AsyncFakeStream(AsyncChunkStream):
    """The awaitable twin of FakeStream."""

    def completion(self) -> Completion:
        """The answer made of the chunks so far."""
        return _so_far(self.source, self.chunks)


def _so_far(pieces: Pieces, chunks: Sequence[Any]) -> Completion:
    said = "".join(map(text_of, chunks)) if isinstance(pieces.said, str) else pieces.said
    return completion_from(response(said, pieces.model), pieces.model)


def _pieces(said: Content) -> list[_Message]:
    if not isinstance(said, str):
        return [_message(said)]
    return [_Message(content=piece) for piece in re.findall(r"\s*\S+\s*\Z|\s*\S+", said) or [said]]
