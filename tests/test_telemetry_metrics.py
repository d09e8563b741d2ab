"""What is measured of calls."""

from __future__ import annotations

import pytest

from popi_sdk.testing import FakeBackend, FakeSummarizer
from tests.drivers import Clients
from tests.loopback import LoopbackServer, status
from tests.provider_shapes import COMPLETION_TOKENS, PROMPT_TOKENS
from tests.telemetry import Recorded, attributes, recording, summarizer  # noqa: F401


class TestMetrics:
    def test_model_calls_are_measured_with_the_conventions_buckets(
        self, clients: Clients, recorded: Recorded, loopback: LoopbackServer
    ) -> None:
        loopback.replies.append(status(401))
        popi = clients(
            model=loopback.model_spec("openai/gpt-4o-mini"),
            fallbacks=[loopback.model_spec("deepseek/deepseek-reasoner")],
        )
        popi.personalize("Hi")
        failed, answered = sorted(
            recorded.points("gen_ai.client.operation.duration"), key=lambda point: "error.type" not in point.attributes
        )
        assert failed.attributes["error.type"] == "AuthError"
        assert answered.attributes["gen_ai.provider.name"] == "deepseek"
        assert answered.explicit_bounds[:3] == (0.01, 0.02, 0.04)
        assert answered.count == 1
        tokens = {
            point.attributes["gen_ai.token.type"]: point for point in recorded.points("gen_ai.client.token.usage")
        }
        assert {kind: point.sum for kind, point in tokens.items()} == {
            "input": PROMPT_TOKENS,
            "output": COMPLETION_TOKENS,
        }
        assert tokens["input"].explicit_bounds == tuple(4**power for power in range(14))

    def test_calls_are_counted_by_status_and_summaries_measured(self, clients: Clients, recorded: Recorded) -> None:
        popi = clients(backend=FakeBackend(), summarizer=summarizer())
        popi.personalize("Hi")
        for _ in range(2):
            reply = popi.personalize("Hi", ["SIGNALWORDS"])
        counted = {point.attributes["popi.status"]: point.value for point in recorded.points("popi.calls")}
        assert counted == {"skipped": 1, "applied": 2}
        [lengths] = recorded.points("popi.summary.tokens")
        assert (lengths.count, lengths.sum) == (2, 2 * reply.context.summary_tokens)

    def test_what_is_taken_out_is_counted_by_kind_when_it_is_taken_out(
        self, clients: Clients, recorded: Recorded
    ) -> None:
        popi = clients(backend=FakeBackend(), summarizer=FakeSummarizer("Keep answers short. See https://x.example/a."))
        popi.observe("ada", "SIGNALWORDS")
        replies = [popi.personalize("Hi", user_id="ada") for _ in range(3)]
        assert sum(replies[0].redactions.values()) > 0
        counted = {point.attributes["popi.redaction.kind"]: point.value for point in recorded.points("popi.redactions")}
        assert counted == dict(replies[0].redactions)
        [*_, call] = (attributes(span) for span in recorded.spans if span.name == "popi.personalize")
        assert call["popi.redactions"] == sum(replies[0].redactions.values())

    def test_so_is_personal_data_in_signals(self, clients: Clients, recorded: Recorded) -> None:
        popi = clients(backend=FakeBackend(), summarizer=summarizer())
        popi.observe("ada", "Write to jane.doe@example.org with the details.")
        reply = popi.personalize("Hi", ["Or to joe.bloggs@example.org."])
        [(kind, count)] = reply.redactions.items()
        [point] = recorded.points("popi.redactions")
        assert (point.attributes["popi.redaction.kind"], point.value) == (kind, 2 * count)

    def test_an_app_may_set_one_provider_alone(
        self, clients: Clients, recorded: Recorded, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        popi = clients(backend=FakeBackend())
        with monkeypatch.context() as without:
            without.setattr("opentelemetry.trace._TRACER_PROVIDER", None)
            popi.personalize("Hi")
            assert recorded.names == []
            assert [point.value for point in recorded.points("popi.calls")] == [1]
            assert [point.count for point in recorded.points("gen_ai.client.operation.duration")] == [1]
        monkeypatch.setattr("opentelemetry.metrics._internal._METER_PROVIDER", None)
        popi.personalize("Hi")
        assert recorded.names == ["popi.personalize", "chat gpt-4o-mini"]
