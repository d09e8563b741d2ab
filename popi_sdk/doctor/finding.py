"""What a check of the doctor finds."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

State = Literal["ok", "warning", "problem"]


@dataclass(frozen=True, slots=True)
class Check:
    """One finding."""

    what: str
    """What was looked at."""
    state: State
    finding: str
    advice: str = ""
    """What to do; empty when all is well."""
    details: tuple[tuple[str, str], ...] = ()
