"""Every kind of store behind one fixture: the same sentences must be true of all of them."""

from __future__ import annotations

import asyncio
import inspect
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, cast

import pytest

from popi_sdk.store import AsyncStore, Store, open_async_store, open_store
from tests.postgres import PostgresServer, postgres_server, postgres_url  # noqa: F401

KINDS = ("sqlite", "memory", "postgresql", "async sqlite", "async postgresql")


class Awaited:
    """An AsyncStore whose methods are awaited for the caller, one event loop for all of them."""

    def __init__(self, url: str) -> None:
        self._runner = asyncio.Runner()
        self._store: AsyncStore = self._runner.run(open_async_store(url))

    def __getattr__(self, name: str) -> Callable[..., Any]:
        method = getattr(self._store, name)
        assert inspect.iscoroutinefunction(method)
        return lambda *arguments, **named: self._runner.run(method(*arguments, **named))

    def close(self) -> None:
        self._runner.run(self._store.close())
        self._runner.close()


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The URL of a store that several processes can share, on either database."""
    return _url(request.param, request, tmp_path)


@pytest.fixture(params=["sqlite", "postgresql"])
def empty_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """A database of the test's own, without tables."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/popi.db"
    server: PostgresServer = request.getfixturevalue("postgres_server")
    return server.new_database()


@pytest.fixture(params=KINDS)
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    """An open store of every kind."""
    kind = request.param
    url = _url(kind.removeprefix("async "), request, tmp_path)
    opened = cast(Store, Awaited(url)) if kind.startswith("async") else open_store(url)
    yield opened
    opened.close()


def _url(kind: str, request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if kind == "postgresql":
        return cast(str, request.getfixturevalue("postgres_url"))
    return "memory" if kind == "memory" else f"sqlite:///{tmp_path}/popi.db"


@pytest.fixture
def namespace() -> str:
    """A namespace of this test's own; the PostgreSQL database is shared by all tests."""
    return uuid.uuid4().hex
