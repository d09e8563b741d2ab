"""A summarizer that is any model LiteLLM reaches: a provider's, or one served by vLLM or Ollama."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

from popi_sdk.backend import AsyncBackend, Backend
from popi_sdk.backend.model_spec import ModelSpec
from popi_sdk.render import INPUT_TOKENS, render
from popi_sdk.signals import Signal
from popi_sdk.summarizers.written import answer_of, log_left_out
from popi_sdk.summary import Summary
from popi_sdk.templates import Templates


class RemoteSummarizer:
    """Asks a model for the summary, zero-shot with the inference templates.

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
        self.name = model.name
        self._model = model
        self._backend: Any = backend
        self._max_summary_tokens = max_summary_tokens
        self._templates = templates
        self._limits: dict[str, Any] = {"timeout": timeout, "retries": retries, "options": {}}

    def summarize(self, signals: Sequence[Signal], previous: Summary | None = None) -> str:
        """Write a summary of `signals`, or bring `previous` up to date with them.

        Raises:
            BackendError: the model did not answer.
        """
        return answer_of(self._backend.complete(self._messages(signals, previous), self._model, **self._limits).text)

    async def asummarize(self, signals: Sequence[Signal], previous: Summary | None = None) -> str:
        """The same, awaited."""
        messages = await asyncio.to_thread(self._messages, signals, previous)
        return answer_of((await self._backend.acomplete(messages, self._model, **self._limits)).text)

    def _messages(self, signals: Sequence[Signal], previous: Summary | None) -> list[dict[str, str]]:
        rendered = render(
            signals,
            max_summary_tokens=self._max_summary_tokens,
            previous=previous,
            input_tokens=self.input_tokens,
            templates=self._templates,
        )
        log_left_out(self.name, rendered, self.input_tokens)
        return rendered.messages
