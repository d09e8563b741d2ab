"""Calling `popi` in this process and in one of its own, and what the tests give it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from typer.testing import Result

Run = Callable[..., Result]

PAIRS = [
    {
        "prompt": f"Tell me about city number {number}.",
        "chosen": f"City {number} is small and old. It lies by a river.",
        "rejected": f"City {number} has a long story. "
        + "There is so much more to say about every one of its streets. " * 12,
    }
    for number in range(12)
]
SIGNALS = ["Use bullet points.", *PAIRS]


def in_a_process(*args: str, **rest: Any) -> subprocess.CompletedProcess[bytes]:
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parent.parent.parent), **rest.pop("env", {})}
    command = [sys.executable, "-m", "popi_sdk", *args]
    return subprocess.run(command, env=environment, capture_output=True, timeout=60, check=False, **rest)


def data(result: Result) -> dict[str, Any]:
    """The one JSON object on standard output."""
    found = json.loads(result.stdout)
    assert isinstance(found, dict)
    return found
