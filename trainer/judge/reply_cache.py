"""Replies that were paid for, kept in a file: what is killed in the middle goes on where it stopped.

One JSON line for each reply, only ever appended, each by a single write. Every record starts on a new line, so a line
that a killed process left half written costs that one reply and nothing else, and several processes may write at once.
"""

from __future__ import annotations

import hashlib
import json
import logging
import os
from dataclasses import asdict, dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from popi_sdk.backend import Completion
from popi_sdk.errors import ConfigError, StoreError

_log = logging.getLogger("trainer")


@dataclass(frozen=True, slots=True)
class Reply:
    """What a model said to one request, and what that took."""

    text: str
    model: str
    prompt_tokens: int
    completion_tokens: int
    cost_usd: float | None
    """US dollars; None when the model's price is unknown."""


def reply_from(*completions: Completion) -> Reply:
    """The last of `completions` as a reply that took what all of them took."""
    last = completions[-1]
    return Reply(
        text=last.text,
        model=last.model,
        prompt_tokens=sum(completion.usage.prompt_tokens for completion in completions),
        completion_tokens=sum(completion.usage.completion_tokens for completion in completions),
        cost_usd=total_cost([completion.cost_usd for completion in completions]),
    )


def total_cost(costs: list[float | None]) -> float | None:
    """The sum, or None when a part of it is unknown.

    >>> total_cost([0.5, 0.25]), total_cost([0.5, None]), total_cost([])
    (0.75, None, 0.0)
    """
    known = [cost for cost in costs if cost is not None]
    return sum(known, 0.0) if len(known) == len(costs) else None


def key_of(*parts: Any) -> str:
    """The key of a request: a hash of everything its reply depends on."""
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode("ascii")).hexdigest()


class ReplyCache:
    """The replies in the file at `path`, which is made where it is missing; safe across threads and processes.

    What another process adds meanwhile is seen when the file is opened the next time.

    Raises:
        ConfigError: the file holds something else.
        StoreError: it cannot be read or written.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600)  # answers may be personal
            lines = path.read_bytes().splitlines()
        except OSError as error:
            raise StoreError(f"The cache {path} cannot be opened: {error.strerror}.", hint="Check the path.") from error
        records = [_record(line) for line in lines if line.strip()]
        self._replies: dict[str, Reply] = {}
        for key, reply in filter(None, records):
            self._replies.setdefault(key, reply)  # of two that were bought at once the first stays, so results do too
        torn = records.count(None)
        if torn > 1 and not self._replies:
            os.close(self._file)
            raise ConfigError(f"{path} is no cache of replies.", hint="Give a new path; nothing was changed.")
        if torn:
            _log.warning("%s: %d lines were left half written and are asked for again", path, torn)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        os.close(self._file)

    def get(self, key: str) -> Reply | None:
        """The reply kept under `key`, if there is one."""
        return self._replies.get(key)

    def put(self, key: str, reply: Reply) -> None:
        """Keep `reply` before anything else can happen to it.

        Raises:
            StoreError: it could not be written, for instance because the disk is full.
        """
        record = json.dumps({"key": key, **asdict(reply)}).encode("ascii")
        try:
            written = os.write(self._file, b"\n" + record + b"\n")
        except OSError as error:
            raise StoreError(f"The cache {self._path} cannot be written: {error.strerror}.") from error
        if written < len(record) + 2:
            raise StoreError(f"The cache {self._path} took only a part of a reply.", hint="Is the disk full?")
        self._replies[key] = reply


def _record(line: bytes) -> tuple[str, Reply] | None:
    """Key and reply of a line, or None for one that is torn."""
    try:
        fields = json.loads(line)
        return fields.pop("key"), Reply(**fields)
    except (ValueError, AttributeError, TypeError, KeyError):
        return None
