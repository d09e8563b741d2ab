"""Versions beside each other, one of them current: whatever is killed, damaged, or done by two processes at once."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from popi_sdk.errors import SummarizerError
from popi_sdk.manifest import Manifest, facts_of, templates_digest, write_manifest, write_templates
from popi_sdk.summarizers.followed import read_pointer
from popi_sdk.templates import default_templates
from trainer.cli import app
from trainer.versions import VersionError, add, current, listed, promote, rollback

ROOT = Path(__file__).resolve().parent.parent


def export(folder: Path, weights: bytes = b"weights", **changes: Any) -> Path:
    """What `popi-train export` leaves behind, but for what is in its weights, which nothing here loads."""
    folder.mkdir(parents=True)
    templates = default_templates()
    write_templates(folder, templates)
    (folder / "config.json").write_text("{}")
    (folder / "model.safetensors").write_bytes(weights)
    (folder / "README.md").write_text("A model card.")
    manifest = Manifest(
        role="summarizer",
        render_version=templates.version,
        templates_digest=templates_digest(templates),
        base_model="none",
        max_summary_tokens=60,
        input_tokens=1_500,
        window=2_048,
        stop_tokens=(1,),
        forms=("transformers",),
        files=facts_of(folder, ["config.json", "model.safetensors"]),
        created=datetime.now(UTC),
        popi_version="0",
    )
    write_manifest(folder, manifest.model_copy(update=changes))
    return folder


@pytest.fixture
def exports(tmp_path: Path) -> list[Path]:
    return [export(tmp_path / f"export {number}", f"weights {number}".encode() * 1_000) for number in range(4)]


@pytest.fixture
def folder(tmp_path: Path, exports: list[Path]) -> Path:
    """Three versions, each of which was current, the third last."""
    folder = tmp_path / "versions"
    for number, exported in enumerate(exports[:3], start=1):
        assert add(folder, exported, {"accuracy": 0.7 + number / 100}).number == number
        promote(folder, number)
    return folder


def history(folder: Path) -> list[tuple[int, str]]:
    lines = (folder / "history.jsonl").read_text("utf-8").splitlines()
    return [(change["number"], change["by"]) for change in map(json.loads, lines)]


def number_of(folder: Path) -> int | None:
    version = current(folder)
    return version.number if version else None


class TestAdding:
    def test_a_version_is_the_export_with_when_whence_and_what_was_noted(self, tmp_path: Path, exports) -> None:
        folder = tmp_path / "made" / "by" / "it"
        before = datetime.now(UTC)
        first = add(folder, exports[0], {"accuracy": 0.71, "decision": "first"})
        assert (first.number, first.parent, first.facts) == (1, None, {"accuracy": 0.71, "decision": "first"})
        assert before <= first.made <= datetime.now(UTC)
        for file in (path for path in exports[0].rglob("*") if path.is_file()):
            assert (folder / "0001" / file.relative_to(exports[0])).read_bytes() == file.read_bytes()
        assert (current(folder), list(listed(folder))) == (None, [first]), "adding makes nothing current"
        promote(folder, 1)
        assert add(folder, exports[1]).parent == 1
        assert add(folder, exports[2]).parent == 1

    def test_the_same_export_again_is_the_version_it_is(self, folder: Path, exports) -> None:
        again = add(folder, exports[1], {"accuracy": 0.9})
        assert (again.number, again.facts, len(listed(folder))) == (2, {"accuracy": 0.72}, 3)
        (folder / "0002" / "model.safetensors").write_bytes(b"spoilt")
        assert add(folder, exports[1]).number == 4, "a damaged one is no stand-in"

    def test_what_a_killed_process_left_counts_for_nothing_and_is_cleared_away(self, folder: Path, exports) -> None:
        (folder / ".0004.part").mkdir()
        assert len(listed(folder)) == 3
        add(folder, exports[0])
        assert not (folder / ".0004.part").exists()

    def test_a_version_of_one_directory_can_be_added_to_another(self, folder: Path, tmp_path: Path) -> None:
        moved = add(tmp_path / "other", folder / "0003")
        assert (moved.number, moved.files, moved.facts) == (1, listed(folder)[2].files, {})

    def test_a_number_that_was_current_is_never_given_again(self, folder: Path, exports) -> None:
        rollback(folder)
        for name in ("0002", "0003"):
            (folder / name).rename(folder.parent / name)
        assert add(folder, exports[3]).number == 3, "3 was rolled back and is gone"
        assert number_of_or_error(folder) == f"{folder} has no version 2. There are: 1, 3."

    @pytest.mark.parametrize(
        ("spoil", "message"),
        [
            (lambda place: (place / "popi.json").unlink(), r"holds no popi\.json"),
            (lambda place: (place / "config.json").write_text("[]"), r"config\.json is not what was exported"),
            (lambda place: (place / "model.safetensors").unlink(), r"lacks model\.safetensors"),
            (
                lambda place: (place / "templates" / "inference.user.j2").write_text("x"),
                "templates of .* cannot be used",
            ),
        ],
    )
    def test_a_damaged_export_is_refused_and_leaves_nothing(
        self, tmp_path: Path, exports, spoil: Callable[[Path], None], message: str
    ) -> None:
        spoil(exports[0])
        with pytest.raises(SummarizerError, match=message):
            add(tmp_path / "versions", exports[0])
        assert not (tmp_path / "versions").exists()

    def test_a_large_file_is_read_as_well_not_only_measured(self, tmp_path: Path, monkeypatch) -> None:
        exported = export(tmp_path / "large", b"0" * 2_000)
        monkeypatch.setattr("popi_sdk.manifest._SMALL", 1_000)
        (exported / "model.safetensors").write_bytes(b"1" * 2_000)
        with pytest.raises(VersionError, match=r"model\.safetensors is not what was exported"):
            add(tmp_path / "versions", exported)

    def test_a_generator_is_no_summarizer(self, tmp_path: Path) -> None:
        with pytest.raises(SummarizerError, match="holds a generator"):
            add(tmp_path / "versions", export(tmp_path / "generator", role="generator"))


def number_of_or_error(folder: Path) -> str:
    with pytest.raises(VersionError) as error:
        current(folder)
    return str(error.value)


class TestPointing:
    def test_rolling_back_twice_goes_further_back_until_nothing_is_left(self, folder: Path) -> None:
        assert rollback(folder).number == 2
        assert rollback(folder).number == 1
        with pytest.raises(VersionError, match="no other version was current before"):
            rollback(folder)
        assert number_of(folder) == 1
        assert history(folder) == [(1, "promote"), (2, "promote"), (3, "promote"), (2, "rollback"), (1, "rollback")]

    def test_what_was_rolled_back_from_is_not_gone_back_to(self, folder: Path, exports) -> None:
        rollback(folder)
        promote(folder, add(folder, exports[3]).number)
        assert [rollback(folder).number for _ in range(2)] == [2, 1]

    def test_an_older_version_promoted_again_is_a_step_of_its_own(self, folder: Path) -> None:
        promote(folder, 1)
        assert rollback(folder).number == 3

    def test_a_named_version_may_be_older_or_newer_and_naming_it_twice_changes_nothing(self, folder: Path) -> None:
        assert [rollback(folder, to=1).number for _ in range(2)] == [1, 1]
        with pytest.raises(VersionError, match="no other version"):
            rollback(folder)
        assert rollback(folder, to=3).number == 3
        assert rollback(folder).number == 1
        assert history(folder)[3:] == [(1, "rollback"), (3, "rollback"), (1, "rollback")]

    def test_promoting_what_is_current_changes_nothing(self, folder: Path) -> None:
        before = (folder / "current").stat()
        promote(folder, 3)
        assert (folder / "current").stat() == before
        assert len(history(folder)) == 3

    def test_the_pointer_is_a_plain_file(self, folder: Path) -> None:
        assert not (folder / "current").is_symlink()
        assert read_pointer(folder).number == 3

    def test_a_torn_last_line_of_the_history_is_written_anew(self, folder: Path) -> None:
        file = folder / "history.jsonl"
        file.write_bytes(file.read_bytes()[:-20])
        rollback(folder)
        assert history(folder) == [(1, "promote"), (2, "promote"), (3, "promote"), (2, "rollback")]

    def test_without_versions_or_promotion_it_says_so(self, tmp_path: Path, exports) -> None:
        with pytest.raises(VersionError, match="There is no directory"):
            rollback(tmp_path / "none")
        add(tmp_path / "versions", exports[0])
        for going_back in (lambda: rollback(tmp_path / "versions"), lambda: promote(tmp_path / "versions", 7)):
            with pytest.raises(VersionError, match=r"no other version was|has no version 7\. There are: 1\."):
                going_back()


class TestDamage:
    @pytest.mark.parametrize("name", ["model.safetensors", "README.md", "templates/inference.user.j2", "popi.json"])
    def test_a_damaged_version_becomes_current_by_no_way(self, folder: Path, name: str) -> None:
        file = folder / "0002" / name
        whole = file.read_bytes()
        for spoilt in (whole[:-1] + b"~", None):
            if spoilt is None:
                file.unlink()
            else:
                file.write_bytes(spoilt)
            for way in (lambda: promote(folder, 2), lambda: rollback(folder), lambda: rollback(folder, to=2)):
                with pytest.raises(VersionError, match=f"Version 2 of .* is damaged: {name}"):
                    way()
        assert number_of(folder) == 3
        assert rollback(folder, to=1).number == 1

    @pytest.mark.parametrize("text", ["", "{", "[]", '{"number": 2}'])
    def test_a_version_that_cannot_be_read_hides_no_other(self, folder: Path, text: str) -> None:
        (folder / "0002" / "version.json").write_text(text)
        assert [version.number for version in listed(folder)] == [1, 3]
        with pytest.raises(VersionError, match=r"version\.json is damaged"):
            promote(folder, 2)

    def test_a_damaged_pointer_says_what_to_do(self, folder: Path) -> None:
        (folder / "current").write_text("?")
        with pytest.raises(SummarizerError, match=r"damaged\. Delete it, and run `popi-train rollback` with --to"):
            rollback(folder)
        (folder / "current").unlink()
        assert rollback(folder, to=2).number == 2

    def test_a_directory_that_cannot_be_written_is_a_plain_error(self, folder: Path, exports, monkeypatch) -> None:
        def full(*_: Any, **__: Any) -> None:
            raise OSError(28, "No space left on device")

        with monkeypatch.context() as patch:
            patch.setattr("shutil.copyfile", full)
            with pytest.raises(VersionError, match=r"No space left on device.*Make room"):
                add(folder, exports[3])
        with monkeypatch.context() as patch:
            patch.setattr("os.replace", full)
            with pytest.raises(VersionError, match=r"No space left on device.*Make room"):
                promote(folder, 1)
        assert (number_of(folder), len(listed(folder))) == (3, 3)
        assert not list(folder.glob(".*.part"))


# --- processes -------------------------------------------------------------------------------------------------------

DRIVER = """
import json, os, random, shutil, signal, sys, time
from pathlib import Path
from popi_sdk.summarizers.followed import read_pointer
from trainer import versions

