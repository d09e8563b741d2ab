"""Supervised learning before reinforcement learning: reading, writing and following summaries in the first place.

Reinforcement learning finds what the start already half knows. A summarizer from scratch first learns to write what the
contrast baseline or the truth says of a user; a generator from scratch learns to answer as a description asks.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import islice, repeat
from typing import Any, NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.optim import Optimizer

from popi_sdk.summarizers.contrast import Contrast
from trainer.config import Config, PretrainConfig, RefreshConfig, WarmStartConfig
from trainer.controls import clause_lines
from trainer.data import Example
from trainer.encode import Encoder
from trainer.errors import DivergedError
from trainer.logprobs import leaf_token_logprobs
from trainer.models import Policy
from trainer.muon import Muon
from trainer.prefix_tree import Branch, pack
from trainer.streaming import cut, worn

NOISY_SHARE = 0.2
"""The last steps, in which the summarizer's targets are noisy: it has learned to read signals by then."""

Target = tuple[Sequence[int], Sequence[int]]
"""A prompt and what should follow it, in tokens."""
OpposedTarget = tuple[Sequence[int], Sequence[int], Sequence[int]]
"""A prompt, what should follow it, and what should not."""


@dataclass(frozen=True, slots=True)
class People:
    """Whom a summarizer learns from."""

    endless: Iterator[Example]
    common: str
    """What noise makes it say of everyone."""
    draw: random.Random
    """Decides where there is noise."""

    @classmethod
    def again(cls, examples: Sequence[Example], settings: WarmStartConfig, seed: int) -> People:
        """The same ones again and again, at random."""
        draw = random.Random(f"{seed} warm start")
        endless = (examples[draw.randrange(len(examples))] for _ in repeat(None))
        return cls(endless, target_of(examples[0], settings), draw)


class Described(NamedTuple):
    """An answer with what a summary would say of it; answers are in the form that the generator is shown."""

    description: str
    question: str
    answer: str
    opposite: str = ""
    """The same answer but for what is described, of which it is the opposite."""


Advance = Callable[[int, float], None]
"""Told the step and its loss."""


def warm_start_summarizer(
    summarizer: Policy, encoder: Encoder, people: People, config: Config, advance: Advance
) -> None:
    """Teach the summarizer the summaries of `people` that `warm_start.summarizer` names."""
    settings = config.warm_start

    def loss(step: int) -> Tensor:
        noise = settings.summarizer_noise if step >= (1 - NOISY_SHARE) * settings.summarizer_steps else 0.0
        met = list(islice(people.endless, settings.batch))
        texts = [_noisy(target_of(one, settings), people.common, noise, people.draw) for one in met]
        shown = _shown(met, settings, people.draw)
        prompts = [encoder.summarizer_prompt(one) for one in shown]
        return target_loss(summarizer, list(zip(prompts, map(encoder.summary_ids, texts), strict=True)))

    learn(summarizer, loss, settings.summarizer_steps, make_optimizers(summarizer, settings), advance)


def warm_start_generator(
    generator: Policy, encoder: Encoder, answers: Iterator[Described], config: Config, advance: Advance
) -> None:
    """Teach the generator to answer as descriptions ask, and not the opposite where that is known."""
    settings = config.warm_start

    def loss(_: int) -> Tensor:
        return described_loss(generator, encoder, list(islice(answers, settings.batch)))

    learn(generator, loss, settings.generator_steps, make_optimizers(generator, settings), advance)


def described_loss(generator: Policy, encoder: Encoder, some: Sequence[Described]) -> Tensor:
    """How badly the generator answers as described, and prefers that to the opposite where that is known."""
    plain = [_guided(encoder, one) for one in some if not one.opposite]
    paired = [(*_guided(encoder, one), encoder.ended(one.opposite)) for one in some if one.opposite]
    return opposed_loss(generator, plain, paired) if paired else target_loss(generator, plain)


def pretrain(model: Policy, tokenizer: Any, texts: Iterator[str], config: Config, advance: Advance) -> None:
    """Teach a model from scratch to continue texts."""
    settings, end = config.pretrain, tokenizer.eos_token_id

    def loss(_: int) -> Tensor:
        chosen = list(islice(texts, settings.batch))
        rows = tokenizer(chosen, add_special_tokens=False)["input_ids"]
        return target_loss(model, [([end], [*row, end][: settings.length]) for row in rows])

    learn(model, loss, settings.steps, make_optimizers(model, settings), advance)


