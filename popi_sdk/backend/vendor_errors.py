"""The one place where what LiteLLM raises becomes a PopiError.

LiteLLM picks some of its classes by searching the provider's error text, which may repeat the request: a prompt
about rate limits can look like one. So the status the provider really answered decides, where it is known, and the
class only where it is not. Texts of providers hold prompts and keys; our messages never quote them.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

from popi_sdk.errors import (
    AuthError,
    BackendError,
    BackendTimeoutError,
    ConfigError,
    ContextWindowError,
    PopiError,
    RateLimitError,
)

STATUS_OF: dict[str, int] = {
    "PaymentRequiredError": 402,
    "PermissionDeniedError": 403,
    "NotFoundError": 404,
    "RateLimitError": 429,
    "UnprocessableEntityError": 422,
    "BadRequestError": 400,
    "InvalidRequestError": 400,
    "GuardrailRaisedException": 400,
    "BlockedPiiEntityError": 400,
    "ModifyResponseException": 400,
    "SensitiveDataRouteException": 400,
}
"""The status that LiteLLM's class stands for where it refuses a call without asking the provider."""

OTHERS: frozenset[str] = frozenset(
    {
        "AuthenticationError",
        "Timeout",
        "ContextWindowExceededError",
        "BudgetExceededError",
        "LiteLLMUnknownProvider",
        "InternalServerError",
        "BadGatewayError",
        "ServiceUnavailableError",
        "MidStreamFallbackError",
        "APIError",
        "APIConnectionError",
        "APIResponseValidationError",
        "JSONSchemaValidationError",
        "OpenAIError",
        "MockException",
        "ModelNotMappedError",
    }
)
"""LiteLLM's other exceptions: some have a place of their own below, the rest are calls that failed on their way."""

_TIMEOUTS = {"Timeout", "APITimeoutError", "TimeoutException", "TimeoutError", "SocketTimeoutError"}
_CONNECTION = {"APIConnectionError", "TransportError", "ClientError", "OSError"}
_TOO_LONG = re.compile(
    r"maximum (context|input|prompt|model) length|exceeds?( the)?( available| maximum| model's)* context"
    r"|longer than the (model's |maximum )*(context|model) length|prompt is too long|prompt: length|input is too long"
    r"|too long to fit|too many tokens|too large for model|tokens exceed|token count .{0,40}exceeds"
    r"|maximum number of tokens allowed|reduce the length of (the|your) (messages|prompt|input)",
    re.IGNORECASE,
)
_NO_KEY = re.compile(r"missing [\w ]*api[ _]key", re.IGNORECASE)
_NO_CREDIT = {"insufficient_quota", "billing_not_active", "credit_balance_too_low"}
_SAFE_CODE = re.compile(r"[A-Za-z][A-Za-z_]{2,39}|[0-9]{1,5}")
_RETRIED = {408, 409, 425, 429}


@dataclass(frozen=True, slots=True)
class _Answer:
    """What the provider really said, as far as the exceptions carry it."""

    status: int | None = None
    code: str = ""
    text: str = ""
    retry_after: float | None = None


def popi_error(error: Exception, model: str, timeout: float, outside: BaseException | None = None) -> PopiError:
    """The PopiError for an exception out of LiteLLM; `outside` is the exception the caller was handling, if any."""
    if isinstance(error, PopiError):
        return error
    chain = list(_chain(error, outside))
    names = _names(chain)
    answer = _answer(chain)
    unknown = "LiteLLMUnknownProvider" in names or "LLM Provider NOT provided" in str(error)
    if answer.status is None and unknown:
        return ConfigError(
            f"No provider is known for the model {model}.",
            hint='Give it as "provider/model", such as openai/gpt-4o-mini.',
        )
    if _is_too_long(answer, names):
        return ContextWindowError(
            f"The request is longer than {model} can read.",
            model=model,
            status_code=answer.status or 400,
            hint="Shorten the messages, or take a model with a larger context window.",
        )
    status = answer.status or _status_by_class(error)
    return _by_status(status, answer, model) if status else _without_status(chain, model, timeout)


