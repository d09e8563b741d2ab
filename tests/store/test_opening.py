"""Where a store is, how it is made, and how it comes to the current schema."""

# ruff: noqa: TID253 - the tests go to the database directly
from __future__ import annotations

import importlib.util
import os
import shutil
import sqlite3
import stat
import subprocess
import sys
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import text

from popi_sdk.errors import ConfigError, MissingExtraError, StoreError
from popi_sdk.signals import Persona, PreferencePair, Statement
from popi_sdk.store import engines, open_store, reading, schema, upgrade
from popi_sdk.store.databases import Database
from popi_sdk.summary import Clause, Summary
from tests.postgres import PostgresServer

FIRST_REVISION = Path(__file__).parent / "revision_0001.sql"


@pytest.mark.parametrize(
    "url",
    [
        "",
        "popi.db",
        "Memory",
        "sqlite://",
        "sqlite:///",
        "sqlite:///:memory:",
        "sqlite:///popi.db?mode=ro",
        "sqlite://popi.db",
        "mysql://user:secret@host/popi",
        "postgres://user:secret@host/popi",
        "postgresql+psycopg2://user:secret@host/popi",
        "postgresql://user:secret@host:port/popi",
        None,
        Path("popi.db"),
    ],
)
def test_a_url_of_another_form_is_refused_with_the_forms_that_are_known(url: Any) -> None:
    with pytest.raises(ConfigError, match="sqlite:///path") as caught:
        open_store(url)
    assert "secret" not in str(caught.value)


def test_a_missing_driver_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    find = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name == "psycopg" else find(name))
    with pytest.raises(MissingExtraError, match=r"pip install \"popi-sdk\[postgres\]\""):
        open_store("postgresql://popi@127.0.0.1/popi")


def test_importing_the_store_loads_no_database_package() -> None:
    code = "import sys, popi_sdk.store; print(*(sys.modules.keys() & {'sqlalchemy', 'alembic', 'psycopg', 'sqlite3'}))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == ""


def test_opening_a_current_store_loads_no_alembic(url: str) -> None:
    open_store(url).close()
    code = "import sys; from popi_sdk.store import open_store; open_store(sys.argv[1]); print('alembic' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code, url], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"


