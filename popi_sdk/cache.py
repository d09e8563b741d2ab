"""Summaries of signals that were passed directly: in memory only, bounded, never in the store."""

from __future__ import annotations

from collections import OrderedDict
from threading import Lock

from popi_sdk.summary import Summary

MOST_SUMMARIES = 1_024


class SummaryCache:
    """The last used summaries by the ids of the signals they were inferred from, in order; safe across threads."""

    def __init__(self, most: int = MOST_SUMMARIES) -> None:
        self._most = most
        self._summaries: OrderedDict[tuple[str, ...], Summary] = OrderedDict()
        self._lock = Lock()

    def get(self, signal_ids: tuple[str, ...]) -> Summary | None:
        """The summary inferred from these signals, if it is still held."""
        with self._lock:
            summary = self._summaries.get(signal_ids)
            if summary is not None:
                self._summaries.move_to_end(signal_ids)
            return summary

    def put(self, signal_ids: tuple[str, ...], summary: Summary) -> None:
        """Hold `summary`, and let go of the one that was not used for the longest time."""
        with self._lock:
            self._summaries[signal_ids] = summary
            self._summaries.move_to_end(signal_ids)
            while len(self._summaries) > self._most:
                self._summaries.popitem(last=False)

    def clear(self) -> None:
        """Let go of everything, so that nothing forgotten lives on here."""
        with self._lock:
            self._summaries.clear()
