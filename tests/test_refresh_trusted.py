"""The trusted set of a refresh: frozen once, refused when it was changed, and reached by erasure alone."""

from __future__ import annotations

import json
import os
import uuid
from collections.abc import Sequence
from pathlib import Path
from typing import cast

import pytest

from popi_sdk.errors import ConfigError, SignalError
from popi_sdk.signals import PreferencePair, Statement
from popi_sdk.store import open_store
from trainer.data import Example, write_examples
from trainer.refresh import trusted
from trainer.refresh.trusted import ABOUT, EXAMPLES, freeze, is_frozen, trusted_examples


@pytest.fixture(params=["sqlite", "postgresql"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """URL of a store that knows ada and bob, and not kim."""
    on_postgres = request.param == "postgresql"
    url = cast(str, request.getfixturevalue("postgres_url")) if on_postgres else f"sqlite:///{tmp_path}/popi.db"
    observed(url, "ada", "bob")
    return url


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return written(tmp_path / "examples.jsonl", "ada", "bob", "kim")


@pytest.fixture
def place(tmp_path: Path) -> Path:
    return tmp_path / "versions"


NAMESPACE = uuid.uuid4().hex


def observed(url: str, *users: str) -> None:
    opened = open_store(url)
    for user in users:
        opened.observe(NAMESPACE, user, [Statement("Be brief.")])  # may not be trained on, and is known all the same
    opened.close()


def forget(url: str, *users: str) -> None:
    opened = open_store(url)
    for user in users:
        opened.forget(NAMESPACE, user)
    opened.close()


def written(path: Path, *users: str) -> Path:
    pairs = {user: (PreferencePair(f"Why, {user}?", "So.", "Because."),) for user in users}
    write_examples([Example(user, (Statement("Rhyme."),), pairs[user]) for user in users], path)
    return path


def users(examples: Sequence[Example]) -> list[str]:
    return [example.user for example in examples]


def names_left(place: Path) -> set[str]:
    kept = "".join((place / name).read_text("utf-8") for name in (EXAMPLES, ABOUT))
    return {user for user in ("ada", "bob", "kim") if user in kept}


def test_a_set_is_copied_once_and_readable_by_its_owner_alone(store, file, place) -> None:
    assert not is_frozen(place)
    frozen = freeze(place, file, store, NAMESPACE)
    assert is_frozen(place)
    assert (place / EXAMPLES).read_bytes() == file.read_bytes()
    assert set(frozen.known) == {"ada", "bob"}
    assert [oct((place / name).stat().st_mode & 0o777) for name in (EXAMPLES, ABOUT)] == ["0o600", "0o600"]
    file.unlink()
    assert users(trusted_examples(place, store, NAMESPACE)) == ["ada", "bob", "kim"]


def test_the_same_file_again_changes_nothing_and_another_is_refused(store, file, place, tmp_path) -> None:
    first = freeze(place, file, store, NAMESPACE)
    assert freeze(place, file, store, NAMESPACE) == first
    with pytest.raises(ConfigError, match=r"has a trusted set already.*Leave --trusted out"):
        freeze(place, written(tmp_path / "other.jsonl", "ada"), store, NAMESPACE)
    assert (place / EXAMPLES).read_bytes() == file.read_bytes()


def test_a_changed_file_is_refused(store, file, place) -> None:
    freeze(place, file, store, NAMESPACE)
    with (place / EXAMPLES).open("a") as out:
        out.write("\n")
    with pytest.raises(ConfigError, match=r"is not what was frozen on .*Put the file back"):
        trusted_examples(place, store, NAMESPACE)
    (place / EXAMPLES).unlink()
    with pytest.raises(ConfigError, match="cannot be read"):
        trusted_examples(place, store, NAMESPACE)


def test_a_damaged_or_missing_record_is_refused(store, file, place) -> None:
    with pytest.raises(ConfigError, match=r"has no trusted set.*--trusted"):
        trusted_examples(place, store, NAMESPACE)
    freeze(place, file, store, NAMESPACE)
    (place / ABOUT).write_text("{")
    with pytest.raises(ConfigError, match="is damaged"):
        trusted_examples(place, store, NAMESPACE)


def test_a_forgotten_user_leaves_both_files_for_good(store, file, place) -> None:
    given = freeze(place, file, store, NAMESPACE).given
    forget(store, "ada")
    assert users(trusted_examples(place, store, NAMESPACE)) == ["bob", "kim"]
    assert names_left(place) == {"bob", "kim"}
    about = json.loads((place / ABOUT).read_text())
    assert [change["reason"] for change in about["changes"]] == ["users forgotten by the store: 1"]
    assert users(trusted_examples(place, store, NAMESPACE)) == ["bob", "kim"]
    assert len(json.loads((place / ABOUT).read_text())["changes"]) == 1
    # The file it was frozen from is still that file, and brings nobody back.
    assert freeze(place, file, store, NAMESPACE).given == given
    assert names_left(place) == {"bob", "kim"}


def test_a_forgotten_user_who_comes_back_is_another_one(store, file, place) -> None:
    path = freeze(place, file, store, NAMESPACE)
    record = json.loads((place / ABOUT).read_text())
    record["known"]["ada"] -= 60_000_000  # frozen beside a profile that was begun a minute before
    (place / ABOUT).write_text(json.dumps(record))
    forget(store, "ada")
    observed(store, "ada")
    assert users(trusted_examples(place, store, NAMESPACE)) == ["bob", "kim"]
    assert "ada" in path.known


def test_a_user_who_edits_a_summary_or_forgets_a_signal_stays(store, file, place) -> None:
    freeze(place, file, store, NAMESPACE)
    opened = open_store(store)
    [signal] = opened.signals(NAMESPACE, "ada")
    opened.forget(NAMESPACE, "ada", signal.id)
    opened.close()
    assert users(trusted_examples(place, store, NAMESPACE)) == ["ada", "bob", "kim"]


def test_when_all_are_forgotten_another_set_is_asked_for(store, place, tmp_path) -> None:
    freeze(place, written(tmp_path / "two.jsonl", "ada", "bob"), store, NAMESPACE)
    forget(store, "ada", "bob")
    for _ in range(2):
        with pytest.raises(ConfigError, match=r"All users of the trusted set .* were forgotten"):
            trusted_examples(place, store, NAMESPACE)
    assert not names_left(place)


def test_another_store_or_namespace_forgets_nobody(store, file, place, tmp_path) -> None:
    freeze(place, file, store, NAMESPACE)
    elsewhere = f"sqlite:///{tmp_path}/other.db"
    open_store(elsewhere).close()
    for url, namespace in ((elsewhere, NAMESPACE), (store, "another")):
        with pytest.raises(ConfigError, match="was frozen beside the store"):
            trusted_examples(place, url, namespace)
    assert users(trusted_examples(place, store, NAMESPACE)) == ["ada", "bob", "kim"]


@pytest.mark.parametrize("kept", [0, 1, 2])
def test_a_removal_that_was_killed_is_finished_by_the_next(store, file, place, monkeypatch, kept) -> None:
    freeze(place, file, store, NAMESPACE)
    forget(store, "ada")
    write, done = trusted._write, []

    def killed(path: Path, content: bytes) -> None:
        if len(done) == kept:
            raise KeyboardInterrupt
        done.append(path.name)
        write(path, content)

    with monkeypatch.context() as patched:
        patched.setattr(trusted, "_write", killed)
        with pytest.raises(KeyboardInterrupt):
            trusted_examples(place, store, NAMESPACE)
    assert done == [ABOUT, EXAMPLES][:kept]
    assert users(trusted_examples(place, store, NAMESPACE)) == ["bob", "kim"]
    assert names_left(place) == {"bob", "kim"}
    record = json.loads((place / ABOUT).read_text())
    assert (len(record["changes"]), record["following"]) == (1, "")
    assert sorted(os.listdir(place)) == [ABOUT, EXAMPLES]


def test_a_freeze_that_was_killed_is_begun_anew(store, file, place, tmp_path) -> None:
    place.mkdir()
    (place / EXAMPLES).write_text("half a copy")
    assert not is_frozen(place)
    freeze(place, file, store, NAMESPACE)
    assert users(trusted_examples(place, store, NAMESPACE)) == ["ada", "bob", "kim"]


def test_what_cannot_be_a_trusted_set_is_refused(store, place, tmp_path) -> None:
    with pytest.raises(ConfigError, match="There is no file"):
        freeze(place, tmp_path / "none.jsonl", store, NAMESPACE)
    write_examples([Example("ada", (Statement("Rhyme."),), ())], tmp_path / "no_pairs.jsonl")
    with pytest.raises(ConfigError, match="holds no pairs"):
        freeze(place, tmp_path / "no_pairs.jsonl", store, NAMESPACE)
    (tmp_path / "bad.jsonl").write_text("[]")
    with pytest.raises(SignalError):
        freeze(place, tmp_path / "bad.jsonl", store, NAMESPACE)
    assert not is_frozen(place)


def test_names_that_no_store_takes_are_nobody_it_knows(store, place, tmp_path) -> None:
    frozen = freeze(place, written(tmp_path / "long.jsonl", "x" * 300, "ada"), store, NAMESPACE)
    assert set(frozen.known) == {"ada"}
    assert users(trusted_examples(place, store, NAMESPACE)) == ["x" * 300, "ada"]
