"""Whole calls over the wire: real LiteLLM, a server on the loopback that speaks each provider's protocol.

Between the providers only the model's line of configuration changes.
"""

from __future__ import annotations

import copy

import pytest

from popi_sdk import BackendError, BackendTimeoutError, Conversation, Edit, PreferencePair, Statement
from tests.loopback import LoopbackServer, hang, ok, status, tool_call

pytestmark = pytest.mark.usefixtures("contrast_by_default")

MODELS = [
    "openai/gpt-4o-mini",
    "anthropic/claude-sonnet-4-5",
    "anthropic/claude-sonnet-4-6",
    "mistral/mistral-small-latest",
    "mistral/mistral-large-latest",
    "deepseek/deepseek-reasoner",
    "hosted_vllm/meta-llama/Llama-3.2-3B-Instruct",
]
SAID = "Cite a source for each claim."
SECRETS = ("PAIRTEXT", "EDITTEXT", "CHATTEXT")
SIGNALS = [
    Statement(SAID),
    *(
        PreferencePair(
            f"PAIRTEXT question {number}?",
            f"PAIRTEXT answer {number}. It is short.",
            f"PAIRTEXT answer {number}. " + "It goes on and on with many further words that nobody asked for. " * 12,
        )
        for number in range(10)
    ),
    Edit(
        "EDITTEXT prompt", "EDITTEXT draft, which is much longer than what is left of it in the end.", "EDITTEXT final."
    ),
    Conversation([{"role": "user", "content": "CHATTEXT hello"}, {"role": "assistant", "content": "CHATTEXT hi"}]),
]
CHAT = [{"role": "system", "content": "You sell shoes."}, {"role": "user", "content": "Which boots?"}]


@pytest.fixture(params=MODELS)
def model(request) -> str:
    return request.param


def check_request(server: LoopbackServer, summary) -> None:
    """The summary stands in the system part after the app's words, and no text of a signal but the statement does."""
    request = server.requests[-1]
    assert request.system.startswith("You sell shoes.")
    for clause in summary.clauses:
        assert f"- {clause.text}" in request.system
    assert SAID in request.system
    for secret in SECRETS:
        assert secret not in str(request.body)


def test_a_personalized_answer_comes_back_from_every_provider(clients, loopback, model) -> None:
    loopback.replies.append(ok("Take the brown ones."))
    popi = clients(model=loopback.model_spec(model), retries=0)
    popi.observe("ada", *SIGNALS)
    reply = popi.personalize(CHAT, user_id="ada")
    assert (reply.text, reply.status, reply.model) == ("Take the brown ones.", "applied", model)
    assert {"length", "said"} & {clause.aspect for clause in reply.summary.clauses}
    assert "short" in reply.summary.text
    assert reply.usage.prompt_tokens > 0
    assert reply.message["content"] == "Take the brown ones."
    check_request(loopback, reply.summary)


def test_a_personalized_answer_streams_from_every_provider(clients, loopback, model) -> None:
    loopback.replies.append(ok("Take the brown ones."))
    stream, pieces = clients(model=loopback.model_spec(model), retries=0).read_stream(CHAT, SIGNALS)
    assert "".join(pieces) == "Take the brown ones."
    assert len(pieces) > 1
    assert stream.reply.text == "Take the brown ones."
    assert stream.reply.usage.completion_tokens > 0
    check_request(loopback, stream.summary)


def test_the_same_summary_is_the_same_bytes_for_every_provider(clients, loopback) -> None:
    systems = set()
    for model in MODELS:
        clients(model=loopback.model_spec(model), retries=0).personalize(CHAT, SIGNALS)
        systems.add(loopback.requests[-1].system.replace("You sell shoes.\n\n", "").replace("You sell shoes.\n", ""))
    assert len(systems) == 1


@pytest.mark.parametrize("model", ["anthropic/claude-sonnet-4-5", "anthropic/claude-sonnet-4-6"])
def test_anthropic_receives_the_block_with_a_cache_mark(clients, loopback, model) -> None:
    clients(model=loopback.model_spec(model), retries=0).personalize(CHAT, SIGNALS)
    parts = loopback.requests[-1].body["system"]
    assert [part["text"].split("\n")[0] for part in parts] == ["You sell shoes.", "<user_preferences>"]
    assert parts[1]["cache_control"] == {"type": "ephemeral"}
    assert "cache_control" not in parts[0]


