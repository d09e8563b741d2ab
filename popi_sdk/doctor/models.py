"""Can the models be called? Keys are looked for, own servers connected to; no model is asked anything."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from urllib.parse import urlsplit

from popi_sdk.backend.model_spec import ModelSpec
from popi_sdk.backend.provider_keys import Access, access, litellm_installed
from popi_sdk.config import Config
from popi_sdk.doctor.finding import Check

INSTALL_LITELLM = 'pip install --upgrade "popi-sdk[litellm]"'
_CONNECT_SECONDS = 1.0


def check_models(config: Config) -> Iterator[Check]:
    """The model and its fallbacks: keys there or missing, own servers reachable; one that works is enough."""
    found = [(model, access_problem(access(model))) for model in config.models]
    works = any(not problem for _, problem in found)
    for place, (model, problem) in enumerate(found):
        what = f"model {model.name}" if place == 0 else f"fallback {model.name}"
        if problem:
            yield Check(what, "warning" if works else "problem", *problem)
        else:
            yield Check(what, "ok", with_what(access(model)))


def access_problem(found: Access) -> tuple[str, str] | None:
    """Why a model cannot be called and what to do about it; None when it can."""
    if not litellm_installed():
        return "cannot be called: LiteLLM is not installed", f"Run: {INSTALL_LITELLM}"
    if found.missing:
        names = " and ".join(found.missing)
        return f"no key: {names} not set", f"Set {names}, or `api_base` for a server of your own."
    if found.address and (reason := _unreachable(found.address)):
        return f"nothing answers at {public(found.address)}: {reason}", "Start the server, or correct `api_base`."
    return None


def with_what(found: Access) -> str:
    """What a model is called with, by the names of variables only."""
    keys = f"{' and '.join(found.variables)} set" if found.variables else "no key needed or known"
    return f"{keys}; {public(found.address)} accepts connections" if found.address else keys


def _unreachable(address: str) -> str:
    """Why no connection to the address can be made; empty when one can."""
    try:
        parts = urlsplit(address)
        port = parts.port or (443 if parts.scheme == "https" else 80)
        socket.create_connection((parts.hostname or "", port), timeout=_CONNECT_SECONDS).close()
    except (OSError, ValueError) as error:  # ValueError: a port that is no number, a host name that cannot be one
        return getattr(error, "strerror", None) or ("no answer" if isinstance(error, TimeoutError) else "wrong address")
    return ""


def shown_model(model: ModelSpec) -> str:
    """A model as it may be printed: without headers, and of its key the variable alone."""
    at = f" at {public(model.api_base)}" if model.api_base else ""
    key = f", key in {model.api_key_env}" if model.api_key_env else ""
    as_trained = f", as exported to {exported}" if (exported := getattr(model, "exported", None)) else ""
    return f"{model.name}{at}{key}{as_trained}"


def public(address: str) -> str:
    """An address without user, password and query."""
    try:
        parts = urlsplit(address)
    except ValueError:
        return "an address that cannot be read"
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}"