prepared, exported, place = map(Path, sys.argv[1:4])
COMMANDS = {
    "add": lambda folder: versions.add(folder, exported),
    "promote": lambda folder: versions.promote(folder, 1),
    "rollback": lambda folder: versions.rollback(folder),
    "rollback to": lambda folder: versions.rollback(folder, to=1),
}
WRITES = os.O_WRONLY | os.O_RDWR | os.O_CREAT
countdown = None

def hook(event, args):
    global countdown
    if countdown is None or event not in ("open", "os.rename", "os.mkdir", "os.remove", "os.truncate", "os.rmdir"):
        return
    if event == "open" and not (isinstance(args[2], int) and args[2] & WRITES):
        return
    countdown -= 1
    if countdown < 0:
        os.kill(os.getpid(), signal.SIGKILL)

sys.addaudithook(hook)

def state(folder):
    pointer = read_pointer(folder)
    lines = (folder / "history.jsonl").read_text().splitlines()
    return {
        "current": pointer.number, "before": pointer.before,
        "versions": [[one.number, one.files] for one in versions.listed(folder)],
        "history": [[json.loads(line)["number"], json.loads(line)["by"]] for line in lines],
    }

def fresh():
    shutil.rmtree(place, ignore_errors=True)
    return Path(shutil.copytree(prepared, place))

