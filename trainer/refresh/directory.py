"""A refresh's directory, which explains itself: every file's place is named here and nowhere else.

versions/
    0001/ ... current ...       see `trainer.versions`
    trusted.jsonl               what no refresh trains on, see `trusted.py`
    refreshes/0001/
        plan.json               from which version, of which store, since and until when
        data/                   what was gathered, see `gather.py`; removed at the end
        run/                    a run like any other, see `trainer.run_directory`
        exported/               its summarizer; removed once it is a version
        decision.json           old against new, and what the gate says, see `decision_file.py`
        outcome.json            the last file: what has become of it
        report/                 what `popi-train report` makes of it
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError

from popi_sdk.errors import ConfigError
from trainer.run_directory import RunDirectory
from trainer.whole import drop_folder, write_whole

REFRESHES = "refreshes"


class Plan(BaseModel):
    """What a refresh is about; written first, and the same after any interruption."""

    model_config = ConfigDict(frozen=True, use_attribute_docstrings=True)

    parent: int
    """The version it goes on from."""
    run: Path
    """The run that version was exported from."""
    first_run: Path
    """The run of the first version: its data are replayed, and its generator judges on the trusted set."""
    store: str
    """The store, without password and folder."""
    store_id: str
    """See `trainer.datasets.stored.identity`."""
    namespace: str
    since: datetime | None
    """Signals shown from then on are new; None where all are."""
    until: datetime
    """Signals shown from then on belong to the next refresh."""


class Outcome(BaseModel):
    """What has become of a refresh."""

    model_config = ConfigDict(frozen=True, use_attribute_docstrings=True)

    version: int | None
    """The version it put in service; None where it did not."""
    reasons: tuple[str, ...]


M = TypeVar("M", bound=BaseModel)


@dataclass(frozen=True, slots=True)
class RefreshDirectory:
    """Where the files of one refresh are."""

    path: Path

    @property
    def number(self) -> int:
        """From 1."""
        return int(self.path.name)

    @property
    def data(self) -> Path:
        """What was gathered."""
        return self.path / "data"

    @property
    def run(self) -> RunDirectory:
        """What was learned."""
        return RunDirectory(self.path / "run")

    @property
    def exported(self) -> Path:
        """The new summarizer."""
        return self.path / "exported"

    def plan(self) -> Plan | None:
        """What it is about; None before that was decided."""
        return _read(self.path / "plan.json", Plan)

    def outcome(self) -> Outcome | None:
        """What has become of it; None until it has ended."""
        return _read(self.path / "outcome.json", Outcome)

    def begin(self, plan: Plan) -> None:
        """Write the plan.

        Raises:
            CheckpointError: the disk is full or cannot be written.
        """
        self.path.mkdir(parents=True, exist_ok=True)
        write_whole(self.path / "plan.json", plan.model_dump_json(indent=1) + "\n")

    def end(self, outcome: Outcome) -> None:
        """Write the outcome.

        Raises:
            CheckpointError: the disk is full or cannot be written.
        """
        write_whole(self.path / "outcome.json", outcome.model_dump_json(indent=1) + "\n")

    def tidy(self) -> None:
        """Remove what is not needed any more, once it has ended: what users said, and a second copy of the weights."""
        if self.outcome() is not None:
            drop_folder(self.data)
            drop_folder(self.exported)


def refreshes(home: Path) -> list[RefreshDirectory]:
    """All refreshes of a directory of versions, by their number."""
    names = (path for path in (home / REFRESHES).glob("[0-9]*") if path.name.isdecimal())
    return sorted(map(RefreshDirectory, names), key=lambda one: one.number)


def next_refresh(home: Path) -> RefreshDirectory:
    """The one that has not ended, else a new one."""
    there = refreshes(home)
    if there and there[-1].outcome() is None:
        return there[-1]
    return RefreshDirectory(home / REFRESHES / f"{(there[-1].number if there else 0) + 1:04d}")


def _read(file: Path, kind: type[M]) -> M | None:
    if not file.exists():
        return None
    try:
        return kind.model_validate_json(file.read_bytes())
    except (OSError, ValidationError) as error:
        raise ConfigError(
            f"{file} is damaged", hint=f"Remove {file.parent}: the next refresh begins anew, and nothing is lost."
        ) from error
