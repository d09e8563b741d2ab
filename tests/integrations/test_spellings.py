"""What can be said to a client in several ways: lists as generators, and the address of a request."""

from __future__ import annotations

import json
from typing import Any

import pytest

from popi_sdk import Popi
from tests.integrations.conftest import BLOCK, SAID
from tests.integrations.entry_points import entered, listed, settled
from tests.loopback import status

each_vendor = pytest.mark.parametrize("vendor", ["openai", "anthropic", "mistral"])
each_side = pytest.mark.parametrize("side", ["sync", "async"])

TURN = {"role": "user", "content": "Hi"}


def text(request: Any) -> str:
    return json.dumps(request.body)


@pytest.fixture
def serving(popi, async_popi):
    """The POPI for a side."""
    return {"sync": popi, "async": async_popi}


def each_once(*items: Any) -> Any:
    return (item for item in items)


TOOL = {"name": "find", "input_schema": {"type": "object"}}
PART = {"type": "text", "text": "Hi"}


@pytest.mark.parametrize("call", ["create", "stream", "count_tokens", "beta.create", "retried"])
@each_side
async def test_generators_given_to_anthropics_client_lose_nothing(call, side, client_of, server, serving) -> None:
    client = serving[side].wrap(client_of("anthropic", side)).for_user("ada")
    messages = client.beta.messages if call.startswith("beta") else client.messages
    asked: dict[str, Any] = {
        "model": "m",
        "messages": each_once({"role": "user", "content": each_once(PART)}),
        "tools": each_once(TOOL),
        "system": each_once({"type": "text", "text": "You sell shoes."}),
    }
    if call == "count_tokens":
        await settled(messages.count_tokens(**asked))
    elif call == "stream":
        async with entered(messages.stream(max_tokens=5, **asked)) as stream:
            await listed(stream)
    else:
        if call == "retried":
            server.replies.append(status(500))
        if call == "beta.create":  # which reads the messages itself, so a generator of them is empty without POPI too
            asked["messages"] = list(asked["messages"])
        await settled(messages.create(max_tokens=5, **asked))
    for request in server.requests:
        assert request.body["messages"] == [{"role": "user", "content": [PART]}]
        assert request.body["tools"] == [TOOL]
        assert [part["text"] for part in request.body["system"]] == ["You sell shoes.", BLOCK]


@each_vendor
def test_a_generator_in_a_user_turn_keeps_its_parts_beside_the_block(vendor, client_of, server) -> None:
    turn = {"role": "user", "content": each_once(PART)}
    with Popi(store="memory", summarizer="contrast", placement="user") as popi:
        popi.observe("ada", SAID)
        client = popi.wrap(client_of(vendor)).for_user("ada")
        if vendor == "anthropic":
            client.messages.create(model="m", max_tokens=5, messages=[turn])
        elif vendor == "openai":
            client.chat.completions.create(model="m", messages=[turn])
        else:
            client.chat.complete(model="m", messages=[turn])
    [sent] = server.requests[-1].body["messages"]
    assert [part["text"] for part in sent["content"]] == [BLOCK, "Hi"]


@each_side
@pytest.mark.parametrize("vendor", ["openai", "anthropic"])
async def test_every_spelling_of_an_address_is_known(vendor, side, client_of, server, serving) -> None:
    client = serving[side].wrap(client_of(vendor, side)).for_user("ada")
    path = "chat/completions" if vendor == "openai" else "v1/messages"
    base = str(client.base_url)
    spellings = [path, f"/{path}", f"/{path}/", f"{path}?beta=true", base + path, base.replace("http:", "HTTP:") + path]
    for spelling in spellings:
        await settled(client.post(spelling, body={"model": "m", "messages": [TURN]}, cast_to=object))
    assert [SAID in text(request) for request in server.requests] == [True] * len(spellings)


async def test_an_address_outside_of_the_clients_base_is_left_alone(client_of, server, popi) -> None:
    client = popi.wrap(client_of("openai")).for_user("ada")
    client.post(f"{server.url}/deepseek/chat/completions", body={"model": "m", "messages": [TURN]}, cast_to=object)
    assert server.requests[-1].body["messages"] == [TURN]
