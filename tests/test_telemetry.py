"""What OpenTelemetry is told of calls: names, nesting, numbers, and no words of anyone unless they are asked for."""

from __future__ import annotations

import asyncio
import hashlib
import json
from collections.abc import Callable
from typing import Any

import pytest
from opentelemetry import trace
from opentelemetry.trace import SpanKind, StatusCode

from popi_sdk import AsyncPopi, BackendError, ConfigError, Popi, StoreError, SummarizerError
from popi_sdk.testing import FakeBackend, FakeSummarizer, ToolCall
from tests.drivers import Clients
from tests.loopback import LoopbackServer, status
from tests.provider_shapes import CACHED_TOKENS, COMPLETION_TOKENS, PROMPT_TOKENS
from tests.telemetry import CAPTURE, SECRETS, Recorded, attributes, recording, summarizer  # noqa: F401

SHOP = hashlib.sha256(b"shop").hexdigest()[:16]


def test_a_call_is_a_span_with_its_memory_operations_and_its_model_call_inside(
    clients: Clients, recorded: Recorded
) -> None:
    popi = clients(backend=FakeBackend("ANSWERWORDS"), summarizer=summarizer(), namespace="shop")
    popi.observe("ada", "SIGNALWORDS one", "SIGNALWORDS two")
    popi.personalize("PROMPTWORDS", user_id="ada")
    assert recorded.tree() == [
        " > upsert_memory",
        " > popi.personalize",
        "popi.personalize > search_memory",
        "popi.personalize > update_memory",
        "popi.personalize > chat gpt-4o-mini",
    ]
    call = attributes(recorded.span("popi.personalize"))
    assert call.pop("popi.raw_tokens") > 0
    assert call.pop("popi.summary.tokens") > 0
    assert call == {
        "popi.status": "applied",
        "popi.summarizer": "fake",
        "popi.summary.version": 1,
        "popi.redactions": 0,
        "gen_ai.memory.store.id": SHOP,
    }
    kinds = {span.name: span.kind for span in recorded.spans}
    assert kinds.pop("chat gpt-4o-mini") is SpanKind.CLIENT
    assert set(kinds.values()) == {SpanKind.INTERNAL}


@pytest.mark.parametrize(
    ("act", "operation", "count"),
    [
        (lambda popi: popi.observe("ada", "one", "two"), "upsert_memory", 2),
        (lambda popi: popi.profile("ada"), "search_memory", 1),
        (lambda popi: popi.profile("nobody"), "search_memory", 0),
        (lambda popi: popi.history("ada"), "search_memory", 1),
        (lambda popi: popi.export("ada"), "search_memory", None),
        (lambda popi: popi.edit("ada", "Be brief."), "update_memory", 1),
        (lambda popi: popi.forget("ada"), "delete_memory", 3),
        (lambda popi: popi.expire(), "delete_memory", 0),
    ],
)
def test_each_memory_operation_names_itself_its_store_and_how_many_records_it_touched(
    clients: Clients, recorded: Recorded, act: Callable[[Any], Any], operation: str, count: int | None
) -> None:
    popi = clients(summarizer=summarizer(), namespace="shop", retention=365)
    popi.observe("ada", "a", "b", "c")
    popi.profile("ada")
    before = len(recorded.spans)
    act(popi)
    span = recorded.spans[before]
    told = attributes(span)
    assert (span.name, told["gen_ai.operation.name"]) == (operation, operation)
    assert told["gen_ai.memory.store.id"] == SHOP
    assert told.get("gen_ai.memory.record.count") == count


def test_refreshing_is_told_as_reading_then_updating(clients: Clients, recorded: Recorded) -> None:
    popi = clients(summarizer=summarizer(), refresh="manual")
    popi.observe("ada", "SIGNALWORDS")
    popi.refresh("ada")
    assert recorded.names == ["upsert_memory", "search_memory", "update_memory"]
    assert attributes(recorded.span("update_memory"))["popi.summary.version"] == 1


def test_compose_personal_and_summarize_are_spans_too(clients: Clients, recorded: Recorded) -> None:
    popi = clients(summarizer=summarizer())
    popi.compose("Hi", ["SIGNALWORDS"])
    popi.personal("ada")
    popi.summarize(["SIGNALWORDS other"])
    assert recorded.tree() == [
        " > popi.compose",
        " > popi.personal",
        "popi.personal > search_memory",
        " > popi.summarize",
    ]
    assert attributes(recorded.span("popi.compose"))["popi.status"] == "applied"
    assert attributes(recorded.span("popi.personal"))["popi.status"] == "skipped"
    assert attributes(recorded.span("popi.summarize"))["popi.summarizer"] == "fake"


def test_nobodys_words_or_name_are_told_unless_asked_for(clients: Clients, recorded: Recorded) -> None:
    popi = clients(backend=FakeBackend("ANSWERWORDS", ConfigError("ERRORWORDS")), summarizer=summarizer())
    popi.observe("ada", "SIGNALWORDS")
    popi.personalize("PROMPTWORDS", user_id="ada")
    with pytest.raises(ConfigError):
        popi.personalize("PROMPTWORDS", user_id="ada")
    popi.edit("ada", "Be brief about gardening.")
    popi.forget("ada")
    assert len(recorded.spans) > 9
    for secret in SECRETS:
        assert secret not in recorded.text(), secret


