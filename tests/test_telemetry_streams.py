"""What OpenTelemetry is told of streams: they end when they are read, break, or are left."""

from __future__ import annotations

import gc

import pytest
from opentelemetry.trace import StatusCode

from popi_sdk import AsyncPopi, BackendError, Popi
from popi_sdk.testing import FakeBackend
from tests.drivers import Clients
from tests.loopback import LoopbackServer, stream_error
from tests.provider_shapes import COMPLETION_TOKENS, PROMPT_TOKENS
from tests.telemetry import Recorded, attributes, recording, summarizer  # noqa: F401


class TestStreams:
    def test_a_stream_read_to_its_end_is_told_like_a_whole_answer_and_when_it_began(
        self, clients: Clients, recorded: Recorded, loopback: LoopbackServer
    ) -> None:
        popi = clients(model=loopback.model_spec("openai/gpt-4o-mini"), summarizer=summarizer())
        popi.observe("ada", "SIGNALWORDS")
        stream, pieces = popi.read_stream("Hi", user_id="ada")
        assert stream.reply.text == "".join(pieces)
        assert recorded.tree()[1:] == [
            " > popi.stream",
            "popi.stream > search_memory",
            "popi.stream > update_memory",
            "popi.stream > chat gpt-4o-mini",
        ]
        told = attributes(recorded.span("chat gpt-4o-mini"))
        assert told["gen_ai.usage.input_tokens"] == PROMPT_TOKENS
        assert told["gen_ai.usage.output_tokens"] == COMPLETION_TOKENS
        assert told["gen_ai.request.stream"] is True
        chat = recorded.span("chat gpt-4o-mini")
        assert 0 < told["gen_ai.response.time_to_first_chunk"] < ((chat.end_time or 0) - (chat.start_time or 0)) / 1e9
        call = recorded.span("popi.stream")
        assert attributes(call)["popi.status"] == "applied"
        assert "popi.stream.dropped" not in attributes(call)
        assert (call.end_time or 0) >= (chat.end_time or 0)

    def test_nothing_has_ended_before_the_stream_has(self, recorded: Recorded) -> None:
        with Popi(store="memory", backend=FakeBackend("one two three")) as popi, popi.stream("Hi") as stream:
            pieces = iter(stream)
            next(pieces)
            assert recorded.names == []
        assert recorded.names == ["popi.stream", "chat gpt-4o-mini"]

    def test_a_stream_that_is_left_early_is_told_as_dropped_and_not_as_an_error(self, recorded: Recorded) -> None:
        with Popi(store="memory", backend=FakeBackend("one two three")) as popi:
            with popi.stream("Hi") as stream:
                for _ in stream:
                    break
            popi.stream("Hi").begin()  # and one that nobody reads or closes
            gc.collect()
        calls = [span for span in recorded.spans if span.name == "popi.stream"]
        assert [attributes(call)["popi.stream.dropped"] for call in calls] == [True, True]
        assert len(recorded.spans) == 4
        assert all(span.status.status_code is StatusCode.UNSET for span in recorded.spans)

    async def test_so_is_an_awaited_one(self, recorded: Recorded) -> None:
        async with AsyncPopi(store="memory", backend=FakeBackend("one two three")) as popi:
            async with popi.stream("Hi") as stream:
                await anext(aiter(stream))
            assert attributes(recorded.span("popi.stream"))["popi.stream.dropped"] is True
            assert recorded.span("chat gpt-4o-mini").status.status_code is StatusCode.UNSET

    def test_a_stream_that_breaks_is_an_error_in_both_spans(
        self, clients: Clients, recorded: Recorded, loopback: LoopbackServer
    ) -> None:
        loopback.replies.append(stream_error())
        popi = clients(model=loopback.model_spec("openai/gpt-4o-mini"), retries=0)
        with pytest.raises(BackendError) as raised:
            popi.read_stream("Hi")
        for name in ("popi.stream", "chat gpt-4o-mini"):
            assert attributes(recorded.span(name))["error.type"] == type(raised.value).__name__
            assert recorded.span(name).status.description is None
        assert "popi.stream.dropped" not in attributes(recorded.span("popi.stream"))
