"""Joint training of summarizer and generator, from a configuration to a run directory. Read `train` and `take_step`.

rollouts      G summaries for each of P users, sampled from the summarizer
generator     how well does each summary let it rank the user's held-out answers? The negated loss is the reward,
              and the same forward pass trains it
advantages    reward less the mean of the group
summarizer    clipped policy gradient, and a KL term that holds it near its start
"""

from __future__ import annotations

import math
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.console import Console
from torch.optim import AdamW, Optimizer

from popi_sdk.errors import ConfigError
from trainer.checkpoint import restore, save_checkpoint
from trainer.config import Config
from trainer.data import Example
from trainer.distributed import (
    average_gradients,
    clip_gradients,
    gathered,
    is_main,
    joined,
    main_first,
    means,
    refuse_unshared,
    size,
)
from trainer.encode import Encoder
from trainer.errors import DivergedError
from trainer.health import Health, look_at, users_to_look_at
from trainer.losses import group_advantages
from trainer.models import Models, stop_tokens
from trainer.progress import Reporter
from trainer.reference import ReferenceLogprobs
from trainer.rollouts import Batches, sample_groups
from trainer.run_directory import RunDirectory, open_run
from trainer.sampling import DecodeLoop, Sampler
from trainer.schedule import learning_rate, who_learns
from trainer.sharding import WholeSampler, parameter_groups, shard
from trainer.stages import data_digest, prepare_data, prepare_models, refuse_early
from trainer.updates import Judged, SummarizerPass, SummarizerUpdate, generator_pass
from trainer.vllm_sampler import make_vllm_sampler
from trainer.whole import write_whole

MAX_GRADIENT_NORM = 1.0
HEALTH_USERS = 64
"""Validation examples looked at while training."""


@dataclass(frozen=True, slots=True)
class Training:
    """Everything a step needs."""

    config: Config
    models: Models
    encoder: Encoder
    sampler: Sampler
    reference: ReferenceLogprobs
    batches: Batches
    optimizers: Mapping[str, Optimizer]
    unseen: Sequence[Example]
    """Users who are looked at and not learned from."""
    digests: Mapping[str, str]
    """What a run must not go on without: of configuration, data and reference."""


def train(config: Config, out: Path, *, resume: bool = False, reporter: Reporter | None = None) -> RunDirectory:
    """Train until `run.steps`, and leave everything in `out`; as one process of several where `torchrun` started it.

    Raises:
        ConfigError: the configuration, the data or the model cannot be used.
        TrainingError: a loss is not a number, the generator unlearns to read summaries, or the disk is full; the last
            checkpoint is intact and `resume` goes on from it.
    """
    refuse_early(config)
    with joined(config), open_run(out, config, resume=resume) as run:
        refuse_unshared(run.config_file)
        reporter = reporter or (Reporter(run.metrics) if is_main() else Reporter(None, Console(quiet=True)))
        try:
            with main_first():
                data = prepare_data(run, config)
            models, encoder = prepare_models(run, config, data, reporter)
            training = make_training(run, config, models, encoder, data)
            _reference_logprobs(training.reference, [*_met(training, data["train"]), *training.unseen], reporter)
            _loop(run, training, reporter)
        finally:
            reporter.close()
    return run


def _loop(run: RunDirectory, training: Training, reporter: Reporter) -> None:
    steps = training.config.run.steps
    done, health = _resumed(run, training, reporter)
    with reporter.stage("joint training", steps, done) as advance:
        for step in range(done, steps):
            figures = take_step(training, step)
            reporter.write("step", step, figures)
            advance(reward=figures["reward"], accuracy=figures["accuracy"])
            health.check(step, figures["loss"])
            health = _look_and_save(run, training, step + 1, health, reporter)


def take_step(training: Training, step: int) -> dict[str, float]:
    """One step: sample, judge, learn. Returns figures for the log."""
    config, models = training.config, training.models
    learns = who_learns(config.run, step)
    began = time.perf_counter()

    users = training.batches.at(step)
    groups = sample_groups(models.summarizer, training.sampler, training.encoder, users, config, step)
    sampled = time.perf_counter()

    judged = generator_pass(
        models.generator, training.encoder, training.reference, groups, config.objective,
        microbatch=config.rollout.microbatch, learn="generator" in learns,
    )  # fmt: skip
    if "generator" in learns:
        _move(training, "generator", step)
    judging = time.perf_counter()

    advantages = group_advantages(judged.rewards, scaled=config.objective.scale_advantages)
    figures = _figures(judged, [len(sample) for group in groups for sample in group.samples])
    if "summarizer" in learns:
        update = SummarizerUpdate(
            models, groups, advantages, config.objective,
            microbatch=config.rollout.microbatch, temperature=config.rollout.temperature,
        )  # fmt: skip
        for _ in range(config.rollout.inner_epochs):
            figures |= _summarizer_figures(update.epoch())
            figures["gradient_norm"] = _move(training, "summarizer", step)
    ended = time.perf_counter()
    return means(figures) | {
        "seconds": ended - began,
        "seconds_sampling": sampled - began,
        "seconds_generator": judging - sampled,
        "seconds_summarizer": ended - judging,
    }