def test_a_namespace_is_told_as_a_hash_unless_it_is_the_usual_one_or_words_are_asked_for(
    clients: Clients, recorded: Recorded, monkeypatch: pytest.MonkeyPatch
) -> None:
    def told(namespace: str) -> tuple[str, str]:
        before = len(recorded.spans)
        popi = clients(backend=FakeBackend("ANSWERWORDS"), summarizer=summarizer(), namespace=namespace)
        popi.personalize("PROMPTWORDS", user_id="ada")
        call, read = [span for span in recorded.spans[before:] if "gen_ai.memory.store.id" in attributes(span)]
        return attributes(call)["gen_ai.memory.store.id"], attributes(read)["gen_ai.memory.store.id"]

    person = "user:jane@corp.example"
    hashed = hashlib.sha256(person.encode()).hexdigest()[:16]
    assert told("default") == ("default", "default")
    assert told(person) == (hashed, hashed)
    assert "jane" not in recorded.text()
    monkeypatch.setenv(CAPTURE, "true")
    assert told(person) == (person, person)


def test_words_are_told_when_the_standard_variable_asks_for_them(
    clients: Clients, recorded: Recorded, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(CAPTURE, "true")
    popi = clients(backend=FakeBackend("ANSWERWORDS", ToolCall("look", {"at": 1})), summarizer=summarizer())
    popi.observe("ada", "SIGNALWORDS")
    popi.personalize("PROMPTWORDS", user_id="ada")
    popi.personalize("And now?", ["SIGNALWORDS"])
    for name in ("upsert_memory", "search_memory", "update_memory"):
        assert attributes(recorded.span(name))["enduser.id"] == "ada"
    [record] = json.loads(attributes(recorded.span("update_memory"))["gen_ai.memory.records"])
    assert record == {"content": "Answer with tables about gardening.", "id": "1"}
    first, second = (attributes(span) for span in recorded.spans if span.name == "chat gpt-4o-mini")
    system, user = json.loads(first["gen_ai.input.messages"])
    assert "gardening" in system["parts"][0]["content"]
    assert user == {"role": "user", "parts": [{"type": "text", "content": "PROMPTWORDS"}]}
    assert json.loads(first["gen_ai.output.messages"]) == [
        {"role": "assistant", "parts": [{"type": "text", "content": "ANSWERWORDS"}], "finish_reason": "stop"}
    ]
    [answer] = json.loads(second["gen_ai.output.messages"])
    assert answer["finish_reason"] == "tool_calls"
    assert answer["parts"] == [{"type": "tool_call", "id": "call_0001", "name": "look", "arguments": '{"at": 1}'}]
    calls = [attributes(span) for span in recorded.spans if span.name == "popi.personalize"]
    assert [call.get("enduser.id") for call in calls] == ["ada", None]


def test_a_model_call_is_told_as_the_conventions_want_it(
    clients: Clients, recorded: Recorded, loopback: LoopbackServer
) -> None:
    popi = clients(model=loopback.model_spec("mistral/mistral-small-latest"))
    popi.personalize("Hi")
    told = attributes(recorded.span("chat mistral-small-latest"))
    assert told == {
        "gen_ai.operation.name": "chat",
        "gen_ai.provider.name": "mistral_ai",
        "gen_ai.request.model": "mistral-small-latest",
        "gen_ai.response.model": loopback.requests[0].body["model"],
        "gen_ai.response.finish_reasons": ("stop",),
        "gen_ai.usage.input_tokens": PROMPT_TOKENS,
        "gen_ai.usage.output_tokens": COMPLETION_TOKENS,
    }


def test_tokens_read_from_the_providers_cache_are_told(
    clients: Clients, recorded: Recorded, loopback: LoopbackServer
) -> None:
    clients(model=loopback.model_spec("openai/gpt-4o-mini")).personalize("Hi")
    told = attributes(recorded.span("chat gpt-4o-mini"))
    assert told["gen_ai.usage.cache_read.input_tokens"] == CACHED_TOKENS


def test_each_model_that_is_asked_has_a_span_and_a_failed_one_its_errors_type(
    clients: Clients, recorded: Recorded, loopback: LoopbackServer
) -> None:
    loopback.replies.extend([status(500), status(429)])  # the first is tried again, in the same span
    models = [loopback.model_spec(name) for name in ("openai/gpt-4o-mini", "anthropic/claude-sonnet-4-6")]
    popi = clients(model=models[0], fallbacks=[models[1]], retries=1)
    popi.personalize("Hi")
    failed, answered = recorded.span("chat gpt-4o-mini"), recorded.span("chat claude-sonnet-4-6")
    assert attributes(failed)["error.type"] == "RateLimitError"
    assert failed.status.status_code is StatusCode.ERROR
    assert failed.status.description is None
    assert not failed.events
    assert "error.type" not in attributes(answered)
    assert attributes(recorded.span("popi.personalize")).get("error.type") is None


def test_an_error_marks_the_calls_span_and_reaches_the_app_unchanged(clients: Clients, recorded: Recorded) -> None:
    popi = clients(backend=FakeBackend(BackendError("ERRORWORDS", model="openai/gpt-4o-mini")))
    with pytest.raises(BackendError, match="ERRORWORDS"):
        popi.personalize("Hi")
    call = recorded.span("popi.personalize")
    assert attributes(call)["error.type"] == "BackendError"
    assert call.status.status_code is StatusCode.ERROR


def test_a_failed_summarizer_is_told_whether_the_call_goes_on_or_not(clients: Clients, recorded: Recorded) -> None:
    for on_failure in ("degrade", "raise"):
        popi = clients(
            backend=FakeBackend(), summarizer=FakeSummarizer(SummarizerError("ERRORWORDS")), on_failure=on_failure
        )
        popi.observe("ada", "SIGNALWORDS")
        try:
            popi.personalize("Hi", user_id="ada")
        except SummarizerError:
            assert on_failure == "raise"
    updates = [attributes(span) for span in recorded.spans if span.name == "update_memory"]
    assert [told["error.type"] for told in updates] == ["SummarizerError", "SummarizerError"]
    calls = [attributes(span) for span in recorded.spans if span.name == "popi.personalize"]
    assert [told["popi.status"] for told in calls] == ["failed", "failed"]
    assert [told.get("error.type") for told in calls] == [None, "SummarizerError"]
    assert [(point.attributes, point.value) for point in recorded.points("popi.calls")] == [
        ({"popi.status": "failed"}, 2)
    ]


def test_a_store_that_fails_is_told_by_its_type(clients: Clients, recorded: Recorded, tmp_path: Any) -> None:
    (tmp_path / "folder").mkdir()
    popi = clients(backend=FakeBackend(), store=f"sqlite:///{tmp_path}/folder")
    with pytest.raises(StoreError):
        popi.observe("ada", "SIGNALWORDS")
    assert attributes(recorded.span("upsert_memory"))["error.type"] == "StoreError"


class TestContext:
    def test_spans_nest_under_the_apps_own(self, recorded: Recorded) -> None:
        app = recorded.provider.get_tracer("app")
        with Popi(store="memory", backend=FakeBackend()) as popi, app.start_as_current_span("request"):
            popi.personalize("Hi", user_id="ada")
            with popi.stream("Hi") as stream:
                assert trace.get_current_span().get_span_context().span_id != 0
                list(stream)
        assert recorded.tree() == [
            " > request",
            "request > popi.personalize",
            "popi.personalize > search_memory",
            "popi.personalize > chat gpt-4o-mini",
            "request > popi.stream",
            "popi.stream > chat gpt-4o-mini",
        ]

    async def test_tasks_at_the_same_time_do_not_mix(self, recorded: Recorded) -> None:
        app = recorded.provider.get_tracer("app")
        async with AsyncPopi(store="memory", backend=FakeBackend(), summarizer=summarizer()) as popi:

            async def request(number: int) -> None:
                with app.start_as_current_span(f"request {number}"):
                    await popi.observe(f"user{number}", "SIGNALWORDS")
                    await popi.personalize("Hi", user_id=f"user{number}")

            await asyncio.gather(*map(request, range(8)))
        by_trace: dict[int, list[str]] = {}
        for span, line in zip(recorded.spans, recorded.tree(), strict=True):
            assert span.context is not None
            by_trace.setdefault(span.context.trace_id, []).append(line)
        assert len(by_trace) == 8
        for lines in by_trace.values():
            name = lines[0].removeprefix(" > ")
            assert lines[1:] == [
                f"{name} > upsert_memory",
                f"{name} > popi.personalize",
                "popi.personalize > search_memory",
                "popi.personalize > update_memory",
                "popi.personalize > chat gpt-4o-mini",
            ]

    def test_a_summarizer_that_is_a_remote_model_is_a_chat_within_the_update(
        self, clients: Clients, recorded: Recorded
    ) -> None:
        popi = clients(backend=FakeBackend("Keep it short."), summarizer="mistral/mistral-small-latest")
        popi.observe("ada", "SIGNALWORDS")
        popi.profile("ada")
        assert recorded.tree()[-1] == "update_memory > chat mistral-small-latest"

    async def test_a_refresh_behind_the_calls_is_a_trace_of_its_own(self, recorded: Recorded) -> None:
        app = recorded.provider.get_tracer("app")
        settings: dict[str, Any] = {"store": "memory", "summarizer": summarizer(), "refresh": "background"}
        with Popi(**settings) as popi, app.start_as_current_span("request"):
            popi.observe("ada", "SIGNALWORDS")
        async with AsyncPopi(**settings) as apopi:
            with app.start_as_current_span("request"):
                await apopi.observe("ada", "SIGNALWORDS")
            await asyncio.sleep(0.2)
        assert recorded.tree().count("request > upsert_memory") == 2
        assert recorded.tree().count(" > update_memory") == 2
