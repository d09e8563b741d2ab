"""What a run needs before its first step: data, a base model, and learners that have had their warm start.

Each is a stage whose result lies in the run's directory, so an interrupted run goes on with the stage it was in.
"""

from __future__ import annotations

import hashlib
import heapq
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch

from popi_sdk.errors import ConfigError
from popi_sdk.render import signal_parts
from popi_sdk.templates import Templates
from trainer.base import described, make_base
from trainer.config import Config
from trainer.data import Example, load_examples, write_examples
from trainer.distributed import all_here, is_main, main_first, rank, size
from trainer.encode import Encoder, View
from trainer.models import LEARNERS, Models, Policy, load_models, load_tokenizer, save_learner
from trainer.people.splits import (
    newcomers,
    people_to_train_on,
    refuse_missing_people,
    write_people,
)
from trainer.progress import Reporter
from trainer.run_directory import SPLITS, RunDirectory, run_templates
from trainer.warm_start import (
    People,
    warm_start_generator,
    warm_start_summarizer,
)
from trainer.whole import whole_folder
from trainer.world import world_examples

WORLD_SIZES = {"validation": 200, "test": 400}
"""Users of a simulated world who are not trained on."""
LONGEST = 100
"""Examples whose tokens are counted before training: those of the longest signals, and of the longest pairs."""


def prepare_data(run: RunDirectory, config: Config) -> dict[str, list[Example]]:
    """The three splits; simulated users are written into the run first.

    People to train on are made anew instead, as their texts are many times as long as the answers they are made of.

    Raises:
        ConfigError: a file is missing, or holds no example with held-out pairs.
        SignalError: a line cannot be used.
    """
    if config.data.folder in SIMULATED and not run.data.is_dir():
        with whole_folder(run.data) as draft:
            SIMULATED[config.data.folder](config, draft)
    stored = [split for split in SPLITS if split != "train" or config.data.folder != "people"]
    data = {split: _load(data_folder(run, config) / f"{split}.jsonl") for split in stored}
    return data if "train" in data else {"train": people_to_train_on(config.people, config.run.seed), **data}


def data_folder(run: RunDirectory, config: Config) -> Path:
    """Where the three splits are."""
    return run.data if config.data.folder in SIMULATED else Path(config.data.folder)


def data_digest(run: RunDirectory, config: Config) -> str:
    """SHA-256 of the three splits; of the answers where people to train on are made of those."""
    digest = hashlib.sha256()
    files = [data_folder(run, config) / f"{split}.jsonl" for split in SPLITS]
    if config.data.folder == "people":
        files[0] = Path(config.people.answers)
    for path in files:
        with path.open("rb") as file:
            while block := file.read(1 << 20):
                digest.update(block)
    return digest.hexdigest()


def prepare_models(
    run: RunDirectory, config: Config, data: Mapping[str, Sequence[Example]], reporter: Reporter
) -> tuple[Models, Encoder]:
    """All roles with their warm start behind them, and the encoder of their prompts.

    Raises:
        ConfigError: the model cannot be used, a user's texts do not fit its window, or the data hold no truth to
            warm-start from.
    """
    device, templates = choose_device(config), run_templates(config)
    _refuse_untold(config, data["train"])
    with main_first():
        if config.model.base == "scratch" and not run.base.is_dir():
            torch.manual_seed(config.run.seed)
            with whole_folder(run.base) as draft:
                make_base(config, templates, data["train"], choose_device(config), draft, reporter)
    base = run.base_of(config)
    if _wants_warm_start(config):
        for role in own_roles():
            if not (run.start / role).is_dir():
                torch.manual_seed(config.run.seed)
                models = load_models(config.model, base, device)
                encoder = make_encoder(models, config, templates)
                own = reporter if is_main() else Reporter()  # what a process does alone nobody else tells of
                with whole_folder(run.start / role) as draft:
                    _warm_start(role, models, encoder, config, data["train"], own)
                    save_learner(models.learners[role], draft)
                del models
        all_here()
    torch.manual_seed(config.run.seed)  # new adapters are random; a resumed run comes here without a warm start
    models = load_models(config.model, base, device, start=run.start if run.start.is_dir() else None)
    encoder = make_encoder(models, config, templates)
    refuse_too_long(encoder, [*data["train"], *data["validation"], *data["test"]])
    return models, encoder


def make_encoder(models: Models, config: Config, templates: Templates) -> Encoder:
    """The encoder that fits a run's tokenizer, templates and window."""
    return encoder_for(models.tokenizer, window_of(models.summarizer, models.tokenizer), config, templates)


def encoder_for(tokenizer: Any, window: int, config: Config, templates: Templates) -> Encoder:
    """The encoder of a configuration's prompts and answers for any model."""
    return Encoder(
        tokenizer,
        templates,
        window=window,
        input_tokens=config.data.input_tokens,
        max_summary_tokens=config.model.max_summary_tokens,
        text_tokens=config.data.text_tokens or None,
        view=View.of(config.model),
    )