def _guided(encoder: Encoder, one: Described) -> Target:
    return encoder.generator_prompt(encoder.safe_summary(one.description), one.question), encoder.ended(one.answer)


def target_of(example: Example, settings: WarmStartConfig) -> str:
    """What the summarizer shall learn to say of a user."""
    if settings.summarizer == "oracle":
        return example.oracle
    if settings.summarizer == "evident":
        return example.evident
    return clause_lines(Contrast().summarize(example.signals))


def _shown(met: Sequence[Example], settings: WarmStartConfig, draw: random.Random) -> list[Example]:
    """The users as the summarizer is shown them, some of them by a worn summary of their earlier signals."""
    shown = []
    for place, one in enumerate(met):
        if settings.updates and draw.random() < settings.updates:
            earlier, newer = cut(one, draw)
            known = worn(target_of(earlier, settings), target_of(met[place - 1], settings), draw)
            shown.append(replace(newer, previous=known))
        else:
            shown.append(one)
    return shown


def _noisy(text: str, common: str, noise: float, draw: random.Random) -> str:
    """Each clause, with chance `noise`, as the common text has it in its place."""
    default = common.splitlines()
    return "\n".join(
        default[place] if place < len(default) and draw.random() < noise else clause
        for place, clause in enumerate(text.splitlines())
    )


def learn(
    policy: Policy, loss_at: Callable[[int], Tensor], steps: int, optimizers: Sequence[Optimizer], advance: Advance
) -> None:
    """Take `steps` steps along the gradient of what `loss_at` gives for each, at rates that rise and then fall.

    Raises:
        DivergedError: a loss is not a number.
    """
    highest = [group["lr"] for optimizer in optimizers for group in optimizer.param_groups]
    rising = min(50, steps // 10 + 1)
    for step in range(steps):
        for group, rate in zip((g for one in optimizers for g in one.param_groups), highest, strict=True):
            group["lr"] = rate * min(1.0, (step + 1) / rising) * max(0.1, 1 - step / steps)
        loss = loss_at(step)
        if not torch.isfinite(loss):
            raise DivergedError(f"The loss is not a number at step {step}", hint="Lower `learning_rate` of this stage.")
        for optimizer in optimizers:
            optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(policy.learned().values(), 1.0)
        for optimizer in optimizers:
            optimizer.step()
        advance(step, loss.item())


def make_optimizers(policy: Policy, settings: PretrainConfig | WarmStartConfig | RefreshConfig) -> list[Optimizer]:
    """AdamW for all; or Muon for the matrices inside the layers, and AdamW at a third of its rate for the rest."""
    named = policy.learned()
    if settings.optimizer == "adamw":
        return [torch.optim.AdamW(named.values(), lr=settings.learning_rate, betas=(0.9, 0.98))]
    matrices = {name for name, value in named.items() if value.ndim == 2 and "embed" not in name}
    rest = [value for name, value in named.items() if name not in matrices]
    return [
        Muon([named[name] for name in sorted(matrices)], lr=settings.learning_rate),
        torch.optim.AdamW(rest, lr=settings.learning_rate / 3, betas=(0.9, 0.98)),
    ]


def target_loss(policy: Policy, targets: Sequence[Target]) -> Tensor:
    """Mean negative log-probability per target token."""
    packed = pack([Branch(prompt, (Branch(target),)) for prompt, target in targets], policy.device)
    values: Tensor = policy(lambda lm: leaf_token_logprobs(lm, packed))
    return -values.mean()


def opposed_loss(policy: Policy, plain: Sequence[Target], paired: Sequence[OpposedTarget]) -> Tensor:
    """`target_loss` of all targets, and the preference loss of each paired target over its opposite.

    Likelihood alone learns slowly what a description changes, as most of an answer's tokens do not depend on it; of a
    pair that differs in nothing else, each learns that and nothing else.
    """
    trees = [Branch(prompt, (Branch(target), Branch(opposite))) for prompt, target, opposite in paired]
    trees += [Branch(prompt, (Branch(target),)) for prompt, target in plain]
    packed = pack(trees, policy.device)
    values: Tensor = policy(lambda lm: leaf_token_logprobs(lm, packed))
    sums = packed.per_leaf(values)
    both, alone = sums[: 2 * len(paired)].view(-1, 2), sums[2 * len(paired) :]
    tokens = sum(len(target) for _, target, _ in paired) + sum(len(target) for _, target in plain)
    return -(both[:, 0].sum() + alone.sum()) / tokens - F.logsigmoid(both[:, 0] - both[:, 1]).mean()
