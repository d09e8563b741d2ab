"""Every way to ask a model through a native client, written once for the client that waits and the one that is awaited.

Each entry point is a function of the client and its side, "sync" or "async", and gives what the SDK made of the answer.
"""

from __future__ import annotations

import contextlib
import inspect
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

from pydantic import BaseModel

SYSTEM = "You sell shoes."
CHAT = [{"role": "system", "content": SYSTEM}, {"role": "user", "content": "Which boots?"}]
IMAGE = {"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA"}}
CHAT_WITH_IMAGE = [
    {"role": "system", "content": SYSTEM},
    {"role": "user", "content": [{"type": "text", "text": "Which?"}, IMAGE]},
]
PARAMETERS = {"type": "object", "properties": {"size": {"type": "integer"}}}
TOOLS = [{"type": "function", "function": {"name": "find", "description": "Find boots", "parameters": PARAMETERS}}]
TURN = [{"role": "user", "content": "Which boots?"}]
PICTURE = {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "AAAA"}}
TURN_WITH_IMAGE = [{"role": "user", "content": [PICTURE, {"type": "text", "text": "Which?"}]}]
OWN_TOOLS = [{"name": "find", "description": "Find boots", "input_schema": PARAMETERS}]

Entry = Callable[[Any, str], Awaitable[Any]]


class Answer(BaseModel):
    """What a parsed answer is made into."""

    answer: str


async def settled(value: Any) -> Any:
    """The value, awaited where it is to be."""
    return await value if inspect.isawaitable(value) else value


async def listed(stream: Any) -> list[Any]:
    """All that a stream gives, of either kind."""
    return [item async for item in stream] if hasattr(stream, "__aiter__") else list(stream)


@contextlib.asynccontextmanager
async def entered(manager: Any) -> AsyncIterator[Any]:
    """A context manager of either kind."""
    if hasattr(manager, "__enter__"):
        with manager as value:
            yield value
    else:
        async with manager as value:
            yield value


def _dumped(items: list[Any]) -> list[Any]:
    return [item.model_dump() for item in items]


# --- chat completions of OpenAI's client ---------------------------------------------------------------------------


async def chat_create(client: Any, side: str) -> Any:
    return (await settled(client.chat.completions.create(model="m", messages=CHAT, temperature=0.5))).model_dump()


async def chat_create_streamed(client: Any, side: str) -> Any:
    stream = await settled(client.chat.completions.create(model="m", messages=CHAT, stream=True))
    return _dumped(await listed(stream))


async def chat_stream(client: Any, side: str) -> Any:
    async with entered(client.chat.completions.stream(model="m", messages=CHAT)) as stream:
        await listed(stream)
        return (await settled(stream.get_final_completion())).model_dump()


async def chat_parse(client: Any, side: str) -> Any:
    asked = client.chat.completions.parse(model="m", messages=CHAT, response_format=Answer)
    return (await settled(asked)).choices[0].message.parsed


async def chat_with_raw_response(client: Any, side: str) -> Any:
    raw = await settled(client.chat.completions.with_raw_response.create(model="m", messages=CHAT))
    return raw.parse().model_dump()


async def chat_with_streaming_response(client: Any, side: str) -> Any:
    async with entered(client.chat.completions.with_streaming_response.create(model="m", messages=CHAT)) as raw:
        return (await settled(raw.parse())).model_dump()


async def chat_with_options(client: Any, side: str) -> Any:
    return await chat_create(client.with_options(timeout=7, max_retries=0), side)


async def chat_of_a_copy(client: Any, side: str) -> Any:
    return await chat_create(client.copy(default_headers={"x-app": "shoes"}), side)


async def chat_with_raw_client(client: Any, side: str) -> Any:
    raw = await settled(client.with_raw_response.chat.completions.create(model="m", messages=CHAT))
    return raw.parse().model_dump()


