"""What an evaluation or an export is about: models of a run, opened as they were left, or strangers beside them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import torch

from popi_sdk.config import load_config as load_sdk_config
from popi_sdk.errors import ConfigError
from popi_sdk.summarizers import make_summarizer
from trainer.config import Config
from trainer.controls import ModelWriter, SdkWriter, Writer
from trainer.encode import Encoder
from trainer.models import Models, Policy, load_language_model, load_models, load_tokenizer, restore_learner
from trainer.reference import ReferenceLogprobs
from trainer.run_directory import RunDirectory, find_run, run_templates
from trainer.scoring import PairScorer
from trainer.stages import any_device, make_encoder, window_of
from trainer.train import make_sampler


@dataclass(frozen=True, slots=True)
class OpenedRun:
    """A run's models at one of its checkpoints."""

    run: RunDirectory
    config: Config
    models: Models
    encoder: Encoder


@dataclass(frozen=True, slots=True)
class Evaluated:
    """Who writes the summaries that are compared, and who ranks answers with them."""

    config: Config
    run: RunDirectory
    trained: Writer
    warm_start: Writer
    untrained: Writer | None
    """None where there was no warm start, and it is the same as `warm_start`."""
    generator: PairScorer


def open_run_models(place: Path) -> OpenedRun:
    """The models of a run at its newest checkpoint, or at the checkpoint that `place` is.

    Raises:
        ConfigError: it is no run, or one that has no checkpoint yet.
    """
    run, checkpoint = find_run(place)
    config = run.config()
    if checkpoint is None:
        raise ConfigError(f"{place} has no checkpoint yet", hint="Let `popi-train train` go on first.")
    start = run.start if run.start.is_dir() else None
    models = load_models(config.model, run.base_of(config), any_device(config), start=start)
    for role, policy in models.learners.items():
        restore_learner(policy, checkpoint.folder / role)
    return OpenedRun(run, config, models, make_encoder(models, config, run_templates(config)))


def open_evaluated(place: Path, summarizer: str, generator: str, *, sampled: bool) -> Evaluated:
    """A run, and whoever writes or judges in its stead.

    Raises:
        ConfigError: one of them is nothing that can be opened.
    """
    own = open_run_models(place)
    writing = open_run_models(Path(summarizer)) if summarizer and _is_run(summarizer) else own
    trained: Writer = _writer(writing, writing.models.summarizer, sampled)
    if summarizer and writing is own:
        if sampled:
            raise ConfigError(f"{summarizer} is no run, and only a run's summaries can be sampled")
        trained = _sdk_writer(summarizer, own)
    return Evaluated(
        config=own.config,
        run=own.run,
        trained=trained,
        warm_start=_writer(writing, writing.models.anchor, sampled),
        untrained=_untrained(writing, sampled),
        generator=_judge_named(generator, own) if generator else judge_of(own),
    )


def _writer(opened: OpenedRun, policy: Policy, sampled: bool) -> ModelWriter:
    temperature = opened.config.rollout.temperature if sampled else 0.0
    sampler = make_sampler(opened.models, opened.config)
    return ModelWriter(policy, opened.encoder, sampler, temperature, opened.config.run.seed)


def _sdk_writer(name: str, own: OpenedRun) -> Writer:
    from popi_sdk.backend import LiteLLMBackend

    config = load_sdk_config(overrides={"summarizer": name, "store": "memory"})
    return SdkWriter(make_summarizer(config, LiteLLMBackend(), own.encoder.templates), own.encoder)


def judge_of(opened: OpenedRun) -> PairScorer:
    """A run's generator, beside its reference."""
    known = ReferenceLogprobs(opened.models.reference, opened.encoder, opened.run.reference)
    return PairScorer(opened.models.generator, opened.encoder, known, opened.config.rollout.microbatch)


def _judge_named(name: str, own: OpenedRun) -> PairScorer:
    """Another run's generator, or any model as it is: then it is its own reference."""
    if _is_run(name):
        return judge_of(open_run_models(Path(name)))
    device = any_device(own.config)
    dtype = torch.bfloat16 if device.type == "cuda" else torch.float32
    policy = Policy(load_language_model(name, device, dtype), learns=False)
    tokenizer = load_tokenizer(name)
    encoder = own.encoder.for_tokenizer(tokenizer, window_of(policy, tokenizer))
    return PairScorer(policy, encoder, ReferenceLogprobs(policy, encoder), own.config.rollout.microbatch)


def _untrained(own: OpenedRun, sampled: bool) -> Writer | None:
    """The base model as summarizer."""
    if not (own.run.start / "summarizer").is_dir():
        return None
    if own.config.model.lora_rank:
        return _writer(own, Policy(own.models.summarizer.lm, adapter=None, learns=False), sampled)
    base = load_language_model(own.run.base_of(own.config), any_device(own.config), torch.float32)
    return _writer(own, Policy(base, learns=False), sampled)


def _is_run(name: str) -> bool:
    try:
        find_run(Path(name))
    except ConfigError:
        return False
    return True
