"""Versions of a summarizer beside each other in one directory, one of them current.

    versions/
        0001/               what `popi-train export` wrote, and version.json: when, from which parent, digests, facts
        0002/
        current             which version is in service, and which were before it; always replaced as a whole
        history.jsonl       every change of `current`, a line each

Apps name the directory (`Popi(summarizer="versions")`) and follow `current` without a restart. A process that is killed
at any moment leaves either what was before or what was to be; the rest is cleared away by the next one.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import shutil
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from filelock import FileLock
from pydantic import BaseModel, ConfigDict, Field

from popi_sdk.errors import PopiError
from popi_sdk.manifest import ONNX, read_manifest
from popi_sdk.summarizers.followed import CURRENT, Pointer, folder_of, read_pointer
from popi_sdk.summarizers.trained import TrainedSummarizer
from trainer.errors import CheckpointError
from trainer.whole import clear_drafts, whole_folder

ABOUT = "version.json"
HISTORY = "history.jsonl"
_ROOM = "Make room and run the command again. What was in service still is."


class VersionError(PopiError):
    """A version that is missing or damaged, or a directory that cannot be written; what is in service stays so."""


class Version(BaseModel):
    """One version, as `version.json` describes it."""

    model_config = ConfigDict(frozen=True, use_attribute_docstrings=True)

    place: Path = Field(exclude=True)
    """Its own folder."""
    number: int = Field(ge=1)
    made: datetime
    """When it was added."""
    parent: int | None
    """The version that was current when it was added."""
    files: Mapping[str, str]
    """SHA-256 of every file, by its path in the folder."""
    facts: Mapping[str, Any]
    """What whoever added it noted, such as figures of an evaluation."""


def add(folder: Path, exported: Path, facts: Mapping[str, Any] | None = None) -> Version:
    """Keep a copy of an exported summarizer as the next version of `folder`; only `promote` makes it current.

    The very same files again are the version they already are, with the facts it was given then.

    Raises:
        SummarizerError: `exported` holds no summarizer, or a damaged one.
        VersionError: its files are not what was exported, or `folder` cannot be written.
    """
    files = _exported_files(exported)
    with _alone(folder, "adding", make=True):
        clear_drafts(folder)
        for version in listed(folder):
            if version.files == files and not _damage(version):
                return version
        pointer = _pointer(folder)
        taken = {*_numbers(folder), *((pointer.number, *pointer.before) if pointer else ())}
        number = max(taken, default=0) + 1
        version = Version(
            place=folder_of(folder, number),
            number=number,
            made=datetime.now(UTC),
            parent=pointer.number if pointer else None,
            files=files,
            facts=dict(facts or {}),
        )
        with whole_folder(version.place) as draft:
            for name in files:
                (draft / name).parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(exported / name, draft / name)
            (draft / ABOUT).write_text(version.model_dump_json(indent=2) + "\n", encoding="utf-8")
            _refuse_damaged(version.model_copy(update={"place": draft}), f"The copy of {exported}")
    return version


def promote(folder: Path, number: int) -> Version:
    """Make a version current; running SDKs take it up with their next calls. One that is current stays so.

    Raises:
        VersionError: there is no such version, its files are damaged, or `folder` cannot be written.
    """
    version = _whole(folder, number)
    with _pointing(folder) as pointer:
        if pointer is None:
            _point(folder, number, (), "promote")
        elif pointer.number != number:
            _point(folder, number, (*pointer.before, pointer.number), "promote")
    return version


def rollback(folder: Path, to: int | None = None) -> Version:
    """Make the version current again that was so before the current one; once more goes further back.

    `to` names another version, an older or a newer one; the same rollback again then changes nothing.

    Raises:
        VersionError: there is nothing to go back to, the version is damaged or gone, or `folder` cannot be written.
    """
    with _pointing(folder) as pointer:
        if to is None and (pointer is None or not pointer.before):
            raise VersionError(
                f"In {folder} no other version was current before", hint="Name one with --to, of `popi-train versions`."
            )
        before = pointer.before if pointer else ()
        number = before[-1] if to is None else to
        version = _whole(folder, number)
        if pointer is None or pointer.number != number:
            if number in before:
                before = before[: len(before) - 1 - before[::-1].index(number)]
            elif pointer is not None:
                before = (*before, pointer.number)
            _point(folder, number, before, "rollback")
    return version


def listed(folder: Path) -> tuple[Version, ...]:
    """All versions, by their number; their files are not read."""
    found = []
    for number in _numbers(folder):
        with contextlib.suppress(VersionError):  # one that cannot be read hides no other
            found.append(_read(folder, number))
    return tuple(found)


def current(folder: Path) -> Version | None:
    """The version in service; None before the first promotion.

    Raises:
        VersionError: it is gone.
    """
    pointer = _pointer(folder)
    return None if pointer is None else _read(folder, pointer.number)


def was_current(folder: Path, number: int) -> bool:
    """Whether a version has been in service at any time."""
    pointer = _pointer(folder)
    if pointer is not None and pointer.number == number:
        return True
    lines = (folder / HISTORY).read_text("utf-8").splitlines() if (folder / HISTORY).is_file() else []
    return any(json.loads(line)["number"] == number for line in lines if line.endswith("}"))


# --- what lies in a version ----------------------------------------------------------------------------------------


def _exported_files(exported: Path) -> dict[str, str]:
    """Digests of all that an export holds, found to be as `popi.json` says and as the SDK takes it."""
    manifest = read_manifest(exported)
    there = [form for form in manifest.forms if (exported / (ONNX if form == "onnx" else "config.json")).exists()]
    for form in there or manifest.forms[:1]:  # a form that is not needed may have been deleted
        TrainedSummarizer(exported, form)
    paths = (path for path in exported.rglob("*") if path.is_file() and path != exported / ABOUT)
    files = {path.relative_to(exported).as_posix(): _sha256(path) for path in sorted(paths)}
    for name, facts in manifest.files.items():
        if files.get(name, facts.sha256) != facts.sha256:
            raise VersionError(f"{exported / name} is not what was exported", hint="Export it again.")
    return files


def _whole(folder: Path, number: int) -> Version:
    """A version whose files are what they were when it was added."""
    version = _read(folder, number)
    _refuse_damaged(version, f"Version {number} of {folder}")
    return version


def _refuse_damaged(version: Version, what: str) -> None:
    if damage := _damage(version):
        raise VersionError(f"{what} is damaged: {damage}", hint="Take another version, or add it again.")


def _damage(version: Version) -> str:
    """The first file that is not what was added; empty when all are."""
    for name, digest in version.files.items():
        try:
            if _sha256(version.place / name) != digest:
                return f"{name} has changed"
        except OSError as error:
            return f"{name} cannot be read ({error.strerror})"
    return ""


def _read(folder: Path, number: int) -> Version:
    place = folder_of(folder, number)
    try:
        text = (place / ABOUT).read_text(encoding="utf-8")
    except OSError as error:
        there = ", ".join(map(str, _numbers(folder))) or "none"
        raise VersionError(f"{folder} has no version {number}", hint=f"There are: {there}.") from error
    try:
        return Version.model_validate({**json.loads(text), "place": place})
    except (ValueError, TypeError) as error:
        raise VersionError(f"{place / ABOUT} is damaged", hint="Take another version, or add it again.") from error


def _numbers(folder: Path) -> list[int]:
    names = (path.name for path in folder.glob("[0-9]*") if path.is_dir())
    return sorted(int(name) for name in names if name.isdecimal() and folder_of(folder, int(name)).name == name)


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


# --- which one is current ------------------------------------------------------------------------------------------


def _pointer(folder: Path) -> Pointer | None:
    return read_pointer(folder) if (folder / CURRENT).exists() else None


@contextlib.contextmanager
def _pointing(folder: Path) -> Iterator[Pointer | None]:
    """The pointer, which nobody else moves meanwhile."""
    with _alone(folder, "pointing"):
        pointer = _pointer(folder)
        if pointer is not None:
            _note(folder, pointer)
        yield pointer


def _point(folder: Path, number: int, before: tuple[int, ...], by: str) -> None:
    pointer = Pointer(number=number, before=before, by=by, at=datetime.now(UTC))
    draft = folder / f".{CURRENT}.new"
    with draft.open("w", encoding="utf-8") as file:
        file.write(pointer.model_dump_json() + "\n")
        file.flush()
        os.fsync(file.fileno())
    os.replace(draft, folder / CURRENT)
    _flush_entries(folder)
    _note(folder, pointer)


def _note(folder: Path, pointer: Pointer) -> None:
    """See that the history ends with the pointer's change: whoever made it may have been killed before noting it."""
    line = (pointer.model_dump_json(exclude={"before"}) + "\n").encode()
    with (folder / HISTORY).open("a+b") as file:
        file.seek(0)
        kept = file.read()
        whole = kept[: kept.rfind(b"\n") + 1]
        if whole.endswith(line):
            return
        file.truncate(len(whole))
        file.write(line)
        file.flush()
        os.fsync(file.fileno())


@contextlib.contextmanager
def _alone(folder: Path, what: str, *, make: bool = False) -> Iterator[None]:
    """Wait until no other process does the same in `folder`; adding, which may take long, holds up no rollback."""
    try:
        if make:
            folder.mkdir(parents=True, exist_ok=True)
        elif not folder.is_dir():
            raise VersionError(f"There is no directory {folder}", hint="`popi-train versions DIR --add EXPORTED`.")
        with FileLock(folder / f".{what}.lock"):
            yield
    except CheckpointError as error:
        raise VersionError(error.message, hint=_ROOM) from error
    except OSError as error:
        raise VersionError(f"{folder} cannot be written: {error.strerror or error}", hint=_ROOM) from error


def _flush_entries(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
