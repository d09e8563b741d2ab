"""Streams: pieces as they come, a connection that closes at once, and a completion at the end."""

import asyncio
import time

import pytest

from popi_sdk.backend import LiteLLMBackend, text_of
from popi_sdk.errors import BackendError
from tests.asking import MESSAGES, ONE_PER_PROVIDER, ask
from tests.loopback import LoopbackServer, ok, status, tool_call

LIMITS = {"timeout": 5, "retries": 0, "options": {}}
LONG = "word " * 400
every_provider = pytest.mark.parametrize("model", ONE_PER_PROVIDER)


def opened(server: LoopbackServer, model: str):
    return LiteLLMBackend().stream(MESSAGES, server.model_spec(model), **LIMITS)


@every_provider
def test_closing_early_lets_go_of_the_connection(loopback: LoopbackServer, model: str):
    loopback.replies.append(ok(LONG, pause=0.02))
    stream = opened(loopback, model)
    next(stream)
    stream.close()
    assert loopback.requests[0].closed_early.wait(2)
    assert list(stream) == []
    stream.close()


@every_provider
async def test_closing_early_lets_go_of_the_connection_asynchronously(loopback: LoopbackServer, model: str):
    loopback.replies.append(ok(LONG, pause=0.02))
    stream = await LiteLLMBackend().astream(MESSAGES, loopback.model_spec(model), **LIMITS)
    await anext(stream)
    await stream.aclose()
    assert await asyncio.to_thread(loopback.requests[0].closed_early.wait, 2)
    assert [chunk async for chunk in stream] == []
    await stream.aclose()


@every_provider
def test_leaving_the_block_closes_even_after_an_error_of_the_app(loopback: LoopbackServer, model: str):
    loopback.replies.append(ok(LONG, pause=0.02))

    def read() -> None:
        with opened(loopback, model) as stream:
            for _ in stream:
                raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        read()
    assert loopback.requests[0].closed_early.wait(2)


@every_provider
async def test_cancelling_the_reader_closes(loopback: LoopbackServer, model: str):
    loopback.replies.append(ok(LONG, pause=0.02))

    async def read() -> None:
        async with await LiteLLMBackend().astream(MESSAGES, loopback.model_spec(model), **LIMITS) as stream:
            async for _ in stream:
                pass

    reader = asyncio.create_task(read())
    await asyncio.sleep(0.3)
    reader.cancel()
    with pytest.raises(asyncio.CancelledError):
        await reader
    assert await asyncio.to_thread(loopback.requests[0].closed_early.wait, 2)


@every_provider
def test_pieces_come_as_the_provider_sends_them(loopback: LoopbackServer, model: str):
    loopback.replies.append(ok("one two three four", pause=0.05))
    times = [time.monotonic() for chunk in opened(loopback, model) if text_of(chunk)]
    assert len(times) == 4
    assert times[-1] - times[0] > 0.1


@every_provider
def test_a_stream_closed_early_still_tells_what_came(loopback: LoopbackServer, model: str):
    loopback.replies.append(ok(LONG, pause=0.02))
    stream = opened(loopback, model)
    text = ""
    while len(text) < 10:
        text += text_of(next(stream))
    stream.close()
    completion = stream.completion()
    assert completion.text.strip() == text.strip()
    assert completion.usage.completion_tokens > 0


@every_provider
async def test_usage_is_the_providers_own_unless_the_app_declines_it(loopback: LoopbackServer, model: str):
    spec = loopback.model_spec(model)
    assert (await ask("stream", spec)).usage.total_tokens == 28
    options = {"stream_options": {"include_usage": False}}
    declined = await ask("stream", spec, options=options)
    assert declined.text == "Hello from the loopback."
    if model.startswith("openai"):
        assert loopback.requests[0].body["stream_options"] == {"include_usage": True}
        assert loopback.requests[1].body["stream_options"] == {"include_usage": False}
        assert declined.usage.completion_tokens != 7  # LiteLLM's estimate
    if model.startswith(("anthropic", "mistral")):
        assert "stream_options" not in loopback.requests[0].body


@every_provider
async def test_text_and_tool_calls_come_together(loopback: LoopbackServer, model: str):
    loopback.replies.append(tool_call("weather", {"city": "Paris"}, "Let me see."))
    completion = await ask("stream", loopback.model_spec(model))
    assert completion.text == completion.message["content"] == "Let me see."
    assert completion.message["tool_calls"][0]["function"]["arguments"] == '{"city": "Paris"}'


def test_opening_a_stream_is_retried(loopback: LoopbackServer):
    loopback.replies.append(status(503, headers={"retry-after-ms": "5"}))
    spec = loopback.model_spec("openai/gpt-4o-mini")
    stream = LiteLLMBackend().stream(MESSAGES, spec, timeout=5, retries=1, options={})
    assert "".join(map(text_of, stream)) == "Hello from the loopback."
    assert len(loopback.requests) == 2


def test_a_failed_opening_leaves_no_connection_behind(loopback: LoopbackServer):
    async def half_open(connection) -> None:
        await connection.open_stream()
        await connection.wait(30)

    loopback.default = half_open
    spec = loopback.model_spec("mistral/mistral-small-latest")
    with pytest.raises(BackendError):
        LiteLLMBackend().stream(MESSAGES, spec, timeout=0.3, retries=0, options={})
    assert loopback.requests[0].closed_early.wait(2)


def test_text_of_anything_else_is_empty():
    assert text_of(None) == text_of({"choices": []}) == ""
