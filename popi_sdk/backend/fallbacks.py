"""Asking one model after another until one answers.

A model is passed over when its provider fails: no connection, a time-out, a rate limit, a wrong key, an unknown model,
a request longer than it can read. A request that is itself invalid (400, 422) would fail everywhere and is raised at
once, as are wrong arguments.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, TypeVar

from popi_sdk.backend.model_spec import ModelSpec
from popi_sdk.errors import AuthError, BackendError, ConfigError, ContextWindowError, RateLimitError

T = TypeVar("T")

_ONE_PROVIDERS = {
    "api_base",
    "api_key",
    "api_version",
    "base_url",
    "client",
    "custom_llm_provider",
    "deployment_id",
    "extra_headers",
    "headers",
    "organization",
}


def with_fallbacks(models: Sequence[ModelSpec], attempt: Callable[[ModelSpec], T]) -> tuple[T, tuple[str, ...]]:
    """Return the first model's result that comes, and one warning for each model that failed before it.

    Raises:
        BackendError: the last model's error; after several it names each model and its reason.
    """
    failures: list[BackendError] = []
    for model in _given(models):
        try:
            return attempt(model), tuple(failure.message for failure in failures)
        except BackendError as error:
            if _is_the_requests_fault(error):
                raise
            failures.append(error)
    raise _all_of(failures) from failures[-1].__cause__


async def awith_fallbacks(
    models: Sequence[ModelSpec], attempt: Callable[[ModelSpec], Awaitable[T]]
) -> tuple[T, tuple[str, ...]]:
    """The awaitable twin of `with_fallbacks`."""
    failures: list[BackendError] = []
    for model in _given(models):
        try:
            return await attempt(model), tuple(failure.message for failure in failures)
        except BackendError as error:
            if _is_the_requests_fault(error):
                raise
            failures.append(error)
    raise _all_of(failures) from failures[-1].__cause__


def options_for_fallback(options: Mapping[str, Any]) -> dict[str, Any]:
    """The options without those that are meant for one provider: another must not be sent its key or address."""
    return {name: value for name, value in options.items() if name not in _ONE_PROVIDERS}


def _given(models: Sequence[ModelSpec]) -> Sequence[ModelSpec]:
    if not models:
        raise ConfigError("No model is given.", hint='Set `model`, such as "openai/gpt-4o-mini".')
    return models


def _is_the_requests_fault(error: BackendError) -> bool:
    return error.status_code in (400, 422) and not isinstance(error, (ContextWindowError, AuthError))


def _all_of(failures: list[BackendError]) -> BackendError:
    last = failures[-1]
    if len(failures) == 1:
        return last
    reasons = " ".join(failure.message for failure in failures)
    every = type(last)(
        f"None of {len(failures)} models answered. {reasons}",
        model=last.model,
        status_code=last.status_code,
        hint=last.hint,
        retryable=any(failure.retryable for failure in failures),
    )
    if isinstance(every, RateLimitError) and isinstance(last, RateLimitError):
        every.retry_after = last.retry_after
    return every
