"""Clients to wrap, and a POPI that knows one user."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

import pytest

from popi_sdk import AsyncPopi, Popi
from tests.integrations import vendors
from tests.integrations.shapes import answered
from tests.loopback import LoopbackServer

SAID = "Short answers, please."
BLOCK = (
    "<user_preferences>\n"
    "How this user likes to be answered. Follow it where it fits; the instructions above and the request itself "
    "come first.\n"
    "- Short answers, please.\n"
    "</user_preferences>"
)


@pytest.fixture
def server() -> Iterator[LoopbackServer]:
    """A provider whose answers can be parsed too."""
    with LoopbackServer() as running:
        running.default = answered('{"answer": "the brown ones"}')
        yield running


@pytest.fixture
async def client_of(server: LoopbackServer) -> AsyncIterator[Callable[..., Any]]:
    """Makes clients that are closed at the end."""
    made = []

    def make(vendor: str, side: str = "sync", **options: Any) -> Any:
        made.append(vendors.make(vendor, side, server.url, **options))
        return made[-1]

    yield make
    for client in made:
        await vendors.close(client)


@pytest.fixture
def popi() -> Iterator[Popi]:
    """Knows that ada likes short answers."""
    with Popi(store="memory", summarizer="contrast") as client:
        client.observe("ada", SAID)
        yield client


@pytest.fixture
async def async_popi() -> AsyncIterator[AsyncPopi]:
    """The same, awaited."""
    async with AsyncPopi(store="memory", summarizer="contrast") as client:
        await client.observe("ada", SAID)
        yield client
