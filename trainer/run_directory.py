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
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from popi_sdk.errors import ConfigError
from popi_sdk.templates import Templates, load_templates
from trainer.checkpoint import Checkpoint, checkpoints
from trainer.config import Config, load_config

SPLITS = ("train", "validation", "test")


@dataclass(frozen=True, slots=True)
class RunDirectory:
    """Where the files of one run are."""

    path: Path

    @property
    def config_file(self) -> Path:
        return self.path / "config.toml"

    @property
    def data(self) -> Path:
        return self.path / "data"

    @property
    def base(self) -> Path:
        return self.path / "base"

    @property
    def start(self) -> Path:
        return self.path / "start"

    @property
    def reference(self) -> Path:
        return self.path / "reference.jsonl"

    @property
    def checkpoints(self) -> Path:
        return self.path / "checkpoints"

    @property
    def metrics(self) -> Path:
        return self.path / "metrics.jsonl"

    @property
    def summaries(self) -> Path:
        return self.path / "summaries.md"

    def base_of(self, config: Config) -> str | Path:
        """Where the base model is loaded from."""
        return self.base if config.model.base == "scratch" else config.model.base

    def latest(self) -> Checkpoint | None:
        """The newest complete checkpoint."""
        found = list(checkpoints(self.checkpoints))
        return found[-1] if found else None

    def config(self) -> Config:
        """The resolved configuration.

        Raises:
            ConfigError: this is no run.
        """
        if not self.config_file.is_file():
            raise ConfigError(f"{self.path} holds no run", hint="Give a directory that `popi-train train` wrote.")
        return load_config(self.config_file)


def open_run(path: Path, config: Config, *, resume: bool) -> RunDirectory:
    """Create a run's directory, or find the one to go on with.

    Raises:
        ConfigError: the directory holds something else, or a run with another configuration.
    """
    run = RunDirectory(path)
    if run.config_file.is_file():
        if not resume:
            raise ConfigError(
                f"{path} already holds a run", hint="Add --resume to go on with it, or choose another --out."
            )
        if run.config().digest() != config.digest():
            raise ConfigError(
                f"{path} holds a run with another configuration",
                hint=f"Compare with {run.config_file}; a changed configuration needs a new --out.",
            )
        return run
    if path.exists() and any(path.iterdir()):
        raise ConfigError(f"{path} is not empty and holds no run", hint="Choose another --out.")
    path.mkdir(parents=True, exist_ok=True)
    (path / "README.md").write_text(_readme(config), encoding="utf-8")
    write_whole(run.config_file, config.to_toml())
    return run


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


def write_whole(file: Path, text: str) -> None:
    """Replace a file's text at once, so that a reader or a crash never meets half of it."""
    draft = file.with_name(f".{file.name}.part")
    draft.write_text(text, encoding="utf-8")
    os.replace(draft, file)


def _readme(config: Config) -> str:
    listing = (__doc__ or "").split("\n", 1)[1].strip("\n")
    return (
        f"# A run of `popi-train train`\n\nBase model `{config.model.base}`, {config.run.form}, "
        f"{config.run.steps} steps.\n\n{listing}\n\n"
        "    popi-train train config.toml --out HERE --resume    goes on after an interruption\n"
        "    popi-train evaluate HERE                            held-out accuracy beside all controls\n"
        "    popi-train export HERE --out SUMMARIZER             what `Popi(summarizer=...)` loads\n"
    )
