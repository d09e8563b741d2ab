"""The run of a refresh: it begins where the version in service stands, is taught, and may train jointly after that."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import torch

from trainer.config import Config, DataConfig, PretrainConfig, WarmStartConfig
from trainer.data import Example, load_examples
from trainer.models import save_learner
from trainer.opened import open_run_models
from trainer.progress import Reporter
from trainer.refresh.teaching import REPLAYED, teach
from trainer.refresh.trusted import from_a_store
from trainer.run_directory import RunDirectory, find_run
from trainer.stages import data_folder, prepare_data
from trainer.train import train
from trainer.whole import whole_folder, write_whole

MOST_OLD = 4_000
"""Examples of the first run that replay draws from."""


def learn(parent: Path, gathered: Path, run: RunDirectory) -> None:
    """Train the run of a refresh from the newest checkpoint of `parent`, or go on with it.

    Raises:
        ConfigError: `parent` is no run, or the data do not fit its models.
        TrainingError: a loss is not a number, the generator unlearns to read summaries, or the disk is full.
    """
    opened = open_run_models(parent)
    config = config_of_refresh(opened.config, gathered)
    if not run.config_file.is_file():
        run.path.mkdir(parents=True, exist_ok=True)
        write_whole(run.config_file, config.to_toml())
    if config.model.base == "scratch" and not run.base.is_dir():
        with whole_folder(run.base) as draft:
            shutil.copytree(opened.run.base, draft, dirs_exist_ok=True)
    reporter = Reporter(run.metrics)
    if not run.start.is_dir():
        torch.manual_seed(config.run.seed)
        examples = load_examples(gathered / "train.jsonl")
        tried = teach(opened, examples, _earlier(gathered), config, reporter)
        reporter.say(f"Clauses tried on everybody: {len(tried)}.")
        with whole_folder(run.start) as draft:
            for role, policy in opened.models.learners.items():
                save_learner(policy, draft / role)
    del opened
    train(config, run.path, resume=True, reporter=reporter)


def config_of_refresh(config: Config, gathered: Path) -> Config:
    """The configuration of a run that goes on with other data: no start of its own, and `refresh.steps` joint steps."""
    steps = config.refresh.steps
    form = config.run.form if steps else "interleaved"
    groups = {
        "data": DataConfig(**config.data.model_dump(exclude={"folder"}), folder=str(gathered.resolve())),
        "pretrain": PretrainConfig(),
        "warm_start": WarmStartConfig(),
        "run": config.run.model_copy(update={"steps": steps, "form": form}),
    }
    return config.model_copy(update=groups)


def old_examples(first_run: Path) -> list[Example]:
    """What the first version was trained on, to be replayed; nothing of a store, which is read anew."""
    run = find_run(first_run)[0]
    config = run.config()
    if from_a_store(data_folder(run, config)):
        return []
    examples = prepare_data(run, config)["train"]
    return [replace(one, slices={**one.slices, "when": REPLAYED}) for one in examples[:MOST_OLD]]


def _earlier(gathered: Path) -> Sequence[Example]:
    file = gathered / "earlier.jsonl"
    return load_examples(file) if file.stat().st_size else []
