"""Forgotten text is gone from the files, not only from the answers."""

from __future__ import annotations

from pathlib import Path

import pytest

from popi_sdk.signals import Statement
from popi_sdk.store import Profile, open_store
from popi_sdk.summary import Clause, Summary

SECRET = "zebrafish"


@pytest.mark.parametrize("signal_id", ["secret", None])
@pytest.mark.parametrize("size", [1, 20_000])
def test_forgotten_text_is_in_no_file(tmp_path: Path, signal_id: str | None, size: int) -> None:
    store, another = open_store(f"sqlite:///{tmp_path}/popi.db"), open_store(f"sqlite:///{tmp_path}/popi.db")
    others = [Statement(f"Others stay. {number}", id=f"o{number}") for number in range(50)]
    store.observe("default", "ada", [*others, Statement(f"I study {SECRET}. " * size, id="secret")])
    profile = store.read("default", "ada")
    rests_on_it = Summary((Clause(f"Likes {SECRET}.", ("secret",)),), signal_ids=("secret", "o1"))
    assert store.save(profile, rests_on_it) is not None
    assert another.read("default", "ada").summary.text == f"Likes {SECRET}."
    assert SECRET.encode() in _bytes(tmp_path)
    store.forget("default", "ada", signal_id)
    assert SECRET.encode() not in _bytes(tmp_path)
    assert another.history("default", "ada") == ()
    assert (another.read("default", "ada") == Profile("default", "ada")) is (signal_id is None)
    assert (b"Others stay." in _bytes(tmp_path)) is (signal_id is not None)
    store.close()
    another.close()


def test_a_pin_that_was_replaced_goes_with_the_user(tmp_path: Path) -> None:
    store = open_store(f"sqlite:///{tmp_path}/popi.db")
    store.pin("default", "ada", Summary((Clause(f"About {SECRET}."),)))
    store.pin("default", "ada", Summary((Clause("My other words."),)))
    store.forget("default", "ada")
    assert SECRET.encode() not in _bytes(tmp_path)
    assert b"My other words" not in _bytes(tmp_path)
    store.close()


def _bytes(folder: Path) -> bytes:
    return b"".join(path.read_bytes() for path in folder.iterdir())
