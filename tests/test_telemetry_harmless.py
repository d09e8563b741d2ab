"""Telemetry that is off costs nothing, that fails fails no call, and nothing is told twice beside LiteLLM."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from typing import Any

import pytest
from opentelemetry import trace
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.trace import SpanProcessor, TracerProvider

from popi_sdk import Popi, telemetry
from popi_sdk.backend import LiteLLMBackend
from popi_sdk.testing import FakeBackend
from tests.drivers import Clients
from tests.loopback import LoopbackServer
from tests.telemetry import Recorded, recording, run, summarizer  # noqa: F401


class Breaking(SpanProcessor):
    """Fails at whatever it is asked."""

    def on_start(self, span: Any, parent_context: Any = None) -> None:
        raise RuntimeError("broken")

    def on_end(self, span: Any) -> None:
        raise RuntimeError("broken")


class BreakingAtTheEnd(Breaking):
    def on_start(self, span: Any, parent_context: Any = None) -> None:
        pass


@pytest.mark.parametrize("processor", [Breaking(), BreakingAtTheEnd()])
def test_a_broken_span_processor_never_fails_a_call(
    clients: Clients, recorded: Recorded, processor: SpanProcessor
) -> None:
    recorded.provider.add_span_processor(processor)
    popi = clients(backend=FakeBackend("Hello.", "Hello."), summarizer=summarizer())
    popi.observe("ada", "SIGNALWORDS")
    assert popi.personalize("Hi", user_id="ada").text == "Hello."
    assert popi.read_stream("Hi", user_id="ada")[0].reply.text == "Hello."
    assert popi.forget("ada") == 1


def test_broken_metrics_never_fail_a_call(
    clients: Clients, recorded: Recorded, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Broken(MeterProvider):
        def get_meter(self, *args: Any, **kwargs: Any) -> Any:
            raise RuntimeError("broken")

    monkeypatch.setattr("opentelemetry.metrics._internal._METER_PROVIDER", Broken())
    assert clients(backend=FakeBackend("Hello.")).personalize("Hi", ["SIGNALWORDS"]).text == "Hello."


def test_without_a_provider_nothing_of_opentelemetry_is_imported() -> None:
    run("""
        import sys
        from popi_sdk import Popi
        from popi_sdk.testing import FakeBackend
        with Popi(store="memory", backend=FakeBackend()) as popi:
            popi.observe("ada", "Short answers, please.")
            popi.personalize("Hi", user_id="ada")
        assert not [name for name in sys.modules if name.startswith("opentelemetry")]
    """)


def test_it_begins_with_the_moment_the_app_sets_its_provider() -> None:
    run("""
        from opentelemetry import trace
        from opentelemetry.sdk.trace import TracerProvider
        from opentelemetry.sdk.trace.export import SimpleSpanProcessor
        from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
        from popi_sdk import Popi
        from popi_sdk.testing import FakeBackend
        spans, provider = InMemorySpanExporter(), TracerProvider()
        provider.add_span_processor(SimpleSpanProcessor(spans))
        with Popi(store="memory", backend=FakeBackend()) as popi:
            popi.personalize("Hi")
            assert type(trace.get_tracer_provider()).__name__ == "ProxyTracerProvider"
            trace.set_tracer_provider(provider)
            popi.personalize("Hi")
        assert [span.name for span in spans.get_finished_spans()] == ["chat gpt-4o-mini", "popi.personalize"]
    """)


def test_without_a_provider_it_costs_next_to_nothing() -> None:
    """OpenTelemetry is imported here and has no provider, which is the dearest way of being off."""

    class Config:
        namespace = "default"

    class Client:
        config = Config()

        def bare(self, user_id: str) -> tuple[()]:
            return ()

        @telemetry.memory("upsert_memory")
        def watched(self, user_id: str) -> tuple[()]:
            return ()

    assert not isinstance(trace.get_tracer_provider(), TracerProvider)

    def seconds(method: Callable[[str], object]) -> float:
        rounds = []
        for _ in range(5):
            begun = time.perf_counter()
            for _ in range(2_000):
                method("ada")
            rounds.append((time.perf_counter() - begun) / 2_000)
        return min(rounds)

    client = Client()
    assert seconds(client.watched) - seconds(client.bare) < 20e-6


BESIDE_LITELLM = """
import asyncio, json, os, sys, time
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from popi_sdk import AsyncPopi, Popi
from popi_sdk.backend.calls import load_litellm
from tests.loopback import KEY, KEY_VARIABLE, LoopbackServer

os.environ[KEY_VARIABLE] = KEY
litellm = load_litellm()
from litellm.integrations.custom_logger import CustomLogger
from litellm.integrations.opentelemetry import OpenTelemetry, OpenTelemetryConfig

def made():
    spans, provider = InMemorySpanExporter(), TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(spans))
    return spans, provider

