"""OpenAI's clients, and through them DeepSeek, vLLM, Ollama and Azure: chat completions and the Responses API.

Left alone: embeddings, files, images, audio, batches, assistants, realtime, the completions without messages, and
compacting a kept chat. Counting the tokens of a response is not: it is asked what the request will take.
"""
# ruff: noqa: TID253 - loaded when a client of OpenAI's is wrapped, which means that openai is there

from __future__ import annotations

from typing import Any

import openai

from popi_sdk.async_client import AsyncPopi
from popi_sdk.client import Popi
from popi_sdk.integrations.bodies import Route
from popi_sdk.integrations.bound import Binding, PersonalAsync, PersonalSync, bound, not_awaitable, personal_class

ROUTES: dict[str, Route] = {
    "/chat/completions": "chat",
    "/responses": "responses",
    "/responses/input_tokens": "responses",
}


class PersonalOpenAI(PersonalSync, openai.OpenAI):
    """An `openai.OpenAI` whose requests carry the summary of the user it is for; made by `popi.wrap`."""

    _popi_routes = ROUTES
    _popi_absent = (openai.NotGiven, openai.Omit)
    _popi_own_class = openai.OpenAI


class PersonalAsyncOpenAI(PersonalAsync, openai.AsyncOpenAI):
    """An `openai.AsyncOpenAI` whose requests carry the summary of the user it is for; made by `popi.wrap`."""

    _popi_routes = ROUTES
    _popi_absent = (openai.NotGiven, openai.Omit)
    _popi_own_class = openai.AsyncOpenAI


def wrap(client: Any, popi: Popi | AsyncPopi) -> PersonalOpenAI | PersonalAsyncOpenAI | None:
    """The client with `popi` behind it; None when it is no client of OpenAI's.

    Raises:
        ConfigError: an AsyncPopi for a client that is not async.
    """
    if isinstance(client, openai.AsyncOpenAI):
        return bound(client, personal_class(PersonalAsyncOpenAI, type(client)), Binding(popi, popi.config.placement))
    if not isinstance(client, openai.OpenAI):
        return None
    if isinstance(popi, AsyncPopi):
        raise not_awaitable()
    return bound(client, personal_class(PersonalOpenAI, type(client)), Binding(popi, popi.config.placement))
