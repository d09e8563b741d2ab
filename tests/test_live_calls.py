"""With live calls switched off, whatever would leave this machine fails, and whatever stays on it goes on."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from typing import Any

import pytest

import popi_sdk
from popi_sdk import AsyncPopi, BackendError, Popi
from popi_sdk.backend import LiteLLMBackend
from popi_sdk.backend.model_spec import ModelSpec
from popi_sdk.testing import LiveCallError, no_live_calls
from tests.loopback import LoopbackServer

LIMITS: dict[str, Any] = {"timeout": 5.0, "retries": 0}
OPENAI = ModelSpec("openai/gpt-4o-mini")
HI = [{"role": "user", "content": "Hi"}]


@pytest.fixture(autouse=True)
def _no_keys(monkeypatch: pytest.MonkeyPatch) -> None:
    for variable in list(os.environ):
        if variable.endswith("_API_KEY"):
            monkeypatch.delenv(variable)


def test_a_forgotten_call_fails_naming_the_model_before_litellm_is_even_asked() -> None:
    with no_live_calls(), Popi(store="memory", model="anthropic/claude-sonnet-4-6") as popi:
        with pytest.raises(LiveCallError, match=r"anthropic/claude-sonnet-4-6.*FakeBackend"):
            popi.personalize("Hi")
        with pytest.raises(LiveCallError), popi.stream("Hi"):
            pass


async def test_a_forgotten_awaited_call_fails_too() -> None:
    with no_live_calls():
        async with AsyncPopi(store="memory") as popi:
            with pytest.raises(LiveCallError):
                await popi.personalize("Hi")
            with pytest.raises(LiveCallError):
                async with popi.stream("Hi"):
                    pass


def test_neither_fallbacks_nor_an_apps_handling_of_errors_hides_it() -> None:
    assert not issubclass(LiveCallError, popi_sdk.PopiError)
    popi = Popi(store="memory", fallbacks=["mistral/mistral-small-latest"])
    with no_live_calls(), popi, pytest.raises(LiveCallError) as caught:
        popi.personalize("Hi")
    assert caught.value.model == "openai/gpt-4o-mini"


def test_calls_to_this_machine_stay_allowed(loopback: LoopbackServer) -> None:
    with no_live_calls(), Popi(store="memory", model=loopback.model_spec("openai/gpt-4o-mini"), retries=0) as popi:
        assert popi.personalize("Hi").text == "Hello from the loopback."


def test_litellms_own_mock_response_stays_allowed() -> None:
    with no_live_calls():
        completion = LiteLLMBackend().complete(HI, OPENAI, **LIMITS, options={"mock_response": "Mocked."})
    assert completion.text == "Mocked."


@pytest.mark.parametrize(
    "address",
    [
        "https://api.openai.com/v1",
        "http://127.0.0.1.example.com/v1",
        "http://localhost.example.com",
        "http://[::2]/",
        "x",
        "",
    ],
)
def test_other_addresses_are_refused(address: str) -> None:
    with no_live_calls(), pytest.raises(LiveCallError):
        LiteLLMBackend().complete(HI, OPENAI, **LIMITS, options={"api_base": address})


@pytest.mark.parametrize("address", ["http://127.0.0.1:9/v1", "http://[::1]:9/v1", "http://localhost:9/v1"])
def test_loopback_addresses_are_let_through(address: str) -> None:
    with no_live_calls(), pytest.raises(BackendError):  # nobody listens there
        LiteLLMBackend().complete(HI, OPENAI, **LIMITS, options={"base_url": address, "api_key": "none"})


def test_it_holds_in_other_threads() -> None:
    caught: list[BaseException] = []

    def call() -> None:
        try:
            LiteLLMBackend().complete(HI, OPENAI, **LIMITS, options={})
        except BaseException as error:
            caught.append(error)

    with no_live_calls():
        thread = threading.Thread(target=call)
        thread.start()
        thread.join()
    assert [type(error) for error in caught] == [LiveCallError]


def test_the_variable_does_the_same_for_a_process_that_is_started() -> None:
    code = "import popi_sdk; popi_sdk.personalize('Hi')"
    with no_live_calls():
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "LiveCallError: A call to openai/gpt-4o-mini would have left this machine" in done.stderr


def test_blocks_may_be_nested_and_what_was_set_before_comes_back(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("POPI_NO_LIVE_CALLS", raising=False)
    with no_live_calls():
        with no_live_calls():
            pass
        assert os.environ["POPI_NO_LIVE_CALLS"] == "1"
    assert "POPI_NO_LIVE_CALLS" not in os.environ
