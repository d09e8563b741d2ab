"""Mistral's client, whose one class waits and awaits: chat, agents and the stateless Responses API.

Its methods build and send a request in one go, so the block is put into their arguments. Left alone: embeddings,
fill-in-the-middle, files, batches, and conversations, which Mistral keeps: a block would stay in one that is told
to go on for another user.
"""
# ruff: noqa: TID253 - loaded when a client of Mistral's is wrapped, which means that mistralai is there

from __future__ import annotations

from importlib.util import find_spec
from typing import Any, Self

from mistralai.client import Mistral
from mistralai.client.agents import Agents
from mistralai.client.basesdk import BaseSDK
from mistralai.client.chat import Chat
from mistralai.client.types import UNSET

from popi_sdk.async_client import AsyncPopi
from popi_sdk.client import Popi
from popi_sdk.integrations.bodies import Body, Route, with_lists
from popi_sdk.integrations.bound import Binding, Client, bound, personal_class


class PersonalPart(BaseSDK):
    """A part of the client, such as `client.chat`, that knows for whom it asks."""

    _popi_route: Route
    _popi_turns: str
    """The argument that holds the chat."""
    _popi_binding: Binding

    def _now(self, request: Body) -> Body:
        request = with_lists(request)
        given = _plain(request, self._popi_turns)
        return _with_block(request, given, self._popi_binding.personalized(given, self._popi_route))

    async def _soon(self, request: Body) -> Body:
        request = with_lists(request)
        given = _plain(request, self._popi_turns)
        return _with_block(request, given, await self._popi_binding.apersonalized(given, self._popi_route))


class _Completing(PersonalPart):
    _popi_route = "chat"
    _popi_turns = "messages"

    def complete(self, **request: Any) -> Any:
        return super().complete(**self._now(request))  # type: ignore[misc]

    async def complete_async(self, **request: Any) -> Any:
        return await super().complete_async(**await self._soon(request))  # type: ignore[misc]

    def stream(self, **request: Any) -> Any:
        return super().stream(**self._now(request))  # type: ignore[misc]

    async def stream_async(self, **request: Any) -> Any:
        return await super().stream_async(**await self._soon(request))  # type: ignore[misc]


class PersonalChat(_Completing, Chat):
    """`client.chat`; its `parse` methods go through the four that are personal."""


class PersonalAgents(_Completing, Agents):
    """`client.agents`."""


class PersonalMistral(Mistral):
    """A `Mistral` whose requests carry the summary of the user it is for; made by `popi.wrap`."""

    _popi_own_class = Mistral
    _popi_binding: Binding

    def for_user(self, user_id: str) -> Self:
        """A client of the same type whose requests carry the summary of this user.

        Raises:
            SignalError: the user id cannot be taken.
        """
        return _bound(self, type(self), self._popi_binding.for_user(user_id))


def wrap(client: Any, popi: Popi | AsyncPopi) -> PersonalMistral | None:
    """The client with `popi` behind it; None when it is no client of Mistral's.

    With an AsyncPopi, the methods that are not awaited raise ConfigError.
    """
    if not isinstance(client, Mistral):
        return None
    # Mistral's API has no developer role.
    placement = "system" if popi.config.placement == "developer" else popi.config.placement
    return _bound(client, personal_class(PersonalMistral, type(client)), Binding(popi, placement))


def _bound(client: Mistral, to: type[Client], binding: Binding) -> Client:
    made = bound(client, to, binding)
    # `parent_ref` stays the client that was wrapped: were it collected, it would close the connections.
    for name, value in vars(client).items():
        if name != "parent_ref" and isinstance(value, BaseSDK):
            del made.__dict__[name]
    for name, part_class in _parts().items():
        part = part_class(client.sdk_configuration, parent_ref=made)
        part._popi_binding = binding
        setattr(made, name, part)
    return made


def _parts() -> dict[str, type[PersonalPart]]:
    parts: dict[str, type[PersonalPart]] = {"chat": PersonalChat, "agents": PersonalAgents}
    if find_spec("mistralai.client.responses") is not None:  # since 3.5
        from popi_sdk.integrations.mistral_responses import PersonalResponses

        parts["responses"] = PersonalResponses
    return parts


def _plain(request: Body, turns: str) -> Body:
    """The arguments that were given, with each turn of the chat as a mapping; turns may come as the SDK's models."""
    given = {name: value for name, value in request.items() if value is not UNSET}
    if isinstance(chat := given.get(turns), list):
        given[turns] = [_as_mapping(turn) for turn in chat]
    return given


def _as_mapping(turn: Any) -> Any:
    return turn.model_dump(mode="json", by_alias=True) if hasattr(turn, "model_dump") else turn


def _with_block(request: Body, given: Body, changed: Body) -> Body:
    """What is to be sent: the caller's arguments, but for those that hold the block now."""
    new = {name: value for name, value in changed.items() if name not in given or value != given[name]}
    return {**{name: value for name, value in request.items() if name in changed or value is UNSET}, **new}
