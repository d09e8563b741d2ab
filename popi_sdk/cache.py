"""Summaries of signals that were passed directly: in memory only, bounded, never in the store.

The key is what the signals say, not their ids: an app may give two users' signals the same id.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from threading import Lock
from typing import TypeAlias

from popi_sdk.signals import Signal
from popi_sdk.summary import Summary

Key: TypeAlias = tuple[tuple[str, str, str], ...]

MOST_SUMMARIES = 1_024


class SummaryCache:
    """The last used summaries by the signals they were inferred from, in order; safe across threads."""

    def __init__(self, most: int = MOST_SUMMARIES) -> None:
        self._most = most
        self._summaries: OrderedDict[Key, Summary] = OrderedDict()
        self._lock = Lock()
        self.cleared = 0
        """How often everything was let go of."""

    def get(self, key: Key) -> Summary | None:
        """The summary inferred from these signals, if it is still held."""
        with self._lock:
            summary = self._summaries.get(key)
            if summary is not None:
                self._summaries.move_to_end(key)
            return summary

    def put(self, key: Key, summary: Summary, *, since: int) -> None:
        """Hold `summary`, and let go of the one that was not used for the longest time.

        `since` is what `cleared` was when the summary was begun: what was let go of meanwhile does not come back.
        """
        with self._lock:
            if self.cleared != since:
                return
            self._summaries[key] = summary
            self._summaries.move_to_end(key)
            while len(self._summaries) > self._most:
                self._summaries.popitem(last=False)

    def clear(self) -> None:
        """Let go of everything, so that nothing forgotten lives on here."""
        with self._lock:
            self.cleared += 1
            self._summaries.clear()


def key_of(signals: Sequence[Signal]) -> Key:
    """What tells these signals from any others."""
    return tuple((signal.id, signal.content_hash(), str(signal.at)) for signal in signals)
