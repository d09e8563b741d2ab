"""What each provider's API answers, byte for byte in its own shape; spoken by the loopback server.

Shapes follow the providers' API references. Counts are fixed, so that tests can name them.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

PROMPT_TOKENS, COMPLETION_TOKENS, CACHED_TOKENS = 21, 7, 5
REASONING = "The user greets me; a short greeting is enough."


@dataclass(frozen=True)
class ToolCall:
    """A function the model asks for."""

    name: str
    arguments: dict[str, Any]
    id: str = "call_0001"


@dataclass(frozen=True)
class Said:
    """What the model says: text, tool calls, or both."""

    text: str = ""
    tool_calls: tuple[ToolCall, ...] = ()

    def pieces(self) -> list[str]:
        """The text in pieces of one word, as it streams."""
        words = self.text.split(" ")
        return [word if index == 0 else f" {word}" for index, word in enumerate(words)] if self.text else []


def provider_of(path: str) -> str:
    """The provider whose protocol a path belongs to: its first part, else what the path alone tells."""
    first = path.strip("/").split("/")[0]
    if first in ("openai", "anthropic", "mistral", "deepseek", "local"):
        return first
    return "anthropic" if path.endswith("/messages") else "openai"


def whole(provider: str, model: str, said: Said) -> dict[str, Any]:
    """The JSON body of an answer that is not streamed."""
    return _anthropic_whole(model, said) if provider == "anthropic" else _openai_whole(provider, model, said)


def events(provider: str, model: str, said: Said, request: dict[str, Any]) -> Iterator[bytes]:
    """The server-sent events of a streamed answer."""
    if provider == "anthropic":
        for event in _anthropic_events(model, said):
            yield f"event: {event['type']}\ndata: {json.dumps(event)}\n\n".encode()
        return
    wants_usage = bool((request.get("stream_options") or {}).get("include_usage"))
    for chunk in _openai_chunks(provider, model, said, wants_usage):
        yield f"data: {json.dumps(chunk)}\n\n".encode()
    yield b"data: [DONE]\n\n"


def _openai_usage(provider: str) -> dict[str, Any]:
    usage: dict[str, Any] = {
        "prompt_tokens": PROMPT_TOKENS,
        "completion_tokens": COMPLETION_TOKENS,
        "total_tokens": PROMPT_TOKENS + COMPLETION_TOKENS,
    }
    if provider == "openai":
        usage["prompt_tokens_details"] = {"cached_tokens": CACHED_TOKENS, "audio_tokens": 0}
        usage["completion_tokens_details"] = {"reasoning_tokens": 0, "audio_tokens": 0}
    if provider == "deepseek":
        usage["prompt_tokens_details"] = {"cached_tokens": CACHED_TOKENS}
        usage["prompt_cache_hit_tokens"] = CACHED_TOKENS
        usage["prompt_cache_miss_tokens"] = PROMPT_TOKENS - CACHED_TOKENS
        usage["completion_tokens_details"] = {"reasoning_tokens": 4}
    return usage


def _openai_calls(said: Said) -> list[dict[str, Any]]:
    return [
        {"id": call.id, "type": "function", "function": {"name": call.name, "arguments": json.dumps(call.arguments)}}
        for call in said.tool_calls
    ]


def _openai_whole(provider: str, model: str, said: Said) -> dict[str, Any]:
    message: dict[str, Any] = {"role": "assistant", "content": said.text or None}
    if said.tool_calls:
        message["tool_calls"] = _openai_calls(said)
    if provider == "openai":
        message |= {"refusal": None, "annotations": []}
    if provider == "deepseek" and model.endswith("reasoner"):
        message["reasoning_content"] = REASONING
    return {
        "id": "chatcmpl-0001",
        "object": "chat.completion",
        "created": 1760000000,
        "model": model,
        "choices": [
            {
                "index": 0,
                "message": message,
                "logprobs": None,
                "finish_reason": "tool_calls" if said.tool_calls else "stop",
            }
        ],
        "usage": _openai_usage(provider),
    }


def _openai_chunks(provider: str, model: str, said: Said, wants_usage: bool) -> Iterator[dict[str, Any]]:
    def chunk(delta: dict[str, Any], finish: str | None = None, **more: Any) -> dict[str, Any]:
        choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish}
        head = {"id": "chatcmpl-0001", "object": "chat.completion.chunk", "created": 1760000000, "model": model}
        return {**head, "choices": [choice], **more}

    yield chunk({"role": "assistant", "content": ""})
    if provider == "deepseek" and model.endswith("reasoner"):
        for piece in Said(REASONING).pieces():
            yield chunk({"content": None, "reasoning_content": piece})
    for piece in said.pieces():
        yield chunk({"content": piece})
    for index, call in enumerate(_openai_calls(said)):
        function = call["function"]
        yield chunk({"tool_calls": [{**call, "index": index, "function": {**function, "arguments": ""}}]})
        half = len(function["arguments"]) // 2
        for part in (function["arguments"][:half], function["arguments"][half:]):
            yield chunk({"tool_calls": [{"index": index, "function": {"arguments": part}}]})
    finish = "tool_calls" if said.tool_calls else "stop"
    if provider in ("mistral", "deepseek"):  # these send the usage in the last chunk, asked or not
        yield chunk({"content": ""}, finish, usage=_openai_usage(provider))
        return
    yield chunk({}, finish)
    if wants_usage:
        yield {**chunk({}), "choices": [], "usage": _openai_usage(provider)}


def _anthropic_usage() -> dict[str, Any]:
    return {
        "input_tokens": PROMPT_TOKENS - CACHED_TOKENS,
        "cache_creation_input_tokens": 0,
        "cache_read_input_tokens": CACHED_TOKENS,
        "output_tokens": COMPLETION_TOKENS,
    }


def _anthropic_whole(model: str, said: Said) -> dict[str, Any]:
    content: list[dict[str, Any]] = [{"type": "text", "text": said.text}] if said.text else []
    content += [
        {"type": "tool_use", "id": call.id, "name": call.name, "input": call.arguments} for call in said.tool_calls
    ]
    return {
        "id": "msg_0001",
        "type": "message",
        "role": "assistant",
        "model": model,
        "content": content,
        "stop_reason": "tool_use" if said.tool_calls else "end_turn",
        "stop_sequence": None,
        "usage": _anthropic_usage(),
    }


def _anthropic_events(model: str, said: Said) -> Iterator[dict[str, Any]]:
    message = {**_anthropic_whole(model, said), "content": [], "stop_reason": None}
    yield {"type": "message_start", "message": {**message, "usage": {**_anthropic_usage(), "output_tokens": 1}}}
    index = 0
    if said.text:
        yield {"type": "content_block_start", "index": index, "content_block": {"type": "text", "text": ""}}
        yield {"type": "ping"}
        for piece in said.pieces():
            yield {
                "type": "content_block_delta",
                "index": index,
                "delta": {"type": "text_delta", "text": piece},
            }
        yield {"type": "content_block_stop", "index": index}
        index += 1
    for call in said.tool_calls:
        block = {"type": "tool_use", "id": call.id, "name": call.name, "input": {}}
        yield {"type": "content_block_start", "index": index, "content_block": block}
        arguments = json.dumps(call.arguments)
        for part in ("", arguments[: len(arguments) // 2], arguments[len(arguments) // 2 :]):
            delta = {"type": "input_json_delta", "partial_json": part}
            yield {"type": "content_block_delta", "index": index, "delta": delta}
        yield {"type": "content_block_stop", "index": index}
        index += 1
    stop = "tool_use" if said.tool_calls else "end_turn"
    yield {
        "type": "message_delta",
        "delta": {"stop_reason": stop, "stop_sequence": None},
        "usage": {"output_tokens": COMPLETION_TOKENS},
    }
    yield {"type": "message_stop"}


_CODES = {
    400: "invalid_request_error",
    401: "invalid_api_key",
    403: "permission_denied",
    404: "model_not_found",
    429: "rate_limit_exceeded",
    500: "server_error",
    503: "overloaded",
}
_ANTHROPIC_TYPES = {
    400: "invalid_request_error",
    401: "authentication_error",
    403: "permission_error",
    404: "not_found_error",
    413: "request_too_large",
    429: "rate_limit_error",
    529: "overloaded_error",
}


def error(provider: str, status: int, message: str) -> dict[str, Any]:
    """The JSON body of an error with this status."""
    if provider == "anthropic":
        kind = _ANTHROPIC_TYPES.get(status, "api_error")
        return {"type": "error", "error": {"type": kind, "message": message}, "request_id": "req_0001"}
    if provider == "mistral":
        return {
            "object": "error",
            "message": message,
            "type": _CODES.get(status, "error"),
            "param": None,
            "code": "1800",
        }
    if provider == "local":  # vLLM
        return {"error": {"message": message, "type": "BadRequestError", "param": None, "code": status}}
    code = _CODES.get(status)
    kind = "invalid_request_error" if status < 429 else "server_error"
    return {"error": {"message": message, "type": kind, "param": None, "code": code}}


def error_event(provider: str, message: str) -> bytes:
    """The server-sent event with which a provider breaks off a stream because it is overloaded."""
    name = b"event: error\n" if provider == "anthropic" else b""
    return name + f"data: {json.dumps(error(provider, 529 if provider == 'anthropic' else 503, message))}\n\n".encode()


_TOO_LONG = {
    "openai": "This model's maximum context length is 128000 tokens. However, your messages resulted in 160012 tokens. "
    "Please reduce the length of the messages.",
    "anthropic": "prompt is too long: 208310 tokens > 200000 maximum",
    "mistral": "Prompt contains 65673 tokens and 0 draft tokens, too large for model with 32768 maximum context length",
    "deepseek": "This model's maximum context length is 131072 tokens. However, you requested 150020 tokens (142020 in "
    "the messages, 8000 in the completion). Please reduce the length of the messages or completion.",
    "local": "The decoder prompt (length 9000) is longer than the maximum model length of 8192. Make sure that "
    "`max_model_len` is no smaller than the number of text tokens.",
}


def too_long(provider: str) -> dict[str, Any]:
    """The body of a 400 in which the provider says, in its own words, that the request is too long."""
    body = error(provider, 400, _TOO_LONG[provider])
    if provider == "openai":
        body["error"] |= {"param": "messages", "code": "context_length_exceeded"}
    if provider == "mistral":
        body |= {"type": "invalid_request_prompt", "code": "3051"}
    return body
