"""Files and folders that are written whole or not at all, so that a reader or a crash never meets half of one."""

from __future__ import annotations

import contextlib
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

from safetensors import SafetensorError

from trainer.errors import CheckpointError


def write_whole(file: Path, content: str | bytes) -> None:
    """Replace what a file holds at once.

    Raises:
        CheckpointError: the disk is full or cannot be written; the file is as it was.
    """
    draft = _draft(file)
    with written_to(file):
        try:
            draft.write_bytes(content.encode("utf-8") if isinstance(content, str) else content)
            os.replace(draft, file)
        except OSError:
            draft.unlink(missing_ok=True)
            raise


@contextlib.contextmanager
def whole_folder(place: Path) -> Iterator[Path]:
    """A folder to fill, which stands at `place` only once it is complete and on the disk.

    Raises:
        CheckpointError: the disk is full or cannot be written; nothing stands at `place`.
    """
    draft = _draft(place)
    with written_to(place):
        try:
            shutil.rmtree(draft, ignore_errors=True)
            draft.mkdir(parents=True)
            yield draft
            _flush(draft)
            draft.rename(place)
            _flush_entries(place.parent)
        except Exception:
            shutil.rmtree(draft, ignore_errors=True)
            raise


def drop_folder(place: Path) -> None:
    """Remove a folder such that no half of it is ever met in its place."""
    draft = _draft(place)
    shutil.rmtree(draft, ignore_errors=True)
    with contextlib.suppress(OSError):
        place.rename(draft)
    shutil.rmtree(draft, ignore_errors=True)


def clear_drafts(folder: Path) -> None:
    """Remove what a killed process left half-written in `folder`."""
    for draft in folder.glob(".*.part"):
        if draft.is_dir():
            shutil.rmtree(draft, ignore_errors=True)
        else:
            draft.unlink(missing_ok=True)


@contextlib.contextmanager
def written_to(place: Path) -> Iterator[None]:
    """Say in plain words that the disk refused.

    Raises:
        CheckpointError: in the place of what the operating system or safetensors raised.
    """
    try:
        yield
    except (OSError, SafetensorError) as error:
        raise CheckpointError(
            f"{place} cannot be written: {error}",
            hint="Make room and run the command again, `train` with --resume; the last complete checkpoint is intact.",
        ) from error


def _draft(place: Path) -> Path:
    return place.with_name(f".{place.name}.part")


def _flush(folder: Path) -> None:
    for file in folder.rglob("*"):
        if file.is_file():
            with file.open("rb") as opened:
                os.fsync(opened.fileno())
        else:
            _flush_entries(file)
    _flush_entries(folder)


def _flush_entries(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
