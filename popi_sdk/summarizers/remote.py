"""A summarizer that is any model LiteLLM reaches: a provider's, or one served by vLLM or Ollama."""

from __future__ import annotations

import asyncio
import logging
import re
from collections.abc import Sequence
from typing import Any

from popi_sdk.backend import AsyncBackend, Backend
from popi_sdk.backend.model_spec import ModelSpec
from popi_sdk.render import INPUT_TOKENS, render
from popi_sdk.signals import Signal
from popi_sdk.summary import Summary
from popi_sdk.templates import Templates

_log = logging.getLogger("popi_sdk")
_THOUGHTS = re.compile(r"<think>.*?(</think>|\Z)", re.DOTALL)
"""Reasoning models served without a reasoning parser put their thoughts into the answer."""


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
        return _answer(self._backend.complete(self._messages(signals, previous), self._model, **self._limits).text)

    async def asummarize(self, signals: Sequence[Signal], previous: Summary | None = None) -> str:
        """The same, awaited."""
        messages = await asyncio.to_thread(self._messages, signals, previous)
        return _answer((await self._backend.acomplete(messages, self._model, **self._limits)).text)

    def _messages(self, signals: Sequence[Signal], previous: Summary | None) -> list[dict[str, str]]:
        rendered = render(
            signals,
            max_summary_tokens=self._max_summary_tokens,
            previous=previous,
            input_tokens=self.input_tokens,
            templates=self._templates,
        )
        if rendered.left_out:
            _log.warning(
                "%s was shown %d of %d signals; the others, older or less telling, did not fit %d tokens",
                self.name, len(rendered.signal_ids), len(signals), self.input_tokens,
            )  # fmt: skip
        return rendered.messages


def _answer(text: str) -> str:
    """The summary in what the model wrote; the template asks for the word NOTHING when there is none."""
    text = _THOUGHTS.sub("", text).strip()
    return "" if re.fullmatch(r"\W*nothing\W*", text, re.IGNORECASE) else text
