"""Supervised learning before reinforcement learning: reading, writing and following summaries in the first place.

Reinforcement learning finds what the start already half knows. A summarizer from scratch first learns to write what the
contrast baseline or the truth says of a user; a generator from scratch learns to answer as a description asks.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Sequence

import torch
from torch import Tensor

from popi_sdk.summarizers.contrast import Contrast
from trainer.config import Config, WarmStartConfig
from trainer.controls import clause_lines
from trainer.data import Example
from trainer.encode import Encoder
from trainer.errors import DivergedError
from trainer.logprobs import leaf_token_logprobs
from trainer.models import Policy
from trainer.prefix_tree import Branch, pack
from trainer.world import guided_answers

NOISY_SHARE = 0.2
"""The last steps, in which the summarizer's targets are noisy: it has learned to read signals by then."""

Target = tuple[Sequence[int], Sequence[int]]
"""A prompt and what should follow it, in tokens."""
Advance = Callable[[int, float], None]
"""Told the step and its loss."""


def warm_start_summarizer(
    summarizer: Policy, encoder: Encoder, examples: Sequence[Example], config: Config, advance: Advance
) -> None:
    """Teach the summarizer the summaries that `warm_start.summarizer` names."""
    settings = config.warm_start
    prompts = [encoder.summarizer_prompt(example) for example in examples]
    texts = [_target(example, settings) for example in examples]
    draw = random.Random(f"{config.run.seed} warm start")

    def batch(step: int) -> list[Target]:
        noise = settings.summarizer_noise if step >= (1 - NOISY_SHARE) * settings.summarizer_steps else 0.0
        chosen = [draw.randrange(len(examples)) for _ in range(settings.batch)]
        return [(prompts[one], encoder.summary_ids(_noisy(texts[one], texts[0], noise, draw))) for one in chosen]

    _learn(summarizer, batch, settings.summarizer_steps, settings.learning_rate, advance)


def warm_start_generator(generator: Policy, encoder: Encoder, config: Config, advance: Advance) -> None:
    """Teach the generator to answer as the simulated world's descriptions ask."""
    settings = config.warm_start
    answers = guided_answers(config.world, config.run.seed)
    _learn(
        generator,
        lambda _: list(_guided(encoder, answers, settings.batch)),
        settings.generator_steps,
        settings.learning_rate,
        advance,
    )


def _guided(encoder: Encoder, answers: Iterator[tuple[str, str, str]], count: int) -> Iterator[Target]:
    for _ in range(count):
        description, question, answer = next(answers)
        yield encoder.generator_prompt(encoder.safe_summary(description), question), encoder.answer(answer)


def _target(example: Example, settings: WarmStartConfig) -> str:
    if settings.summarizer == "oracle":
        return example.oracle
    return clause_lines(Contrast().summarize(example.signals))


def _noisy(text: str, common: str, noise: float, draw: random.Random) -> str:
    """Each clause, with chance `noise`, as the common text has it in its place."""
    default = common.splitlines()
    return "\n".join(
        default[place] if place < len(default) and draw.random() < noise else clause
        for place, clause in enumerate(text.splitlines())
    )


def _learn(
    policy: Policy, batch: Callable[[int], list[Target]], steps: int, learning_rate: float, advance: Advance
) -> None:
    parameters = list(policy.learned().values())
    optimizer = torch.optim.AdamW(parameters, lr=learning_rate, betas=(0.9, 0.98))
    for step in range(steps):
        for group in optimizer.param_groups:
            group["lr"] = learning_rate * min(1.0, (step + 1) / 50) * max(0.1, 1 - step / steps)
        loss = _loss(policy, batch(step))
        if not torch.isfinite(loss):
            raise DivergedError(
                f"The loss of the warm start is not a number at step {step}",
                hint="Lower `warm_start.learning_rate`.",
            )
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(parameters, 1.0)
        optimizer.step()
        advance(step, loss.item())


def _loss(policy: Policy, targets: Sequence[Target]) -> Tensor:
    """Mean negative log-probability per target token."""
    packed = pack([Branch(prompt, (Branch(target),)) for prompt, target in targets], policy.device)
    values: Tensor = policy(lambda lm: leaf_token_logprobs(lm, packed))
    return -values.mean()
