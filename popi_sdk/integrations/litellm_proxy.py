"""Personalizes every app behind a LiteLLM proxy, by one line of the proxy's configuration.

    litellm_settings:
      callbacks: popi_sdk.integrations.litellm_proxy.hook

`/v1/chat/completions`, `/v1/messages` and `/v1/responses` get the summary of the request's end user, streamed or not;
no app changes. Profiles are kept apart by the virtual key: by its team, else its user, else the key itself. The end
user is whom LiteLLM takes from `x-litellm-end-user-id`, `user` or `metadata.user_id`.

metadata.popi_signals           signals of this end user, stored before the summary is looked up; never sent on
x-popi-status                   applied, stale, skipped or failed
x-popi-summary-version          of the summary that stood in the request; 0 when none did
x-popi-reason                   why none did
x-popi-signals                  "stored 2", "refused" and why, or "pending"

No provider is told of the signals, and no logging callback but in two cases: LiteLLM asks no hook before
authentication, and on pass-through routes it notes the body first. What is sent with a wrong key, or to such a route,
reaches the callbacks as it came.

POPI is configured by `popi.toml` and `POPI_*`, as everywhere. Whatever fails here, the request is answered.
"""
# ruff: noqa: TID253, ARG002 - loaded by a LiteLLM proxy, never by `import popi_sdk`, and called with all its arguments

from __future__ import annotations

import asyncio
import logging
import sys
import time
from collections.abc import Callable
from functools import lru_cache
from importlib import import_module
from typing import Any

from litellm.integrations.custom_logger import CustomLogger

from popi_sdk.async_client import AsyncPopi
from popi_sdk.errors import ConfigError, PopiError, SignalError, StoreError, SummarizerError, loggable
from popi_sdk.integrations.litellm_requests import (
    ROUTES,
    Caller,
    Outcome,
    are_too_large,
    note,
    noted,
    put_into,
    take_signals,
    whose_call,
)
from popi_sdk.integrations.patience import NotWaitedError, Patience
from popi_sdk.reply import Personal
from popi_sdk.signals import Signal

MOST_TENANTS = 1_024
"""Scoped clients that are held; one more is made in microseconds."""
QUIET = 10.0
"""Seconds in which the same complaint is logged once."""
_NEEDED_SOON = ("popi_sdk.guard", "popi_sdk.store.async_databases")
"""What a first request loads besides the client; their patterns and tables take a while."""

_log = logging.getLogger("popi_sdk")


