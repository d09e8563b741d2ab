"""A PostgreSQL server that goes away, comes back, or says no."""

# ruff: noqa: TID253 - the tests go to the database directly
from __future__ import annotations

import asyncio
import socket
import traceback

import pytest
from sqlalchemy import Connection, text

from popi_sdk.errors import StoreError
from popi_sdk.signals import Statement
from popi_sdk.store import engines, open_async_store, open_store
from popi_sdk.store.databases import transact
from tests.postgres import PostgresServer
from tests.store.worker import numbered


def test_reads_and_writes_go_on_after_a_restart(postgres_server: PostgresServer, namespace: str) -> None:
    store = open_store(postgres_server.new_database())
    store.observe(namespace, "ada", numbered(0, 1))
    for again in (postgres_server.stop, postgres_server.kill):
        again()
        postgres_server.start()
        assert store.read(namespace, "ada").signal_count == 1
        again()
        postgres_server.start()
        assert store.observe(namespace, "ada", numbered(0, 1)) == 0
    store.close()


async def test_an_async_store_goes_on_after_a_restart(postgres_server: PostgresServer, namespace: str) -> None:
    store = await open_async_store(postgres_server.new_database())
    await asyncio.gather(*(store.observe(namespace, "ada", numbered(n, n + 1)) for n in range(5)))
    postgres_server.kill()
    postgres_server.start()
    assert (await store.read(namespace, "ada")).signal_count == 5
    postgres_server.stop()
    postgres_server.start()
    assert await store.observe(namespace, "ada", numbered(0, 6)) == 1
    await store.close()


def test_a_server_that_is_away_is_told_and_may_be_tried_again(postgres_server: PostgresServer, namespace: str) -> None:
    store = open_store(postgres_server.new_database())
    store.observe(namespace, "ada", numbered(0, 1))
    postgres_server.stop()
    for call in (lambda: store.read(namespace, "ada"), lambda: store.observe(namespace, "ada", numbered(0, 2))):
        with pytest.raises(StoreError, match="cannot be reached") as caught:
            call()
        assert caught.value.retryable
    postgres_server.start()
    assert store.read(namespace, "ada").signal_count == 1
    store.close()


def test_a_connection_lost_during_a_commit_leaves_the_outcome_open(postgres_server: PostgresServer) -> None:
    place = engines.place(postgres_server.new_database())
    connected = engines.engines(place)

    def write_and_be_cut_off(connection: Connection) -> None:
        connection.execute(text("CREATE TABLE half (id integer)"))
        process = connection.execute(text("SELECT pg_backend_pid()")).scalar()
        with connected.read.connect() as other:
            other.execute(text("SELECT pg_terminate_backend(:process, 5000)"), {"process": process})

    lost = pytest.raises(StoreError, match="was lost while it confirmed a change")
    with connected.write.connect() as connection, lost as caught:
        transact(connection, place.label, write_and_be_cut_off)
    assert caught.value.retryable
    connected.write.dispose()


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@pytest.mark.parametrize("open_it", [open_store, lambda url: asyncio.run(open_async_store(url))])
def test_nobody_there_is_told_without_the_password(postgres_server: PostgresServer, open_it: object) -> None:
    assert callable(open_it)
    url = f"postgresql://popi:secret@127.0.0.1:{free_port()}/popi?password=secret&connect_timeout=3"
    with pytest.raises(StoreError, match=r"PostgreSQL on 127.0.0.1:\d+ cannot be reached") as caught:
        open_it(url)
    assert caught.value.retryable
    told = "".join(traceback.format_exception_only(caught.value))
    assert "secret" not in told
    assert "secret" not in str(caught.value.__cause__)


def test_a_missing_database_is_told(postgres_server: PostgresServer) -> None:
    url = postgres_server.new_database() + "_missing"
    with pytest.raises(StoreError, match="does not have the database"):
        open_store(url)


def test_a_user_without_rights_is_told(postgres_server: PostgresServer) -> None:
    url = postgres_server.new_database()
    connected = engines.engines(engines.place(url))
    with connected.write.begin() as connection:
        connection.exec_driver_sql("CREATE ROLE guest LOGIN")
    connected.write.dispose()
    as_guest = url.replace("//popi@", "//guest@")
    with pytest.raises(StoreError, match="does not let this user do that"):
        open_store(as_guest)
    with pytest.raises(StoreError, match="refused this user"):
        open_store(url.replace("//popi@", "//stranger@"))
    open_store(url).close()
    with pytest.raises(StoreError, match="does not let this user do that"):
        open_store(as_guest)


def test_a_server_that_only_reads_is_told(postgres_server: PostgresServer, namespace: str) -> None:
    url = postgres_server.new_database()
    open_store(url).close()
    store = open_store(f"{url}?options=-c%20default_transaction_read_only%3Don")
    assert store.read(namespace, "ada").signal_count == 0
    with pytest.raises(StoreError, match="cannot be written"):
        store.observe(namespace, "ada", numbered(0, 1))
    store.close()


def test_a_server_with_stricter_transactions_by_default_works_alike(
    postgres_server: PostgresServer, namespace: str
) -> None:
    url = postgres_server.new_database()
    store = open_store(f"{url}?options=-c%20default_transaction_isolation%3Dserializable")
    store.observe(namespace, "ada", numbered(0, 3))
    assert store.export(namespace, "ada")["signal_count"] == 3
    store.close()


def test_what_was_said_is_in_no_error(postgres_server: PostgresServer, namespace: str) -> None:
    url = postgres_server.new_database()
    store = open_store(url)
    connected = engines.engines(engines.place(url))
    with connected.write.begin() as connection:
        connection.exec_driver_sql("ALTER TABLE popi_signals ADD CONSTRAINT short CHECK (length(body) < 10)")
    connected.write.dispose()
    with pytest.raises(StoreError, match="failed") as caught:
        store.observe(namespace, "ada", [Statement("My doctor says")])
    assert "doctor" not in str(caught.value)
    assert "doctor" not in caught.value.hint
    store.close()