async def chat_with_tools(client: Any, side: str) -> Any:
    asked = client.chat.completions.create(model="m", messages=CHAT, tools=TOOLS, tool_choice="auto")
    return (await settled(asked)).model_dump()


async def chat_with_image(client: Any, side: str) -> Any:
    return (await settled(client.chat.completions.create(model="m", messages=CHAT_WITH_IMAGE))).model_dump()


async def chat_with_extra_body(client: Any, side: str) -> Any:
    extra = {"guided_choice": ["a", "b"], "messages": CHAT}
    asked = client.chat.completions.create(model="m", messages=TURN, extra_body=extra)
    return (await settled(asked)).model_dump()


CHAT_ENTRIES: dict[str, Entry] = {
    "chat.completions.create": chat_create,
    "chat.completions.create(stream=True)": chat_create_streamed,
    "chat.completions.stream": chat_stream,
    "chat.completions.parse": chat_parse,
    "chat.completions.with_raw_response": chat_with_raw_response,
    "chat.completions.with_streaming_response": chat_with_streaming_response,
    "with_options": chat_with_options,
    "copy": chat_of_a_copy,
    "with_raw_response": chat_with_raw_client,
    "tools": chat_with_tools,
    "images": chat_with_image,
    "extra_body": chat_with_extra_body,
}


# --- OpenAI's Responses API ----------------------------------------------------------------------------------------

ASKED = {"model": "m", "instructions": SYSTEM, "input": "Which boots?"}


async def responses_create(client: Any, side: str) -> Any:
    return (await settled(client.responses.create(**ASKED, store=False))).model_dump()


async def responses_create_streamed(client: Any, side: str) -> Any:
    return _dumped(await listed(await settled(client.responses.create(**ASKED, stream=True))))


async def responses_stream(client: Any, side: str) -> Any:
    async with entered(client.responses.stream(**ASKED)) as stream:
        await listed(stream)
        return (await settled(stream.get_final_response())).model_dump()


async def responses_parse(client: Any, side: str) -> Any:
    return (await settled(client.responses.parse(**ASKED, text_format=Answer))).output_parsed


async def responses_with_raw_response(client: Any, side: str) -> Any:
    return (await settled(client.responses.with_raw_response.create(**ASKED))).parse().model_dump()


async def responses_with_streaming_response(client: Any, side: str) -> Any:
    async with entered(client.responses.with_streaming_response.create(**ASKED)) as raw:
        return (await settled(raw.parse())).model_dump()


async def responses_with_tools(client: Any, side: str) -> Any:
    tool = {"type": "function", "name": "find", "parameters": PARAMETERS, "strict": False}
    return (await settled(client.responses.create(**ASKED, tools=[tool]))).model_dump()


async def responses_with_image(client: Any, side: str) -> Any:
    picture = {"type": "input_image", "detail": "low", "image_url": "data:image/png;base64,AAAA"}
    turn = {"role": "user", "content": [{"type": "input_text", "text": "Which?"}, picture]}
    return (await settled(client.responses.create(**{**ASKED, "input": [turn]}))).model_dump()


async def responses_with_options(client: Any, side: str) -> Any:
    return await responses_create(client.with_options(timeout=7), side)


async def responses_count(client: Any, side: str) -> Any:
    return (await settled(client.responses.input_tokens.count(**ASKED))).model_dump()


async def beta_responses_create(client: Any, side: str) -> Any:
    return (await settled(client.beta.responses.create(**ASKED))).model_dump()


RESPONSES_ENTRIES: dict[str, Entry] = {
    "responses.create": responses_create,
    "responses.create(stream=True)": responses_create_streamed,
    "responses.stream": responses_stream,
    "responses.parse": responses_parse,
    "responses.with_raw_response": responses_with_raw_response,
    "responses.with_streaming_response": responses_with_streaming_response,
    "responses: with_options": responses_with_options,
    "responses: tools": responses_with_tools,
    "responses: images": responses_with_image,
    "responses.input_tokens.count": responses_count,
    "beta.responses.create": beta_responses_create,
}


