"""Real clients of the vendors, pointed at the loopback server; a vendor whose package is missing skips its tests."""

from __future__ import annotations

import inspect
from typing import Any

import pytest

from tests.integrations import entry_points as entries
from tests.loopback import KEY

ROUTES = {
    "openai": [("chat", entries.CHAT_ENTRIES), ("responses", entries.RESPONSES_ENTRIES)],
    "azure": [("chat", entries.CHAT_ENTRIES), ("responses", entries.RESPONSES_ENTRIES)],
    "deepseek": [("chat", entries.CHAT_ENTRIES)],
    "vllm": [("chat", entries.CHAT_ENTRIES)],
    "anthropic": [("messages", entries.MESSAGES_ENTRIES)],
    "mistral": [("chat", entries.MISTRAL_CHAT_ENTRIES), ("responses", entries.MISTRAL_RESPONSES_ENTRIES)],
}


def cases() -> list[Any]:
    """Every vendor, protocol and entry point, for pytest."""
    return [
        pytest.param(vendor, route, entry, id=f"{vendor}: {name}")
        for vendor, routes in ROUTES.items()
        for route, named in routes
        for name, entry in named.items()
    ]


def make(vendor: str, side: str, url: str, **options: Any) -> Any:
    """A client of this vendor."""
    if vendor == "anthropic":
        anthropic = pytest.importorskip("anthropic")
        kind = anthropic.AsyncAnthropic if side == "async" else anthropic.Anthropic
        return kind(api_key=KEY, base_url=f"{url}/anthropic", **options)
    if vendor == "mistral":
        pytest.importorskip("mistralai")
        from mistralai.client import Mistral

        return Mistral(api_key=KEY, server_url=f"{url}/mistral", **options)
    openai = pytest.importorskip("openai")
    if vendor == "azure":
        kind = openai.AsyncAzureOpenAI if side == "async" else openai.AzureOpenAI
        return kind(api_key=KEY, azure_endpoint=url, api_version="2025-04-01", **options)
    address = {"openai": f"{url}/openai/v1", "deepseek": f"{url}/deepseek", "vllm": f"{url}/local/v1"}[vendor]
    kind = openai.AsyncOpenAI if side == "async" else openai.OpenAI
    return kind(api_key=KEY, base_url=address, **options)


async def close(client: Any) -> None:
    """End a client's connections on the event loop that opened them."""
    if hasattr(client, "sdk_configuration"):
        configuration = client.sdk_configuration
        configuration.client.close()
        await configuration.async_client.aclose()
        return
    closing = client.close()
    if inspect.isawaitable(closing):
        await closing
