"""A run's directory, which explains itself: every file's place is named here and nowhere else.

README.md           what this directory is
config.toml         the resolved configuration
data/               train.jsonl, validation.jsonl, test.jsonl of a simulated world
base/               the model made here, when `model.base` is "scratch"
start/              the learners after the warm start: anchor and reference
reference.jsonl     the reference's log-probabilities, computed once
checkpoints/        the two newest, see `checkpoint.py`
metrics.jsonl       one line per step and per evaluation; tensorboard/ holds the same
summaries.md        what the summarizer writes about ten users, at its last evaluation
evaluation.json     what `popi-train evaluate` found last, see `evaluation_file.py`; it holds ten users' signals
report/             a page about all this, written anew by each `popi-train report`; it shows ten users' signals
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from filelock import FileLock, Timeout

from popi_sdk.errors import ConfigError
from popi_sdk.templates import Templates, load_templates
from trainer.checkpoint import Checkpoint, checkpoints
from trainer.config import Config, load_config
from trainer.distributed import is_main
from trainer.whole import clear_drafts, write_whole, written_to

SPLITS = ("train", "validation", "test")
_LOCK = ".lock"
_FIRST_FILES = {"config.toml", "README.md"}
"""What a run that was stopped at once may have left, beside hidden files."""


@dataclass(frozen=True, slots=True)
class RunDirectory:
    """Where the files of one run are."""

    path: Path

    @property
    def config_file(self) -> Path:
        """The resolved configuration."""
        return self.path / "config.toml"

    @property
    def data(self) -> Path:
        """The simulated world's splits."""
        return self.path / "data"

    @property
    def base(self) -> Path:
        """The model made here."""
        return self.path / "base"

    @property
    def start(self) -> Path:
        """The learners after the warm start."""
        return self.path / "start"

    @property
    def reference(self) -> Path:
        """The reference's log-probabilities."""
        return self.path / "reference.jsonl"

    @property
    def checkpoints(self) -> Path:
        """Folder of the newest checkpoints."""
        return self.path / "checkpoints"

    @property
    def metrics(self) -> Path:
        """Figures of every step."""
        return self.path / "metrics.jsonl"

    @property
    def summaries(self) -> Path:
        """Transcript of the last evaluation."""
        return self.path / "summaries.md"

    @property
    def evaluation(self) -> Path:
        """What the last evaluation found."""
        return self.path / "evaluation.json"

    @property
    def report(self) -> Path:
        """The page about the run, and its figures."""
        return self.path / "report"

    def base_of(self, config: Config) -> str | Path:
        """Where the base model is loaded from."""
        return self.base if config.model.base == "scratch" else config.model.base

    def latest(self) -> Checkpoint | None:
        """The newest complete checkpoint."""
        found = list(checkpoints(self.checkpoints))
        return found[-1] if found else None

    def has_begun(self) -> bool:
        """Whether anything was made here that a changed configuration would not fit."""
        return self.config_file.is_file() and any(
            made.exists() for made in (self.data, self.base, self.start, self.reference, self.checkpoints)
        )

    def config(self) -> Config:
        """The resolved configuration.

        Raises:
            ConfigError: this is no run.
        """
        if not self.config_file.is_file():
            raise ConfigError(f"{self.path} holds no run", hint="Give a directory that `popi-train train` wrote.")
        return load_config(self.config_file)


@contextlib.contextmanager
def open_run(path: Path, config: Config, *, resume: bool) -> Iterator[RunDirectory]:
    """Create a run's directory, or find the one to go on with, and keep other processes from training in it.

    Raises:
        ConfigError: the directory holds something else, or a run with another configuration, or one that is being
            trained.
    """
    run = RunDirectory(path)
    if not is_main():
        yield run
        return
    _refuse_occupied(run, config, resume=resume)  # before anything is written to it
    with written_to(path):
        path.mkdir(parents=True, exist_ok=True)
        lock = FileLock(path / _LOCK)
    try:
        held = lock.acquire(blocking=False)
    except Timeout:
        raise ConfigError(
            f"{path} is being trained by another process", hint="Wait for it or stop it, or choose another --out."
        ) from None
    with held:
        clear_drafts(path)
        clear_drafts(run.checkpoints)
        _refuse_occupied(run, config, resume=resume)  # another process may have been there in between
        if not run.has_begun():
            write_whole(run.config_file, config.to_toml())
            write_whole(path / "README.md", _readme(config))
        yield run


def find_run(place: Path) -> tuple[RunDirectory, Checkpoint | None]:
    """The run that a path means: a run's directory (and its newest checkpoint), or one checkpoint inside of it.

    Raises:
        ConfigError: it is neither.
    """
    if (place / "checkpoint.json").is_file():
        run = RunDirectory(place.resolve().parent.parent)
        found = {checkpoint.folder.name: checkpoint for checkpoint in checkpoints(run.checkpoints)}
        run.config()
        return run, found.get(place.resolve().name)
    run = RunDirectory(place)
    run.config()
    return run, run.latest()


def run_templates(config: Config) -> Templates:
    """The templates a run renders with."""
    return load_templates(config.model.templates or None)


def _refuse_occupied(run: RunDirectory, config: Config, *, resume: bool) -> None:
    if run.path.exists() and not run.path.is_dir():
        raise ConfigError(f"{run.path} is a file", hint="Choose another --out.")
    if not run.has_begun():
        here = {file.name for file in run.path.glob("*")}
        strangers = {name for name in here - _FIRST_FILES if name[0] != "."} if _LOCK in here else here
        if strangers:
            raise ConfigError(
                f"{run.path} holds {', '.join(sorted(strangers)[:3])} and no run", hint="Choose another --out."
            )
        return
    if not resume:
        raise ConfigError(
            f"{run.path} already holds a run", hint="Add --resume to go on with it, or choose another --out."
        )
    if run.config().digest() != config.digest():
        raise ConfigError(
            f"{run.path} holds a run with another configuration: {_differences(run.config(), config)}",
            hint="A changed configuration needs a new --out.",
        )


def _differences(old: Config, new: Config) -> str:
    before, after = old.model_dump(), new.model_dump()
    return ", ".join(
        f"`{group}.{key}` was {value!r} and is {after[group][key]!r}"
        for group, table in before.items()
        for key, value in table.items()
        if value != after[group][key]
    )


def _readme(config: Config) -> str:
    listing = (__doc__ or "").split("\n", 1)[1].strip("\n")
    return (
        f"# A run of `popi-train train`\n\nBase model `{config.model.base}`, {config.run.form}, "
        f"{config.run.steps} steps.\n\n{listing}\n\n"
        "    popi-train train config.toml --out HERE --resume    goes on after an interruption\n"
        "    popi-train evaluate HERE                            held-out accuracy beside all controls\n"
        "    popi-train report HERE                              a page with figures, for a browser or paper\n"
        "    popi-train export HERE --out SUMMARIZER             what `Popi(summarizer=...)` loads\n"
    )
