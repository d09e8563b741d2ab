"""For tests of apps that use POPI: answers without a provider, summaries without a model, and no forgotten live call.

    from popi_sdk.testing import FakeBackend

    backend = FakeBackend("Leaves lose their green.")
    popi = Popi(store="memory", backend=backend)
    reply = popi.personalize("Why do leaves change colour?", ["Short answers, please."])
    assert "Short answers, please." in backend.requests[0].system

`use()` does the same for clients that are already made, the module-level functions included. `no_live_calls()` makes
whatever is still sent to a provider fail. This module needs neither pytest nor LiteLLM.
"""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from copy import deepcopy
from dataclasses import dataclass
from typing import Any, TypeAlias

from popi_sdk.backend import calls as real
from popi_sdk.backend.chunks import AsyncChunkStream, ChunkStream
from popi_sdk.backend.completion import Completion, completion_from
from popi_sdk.backend.live_calls import VARIABLE, LiveCallError
from popi_sdk.backend.model_spec import ModelSpec
from popi_sdk.signals import Signal
from popi_sdk.summary import Summary
from popi_sdk.testing.fake_responses import AsyncFakeStream, FakeStream, Pieces, ToolCall, response

__all__ = ["FakeBackend", "FakeSummarizer", "LiveCallError", "SentRequest", "ToolCall", "no_live_calls", "use"]

DEFAULT_ANSWER = "An answer of the fake backend."


@dataclass(frozen=True, slots=True)
class SentRequest:
    """One request as a provider would have been sent it."""

    messages: tuple[dict[str, Any], ...]
    model: ModelSpec
    options: Mapping[str, Any]
    timeout: float
    streamed: bool = False

    @property
    def system(self) -> str:
        """The words of the system and developer turns."""
        return "\n\n".join(_words(turn) for turn in self.messages if turn["role"] in ("system", "developer"))

    @property
    def prompt(self) -> str:
        """The words of the last user turn."""
        return next((_words(turn) for turn in reversed(self.messages) if turn["role"] == "user"), "")


Said: TypeAlias = str | ToolCall | Sequence[ToolCall] | Exception
"""Text, one or several tool calls, or an error to raise."""
Answer: TypeAlias = Said | Callable[[SentRequest], Said]
"""What is said, or a function of the request that says it."""


class FakeBackend:
    """Answers from a script, sync and async, whole and streamed, and keeps every request.

    Args:
        answers: one for each request, in order.
        default: what comes after them.

    An error among the answers stands for a model that failed for good, after its retries; `fallbacks` are asked next.

    >>> backend = FakeBackend("Hello.", default=lambda request: f"{request.model.name} heard you.")
    >>> from popi_sdk import Popi
    >>> with Popi(store="memory", backend=backend) as popi:
    ...     print(popi.personalize("Hi"), popi.personalize("Hi again"))
    Hello. openai/gpt-4o-mini heard you.
    >>> [request.prompt for request in backend.requests]
    ['Hi', 'Hi again']
    """

    def __init__(self, *answers: Answer, default: Answer = DEFAULT_ANSWER) -> None:
        self.requests: list[SentRequest] = []
        self._answers = deque(answers)
        self._default = default

    def complete(
        self, messages: real.Messages, model: ModelSpec, *, timeout: float, retries: int, options: Mapping[str, Any]
    ) -> Completion:
        """Give the next answer."""
        said = self._next(messages, model, timeout, retries, options, streamed=False)
        return completion_from(response(said, model.name), model.name)

    def stream(
        self, messages: real.Messages, model: ModelSpec, *, timeout: float, retries: int, options: Mapping[str, Any]
    ) -> ChunkStream:
        """Give the next answer in pieces of one word."""
        said = self._next(messages, model, timeout, retries, options, streamed=True)
        return FakeStream(Pieces(said, model.name), model.name, timeout, messages)

    async def acomplete(
        self, messages: real.Messages, model: ModelSpec, *, timeout: float, retries: int, options: Mapping[str, Any]
    ) -> Completion:
        """The awaitable twin of `complete`."""
        return self.complete(messages, model, timeout=timeout, retries=retries, options=options)

    async def astream(
        self, messages: real.Messages, model: ModelSpec, *, timeout: float, retries: int, options: Mapping[str, Any]
    ) -> AsyncChunkStream:
        """The awaitable twin of `stream`."""
        said = self._next(messages, model, timeout, retries, options, streamed=True)
        return AsyncFakeStream(Pieces(said, model.name), model.name, timeout, messages)

    def _next(
        self,
        messages: real.Messages,
        model: ModelSpec,
        timeout: float,
        retries: int,
        options: Mapping[str, Any],
        *,
        streamed: bool,
    ) -> str | Sequence[ToolCall]:
        """Keep the request and return what is said to it; arguments that would be refused live are refused here."""
        real.check_arguments(timeout, retries, options, streamed)
        request = SentRequest(tuple(deepcopy(list(messages))), model, dict(options), timeout, streamed)
        self.requests.append(request)
        try:
            answer = self._answers.popleft()
        except IndexError:
            answer = self._default
        said = answer(request) if callable(answer) else answer
        if isinstance(said, Exception):
            raise said
        return (said,) if isinstance(said, ToolCall) else said


