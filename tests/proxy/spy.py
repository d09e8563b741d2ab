"""A logging callback that writes down all it is told; the proxy loads it from beside its configuration."""
# ruff: noqa: TID253 - vendors' packages are what is tested here

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from litellm.integrations.custom_logger import CustomLogger


class Spy(CustomLogger):
    async def async_log_success_event(self, kwargs: Any, response_obj: Any, start_time: Any, end_time: Any) -> None:
        _note("success", kwargs)

    async def async_log_failure_event(self, kwargs: Any, response_obj: Any, start_time: Any, end_time: Any) -> None:
        _note("failure", kwargs)


def _note(what: str, told: Any) -> None:
    with Path(os.environ["SPY_FILE"]).open("a") as file:
        file.write(f"{what} {told!r}\n")


hook = Spy()