(spans, provider), (elsewhere, private) = made(), made()
trace.set_tracer_provider(provider)

class Langfuse(OpenTelemetry):
    "A vendor's callback: LiteLLM's own, with a provider of its own."

class Logger(CustomLogger):
    events = []
    def log_success_event(self, kwargs, response_obj, start_time, end_time):
        self.events.append("sync")
    async def async_log_success_event(self, kwargs, response_obj, start_time, end_time):
        self.events.append("async")

def wait(enough):
    until = time.monotonic() + 20
    while not enough() and time.monotonic() < until:
        time.sleep(0.02)

def requests(memory):
    return [span for span in memory.get_finished_spans() if span.name == "litellm_request"]

def calls(server, memory):
    model = server.model_spec("openai/gpt-4o-mini")
    with Popi(store="memory", model=model, retries=0) as popi:
        popi.personalize("PROMPTWORDS", metadata={"mine": 1})
        with popi.stream("PROMPTWORDS") as stream:
            list(stream)
    async def awaited():
        async with AsyncPopi(store="memory", model=model, retries=0) as popi:
            await popi.personalize("PROMPTWORDS")
            while len(requests(memory)) < 3:  # LiteLLM logs in a task of the same loop
                await asyncio.sleep(0.02)
    asyncio.run(asyncio.wait_for(awaited(), 20))
    wait(lambda: len(requests(memory)) == 3)

def tree(memory, also):
    both = [*memory.get_finished_spans(), *also.get_finished_spans()]
    names = {span.context.span_id: span.name for span in both}
    found = sorted(memory.get_finished_spans(), key=lambda span: span.start_time)
    lines = [f"{names.get(span.parent.span_id, '?') if span.parent else ''} > {span.name}" for span in found]
    return [line for line in lines if line.endswith((".personalize", ".stream", "chat gpt-4o-mini", "litellm_request"))]

with LoopbackServer() as server:
    config = OpenTelemetryConfig(exporter="console")
    litellm.callbacks = [Langfuse(config=config, callback_name="langfuse_otel", tracer_provider=private), Logger()]
    calls(server, elsewhere)
    wait(lambda: len(Logger.events) >= 3)
    told = {"app beside a vendor": tree(spans, elsewhere), "vendor": tree(elsewhere, spans), "events": Logger.events}
    told["words in the app's spans"] = any("PROMPTWORDS" in span.to_json() for span in spans.get_finished_spans())
    spans.clear(), elsewhere.clear()
    litellm.logging_callback_manager._reset_all_callbacks()
    litellm.callbacks = ["otel"]
    calls(server, spans)
    told["app beside otel"] = tree(spans, elsewhere)
    told["sent"] = [sorted(request.body) for request in server.requests]
print(json.dumps(told))
sys.stdout.flush()
os._exit(0)  # LiteLLM's threads and connections need no orderly end here
"""


def test_litellms_own_callbacks_go_on_beside_it_and_no_model_call_is_told_twice() -> None:
    told = json.loads(run(BESIDE_LITELLM).splitlines()[-1])
    assert told["app beside a vendor"] == [
        " > popi.personalize",
        "popi.personalize > chat gpt-4o-mini",
        " > popi.stream",
        "popi.stream > chat gpt-4o-mini",
        " > popi.personalize",
        "popi.personalize > chat gpt-4o-mini",
    ]
    assert told["vendor"] == ["chat gpt-4o-mini > litellm_request"] * 3
    assert told["words in the app's spans"] is False
    assert sorted(told["events"]) == ["async", "sync", "sync"]
    assert told["app beside otel"] == [
        " > popi.personalize",
        "popi.personalize > litellm_request",
        " > popi.stream",
        "popi.stream > litellm_request",
        " > popi.personalize",
        "popi.personalize > litellm_request",
    ]
    assert {name for names in told["sent"] for name in names} == {"messages", "model", "stream", "stream_options"}


@pytest.mark.parametrize(
    ("callback", "tells"), [("otel", True), ("langfuse", False), ("langfuse_otel", False), (print, False)]
)
def test_only_litellms_otel_callback_takes_the_place_of_chat_spans(
    recorded: Recorded, loopback: LoopbackServer, monkeypatch: pytest.MonkeyPatch, callback: Any, tells: bool
) -> None:
    import litellm

    with Popi(store="memory", model=loopback.model_spec("openai/gpt-4o-mini"), backend=Silent()) as popi:
        monkeypatch.setattr(litellm, "callbacks", [callback])
        popi.personalize("Hi")
    assert ("chat gpt-4o-mini" not in recorded.names) is tells


class Silent(LiteLLMBackend):
    """Answers without LiteLLM, which would set up the callback."""

    def complete(self, messages: Any, model: Any, *, timeout: float, retries: int, options: Any) -> Any:
        return FakeBackend().complete(messages, model, timeout=timeout, retries=retries, options={})