def killed(command, folder, when):
    # True when the child was killed before it was done
    global countdown
    child = os.fork()
    if child == 0:
        countdown = when if isinstance(when, int) else None
        command(folder)
        os._exit(0)
    if isinstance(when, float):
        time.sleep(when)
        os.kill(child, signal.SIGKILL)
    _, status = os.waitpid(child, 0)
    return os.WIFSIGNALED(status)

def check(name, command, when):
    folder = fresh()
    died = killed(command, folder, when)
    found = state(folder)
    for one in versions.listed(folder):
        assert not versions._damage(one), (name, when)
    where = {key: found[key] for key in ("current", "before", "versions")}
    assert where in (before[name], after[name]), (name, when, where)
    if not (name == "rollback" and where == after[name]):  # done already: once more would go further back
        command(folder)
    elif died:
        versions.promote(folder, found["current"])  # changes nothing, but notes what the other could not
    assert state(folder) == final[name], (name, when, state(folder), final[name])
    assert not [path for path in folder.glob(".*.part")] or name != "add", (name, when)
    return died

before, after, final, deaths = {}, {}, {}, {}
rng = random.Random(0)
for name, command in COMMANDS.items():
    folder = fresh()
    before[name] = {key: value for key, value in state(folder).items() if key != "history"}
    begin = time.monotonic()
    command(folder)
    took = time.monotonic() - begin
    final[name] = state(folder)
    after[name] = {key: value for key, value in final[name].items() if key != "history"}
    assert before[name] != after[name]
    place_of_death = 0
    while check(name, command, place_of_death):
        place_of_death += 1
    chance = sum(check(name, command, rng.uniform(0, 1.5 * took)) for _ in range(15))
    deaths[name] = [place_of_death, chance]