def test_a_tool_call_comes_back_as_a_message_to_append(clients, loopback) -> None:
    loopback.replies.append(tool_call("find_boots", {"size": 42}))
    tool = {"type": "function", "function": {"name": "find_boots", "parameters": {"type": "object", "properties": {}}}}
    reply = clients(model=loopback.model_spec("openai/gpt-4o-mini"), retries=0).personalize(CHAT, [SAID], tools=[tool])
    assert reply.text == ""
    assert reply.message["tool_calls"][0]["function"]["name"] == "find_boots"
    assert loopback.requests[-1].body["tools"] == [tool]


class TestFaults:
    """A provider's fault never costs a signal, and the stored summary is served again afterwards."""

    @pytest.mark.parametrize(
        ("faults", "error", "requests"),
        [
            ([status(401)], BackendError, 1),
            ([status(500), status(500), status(500)], BackendError, 3),
            ([hang(5), hang(5), hang(5)], BackendTimeoutError, None),
        ],
        ids=["401", "500 three times", "hang"],
    )
    def test_after_a_fault_everything_is_still_there(self, clients, loopback, faults, error, requests) -> None:
        popi = clients(model=loopback.model_spec("openai/gpt-4o-mini"), retries=2, timeout=0.3)
        popi.observe("ada", SAID)
        loopback.replies.extend(faults)
        with pytest.raises(error):
            popi.personalize("Hi", user_id="ada")
        if requests:
            assert len(loopback.requests) == requests
        loopback.replies.clear()
        assert popi.profile("ada").signal_count == 1
        assert popi.personalize("Hi", user_id="ada").summary.version == 1

    def test_a_fallback_of_another_provider_gets_its_own_form_and_not_the_firsts_key(self, clients, loopback) -> None:
        loopback.replies.extend([status(503), ok("Saved.")])
        popi = clients(
            model=loopback.model_spec("openai/gpt-4o-mini"),
            fallbacks=[loopback.model_spec("anthropic/claude-sonnet-4-6")],
            retries=0,
        )
        reply = popi.personalize(CHAT, [SAID], api_key="sk-for-the-first-only")
        assert (reply.text, reply.model) == ("Saved.", "anthropic/claude-sonnet-4-6")
        first, second = loopback.requests
        assert isinstance(first.body["messages"][0]["content"], str)
        assert isinstance(second.body["system"], list)
        assert "sk-for-the-first-only" not in str(second.headers)
        assert SAID in first.system
        assert SAID in second.system


@pytest.mark.parametrize("name", ["openai/llama-3.2-3b", "anthropic/claude-sonnet-4-6"])
def test_an_own_server_without_keys_can_be_called_and_a_real_key_goes_first(
    clients, loopback, monkeypatch, name
) -> None:
    variable = {"openai": "OPENAI_API_KEY", "anthropic": "ANTHROPIC_API_KEY"}[name.split("/")[0]]
    monkeypatch.delenv(variable, raising=False)
    spec = {"name": name, "api_base": loopback.model_spec(name).api_base}
    assert clients(model=spec, retries=0).personalize("Hi").text
    assert "not-needed" in str(loopback.requests[-1].headers)
    monkeypatch.setenv(variable, "sk-the-real-one")
    clients(model=spec, retries=0).personalize("Hi")
    assert "sk-the-real-one" in str(loopback.requests[-1].headers)
    assert "not-needed" not in str(loopback.requests[-1].headers)


@pytest.mark.parametrize("name", ["openai/gpt-4o-mini", "mistral/mistral-small-latest", "hosted_vllm/llama-3.2"])
def test_nothing_the_caller_holds_is_changed_on_the_way(clients, loopback, name) -> None:
    image = {"type": "image_url", "image_url": "data:image/png;base64,AAAA"}
    chat = [{"role": "user", "content": [{"type": "text", "text": "What is this?"}, image]}]
    parameters = {"type": "object", "properties": {}, "additionalProperties": False}
    tools = [{"type": "function", "function": {"name": "f", "parameters": parameters}}]
    before = copy.deepcopy((chat, tools))
    clients(model=loopback.model_spec(name), retries=0).personalize(chat, [SAID], tools=tools)
    assert (chat, tools) == before
