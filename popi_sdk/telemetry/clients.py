"""What the clients put around their methods: one line each, the same for functions and coroutines."""

from __future__ import annotations

import hashlib
import inspect
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import wraps
from typing import Any, ParamSpec, TypeVar, cast

from popi_sdk.backend.completion import Completion
from popi_sdk.errors import StoreError, SummarizerError
from popi_sdk.reply import Personal
from popi_sdk.store import Profile
from popi_sdk.streams import Opened
from popi_sdk.summary import Summary
from popi_sdk.telemetry import content
from popi_sdk.telemetry.chats import Watched
from popi_sdk.telemetry.metrics import instruments
from popi_sdk.telemetry.operations import Operation, current_operation, harmless, outside_of_all, tracer

P = ParamSpec("P")
R = TypeVar("R")
F = TypeVar("F", bound=Callable[..., Any])

_USUAL_NAMESPACE = "default"
_HASH_CHARACTERS = 16


def call(name: str) -> Callable[[F], F]:
    """A span `popi.name` around a method that answers; what is known of its user is told by `told`."""

    def finish(operation: Operation, result: Any) -> Any:
        if isinstance(result, Summary):
            operation.describe(_of_summary(result))
        operation.end()
        return result

    return _around(lambda *_: Operation(f"popi.{name}", {}), finish)


def opening(function: F) -> F:
    """A span `popi.stream` from the opening of a stream to its end, by which it was read, failed or was dropped."""

    def finish(operation: Operation, opened: Opened[Any]) -> Opened[Any]:
        def ended(completion: Completion | None, error: BaseException | None) -> None:
            if completion is None and error is None:
                operation.describe({"popi.stream.dropped": True})
            operation.end(error)

        return replace(opened, chunks=Watched(opened.chunks, ended))

    return _around(lambda *_: Operation("popi.stream", {}), finish)(function)


def memory(operation_name: str) -> Callable[[F], F]:
    """A span of the conventions' memory operations around a method that reads or writes the store."""

    def decorate(function: F) -> F:
        parameters = list(inspect.signature(function).parameters)

        def begin(arguments: tuple[Any, ...], named: Mapping[str, Any]) -> Operation:
            attributes = {
                "gen_ai.operation.name": operation_name,
                "gen_ai.memory.store.id": _store_id(arguments[0].config.namespace),
                "enduser.id": _user({**dict(zip(parameters, arguments, strict=False)), **named}),
            }
            return Operation(operation_name, attributes)

        def finish(operation: Operation, result: Any) -> Any:
            operation.describe(harmless(_of_records)(operation_name, result) or {})
            operation.end()
            return result

        return _around(begin, finish)(function)

    return decorate


def told(function: F) -> F:
    """Around the one method that finds a call's summary and status: they are told of the call's span, and counted."""

    def finish(client: Any, user_id: str | None, result: Personal | BaseException) -> None:
        operation = current_operation()
        personal = result if isinstance(result, Personal) else None
        if operation is not None:
            operation.describe(
                {
                    **(_of_personal(personal) if personal else {"popi.status": "failed"}),
                    "gen_ai.memory.store.id": None if user_id is None else _store_id(client.config.namespace),
                    "enduser.id": _user({"user_id": user_id}),
                }
            )
        if (meters := instruments()) is not None:
            meters.calls.add(1, {"popi.status": personal.status if personal else "failed"})
            if personal and personal.summary:
                meters.summary_tokens.record(personal.summary.tokens)

    finish_safely = harmless(finish)
    if inspect.iscoroutinefunction(function):

        @wraps(function)
        async def awaited(client: Any, user_id: str | None, *rest: Any) -> Any:
            try:
                personal = await function(client, user_id, *rest)
            except (SummarizerError, StoreError) as error:
                finish_safely(client, user_id, error)
                raise
            finish_safely(client, user_id, personal)
            return personal

        return cast("F", awaited)

    @wraps(function)
    def direct(client: Any, user_id: str | None, *rest: Any) -> Any:
        try:
            personal = function(client, user_id, *rest)
        except (SummarizerError, StoreError) as error:
            finish_safely(client, user_id, error)
            raise
        finish_safely(client, user_id, personal)
        return personal

    return cast("F", direct)


def apart(function: F) -> F:
    """Around work that a task does behind the calls: it is no part of the call that asked, which may be long over."""

    @wraps(function)
    async def awaited(*arguments: Any) -> Any:
        with outside_of_all():
            return await function(*arguments)

    return cast("F", awaited)


@harmless
def redacted(counts: Mapping[str, int]) -> None:
    """Count what was just taken out of signals or a summary, by kind."""
    if counts and (meters := instruments()) is not None:
        for kind, count in counts.items():
            meters.redactions.add(count, {"popi.redaction.kind": kind})


def _around(
    begin: Callable[[tuple[Any, ...], Mapping[str, Any]], Operation], finish: Callable[[Operation, Any], Any]
) -> Callable[[F], F]:
    """A decorator: `begin` an operation from the arguments, run the function in it, let `finish` see the result."""

    def decorate(function: F) -> F:
        if inspect.iscoroutinefunction(function):

            @wraps(function)
            async def awaited(*arguments: Any, **named: Any) -> Any:
                if tracer() is None:
                    return await function(*arguments, **named)
                operation = begin(arguments, named)
                with operation.current():
                    return finish(operation, await function(*arguments, **named))

            return cast("F", awaited)

        @wraps(function)
        def direct(*arguments: Any, **named: Any) -> Any:
            if tracer() is None:
                return function(*arguments, **named)
            operation = begin(arguments, named)
            with operation.current():
                return finish(operation, function(*arguments, **named))

        return cast("F", direct)

    return decorate


def _store_id(namespace: str) -> str:
    """A namespace may be a person's name or address, as behind a proxy, so it is told as a hash unless words are."""
    if namespace == _USUAL_NAMESPACE or content.asked_for():
        return namespace
    return hashlib.sha256(namespace.encode("utf-8", "surrogatepass")).hexdigest()[:_HASH_CHARACTERS]


def _user(arguments: Mapping[str, Any]) -> str | None:
    """Whom it is about; a name is personal data, so it is told only when words are."""
    if not content.asked_for():
        return None
    profile = arguments.get("profile")
    user_id = profile.user_id if isinstance(profile, Profile) else arguments.get("user_id")
    return user_id if isinstance(user_id, str) else None


def _of_records(operation_name: str, result: Any) -> dict[str, Any]:
    """How many records an operation touched; of a summary also its length and, when asked for, its words."""
    if isinstance(result, Profile | Summary):
        summary = result.summary if isinstance(result, Profile) else result
        found = 1 if summary or operation_name != "search_memory" else 0
        return {
            "gen_ai.memory.record.count": found,
            "gen_ai.memory.records": content.records(summary),
            **_of_summary(summary),
        }
    if isinstance(result, tuple):
        return {"gen_ai.memory.record.count": len(result)}
    return {"gen_ai.memory.record.count": result} if isinstance(result, int) else {}


def _of_summary(summary: Summary) -> dict[str, Any]:
    return {
        "popi.summarizer": summary.model or None,
        "popi.summary.version": summary.version,
        "popi.summary.tokens": summary.tokens,
        "popi.raw_tokens": summary.raw_tokens,
    }


def _of_personal(personal: Personal) -> dict[str, Any]:
    return {
        "popi.status": personal.status,
        "popi.redactions": sum(personal.redactions.values()),
        **_of_summary(personal.summary),
    }
