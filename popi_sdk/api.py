"""The module-level functions: one default client each for threads and for every event loop, made on first use."""

from __future__ import annotations

import asyncio
from threading import Lock
from typing import Any

from popi_sdk.async_client import AsyncPopi
from popi_sdk.client import Popi
from popi_sdk.composer import ChatMessage, Prompt
from popi_sdk.intake import SignalsLike
from popi_sdk.reply import Reply
from popi_sdk.streams import AsyncReplyStream, ReplyStream
from popi_sdk.summary import Summary

_lock = Lock()
_client: Popi | None = None
_async_clients: dict[asyncio.AbstractEventLoop, AsyncPopi] = {}
_closing: set[asyncio.Task[None]] = set()
"""Clients of event loops that have ended, on their way out; asyncio itself would forget these tasks."""


def personalize(prompt: Prompt, signals: SignalsLike = (), **options: Any) -> Reply:
    """Answer `prompt` the way the user behind `signals` likes to be answered; see `Popi.personalize`."""
    return default_client().personalize(prompt, signals, **options)


async def apersonalize(prompt: Prompt, signals: SignalsLike = (), **options: Any) -> Reply:
    """`personalize`, awaited."""
    return await default_async_client().personalize(prompt, signals, **options)


def stream(prompt: Prompt, signals: SignalsLike = (), **options: Any) -> ReplyStream:
    """Answer piece by piece; see `Popi.stream`."""
    return default_client().stream(prompt, signals, **options)


def astream(prompt: Prompt, signals: SignalsLike = (), **options: Any) -> AsyncReplyStream:
    """`stream` for `async with`."""
    return default_async_client().stream(prompt, signals, **options)


def compose(prompt: Prompt, signals: SignalsLike = (), **options: Any) -> list[ChatMessage]:
    """The chat messages exactly as they would be sent; no call to the backend. See `Popi.compose`."""
    return default_client().compose(prompt, signals, **options)


def summarize(signals: SignalsLike) -> Summary:
    """Infer a summary from `signals`; see `Popi.summarize`.

    >>> len(summarize(["Please answer in metric units."]).signal_ids)
    1
    """
    return default_client().summarize(signals)


def default_client() -> Popi:
    """The client behind the module-level functions, configured from the working folder and the environment."""
    global _client
    if _client is None:
        with _lock:
            if _client is None:
                _client = Popi()
    return _client


def default_async_client() -> AsyncPopi:
    """The same for the running event loop; connections cannot be shared between loops."""
    loop = asyncio.get_running_loop()
    if loop not in _async_clients:
        for ended in [other for other in _async_clients if other.is_closed()]:
            _closing.add(closing := loop.create_task(_async_clients.pop(ended).close()))
            closing.add_done_callback(_closing.discard)
        _async_clients[loop] = AsyncPopi()
    return _async_clients[loop]
