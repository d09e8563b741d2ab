"""One call of a model through LiteLLM, whole or streamed, sync and async."""

from __future__ import annotations

import asyncio
import math
import os
import sys
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any, Protocol

from popi_sdk.backend.chunks import AsyncChunkStream, ChunkStream
from popi_sdk.backend.completion import Completion, completion_from
from popi_sdk.backend.live_calls import check_live_call
from popi_sdk.backend.model_spec import ModelSpec
from popi_sdk.backend.one_attempt import one_attempt, teach_one_attempt
from popi_sdk.backend.retries import aretrying, retrying
from popi_sdk.backend.vendor_errors import popi_error
from popi_sdk.errors import ConfigError, MissingExtraError

Messages = Sequence[dict[str, Any]]

_ARGUMENT_INSTEAD = {
    "model": "`model`",
    "messages": "`prompt`",
    "num_retries": "`retries`",
    "max_retries": "`retries`",
    "retry_policy": "`retries`",
    "request_timeout": "`timeout`",
    "timeout": "`timeout`",
    "fallbacks": "`fallbacks` in the configuration",
}
"""What POPI sets itself, and where a caller sets it."""


_NO_RETRIES = {"BadRequestErrorRetries": 0}
"""A policy without retries; without a policy, litellm.num_retries that an app has set would come on top of ours."""

_LOOK_UPS_OFF = ("LITELLM_LOCAL_MODEL_COST_MAP", "LITELLM_LOCAL_ANTHROPIC_BETA_HEADERS")
"""Without these LiteLLM asks a code host for prices and for header names."""
_REFUSED_WITHOUT_KEY = {"anthropic": "ANTHROPIC_API_KEY", "openai": "OPENAI_API_KEY"}


class Backend(Protocol):
    """What the client needs of a way to call models."""

    def complete(
        self, messages: Messages, model: ModelSpec, *, timeout: float, retries: int, options: Mapping[str, Any]
    ) -> Completion:
        """Answer a chat; `timeout` in seconds and per attempt, `retries` beyond the first attempt."""

    def stream(
        self, messages: Messages, model: ModelSpec, *, timeout: float, retries: int, options: Mapping[str, Any]
    ) -> ChunkStream:
        """Answer a chat in pieces."""


class AsyncBackend(Protocol):
    """The awaitable twin of `Backend`."""

    async def acomplete(
        self, messages: Messages, model: ModelSpec, *, timeout: float, retries: int, options: Mapping[str, Any]
    ) -> Completion:
        """Answer a chat; `timeout` in seconds and per attempt, `retries` beyond the first attempt."""

    async def astream(
        self, messages: Messages, model: ModelSpec, *, timeout: float, retries: int, options: Mapping[str, Any]
    ) -> AsyncChunkStream:
        """Answer a chat in pieces."""


class LiteLLMBackend:
    """Calls models through LiteLLM, sync and async; keeps nothing between calls.

    Raises:
        BackendError: the provider failed, or one of its kinds (AuthError, RateLimitError, BackendTimeoutError, ...).
        ConfigError: an option that is an argument of POPI, or a model whose provider is not known.
    """

    def complete(
        self, messages: Messages, model: ModelSpec, *, timeout: float, retries: int, options: Mapping[str, Any]
    ) -> Completion:
        """Answer a chat; `timeout` in seconds and per attempt, `retries` beyond the first attempt."""
        request = _request(messages, model, timeout, retries, options)
        completion = load_litellm().completion
        outside = sys.exc_info()[1]

        def attempt() -> Completion:
            try:
                return completion_from(completion(**request), model.name)
            except Exception as error:
                raise popi_error(error, model.name, timeout, outside) from error

        return retrying(attempt, retries=retries, timeout=timeout)

    async def acomplete(
        self, messages: Messages, model: ModelSpec, *, timeout: float, retries: int, options: Mapping[str, Any]
    ) -> Completion:
        """The awaitable twin of `complete`."""
        request = _request(messages, model, timeout, retries, options)
        acompletion = (await _litellm_off_the_loop()).acompletion
        outside = sys.exc_info()[1]

        async def attempt() -> Completion:
            try:
                with one_attempt():
                    async with asyncio.timeout(timeout):
                        return completion_from(await acompletion(**request), model.name)
            except Exception as error:
                raise popi_error(error, model.name, timeout, outside) from error

        return await aretrying(attempt, retries=retries, timeout=timeout)

    def stream(
        self, messages: Messages, model: ModelSpec, *, timeout: float, retries: int, options: Mapping[str, Any]
    ) -> ChunkStream:
        """Answer a chat in pieces; returns when the first is there, and until then tries again as `complete` does."""
        request = _request(messages, model, timeout, retries, options, stream=True)
        completion = load_litellm().completion
        outside = sys.exc_info()[1]

        def attempt() -> ChunkStream:
            try:
                source = completion(**request)
            except Exception as error:
                raise popi_error(error, model.name, timeout, outside) from error
            stream = ChunkStream(source, model.name, timeout, messages, outside)
            stream.pull_first()
            return stream

        return retrying(attempt, retries=retries, timeout=timeout)

    async def astream(
        self, messages: Messages, model: ModelSpec, *, timeout: float, retries: int, options: Mapping[str, Any]
    ) -> AsyncChunkStream:
        """The awaitable twin of `stream`."""
        request = _request(messages, model, timeout, retries, options, stream=True)
        acompletion = (await _litellm_off_the_loop()).acompletion
        outside = sys.exc_info()[1]

        async def attempt() -> AsyncChunkStream:
            with one_attempt():
                try:
                    async with asyncio.timeout(timeout):
                        source = await acompletion(**request)
                except Exception as error:
                    raise popi_error(error, model.name, timeout, outside) from error
                stream = AsyncChunkStream(source, model.name, timeout, messages, outside)
                await stream.pull_first()
                return stream

        return await aretrying(attempt, retries=retries, timeout=timeout)


