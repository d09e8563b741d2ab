"""Trying a provider again: how often, after what, and how long to wait in between.

LiteLLM's retries and those of the providers' own clients are switched off, as they differ from provider to provider.

Tried again: lost or refused connections, answers that cannot be read, 408, 409, 425, 429 and all 5xx. A time-out is
tried again once at most, as each costs the whole `timeout`. Not tried again: everything else, and a 429 or 5xx whose
Retry-After is longer than `timeout` or than a minute.
"""

from __future__ import annotations

import random
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any, TypeVar

from popi_sdk.backend.vendor_errors import seconds_to_wait
from popi_sdk.errors import BackendTimeoutError, PopiError

if TYPE_CHECKING:
    from tenacity import RetryCallState

T = TypeVar("T")

LONGEST_WAIT = 60.0
"""Seconds; a provider that asks for more is not waited for."""
_FIRST_WAIT, _LONGEST_OWN_WAIT = 0.5, 8.0


def retrying(attempt: Callable[[], T], *, retries: int, timeout: float) -> T:
    """Call `attempt` up to `retries` + 1 times and return its first result; the last error is raised."""
    try:
        return attempt()  # most calls succeed at once and need no retrying machinery
    except PopiError as error:
        if not (retries and error.retryable):
            raise
        failures = [error]
    from tenacity import Retrying

    def attempt_again() -> T:
        if failures:
            raise failures.pop()
        return attempt()

    return Retrying(**_rules(retries, timeout))(attempt_again)


async def aretrying(attempt: Callable[[], Awaitable[T]], *, retries: int, timeout: float) -> T:
    """The awaitable twin of `retrying`."""
    try:
        return await attempt()
    except PopiError as error:
        if not (retries and error.retryable):
            raise
        failures = [error]
    from tenacity import AsyncRetrying

    async def attempt_again() -> T:
        if failures:
            raise failures.pop()
        return await attempt()

    return await AsyncRetrying(**_rules(retries, timeout))(attempt_again)


def _rules(retries: int, timeout: float) -> dict[str, Any]:
    """Tenacity's arguments, for a sequence whose first attempt has failed already and is told to it as such."""
    from tenacity import stop_after_attempt

    longest_wait = min(timeout, LONGEST_WAIT)
    timed_out_before = False

    def again(state: RetryCallState) -> bool:
        nonlocal timed_out_before
        error = _error(state)
        if not isinstance(error, PopiError) or not error.retryable:
            return False
        if isinstance(error, BackendTimeoutError) and error.status_code is None:
            first, timed_out_before = not timed_out_before, True
            return first
        return (seconds_to_wait(error) or 0) <= longest_wait

    return {"stop": stop_after_attempt(retries + 1), "retry": again, "wait": _wait, "reraise": True}


def _wait(state: RetryCallState) -> float:
    """What the provider asks for; else twice as long each time, and random, so that clients do not come together."""
    error = _error(state)
    asked = seconds_to_wait(error) if error else None
    if asked is not None:
        return asked
    own = min(_LONGEST_OWN_WAIT, _FIRST_WAIT * 2.0 ** (state.attempt_number - 1))
    return own * random.uniform(0.5, 1.0)


def _error(state: RetryCallState) -> BaseException | None:
    return state.outcome.exception() if state.outcome else None
