"""One call of the backend in each of its four ways, so that a test can say once what must hold for all."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

import pytest

from popi_sdk.backend import Completion, LiteLLMBackend, ModelSpec, text_of
from popi_sdk.errors import PopiError
from tests.loopback import KEY

WAYS = ("complete", "acomplete", "stream", "astream")
MODELS = (
    "openai/gpt-4o-mini",
    "anthropic/claude-sonnet-4-5",
    "anthropic/claude-sonnet-4-6",
    "mistral/mistral-small-latest",
    "mistral/mistral-large-latest",
    "deepseek/deepseek-reasoner",
    "hosted_vllm/meta-llama/Llama-3.2-3B-Instruct",
    "openai/meta-llama/Llama-3.2-3B-Instruct",
)
ONE_PER_PROVIDER = (MODELS[0], MODELS[2], MODELS[3], MODELS[5], MODELS[6])

SYSTEM = "You answer questions about the sky.\n\nThe user likes short answers."
PROMPT = "Why is the sky blue? (confidential-4711)"
MESSAGES = [{"role": "system", "content": SYSTEM}, {"role": "user", "content": PROMPT}]


async def ask(
    way: str,
    model: ModelSpec,
    messages: list[dict[str, Any]] = MESSAGES,
    *,
    timeout: float = 5,
    retries: int = 0,
    options: Mapping[str, Any] | None = None,
) -> Completion:
    """The answer to `messages`; a streamed one is read to its end, and its pieces must make up its text."""
    backend = LiteLLMBackend()
    limits: dict[str, Any] = {"timeout": timeout, "retries": retries, "options": options or {}}
    if way == "complete":
        return await asyncio.to_thread(backend.complete, messages, model, **limits)
    if way == "acomplete":
        return await backend.acomplete(messages, model, **limits)
    if way == "stream":
        return await asyncio.to_thread(_read, backend, messages, model, limits)
    async with await backend.astream(messages, model, **limits) as stream:
        pieces = [text_of(chunk) async for chunk in stream]
        completion = stream.completion()
    assert "".join(pieces) == completion.text
    return completion


def _read(
    backend: LiteLLMBackend, messages: list[dict[str, Any]], model: ModelSpec, limits: dict[str, Any]
) -> Completion:
    with backend.stream(messages, model, **limits) as stream:
        pieces = [text_of(chunk) for chunk in stream]
        completion = stream.completion()
    assert "".join(pieces) == completion.text
    return completion


async def failure(way: str, model: ModelSpec, **limits: Any) -> PopiError:
    """The error of a call that must fail; it has a cause where there was one, and tells neither key nor prompt."""
    with pytest.raises(PopiError) as raised:
        await ask(way, model, **limits)
    error = raised.value
    assert error.__cause__ is not None or "before it was complete" in str(error)
    for secret in (KEY, "confidential-4711", "sky"):
        assert secret not in str(error)
    return error
