"""What the loopback server answers at the addresses that only native clients ask: responses, counting, embeddings."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from tests.replies import Connection, Reply, ok

COUNTED = 42


def answered(text: str) -> Reply:
    """An answer in the shape of whatever was asked: chat, response, message, count or embedding."""

    async def reply(connection: Connection) -> None:
        path = connection.request.path.partition("?")[0]
        body = connection.request.body
        if path.endswith(("/count_tokens", "/input_tokens")):
            await connection.send_json({"object": "response.input_tokens", "input_tokens": COUNTED})
        elif path.endswith("/embeddings"):
            vector = {"object": "embedding", "index": 0, "embedding": [0.5]}
            usage = {"prompt_tokens": 1, "total_tokens": 1}
            await connection.send_json({"id": "e", "object": "list", "data": [vector], "model": "e", "usage": usage})
        elif path.endswith("/responses") and body.get("stream"):
            await connection.open_stream()
            for event in _response_events(body["model"], text):
                await connection.send_event(f"event: {event['type']}\ndata: {json.dumps(event)}\n\n".encode())
            await connection.end_stream()
        elif path.endswith("/responses"):
            await connection.send_json(_response(body["model"], text))
        else:
            # Mistral's agents are asked without a model; what was recorded of the request stays as it came.
            connection.request = replace(connection.request, body={"model": "an-agent", **body})
            await ok(text)(connection)

    return reply


def _response(model: str, text: str, status: str = "completed") -> dict[str, Any]:
    return {
        "id": "resp_0001",
        "object": "response",
        "created_at": 1760000000,
        "completed_at": 1760000001 if status == "completed" else None,
        "status": status,
        "background": False,
        "error": None,
        "incomplete_details": None,
        "instructions": None,
        "max_output_tokens": None,
        "max_tool_calls": None,
        "metadata": {},
        "model": model,
        "output": [_message(text)] if status == "completed" else [],
        "parallel_tool_calls": True,
        "presence_penalty": 0.0,
        "frequency_penalty": 0.0,
        "previous_response_id": None,
        "prompt_cache_key": None,
        "reasoning": {"effort": None, "summary": None},
        "safety_identifier": None,
        "service_tier": "default",
        "store": False,
        "temperature": 1.0,
        "text": {"format": {"type": "text"}},
        "tool_choice": "auto",
        "tools": [],
        "top_logprobs": 0,
        "top_p": 1.0,
        "truncation": "disabled",
        "usage": {
            "input_tokens": 21,
            "input_tokens_details": {"cached_tokens": 0},
            "output_tokens": 7,
            "output_tokens_details": {"reasoning_tokens": 0},
            "total_tokens": 28,
        },
    }


def _message(text: str) -> dict[str, Any]:
    return {
        "type": "message",
        "id": "msg_0001",
        "status": "completed",
        "role": "assistant",
        "content": [_part(text)],
    }


def _part(text: str) -> dict[str, Any]:
    return {"type": "output_text", "text": text, "annotations": [], "logprobs": []}


def _response_events(model: str, text: str) -> Iterator[dict[str, Any]]:
    place = {"item_id": "msg_0001", "output_index": 0, "content_index": 0}
    events: list[dict[str, Any]] = [
        {"type": "response.created", "response": _response(model, "", "in_progress")},
        {
            "type": "response.output_item.added",
            "output_index": 0,
            "item": {**_message(""), "status": "in_progress", "content": []},
        },
        {"type": "response.content_part.added", **place, "part": _part("")},
        *({"type": "response.output_text.delta", **place, "delta": letter, "logprobs": []} for letter in text),
        {"type": "response.output_text.done", **place, "text": text, "logprobs": []},
        {"type": "response.content_part.done", **place, "part": _part(text)},
        {"type": "response.output_item.done", "output_index": 0, "item": _message(text)},
        {"type": "response.completed", "response": _response(model, text)},
    ]
    for number, event in enumerate(events):
        yield {**event, "sequence_number": number}
