"""Trying a provider again: how often, after what, and how long to wait in between.

LiteLLM's retries and those of the providers' own clients are switched off, as they differ from provider to provider.

Tried again: lost or refused connections, answers that cannot be read, 408, 409, 425, 429 and all 5xx. A time-out is
tried again once at most, as each costs the whole `timeout`. Not tried again: everything else, and a 429 or 5xx whose
Retry-After is longer than `timeout` or a minute.
"""

from __future__ import annotations

import random
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any, TypeVar

from popi_sdk.errors import BackendError, BackendTimeoutError, PopiError

if TYPE_CHECKING:
    from tenacity import RetryCallState

T = TypeVar("T")

LONGEST_WAIT = 60.0
"""Seconds; a provider that asks for more is given up on."""
_FIRST_WAIT, _LONGEST_OWN_WAIT = 0.5, 8.0


def retrying(attempt: Callable[[], T], *, retries: int, timeout: float) -> T:
    """Call `attempt` up to `retries` + 1 times and return its first result; the last error is raised."""
    try:
        return attempt()
    except PopiError as error:  # tenacity is imported and set up only when something failed
        first = error
    from tenacity import Retrying

    if not (retries and first.retryable):
        raise first
    return Retrying(**_rules(first, retries, timeout))(_replaying(first, attempt))


async def aretrying(attempt: Callable[[], Awaitable[T]], *, retries: int, timeout: float) -> T:
    """The awaitable twin of `retrying`."""
    raise NotImplementedError