# --- Anthropic's Messages API --------------------------------------------------------------------------------------

MESSAGE = {"model": "m", "max_tokens": 50, "system": SYSTEM, "messages": TURN}


async def messages_create(client: Any, side: str) -> Any:
    return (await settled(client.messages.create(**MESSAGE))).model_dump()


async def messages_create_streamed(client: Any, side: str) -> Any:
    return _dumped(await listed(await settled(client.messages.create(**MESSAGE, stream=True))))


async def messages_stream(client: Any, side: str) -> Any:
    async with entered(client.messages.stream(**MESSAGE)) as stream:
        return (await listed(stream.text_stream), (await settled(stream.get_final_message())).model_dump())


async def messages_parse(client: Any, side: str) -> Any:
    return (await settled(client.messages.parse(**MESSAGE, output_format=Answer))).parsed_output


async def messages_with_raw_response(client: Any, side: str) -> Any:
    return (await settled((await settled(client.messages.with_raw_response.create(**MESSAGE))).parse())).model_dump()


async def messages_with_streaming_response(client: Any, side: str) -> Any:
    async with entered(client.messages.with_streaming_response.create(**MESSAGE)) as raw:
        return (await settled(raw.parse())).model_dump()


async def messages_with_options(client: Any, side: str) -> Any:
    return await messages_create(client.with_options(timeout=7, max_retries=0), side)


async def messages_of_a_copy(client: Any, side: str) -> Any:
    return await messages_create(client.copy(default_headers={"x-app": "shoes"}), side)


async def messages_with_tools(client: Any, side: str) -> Any:
    return (await settled(client.messages.create(**MESSAGE, tools=OWN_TOOLS))).model_dump()


async def messages_with_image(client: Any, side: str) -> Any:
    return (await settled(client.messages.create(**{**MESSAGE, "messages": TURN_WITH_IMAGE}))).model_dump()


async def messages_with_middleware(client: Any, side: str) -> Any:
    seen = []

    def middleware(request: Any, call_next: Any) -> Any:
        seen.append(request.url)
        return call_next(request)

    async def async_middleware(request: Any, call_next: Any) -> Any:
        seen.append(request.url)
        return await call_next(request)

    changed = client.with_middleware(async_middleware if side == "async" else middleware)
    return (await messages_create(changed, side), seen)


async def messages_count(client: Any, side: str) -> Any:
    asked = {name: value for name, value in MESSAGE.items() if name != "max_tokens"}
    return (await settled(client.messages.count_tokens(**asked))).model_dump()


async def beta_messages_create(client: Any, side: str) -> Any:
    return (await settled(client.beta.messages.create(**MESSAGE, betas=["some-beta"]))).model_dump()


async def beta_messages_stream(client: Any, side: str) -> Any:
    async with entered(client.beta.messages.stream(**MESSAGE)) as stream:
        return (await listed(stream.text_stream), (await settled(stream.get_final_message())).model_dump())


async def beta_messages_parse(client: Any, side: str) -> Any:
    return (await settled(client.beta.messages.parse(**MESSAGE, output_format=Answer))).parsed_output


async def beta_messages_tool_runner(client: Any, side: str) -> Any:
    runner = client.beta.messages.tool_runner(**MESSAGE, tools=[])
    return (await settled(runner.until_done())).model_dump()


MESSAGES_ENTRIES: dict[str, Entry] = {
    "messages.create": messages_create,
    "messages.create(stream=True)": messages_create_streamed,
    "messages.stream": messages_stream,
    "messages.parse": messages_parse,
    "messages.with_raw_response": messages_with_raw_response,
    "messages.with_streaming_response": messages_with_streaming_response,
    "with_options": messages_with_options,
    "copy": messages_of_a_copy,
    "with_middleware": messages_with_middleware,
    "tools": messages_with_tools,
    "images": messages_with_image,
    "messages.count_tokens": messages_count,
    "beta.messages.create": beta_messages_create,
    "beta.messages.stream": beta_messages_stream,
    "beta.messages.parse": beta_messages_parse,
    "beta.messages.tool_runner": beta_messages_tool_runner,
}


