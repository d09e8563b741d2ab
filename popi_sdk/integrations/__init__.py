"""POPI inside clients and gateways that an app already has: it changes their requests, they send them.

`popi.wrap(client)` takes the clients of `openai`, `anthropic` and `mistralai` and gives one of the same type back.
`bodies.py` is the one place that knows where a summary stands in a request of each protocol.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from popi_sdk.errors import ConfigError

if TYPE_CHECKING:
    from popi_sdk.async_client import AsyncPopi
    from popi_sdk.client import Popi

_MODULE_OF = {"openai": "openai", "anthropic": "anthropic", "mistralai": "mistral"}


def wrap(client: Any, popi: Popi | AsyncPopi) -> Any:
    """A client of the same type as `client`; `.for_user(user_id)` of it sends requests with that user's summary.

    `client` itself stays as it is; both share its connections, so closing one closes both. Wrapping a wrapped client
    replaces what was bound to it, its user included.

    Raises:
        ConfigError: the client is none that can be wrapped, or it is not async and `popi` is.
    """
    for package in dict.fromkeys(base.__module__.partition(".")[0] for base in type(client).__mro__):
        if package in _MODULE_OF:
            try:
                module = import_module(f"{__name__}.{_MODULE_OF[package]}")
            except ImportError as error:
                raise ConfigError(
                    f"The clients of the installed version of `{package}` cannot be wrapped",
                    hint=f"Run: pip install --upgrade {package}",
                ) from error
            wrapped = module.wrap(client, popi)
            if wrapped is not None:
                return wrapped
    raise ConfigError(
        f"A {type(client).__name__} cannot be wrapped",
        hint="There are: OpenAI, AsyncOpenAI, Anthropic, AsyncAnthropic and their subclasses, and Mistral.",
    )
