"""Keeps the request a client makes, so that it can be shown; passes it on where there is somewhere to send it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from popi_sdk.backend import Backend, ChunkStream, Messages
from popi_sdk.backend.completion import Completion, Usage
from popi_sdk.errors import BackendError

if TYPE_CHECKING:
    from popi_sdk.backend.model_spec import ModelSpec


class Outgoing:
    """A backend that notes each request; without `send` it answers nothing."""

    def __init__(self, send: Backend | None) -> None:
        self._send = send
        self.messages: list[dict[str, Any]] = []
        self.model = ""

    def complete(
        self, messages: Messages, model: ModelSpec, *, timeout: float, retries: int, options: Mapping[str, Any]
    ) -> Completion:
        """Note the request, and send it."""
        self._note(messages, model)
        if self._send is None:
            return Completion("", {}, model.name, Usage(), None, None)
        return self._send.complete(messages, model, timeout=timeout, retries=retries, options=options)

    def stream(
        self, messages: Messages, model: ModelSpec, *, timeout: float, retries: int, options: Mapping[str, Any]
    ) -> ChunkStream:
        """Note the request, and send it, for an answer in pieces."""
        self._note(messages, model)
        if self._send is None:
            raise BackendError("Nothing is sent here.", model=model.name)
        return self._send.stream(messages, model, timeout=timeout, retries=retries, options=options)

    def _note(self, messages: Messages, model: ModelSpec) -> None:
        self.messages, self.model = list(messages), model.name


class NothingLeaves:
    """Stands where a summarizer would call a model, and refuses."""

    def complete(self, _messages: Messages, model: ModelSpec, **_limits: Any) -> Completion:
        """Refuse."""
        raise BackendError(f"{model.name} was not asked: with --dry-run nothing is sent.", model=model.name)
