"""Which models a server says that it serves, for `doctor`; nothing but their list is asked for."""

from __future__ import annotations

import os
from typing import Any

from popi_sdk.backend.model_spec import ModelSpec

_SECONDS = 5.0
_MOST_NAMES, _LONGEST_NAME = 8, 80
"""What is shown of a list that somebody else wrote."""


def served_models(model: ModelSpec, address: str) -> tuple[str, ...]:
    """The names that the server of `model` at `address` lists; none where it does not say.

    It is sent the key that a call would be sent, and no redirection is followed with it.
    """
    import httpx  # comes with LiteLLM, without which no server is called

    key = model.api_key() or os.environ.get(f"{model.provider.upper()}_API_KEY", "").strip()
    headers = {**({"authorization": f"Bearer {key}"} if key else {}), **(model.extra_headers or {})}
    try:
        answer = httpx.get(f"{address.rstrip('/')}/models", headers=headers, timeout=_SECONDS)
        listed = answer.json()["data"] if answer.status_code == 200 else []
        return tuple(_shown(one["id"]) for one in listed[:_MOST_NAMES])
    except (httpx.HTTPError, httpx.InvalidURL, ValueError, KeyError, TypeError):  # no list, or none that can be read
        return ()


def _shown(name: Any) -> str:
    return "".join(filter(str.isprintable, str(name)[:_LONGEST_NAME]))
