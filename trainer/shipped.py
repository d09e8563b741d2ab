"""The small generator that lies in the repository, so that anyone can measure what a summary is worth.

weights/config.toml    the configuration of the run that trained it; templates and objective come from it
weights/generator/     the generator as trained, with its tokenizer, as transformers saves them
weights/reference/     the same as it started: margins are over this one, shown no summary

The wheel does not hold it. Any folder of this layout can be a judge.
"""

from __future__ import annotations

from pathlib import Path

import torch

from popi_sdk.errors import ConfigError
from trainer.config import Config, load_config
from trainer.models import Policy, load_language_model, load_tokenizer
from trainer.reference import ReferenceLogprobs
from trainer.run_directory import run_templates
from trainer.scoring import PairScorer
from trainer.stages import any_device, encoder_for, window_of

WEIGHTS = Path(__file__).parent / "weights"

_PARTS = ("config.toml", "generator", "reference")


def shipped_judge(folder: Path | None = None) -> tuple[Config, PairScorer]:
    """The configuration and the generator, beside its reference, of a folder in this layout; `WEIGHTS` by default.

    Raises:
        ConfigError: a part of it is missing or cannot be read.
    """
    folder = folder or WEIGHTS
    missing = [part for part in _PARTS if not (folder / part).exists()]
    if missing:
        raise ConfigError(
            f"There is no small generator in {folder}: {' and '.join(missing)} missing",
            hint="It comes with the repository, not with the installed package: work in a clone of it, or name a run "
            "of your own.",
        )
    config = load_config(folder / "config.toml")
    tokenizer = load_tokenizer(folder / "generator")
    generator, reference = _frozen(folder / "generator", config), _frozen(folder / "reference", config)
    encoder = encoder_for(tokenizer, window_of(generator, tokenizer), config, run_templates(config))
    return config, PairScorer(generator, encoder, ReferenceLogprobs(reference, encoder), config.rollout.microbatch)


def is_judge(folder: Path) -> bool:
    """Whether a folder has this layout."""
    return all((folder / part).exists() for part in _PARTS)


def _frozen(folder: Path, config: Config) -> Policy:
    lm = load_language_model(folder, any_device(config), torch.float32)
    return Policy(lm.requires_grad_(False), learns=False)