def _move(training: Training, role: str, step: int) -> float:
    """Move one model along the gradient that was left in it; returns the gradient's norm.

    Raises:
        DivergedError: the gradient is not a number; nothing was moved.
    """
    run, optimizer = training.config.run, training.optimizers[role]
    parameters = [parameter for group in optimizer.param_groups for parameter in group["params"]]
    average_gradients(parameters)
    norm = clip_gradients(parameters, MAX_GRADIENT_NORM)
    if not math.isfinite(norm):
        raise DivergedError(
            f"The {role}'s gradient is not a number at step {step}",
            hint=f"Lower `run.{role}_learning_rate` and start again.",
        )
    peak = run.summarizer_learning_rate if role == "summarizer" else run.generator_learning_rate
    for group in optimizer.param_groups:
        group["lr"] = learning_rate(run, peak, step)
    optimizer.step()
    optimizer.zero_grad()
    return norm


def make_training(
    run: RunDirectory, config: Config, models: Models, encoder: Encoder, data: Mapping[str, Sequence[Example]]
) -> Training:
    """What the loop needs, from what the stages before it have made; weights are sharded where they are to be."""
    sampler = make_sampler(models, config)
    if config.run.parallel == "sharded" and size() > 1:
        for lm in models.distinct():
            shard(lm, size())
        sampler = WholeSampler(sampler)
    if config.rollout.server:
        sampler = make_vllm_sampler(run, models, config)
    reference = ReferenceLogprobs(models.reference, encoder, run.reference)
    return Training(
        config=config,
        models=models,
        encoder=encoder,
        sampler=sampler,
        reference=reference,
        batches=Batches(data["train"], config.rollout.users, config.run.seed),
        optimizers={
            # No weight decay: the KL term and the reference already hold the models near their start.
            role: AdamW(parameter_groups(policy.learned().values()), weight_decay=0.0)
            for role, policy in models.learners.items()
        },
        unseen=users_to_look_at(data["validation"], HEALTH_USERS),
        digests={"config": config.digest(), "data": data_digest(run, config), "reference": reference.weights},
    )


def make_sampler(models: Models, config: Config) -> Sampler:
    """The decode loop for summaries of this run's length."""
    stops = stop_tokens(models.summarizer, models.tokenizer)
    return DecodeLoop(stops, config.model.max_summary_tokens, models.tokenizer.pad_token_id)


def _resumed(run: RunDirectory, training: Training, reporter: Reporter) -> tuple[int, Health]:
    """How many steps are done, and what is known of the channel's health.

    Raises:
        ConfigError: data or base model are not those that the run began with.
    """
    checkpoint = gathered(run.latest())[0]  # the main process's word, which may write the next one at once
    reporter.rewind(None if checkpoint is None else checkpoint.step)
    if checkpoint is None:
        return 0, _look_and_save(run, training, 0, Health(), reporter)
    changed = [name for name, digest in training.digests.items() if checkpoint.facts.get(name) != digest]
    if changed:
        raise ConfigError(
            f"{run.path} cannot go on: {' and '.join(changed)} changed since its last checkpoint",
            hint="Bring the former back, or start a new run in another --out.",
        )
    restore(checkpoint, training.models, training.optimizers)
    reporter.say(f"Going on from step {checkpoint.step}.")
    return checkpoint.step, Health.from_json(checkpoint.facts["health"])


def _met(training: Training, examples: Sequence[Example]) -> list[Example]:
    """Those of `examples` that some step will learn from."""
    met = {id(example) for step in range(training.config.run.steps) for example in training.batches.at(step)}
    return [example for example in examples if id(example) in met]


def _reference_logprobs(reference: ReferenceLogprobs, examples: Sequence[Example], reporter: Reporter) -> None:
    pairs = {pair.id: pair for example in examples for pair in example.pairs}
    with reporter.stage("reference", len(pairs)) as advance:
        reference.prepare(pairs.values(), advance)


def _look_and_save(run: RunDirectory, training: Training, done: int, health: Health, reporter: Reporter) -> Health:
    """Evaluate and write a checkpoint after `done` steps, where each is due.

    Raises:
        TrainingError: the generator has unlearned to read summaries, or the loss has grown out of all proportion.
    """
    settings, last = training.config.run, done == training.config.run.steps
    if last or done % settings.evaluate_every == 0:
        look = look_at(
            training.models, training.encoder, training.sampler, training.reference, training.unseen, training.config
        )
        reporter.write("evaluation", done, look.figures())
        reporter.say(f"step {done:>5}   {look.line()}")
        if is_main():
            write_whole(run.summaries, look.transcript(done))
        health = health.after(done, look)
    if last or done % settings.save_every == 0:
        facts: dict[str, Any] = {**training.digests, "health": health.as_json()}
        save_checkpoint(run.checkpoints, done, training.models, training.optimizers, facts)
    return health


def _figures(judged: Judged, lengths: Sequence[int]) -> dict[str, float]:
    return {
        "reward": judged.rewards.mean().item(),
        "reward_spread": judged.rewards.std(dim=1).mean().item(),
        "loss": judged.loss,
        "accuracy": judged.accuracy,
        "margin": judged.margin,
        "summary_tokens": sum(lengths) / len(lengths),
        "generator_tokens": judged.tokens * size(),  # of all processes, once averaged over them
    }


def _summarizer_figures(done: SummarizerPass) -> dict[str, float]:
    return {
        "policy_loss": done.loss,
        "kl": done.kl,
        "clipped": done.clipped,
        "summarizer_tokens": done.tokens * size(),
    }