# --- Mistral's client ----------------------------------------------------------------------------------------------


def _named(part: Any, name: str, side: str) -> Any:
    return getattr(part, f"{name}_async" if side == "async" else name)


async def _events(stream: Any) -> Any:
    async with entered(await settled(stream)) as opened:
        return _dumped(await listed(opened))


async def mistral_complete(client: Any, side: str) -> Any:
    return (await settled(_named(client.chat, "complete", side)(model="m", messages=CHAT))).model_dump()


async def mistral_complete_models(client: Any, side: str) -> Any:
    from mistralai.client import models

    call = models.ToolCall(id="c12345678", function=models.FunctionCall(name="find", arguments={"size": 42}))
    chat = [
        models.SystemMessage(content=SYSTEM),
        models.UserMessage(content=[models.TextChunk(text="Which?"), models.ImageURLChunk(image_url="data:image/png")]),
        models.AssistantMessage(content="", tool_calls=[call]),
        {"role": "tool", "content": "brown", "tool_call_id": "c12345678", "name": "find"},
        models.UserMessage(content="Which boots?"),
    ]
    return (await settled(_named(client.chat, "complete", side)(model="m", messages=chat))).model_dump()


async def mistral_stream(client: Any, side: str) -> Any:
    return await _events(_named(client.chat, "stream", side)(model="m", messages=CHAT))


async def mistral_parse(client: Any, side: str) -> Any:
    asked = _named(client.chat, "parse", side)(response_format=Answer, model="m", messages=CHAT)
    return (await settled(asked)).choices[0].message.parsed


async def mistral_parse_stream(client: Any, side: str) -> Any:
    return await _events(_named(client.chat, "parse_stream", side)(Answer, model="m", messages=CHAT))


async def mistral_tools(client: Any, side: str) -> Any:
    return (await settled(_named(client.chat, "complete", side)(model="m", messages=CHAT, tools=TOOLS))).model_dump()


async def mistral_image(client: Any, side: str) -> Any:
    return (await settled(_named(client.chat, "complete", side)(model="m", messages=CHAT_WITH_IMAGE))).model_dump()


async def mistral_agent(client: Any, side: str) -> Any:
    return (await settled(_named(client.agents, "complete", side)(agent_id="a", messages=CHAT))).model_dump()


async def mistral_agent_stream(client: Any, side: str) -> Any:
    return await _events(_named(client.agents, "stream", side)(agent_id="a", messages=CHAT))


async def mistral_responses(client: Any, side: str) -> Any:
    return (await settled(_named(client.responses, "create", side)(**ASKED))).model_dump()


async def mistral_responses_streamed(client: Any, side: str) -> Any:
    return await _events(_named(client.responses, "create", side)(**ASKED, stream=True))


async def mistral_count(client: Any, side: str) -> Any:
    return (await settled(_named(client.responses, "count_input_tokens", side)(**ASKED))).model_dump()


MISTRAL_CHAT_ENTRIES: dict[str, Entry] = {
    "chat.complete": mistral_complete,
    "chat.complete, SDK's messages": mistral_complete_models,
    "chat.stream": mistral_stream,
    "chat.parse": mistral_parse,
    "chat.parse_stream": mistral_parse_stream,
    "tools": mistral_tools,
    "images": mistral_image,
    "agents.complete": mistral_agent,
    "agents.stream": mistral_agent_stream,
}
MISTRAL_RESPONSES_ENTRIES: dict[str, Entry] = {
    "responses.create": mistral_responses,
    "responses.create(stream=True)": mistral_responses_streamed,
    "responses.count_input_tokens": mistral_count,
}
