"""What a wrapped client is: like the user's own, for one user at a time, and never the reason that a call fails."""

from __future__ import annotations

import asyncio
import gc
import json
import logging
import threading
import time
import warnings
from typing import Any

import pytest

from popi_sdk import AsyncPopi, ConfigError, Popi, SignalError, StoreError
from tests.integrations import vendors
from tests.integrations.conftest import BLOCK, SAID
from tests.integrations.entry_points import chat_create, messages_create, mistral_complete, settled
from tests.integrations.shapes import answered
from tests.loopback import status

ASK = {"openai": chat_create, "anthropic": messages_create, "mistral": mistral_complete}

each_vendor = pytest.mark.parametrize("vendor", list(ASK))
each_side = pytest.mark.parametrize("side", ["sync", "async"])


async def each(clients: list[Any], vendor: str, side: str) -> None:
    for client in clients:
        await ASK[vendor](client, side)


def text(request: Any) -> str:
    return json.dumps(request.body)


@pytest.fixture
def serving(popi, async_popi):
    """The POPI for a side."""
    return {"sync": popi, "async": async_popi}


@each_side
@each_vendor
async def test_without_a_user_nothing_is_sent_and_one_warning_says_so(vendor, side, client_of, server, serving) -> None:
    client = client_of(vendor, side)
    await ASK[vendor](client, side)
    wrapped = serving[side].wrap(client)
    asked = [wrapped, wrapped, wrapped if vendor == "mistral" else wrapped.with_options(timeout=3)]
    with pytest.warns(UserWarning, match="for_user") as told:
        await each(asked, vendor, side)
    assert len(told) == 1
    assert all(request.body == server.requests[0].body for request in server.requests)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        await ASK[vendor](serving[side].wrap(client).for_user("ada"), side)
    assert BLOCK.splitlines()[0] in text(server.requests[-1])


@each_side
@each_vendor
async def test_an_unknown_user_gets_the_request_as_it_is(vendor, side, client_of, server, serving) -> None:
    client = client_of(vendor, side)
    await ASK[vendor](client, side)
    await ASK[vendor](serving[side].wrap(client).for_user("nobody"), side)
    assert json.dumps(server.requests[1].body) == json.dumps(server.requests[0].body)


class Counting(Popi):
    """Counts how often it is asked for a summary."""

    asked = 0

    def personal(self, *args: Any, **options: Any) -> Any:
        self.asked += 1
        return super().personal(*args, **options)


def retrying(vendor: str) -> dict[str, Any]:
    if vendor != "mistral":
        return {"max_retries": 2}
    pytest.importorskip("mistralai")
    from mistralai.client.utils import BackoffStrategy, RetryConfig

    return {"retry_config": RetryConfig("backoff", BackoffStrategy(1, 10, 1.1, 5_000), False)}


@each_side
@each_vendor
async def test_a_retry_sends_the_same_bytes_and_reads_the_store_once(vendor, side, client_of, server) -> None:
    server.replies.extend([status(500, headers={"retry-after-ms": "1"})] * 2)
    with Counting(store="memory", summarizer="contrast") as popi:
        popi.observe("ada", SAID)
        wrapped = popi.wrap(client_of(vendor, side, **retrying(vendor))).for_user("ada")
        await ASK[vendor](wrapped, side)
        assert popi.asked == 1
    bodies = [text(request) for request in server.requests]
    assert len(bodies) == 3
    assert len(set(bodies)) == 1
    assert bodies[0].count("<user_preferences>") == 1


@each_vendor
async def test_the_newest_binding_wins(vendor, client_of, server, popi) -> None:
    with Popi(store="memory", summarizer="contrast") as other_tenant:
        other_tenant.observe("ada", "Write in capitals.")
        popi.observe("bob", "Cite a source for each claim.")
        once = popi.wrap(client_of(vendor)).for_user("ada")
        twice = other_tenant.wrap(once).for_user("ada")
        for client, said in [
            (once, SAID),
            (twice, "Write in capitals."),
            (once.for_user("bob"), "Cite a source"),
            (popi.wrap(twice).for_user("ada"), SAID),
            (once, SAID),
        ]:
            await ASK[vendor](client, "sync")
            assert text(server.requests[-1]).count("<user_preferences>") == 1
            assert said in text(server.requests[-1])
        with pytest.warns(UserWarning, match="for_user"):
            await ASK[vendor](other_tenant.wrap(once), "sync")
        assert "<user_preferences>" not in text(server.requests[-1])


