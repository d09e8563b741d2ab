"""What becomes of a stream that breaks: an error, never a short answer that looks complete."""

import time

import pytest

from popi_sdk.backend import retries
from popi_sdk.errors import BackendError, BackendTimeoutError
from tests.asking import ONE_PER_PROVIDER, ask, failure
from tests.loopback import LoopbackServer, cut, stream_error

every_provider = pytest.mark.parametrize("model", ONE_PER_PROVIDER)
STREAMS = ("stream", "astream")


@pytest.fixture
def hurried(monkeypatch: pytest.MonkeyPatch) -> None:
    """Own waits of a few milliseconds; what providers ask for is waited for as ever."""
    monkeypatch.setattr(retries, "_FIRST_WAIT", 0.005)


@pytest.mark.parametrize("politely", [True, False], ids=["politely", "abruptly"])
@pytest.mark.parametrize("way", STREAMS)
@every_provider
async def test_a_cut_stream_is_an_error_and_never_a_short_answer(
    loopback: LoopbackServer, hurried, model: str, way: str, politely: bool
):
    loopback.default = cut(4, politely=politely)
    error = await failure(way, loopback.model_spec(model), retries=3)
    assert type(error) is BackendError
    assert error.retryable
    assert len(loopback.requests) == 1


@pytest.mark.parametrize("way", STREAMS)
@every_provider
async def test_a_stream_cut_before_its_first_piece_is_opened_again(
    loopback: LoopbackServer, hurried, model: str, way: str
):
    loopback.replies.extend([cut(0), cut(0, politely=True)])
    assert (await ask(way, loopback.model_spec(model), retries=2)).text == "Hello from the loopback."
    assert len(loopback.requests) == 3


@pytest.mark.parametrize("way", STREAMS)
@every_provider
async def test_an_error_within_a_stream_is_raised_and_not_retried(
    loopback: LoopbackServer, hurried, model: str, way: str
):
    loopback.default = stream_error(after=5)
    error = await failure(way, loopback.model_spec(model), retries=3)
    assert type(error) is BackendError
    assert error.retryable
    assert len(loopback.requests) == 1


@pytest.mark.parametrize("way", STREAMS)
@every_provider
async def test_a_stream_that_falls_silent_is_a_timeout(loopback: LoopbackServer, model: str, way: str):
    async def falls_silent(connection) -> None:
        await cut(4, politely=False)(connection)
        await connection.wait(5)

    loopback.default = falls_silent
    error = await failure(way, loopback.model_spec(model), timeout=0.2, retries=3)
    assert type(error) is BackendTimeoutError
    assert len(loopback.requests) == 1


@pytest.mark.parametrize("way", ["acomplete", "astream"])
async def test_signs_of_life_do_not_stretch_the_timeout(loopback: LoopbackServer, way: str):
    """DeepSeek sends empty lines for minutes while a request waits; asynchronously, `timeout` holds all the same."""

    async def trickle(connection) -> None:
        await connection.open_stream()
        for _ in range(50):
            await connection.send_event(b"\n")
            await connection.wait(0.1)

    loopback.default = trickle
    started = time.monotonic()
    error = await failure(way, loopback.model_spec("deepseek/deepseek-reasoner"), timeout=0.5)
    assert type(error) is BackendTimeoutError
    assert time.monotonic() - started < 1.5
