"""What `observe` has returned for is there, whatever is killed; a database that fails says so in plain words."""

from __future__ import annotations

import contextlib
import itertools
import os
import random
import resource
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
import traceback
from collections.abc import Iterator
from pathlib import Path

import pytest

from popi_sdk.errors import StoreError
from popi_sdk.signals import Statement
from popi_sdk.store import Store, engines, open_store
from tests.postgres import PostgresServer
from tests.store.worker import Worker, numbered

SECRET = "My doctor says"


def ids(store: Store, namespace: str, user_id: str = "ada") -> list[str]:
    return [signal.id for signal in store.signals(namespace, user_id)]


@pytest.mark.parametrize("batch", [1, 7])
def test_a_killed_process_loses_nothing_it_was_promised(url: str, namespace: str, batch: int) -> None:
    worker = Worker(url, namespace, "ada", 0, 10_000, batch)
    worker.wait_until_ready()
    worker.go()
    moment = random.randint(100, 600)
    for _ in range(moment):
        worker.kept()
    worker.process.send_signal(signal.SIGKILL)
    code, rest, errors = worker.end()
    assert (code, errors) == (-signal.SIGKILL, "")
    promised = max([moment * batch, *(int(line.split()[1]) for line in rest.splitlines())])
    store = open_store(url)
    found = ids(store, namespace)
    assert found == [f"s{number}" for number in range(len(found))], "no gap, no repeat"
    # One more call may have been kept just before its promise could be printed; never half of one.
    assert len(found) in (promised, promised + batch)
    assert store.read(namespace, "ada").signal_count == len(found)
    assert store.observe(namespace, "ada", numbered(0, 10_000)) == 10_000 - len(found)
    store.close()


def test_a_killed_server_loses_nothing_it_was_promised(postgres_server: PostgresServer, namespace: str) -> None:
    url = postgres_server.new_database()
    worker = Worker(url, namespace, "ada", 0, 1500, 3, "patient")
    worker.wait_until_ready()
    worker.go()
    promised = [worker.kept() for _ in range(random.randint(20, 150))][-1]
    postgres_server.kill()
    postgres_server.start()
    store = open_store(url)
    assert len(ids(store, namespace)) >= promised
    code, rest, errors = worker.end()
    assert code == 0, errors
    assert "again" in rest, "the server was away in the middle"
    assert ids(store, namespace) == [f"s{number}" for number in range(1500)]
    store.close()


