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
from trainer.fitting import FittingWriter
from trainer.models import Models, Policy, load_language_model, load_models, load_tokenizer, restore_learner
from trainer.reference import ReferenceLogprobs
from trainer.run_directory import RunDirectory, find_run, run_templates
from trainer.scoring import PairScorer
from trainer.shipped import is_judge, shipped_judge
from trainer.stages import any_device, data_folder, encoder_for, make_encoder, window_of
from trainer.train import make_sampler

EMBEDDED = "embedded"
"""The SDK's own trained summarizer, judged where no other is named."""
FEWER = (0.5, 0.25, 0.125, 0.0625)
"""Shares of a run's budget for signals that are tried where they do not fit its window."""


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
    """The run's; without one, the judge's."""
    test_split: Path | None
    """The run's own held-out users; None without a run."""
    trained: Writer
    warm_start: Writer | None
    """None where no run says what there was before reinforcement learning."""
    untrained: Writer | None
    """None without a run, and where there was no warm start, so that it is the same as `warm_start`."""
    generator: PairScorer
    before: Writer | None = None
    """The version in service, where another one is to take its place."""


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


def open_evaluated(place: Path | None, summarizer: str, generator: str, *, sampled: bool) -> Evaluated:
    """A run, and whoever writes or judges in its stead; without a run, the judge that is shipped and a summarizer.

    Raises:
        ConfigError: one of them is nothing that can be opened.
    """
    own = open_run_models(place) if place is not None else None
    config, judge = open_judge(generator, own)
    named = open_run_models(Path(summarizer)) if _is_run(summarizer) else None
    writing = own if not summarizer else named
    if writing is None and sampled:
        raise ConfigError(f"{summarizer or EMBEDDED} is no run, and only a run's summaries can be sampled")
    trained = (
        writer_of(writing, writing.models.summarizer, sampled)
        if writing
        else _sdk_writer(summarizer, own.encoder if own else judge.encoder)
    )
    before = writing or own
    return Evaluated(
        config=own.config if own else config,
        test_split=data_folder(own.run, own.config) / "test.jsonl" if own else None,
        trained=trained,
        warm_start=writer_of(before, before.models.anchor, sampled) if before else None,
        untrained=_untrained(before, sampled) if before else None,
        generator=judge,
    )


def open_judge(generator: str = "", own: OpenedRun | None = None) -> tuple[Config, PairScorer]:
    """Who ranks answers, and the configuration it was trained with.

    Args:
        generator: a run or checkpoint, a folder laid out as `trainer.shipped` says, or a hub id or directory of any
            model; without it, the generator of `own`, else the one that is shipped.
        own: a run whose templates and settings an untrained model gets.

    Raises:
        ConfigError: there is no such judge.
    """
    if not generator:
        return (own.config, judge_of(own)) if own else shipped_judge()
    if is_judge(Path(generator)):  # asked first, as its configuration alone would make it a run
        return shipped_judge(Path(generator))
    if _is_run(generator):
        opened = open_run_models(Path(generator))
        return opened.config, judge_of(opened)
    config = own.config if own else Config()
    return config, _judge_named(generator, config)


def open_writer(summarizer: str, judge: PairScorer) -> Writer:
    """A run's summarizer, or whatever the SDK takes as one; "" is the SDK's embedded one.

    Raises:
        ConfigError: there is no such run, and the SDK knows no such summarizer.
    """
    if _is_run(summarizer):
        opened = open_run_models(Path(summarizer))
        return writer_of(opened, opened.models.summarizer, sampled=False)
    return _sdk_writer(summarizer, judge.encoder)


def _sdk_writer(name: str, encoder: Encoder) -> Writer:
    """One of the SDK; `encoder` brings its templates, and the guard."""
    from popi_sdk.backend import LiteLLMBackend

    config = load_sdk_config(overrides={"summarizer": name or EMBEDDED, "store": "memory"})
    return SdkWriter(make_summarizer(config, LiteLLMBackend(), encoder.templates), encoder)


def writer_of(opened: OpenedRun, policy: Policy, sampled: bool) -> Writer:
    """A run's policy; a user whose signals do not fit its window is shown in fewer tokens."""
    config = opened.config
    temperature = config.rollout.temperature if sampled else 0.0
    sampler = make_sampler(opened.models, config)
    encoders = [opened.encoder]
    for share in FEWER:
        data = config.data.model_copy(update={"input_tokens": max(1, int(share * config.data.input_tokens))})
        smaller = config.model_copy(update={"data": data})
        encoders.append(make_encoder(opened.models, smaller, run_templates(config)))
    return FittingWriter([ModelWriter(policy, one, sampler, temperature, config.run.seed) for one in encoders])


def judge_of(opened: OpenedRun) -> PairScorer:
    """A run's generator, beside its reference."""
    known = ReferenceLogprobs(opened.models.reference, opened.encoder, opened.run.reference)
    return PairScorer(opened.models.generator, opened.encoder, known, opened.config.rollout.microbatch)


def _judge_named(name: str, config: Config) -> PairScorer:
    """Any model as it is, which is its own reference."""
    device = any_device(config)
    dtype = torch.bfloat16 if device.type == "cuda" else torch.float32
    policy = Policy(load_language_model(name, device, dtype), learns=False)
    tokenizer = load_tokenizer(name)
    encoder = encoder_for(tokenizer, window_of(policy, tokenizer), config, run_templates(config))
    return PairScorer(policy, encoder, ReferenceLogprobs(policy, encoder), config.rollout.microbatch)


def _untrained(own: OpenedRun, sampled: bool) -> Writer | None:
    """The base model as summarizer."""
    if not (own.run.start / "summarizer").is_dir():
        return None
    if own.config.model.lora_rank:
        return writer_of(own, Policy(own.models.summarizer.lm, adapter=None, learns=False), sampled)
    base = load_language_model(own.run.base_of(own.config), any_device(own.config), torch.float32)
    return writer_of(own, Policy(base, learns=False), sampled)


def _is_run(name: str) -> bool:
    if not name:
        return False
    try:
        find_run(Path(name))
    except ConfigError:
        return False
    return True