def _chain(error: BaseException | None, outside: BaseException | None) -> Iterator[BaseException]:
    """The error and what it was raised from, up to what the caller was already handling."""
    seen: set[int] = set()
    while error is not None and error is not outside and id(error) not in seen and len(seen) < 20:
        seen.add(id(error))
        yield error
        error = getattr(error, "original_exception", None) or error.__cause__ or error.__context__


def _answer(chain: list[BaseException]) -> _Answer:
    """LiteLLM's own exceptions carry made-up responses, so only the HTTP client's ones count; the innermost wins."""
    for link in reversed(chain):
        response = getattr(link, "response", None)
        status = getattr(response, "status_code", None)
        if isinstance(status, int) and status >= 300 and not type(link).__module__.startswith("litellm."):
            text = _body_text(link, response)
            return _Answer(status, _error_code(text), text, retry_after(getattr(response, "headers", {})))
    return _Answer()


def _body_text(error: BaseException, response: Any) -> str:
    body = getattr(error, "body", None)
    if body:
        return body if isinstance(body, str) else json.dumps(body, default=str)
    try:
        return str(response.text)
    except Exception:  # a streamed answer that was never read; its class tells enough
        return ""


def _error_code(text: str) -> str:
    """The provider's own short code for the error, where it is one and not a sentence."""
    try:
        body = json.loads(text)
    except ValueError:
        return ""
    error = body.get("error", body) if isinstance(body, dict) else None
    for name in ("code", "type"):
        code = error.get(name) if isinstance(error, dict) else None
        if isinstance(code, (str, int)) and _SAFE_CODE.fullmatch(str(code)):
            return str(code)
    return ""


def retry_after(headers: Mapping[str, str], now: datetime | None = None) -> float | None:
    """Seconds the provider asks to wait, from `retry-after-ms` or `Retry-After` (seconds or a date); None if unsaid.

    >>> retry_after({"retry-after-ms": "250"})
    0.25
    """
    for name, scale in (("retry-after-ms", 0.001), ("retry-after", 1.0)):
        value = headers.get(name)
        if not value:
            continue
        try:
            seconds = float(value) * scale
        except ValueError:
            seconds = _seconds_until(value, now)
        if 0 <= seconds < float("inf"):
            return seconds
    return None


def seconds_to_wait(error: BaseException) -> float | None:
    """The wait the provider asked for with the answer behind a BackendError, in seconds."""
    if isinstance(error, RateLimitError):
        return error.retry_after
    return _answer(list(_chain(error.__cause__, None))).retry_after


def _seconds_until(date: str, now: datetime | None) -> float:
    try:
        at = parsedate_to_datetime(date)
    except ValueError:
        return -1.0
    at = at if at.tzinfo else at.replace(tzinfo=UTC)
    return max(0.0, (at - (now or datetime.now(UTC))).total_seconds())


def _is_too_long(answer: _Answer, names: set[str]) -> bool:
    """LiteLLM knows many wordings and we some more; but only a refused request can be one that is too long."""
    if answer.status not in (None, 400, 413, 422):
        return False
    said = answer.code == "context_length_exceeded" or bool(_TOO_LONG.search(answer.text))
    return said or "ContextWindowExceededError" in names


def _status_by_class(error: Exception) -> int | None:
    return next((STATUS_OF[base.__name__] for base in type(error).__mro__ if base.__name__ in STATUS_OF), None)


