"""Words of users and models in spans: only when the standard environment variable asks for them."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from popi_sdk.backend.completion import Completion
from popi_sdk.summary import Summary

VARIABLE = "OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT"
_YES = ("true", "1", "span_only", "span_and_event")


def asked_for() -> bool:
    """Whether words may stand in spans."""
    return os.environ.get(VARIABLE, "").strip().lower() in _YES


def records(summary: Summary) -> str | None:
    """The summary as `gen_ai.memory.records`; None where words are not asked for, or there are none."""
    if not summary or not asked_for():
        return None
    return _json([{"content": summary.text, "id": str(summary.version)}])


def input_messages(messages: Sequence[Mapping[str, Any]]) -> str | None:
    """A request's chat as `gen_ai.input.messages`; None where words are not asked for."""
    if not asked_for():
        return None
    return _json([{"role": message.get("role", ""), "parts": list(_parts(message))} for message in messages])


def output_messages(completion: Completion, finish_reasons: Sequence[str] | None) -> str | None:
    """An answer as `gen_ai.output.messages`; None where words are not asked for."""
    if not asked_for():
        return None
    reason = finish_reasons[0] if finish_reasons else "stop"
    return _json([{"role": "assistant", "parts": list(_parts(completion.message)), "finish_reason": reason}])


def _parts(message: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """Text and tool calls; of images and sound only that they were there."""
    content = message.get("content")
    if message.get("role") == "tool":
        yield {"type": "tool_call_response", "id": message.get("tool_call_id"), "response": content}
    elif isinstance(content, str):
        yield {"type": "text", "content": content}
    else:
        for part in content or ():
            if isinstance(part, Mapping) and isinstance(part.get("text"), str):
                yield {"type": "text", "content": part["text"]}
            else:
                yield {"type": str(part.get("type", "other")) if isinstance(part, Mapping) else "other"}
    for call in message.get("tool_calls") or ():
        function = call.get("function", {})
        yield {
            "type": "tool_call",
            "id": call.get("id"),
            "name": function.get("name"),
            "arguments": function.get("arguments"),
        }


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, default=str)