@cache
def load_litellm() -> Any:
    """LiteLLM, imported at the first call and kept from reaching the network or printing on its own."""
    for variable in _LOOK_UPS_OFF:
        os.environ.setdefault(variable, "True")
    try:
        import litellm
    except ImportError as error:
        raise MissingExtraError("litellm", "litellm") from error
    litellm.telemetry = False
    litellm.suppress_debug_info = True
    if litellm.disable_hf_tokenizer_download is None:  # else a stream of a Llama model makes it ask huggingface.co
        litellm.disable_hf_tokenizer_download = True
    teach_one_attempt()
    return litellm


async def _litellm_off_the_loop() -> Any:
    """The import takes seconds, which would hold up everything else on the event loop."""
    return load_litellm() if load_litellm.cache_info().currsize else await asyncio.to_thread(load_litellm)


def _request(
    messages: Messages,
    model: ModelSpec,
    timeout: float,
    retries: int,
    options: Mapping[str, Any],
    *,
    stream: bool = False,
) -> dict[str, Any]:
    """LiteLLM's arguments; `options` win over the model's own address, key and headers."""
    check_arguments(timeout, retries, options, stream)
    request: dict[str, Any] = {name: _copied(value) for name, value in options.items()}
    request |= {"model": model.name, "messages": _copied(list(messages)), "timeout": timeout}
    request["num_retries"] = request["max_retries"] = 0
    request["retry_policy"] = _NO_RETRIES
    if model.api_base is not None and options.get("api_base") is None and options.get("base_url") is None:
        request["api_base"] = model.api_base
    if options.get("api_key") is None:
        key = model.api_key() or _key_for_a_server_without_keys(model, request)
        if key is not None:
            request["api_key"] = key
    if model.extra_headers:
        request["extra_headers"] = {**model.extra_headers, **(options.get("extra_headers") or {})}
    if model.provider == "anthropic":
        for name in ("api_base", "base_url"):
            if isinstance(request.get(name), str):  # LiteLLM adds /v1/messages and would double a /v1
                request[name] = request[name].rstrip("/").removesuffix("/v1")
    if options.get("tools") and not any(_is_mcp(tool) for tool in options["tools"]):
        request["_skip_mcp_handler"] = True  # else LiteLLM 1.106 imports the package mcp, which it does not install
    if stream:
        request["stream"] = True
        request.setdefault("stream_options", {"include_usage": True})  # left out by LiteLLM where it would be refused
    check_live_call(request)
    return request


def _key_for_a_server_without_keys(model: ModelSpec, request: Mapping[str, Any]) -> str | None:
    """LiteLLM calls no OpenAI or Anthropic model without a key, not even on an own server that asks for none."""
    own_server = request.get("api_base") or request.get("base_url")
    variable = _REFUSED_WITHOUT_KEY.get(model.provider)
    return "not-needed" if own_server and variable and not os.environ.get(variable, "").strip() else None


def _copied(value: Any) -> Any:
    """Lists and dicts anew, since LiteLLM rewrites parts of messages and tools in place; all else as it is."""
    if type(value) is dict:
        return {key: _copied(item) for key, item in value.items()}
    return [_copied(item) for item in value] if type(value) is list else value


def _is_mcp(tool: Any) -> bool:
    return isinstance(tool, Mapping) and tool.get("type") == "mcp"


def check_arguments(timeout: float, retries: int, options: Mapping[str, Any], stream: bool) -> None:
    """Raise ConfigError for what no backend takes; fake ones ask here too."""
    if isinstance(timeout, bool) or not isinstance(timeout, (int, float)) or not 0 < timeout < math.inf:
        raise ConfigError("`timeout` must be a number of seconds above 0.")
    if isinstance(retries, bool) or not isinstance(retries, int) or retries < 0:
        raise ConfigError("`retries` must be a whole number from 0.")
    for name in options:
        if name in _ARGUMENT_INSTEAD:
            raise ConfigError(f"`{name}` is not an option.", hint=f"Use {_ARGUMENT_INSTEAD[name]}.")
    if options.get("stream") and not stream:
        raise ConfigError("`stream` is not an option.", hint="Use stream().")
