"""What turns signals into a summary: one protocol, and the summarizers behind it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol, runtime_checkable

from popi_sdk.signals import Signal
from popi_sdk.summary import Summary


@runtime_checkable
class Summarizer(Protocol):
    """Anything with `summarize`; give one to `Popi(summarizer=...)` to use your own."""

    def summarize(self, signals: Sequence[Signal], previous: Summary | None = None) -> Summary | str:
        """Say how the user behind `signals` (oldest first) likes to be answered; empty when they do not show it.

        `previous` is the summary to bring up to date when `signals` are only the ones that are new since.
        """
        ...
