"""A directory of versions: the one that is current writes, and another is taken up without a restart.

    my-versions/
        current             which version is in service; always replaced as a whole
        0001/, 0002/, ...   what `popi-train export` wrote

Each call looks at `current`, which costs one `stat`. Where it has changed, a thread opens and loads the version it
names; until that is ready, the one in service goes on writing. One that cannot be used is told of in one warning and
leaves everything as it was.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from threading import Lock, Thread
from typing import TYPE_CHECKING

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from popi_sdk.errors import PopiError, SummarizerError
from popi_sdk.signals import Signal
from popi_sdk.summary import Summary

if TYPE_CHECKING:
    from popi_sdk.store import Profile
    from popi_sdk.summarizers import Summarizer
    from popi_sdk.summarizers.trained import TrainedSummarizer

_log = logging.getLogger("popi_sdk")

CURRENT = "current"
MOST_SILENT = 10_000
"""Users without a summary whose history is remembered to hold none; beyond that it is looked through once more."""

_Stamp = tuple[int, int, int] | None
"""What tells one `current` file from the next; None where there is none."""


class Pointer(BaseModel):
    """What `current` holds."""

    # Built when the first one is read: `import popi_sdk` need not wait for it.
    model_config = ConfigDict(frozen=True, defer_build=True)

    number: int = Field(ge=1)
    before: tuple[int, ...] = ()
    """The versions that were current before and can be gone back to, the last one last."""
    by: str
    """What made it current: "promote" or "rollback"."""
    at: datetime


def read_pointer(folder: Path) -> Pointer:
    """Read which version of `folder` is current.

    Raises:
        SummarizerError: nothing says so.
    """
    file = folder / CURRENT
    try:
        return Pointer.model_validate_json(file.read_bytes())
    except OSError as error:
        raise SummarizerError(f"{file} cannot be read: {error.strerror}") from error
    except ValidationError as error:
        raise SummarizerError(
            f"{file} is damaged", hint="Delete it, and run `popi-train rollback` with --to and the version to use."
        ) from error


def folder_of(folder: Path, number: int) -> Path:
    """Where a version lies.

    >>> folder_of(Path("versions"), 7).as_posix()
    'versions/0007'
    """
    return folder / f"{number:04d}"


@dataclass(frozen=True, slots=True)
class _Held:
    """The version in service."""

    version: TrainedSummarizer
    stamp: _Stamp
    """The state of `current` that was looked into last."""
    is_current: bool
    """False where that named a version which cannot be used."""


class FollowedSummarizer:
    """Writes summaries with the current version of a directory that `popi-train versions` looks after.

    Args:
        folder: the directory; `summary.model` is its name, a slash, and the version's own name.
        threads: see `TrainedSummarizer`.

    Raises:
        SummarizerError: the current version cannot be used, or nothing says which it is.
    """

    def __init__(self, folder: str | Path, *, threads: int = 1) -> None:
        self.folder = Path(folder).absolute()
        self.name = self.folder.resolve().name
        self._pointer = os.path.join(self.folder, CURRENT)  # a string: each call looks there
        self._threads = threads
        stamp = self._stamp()  # before it is read: what comes in between is noticed by the next look
        self._held = _Held(self._opened(), stamp, is_current=True)
        self._start_over()

    def _start_over(self) -> None:
        self._process = os.getpid()
        self._guard = Lock()
        self._thread: Thread | None = None

    @property
    def input_tokens(self) -> int | None:
        """See `Summarizer`."""
        return self._held.version.input_tokens

    @property
    def names_sources(self) -> bool:
        """See `Summarizer`."""
        return self._held.version.names_sources

    def summarize(self, signals: Sequence[Signal], previous: Summary | None = None) -> Summary:
        """Write a summary with the version in service; see `TrainedSummarizer.summarize`."""
        return self.in_service().summarize(signals, previous)

    def in_service(self) -> TrainedSummarizer:
        """The version to write with now; whoever holds it may finish with it, whatever is promoted meanwhile."""
        self.is_current()
        return self._held.version

    def is_current(self) -> bool:
        """Whether the version in service is the one that `current` names; if not, it is about to be taken up."""
        held, stamp = self._held, self._stamp()
        if stamp == held.stamp:
            return held.is_current
        self._begin(stamp)
        return False

    def current_name(self) -> str:
        """How the current version is called; empty while it is being taken up or cannot be used."""
        return self._held.version.name if self.is_current() else ""

    def _begin(self, stamp: _Stamp) -> None:
        if self._process != os.getpid():
            self._start_over()  # a thread does not survive a fork, and a lock may have been held
        with self._guard, suppress(RuntimeError):  # an interpreter that is ending starts no threads
            if self._thread is None or not self._thread.is_alive():
                thread = Thread(target=self._take_up, args=(stamp,), name="popi-versions")
                thread.start()
                self._thread = thread

    def _take_up(self, stamp: _Stamp) -> None:
        held = self._held
        try:
            version = self._opened()
            if version.name == held.version.name:
                version = held.version
            else:
                version.prompt(())  # loads the weights, so that broken ones are found before they are in service
            self._held = _Held(version, stamp, is_current=True)
        except Exception as error:
            self._held = replace(held, stamp=stamp, is_current=False)
            reason = str(error) if isinstance(error, PopiError) else type(error).__name__
            _log.warning("%s stays in service, as the version that is current cannot be used: %s",
                         held.version.name, reason)  # fmt: skip

    def _opened(self) -> TrainedSummarizer:
        from popi_sdk.summarizers.trained import TrainedSummarizer

        version = TrainedSummarizer(folder_of(self.folder, read_pointer(self.folder).number), threads=self._threads)
        version.name = f"{self.name}/{version.name}"
        return version

    def _stamp(self) -> _Stamp:
        try:
            found = os.stat(self._pointer)
        except OSError:
            return None
        return found.st_mtime_ns, found.st_ino, found.st_size


class Versions:
    """What a client asks about versions; where its summarizer follows none, every summary is as good as any other."""

    def __init__(self, summarizer: Summarizer) -> None:
        self._summarizer = summarizer
        self._followed = summarizer if isinstance(summarizer, FollowedSummarizer) else None
        self._silent: set[tuple[str, str, str, int, int]] = set()

    def in_service(self) -> Summarizer:
        """The summarizer to use for the whole of one inference."""
        return self._followed.in_service() if self._followed else self._summarizer

    def is_outdated(self, summary: Summary) -> bool:
        """Whether another version than the current one wrote it.

        False while a version is being taken up or cannot be used: two processes of which only one can use it would
        else replace each other's summaries for ever.
        """
        if self._followed is None or not summary.model.startswith(f"{self._followed.name}/"):
            return False
        return summary.model != (self._followed.current_name() or summary.model)

    def is_behind(self, profile: Profile) -> bool:
        """Whether the profile, of which no signal waits, is to be looked at for the current version.

        Either another version wrote its summary, or another may have found nothing to say: nothing is stored of that,
        so the history is looked through, once.
        """
        if self._followed is None or profile.stale:
            return False
        if profile.summary or not profile.sequence:
            return self.is_outdated(profile.summary)
        name = self._followed.current_name()
        return bool(name) and self._key(name, profile) not in self._silent

    def nothing_to_restore(self, profile: Profile, summarizer: Summarizer) -> None:
        """Remember that the history of a profile without a summary holds none that this version could restore."""
        if len(self._silent) >= MOST_SILENT:
            self._silent.clear()
        self._silent.add(self._key(str(getattr(summarizer, "name", "")), profile))

    @staticmethod
    def _key(name: str, profile: Profile) -> tuple[str, str, str, int, int]:
        return name, profile.namespace, profile.user_id, profile.epoch, profile.sequence
