"""What is left of what users have had forgotten: python -m benchmarks.erasure [--users 300]

Every text field of every kind of signal holds a made-up word that stands nowhere else, and the summarizer quotes them
all. A third of the users has everything forgotten, another third one signal each; then every forgotten word is looked
for in what the client answers about everybody, in its objects in memory, in all log records at DEBUG, and in the
database as it lies on the disk: SQLite's files with their log, and the rows of PostgreSQL where `initdb` is installed.
"""

from __future__ import annotations

import argparse
import logging
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import pytest

from popi_sdk import Popi
from popi_sdk.signals import Signal
from popi_sdk.testing import FakeBackend
from tests.forgotten import Place, Quoting, held_by, signals_of, words_in, words_of
from tests.postgres import _server

OUTSIDE = ("sqlalchemy", "popi_sdk.testing")
"""Not looked into in memory: the database layer, and the fake provider, which keeps the requests it was sent."""


@dataclass(frozen=True, slots=True)
class Erased:
    """How many made-up words were forgotten or kept, and how many of either were found afterwards, by place."""

    forgotten: int
    kept: int
    left: dict[str, int]
    lost: int
    """Words that were not forgotten and are gone."""
    milliseconds: float
    """Of one call of `forget`, the mean."""


def main() -> None:
    """Print a line per store."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--users", type=int, default=300)
    arguments = parser.parse_args()
    with places() as stores:
        for name, place in stores.items():
            print(f"{name}, {arguments.users} users: {as_line(erase(place, arguments.users))}")


@contextmanager
def places() -> Iterator[dict[str, Place]]:
    """A new store of each kind."""
    with tempfile.TemporaryDirectory(prefix="popi-erasure-") as scratch:
        found = {"SQLite": Place(f"sqlite:///{scratch}/popi.db", Path(scratch))}
        with suppress(pytest.skip.Exception):  # there is no `initdb` here
            found["PostgreSQL"] = Place(_server().new_database())
        yield found


def erase(place: Place, users: int) -> Erased:
    """Fill a store, forget, and look for what was forgotten."""
    records = _Records()
    logging.getLogger().addHandler(records)
    logging.getLogger("popi_sdk").setLevel(logging.DEBUG)
    given = {f"user-{number}": signals_of("figures", number) for number in range(users)}
    with Popi(store=place.url, backend=FakeBackend(), summarizer=Quoting(), max_summary_tokens=5_000) as popi:
        for user, signals in given.items():
            popi.observe(user, signals)
            popi.personalize("Hi", user_id=user)
        everything = words_of(signal for signals in given.values() for signal in signals)
        assert place.words() == everything
        began = time.perf_counter()
        forgotten = _forget_some(popi, given)
        took = time.perf_counter() - began
        said = (part for user in given for part in (popi.profile(user), popi.export(user), popi.history(user)))
        answers = set().union(*map(words_in, said))
        memory = set(held_by(popi, but=OUTSIDE))
        stored = place.words()
    logging.getLogger().removeHandler(records)
    found = {"answers": answers, "memory": memory, "log": records.words, "store": stored}
    return Erased(
        forgotten=len(forgotten),
        kept=len(everything - forgotten),
        left={where: len(words & forgotten) for where, words in found.items()},
        lost=len(everything - forgotten - stored),
        milliseconds=1000 * took / sum(number % 3 < 2 for number in range(users)),
    )


def as_line(erased: Erased) -> str:
    """One line for a person."""
    left = ", ".join(f"{where} {count}" for where, count in erased.left.items())
    return (
        f"{erased.forgotten:,} words forgotten, of which are left: {left}; {erased.lost} of {erased.kept:,} others "
        f"lost; {erased.milliseconds:.1f} ms a call"
    )


def _forget_some(popi: Popi, given: dict[str, list[Signal]]) -> set[str]:
    forgotten: set[str] = set()
    for number, (user, signals) in enumerate(given.items()):
        if number % 3 == 0:
            popi.forget(user)
            forgotten |= words_of(signals)
        elif number % 3 == 1:
            gone = signals[number // 3 % len(signals)]
            popi.forget(user, gone.id)
            forgotten |= words_of([gone])
    return forgotten


class _Records(logging.Handler):
    """Keeps the made-up words of every record."""

    def __init__(self) -> None:
        super().__init__(logging.DEBUG)
        self.words: set[str] = set()

    def emit(self, record: logging.LogRecord) -> None:
        self.words |= words_in(vars(record))


if __name__ == "__main__":
    main()