@contextlib.contextmanager
def small_disk(size: str) -> Iterator[Path]:
    folder = Path(tempfile.mkdtemp(prefix="popi-disk-"))
    command = ["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(folder)]
    mounted = os.geteuid() == 0 and subprocess.run(command, capture_output=True, check=False).returncode == 0
    try:
        if not mounted:
            pytest.skip("a small disk cannot be mounted here; that needs root")
        yield folder
    finally:
        if mounted:
            subprocess.run(["umount", "-l", str(folder)], check=True)
        folder.rmdir()


def test_a_full_disk_is_told_and_loses_nothing() -> None:
    with small_disk("1m") as folder:
        store = open_store(f"sqlite:///{folder}/popi.db")
        with pytest.raises(StoreError, match="has no room left on its disk") as caught:
            _observe_for_ever(store)
        kept = store.read("default", "ada").signal_count
        assert kept > 20
        assert caught.value.retryable
        assert SECRET not in "".join(traceback.format_exception(caught.value))
        assert ids(store, "default") == [f"s{number}" for number in range(kept)]
        subprocess.run(["mount", "-o", "remount,size=4m", str(folder)], check=True)
        assert store.observe("default", "ada", [Statement("Room again.", id=f"s{kept}")]) == 1
        store.close()
        store = open_store(f"sqlite:///{folder}/popi.db")
        assert ids(store, "default") == [f"s{number}" for number in range(kept + 1)]
        store.close()


def _observe_for_ever(store: Store) -> None:
    for number in itertools.count():
        store.observe("default", "ada", [Statement(f"{SECRET} {'x' * 2000}", id=f"s{number}")])
        assert store.read("default", "ada").signal_count == number + 1


def test_a_full_disk_is_told_on_opening() -> None:
    with small_disk("8k") as folder:
        (folder / "full").write_bytes(b"x" * 8192)
        with pytest.raises(StoreError, match="has no room left on its disk"):
            open_store(f"sqlite:///{folder}/popi.db")


FILE_LIMIT = """
import resource, signal, sys
from popi_sdk.errors import StoreError
from popi_sdk.signals import Statement
from popi_sdk.store import open_store
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
store = open_store(sys.argv[1])
resource.setrlimit(resource.RLIMIT_FSIZE, (300_000, resource.RLIM_INFINITY))
kept = 0
try:
    while True:
        store.observe("default", "ada", [Statement("x" * 2000, id=f"s{kept}")])
        kept += 1
except StoreError as error:
    print(kept, error)
"""


def test_a_file_that_may_not_grow_is_told_and_loses_nothing(tmp_path: Path) -> None:
    assert resource.getrlimit(resource.RLIMIT_FSIZE)[1] == resource.RLIM_INFINITY
    url = f"sqlite:///{tmp_path}/popi.db"
    done = subprocess.run([sys.executable, "-c", FILE_LIMIT, url], capture_output=True, text=True, check=True)
    kept, message = done.stdout.split(maxsplit=1)
    assert "could not be read from or written to its disk" in message or "no room left" in message
    assert int(kept) > 5
    store = open_store(url)
    assert ids(store, "default") == [f"s{number}" for number in range(int(kept))]
    store.close()


@contextlib.contextmanager
def ordinary_user() -> Iterator[None]:
    """Root may write everywhere, so these lines run as nobody."""
    if os.geteuid() != 0:
        yield
        return
    os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(0)


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """A folder that another user can reach too."""
    open_store("memory").close()  # Imports what opening needs, which another user may not be allowed to read.
    folder = Path(tempfile.mkdtemp(prefix="popi-folder-"))
    folder.chmod(0o755)
    yield folder
    folder.chmod(0o755)
    shutil.rmtree(folder)


def test_a_read_only_folder_is_told(open_folder: Path) -> None:
    open_folder.chmod(0o555)
    with ordinary_user():
        with pytest.raises(StoreError, match="cannot be written") as caught:
            open_store(f"sqlite:///{open_folder}/popi.db")
        with pytest.raises(StoreError, match="cannot be written"):
            open_store(f"sqlite:///{open_folder}/new/popi.db")
    assert caught.value.hint
    assert not caught.value.retryable


@pytest.mark.parametrize(("file_mode", "folder_mode"), [(0o444, 0o555), (0o444, 0o777), (0o666, 0o555), (0o000, 0o777)])
def test_a_read_only_file_is_told_and_loses_nothing(open_folder: Path, file_mode: int, folder_mode: int) -> None:
    path = open_folder / "popi.db"
    store = open_store(f"sqlite:///{path}")
    store.observe("default", "ada", [Statement(SECRET)])
    store.close()
    path.chmod(file_mode)
    open_folder.chmod(folder_mode)
    with ordinary_user(), pytest.raises(StoreError, match=r"cannot be (written|opened)") as caught:
        open_store(f"sqlite:///{path}").observe("default", "ada", [Statement("More.")])
    assert caught.value.hint
    open_folder.chmod(0o755)
    store = open_store(f"sqlite:///{path}")
    assert store.signals("default", "ada") == (Statement(SECRET),)
    store.close()


@pytest.mark.parametrize("content", [b"not a database, but long enough to be taken for one " * 100, b"short"])
def test_a_file_that_is_no_database_is_told_and_left_alone(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "popi.db"
    path.write_bytes(content)
    with pytest.raises(StoreError, match="is not a database or is damaged"):
        open_store(f"sqlite:///{path}")
    assert path.read_bytes() == content


def test_a_folder_in_the_place_of_the_file_is_told(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="cannot be opened"):
        open_store(f"sqlite:///{tmp_path}")


def test_a_file_in_the_place_of_the_folder_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(StoreError, match="cannot be opened"):
        open_store(f"sqlite:///{tmp_path}/file/popi.db")


def test_a_damaged_database_is_told(tmp_path: Path) -> None:
    path = tmp_path / "popi.db"
    store = open_store(f"sqlite:///{path}")
    store.observe("default", "ada", [Statement(SECRET + "x" * 5000, id=f"s{number}") for number in range(50)])
    store.close()
    size = path.stat().st_size
    with path.open("r+b") as file:
        file.seek(8192)
        file.write(os.urandom(size - 8192))
    with pytest.raises(StoreError, match="is not a database or is damaged") as caught:
        open_store(f"sqlite:///{path}").signals("default", "ada")
    assert SECRET not in "".join(traceback.format_exception(caught.value))


def test_a_lock_held_too_long_is_told_and_readers_go_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engines, "LOCK_SECONDS", 0.2)
    path = tmp_path / "popi.db"
    store = open_store(f"sqlite:///{path}")
    store.observe("default", "ada", [Statement("One.")])
    with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(StoreError, match="stayed locked by another process") as caught:
            store.observe("default", "ada", [Statement("Two.")])
        assert caught.value.retryable
        assert store.read("default", "ada").signal_count == 1
    assert store.observe("default", "ada", [Statement("Two.")]) == 1
    store.close()


def test_a_closed_store_says_so(url: str) -> None:
    store = open_store(url)
    store.close()
    store.close()
    with pytest.raises(StoreError, match="is closed"):
        store.read("default", "ada")
    with pytest.raises(StoreError, match="is closed"):
        store.observe("default", "ada", [Statement("One.")])
