"""What a LiteLLM proxy's hooks are given about one request: whose call it is, its signals, and where its text stands.

Functions of plain data; `litellm_proxy.py` asks POPI and answers the proxy.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Protocol

from popi_sdk.composer import Placement
from popi_sdk.errors import SignalError
from popi_sdk.integrations.bodies import Route, personalized
from popi_sdk.reply import Status
from popi_sdk.store import check_names
from popi_sdk.summary import Summary
from popi_sdk.templates import Templates

SIGNALS = "popi_signals"
"""The key of a request's metadata under which an app sends back what its user has shown."""

MOST_SIGNALS = 200
MOST_CHARACTERS = 200_000
"""Of signals that one request may bring: what an app has heard of a user in a day, and seconds of looking for personal
data in it at most. More would let one key take the time of all others."""

ROUTES: dict[str, Route] = {
    "acompletion": "chat",
    "completion": "chat",
    "anthropic_messages": "messages",
    "aresponses": "responses",
    "responses": "responses",
}
"""The proxy's call types that carry a block; batches, embeddings, token counts and the rest are left alone."""

_PARTS: dict[Route, tuple[str, ...]] = {
    "chat": ("messages", "tools"),
    "messages": ("system", "messages", "tools", "cache_control"),
    "responses": ("instructions", "input", "previous_response_id", "conversation"),
}
"""What of a request decides where its block stands; the rest of the proxy's data is none of our business."""

_NOTE = "popi"
_METADATA = ("metadata", "litellm_metadata")
_SHA256 = re.compile(r"[0-9a-f]{64}")


class Key(Protocol):
    """What is read of LiteLLM's `UserAPIKeyAuth`."""

    team_id: str | None
    user_id: str | None
    token: str | None
    api_key: str | None
    end_user_id: str | None


@dataclass(frozen=True, slots=True)
class Caller:
    """One end user within one tenant."""

    namespace: str
    user_id: str


@dataclass(frozen=True, slots=True)
class Outcome:
    """What the response headers of one request tell."""

    status: Status
    version: int = 0
    """Of the summary that stood in the request; 0 when none did."""
    reason: str = ""
    """Why no summary stood in the request, as a short code."""
    signals: str = ""
    """What became of the signals that came along; empty when none did."""

    def headers(self) -> dict[str, str]:
        """The headers, without a word of what anybody said.

        >>> Outcome("applied", version=3, signals="stored 2").headers()
        {'x-popi-status': 'applied', 'x-popi-summary-version': '3', 'x-popi-signals': 'stored 2'}
        """
        told = {"x-popi-status": self.status, "x-popi-summary-version": str(self.version)}
        if self.reason:
            told["x-popi-reason"] = self.reason
        if self.signals:
            told["x-popi-signals"] = self.signals
        return told


def whose_call(key: Key, *, user_from_header: bool = False) -> Caller | str:
    """The caller behind a virtual key, or a short code for why there is none.

    The tenant is the key's team, else its user, else the key itself; the end user, whom any caller can name, is only
    ever looked for inside it. `user_from_header` says that callers name the key's user too, which then counts for
    nothing.
    """
    namespace = _tenant(key, user_from_header=user_from_header)
    if not namespace:
        return "no-tenant"
    if not key.end_user_id:
        return "no-end-user"
    try:
        check_names(namespace, key.end_user_id)
    except SignalError as error:
        return "unusable-tenant" if error.field == "namespace" else "unusable-end-user"
    return Caller(namespace, key.end_user_id)


def _tenant(key: Key, *, user_from_header: bool) -> str:
    # Each kind has its own first word, so that no id of one kind, whatever it holds, reads as another.
    if key.team_id:
        return f"team:{key.team_id}"
    if key.user_id and not user_from_header:
        return f"user:{key.user_id}"
    token = key.token or key.api_key
    if not token:
        return ""
    # LiteLLM hashes only keys that begin with "sk-"; any other would lie in the store as it is.
    return f"key:{token if _SHA256.fullmatch(token) else hashlib.sha256(token.encode()).hexdigest()}"


def take_signals(data: dict[str, Any]) -> list[Any]:
    """Take what stands under `popi_signals` out of a request and of every copy the proxy has made of its metadata.

    >>> data = {"messages": [], "metadata": {"popi_signals": ["Be brief."]}}
    >>> take_signals(data), data
    ([['Be brief.']], {'messages': []})
    """
    given = []
    for holder in _holders(data):
        for name in _METADATA:
            metadata = holder.get(name)
            if not isinstance(metadata, dict) or SIGNALS not in metadata:
                continue
            given.append(_as_json(metadata.pop(SIGNALS)))
            if not metadata:
                del holder[name]
    for copy in _copies(data):
        copy.pop(SIGNALS, None)
    return given


def _holders(body: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """What holds metadata: a body, and what its sender wants to be part of the body that goes to the provider."""
    yield body
    if isinstance(extra := body.get("extra_body"), dict):
        yield extra


def _copies(data: dict[str, Any]) -> Iterator[dict[str, Any]]:
    request = data.get("proxy_server_request")
    kept = request.get("body") if isinstance(request, dict) else None
    for body in (data, kept if isinstance(kept, dict) else {}):
        for holder in _holders(body):
            for name in _METADATA:
                metadata = holder.get(name)
                if isinstance(metadata, dict):
                    yield metadata
                    if isinstance(requested := metadata.get("requester_metadata"), dict):
                        yield requested


def are_too_large(given: list[Any]) -> bool:
    """Whether these are more signals than one request may bring; however many they are, this takes milliseconds.

    >>> are_too_large([["Be brief."]]), are_too_large([["Be brief."] * 201])
    (False, True)
    """
    if sum(len(value) if isinstance(value, list) else 1 for value in given) > MOST_SIGNALS:
        return True
    left = MOST_CHARACTERS
    rest = list(given)
    while rest and left >= 0:
        value = rest.pop()
        left -= 1 + (len(value) if isinstance(value, str | list | dict) else 0)
        if left >= 0 and isinstance(value, list | dict):
            rest.extend(value)
            rest.extend(value.values() if isinstance(value, dict) else ())
    return left < 0


def _as_json(value: Any) -> Any:
    """Metadata of OpenAI's own holds only strings, so signals may come as JSON in one."""
    if isinstance(value, str) and len(value) <= MOST_CHARACTERS and value.lstrip()[:1] in ("[", "{"):
        try:
            return json.loads(value)
        except (ValueError, RecursionError):
            return value
    return value


def put_into(
    data: dict[str, Any],
    route: Route,
    summary: Summary,
    *,
    placement: Placement,
    templates: Templates,
    mark_cache: bool,
) -> None:
    """Put the block of `summary` into the proxy's data of one request; the lists and dicts in it are not changed."""
    parts = _PARTS[route]
    body = {part: data[part] for part in parts if part in data}
    changed = personalized(body, route, summary, placement=placement, templates=templates, mark_cache=mark_cache)
    for part in parts:
        if part in changed:
            data[part] = changed[part]
        else:
            data.pop(part, None)


def note(data: dict[str, Any], outcome: Outcome) -> None:
    """Keep `outcome` with the request until it is answered.

    What LiteLLM notes about the HTTP request lasts that long, is not sent on, and cannot be written by a caller.
    """
    if isinstance(request := data.get("proxy_server_request"), dict):
        request[_NOTE] = outcome.headers()


def noted(data: dict[str, Any]) -> dict[str, str] | None:
    """The response headers that tell what was noted; None for a request that was left alone."""
    request = data.get("proxy_server_request")
    return request.get(_NOTE) if isinstance(request, dict) else None
