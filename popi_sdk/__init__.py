"""POPI: learn how each user likes to be answered, say it in a few dozen tokens, put it in front of any LLM.

    import popi_sdk

    reply = popi_sdk.personalize("Why is the sky blue?", ["Short answers, please."], model="openai/gpt-4o-mini")
    print(reply.text, reply.summary, reply.status)

Names are loaded on first use, so that importing the package costs an app next to nothing.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from popi_sdk.api import apersonalize, astream, compose, personalize, stream, summarize
    from popi_sdk.async_client import AsyncPopi
    from popi_sdk.backend.completion import Usage
    from popi_sdk.backend.model_spec import ModelSpec
    from popi_sdk.client import Popi
    from popi_sdk.config import Config
    from popi_sdk.errors import (
        AuthError,
        BackendError,
        BackendTimeoutError,
        ConfigError,
        ContextWindowError,
        IncompatibleSummarizerError,
        MissingExtraError,
        PopiError,
        RateLimitError,
        SignalError,
        StoreError,
        SummarizerError,
    )
    from popi_sdk.intake import coerce as signals_from
    from popi_sdk.intake import load as load_signals
    from popi_sdk.reply import Context, Reply
    from popi_sdk.signals import (
        Conversation,
        Demonstration,
        Edit,
        Persona,
        PreferencePair,
        Rating,
        Signal,
        Statement,
    )
    from popi_sdk.store import Profile
    from popi_sdk.streams import AsyncReplyStream, ReplyStream
    from popi_sdk.summarizers import Summarizer
    from popi_sdk.summary import Clause, Summary

__version__ = "0.1.0"

__all__ = [
    "AsyncPopi",
    "AsyncReplyStream",
    "AuthError",
    "BackendError",
    "BackendTimeoutError",
    "Clause",
    "Config",
    "ConfigError",
    "Context",
    "ContextWindowError",
    "Conversation",
    "Demonstration",
    "Edit",
    "IncompatibleSummarizerError",
    "MissingExtraError",
    "ModelSpec",
    "Persona",
    "Popi",
    "PopiError",
    "PreferencePair",
    "Profile",
    "RateLimitError",
    "Rating",
    "Reply",
    "ReplyStream",
    "Signal",
    "SignalError",
    "Statement",
    "StoreError",
    "Summarizer",
    "SummarizerError",
    "Summary",
    "Usage",
    "__version__",
    "apersonalize",
    "astream",
    "compose",
    "load_signals",
    "personalize",
    "signals_from",
    "stream",
    "summarize",
]

_MODULES = {
    "api": ("apersonalize", "astream", "compose", "personalize", "stream", "summarize"),
    "async_client": ("AsyncPopi",),
    "client": ("Popi",),
    "backend.completion": ("Usage",),
    "config": ("Config",),
    "errors": (
        "AuthError",
        "BackendError",
        "BackendTimeoutError",
        "ConfigError",
        "ContextWindowError",
        "IncompatibleSummarizerError",
        "MissingExtraError",
        "PopiError",
        "RateLimitError",
        "SignalError",
        "StoreError",
        "SummarizerError",
    ),
    "backend.model_spec": ("ModelSpec",),
    "reply": ("Context", "Reply"),
    "signals": (
        "Conversation",
        "Demonstration",
        "Edit",
        "Persona",
        "PreferencePair",
        "Rating",
        "Signal",
        "Statement",
    ),
    "store": ("Profile",),
    "streams": ("AsyncReplyStream", "ReplyStream"),
    "summarizers": ("Summarizer",),
    "summary": ("Clause", "Summary"),
}
_HOME = {name: (module, name) for module, names in _MODULES.items() for name in names}
_HOME |= {"load_signals": ("intake", "load"), "signals_from": ("intake", "coerce")}


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    module, attribute = _HOME[name]
    value = getattr(importlib.import_module(f"{__name__}.{module}"), attribute)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return __all__