def window_of(policy: Policy, tokenizer: Any) -> int:
    """Most tokens the model can read."""
    return int(getattr(policy.lm.config, "max_position_embeddings", 0) or tokenizer.model_max_length)


def any_device(config: Config) -> torch.device:
    """The device to look at a finished run on: the one it asks for where there is one, else the CPU."""
    return torch.device("cuda" if config.run.device != "cpu" and torch.cuda.is_available() else "cpu")


def choose_device(config: Config) -> torch.device:
    """The device that `run.device` asks for.

    Raises:
        ConfigError: a GPU is asked for and there is none.
    """
    wanted = config.run.device
    if wanted == "cuda" and not torch.cuda.is_available():
        raise ConfigError('`run.device` is "cuda" and there is no usable GPU', hint='Use "cpu" or "auto".')
    return any_device(config)


def refuse_early(config: Config) -> None:
    """What can be seen to be wrong before a run's directory is made.

    Raises:
        ConfigError: the device, the templates or the data are not there.
    """
    choose_device(config)
    run_templates(config)
    if config.model.base != "scratch":
        load_tokenizer(config.model.base)
    if config.data.folder == "people":
        refuse_missing_people(config.people)
    if config.data.folder not in SIMULATED:
        for split in SPLITS:
            _refuse_missing(Path(config.data.folder) / f"{split}.jsonl")


def _write_world(config: Config, draft: Path) -> None:
    everything = config.world.model_copy(update={"fewest_signals": 0})
    sizes = {"train": config.world.users, **WORLD_SIZES}
    for split, count in sizes.items():
        world = config.world if split == "train" else everything
        write_examples(world_examples(world, split, count, config.run.seed), draft / f"{split}.jsonl")


SIMULATED: Mapping[str, Callable[[Config, Path], None]] = {
    "world": _write_world,
    "people": lambda config, draft: write_people(config.people, config.run.seed, draft),
}
"""What writes the splits of simulated users, by `data.folder`."""


def _load(file: Path) -> list[Example]:
    _refuse_missing(file)
    examples = [example for example in load_examples(file) if example.pairs]
    if not examples:
        raise ConfigError(f"{file} holds no example with held-out pairs", hint="Prepare more data for this split.")
    return examples


def _refuse_missing(file: Path) -> None:
    if not file.is_file():
        raise ConfigError(
            f"There is no {file}", hint="`popi-train prepare SOURCE --out FOLDER` writes the three splits."
        )


def refuse_too_long(encoder: Encoder, examples: Sequence[Example]) -> None:
    """Try the longest texts now, rather than fail when their turn comes.

    Raises:
        ConfigError: one does not fit the model's window.
    """
    for length in (_said, _held_out):
        for example in heapq.nlargest(LONGEST, examples, key=length):
            encoder.refuse_too_long(example)


def _said(example: Example) -> int:
    return sum(len(part.whole.encode()) for signal in example.signals for part in signal_parts(signal))


def _held_out(example: Example) -> int:
    return max(len(f"{pair.prompt}{max(pair.chosen, pair.rejected, key=len)}".encode()) for pair in example.pairs)


def _met_first(config: Config, examples: Sequence[Example]) -> People:
    """Whom the summarizer learns from in its warm start: people met once each where more can be made, or the same."""
    known = People.again(examples, config.warm_start, config.run.seed)
    if config.data.folder != "people":
        return known
    count = config.warm_start.summarizer_steps * config.warm_start.batch
    return replace(known, endless=newcomers(config.people, config.run.seed, max(1, count)))


def _wants_warm_start(config: Config) -> bool:
    settings = config.warm_start
    return bool(settings.generator_steps or (settings.summarizer != "none" and settings.summarizer_steps))


def own_roles() -> tuple[str, ...]:
    """The learners whose warm start is this process's: it takes one process each, however many there are."""
    return tuple(LEARNERS[rank() :: size()])


def _warm_start(
    role: str, models: Models, encoder: Encoder, config: Config, examples: Sequence[Example], reporter: Reporter
) -> None:
    settings = config.warm_start
    if role == "generator" and settings.generator_steps:
        with reporter.stage("generator warm start", settings.generator_steps) as advance:
            answers = described(config)
            warm_start_generator(models.generator, encoder, answers, config, lambda _, loss: advance(loss=loss))
    if role == "summarizer" and settings.summarizer != "none" and settings.summarizer_steps:
        with reporter.stage("summarizer warm start", settings.summarizer_steps) as advance:
            people = _met_first(config, examples)
            warm_start_summarizer(models.summarizer, encoder, people, config, lambda _, loss: advance(loss=loss))


def _refuse_untold(config: Config, examples: Sequence[Example]) -> None:
    wanted = config.warm_start.summarizer if config.warm_start.summarizer_steps else "none"
    known = {"oracle": all(example.oracle for example in examples), "evident": config.data.folder == "people"}
    if not known.get(wanted, True):
        raise ConfigError(
            f'`warm_start.summarizer` is "{wanted}", which the data do not say about every user',
            hint='Use "contrast", or data that hold it: lines with `oracle`, or simulated people for "evident".',
        )
