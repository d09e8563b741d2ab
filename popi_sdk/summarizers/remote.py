"""Summarizers that are models LiteLLM reaches: a provider's, or one served by vLLM or Ollama.

signals -> prompt -> a turn, as not too many are asked for at once -> request -> summary
"""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from popi_sdk.backend import AsyncBackend, Backend
from popi_sdk.backend.model_spec import ModelSpec
from popi_sdk.errors import BackendTimeoutError
from popi_sdk.render import INPUT_TOKENS, Rendered, render
from popi_sdk.signals import Signal
from popi_sdk.summarizers.turns import NoTurnError, Turns
from popi_sdk.summarizers.written import answer_of, log_left_out
from popi_sdk.summary import Summary
from popi_sdk.templates import Templates

AT_ONCE = 16
"""Summaries that one client asks for at the same time; a server writes them in one batch."""


class ModelSummarizer(ABC):
    """Asks a model for summaries: how, what is asked and what becomes of the answer, is for its kinds to say.

    At most `AT_ONCE` are asked for at the same time; who comes later waits its turn, for `timeout` seconds at most.
    """

    def __init__(
        self,
        model: ModelSpec,
        backend: Backend | AsyncBackend,
        *,
        timeout: float,
        retries: int,
        options: Mapping[str, Any],
    ) -> None:
        self.name = model.name
        self.model = model
        self._backend: Any = backend
        self._timeout = timeout
        self._limits: dict[str, Any] = {"timeout": timeout, "retries": retries, "options": options}
        self._turns = Turns(AT_ONCE)

    def summarize(self, signals: Sequence[Signal], previous: Summary | None = None) -> Summary | str:
        """Write a summary of `signals`, or bring `previous` up to date with them.

        Raises:
            BackendError: the model did not answer.
            SummarizerError: the prompt cannot be made.
        """
        prompt = self._prompt(signals, previous)
        return self._kept(self._answer(prompt), prompt, previous)

    async def asummarize(self, signals: Sequence[Signal], previous: Summary | None = None) -> Summary | str:
        """The same, awaited."""
        prompt = await asyncio.to_thread(self._prompt, signals, previous)
        answer = await self._aanswer(prompt)
        return await asyncio.to_thread(self._kept, answer, prompt, previous)

    def texts(self, histories: Sequence[Sequence[Signal]]) -> list[str]:
        """What the model writes about many users, in their order, several asked for at a time; not guarded.

        Raises:
            BackendError, SummarizerError: as `summarize`; then there is no text of any of them.
        """
        with ThreadPoolExecutor(AT_ONCE, thread_name_prefix="popi-summaries") as pool:
            asked = [pool.submit(self._text, signals) for signals in histories]
            try:
                return [one.result() for one in asked]
            except BaseException:
                pool.shutdown(wait=False, cancel_futures=True)  # those that have not begun need not
                raise

    def _kept(self, answer: str, prompt: Rendered | None, previous: Summary | None) -> Summary | str:
        """The answer, or the previous summary where what is new says nothing: what was known is not lost by it."""
        return self._taken(answer, prompt) if answer or not previous else previous

    @abstractmethod
    def _prompt(self, signals: Sequence[Signal], previous: Summary | None) -> Rendered | None:
        """What the model is asked; None where there is nothing to ask."""

    @abstractmethod
    def _taken(self, answer: str, prompt: Rendered | None) -> Summary | str:
        """What becomes of its answer."""

    def _text(self, signals: Sequence[Signal]) -> str:
        return self._answer(self._prompt(signals, None))

    def _answer(self, prompt: Rendered | None) -> str:
        """What the model says; nothing where it is asked nothing.

        Raises:
            BackendTimeoutError: its turn did not come.
            BackendError: the model did not answer.
        """
        if prompt is None:
            return ""
        try:
            with self._turns.turn(self._timeout):
                return answer_of(self._backend.complete(prompt.messages, self.model, **self._limits).text)
        except NoTurnError as error:
            raise self._never_came() from error

    async def _aanswer(self, prompt: Rendered | None) -> str:
        """The same, awaited."""
        if prompt is None:
            return ""
        try:
            async with self._turns.aturn(self._timeout):
                return answer_of((await self._backend.acomplete(prompt.messages, self.model, **self._limits)).text)
        except NoTurnError as error:
            raise self._never_came() from error

    def _never_came(self) -> BackendTimeoutError:
        return BackendTimeoutError(
            f"{AT_ONCE} summaries are being asked of {self.model.name}; this one had no turn in {self._timeout:g} s",
            model=self.model.name,
            hint='Give the server more to compute with, or set refresh = "background", so that no call waits for it.',
            retryable=True,
        )


class RemoteSummarizer(ModelSummarizer):
    """Asks any model for the summary, zero-shot with the inference templates.

    The history that does not fit `input_tokens` is read bit by bit: the last summary, and what is new since.
    """

    input_tokens = INPUT_TOKENS

    def __init__(
        self,
        model: ModelSpec,
        backend: Backend | AsyncBackend,
        *,
        max_summary_tokens: int,
        templates: Templates,
        timeout: float,
        retries: int,
    ) -> None:
        super().__init__(model, backend, timeout=timeout, retries=retries, options={})
        self._max_summary_tokens = max_summary_tokens
        self._templates = templates

    def _prompt(self, signals: Sequence[Signal], previous: Summary | None) -> Rendered:
        rendered = render(
            signals,
            max_summary_tokens=self._max_summary_tokens,
            previous=previous,
            input_tokens=self.input_tokens,
            templates=self._templates,
        )
        log_left_out(self.name, rendered, self.input_tokens)
        return rendered

    def _taken(self, answer: str, prompt: Rendered | None) -> str:  # noqa: ARG002
        return answer
