"""What OpenTelemetry was told, for tests of it."""

from __future__ import annotations

import subprocess
import sys
import textwrap
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from popi_sdk.testing import FakeSummarizer

ROOT = Path(__file__).resolve().parent.parent
CAPTURE = "OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT"
SECRETS = ("ada", "gardening", "SIGNALWORDS", "PROMPTWORDS", "ANSWERWORDS", "ERRORWORDS")


class Recorded:
    """The spans that have ended, and the metrics so far."""

    def __init__(self, provider: TracerProvider, spans: InMemorySpanExporter, reader: InMemoryMetricReader) -> None:
        self.provider, self._spans, self._reader = provider, spans, reader

    @property
    def spans(self) -> list[ReadableSpan]:
        return sorted(self._spans.get_finished_spans(), key=lambda span: span.start_time or 0)

    @property
    def names(self) -> list[str]:
        return [span.name for span in self.spans]

    def span(self, name: str) -> ReadableSpan:
        [found] = [span for span in self.spans if span.name == name]
        return found

    def tree(self) -> list[str]:
        """Each span as "parent > name"."""
        names = {span.context.span_id: span.name for span in self.spans if span.context}
        return [f"{names.get(span.parent.span_id, '?') if span.parent else ''} > {span.name}" for span in self.spans]

    def points(self, metric: str) -> list[Any]:
        data = self._reader.get_metrics_data()
        resources = data.resource_metrics if data else []
        scopes = [scope for resource in resources for scope in resource.scope_metrics if scope.scope.name == "popi_sdk"]
        return [
            point for scope in scopes for found in scope.metrics if found.name == metric
            for point in found.data.data_points
        ]  # fmt: skip

    def text(self) -> str:
        """All that is told in words; not the ids, in whose digits any short name may happen to stand."""
        told = [
            (
                span.name,
                dict(span.attributes or {}),
                span.status.description,
                [event.attributes for event in span.events],
            )
            for span in self.spans
        ]
        return str(told)


@pytest.fixture(name="recorded")
def recording(monkeypatch: pytest.MonkeyPatch) -> Iterator[Recorded]:
    """An app that has set its providers; OpenTelemetry lets a process do so once, so they are put in by hand."""
    spans, reader = InMemorySpanExporter(), InMemoryMetricReader()
    provider, meters = TracerProvider(), MeterProvider([reader])
    provider.add_span_processor(SimpleSpanProcessor(spans))
    monkeypatch.setattr("opentelemetry.trace._TRACER_PROVIDER", provider)
    monkeypatch.setattr("opentelemetry.metrics._internal._METER_PROVIDER", meters)
    monkeypatch.delenv(CAPTURE, raising=False)
    yield Recorded(provider, spans, reader)
    meters.shutdown()


def summarizer() -> FakeSummarizer:
    return FakeSummarizer("Answer with tables about gardening.")


def attributes(span: ReadableSpan) -> dict[str, Any]:
    return dict(span.attributes or {})


def run(script: str) -> str:
    """What a process of its own prints: there OpenTelemetry and LiteLLM are as an app finds them."""
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(script)], capture_output=True, text=True, check=False, cwd=ROOT
    )
    assert done.returncode == 0, done.stderr
    return done.stdout