def test_a_new_file_is_its_owners_only(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        store = open_store(f"sqlite:///{tmp_path}/new/folder/popi.db")
        store.observe("default", "ada", [Statement("One.")])
        files = {path.name: stat.S_IMODE(path.stat().st_mode) for path in (tmp_path / "new" / "folder").iterdir()}
        assert files == {"popi.db": 0o600, "popi.db-wal": 0o600, "popi.db-shm": 0o600}
        assert stat.S_IMODE((tmp_path / "new" / "folder").stat().st_mode) == 0o700
        store.close()
    finally:
        os.umask(before)


def test_a_path_may_be_relative_to_here_or_to_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    open_store("sqlite:///here.db").close()
    open_store("sqlite:///~/at home/ünï %20#code.db").close()
    assert (tmp_path / "here.db").exists()
    assert (tmp_path / "home" / "at home" / "ünï %20#code.db").exists()


def test_a_relative_path_stays_where_it_was_opened(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    store = open_store("sqlite:///here.db")
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    store.observe("default", "ada", [Statement("One.")])
    store.close()
    assert not list((tmp_path / "elsewhere").iterdir())


def test_two_stores_in_memory_share_nothing() -> None:
    one, two = open_store("memory"), open_store("memory")
    one.observe("default", "ada", [Statement("One.")])
    assert two.read("default", "ada").signal_count == 0
    one.close()
    two.close()


def test_a_file_is_written_ahead_fully_synchronised_and_erased_for_good(tmp_path: Path) -> None:
    connected = engines.engines(engines.place(f"sqlite:///{tmp_path}/popi.db"))
    upgrade.bring_up_to_date(connected, "here")
    for engine in (connected.read, connected.snapshot, connected.write):
        with engine.connect() as connection:
            pragmas = ("journal_mode", "synchronous", "secure_delete", "busy_timeout", "temp_store")
            found = [connection.exec_driver_sql(f"PRAGMA {pragma}").scalar() for pragma in pragmas]
            assert found == ["wal", 2, 1, 30_000, 2]
    connected.write.dispose()


def migrated_to(url: str, revision: str) -> engines.Engines:
    """A database at an older revision."""
    from alembic import command
    from alembic.config import Config

    connected = engines.engines(engines.place(url))
    config = Config()
    config.set_main_option("script_location", str(upgrade.MIGRATIONS))
    with connected.write.begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, revision)
    return connected


def test_the_migrations_make_exactly_the_tables_of_the_schema(empty_url: str) -> None:
    open_store(empty_url).close()
    connected = engines.engines(engines.place(empty_url))
    with connected.read.connect() as connection:
        context = MigrationContext.configure(
            connection,
            opts={"version_table": schema.REVISION_TABLE, "compare_type": True, "compare_server_default": True},
        )
        assert compare_metadata(context, schema.metadata) == []
    connected.write.dispose()


def test_the_newest_revision_is_the_one_this_code_knows() -> None:
    assert ScriptDirectory(str(upgrade.MIGRATIONS)).get_heads() == [schema.REVISION]


def test_a_store_of_the_first_revision_is_read_with_all_it_holds(empty_url: str) -> None:
    if empty_url.startswith("sqlite"):
        with closing(sqlite3.connect(empty_url.removeprefix("sqlite:///"))) as file:
            file.executescript(FIRST_REVISION.read_text())
    else:
        connected = migrated_to(empty_url, "0001")
        with connected.write.begin() as connection:
            for line in FIRST_REVISION.read_text().splitlines():
                if line.startswith("INSERT INTO") and schema.REVISION_TABLE not in line:
                    connection.exec_driver_sql(line)
        connected.write.dispose()
    store = open_store(empty_url)
    _check_first_revision(store)
    store.observe("shop", "ada", [Statement("Another one.")])
    assert store.read("shop", "ada").sequence == 4
    store.close()


def _check_first_revision(store: Any) -> None:
    profile = store.read("shop", "ada")
    assert (profile.signal_count, profile.sequence, profile.seen, profile.epoch) == (3, 3, 2, 1_767_268_800_000_001)
    assert (profile.summary.text, profile.summary.version, profile.summary.pinned) == ("Be kind.", 2, True)
    assert store.signals("shop", "ada") == (
        PreferencePair("Why?", "Because.", "It is a long story."),
        Statement("Short, please 🦜.", id="mine", source="untrusted", allow_training=True),
        Persona({"language": "French"}),
    )
    first, second = store.history("shop", "ada")
    assert first.clauses == (Clause("Keep answers short.", ("mine",), 0.75, "length"), Clause("Use lists.", ()))
    assert (first.signal_ids, first.tokens, first.raw_tokens, first.model) == (("mine",), 7, 70, "contrast")
    assert (dict(first.removed), first.estimated, second.model) == ({"url": 1}, True, "person")
    assert store.read("shop", "bob").summary.text == ""


def test_a_later_revision_is_applied_to_a_store_with_data(
    empty_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = open_store(empty_url)
    store.observe("default", "ada", [Statement("One.")])
    store.close()
    _add_revision(tmp_path, monkeypatch, 'op.add_column("popi_signals", sa.Column("weight", sa.Integer))')
    store = open_store(empty_url)
    assert store.signals("default", "ada") == (Statement("One."),)
    store.close()
    connected = engines.engines(engines.place(empty_url))
    with connected.read.connect() as connection:
        assert connection.execute(text("SELECT weight FROM popi_signals")).all() == [(None,)]
        assert connection.execute(text(f"SELECT version_num FROM {schema.REVISION_TABLE}")).all() == [("0002",)]
    connected.write.dispose()


def test_a_revision_that_fails_leaves_the_store_as_it_was(
    empty_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = open_store(empty_url)
    store.observe("default", "ada", [Statement("One.")])
    store.close()
    with monkeypatch.context() as later:
        _add_revision(tmp_path, later, 'op.drop_table("popi_summaries"); op.drop_table("there_is_no_such_table")')
        with pytest.raises(StoreError):
            open_store(empty_url)
    store = open_store(empty_url)
    assert store.save(store.read("default", "ada"), Summary((Clause("Be brief."),))) is not None
    store.close()


def _add_revision(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, change: str) -> None:
    folder = tmp_path / "migrations 100%"
    shutil.copytree(upgrade.MIGRATIONS, folder, ignore=shutil.ignore_patterns("__pycache__"))
    (folder / "versions" / "r0002_later.py").write_text(
        "import sqlalchemy as sa\nfrom alembic import op\nrevision = '0002'\ndown_revision = '0001'\n"
        f"def upgrade():\n    {change}\n"
    )
    monkeypatch.setattr(upgrade, "MIGRATIONS", folder)
    monkeypatch.setattr(schema, "REVISION", "0002")


def test_a_newer_store_is_refused_and_left_alone(empty_url: str) -> None:
    connected = migrated_to(empty_url, "head")
    newer = text(f"UPDATE {schema.REVISION_TABLE} SET version_num = '0999'")
    with connected.write.begin() as connection:
        connection.execute(newer)
    with pytest.raises(StoreError, match="made by a newer version of popi-sdk") as caught:
        open_store(empty_url)
    assert caught.value.hint.startswith("Upgrade popi-sdk")
    with connected.read.connect() as connection:
        assert connection.execute(text(f"SELECT version_num FROM {schema.REVISION_TABLE}")).scalar() == "0999"
    connected.write.dispose()


def test_the_apps_own_tables_and_alembic_are_left_alone(postgres_server: PostgresServer) -> None:
    url = postgres_server.new_database()
    connected = engines.engines(engines.place(url))
    with connected.write.begin() as connection:
        connection.exec_driver_sql("CREATE TABLE alembic_version (version_num varchar(32) PRIMARY KEY)")
        connection.exec_driver_sql("INSERT INTO alembic_version VALUES ('theirs')")
        connection.exec_driver_sql("CREATE TABLE users (id integer)")
    store = open_store(url)
    assert isinstance(store, Database)
    store.close()
    with connected.read.connect() as connection:
        assert connection.exec_driver_sql("SELECT version_num FROM alembic_version").all() == [("theirs",)]
        connection.exec_driver_sql("SELECT id FROM users")
    connected.write.dispose()


def test_reading_a_profile_goes_through_the_keys_only(tmp_path: Path) -> None:
    connected = engines.engines(engines.place(f"sqlite:///{tmp_path}/popi.db"))
    upgrade.bring_up_to_date(connected, "here")
    statement = str(reading.PROFILE)
    with connected.read.connect() as connection:
        names = {"namespace": "default", "user_id": "ada"}
        plan = [row[-1] for row in connection.execute(text(f"EXPLAIN QUERY PLAN {statement}"), names)]
    assert len(plan) == 2
    assert all(step.startswith("SEARCH") and "namespace=? AND user_id=?" in step for step in plan), plan
    connected.write.dispose()
