"""One model after another until one answers."""

import pytest

from popi_sdk.backend import LiteLLMBackend, ModelSpec, awith_fallbacks, options_for_fallback, with_fallbacks
from popi_sdk.errors import (
    AuthError,
    BackendError,
    BackendTimeoutError,
    ConfigError,
    ContextWindowError,
    RateLimitError,
)
from tests.asking import MESSAGES
from tests.loopback import KEY, LoopbackServer, hang, ok, reset, status, too_long, wrong_content_type

FIRST, SECOND, THIRD = "openai/gpt-4o-mini", "anthropic/claude-sonnet-4-6", "mistral/mistral-small-latest"


async def ask_all(server: LoopbackServer, way: str, *names: str):
    models, limits = [server.model_spec(name) for name in names], {"timeout": 0.5, "retries": 0, "options": {}}
    backend = LiteLLMBackend()
    if way == "sync":
        return with_fallbacks(models, lambda model: backend.complete(MESSAGES, model, **limits))
    return await awith_fallbacks(models, lambda model: backend.acomplete(MESSAGES, model, **limits))


ways = pytest.mark.parametrize("way", ["sync", "async"])
FAILURES = [
    status(401),
    status(403),
    status(404),
    status(429),
    status(500),
    too_long(),
    reset(),
    hang(2),
    wrong_content_type(),
]
NAMES = ["401", "403", "404", "429", "500", "too long", "reset", "hang", "web page"]


@pytest.mark.parametrize("reply", FAILURES, ids=NAMES)
@ways
async def test_the_next_model_answers_and_the_failure_is_a_warning(loopback: LoopbackServer, way: str, reply):
    loopback.replies.append(reply)
    completion, warnings = await ask_all(loopback, way, FIRST, SECOND)
    assert completion.model == SECOND
    assert completion.text == "Hello from the loopback."
    assert len(warnings) == 1
    assert FIRST in warnings[0]
    assert KEY not in warnings[0]
    assert [request.provider for request in loopback.requests] == ["openai", "anthropic"]


@pytest.mark.parametrize("code", [400, 422])
@ways
async def test_an_invalid_request_is_not_carried_from_model_to_model(loopback: LoopbackServer, way: str, code: int):
    loopback.default = status(code)
    with pytest.raises(BackendError) as raised:
        await ask_all(loopback, way, FIRST, SECOND)
    assert raised.value.model == FIRST
    assert len(loopback.requests) == 1


@ways
async def test_when_all_are_down_each_is_named_with_its_reason(loopback: LoopbackServer, way: str):
    loopback.replies.extend([status(500), status(401), status(429, headers={"retry-after": "90"})])
    with pytest.raises(BackendError) as raised:
        await ask_all(loopback, way, FIRST, SECOND, THIRD)
    error = raised.value
    assert type(error) is RateLimitError
    assert (error.model, error.status_code, error.retry_after, error.retryable) == (THIRD, 429, 90, True)
    for part in (FIRST, "500", SECOND, "401", THIRD, "429"):
        assert part in str(error)
    assert error.__cause__ is not None
    assert type(error.__cause__).__module__.startswith("litellm")
    assert len(loopback.requests) == 3


@ways
async def test_a_single_model_raises_its_own_error(loopback: LoopbackServer, way: str):
    loopback.default = hang(2)
    with pytest.raises(BackendTimeoutError, match=r"^openai/gpt-4o-mini did not answer within 0.5 s"):
        await ask_all(loopback, way, FIRST)


@ways
async def test_a_model_that_answers_at_once_is_the_only_one_asked(loopback: LoopbackServer, way: str):
    loopback.default = ok("At once.")
    completion, warnings = await ask_all(loopback, way, FIRST, SECOND, THIRD)
    assert (completion.text, warnings, len(loopback.requests)) == ("At once.", (), 1)


@ways
async def test_a_missing_key_of_one_model_does_not_stop_the_next(
    loopback: LoopbackServer, monkeypatch: pytest.MonkeyPatch, way: str
):
    monkeypatch.delenv("NOT_SET_KEY", raising=False)
    models = [ModelSpec(FIRST, api_base="http://127.0.0.1:9", api_key_env="NOT_SET_KEY"), loopback.model_spec(SECOND)]
    backend, limits = LiteLLMBackend(), {"timeout": 2, "retries": 0, "options": {}}
    if way == "sync":
        completion, warnings = with_fallbacks(models, lambda model: backend.complete(MESSAGES, model, **limits))
    else:
        completion, warnings = await awith_fallbacks(models, lambda model: backend.acomplete(MESSAGES, model, **limits))
    assert completion.model == SECOND
    assert "NOT_SET_KEY" in warnings[0]


def test_the_last_errors_kind_is_kept():
    def fail(model: ModelSpec) -> None:
        raise (ContextWindowError if model.name == SECOND else AuthError)("No.", model=model.name)

    with pytest.raises(ContextWindowError):
        with_fallbacks([ModelSpec(FIRST), ModelSpec(SECOND)], fail)


def test_wrong_arguments_are_not_carried_from_model_to_model():
    asked: list[str] = []

    def fail(model: ModelSpec) -> None:
        asked.append(model.name)
        raise ConfigError("No.")

    with pytest.raises(ConfigError):
        with_fallbacks([ModelSpec(FIRST), ModelSpec(SECOND)], fail)
    assert asked == [FIRST]


def test_without_a_model_the_setting_is_named():
    with pytest.raises(ConfigError, match="model"):
        with_fallbacks([], lambda model: model)


def test_a_key_or_address_given_for_one_provider_is_not_given_to_another():
    options = {
        "api_key": KEY,
        "api_base": "https://one.example",
        "extra_headers": {"x": "y"},
        "temperature": 0,
        "tools": [],
    }
    assert options_for_fallback(options) == {"temperature": 0, "tools": []}
    assert options["api_key"] == KEY
