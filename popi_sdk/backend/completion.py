"""What a provider answered, as plain data; made by the backend, read by the client and by remote summarizers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

_KEPT_BESIDE_TOOL_CALLS = ("reasoning_content", "thinking_blocks")
"""DeepSeek and Anthropic ask for these back in the turn after a tool call; elsewhere DeepSeek refuses them."""


@dataclass(frozen=True, slots=True)
class Usage:
    """Tokens of one call, as the provider counted them; 0 where it did not say."""

    prompt_tokens: int = 0
    completion_tokens: int = 0
    total_tokens: int = 0
    cached_tokens: int = 0
    """The part of `prompt_tokens` that the provider read from its cache."""


@dataclass(frozen=True, slots=True)
class Completion:
    """One answer of a model."""

    text: str
    """The answer; "" when the model only called tools."""
    message: dict[str, Any]
    """The assistant message, ready to append to the chat."""
    model: str
    """Name of the ModelSpec that answered."""
    usage: Usage
    cost_usd: float | None
    """US dollars; None when the model's price is unknown."""
    raw: Any
    """LiteLLM's own response."""
    warnings: tuple[str, ...] = ()
    """What went wrong before this answer came, such as a model that failed and was replaced."""


def completion_from(response: Any, model: str) -> Completion:
    """Read LiteLLM's response.

    Raises:
        ValueError: the response holds no assistant message.
    """
    choices = getattr(response, "choices", None)
    message = getattr(choices[0], "message", None) if choices else None
    if message is None:
        raise ValueError("the response holds no message")
    content = getattr(message, "content", None)
    return Completion(
        text=_text(content),
        message=_plain_message(message, content),
        model=model,
        usage=_usage(getattr(response, "usage", None)),
        cost_usd=_cost(response),
        raw=response,
    )


def _text(content: Any) -> str:
    if isinstance(content, str):
        return content
    parts = (part.get("text") for part in content or () if isinstance(part, dict) and part.get("type") == "text")
    return "".join(part for part in parts if isinstance(part, str))


def _plain_message(message: Any, content: Any) -> dict[str, Any]:
    plain: dict[str, Any] = {"role": "assistant", "content": content}
    tool_calls = getattr(message, "tool_calls", None)
    if tool_calls:
        plain["tool_calls"] = [_plain(call) for call in tool_calls]
        for name in _KEPT_BESIDE_TOOL_CALLS:
            if value := getattr(message, name, None):
                plain[name] = value
    function_call = getattr(message, "function_call", None)
    if function_call:
        plain["function_call"] = _plain(function_call)
    return plain


def _plain(value: Any) -> Any:
    """A tool call as the API takes it back; `index`, which LiteLLM adds, is refused by some."""
    return value.model_dump(exclude={"index"}, exclude_none=True) if hasattr(value, "model_dump") else value


def _usage(usage: Any) -> Usage:
    details = getattr(usage, "prompt_tokens_details", None)
    prompt, answer = _count(usage, "prompt_tokens"), _count(usage, "completion_tokens")
    return Usage(prompt, answer, _count(usage, "total_tokens") or prompt + answer, _count(details, "cached_tokens"))


def _count(holder: Any, name: str) -> int:
    value = getattr(holder, name, None)
    return value if isinstance(value, int) else 0


def _cost(response: Any) -> float | None:
    hidden = getattr(response, "_hidden_params", None)
    cost = hidden.get("response_cost") if hidden else None
    return float(cost) if isinstance(cost, (int, float)) else None
