"""Joint training of summarizer and generator, from a configuration to a run directory. Read `train` and `_step` first.

rollouts      G summaries for each of P users, sampled from the summarizer
generator     how well does each summary let it rank the user's held-out answers? The negated loss is the reward,
              and the same forward pass trains it
advantages    reward less the mean of the group
summarizer    clipped policy gradient, and a KL term that holds it near its start
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from torch.optim import Optimizer

from trainer.checkpoint import restore, save_checkpoint
from trainer.config import Config
from trainer.data import Example
from trainer.encode import Encoder
from trainer.errors import DivergedError
from trainer.health import ChannelHealth, look_at
from trainer.losses import group_advantages
from trainer.models import Models, stop_tokens
from trainer.progress import Reporter
from trainer.reference import ReferenceLogprobs
from trainer.rollouts import Batches, sample_groups
from trainer.run_directory import RunDirectory, open_run, write_whole
from trainer.sampling import DecodeLoop, Sampler
from trainer.schedule import learning_rate, who_learns
from trainer.stages import prepare_data, prepare_models
from trainer.updates import Judged, SummarizerPass, SummarizerUpdate, generator_pass

MAX_GRADIENT_NORM = 1.0
HEALTH_USERS = 64
"""Validation users looked at while training."""


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


def train(config: Config, out: Path, *, resume: bool = False, reporter: Reporter | None = None) -> RunDirectory:
    """Train until `run.steps`, and leave everything in `out`.

    Raises:
        ConfigError: the configuration, the data or the model cannot be used.
        TrainingError: a loss is not a number, the generator unlearns to read summaries, or the disk is full; the last
            checkpoint is intact and `resume` goes on from it.
    """
    run = open_run(out, config, resume=resume)
    reporter = reporter or Reporter(run.metrics)
    try:
        data = prepare_data(run, config)
        models, encoder = prepare_models(run, config, data, reporter)
        training = _training(run, config, models, encoder, data["train"])
        _reference_logprobs(training.reference, [*data["train"], *data["validation"][:HEALTH_USERS]], reporter)
        _loop(run, training, data["validation"][:HEALTH_USERS], reporter)
    finally:
        reporter.close()
    return run


def _loop(run: RunDirectory, training: Training, validation: Sequence[Example], reporter: Reporter) -> None:
    config, models = training.config, training.models
    start, health = _resumed(run, training, reporter)
    with reporter.stage("joint training", config.run.steps, start) as advance:
        for step in range(start, config.run.steps + 1):
            if step % config.run.evaluate_every == 0 or step == config.run.steps:
                health = _evaluate(run, training, validation, step, health, reporter)
            if step % config.run.save_every == 0 or step == config.run.steps:
                facts = {"config": config.digest(), "health": health.as_json(), "reference": len(training.reference)}
                save_checkpoint(run.checkpoints, step, models, training.optimizers, facts)
            if step < config.run.steps:
                figures = _step(training, step)
                reporter.write("step", step, figures)
                advance(reward=figures["reward"], accuracy=figures["accuracy"])


def _step(training: Training, step: int) -> dict[str, float]:
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
        _take_step(training, "generator", step)
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
            figures["gradient_norm"] = _take_step(training, "summarizer", step)
    ended = time.perf_counter()
    return figures | {
        "seconds": ended - began,
        "seconds_sampling": sampled - began,
        "seconds_generator": judging - sampled,
        "seconds_summarizer": ended - judging,
    }


def _take_step(training: Training, role: str, step: int) -> float:
    """Move one model along the gradient that was left in it; returns the gradient's norm.

    Raises:
        DivergedError: the gradient is not a number; nothing was moved.
    """
    run, optimizer = training.config.run, training.optimizers[role]
    parameters = [parameter for group in optimizer.param_groups for parameter in group["params"]]
    norm = torch.nn.utils.clip_grad_norm_(parameters, MAX_GRADIENT_NORM)
    if not torch.isfinite(norm):
        raise DivergedError(
            f"The {role}'s gradient is not a number at step {step}",
            hint=f"Lower `run.{role}_learning_rate` and start again from the last checkpoint.",
        )
    peak = run.summarizer_learning_rate if role == "summarizer" else run.generator_learning_rate
    for group in optimizer.param_groups:
        group["lr"] = learning_rate(run, peak, step)
    optimizer.step()
    optimizer.zero_grad()
    return float(norm)


def _training(
    run: RunDirectory, config: Config, models: Models, encoder: Encoder, examples: Sequence[Example]
) -> Training:
    return Training(
        config=config,
        models=models,
        encoder=encoder,
        sampler=make_sampler(models, config),
        reference=ReferenceLogprobs(models.reference, encoder, run.reference),
        batches=Batches(examples, config.rollout.users, config.run.seed),
        optimizers={
            # No weight decay: the KL term and the reference already hold the models near their start.
            role: torch.optim.AdamW(policy.learned().values(), weight_decay=0.0)
            for role, policy in models.learners.items()
        },
    )


def make_sampler(models: Models, config: Config) -> Sampler:
    """The decode loop for summaries of this run's length."""
    stops = stop_tokens(models.summarizer, models.tokenizer)
    return DecodeLoop(stops, config.model.max_summary_tokens, models.tokenizer.pad_token_id)


def _resumed(run: RunDirectory, training: Training, reporter: Reporter) -> tuple[int, ChannelHealth]:
    """Where to begin, and what was known of the channel's health by then."""
    checkpoint = run.latest()
    if checkpoint is None:
        return 0, ChannelHealth()
    restore(checkpoint, training.models, training.optimizers)
    reporter.rewind(checkpoint.step - 1)
    reporter.say(f"Going on from step {checkpoint.step}.")
    return checkpoint.step, ChannelHealth.from_json(checkpoint.facts["health"])


def _reference_logprobs(reference: ReferenceLogprobs, examples: Sequence[Example], reporter: Reporter) -> None:
    pairs = [pair for example in examples for pair in example.pairs]
    with reporter.stage("reference", len(pairs)) as advance:
        reference.prepare(pairs, advance)


def _evaluate(
    run: RunDirectory,
    training: Training,
    validation: Sequence[Example],
    step: int,
    before: ChannelHealth,
    reporter: Reporter,
) -> ChannelHealth:
    """Look at unseen users; stop when the generator unlearns to read summaries."""
    look = look_at(training.models, training.encoder, training.sampler, training.reference, validation, training.config)
    reporter.write("evaluation", step, look.figures())
    reporter.say(f"step {step:>5}   {look.line()}")
    write_whole(run.summaries, look.transcript(step))
    return before.after(step, look)


def _figures(judged: Judged, lengths: Sequence[int]) -> dict[str, float]:
    return {
        "reward": judged.rewards.mean().item(),
        "reward_spread": judged.rewards.std(dim=1).mean().item(),
        "loss": judged.loss,
        "accuracy": judged.accuracy,
        "margin": judged.margin,
        "summary_tokens": sum(lengths) / len(lengths),
        "generator_tokens": judged.tokens,
    }


def _summarizer_figures(done: SummarizerPass) -> dict[str, float]:
    return {
        "policy_loss": done.loss,
        "kl": done.kl,
        "clipped": done.clipped,
        "summarizer_tokens": done.tokens,
    }
