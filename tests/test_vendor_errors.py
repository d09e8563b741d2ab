"""Every exception LiteLLM has, and what it becomes; a new one in LiteLLM must be given its place first."""

import inspect
import json
from datetime import UTC, datetime

import httpx
import pytest

from popi_sdk.backend.calls import load_litellm
from popi_sdk.backend.vendor_errors import OTHERS, STATUS_OF, popi_error, retry_after
from popi_sdk.errors import (
    AuthError,
    BackendError,
    BackendTimeoutError,
    ConfigError,
    ContextWindowError,
    PopiError,
    RateLimitError,
)

MODEL = "openai/gpt-4o-mini"


KINDS_OF_BAD_REQUEST = {
    "ContentPolicyViolationError",
    "ImageFetchError",
    "LiteLLMUnknownProvider",
    "RejectedRequestError",
    "UnsupportedParamsError",
    "VectorStoreSearchError",
}


def litellm_exceptions() -> dict[str, type[Exception]]:
    """Those `litellm.exceptions` defines."""
    classes = inspect.getmembers(load_litellm().exceptions, inspect.isclass)
    return {
        name: kind for name, kind in classes if issubclass(kind, Exception) and kind.__module__.startswith("litellm")
    }


def named(kind: type[Exception]) -> set[str]:
    """The names of a class and of its bases, whose place it has if it has none of its own."""
    return {base.__name__ for base in kind.__mro__}


def test_every_exception_of_litellm_has_its_place():
    there, placed = litellm_exceptions(), STATUS_OF.keys() | OTHERS | KINDS_OF_BAD_REQUEST
    unplaced = {name for name, kind in there.items() if not placed & named(kind)}
    assert unplaced == set(), "give the new ones a place in popi_sdk/vendor_errors.py"
    assert placed - there.keys() == set(), "these are gone from LiteLLM"
    for name in KINDS_OF_BAD_REQUEST:
        assert issubclass(there[name], there["BadRequestError"])


def made(kind: type[Exception]) -> Exception:
    """One of each, however its constructor wants it, with a secret in every text."""
    request = httpx.Request("POST", "https://provider.example")
    offered = {
        "message": "secret-text",
        "model": "m",
        "llm_provider": "openai",
        "response": None,
        "status_code": 418,
        "raw_response": "secret-text",
        "schema": "{}",
        "request_data": {},
        "current_cost": 2.0,
        "max_budget": 1.0,
        "entity_type": "secret-text",
        "original_response": "secret-text",
        "guardrail_name": "g",
        "failures": (),
        "request": request,
    }
    if kind.__init__ is Exception.__init__:
        return kind("secret-text")
    wanted = inspect.signature(kind).parameters
    arguments = {name: offered[name] for name in wanted if name in offered}
    if kind.__name__ in ("UnprocessableEntityError", "PermissionDeniedError"):
        code = 403 if kind.__name__ == "PermissionDeniedError" else 422
        arguments["response"] = httpx.Response(code, request=request)
    missing = {
        name: "secret-text"
        for name, parameter in wanted.items()
        if name not in arguments
        and parameter.default is parameter.empty
        and parameter.kind in (parameter.POSITIONAL_OR_KEYWORD, parameter.KEYWORD_ONLY)
    }
    return kind(**arguments, **missing)


EXPECTED = {
    "AuthenticationError": AuthError,
    "PermissionDeniedError": AuthError,
    "RateLimitError": RateLimitError,
    "Timeout": BackendTimeoutError,
    "ContextWindowExceededError": ContextWindowError,
    "LiteLLMUnknownProvider": ConfigError,
}


def test_each_becomes_the_right_kind_without_its_text():
    for name, kind in litellm_exceptions().items():
        error = popi_error(made(kind), MODEL, 5)
        expected = next((EXPECTED[base.__name__] for base in kind.__mro__ if base.__name__ in EXPECTED), BackendError)
        assert type(error) is expected, name
        assert "secret-text" not in str(error), name
        assert MODEL in str(error), name
        assert error.hint, name


@pytest.mark.parametrize(
    "error",
    [
        httpx.ReadError("secret-text"),
        httpx.ConnectError("secret-text"),
        httpx.RemoteProtocolError("secret-text"),
        ConnectionResetError("secret-text"),
        KeyError("secret-text"),
        TypeError("secret-text"),
        AttributeError("secret-text"),
        json.JSONDecodeError("secret-text", "secret-text", 0),
        UnicodeDecodeError("utf-8", b"secret-text", 0, 1, "secret-text"),
        RuntimeError("secret-text"),
        Exception("secret-text"),
    ],
    ids=lambda error: type(error).__name__,
)
def test_whatever_else_comes_out_is_a_backend_error_that_may_pass(error: Exception):
    mapped = popi_error(error, MODEL, 5)
    assert type(mapped) is BackendError
    assert mapped.retryable
    assert "secret-text" not in str(mapped)


