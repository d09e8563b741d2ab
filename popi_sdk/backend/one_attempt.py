"""Keeps LiteLLM's asynchronous HTTP client from repeating a request of ours behind our back.

When a connection breaks, that client sends the request once more, whatever retries are asked for, through a second
client that it closes before a stream is read: the server sees two requests, and the stream breaks off in the middle.
No setting switches it off. Other calls an app makes through LiteLLM keep it.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

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
    repeat = getattr(client, "single_connection_post_request", None)
    if repeat is None:
        return

    async def repeat_unless_ours(self: Any, *arguments: Any, **named: Any) -> Any:
        if _ours.get():
            raise  # what broke the first attempt: this is called while it is being handled
        return await repeat(self, *arguments, **named)

    client.single_connection_post_request = repeat_unless_ours
