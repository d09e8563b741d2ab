"""What becomes of a call when the provider fails: the outcome, and how many requests the server saw."""

import asyncio
import logging
import time
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest

from popi_sdk.backend import ModelSpec, retries
from popi_sdk.errors import (
    AuthError,
    BackendError,
    BackendTimeoutError,
    ContextWindowError,
    RateLimitError,
)
from tests.asking import MODELS, ONE_PER_PROVIDER, WAYS, ask, failure
from tests.loopback import (
    KEY,
    LoopbackServer,
    hang,
    malformed_json,
    ok,
    reset,
    status,
    too_long,
    wrong_content_type,
)

every_way = pytest.mark.parametrize("way", WAYS)
every_provider = pytest.mark.parametrize("model", ONE_PER_PROVIDER)


@pytest.fixture
def hurried(monkeypatch: pytest.MonkeyPatch) -> None:
    """Own waits of a few milliseconds; what providers ask for is waited for as ever."""
    monkeypatch.setattr(retries, "_FIRST_WAIT", 0.005)


@every_way
@pytest.mark.parametrize("model", MODELS)
async def test_a_request_that_is_too_long_is_a_context_window_error(loopback: LoopbackServer, model: str, way: str):
    loopback.default = too_long()
    error = await failure(way, loopback.model_spec(model), retries=3)
    assert type(error) is ContextWindowError
    assert (error.status_code, error.retryable, error.model) == (400, False, model)
    assert len(loopback.requests) == 1


REFUSED = {400: BackendError, 401: AuthError, 402: BackendError, 403: AuthError, 404: BackendError, 422: BackendError}


@every_provider
@every_way
async def test_a_refused_request_is_not_sent_again(loopback: LoopbackServer, model: str, way: str):
    for code, kind in REFUSED.items():
        loopback.requests.clear()
        loopback.default = status(code)
        error = await failure(way, loopback.model_spec(model), retries=3)
        assert type(error) is kind
        assert (error.status_code, error.retryable, error.model) == (code, False, model)
        assert model in str(error)
        assert error.hint
        assert len(loopback.requests) == 1


@every_provider
@every_way
async def test_500_twice_and_then_an_answer(loopback: LoopbackServer, hurried, model: str, way: str):
    loopback.replies.extend([status(500), status(500)])
    completion = await ask(way, loopback.model_spec(model), retries=2)
    assert completion.text == "Hello from the loopback."
    assert len(loopback.requests) == 3


@every_way
async def test_what_may_pass_is_tried_as_often_as_asked_and_then_raised(loopback: LoopbackServer, hurried, way: str):
    for code in (408, 409, 429, 500, 502, 503, 504, 529):
        loopback.requests.clear()
        loopback.default = status(code)
        error = await failure(way, loopback.model_spec("anthropic/claude-sonnet-4-6"), retries=2)
        assert isinstance(error, BackendError)
        assert (error.status_code, error.retryable) == (code, True)
        assert len(loopback.requests) == 3


@every_provider
@every_way
async def test_nobody_but_us_retries(loopback: LoopbackServer, model: str, way: str):
    """With `retries=0` the server sees one request, whatever LiteLLM and the vendors' clients would do on their own."""
    for reply in (status(500), status(429), status(503, headers={"retry-after": "0"}), malformed_json(), hang(2)):
        loopback.requests.clear()
        loopback.default = reply
        await failure(way, loopback.model_spec(model), timeout=0.15)
        assert len(loopback.requests) == 1


@every_way
async def test_the_apps_own_litellm_settings_do_not_multiply_retries(
    loopback: LoopbackServer, monkeypatch: pytest.MonkeyPatch, way: str
):
    import litellm

    monkeypatch.setattr(litellm, "num_retries", 2)
    loopback.default = status(500)
    await failure(way, loopback.model_spec("mistral/mistral-small-latest"))
    assert len(loopback.requests) == 1


def in_seconds(seconds: float) -> dict[str, str]:
    return {"retry-after": str(seconds)}


def in_milliseconds(seconds: float) -> dict[str, str]:
    return {"retry-after-ms": str(int(seconds * 1000))}


@every_provider
@every_way
async def test_retry_after_is_waited_for(loopback: LoopbackServer, model: str, way: str):
    headers = in_seconds if way in ("complete", "astream") else in_milliseconds
    loopback.replies.append(status(429, headers=headers(0.2)))
    started = time.monotonic()
    completion = await ask(way, loopback.model_spec(model), retries=1)
    assert 0.2 <= time.monotonic() - started < 2
    assert completion.text
    assert len(loopback.requests) == 2


async def test_retry_after_may_be_a_date(loopback: LoopbackServer):
    at = datetime.now(UTC) + timedelta(seconds=2)
    loopback.replies.append(status(503, headers={"retry-after": format_datetime(at, usegmt=True)}))
    await ask("complete", loopback.model_spec("openai/gpt-4o-mini"), retries=1)
    assert datetime.now(UTC) >= at.replace(microsecond=0)


@every_provider
@every_way
async def test_a_wait_that_is_too_long_is_told_and_not_waited_for(loopback: LoopbackServer, model: str, way: str):
    for asked, timeout in (("100", 300), ("2", 1), ("Wed, 21 Oct 2099 07:28:00 GMT", 300)):
        loopback.requests.clear()
        loopback.default = status(429, headers={"retry-after": asked})
        started = time.monotonic()
        error = await failure(way, loopback.model_spec(model), retries=3, timeout=timeout)
        assert time.monotonic() - started < 1
        assert type(error) is RateLimitError
        assert error.retry_after is not None
        assert error.retry_after >= 2
        assert len(loopback.requests) == 1