@pytest.mark.parametrize(
    "error",
    [
        httpx.ReadTimeout("x"),
        httpx.ConnectTimeout("x"),
        TimeoutError(),
    ],
    ids=lambda error: type(error).__name__,
)
def test_timeouts_of_every_layer_are_one(error: Exception):
    assert type(popi_error(error, MODEL, 2.5)) is BackendTimeoutError
    assert "2.5 s" in str(popi_error(error, MODEL, 2.5))


def test_an_error_of_ours_passes_as_it_is():
    error = ConfigError("Ours.")
    assert popi_error(error, MODEL, 5) is error


def test_a_missing_package_of_a_provider_is_named():
    error = popi_error(ModuleNotFoundError("No module named 'boto3'", name="boto3"), MODEL, 5)
    assert type(error) is ConfigError
    assert "boto3" in str(error)


def answered(status: int, body: object) -> Exception:
    """As LiteLLM raises it: its own guess, made while the client's exception with the true answer was handled."""
    request = httpx.Request("POST", "https://provider.example")
    response = httpx.Response(status, json=body, request=request)
    guess = litellm_exceptions()["RateLimitError"]("secret-text", "openai", "m")
    guess.__context__ = httpx.HTTPStatusError("secret-text", request=request, response=response)
    return guess


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (400, BackendError),
        (401, AuthError),
        (403, AuthError),
        (429, RateLimitError),
        (503, BackendError),
        (302, BackendError),
        (418, BackendError),
        (599, BackendError),
    ],
)
def test_the_providers_status_counts_more_than_litellms_guess(status: int, kind: type[PopiError]):
    error = popi_error(answered(status, {}), MODEL, 5)
    assert type(error) is kind
    assert error.status_code == status


WORDINGS = [
    "This model's maximum context length is 8192 tokens. However, you requested 9000 tokens.",
    "Your input exceeds the context window of this model. Please adjust your input and try again.",
    "prompt is too long: 208310 tokens > 200000 maximum",
    "input length and `max_tokens` exceed context limit: 190000 + 20000 > 200000",
    "Prompt contains 65673 tokens and 0 draft tokens, too large for model with 32768 maximum context length",
    "The decoder prompt (length 9000) is longer than the maximum model length of 8192.",
    "The prompt (total length 9000) is too long to fit into the model (context length 8192).",
    "the request exceeds the available context size. try increasing the context size or enable context shift",
    "The input token count (1200000) exceeds the maximum number of tokens allowed (1048576).",
    "Please reduce the length of the messages or completion.",
    "This model's maximum prompt length is 131072 but the request contains 537812 tokens.",
    "Input is too long for requested model.",
    "too many tokens: total number of tokens in the prompt cannot exceed 4081",
]


@pytest.mark.parametrize("wording", WORDINGS)
@pytest.mark.parametrize("status", [400, 413, 422])
def test_a_context_window_is_known_by_many_wordings(wording: str, status: int):
    assert type(popi_error(answered(status, {"error": {"message": wording}}), MODEL, 5)) is ContextWindowError


@pytest.mark.parametrize("wording", WORDINGS[:3])
def test_only_a_refused_request_can_be_too_long(wording: str):
    assert type(popi_error(answered(503, {"error": {"message": wording}}), MODEL, 5)) is BackendError


@pytest.mark.parametrize(
    "message", ["Invalid value for 'temperature'.", "tools.0.name: field required", "Unknown field context_management"]
)
def test_other_refusals_are_not_taken_for_a_context_window(message: str):
    assert type(popi_error(answered(400, {"error": {"message": message}}), MODEL, 5)) is BackendError


@pytest.mark.parametrize(
    "code", ["sk-abcdefghijklmnop", "a sentence with words", "x" * 80, "AKIA1234567890ABCDEF", None, 5.5, {}]
)
def test_only_a_short_word_of_the_provider_is_repeated(code: object):
    error = popi_error(answered(400, {"error": {"code": code, "type": code}}), MODEL, 5)
    assert "(400)." in str(error)


def test_the_providers_error_code_is_told():
    error = popi_error(answered(400, {"error": {"code": "unsupported_value"}}), MODEL, 5)
    assert "(400, unsupported_value)" in str(error)


NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({}, None),
        ({"retry-after": "2"}, 2),
        ({"retry-after": "0"}, 0),
        ({"retry-after": "1.5"}, 1.5),
        ({"retry-after-ms": "1500"}, 1.5),
        ({"retry-after-ms": "200", "retry-after": "9"}, 0.2),
        ({"retry-after-ms": "soon", "retry-after": "9"}, 9),
        ({"retry-after": "Fri, 02 Jan 2026 03:05:05 GMT"}, 60),
        ({"retry-after": "Fri, 02 Jan 2026 03:00:00 GMT"}, 0),
        ({"retry-after": "soon"}, None),
        ({"retry-after": "-5"}, None),
        ({"retry-after": "nan"}, None),
        ({"retry-after": "inf"}, None),
        ({"retry-after": ""}, None),
    ],
)
def test_retry_after_is_read_in_every_form(headers: dict[str, str], seconds: float | None):
    assert retry_after(httpx.Headers(headers), NOW) == seconds