@each_vendor
async def test_a_block_that_the_app_composed_itself_is_replaced(vendor, client_of, server, popi) -> None:
    composed = popi.compose([{"role": "system", "content": "You sell shoes."}, {"role": "user", "content": "Hi"}], [
        "Write in capitals."
    ])  # fmt: skip
    wrapped = popi.wrap(client_of(vendor)).for_user("ada")
    if vendor == "openai":
        wrapped.chat.completions.create(model="m", messages=composed)
    elif vendor == "anthropic":
        system, *turns = composed
        wrapped.messages.create(model="m", max_tokens=5, system=system["content"], messages=turns)
    else:
        wrapped.chat.complete(model="m", messages=composed)
    assert text(server.requests[-1]).count("<user_preferences>") == 1
    assert SAID in text(server.requests[-1])
    assert "capitals" not in text(server.requests[-1])


LANGUAGES = ["French", "German", "Spanish", "Italian", "Dutch", "Polish", "Greek", "Turkish"]


def check_each_has_its_own(server: Any) -> None:
    for language in LANGUAGES:
        assert sum(f"Answer in {language}." in text(request) for request in server.requests) == 3
    assert all(text(request).count("Answer in") == 1 for request in server.requests)


@each_vendor
def test_threads_and_users_do_not_mix(vendor, client_of, server, popi) -> None:
    for language in LANGUAGES:
        popi.observe(f"speaks-{language}", f"Answer in {language}.")
    wrapped = popi.wrap(client_of(vendor))
    start = threading.Barrier(len(LANGUAGES))

    def ask(language: str) -> None:
        start.wait()
        mine = wrapped.for_user(f"speaks-{language}")
        for _ in range(3):
            asyncio.run(ASK[vendor](mine, "sync"))

    threads = [threading.Thread(target=ask, args=(language,)) for language in LANGUAGES]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    check_each_has_its_own(server)


@each_vendor
async def test_tasks_and_users_do_not_mix(vendor, client_of, server, async_popi) -> None:
    for language in LANGUAGES:
        await async_popi.observe(f"speaks-{language}", f"Answer in {language}.")
    wrapped = async_popi.wrap(client_of(vendor, "async"))
    mine = [wrapped.for_user(f"speaks-{language}") for language in LANGUAGES * 3]
    await asyncio.gather(*(ASK[vendor](client, "async") for client in mine))
    check_each_has_its_own(server)


class Slow:
    """A summarizer that computes for a while."""

    name = "slow"

    def summarize(self, signals: Any, previous: Any = None) -> str:
        time.sleep(0.4)
        return SAID


@pytest.mark.parametrize("kind", [Popi, AsyncPopi])
@each_vendor
async def test_an_event_loop_is_not_held_up(vendor, kind, client_of, server) -> None:
    popi = kind(store="memory", summarizer=Slow())
    try:
        await settled(popi.observe("ada", "Anything."))
        wrapped = popi.wrap(client_of(vendor, "async")).for_user("ada")
        asked = asyncio.ensure_future(ASK[vendor](wrapped, "async"))
        longest, last = 0.0, time.monotonic()
        while not asked.done():
            await asyncio.sleep(0.005)
            longest, last = max(longest, time.monotonic() - last), time.monotonic()
        await asked
    finally:
        await settled(popi.close())
    assert SAID in text(server.requests[-1])
    assert longest < 0.35


class Broken:
    """A summarizer that fails."""

    name = "broken"

    def summarize(self, signals: Any, previous: Any = None) -> str:
        raise RuntimeError(f"ada said {signals[0].text}")


@each_side
@each_vendor
async def test_a_failing_summarizer_fails_no_request(vendor, side, client_of, server, caplog) -> None:
    kind = AsyncPopi if side == "async" else Popi
    popi = kind(store="memory", summarizer=Broken())
    try:
        await settled(popi.observe("ada-4711", "A private thing."))
        client = client_of(vendor, side)
        await ASK[vendor](client, side)
        with caplog.at_level(logging.WARNING, "popi_sdk"):
            await ASK[vendor](popi.wrap(client).for_user("ada-4711"), side)
    finally:
        await settled(popi.close())
    assert server.requests[1].body == server.requests[0].body
    assert [(record.name, record.levelname) for record in caplog.records] == [("popi_sdk", "WARNING")]
    assert "without a summary" in caplog.text
    assert "ada-4711" not in caplog.text
    assert "private" not in caplog.text