print(json.dumps(deaths))
"""


def test_killed_anywhere_it_left_what_was_or_what_was_to_be_and_the_same_command_ends_alike(
    folder: Path, exports, tmp_path: Path
) -> None:
    """SIGKILL before each file operation in turn, and at moments by chance."""
    done = run(DRIVER, folder, exports[3], tmp_path / "place")
    deaths = json.loads(done)
    assert deaths["add"][0] >= 8, "the hook saw the operations"
    assert min(operations for operations, _ in deaths.values()) >= 3
    assert sum(chance for _, chance in deaths.values()) >= 15, "and kills by chance met commands at work"


CROWD = """
import os, sys
from pathlib import Path
from trainer import versions

folder, *exports = map(Path, sys.argv[1:])
children = []
for exported in (*exports, exports[0]):
    if (child := os.fork()) == 0:
        for _ in range(3):
            versions.promote(folder, versions.add(folder, exported).number)
            versions.rollback(folder)
        os._exit(0)
    children.append(child)
assert all(os.waitpid(child, 0)[1] == 0 for child in children)
"""


def test_processes_at_once_wait_for_each_other(folder: Path, exports, tmp_path: Path) -> None:
    more = [exports[3], *(export(tmp_path / f"more {number}", bytes([number])) for number in range(3))]
    run(CROWD, folder, *more)
    found = listed(folder)
    assert [version.number for version in found] == [1, 2, 3, 4, 5, 6, 7], "none was given twice, or added twice"
    changes = history(folder)[3:]
    assert replayed([1, 2, 3], changes) == [*read_pointer(folder).before, read_pointer(folder).number]
    assert [by for _, by in changes].count("rollback") == 15


def replayed(stack: list[int], changes: list[tuple[int, str]]) -> list[int]:
    """What the history says happened, one after another."""
    for number, by in changes:
        if by == "rollback":
            stack.pop()
            assert stack[-1] == number
        else:
            stack.append(number)
    return stack


MOVER = """
import sys, time
from pathlib import Path
from trainer import versions

