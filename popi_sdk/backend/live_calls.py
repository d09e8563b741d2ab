"""The switch that makes forgotten live calls fail in tests; asked by the backend before anything is sent.

Set by `popi_sdk.testing.no_live_calls`, or for a whole test suite and the processes it starts with the variable
`POPI_NO_LIVE_CALLS=1`.
"""

from __future__ import annotations

import ipaddress
import os
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

VARIABLE = "POPI_NO_LIVE_CALLS"


class LiveCallError(AssertionError):
    """A call that would have left this machine while live calls are switched off; `model` names whom it was for.

    It is no PopiError, so that neither `fallbacks` nor an app's own `except PopiError` hides it from the test.
    """

    def __init__(self, model: str) -> None:
        super().__init__(
            f"A call to {model} would have left this machine, and {VARIABLE} forbids that. Give the client "
            "`backend=FakeBackend()`, use `popi_sdk.testing.use()`, or point `api_base` at a loopback address."
        )
        self.model = model


def check_live_call(request: Mapping[str, Any]) -> None:
    """Let a request pass when live calls are allowed, or when it stays on this machine.

    It does with LiteLLM's `mock_response`, or with a loopback address in `api_base` or `base_url`.

    Raises:
        LiveCallError: it would leave this machine.
    """
    if os.environ.get(VARIABLE, "").lower() in ("", "0", "false", "no"):
        return
    if request.get("mock_response") is not None:
        return
    addresses = [request[name] for name in ("api_base", "base_url") if request.get(name)]
    if not addresses or not all(map(_is_loopback, addresses)):
        raise LiveCallError(str(request["model"]))


def _is_loopback(address: object) -> bool:
    try:
        host = urlsplit(str(address)).hostname or ""
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
