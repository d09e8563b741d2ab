"""Anthropic's clients: the Messages API, beta included. The block ends a cached prefix where there is room for a mark.

The SDK's middleware would do too, but it runs once per attempt and exists since 2026 only; `request` is called once
per call in every version. Left alone: batches, files, agents and sessions, the old completions. Counting the tokens
of a message is not: it is asked what the request will take.
"""
# ruff: noqa: TID253 - loaded when a client of Anthropic's is wrapped, which means that anthropic is there

from __future__ import annotations

from typing import Any

import anthropic

from popi_sdk.async_client import AsyncPopi
from popi_sdk.client import Popi
from popi_sdk.integrations.bodies import Route
from popi_sdk.integrations.bound import Binding, PersonalAsync, PersonalSync, bound, not_awaitable, personal_class

ROUTES: dict[str, Route] = {
    "/v1/messages": "messages",
    "/v1/messages/count_tokens": "messages",
}


class PersonalAnthropic(PersonalSync, anthropic.Anthropic):
    """An `anthropic.Anthropic` whose requests carry the summary of the user it is for; made by `popi.wrap`."""

    _popi_routes = ROUTES
    _popi_absent = (anthropic.NotGiven, anthropic.Omit)
    _popi_marks_cache = True
    _popi_own_class = anthropic.Anthropic


class PersonalAsyncAnthropic(PersonalAsync, anthropic.AsyncAnthropic):
    """An `anthropic.AsyncAnthropic` whose requests carry the summary of the user it is for; made by `popi.wrap`."""

    _popi_routes = ROUTES
    _popi_absent = (anthropic.NotGiven, anthropic.Omit)
    _popi_marks_cache = True
    _popi_own_class = anthropic.AsyncAnthropic


def wrap(client: Any, popi: Popi | AsyncPopi) -> PersonalAnthropic | PersonalAsyncAnthropic | None:
    """The client with `popi` behind it; None when it is no client of Anthropic's.

    Raises:
        ConfigError: an AsyncPopi for a client that is not async.
    """
    if isinstance(client, anthropic.AsyncAnthropic):
        return bound(client, personal_class(PersonalAsyncAnthropic, type(client)), Binding(popi, popi.config.placement))
    if not isinstance(client, anthropic.Anthropic):
        return None
    if isinstance(popi, AsyncPopi):
        raise not_awaitable()
    return bound(client, personal_class(PersonalAnthropic, type(client)), Binding(popi, popi.config.placement))