class PopiHook(CustomLogger):
    """What the proxy calls around each request; `hook` below is the one to register."""

    enforces_request_content = False  # the records of a batch file go to the provider as they are

    def __init__(self, open_popi: Callable[[], AsyncPopi] = AsyncPopi) -> None:
        super().__init__()
        self._open_popi = open_popi
        self._opening: asyncio.Future[AsyncPopi] | None = None
        self._scoped: Callable[[str], AsyncPopi] | None = None
        self._unusable: ConfigError | None = None
        self._patience = Patience()
        self._complained: dict[str, float] = {}

    async def async_pre_call_hook(
        self, user_api_key_dict: Any, cache: Any, data: dict[str, Any], call_type: str
    ) -> dict[str, Any]:
        """Take the signals out of a request and put the summary in; once for all its retries and fallbacks."""
        try:
            outcome = await self._served(user_api_key_dict, data, call_type)
        except ConfigError as error:
            outcome = Outcome("failed", reason="configuration")
            self._complain("configuration", str(error))
        except Exception as error:
            # Its text may hold what a user said.
            outcome = Outcome("failed", reason="error")
            self._complain(type(error).__name__, f"A request was answered without a summary: {type(error).__name__}")
        if outcome is not None:
            note(data, outcome)
        return data

    async def async_post_call_response_headers_hook(
        self,
        data: dict[str, Any],
        user_api_key_dict: Any,
        response: Any,
        request_headers: dict[str, str] | None = None,
        litellm_call_info: dict[str, Any] | None = None,
    ) -> dict[str, str] | None:
        """Say what was done; for a stream too, and for a request that the provider refused."""
        return noted(data)

    async def _served(self, key: Any, data: dict[str, Any], call_type: str) -> Outcome | None:
        given = take_signals(data)
        route = ROUTES.get(call_type)
        if route is None and not given:
            return None
        caller = whose_call(key, user_from_header=_user_comes_from_header())
        if isinstance(caller, str):
            return Outcome("skipped", reason=caller, signals=f"refused {caller}" if given else "")
        signals = await self._stored(caller, given) if given else ""
        if route is None:
            return Outcome("skipped", reason="route", signals=signals)
        try:
            personal = await self._patience.wait_for(
                self._personal(caller),
                f"summaries of {caller.namespace}",
                lambda: self._read(caller),
                failed=lambda personal: personal.status == "failed",
                late=self._failed_behind("A summary that a request did not wait for"),
            )
            popi = await self._client(caller.namespace)
            put_into(
                data,
                route,
                personal.summary,
                placement=popi.config.placement,
                templates=popi.templates,
                mark_cache=bool(personal.summary) and _goes_to_anthropic(data.get("model"), key.team_id),
            )
        except NotWaitedError as error:
            self._complain(error.reason, "A request was answered without a summary, which would have kept it waiting")
            return Outcome("failed", reason=error.reason, signals=signals)
        except (StoreError, SummarizerError) as error:  # with `on_failure="raise"`, which means the app's own calls
            self._complain("failed", f"Answered without a summary: {loggable(error)}")
            return Outcome("failed", reason="unavailable", signals=signals)
        return self._outcome(personal, signals)

    def _outcome(self, personal: Personal, signals: str) -> Outcome:
        reason = {"skipped": "nothing-to-say", "failed": "unavailable"}.get(personal.status, "")
        if personal.warnings:
            self._complain(personal.status, "The summary could not be read or brought up to date; see `popi doctor`")
        return Outcome(personal.status, personal.summary.version, reason, signals)

    async def _stored(self, caller: Caller, given: list[Any]) -> str:
        """Store signals and say what became of them; the request goes on either way."""
        if are_too_large(given):
            return "refused too-large"
        try:
            kept = await self._patience.wait_for(
                self._observed(caller, given),
                f"signals of {caller.namespace}",
                lambda: self._read(caller),
                late=self._failed_behind("Signals that were told to be pending"),
            )
        except SignalError as error:
            return "refused unusable-signal" + ("" if error.index is None else f" {error.index}")
        except NotWaitedError as error:
            return "pending" if error.reason == "timeout" else f"refused {error.reason}"
        except PopiError as error:
            self._complain("signals", f"Signals could not be stored: {loggable(error)}")
            return "refused unavailable"
        return f"stored {len(kept)}"

    async def _observed(self, caller: Caller, given: list[Any]) -> tuple[Signal, ...]:
        return await (await self._client(caller.namespace)).observe(caller.user_id, *given)

    async def _personal(self, caller: Caller) -> Personal:
        return await (await self._client(caller.namespace)).personal(caller.user_id)

    async def _read(self, caller: Caller) -> object:
        """Something that the store alone can answer, without a summarizer."""
        return await (await self._client(caller.namespace)).history(caller.user_id)

    def _failed_behind(self, what: str) -> Callable[[Exception], None]:
        return lambda error: self._complain(what, f"{what} failed: {loggable(error)}")

    async def _client(self, namespace: str) -> AsyncPopi:
        """The client for one tenant; whoever comes first has POPI opened, in a thread, since that takes a while."""
        if self._unusable is not None:
            raise self._unusable.with_traceback(None)  # else each raising would lengthen the one before
        if self._scoped is None:
            self._opening = opening = self._opening or asyncio.ensure_future(asyncio.to_thread(self._opened))
            try:
                popi = await asyncio.shield(opening)
            except Exception as error:
                self._unusable = error if isinstance(error, ConfigError) else None
                self._opening = None if self._opening is opening else self._opening
                raise
            self._scoped = self._scoped or lru_cache(maxsize=MOST_TENANTS)(popi.scoped)
        return self._scoped(namespace)

    def _opened(self) -> AsyncPopi:
        popi = self._open_popi()
        for module in _NEEDED_SOON:
            import_module(module)
        return popi

    def _complain(self, about: str, message: str) -> None:
        now = time.monotonic()
        if now - self._complained.get(about, -QUIET) >= QUIET:
            self._complained[about] = now
            _log.warning("%s", message)


def _user_comes_from_header() -> bool:
    """Whether the proxy takes a key's user from a header that callers set (`user_header_mappings`)."""
    mappings = (_of_the_proxy("general_settings") or {}).get("user_header_mappings")
    return bool(mappings) and "internal_user" in str(mappings).lower()


def _goes_to_anthropic(model: Any, team_id: str | None) -> bool:
    """Whether every deployment that may serve `model` is Anthropic's, whose prompt cache wants marks."""
    router = _of_the_proxy("llm_router")
    if router is None or not isinstance(model, str):
        return False
    deployments = router.get_model_list(model_name=model, team_id=team_id) or ()
    providers = [_provider(deployment.get("litellm_params") or {}) for deployment in deployments]
    return bool(providers) and all(provider == "anthropic" for provider in providers)


def _of_the_proxy(name: str) -> Any:
    """What the running proxy holds under `name`; its module is looked up, since importing it would load a proxy."""
    return getattr(sys.modules.get("litellm.proxy.proxy_server"), name, None)


def _provider(parameters: Any) -> str:
    return str(parameters.get("custom_llm_provider") or str(parameters.get("model")).partition("/")[0])


hook = PopiHook()