folder, number = Path(sys.argv[1]), 0
print("begun", flush=True)
while True:
    versions.promote(folder, 1 + number % 3)
    number += 1
"""


def test_a_reader_always_meets_a_whole_pointer(folder: Path) -> None:
    with subprocess.Popen([sys.executable, "-c", MOVER, str(folder)], cwd=ROOT, stdout=subprocess.PIPE) as process:
        try:
            assert process.stdout is not None
            process.stdout.readline()
            seen, last = set(), -1
            end = time.monotonic() + 30
            while len(seen) < 20 and time.monotonic() < end:
                pointer = read_pointer(folder)
                assert len(pointer.before) >= last, "an older state came back"
                last = len(pointer.before)
                seen.add(last)
        finally:
            process.send_signal(signal.SIGKILL)
    assert len(seen) >= 20
    assert rollback(folder, to=2).number == 2, "what held the lock is dead"


def run(script: str, *arguments: Path) -> str:
    done = subprocess.run(
        [sys.executable, "-c", script, *map(str, arguments)], cwd=ROOT, capture_output=True, text=True, timeout=100
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


# --- commands --------------------------------------------------------------------------------------------------------


def invoke(*arguments: str | Path) -> Any:
    return CliRunner().invoke(app, [str(argument) for argument in arguments], catch_exceptions=False)


class TestCommands:
    def test_adding_makes_current_and_the_list_shows_it(self, tmp_path: Path, exports) -> None:
        folder = tmp_path / "new"
        for exported in exports[:2]:
            assert invoke("versions", folder, "--add", exported).exit_code == 0
        shown = json.loads(invoke("versions", folder, "--json").stdout)
        assert shown["current"] == 2
        assert [(one["number"], one["parent"]) for one in shown["versions"]] == [(1, None), (2, 1)]
        assert set(shown["versions"][0]) == {"number", "made", "parent", "files", "facts"}

    def test_the_table_marks_the_current_one_and_shows_facts_in_short(self, folder: Path) -> None:
        rows = [row for row in invoke("versions", folder).stdout.splitlines() if "UTC" in row]
        assert ["current" in row for row in rows] == [False, False, True]
        assert "accuracy 0.73" in rows[2]

    def test_rolling_back_says_where_it_went(self, folder: Path) -> None:
        assert invoke("rollback", folder).stdout == "Version 2 is current.\n"
        assert json.loads(invoke("rollback", folder, "--to", "3", "--json").stdout) == {"current": 3}

    def test_what_cannot_be_done_is_told_plainly(self, folder: Path, tmp_path: Path) -> None:
        rollback(folder, to=1)
        for arguments, words in (
            (("rollback", folder), "no other version was current before"),
            (("rollback", folder, "--to", "9"), "has no version 9"),
            (("versions", tmp_path / "none"), "There is no directory"),
            (("versions", folder, "--add", tmp_path), "holds no popi.json"),
        ):
            done = invoke(*arguments)
            assert done.exit_code != 0
            assert words in " ".join(done.stderr.split())