_OUTCOMES: dict[int, tuple[type[BackendError], str, str]] = {
    300: (BackendError, "answered with a redirect", "Check `api_base`."),
    400: (BackendError, "refused the request as invalid", "Check the messages and the options of this call."),
    401: (AuthError, "refused the key", "{key}"),
    402: (BackendError, "has no credit left", "Check the plan and the balance of the provider's account."),
    403: (AuthError, "may not be used with this key", "{key}"),
    404: (BackendError, "was not found", "Check the model's name and `api_base`."),
    408: (BackendTimeoutError, "gave up on the request", "Try again, or raise `timeout`."),
    413: (BackendError, "refused the request as too large", "Shorten the messages."),
    422: (BackendError, "refused the request as invalid", "Check the messages and the options of this call."),
    429: (RateLimitError, "takes no more requests for now", "{wait}"),
    500: (BackendError, "failed", "Try again later, or set `fallbacks`."),
    504: (BackendTimeoutError, "gave up on the request", "Try again, or raise `timeout`."),
}
"""Class, what happened and what to do, by status; another status is told as its hundred is."""


def _by_status(status: int, answer: _Answer, model: str) -> BackendError:
    if answer.code in _NO_CREDIT:
        kind, what, hint = RateLimitError if status == 429 else BackendError, *_OUTCOMES[402][1:]
    else:
        kind, what, hint = _OUTCOMES.get(status) or _OUTCOMES[min(max(status // 100 * 100, 300), 500)]
    said = f"{status}, {answer.code}" if answer.code not in ("", str(status)) else str(status)
    error = kind(
        f"{model} {what} ({said}).",
        model=model,
        status_code=status,
        hint=hint.format(key=_key_hint(model), wait=_wait_hint(answer.retry_after)),
        retryable=(status in _RETRIED or status >= 500) and answer.code not in _NO_CREDIT,
    )
    if isinstance(error, RateLimitError):
        error.retry_after = answer.retry_after
    return error


def _key_hint(model: str) -> str:
    provider = model.partition("/")[0]
    named = f" ({provider.upper().replace('-', '_')}_API_KEY, if no other is named)" if provider != model else ""
    return f"Check the variable that holds the provider's key{named} and the model's name."


def _wait_hint(seconds: float | None) -> str:
    return "Try again later, or set `fallbacks`." if seconds is None else f"Try again in {math.ceil(seconds)} s."


def _without_status(chain: list[BaseException], model: str, timeout: float) -> PopiError:
    """For what happened instead of a provider's answer, or with an answer that was none."""
    names = _names(chain)
    cause = next((link for link in reversed(chain) if not isinstance(link, StopIteration)), chain[0])
    if names & _TIMEOUTS:
        return BackendTimeoutError(
            f"{model} did not answer within {timeout:g} s.",
            model=model,
            hint="Raise `timeout`, or set `fallbacks`.",
            retryable=True,
        )
    if _lacks_key(cause, names):
        return AuthError(f"No key is set for {model}.", model=model, hint=_key_hint(model))
    if "BudgetExceededError" in names:
        return BackendError(f"LiteLLM's budget for {model} is used up.", model=model, hint="Raise litellm.max_budget.")
    if isinstance(cause, ImportError):
        return ConfigError(f"{model} needs the package `{cause.name}`, which is not installed.", hint="Install it.")
    if "JSON serializable" in str(cause):
        return ConfigError("A message or an option cannot be written as JSON.", hint="Give plain values only.")
    what, hint = f"sent an error or an answer that cannot be read ({type(cause).__name__})", "Check `api_base`"
    if _names(link for link in chain if not type(link).__module__.startswith("litellm.")) & _CONNECTION:
        what, hint = "could not be reached, or the connection broke", "Check the network and `api_base`"
    return BackendError(f"{model} {what}.", model=model, hint=f"{hint}, or set `fallbacks`.", retryable=True)


def _lacks_key(cause: BaseException, names: set[str]) -> bool:
    """Whether the call was never sent for want of a key; the clients of OpenAI and Google have no class for that."""
    refused = type(cause).__name__ == "OpenAIError" and type(cause).__module__.startswith("openai")
    return refused or "AuthenticationError" in names or bool(_NO_KEY.match(str(cause)))


def _names(chain: Iterable[BaseException]) -> set[str]:
    return {base.__name__ for link in chain for base in type(link).__mro__}