@each_vendor
async def test_a_failing_store_fails_no_request_unless_that_is_wished(
    vendor, client_of, server, caplog, tmp_path
) -> None:
    (tmp_path / "popi.db").write_bytes(b"this is no database" * 100)
    settings = {"store": f"sqlite:///{tmp_path / 'popi.db'}", "summarizer": "contrast"}
    client = client_of(vendor)
    with Popi(**settings) as popi:
        await ASK[vendor](popi.wrap(client).for_user("ada"), "sync")
    assert "<user_preferences>" not in text(server.requests[-1])
    assert "without a summary" in caplog.text
    with Popi(**settings, on_failure="raise") as popi, pytest.raises(StoreError):
        await ASK[vendor](popi.wrap(client).for_user("ada"), "sync")
    assert len(server.requests) == 1


@each_vendor
async def test_what_is_forgotten_is_in_no_later_request(vendor, client_of, server, popi) -> None:
    wrapped = popi.wrap(client_of(vendor)).for_user("ada")
    await ASK[vendor](wrapped, "sync")
    popi.forget("ada")
    await ASK[vendor](wrapped, "sync")
    assert [SAID in text(request) for request in server.requests] == [True, False]


@pytest.mark.parametrize("placement", ["system", "developer", "user"])
@each_vendor
async def test_the_block_stands_where_the_configuration_says(vendor, placement, client_of, server) -> None:
    with Popi(store="memory", summarizer="contrast", placement=placement) as popi:
        popi.observe("ada", SAID)
        await ASK[vendor](popi.wrap(client_of(vendor)).for_user("ada"), "sync")
    body = server.requests[-1].body
    parts = [("system", body.get("system", [])), *((turn["role"], turn["content"]) for turn in body["messages"])]
    places = [role for role, content in parts if BLOCK.splitlines()[0] in str(content)]
    instructing = "developer" if vendor == "openai" else "system"
    assert places == [instructing if placement == "developer" else placement]


def mistral_types() -> Any:
    return pytest.importorskip("mistralai.client.types")


TURN = {"role": "user", "content": "Hi"}


@pytest.mark.parametrize("vendor", ["openai", "openai: responses", "anthropic", "mistral", "mistral: responses"])
def test_an_app_without_instructions_of_its_own_sends_the_block_alone(vendor, client_of, server, popi) -> None:
    client = popi.wrap(client_of(vendor.partition(":")[0])).for_user("ada")
    if vendor.endswith("responses"):
        left_out = {"instructions": mistral_types().UNSET} if vendor.startswith("mistral") else {}
        client.responses.create(model="m", input="Hi", **left_out)
        assert server.requests[-1].body["instructions"] == BLOCK
        assert server.requests[-1].body["input"] == "Hi"
    elif vendor == "anthropic":
        client.messages.create(model="m", max_tokens=5, messages=[TURN])
        assert [part["text"] for part in server.requests[-1].body["system"]] == [BLOCK]
        assert server.requests[-1].body["messages"] == [TURN]
    else:
        create = client.chat.completions.create if vendor == "openai" else client.chat.complete
        create(model="m", messages=[TURN])
        assert server.requests[-1].body["messages"] == [{"role": "system", "content": BLOCK}, TURN]


def test_a_generator_of_messages_is_read_once(client_of, server, popi) -> None:
    popi.wrap(client_of("mistral")).for_user("ada").chat.complete(model="m", messages=iter([TURN]))
    popi.wrap(client_of("openai")).for_user("ada").chat.completions.create(model="m", messages=iter([TURN]))
    for request in server.requests:
        assert request.body["messages"] == [{"role": "system", "content": BLOCK}, TURN]
    popi.wrap(client_of("mistral")).for_user("nobody").chat.complete(model="m", messages=iter([TURN]))
    assert server.requests[-1].body["messages"] == [TURN]


@each_vendor
def test_a_user_id_that_cannot_be_taken_is_refused_at_once(vendor, client_of, popi) -> None:
    with pytest.raises(SignalError):
        popi.wrap(client_of(vendor)).for_user("")


@pytest.mark.parametrize("vendor", ["openai", "anthropic"])
def test_a_client_that_waits_needs_a_popi_that_waits(vendor, client_of, async_popi) -> None:
    with pytest.raises(ConfigError, match="Wrap it with a Popi"):
        async_popi.wrap(client_of(vendor, "sync"))


async def test_the_waiting_methods_of_mistral_need_a_popi_that_waits(client_of, server, async_popi) -> None:
    wrapped = async_popi.wrap(client_of("mistral")).for_user("ada")
    with pytest.raises(ConfigError, match="Wrap it with a Popi"):
        await mistral_complete(wrapped, "sync")
    assert server.requests == []
    await mistral_complete(wrapped, "async")
    assert SAID in text(server.requests[-1])


