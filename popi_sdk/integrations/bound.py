"""What all wrapped clients share: for whom they ask, and how a client of the same type is made around another.

A wrapped client is made from the state of the user's own, without its constructor, so that it works for any subclass
and shares its connections. Two clients for two users share nothing that either of them changes.
"""

from __future__ import annotations

import asyncio
import functools
import logging
import threading
import warnings
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import Any, ClassVar, Protocol, Self, TypeVar, cast

from popi_sdk.async_client import AsyncPopi
from popi_sdk.client import Popi
from popi_sdk.composer import Placement
from popi_sdk.errors import ConfigError
from popi_sdk.integrations.bodies import Body, Route, personalized, with_lists
from popi_sdk.reply import Personal
from popi_sdk.store import check_names

_log = logging.getLogger("popi_sdk")

Client = TypeVar("Client")

_BINDING = "_popi_binding"


@dataclass(frozen=True, slots=True)
class Binding:
    """Whose store is asked, and about which user."""

    popi: Popi | AsyncPopi
    placement: Placement
    user_id: str | None = None
    first_time: threading.Lock = field(default_factory=threading.Lock)
    """Taken by the first who is told that no user is named, and never given back; copies of a client share it."""

    def for_user(self, user_id: str) -> Binding:
        """The same for one user.

        Raises:
            SignalError: the user id cannot be taken.
        """
        check_names(self.popi.config.namespace, user_id)
        return replace(self, user_id=user_id)

    def personalized(self, body: Mapping[str, Any], route: Route, *, mark_cache: bool = False) -> Body:
        """A new body with this user's block; the store is asked here and now.

        Raises:
            ConfigError: POPI is an AsyncPopi, which can only be awaited.
        """
        if isinstance(self.popi, AsyncPopi):
            raise not_awaitable()
        if self.user_id is None:
            self._warn_once()
            return dict(body)
        personal = self.popi.personal(self.user_id, placement=self.placement)
        return self._with_block(body, route, personal, mark_cache=mark_cache)

    async def apersonalized(self, body: Mapping[str, Any], route: Route, *, mark_cache: bool = False) -> Body:
        """The same without blocking the event loop, whichever POPI is asked."""
        if self.user_id is None:
            self._warn_once()
            return dict(body)
        if isinstance(self.popi, AsyncPopi):
            personal = await self.popi.personal(self.user_id, placement=self.placement)
        else:
            personal = await asyncio.to_thread(self.popi.personal, self.user_id, placement=self.placement)
        return self._with_block(body, route, personal, mark_cache=mark_cache)

    def _with_block(self, body: Mapping[str, Any], route: Route, personal: Personal, *, mark_cache: bool) -> Body:
        if personal.status == "failed":
            _log.warning(
                "A request goes out without a summary because summarizer or store failed; "
                "`popi.personal(user_id).warnings` says why"
            )
        return personalized(
            body,
            route,
            personal.summary,
            placement=self.placement,
            templates=self.popi.templates,
            mark_cache=mark_cache,
        )

    def _warn_once(self) -> None:
        if self.first_time.acquire(blocking=False):
            warnings.warn(
                "This wrapped client is for no user, so nothing is personalized: call `.for_user(user_id)` on it",
                UserWarning,
                stacklevel=2,
            )


def not_awaitable() -> ConfigError:
    """An AsyncPopi was met where nothing can be awaited."""
    return ConfigError("An AsyncPopi cannot serve a client that is not async", hint="Wrap it with a Popi.")


# --- clients that are generated alike: OpenAI's and Anthropic's ----------------------------------------------------


class RequestOptions(Protocol):
    """One request before it is sent, as both SDKs describe it."""

    method: str
    url: str
    json_data: Any
    extra_json: Any

    def model_copy(self, *, update: Mapping[str, Any]) -> Self:
        """A copy with some fields changed."""


