"""Keeps LiteLLM's asynchronous HTTP client from repeating a request of ours behind our back.

When a connection breaks (from LiteLLM 1.108 on: when none comes about), that client sends the request once more,
whatever retries are asked for, through a second client that it closes before a stream is read, so that the stream
breaks off in the middle. No setting switches it off. Other calls an app makes through LiteLLM keep it.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

_REPEATING = ("single_connection_post_request", "single_connection_request")
"""What LiteLLM calls its repetition, before 1.108 and from then on."""

_ours: ContextVar[bool] = ContextVar("popi_sdk_one_attempt", default=False)


@contextmanager
def one_attempt() -> Iterator[None]:
    """Within this block, in this task only, a broken connection is raised at once."""
    token = _ours.set(True)
    try:
        yield
    finally:
        _ours.reset(token)


def teach_one_attempt() -> None:
    """Make LiteLLM's client heed `one_attempt`; a version without that repetition is left as it is."""
    from litellm.llms.custom_httpx.http_handler import AsyncHTTPHandler

    client: Any = AsyncHTTPHandler
    for name in _REPEATING:
        if hasattr(client, name):
            setattr(client, name, _unless_ours(getattr(client, name)))


def _unless_ours(repeat: Callable[..., Awaitable[Any]]) -> Callable[..., Awaitable[Any]]:
    async def repeat_unless_ours(self: Any, *arguments: Any, **named: Any) -> Any:
        if _ours.get():
            raise  # what broke the first attempt: this is called while it is being handled
        return await repeat(self, *arguments, **named)

    return repeat_unless_ours
