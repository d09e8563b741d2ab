"""The provider behind the proxy: the loopback server, and the Responses API of OpenAI besides.

`python -m tests.proxy.upstream` serves from a process of its own, which records nothing.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from json import dumps
from typing import Any

from tests.loopback import LoopbackServer
from tests.provider_shapes import Said
from tests.replies import Connection, Reply, ok

TEXT = "Hello from the loopback."


def answers(pause: float = 0.0) -> Reply:
    """An answer in the protocol of the request, streamed when it asks for that, after `pause` seconds."""
    usual = ok(TEXT)

    async def reply(connection: Connection) -> None:
        if pause:
            await connection.wait(pause)
        if not connection.request.path.endswith("/responses"):
            await usual(connection)
        elif not connection.request.body.get("stream"):
            await connection.send_json(_response(connection.request.body["model"], "completed"))
        else:
            await connection.open_stream()
            for event in _events(connection.request.body["model"]):
                await connection.send_event(f"event: {event['type']}\ndata: {dumps(event)}\n\n".encode())
            await connection.end_stream()

    return reply


def _response(model: str, status: str) -> dict[str, Any]:
    part = {"type": "output_text", "text": TEXT, "annotations": []}
    message = {"type": "message", "id": "msg_0001", "status": "completed", "role": "assistant", "content": [part]}
    return {
        "id": "resp_0001",
        "object": "response",
        "created_at": 1760000000,
        "status": status,
        "model": model,
        "output": [message] if status == "completed" else [],
        "parallel_tool_calls": True,
        "tool_choice": "auto",
        "tools": [],
        "usage": {
            "input_tokens": 21,
            "output_tokens": 7,
            "total_tokens": 28,
            "input_tokens_details": {"cached_tokens": 0},
            "output_tokens_details": {"reasoning_tokens": 0},
        },
    }


def _events(model: str) -> Iterator[dict[str, Any]]:
    message = {"type": "message", "id": "msg_0001", "status": "in_progress", "role": "assistant", "content": []}
    place = {"item_id": "msg_0001", "output_index": 0, "content_index": 0}
    part = {"type": "output_text", "text": "", "annotations": []}
    events: list[dict[str, Any]] = [
        {"type": "response.created", "response": _response(model, "in_progress")},
        {"type": "response.output_item.added", "output_index": 0, "item": message},
        {"type": "response.content_part.added", **place, "part": part},
        *({"type": "response.output_text.delta", **place, "delta": piece} for piece in Said(TEXT).pieces()),
        {"type": "response.output_text.done", **place, "text": TEXT},
        {"type": "response.completed", "response": _response(model, "completed")},
    ]
    for number, event in enumerate(events):
        yield {**event, "sequence_number": number}


def main() -> None:
    """Serve until terminated; prints the url."""
    server = LoopbackServer()
    server.default = answers()
    server.recording = False
    with server:
        sys.stdout.write(f"{server.url}\n")
        sys.stdout.flush()
        server._thread.join()


if __name__ == "__main__":
    main()
