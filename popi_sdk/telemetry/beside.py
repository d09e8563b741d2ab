"""LiteLLM's own OpenTelemetry callbacks: which of them are active, and under which span they are to write.

Given no parent, LiteLLM writes what it knows of a call into whatever span is current, from a thread that is often late:
the span has ended, and all of it is lost. So a call with such a callback is told its parent, as LiteLLM's proxy does.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from typing import Any

_PARENT = "litellm_parent_otel_span"
"""The key of LiteLLM's `metadata` that names the parent; it is sent to no provider."""
_LISTS = ("callbacks", "success_callback", "failure_callback", "_async_success_callback", "_async_failure_callback")
_WRITERS = ("OpenTelemetry", "OpenTelemetryV2")
_NAMES = frozenset(
    ("agentops", "arize", "arize_phoenix", "langfuse_otel", "langtrace", "levo", "otel", "signoz", "weave_otel")
)
"""Callbacks that LiteLLM turns into one of these writers at the first call."""


def litellm_tells_of_calls() -> bool:
    """Whether the `otel` callback is active: it and POPI would both tell of each call. Others write elsewhere."""
    return any(
        callback == "otel"
        if isinstance(callback, str)
        else type(callback).__name__ in _WRITERS and getattr(callback, "callback_name", None) in (None, "otel")
        for callback in _writers()
    )


def with_parent(options: Mapping[str, Any]) -> Mapping[str, Any]:
    """The options of a call, with the current span as parent of what LiteLLM's OpenTelemetry callbacks write."""
    metadata = options.get("metadata")
    if not any(True for _ in _writers()) or not isinstance(metadata, Mapping | None) or _PARENT in (metadata or {}):
        return options
    from opentelemetry import trace

    span = trace.get_current_span()
    if not span.get_span_context().is_valid:
        return options
    return {**options, "metadata": {**(metadata or {}), _PARENT: span}}


def _writers() -> Iterator[Any]:
    litellm = sys.modules.get("litellm")
    for name in _LISTS:
        for callback in getattr(litellm, name, None) or ():
            if callback in _NAMES if isinstance(callback, str) else _is_writer(type(callback)):
                yield callback


def _is_writer(kind: type) -> bool:
    return any(base.__name__ in _WRITERS and base.__module__.startswith("litellm.") for base in kind.__mro__)
