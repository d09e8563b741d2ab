"""What a refresh leaves about its decision, `decision.json`: enough to look at it later without any model.

    decision   promoted or not, the reasons, and every difference with its interval, see `gate.py`
    parent     number of the version in service that old summaries come from
    step       joint steps of the run that new summaries come from
    gathered   facts of the data: counts of users and pairs, since when
    held_out   the evaluation on held-out users, in the form of `trainer.evaluation_file`
    trusted    the same on the trusted set

The first ten examples of both hold their texts, so the file is to be kept as the data are. All examples are taken out
when the next refresh begins.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from popi_sdk.errors import ConfigError
from trainer.evaluate import Evaluation
from trainer.evaluation_file import evaluation_record
from trainer.intervals import Interval
from trainer.refresh.gate import Decision, Slice
from trainer.whole import drop_folder, write_whole

DECISION = "decision.json"
POPULATIONS = ("held_out", "trusted")


@dataclass(frozen=True, slots=True)
class Decided:
    """What `decision.json` holds."""

    decision: Decision
    parent: int | None
    step: int
    gathered: Mapping[str, Any]
    held_out: Mapping[str, Any]
    """As `trainer.evaluation_file` describes it."""
    trusted: Mapping[str, Any]


def write_decision(
    folder: Path,
    decision: Decision,
    held_out: Evaluation,
    trusted: Evaluation,
    *,
    gathered: Mapping[str, Any],
    parent: int | None,
    step: int,
) -> None:
    """Write `decision.json` into a refresh's folder, instead of the one before.

    Raises:
        CheckpointError: the disk is full or cannot be written; the former file is as it was.
    """
    record = {
        "decision": decision.as_json(),
        "parent": parent,
        "step": step,
        "gathered": dict(gathered),
        "held_out": evaluation_record(step, held_out),
        "trusted": evaluation_record(step, trusted),
    }
    write_whole(folder / DECISION, json.dumps(record, allow_nan=False) + "\n")


def read_decision(folder: Path) -> Decided:
    """Read a refresh's `decision.json`.

    Raises:
        ConfigError: there is none, or it is damaged.
    """
    file = folder / DECISION
    try:
        record = json.loads(file.read_text("utf-8"))
        return Decided(
            decision=_decision(record["decision"]),
            parent=record["parent"],
            step=record["step"],
            gathered=dict(record["gathered"]),
            held_out=dict(record["held_out"]),
            trusted=dict(record["trusted"]),
        )
    except FileNotFoundError as error:
        raise ConfigError(
            f"{folder} holds no {DECISION}", hint="Give the folder of a refresh that has come to its decision."
        ) from error
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise damaged(file, error) from error


def drop_people(folder: Path) -> None:
    """Take out of `decision.json` all that is about single people, and remove the page that shows them.

    Raises:
        ConfigError: the file is damaged.
        CheckpointError: the disk is full or cannot be written; the former file is as it was.
    """
    read_decision(folder)
    file = folder / DECISION
    record = json.loads(file.read_text("utf-8"))
    if any(record[population]["examples"] for population in POPULATIONS):
        for population in POPULATIONS:
            record[population]["examples"] = []
        write_whole(file, json.dumps(record, allow_nan=False) + "\n")
    drop_folder(folder / "report")
    (folder / "run" / "summaries.md").unlink(missing_ok=True)


def damaged(file: Path, error: Exception) -> ConfigError:
    """The error that says so."""
    return ConfigError(
        f"{file} cannot be read: {type(error).__name__}",
        hint="Put it aside and run `popi-train refresh` again: it compares old and new anew.",
    )


def _decision(record: Mapping[str, Any]) -> Decision:
    promoted = record["promoted"]
    if not isinstance(promoted, bool):
        raise TypeError("promoted")
    return Decision(
        promoted=promoted,
        reasons=tuple(str(reason) for reason in record["reasons"]),
        confidence=float(record["confidence"]),
        overall=_interval(record["overall"]),
        trusted=_interval(record["trusted"]),
        own=_interval(record["own"]),
        slices=tuple(_slice(one) for one in record["slices"]),
    )


def _slice(record: Mapping[str, Any]) -> Slice:
    return Slice(
        population=record["population"],
        name=str(record["name"]),
        value=str(record["value"]),
        users=int(record["users"]),
        pairs=int(record["pairs"]),
        difference=_interval(record),
        verdict=record["verdict"],
    )


def _interval(record: Mapping[str, Any]) -> Interval:
    mean, low, high = (math.nan if record[key] is None else float(record[key]) for key in ("difference", "low", "high"))
    return Interval(mean, low, high)
