"""Everything that can go wrong, as one tree.

PopiError
├── ConfigError                     a wrong argument, key or file; raised before any request
│   └── MissingExtraError           an optional package is not installed; names the pip line
├── SignalError                     a signal, a user id or a person's own words that cannot be taken
├── SummarizerError                 no summary could be written
│   └── IncompatibleSummarizerError a summarizer made for another version of the renderer
├── StoreError                      signals or summaries could not be read or written
└── BackendError                    the model provider failed
    ├── AuthError                   no key, a wrong key, or no right to use the model
    ├── RateLimitError              too many requests; `retry_after` says when to come back
    ├── BackendTimeoutError         no answer within `timeout`
    └── ContextWindowError          the request is longer than the model can read
"""

from __future__ import annotations


class PopiError(Exception):
    """Anything POPI raises; `hint` says what to do next and `retryable` whether trying again may help.

    >>> str(PopiError("The store is locked.", hint="Close the other process."))
    'The store is locked. Close the other process.'
    """

    def __init__(self, message: str, *, hint: str = "", retryable: bool = False) -> None:
        super().__init__(f"{message.removesuffix('.')}. {hint}" if hint else message)
        self.message = message
        self.hint = hint
        self.retryable = retryable


def loggable(error: BaseException) -> str:
    """What a log may say of an error: the message of one that tells of settings or machines, else types alone.

    A summarizer's own message, or that of somebody else's exception, may hold what a user said.

    >>> loggable(SummarizerError("no idea what 'I live in Turin' means")), loggable(StoreError("The disk is full."))
    ('SummarizerError', 'The disk is full.')
    """
    if isinstance(error, ConfigError | StoreError | BackendError):
        return str(error)
    return type(error).__name__ + (f" ({loggable(error.__cause__)})" if error.__cause__ else "")


class ConfigError(PopiError, ValueError):
    """A wrong argument, configuration key or file."""


class MissingExtraError(ConfigError, ImportError):
    """An optional package is needed and not installed."""

    def __init__(self, package: str, extra: str) -> None:
        super().__init__(
            f"This needs the package `{package}`, which is not installed.",
            hint=f'Run: pip install "popi-sdk[{extra}]"',
        )
        self.package = package
        self.extra = extra


class SignalError(PopiError, ValueError):
    """A signal that cannot be taken; `index` is its place in the input and `field` the part at fault."""

    def __init__(self, message: str, *, index: int | None = None, field: str | None = None, hint: str = "") -> None:
        place = [] if index is None else [f"signal {index}"]
        if field is not None:
            place.append(f"`{field}`")
        super().__init__(f"{', '.join(place)}: {message}" if place else message, hint=hint)
        self.reason = message
        self.index = index
        self.field = field


class SummarizerError(PopiError):
    """No summary could be written."""


class IncompatibleSummarizerError(SummarizerError):
    """A summarizer was made for another version of the renderer than this one."""


class StoreError(PopiError):
    """Signals or summaries could not be read or written."""


class BackendError(PopiError):
    """The model provider failed; `model` names it and `status_code` is what it answered, if it did."""

    def __init__(
        self,
        message: str,
        *,
        model: str = "",
        status_code: int | None = None,
        hint: str = "",
        retryable: bool = False,
    ) -> None:
        super().__init__(message, hint=hint, retryable=retryable)
        self.model = model
        self.status_code = status_code


class AuthError(BackendError):
    """No key, a wrong key, or no right to use the model."""


class RateLimitError(BackendError):
    """Too many requests; `retry_after` is the number of seconds the provider asks to wait, if it said so."""

    def __init__(
        self,
        message: str,
        *,
        model: str = "",
        status_code: int | None = 429,
        hint: str = "",
        retryable: bool = True,
        retry_after: float | None = None,
    ) -> None:
        super().__init__(message, model=model, status_code=status_code, hint=hint, retryable=retryable)
        self.retry_after = retry_after


class BackendTimeoutError(BackendError):
    """No answer within `timeout` seconds."""


class ContextWindowError(BackendError):
    """The request is longer than the model can read."""
