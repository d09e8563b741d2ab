"""A process of its own that observes numbered signals and says after each call how far it got.

python -m tests.store.worker URL NAMESPACE USER[,USER] FIRST COUNT BATCH [patient]

It prints "ready", waits for a line, opens the store, then prints "kept N" whenever `observe` has returned and
signals up to N are promised to be durable. A patient one tries again after a StoreError that says it may.
"""

from __future__ import annotations

import subprocess
import sys
import time

from popi_sdk.errors import StoreError
from popi_sdk.signals import Statement
from popi_sdk.store import Store, open_store


def numbered(first: int, end: int) -> list[Statement]:
    """The signals a worker observes."""
    return [Statement(f"Signal {number}.", id=f"s{number}") for number in range(first, end)]


class Worker:
    """The other end: starts the process and reads what it says."""

    def __init__(self, url: str, namespace: str, user_id: str, first: int, count: int, batch: int, *more: str) -> None:
        arguments = [url, namespace, user_id, str(first), str(count), str(batch), *more]
        self.process = subprocess.Popen(
            [sys.executable, "-m", "tests.store.worker", *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def wait_until_ready(self) -> None:
        """Everything is imported; the store is not open yet."""
        assert self.line() == "ready", self.end()

    def go(self) -> None:
        """Let it open the store and observe."""
        assert self.process.stdin is not None
        self.process.stdin.write("go\n")
        self.process.stdin.flush()

    def line(self) -> str:
        """The next thing it says; empty at its end."""
        assert self.process.stdout is not None
        return self.process.stdout.readline().strip()

    def kept(self) -> int:
        """Read up to the next promise; how far it reaches, or -1 at the end."""
        while line := self.line():
            if line.startswith("kept "):
                return int(line.removeprefix("kept "))
        return -1

    def end(self) -> tuple[int, str, str]:
        """Its exit code, the rest of what it said, and its errors."""
        # Not with communicate() alone: it does not see the lines that readline() has taken from the pipe and kept.
        assert self.process.stdout is not None
        rest = self.process.stdout.read()
        _, errors = self.process.communicate(timeout=90)
        return self.process.returncode, rest, errors


def main(url: str, namespace: str, user_id: str, first: str, count: str, batch: str, patient: str = "") -> None:
    open_store("memory").close()  # Imports all that opening needs, so that several processes can open at one moment.
    print("ready", flush=True)  # noqa: T201
    sys.stdin.readline()
    store = open_store(url)
    end = int(first) + int(count)
    for start in range(int(first), end, int(batch)):
        stop = min(start + int(batch), end)
        for each in user_id.split(","):
            _observe(store, namespace, each, numbered(start, stop), bool(patient))
        print(f"kept {stop}", flush=True)  # noqa: T201
    store.close()


def _observe(store: Store, namespace: str, user_id: str, signals: list[Statement], patient: bool) -> None:
    while True:
        try:
            store.observe(namespace, user_id, signals)
            return
        except StoreError as error:
            if not (patient and error.retryable):
                raise
            print("again", flush=True)  # noqa: T201
            time.sleep(0.05)


if __name__ == "__main__":
    main(*sys.argv[1:])
