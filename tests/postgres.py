"""A real PostgreSQL server in a temporary folder, started once per test run; tests that need it skip without one.

def test_something(postgres_url): ...                 # one database for the whole run
def test_more(postgres_server):                       # its own database, and a server that can be killed
    url = postgres_server.new_database()
"""

from __future__ import annotations

import atexit
import contextlib
import os
import pwd
import secrets
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from functools import cache
from pathlib import Path
from typing import Any

import pytest

_START_SECONDS = 30


class PostgresServer:
    """Runs as another user where the tests run as root, which PostgreSQL refuses."""

    def __init__(self, binaries: Path, folder: Path) -> None:
        self._binaries = binaries
        self._folder = folder
        self._data = folder / "data"
        self._user: dict[str, Any] = {}
        if os.geteuid() == 0:
            account = _account()
            self._user = {"user": account.pw_uid, "group": account.pw_gid, "extra_groups": []}
            os.chown(folder, account.pw_uid, account.pw_gid)
        self._run("initdb", "-D", str(self._data), "-U", "popi", "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync")
        self.port = _free_port()
        self._process: subprocess.Popen[bytes] | None = None
        self.start()

    def start(self) -> None:
        """Start the server and wait until it answers."""
        settings = {
            "port": self.port,
            "listen_addresses": "127.0.0.1",
            "unix_socket_directories": self._folder,
            "shared_buffers": "32MB",
            # What a killed server has written the operating system still has; only a power cut would tell.
            "fsync": "off",
        }
        options = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
        give_up_at = time.monotonic() + _START_SECONDS
        while time.monotonic() < give_up_at:
            # After a kill it refuses to start until the last of its old processes is gone; hence again and again.
            if self._process is None or self._process.poll() is not None:
                with (self._folder / "log").open("ab") as log:
                    self._process = subprocess.Popen(
                        [self._binaries / "postgres", "-D", self._data, *options],
                        stdout=log,
                        stderr=log,
                        start_new_session=True,
                        cwd=self._folder,
                        **self._user,
                    )
            ready = [str(self._binaries / "pg_isready"), "-q", "-h", "127.0.0.1", "-p", str(self.port)]
            if subprocess.run(ready, check=False).returncode == 0 and self._process.poll() is None:
                return
            time.sleep(0.05)
        raise RuntimeError((self._folder / "log").read_text())

    def kill(self) -> None:
        """Kill all its processes at once (kill -9), as a power cut would."""
        self._signal(signal.SIGKILL)

    def stop(self) -> None:
        """Stop it without waiting for its clients."""
        self._signal(signal.SIGQUIT)

    def _signal(self, number: signal.Signals) -> None:
        if self._process is not None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self._process.pid, number)
            self._process.wait(timeout=_START_SECONDS)
            self._process = None

    def new_database(self) -> str:
        """The URL of a new, empty database."""
        name = f"popi_{secrets.token_hex(4)}"
        self._run("createdb", "-h", "127.0.0.1", "-p", str(self.port), "-U", "popi", name)
        return f"postgresql://popi@127.0.0.1:{self.port}/{name}"

    def _run(self, program: str, *arguments: str) -> None:
        command = [str(self._binaries / program), *arguments]
        done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=self._folder, **self._user)
        if done.returncode != 0:
            raise RuntimeError(done.stderr)


@pytest.fixture(scope="session")
def postgres_server() -> PostgresServer:
    """A running server that a test may kill and start again."""
    return _server()


@pytest.fixture(scope="session")
def postgres_url() -> str:
    """One database for the whole run; tests keep apart by their namespaces."""
    return _server().new_database()


@cache
def _server() -> PostgresServer:
    """Started once, by whichever fixture comes first, and gone with the test run; skips without PostgreSQL."""
    pytest.importorskip("psycopg", reason="psycopg is not installed")
    binaries = _binaries()
    if binaries is None:
        pytest.skip("PostgreSQL is not installed here: no initdb was found")
    folder = Path(tempfile.mkdtemp(prefix="popi-postgres-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    server = PostgresServer(binaries, folder)
    atexit.register(server.stop)
    return server


def _binaries() -> Path | None:
    on_path = shutil.which("initdb")
    if on_path:
        return Path(on_path).resolve().parent
    # Debian keeps them off the path, one folder per version.
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda each: float(each.parts[-3]))
    return found[-1].parent if found else None


def _account() -> pwd.struct_passwd:
    for name in ("postgres", "nobody"):
        with contextlib.suppress(KeyError):
            return pwd.getpwnam(name)
    pytest.skip("PostgreSQL refuses to run as root, and there is no other user here")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
