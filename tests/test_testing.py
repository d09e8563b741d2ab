"""The test doubles are part of the product: they answer as scripted, keep what was sent, and let nothing slip out."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import FrozenInstanceError
from typing import Any

import pytest

import popi_sdk
from popi_sdk import AsyncPopi, BackendError, Popi, RateLimitError
from popi_sdk.errors import ConfigError
from popi_sdk.summary import Clause, Summary
from popi_sdk.testing import FakeBackend, FakeSummarizer, LiveCallError, SentRequest, ToolCall, no_live_calls, use

# --- the fake backend ------------------------------------------------------------------------------------------------


def test_answers_are_given_in_order_and_then_the_default() -> None:
    with Popi(store="memory", backend=FakeBackend("one", "two", default="more")) as popi:
        assert [popi.personalize("Hi").text for _ in range(4)] == ["one", "two", "more", "more"]


def test_the_default_answer_holds_nothing_of_the_user() -> None:
    with Popi(store="memory", backend=FakeBackend()) as popi:
        answer = popi.personalize("zebra crossing", ["Answer in verse."]).text
    assert answer
    assert "zebra" not in answer
    assert "verse" not in answer


def test_every_request_is_kept_as_it_was_sent_and_cannot_be_changed() -> None:
    backend = FakeBackend()
    prompt: list[dict[str, Any]] = [
        {"role": "system", "content": "You are a pirate."},
        {"role": "user", "content": [{"type": "text", "text": "Hi"}]},
    ]
    with Popi(store="memory", backend=backend, summarizer="contrast") as popi:
        popi.personalize(prompt, ["Short answers, please."], model="mistral/mistral-small-latest", temperature=0.3)
    prompt[1]["content"][0]["text"] = "changed afterwards"
    [request] = backend.requests
    assert request.model.name == "mistral/mistral-small-latest"
    assert request.options == {"temperature": 0.3}
    assert request.system.startswith("You are a pirate.")
    assert "Short answers, please." in request.system
    assert request.prompt == "Hi"
    assert not request.streamed
    with pytest.raises(FrozenInstanceError):
        request.timeout = 1.0  # type: ignore[misc]


def test_an_answer_can_be_a_function_of_the_request() -> None:
    def answer(request: SentRequest) -> str:
        return f"{request.model.provider} was asked {request.prompt!r}"

    with Popi(store="memory", backend=FakeBackend(default=answer)) as popi:
        assert popi.personalize("Why?").text == "openai was asked 'Why?'"
        assert popi.personalize("How?", model="deepseek/deepseek-chat").text == "deepseek was asked 'How?'"


def test_a_tool_call_comes_as_providers_send_it() -> None:
    with Popi(store="memory", backend=FakeBackend(ToolCall("search", {"query": "leaves"}))) as popi:
        reply = popi.personalize("Hi")
    assert reply.text == ""
    [call] = reply.message["tool_calls"]
    assert call == {
        "id": "call_0001",
        "type": "function",
        "function": {"name": "search", "arguments": '{"query": "leaves"}'},
    }


def test_several_tool_calls_stream_too() -> None:
    calls = [ToolCall("search", {"query": "a"}), ToolCall("open", id="call_2")]
    with Popi(store="memory", backend=FakeBackend(calls)) as popi, popi.stream("Hi") as stream:
        assert "".join(stream) == ""
        assert [call["function"]["name"] for call in stream.reply.message["tool_calls"]] == ["search", "open"]


def test_an_error_is_raised_and_fallbacks_are_asked_next() -> None:
    backend = FakeBackend(RateLimitError("Too many.", model="openai/gpt-4o-mini"), "From the other.")
    with Popi(store="memory", backend=backend, fallbacks=["mistral/mistral-small-latest"]) as popi:
        reply = popi.personalize("Hi")
    assert (reply.text, reply.model) == ("From the other.", "mistral/mistral-small-latest")
    assert reply.warnings == ("Too many.",)


def test_a_function_can_return_an_error_to_raise() -> None:
    with Popi(store="memory", backend=FakeBackend(default=lambda _: BackendError("Down."))) as popi:
        with pytest.raises(BackendError, match="Down"):
            popi.personalize("Hi")
        with pytest.raises(BackendError, match="Down"), popi.stream("Hi"):
            pass


@pytest.mark.parametrize("text", ["Leaves turn  red,\nthen fall.\n", "one", "", " "])
def test_a_stream_has_the_same_text_and_the_same_reply_as_a_whole_answer(text: str) -> None:
    with Popi(store="memory", backend=FakeBackend(default=text)) as popi:
        whole = popi.personalize("Hi")
        with popi.stream("Hi") as stream:
            pieces = list(stream)
            streamed = stream.reply
    assert "".join(pieces) == text
    assert (streamed.text, streamed.message, streamed.usage) == (whole.text, whole.message, whole.usage)


def test_a_stream_comes_in_words_and_says_so_in_the_request() -> None:
    backend = FakeBackend("Leaves turn red.")
    with Popi(store="memory", backend=backend) as popi, popi.stream("Hi") as stream:
        assert list(stream) == ["Leaves", " turn", " red."]
    assert backend.requests[0].streamed


def test_chunks_have_the_shape_an_app_forwards() -> None:
    with Popi(store="memory", backend=FakeBackend("Leaves fall.")) as popi, popi.stream("Hi") as stream:
        chunks = [chunk.model_dump() for chunk in stream.chunks()]
    assert [chunk["choices"][0]["delta"]["content"] for chunk in chunks] == ["Leaves", " fall.", None]
    assert [chunk["choices"][0]["finish_reason"] for chunk in chunks] == [None, None, "stop"]


def test_a_stream_can_be_left_early() -> None:
    with Popi(store="memory", backend=FakeBackend("Leaves turn red.")) as popi, popi.stream("Hi") as stream:
        assert next(iter(stream)) == "Leaves"


async def test_everything_works_awaited() -> None:
    backend = FakeBackend("Leaves fall.", "Leaves fall.", BackendError("Down."))
    async with AsyncPopi(store="memory", backend=backend) as popi:
        assert (await popi.personalize("Hi")).text == "Leaves fall."
        async with popi.stream("Hi") as stream:
            assert [piece async for piece in stream] == ["Leaves", " fall."]
            assert stream.reply.text == "Leaves fall."
        with pytest.raises(BackendError, match="Down"):
            await popi.personalize("Hi")
    assert [request.streamed for request in backend.requests] == [False, True, False]


async def test_an_awaited_stream_can_be_left_early() -> None:
    async with AsyncPopi(store="memory", backend=FakeBackend("Leaves turn red.")) as popi, popi.stream("Hi") as stream:
        async for piece in stream:
            assert piece == "Leaves"
            break


def test_what_the_real_backend_refuses_the_fake_one_refuses() -> None:
    with Popi(store="memory", backend=FakeBackend()) as popi, pytest.raises(ConfigError, match="num_retries"):
        popi.personalize("Hi", num_retries=3)


# --- the fake summarizer ---------------------------------------------------------------------------------------------


def test_a_fake_summarizer_writes_what_it_was_given_and_keeps_what_it_saw() -> None:
    summarizer = FakeSummarizer("Answer in French.", name="ours")
    with Popi(store="memory", backend=FakeBackend(), summarizer=summarizer) as popi:
        popi.observe("ada", "I live in Lyon.")
        reply = popi.personalize("Hi", user_id="ada")
    assert (reply.summary.text, reply.summary.model, reply.status) == ("Answer in French.", "ours", "applied")
    [asked] = summarizer.asked
    assert [signal.kind for signal in asked.signals] == ["statement"]
    assert asked.previous is None


def test_a_fake_summarizer_can_give_a_whole_summary() -> None:
    summary = Summary(clauses=(Clause("Use lists.", strength=0.4), Clause("Be brief.", strength=0.9)))
    with Popi(store="memory", summarizer=FakeSummarizer(summary)) as popi:
        assert {clause.text for clause in popi.summarize(["Anything."]).clauses} == {"Use lists.", "Be brief."}


def test_a_fake_summarizer_that_fails_does_not_cost_the_answer() -> None:
    broken = FakeSummarizer(RuntimeError("out of memory"))
    with Popi(store="memory", backend=FakeBackend("Hello."), summarizer=broken) as popi:
        reply = popi.personalize("Hi", ["Be brief."])
    assert (reply.text, reply.status) == ("Hello.", "failed")


# --- use: clients that are already made ------------------------------------------------------------------------------


@pytest.mark.usefixtures("contrast_by_default")
def test_the_module_level_functions_can_be_given_a_fake_backend() -> None:
    with use(FakeBackend("Hello.", "Hello again.")) as backend:
        assert popi_sdk.personalize("Hi", ["Short answers, please."]).text == "Hello."
        with popi_sdk.stream("Hi") as stream:
            assert "".join(stream) == "Hello again."
    assert "Short answers, please." in backend.requests[0].system


async def test_the_awaited_functions_can_be_given_a_fake_backend() -> None:
    with use(FakeBackend("Hello.", "Hello again.")):
        assert (await popi_sdk.apersonalize("Hi")).text == "Hello."
        async with popi_sdk.astream("Hi") as stream:
            assert "".join([piece async for piece in stream]) == "Hello again."


def test_a_client_and_a_remote_summarizer_that_are_already_made_ask_it_too() -> None:
    popi = Popi(store="memory", summarizer="openai/gpt-4o-mini", model="mistral/mistral-small-latest")
    with popi, use(FakeBackend("Keep answers short.", "Hello.")) as backend:
        reply = popi.personalize("Hi", ["I have little time."])
    assert (reply.summary.text, reply.text) == ("Keep answers short.", "Hello.")
    assert [request.model.name for request in backend.requests] == [
        "openai/gpt-4o-mini",
        "mistral/mistral-small-latest",
    ]


def test_afterwards_calls_are_real_again() -> None:
    with use(), pytest.raises(ZeroDivisionError):
        raise ZeroDivisionError
    with no_live_calls(), pytest.raises(LiveCallError):
        popi_sdk.personalize("Hi")


def test_the_module_needs_neither_pytest_nor_litellm() -> None:
    code = "import sys, popi_sdk.testing; print([name for name in ('pytest', 'litellm') if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
