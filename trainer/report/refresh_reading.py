"""A refresh's folder as frozen data: its decision, both evaluations, its outcome, and figures over its steps."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from popi_sdk.errors import SignalError
from trainer.refresh.decision_file import DECISION, Decided, damaged, read_decision
from trainer.refresh.directory import Outcome, RefreshDirectory
from trainer.report.reading import Measured, Series, measured_from, read_metrics


@dataclass(frozen=True, slots=True)
class RefreshRead:
    """Everything a page about a refresh is made of."""

    folder: Path
    decided: Decided
    outcome: Outcome | None
    """None until the refresh has ended."""
    held_out: Measured
    trusted: Measured
    steps: Mapping[str, Series]
    """Figures of joint steps; none where it took none, or its run was removed."""
    looks: Mapping[str, Series]


def is_refresh(place: Path) -> bool:
    """Whether a folder is that of a refresh which has come to its decision."""
    return (place / DECISION).is_file()


def read_refresh(place: Path) -> RefreshRead:
    """Read what a refresh left.

    Raises:
        ConfigError: there is no decision, or a file is damaged.
    """
    decided, directory = read_decision(place), RefreshDirectory(place)
    file = place / DECISION
    try:
        held_out = measured_from(decided.held_out, f"held_out in {file}")
        trusted = measured_from(decided.trusted, f"trusted in {file}")
        for measured in (held_out, trusted):
            if measured.context("trained") is None or measured.context("before") is None:
                raise KeyError("before")
    except (ValueError, KeyError, TypeError, AttributeError, SignalError) as error:
        raise damaged(file, error) from error
    steps, looks = read_metrics(directory.run.metrics)
    return RefreshRead(place, decided, directory.outcome(), held_out, trusted, steps, looks)
