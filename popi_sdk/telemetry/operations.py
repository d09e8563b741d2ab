"""One span from its start to its end; none where the app has set no tracer provider."""

from __future__ import annotations

import logging
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import wraps
from typing import TYPE_CHECKING, Any, ParamSpec, TypeAlias, TypeVar

if TYPE_CHECKING:
    from opentelemetry.trace import Span, Tracer

_log = logging.getLogger("popi_sdk")

Attributes: TypeAlias = Mapping[str, Any]
"""Names of the conventions to text, numbers, truths, or sequences of these; what is None is left out."""
P = ParamSpec("P")
T = TypeVar("T")

SCOPE = "popi_sdk"
"""The instrumentation scope of all spans and metrics."""
_OPERATION = "popi-operation"
"""The key under which the current operation stands in OpenTelemetry's context."""

_tracer: tuple[Any, Tracer] | None = None
"""The provider last seen, and its tracer."""


def harmless(function: Callable[P, T]) -> Callable[P, T | None]:
    """Nothing that goes wrong in telemetry, an exporter or a span processor of the app, may reach a call."""

    @wraps(function)
    def guarded(*args: P.args, **kwargs: P.kwargs) -> T | None:
        try:
            return function(*args, **kwargs)
        except Exception as error:
            _log.debug("OpenTelemetry failed in %s: %s", function.__name__, type(error).__name__)
            return None

    return guarded


def provider_of(module: str, getter: str) -> Any | None:
    """The provider that the app has set; None before, when the API hands out one of its own that does nothing."""
    loaded = sys.modules.get(module)
    get = getattr(loaded, getter, None)
    provider = get() if get else None
    return None if provider is None or type(provider).__module__.startswith(module) else provider


@harmless
def tracer() -> Tracer | None:
    """Where spans start; None where nobody records any."""
    global _tracer
    provider = provider_of("opentelemetry.trace", "get_tracer_provider")
    if provider is None:
        return None
    if _tracer is None or _tracer[0] is not provider:
        from popi_sdk import __version__

        _tracer = provider, provider.get_tracer(SCOPE, __version__)
    return _tracer[1]


class Operation:
    """A span that is under way; without one, all of this does nothing."""

    __slots__ = ("ended", "span")

    def __init__(self, name: str, attributes: Attributes, *, client: bool = False) -> None:
        self.ended = False
        self.span = _started(name, attributes, client)

    @harmless
    def describe(self, attributes: Attributes) -> None:
        """Add what has become known."""
        if self.span is not None and not self.ended:
            self.span.set_attributes(_known(attributes))

    @harmless
    def end(self, error: BaseException | None = None) -> None:
        """End it, once; an error is told by its type alone, for its message may hold a user's words."""
        if self.ended:
            return
        self.ended = True
        if self.span is None:
            return
        try:
            if error is not None:
                from opentelemetry.trace import Status, StatusCode

                self.span.set_attribute("error.type", type(error).__name__)
                self.span.set_status(Status(StatusCode.ERROR))
        finally:
            self.span.end()

    @contextmanager
    def current(self) -> Iterator[None]:
        """What begins in the block is a child of this one; an error ends it, everything else leaves it open."""
        token = self._enter()
        try:
            yield
        except BaseException as error:
            self.end(error)
            raise
        finally:
            _leave(token)

    @harmless
    def _enter(self) -> Any | None:
        if self.span is None:
            return None
        from opentelemetry import context, trace

        return context.attach(context.set_value(_OPERATION, self, trace.set_span_in_context(self.span)))


@contextmanager
def outside_of_all() -> Iterator[None]:
    """What begins in the block is a trace of its own, as on a thread that has just started."""
    token = _enter_nothing()
    try:
        yield
    finally:
        _leave(token)


@harmless
def _enter_nothing() -> Any | None:
    if tracer() is None:
        return None
    from opentelemetry import context

    return context.attach(context.Context())


@harmless
def current_operation() -> Operation | None:
    """The innermost operation around this point."""
    context = sys.modules.get("opentelemetry.context")
    found = context.get_value(_OPERATION) if context else None
    return found if isinstance(found, Operation) else None


@harmless
def _started(name: str, attributes: Attributes, client: bool) -> Span | None:
    source = tracer()
    if source is None:
        return None
    from opentelemetry.trace import SpanKind

    kind = SpanKind.CLIENT if client else SpanKind.INTERNAL
    return source.start_span(name, kind=kind, attributes=_known(attributes))


@harmless
def _leave(token: Any | None) -> None:
    if token is not None:
        from opentelemetry import context

        context.detach(token)


def _known(attributes: Attributes) -> dict[str, Any]:
    return {name: value for name, value in attributes.items() if value is not None}