@dataclass(frozen=True, slots=True)
class Asked:
    """What a FakeSummarizer was shown."""

    signals: tuple[Signal, ...]
    previous: Summary | None


class FakeSummarizer:
    """Writes the same summary for everyone, or fails, and keeps what it was shown.

    >>> from popi_sdk import Popi
    >>> with Popi(store="memory", summarizer=FakeSummarizer("Answer in French.")) as popi:
    ...     print(popi.summarize(["I live in Lyon."]))
    Answer in French.
    """

    def __init__(self, written: str | Summary | Exception = "Keep answers short.", *, name: str = "fake") -> None:
        self.name = name
        self.asked: list[Asked] = []
        self._written = written

    def summarize(self, signals: Sequence[Signal], previous: Summary | None = None) -> Summary | str:
        """Return what was given to the constructor, or raise it."""
        self.asked.append(Asked(tuple(signals), previous))
        if isinstance(self._written, Exception):
            raise self._written
        return self._written


def _words(turn: Mapping[str, Any]) -> str:
    content = turn.get("content")
    if isinstance(content, str):
        return content
    parts = (part.get("text") for part in content or () if isinstance(part, Mapping))
    return "\n".join(part for part in parts if isinstance(part, str))


@contextmanager
def use(backend: FakeBackend | None = None) -> Iterator[FakeBackend]:
    """Let every client that calls models through LiteLLM ask `backend` instead, for the length of a `with` block.

    That is for code that makes its own clients: `popi_sdk.personalize` and its kin, a client at the top of a module,
    a summarizer that is a remote model.

    >>> import popi_sdk
    >>> with use(FakeBackend("Hello.")) as backend:
    ...     print(popi_sdk.personalize("Hi"))
    Hello.
    """
    backend = backend or FakeBackend()
    calls = ("complete", "stream", "acomplete", "astream")
    before = {name: getattr(real.LiteLLMBackend, name) for name in calls}
    try:
        for name in calls:
            setattr(real.LiteLLMBackend, name, getattr(backend, name))
        yield backend
    finally:
        for name, method in before.items():
            setattr(real.LiteLLMBackend, name, method)


@contextmanager
def no_live_calls() -> Iterator[None]:
    """Make every call that would leave this machine fail, for the length of a `with` block, in all threads.

    Calls stay allowed to a loopback address given as `api_base` or `base_url`, in the configuration or in the call,
    and with LiteLLM's `mock_response`. For a whole suite, one line in conftest.py does it, also for the processes
    that the tests start: `os.environ["POPI_NO_LIVE_CALLS"] = "1"`.

    Raises:
        LiveCallError: at the call; it names the model.
    """
    before = os.environ.get(VARIABLE)
    os.environ[VARIABLE] = "1"
    try:
        yield
    finally:
        if before is None:
            del os.environ[VARIABLE]
        else:
            os.environ[VARIABLE] = before
