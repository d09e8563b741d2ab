"""Leaves a summarizer alone after it took long to fail, as long as that took, so that not every call waits for it."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager

from popi_sdk.backend.live_calls import LiveCallError
from popi_sdk.errors import ConfigError, PopiError, SummarizerError

LONGEST = 60.0
"""Seconds after which it is tried again, however long it took."""


NOTICEABLE = 0.1
"""Seconds of waiting that a user notices; what fails sooner is tried again at once."""


class Pause:
    """Stands around each use of one summarizer; see the module."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._until = 0.0

    @contextmanager
    def around(self) -> Iterator[None]:
        """Run a summarizer; whatever it raises becomes a SummarizerError.

        Raises:
            SummarizerError: it failed, or it is being left alone.
            ConfigError: it cannot work as configured, such as when an optional package is missing.
        """
        start = time.monotonic()
        if start < self._until:
            raise SummarizerError(
                f"The summarizer {self._name} took long to fail a moment ago and is left alone",
                hint=f"It is tried again in {self._until - start:.0f} seconds.",
                retryable=True,
            )
        try:
            yield
        except (LiveCallError, ConfigError, SummarizerError) as error:
            self._failed(start, error)
            raise
        except Exception as error:
            self._failed(start, error)
            raise _summarizer_error(self._name, error) from error

    def _failed(self, start: float, error: Exception) -> None:
        if not isinstance(error, LiveCallError | ConfigError):
            now = time.monotonic()
            self._until = now + min(now - start, LONGEST) if now - start > NOTICEABLE else 0.0


def _summarizer_error(name: str, error: Exception) -> SummarizerError:
    if isinstance(error, PopiError):
        return SummarizerError(
            f"The summarizer {name} failed: {error.message}", hint=error.hint, retryable=error.retryable
        )
    return SummarizerError(f"The summarizer {name} failed: {type(error).__name__}")
