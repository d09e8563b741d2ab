"""Every entry point of every client, waiting and awaited: the block stands in the request once and where it belongs,
nothing else of the request changes, the answer is what the SDK makes of it anyway, and the user's client stays as is.
"""

from __future__ import annotations

import copy
import json
from typing import Any

import pytest

from tests.integrations import entry_points, vendors
from tests.integrations.conftest import BLOCK
from tests.loopback import Request

CHANGING_HEADERS = ("content-length", "traceparent")


def with_block(body: dict[str, Any], route: str) -> dict[str, Any]:
    """What the body of an unwrapped client must have become: written here once more, by hand."""
    body = copy.deepcopy(body)
    if route == "chat":
        body["messages"][0]["content"] += f"\n\n{BLOCK}"
    elif route == "responses":
        body["instructions"] += f"\n\n{BLOCK}"
    else:
        marked = {"type": "text", "text": BLOCK, "cache_control": {"type": "ephemeral"}}
        body["system"] = [{"type": "text", "text": body["system"]}, marked]
    return body


def sent(request: Request) -> tuple[str, dict[str, str], str]:
    """A request as it went over the wire: the order of a body's keys counts."""
    headers = {name: value for name, value in request.headers.items() if name not in CHANGING_HEADERS}
    return request.path, headers, json.dumps(request.body)


@pytest.mark.parametrize("side", ["sync", "async"])
@pytest.mark.parametrize(("vendor", "route", "entry"), vendors.cases())
async def test_an_entry_point_sends_the_block_once_and_changes_nothing_else(
    vendor, route, entry, side, client_of, server, popi, async_popi
) -> None:
    client = client_of(vendor, side)
    given = copy.deepcopy({name: value for name, value in vars(entry_points).items() if name.isupper()})
    plain_answer = await entry(client, side)
    [plain] = server.requests
    wrapped = (async_popi if side == "async" else popi).wrap(client).for_user("ada")
    assert isinstance(wrapped, type(client))
    answer = await entry(wrapped, side)
    [_, personal] = server.requests
    path, headers, _ = sent(plain)
    assert sent(personal) == (path, headers, json.dumps(with_block(plain.body, route)))
    assert json.dumps(personal.body).count(json.dumps(BLOCK)[1:-1]) == 1
    assert answer == plain_answer
    assert await entry(client, side) == plain_answer
    assert sent(server.requests[-1]) == sent(plain)
    assert {name: vars(entry_points)[name] for name in given} == given


@pytest.mark.parametrize("side", ["sync", "async"])
@pytest.mark.parametrize("vendor", ["openai", "anthropic", "mistral"])
async def test_what_carries_no_prompt_for_an_answer_is_left_alone(
    vendor, side, client_of, server, popi, async_popi
) -> None:
    client = client_of(vendor, side)
    wrapped = (async_popi if side == "async" else popi).wrap(client).for_user("ada")
    for asked in (client, wrapped):
        if vendor == "openai":
            await entry_points.settled(asked.embeddings.create(model="e", input="Which boots?"))
        elif vendor == "mistral":
            create = asked.embeddings.create_async if side == "async" else asked.embeddings.create
            await entry_points.settled(create(model="e", inputs=["Which boots?"]))
        else:
            batch = [{"custom_id": "one", "params": entry_points.MESSAGE}]
            await entry_points.settled(asked.messages.batches.create(requests=batch))
    plain, personal = server.requests
    assert sent(plain) == sent(personal)