@pytest.mark.parametrize("client", [object(), "openai", Popi, None])
def test_what_is_no_client_is_refused_with_what_is_taken(client, popi) -> None:
    with pytest.raises(ConfigError, match=r"OpenAI, AsyncOpenAI, Anthropic, AsyncAnthropic .* Mistral"):
        popi.wrap(client)


def test_a_class_is_no_client(popi) -> None:
    openai = pytest.importorskip("openai")
    with pytest.raises(ConfigError, match="cannot be wrapped"):
        popi.wrap(openai.OpenAI)


class TestLikeTheOriginal:
    @each_vendor
    async def test_connections_are_shared(self, vendor, client_of, server, popi) -> None:
        client = client_of(vendor)
        wrapped = popi.wrap(client)
        for asked in (client, wrapped.for_user("ada"), wrapped.for_user("bob"), client):
            await ASK[vendor](asked, "sync")
        assert len(server.requests) == 4
        assert server.connections == 1

    @each_vendor
    async def test_parts_that_were_used_before_are_not_carried_over(self, vendor, client_of, server, popi) -> None:
        client = client_of(vendor)
        await ASK[vendor](client, "sync")
        wrapped = popi.wrap(client).for_user("ada")
        await ASK[vendor](wrapped, "sync")
        await ASK[vendor](wrapped.for_user("nobody"), "sync")
        await ASK[vendor](client, "sync")
        assert [SAID in text(request) for request in server.requests] == [False, True, False, False]

    async def test_an_own_subclass_keeps_what_it_adds(self, client_of, server, popi) -> None:
        openai = pytest.importorskip("openai")

        class Shop(openai.OpenAI):
            def __init__(self, shelf: str, url: str) -> None:
                super().__init__(api_key="k", base_url=url)
                self.shelf = shelf

            def ask(self) -> Any:
                return self.chat.completions.create(model=self.shelf, messages=[{"role": "user", "content": "Hi"}])

        shop = Shop("boots", f"{server.url}/openai/v1")
        wrapped = popi.wrap(shop).for_user("ada")
        assert isinstance(wrapped, Shop)
        wrapped.ask()
        assert server.requests[-1].body["model"] == "boots"
        assert SAID in text(server.requests[-1])
        shop.close()

    async def test_a_wrapped_mistral_outlives_the_one_it_was_made_from(self, server, popi) -> None:
        wrapped = popi.wrap(vendors.make("mistral", "sync", server.url)).for_user("ada")
        gc.collect()
        await mistral_complete(wrapped, "sync")
        assert SAID in text(server.requests[-1])
        await vendors.close(wrapped)

    async def test_a_copy_keeps_credentials_that_only_the_sdks_own_class_may_hold(self, server, popi) -> None:
        anthropic = pytest.importorskip("anthropic")
        credentials = pytest.importorskip("anthropic.lib.credentials")
        client = anthropic.Anthropic(
            credentials=lambda **_: credentials.AccessToken(token="t-4711", expires_at=None),
            base_url=f"{server.url}/anthropic",
        )
        wrapped = popi.wrap(client).for_user("ada")
        await messages_create(wrapped, "sync")
        await messages_create(wrapped.with_options(timeout=3), "sync")
        assert [request.headers["authorization"] for request in server.requests] == ["Bearer t-4711"] * 2
        assert all(SAID in text(request) for request in server.requests)
        client.close()

    async def test_a_call_of_anthropics_client_has_the_spans_that_it_has_anyway(self, client_of, server, popi) -> None:
        export = pytest.importorskip("opentelemetry.sdk.trace.export")
        in_memory = pytest.importorskip("opentelemetry.sdk.trace.export.in_memory_span_exporter")
        trace = pytest.importorskip("opentelemetry.sdk.trace")
        exporter, provider = in_memory.InMemorySpanExporter(), trace.TracerProvider()
        provider.add_span_processor(export.SimpleSpanProcessor(exporter))
        client = client_of("anthropic", open_telemetry={"tracer_provider": provider})
        await messages_create(client, "sync")
        before = [span.name for span in exporter.get_finished_spans()]
        exporter.clear()
        await messages_create(popi.wrap(client).for_user("ada"), "sync")
        assert before
        assert [span.name for span in exporter.get_finished_spans()] == before


def test_an_answer_that_is_parsed_is_the_one_that_was_sent(client_of, server, popi) -> None:
    server.default = answered("Take the brown ones.")
    wrapped = popi.wrap(client_of("openai")).for_user("ada")
    answer = wrapped.chat.completions.create(model="m", messages=[{"role": "user", "content": "Hi"}])
    assert answer.choices[0].message.content == "Take the brown ones."