class PersonalClient:
    """For whom a client asks; the personal classes of both SDKs have it in common.

    `request` is what every entry point of these SDKs calls, once per call and not once per attempt: the store is
    read once, and a retry sends the same bytes.
    """

    _popi_binding: Binding
    _popi_routes: ClassVar[Mapping[str, Route]]
    """The paths that carry a prompt."""
    _popi_absent: ClassVar[tuple[type, ...]]
    """What the SDK puts where an argument was left out; it never gets into JSON."""
    _popi_marks_cache: ClassVar[bool] = False
    _popi_own_class: ClassVar[type]
    """The class of the client that was wrapped."""

    def for_user(self, user_id: str) -> Self:
        """A client of the same type whose requests carry the summary of this user.

        Raises:
            SignalError: the user id cannot be taken.
        """
        return bound(self, type(self), self._popi_binding.for_user(user_id))

    def copy(self, **changes: Any) -> Self:
        """The SDK's own `copy`, for the same user."""
        # The SDKs look at the exact class for some credentials, so the client's own class makes the copy.
        plain = cast("Any", bound(self, self._popi_own_class, None))
        return bound(plain.copy(**changes), type(self), self._popi_binding)

    with_options = copy

    def _popi_body(self, options: RequestOptions) -> Body:
        """The body as it will be sent: what came as `extra_body` wins."""
        whole = {**options.json_data, **(options.extra_json or {})}
        return with_lists({name: value for name, value in whole.items() if not isinstance(value, self._popi_absent)})

    def _popi_route(self, options: RequestOptions) -> Route | None:
        """What kind of prompt a request carries; None when it carries none."""
        if options.method.lower() != "post" or not isinstance(options.json_data, Mapping):
            return None
        return self._popi_routes.get(_path(options.url, cast("Any", self).base_url))

    @property
    def user_agent(self) -> str:
        """The SDK's, with the name that the class of the wrapped client has."""
        given: str = super().user_agent  # type: ignore[misc]
        return given.replace(type(self).__name__, self._popi_own_class.__name__, 1)


class PersonalSync(PersonalClient):
    """A client that waits."""

    def request(self, cast_to: Any, options: Any, **how: Any) -> Any:
        """Send a request; one with a prompt carries the block of the client's user."""
        route = self._popi_route(options)
        if route is not None:
            body = self._popi_binding.personalized(self._popi_body(options), route, mark_cache=self._popi_marks_cache)
            options = _with_body(options, body)
        return super().request(cast_to, options, **how)  # type: ignore[misc]


class PersonalAsync(PersonalClient):
    """A client that is awaited."""

    async def request(self, cast_to: Any, options: Any, **how: Any) -> Any:
        """Send a request; one with a prompt carries the block of the client's user."""
        route = self._popi_route(options)
        if route is not None:
            body = await self._popi_binding.apersonalized(
                self._popi_body(options), route, mark_cache=self._popi_marks_cache
            )
            options = _with_body(options, body)
        return await super().request(cast_to, options, **how)  # type: ignore[misc]


def _path(url: str, base_url: Any) -> str:
    """The path below `base_url` that a request goes to, as the SDKs' own methods write it."""
    address = str(url).partition("?")[0].partition("#")[0]
    if "://" in address:
        # Made into what the base is, so that both write the host and its port alike.
        address = str(type(base_url)(address)).removeprefix(str(base_url))
    return "/" + address.removeprefix("/").removesuffix("/")


def _with_body(options: RequestOptions, body: Body) -> RequestOptions:
    """A copy that sends `body`, each part from where it came, so that its order stays."""
    extra = options.extra_json or {}
    own = {key: value for key, value in body.items() if key in options.json_data or key not in extra}
    update: dict[str, Any] = {"json_data": own}
    if extra:
        update["extra_json"] = {key: value for key, value in body.items() if key in extra}
    return options.model_copy(update=update)


# --- making one client from another --------------------------------------------------------------------------------


def bound(client: Any, to: type[Client], binding: Binding | None) -> Client:
    """A client of class `to` with the state of `client`, its connections included, for `binding`.

    What the client has built upon itself (`client.chat`) is left behind, as that would go on asking through `client`.
    """
    built = _built_by(cast("Any", type(client)))
    made = object.__new__(to)
    made.__dict__.update({name: value for name, value in vars(client).items() if name not in built})
    made.__dict__.pop(_BINDING, None)
    if binding is not None:
        made.__dict__[_BINDING] = binding
    return made


@lru_cache(maxsize=256)
def _built_by(own: Any) -> frozenset[str]:
    every = (item for base in own.__mro__ for item in vars(base).items())
    return frozenset(name for name, value in every if isinstance(value, functools.cached_property))


def personal_class(personal: type[Client], own: type) -> type[Client]:
    """`own` with what makes `personal` personal; a class that is personal already is taken as it is."""
    if issubclass(own, personal):
        return own
    if own in personal.__bases__:
        return personal
    return cast("type[Client]", _made_class(cast("Any", personal), cast("Any", own)))


@lru_cache(maxsize=256)
def _made_class(personal: Any, own: Any) -> type:
    return type(f"Personal{own.__name__}", (personal, own), {"_popi_own_class": own})