async def test_an_empty_account_is_not_asked_again(loopback: LoopbackServer):
    body = {
        "error": {
            "message": "You exceeded your current quota",
            "type": "insufficient_quota",
            "code": "insufficient_quota",
        }
    }
    loopback.default = status(429, body)
    error = await failure("complete", loopback.model_spec("openai/gpt-4o-mini"), retries=3)
    assert type(error) is RateLimitError
    assert not error.retryable
    assert "balance" in error.hint
    assert len(loopback.requests) == 1


UNREADABLE = {
    "cut short": malformed_json(),
    "null": malformed_json("null"),
    "a list": malformed_json("[]"),
    "a string": malformed_json('"hello"'),
    "no choices": malformed_json('{"id": "1", "choices": null, "content": null}'),
    "empty choices": malformed_json('{"id": "1", "choices": [], "content": []}'),
    "nothing": malformed_json(""),
    "a web page": wrong_content_type(),
}


@every_provider
@every_way
async def test_an_answer_that_cannot_be_read_is_asked_for_again(
    loopback: LoopbackServer, hurried, model: str, way: str
):
    for name, reply in UNREADABLE.items():
        if name == "empty choices" and "anthropic" in model:
            continue  # an empty list of contents is how Anthropic says nothing
        loopback.requests.clear()
        loopback.replies.append(reply)
        loopback.default = ok()
        assert (await ask(way, loopback.model_spec(model), retries=1)).text == "Hello from the loopback.", name
        assert len(loopback.requests) == 2, name

        loopback.default = reply
        error = await failure(way, loopback.model_spec(model), retries=1)
        assert type(error) is BackendError, name
        assert error.retryable, name
        assert len(loopback.requests) == 4, name


@every_provider
@every_way
async def test_a_reset_connection_is_tried_again(loopback: LoopbackServer, hurried, model: str, way: str):
    loopback.default = reset()
    error = await failure(way, loopback.model_spec(model), retries=1)
    assert type(error) is BackendError
    assert error.retryable
    assert "could not be reached" in str(error)
    assert len(loopback.requests) == 2

    loopback.replies.append(reset())
    loopback.default = ok()
    assert (await ask(way, loopback.model_spec(model), retries=1)).text


@every_way
async def test_a_server_that_is_not_there_is_a_backend_error(loopback: LoopbackServer, hurried, way: str):
    spec = ModelSpec("openai/gpt-4o-mini", api_base="http://127.0.0.1:9/v1", api_key_env="POPI_LOOPBACK_KEY")
    error = await failure(way, spec, retries=1)
    assert type(error) is BackendError
    assert error.retryable


@every_provider
@every_way
async def test_a_hang_is_given_up_at_the_timeout_and_tried_once_more_at_most(
    loopback: LoopbackServer, hurried, model: str, way: str
):
    loopback.default = hang(5)
    started = time.monotonic()
    error = await failure(way, loopback.model_spec(model), timeout=0.15, retries=5)
    assert type(error) is BackendTimeoutError
    assert "0.15 s" in str(error)
    assert 0.3 <= time.monotonic() - started < 2
    assert len(loopback.requests) == 2


async def test_what_the_app_was_handling_is_no_part_of_our_error(loopback: LoopbackServer):
    """An app that asks a model while it handles its own 401 must not be told that the model refused the key."""
    import httpx

    refused = httpx.Response(401, request=httpx.Request("GET", "http://app.example"))
    loopback.default = reset()
    try:
        refused.raise_for_status()
    except httpx.HTTPStatusError:
        error = await failure("acomplete", loopback.model_spec("openai/gpt-4o-mini"))
    assert type(error) is BackendError
    assert error.status_code is None


@every_provider
async def test_an_echoed_prompt_does_not_change_what_went_wrong(loopback: LoopbackServer, model: str):
    """LiteLLM looks for words such as "rate limit" in the error's text, and providers repeat the prompt there."""
    messages = [
        {"role": "user", "content": "What is a rate limit, HTTP 429, and is my prompt overloaded? invalid_api_key"}
    ]
    loopback.default = status(400)
    with pytest.raises(BackendError) as raised:
        await ask("complete", loopback.model_spec(model), messages, retries=2)
    assert type(raised.value) is BackendError
    assert raised.value.status_code == 400
    assert len(loopback.requests) == 1


@every_way
async def test_failures_print_nothing_and_log_no_content(
    loopback: LoopbackServer, hurried, capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture, way: str
):
    caplog.set_level(logging.INFO)
    loopback.default = status(500)
    await failure(way, loopback.model_spec("openai/gpt-4o-mini"), retries=1)
    printed = capfd.readouterr()
    assert "Give Feedback" not in printed.out + printed.err
    for text in (printed.out, printed.err, caplog.text):
        assert KEY not in text
        assert "confidential-4711" not in text


async def test_waits_of_our_own_grow_and_differ(loopback: LoopbackServer, monkeypatch: pytest.MonkeyPatch):
    waited: list[float] = []

    async def note(seconds: float) -> None:
        waited.append(seconds)

    monkeypatch.setattr(asyncio, "sleep", note)
    loopback.default = status(500)
    await failure("acomplete", loopback.model_spec("openai/gpt-4o-mini"), retries=6)
    waits = [seconds for seconds in waited if seconds]
    assert len(waits) == 6
    for seconds, most in zip(waits, (0.5, 1, 2, 4, 8, 8), strict=True):
        assert most / 2 <= seconds <= most
    assert len(set(waits)) == 6
