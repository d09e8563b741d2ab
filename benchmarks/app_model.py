"""The open language model of the app in `benchmarks.app_weeks`: it reads and follows every wish, and knows no user.

No weights can be downloaded where this runs, so what any open model knows of the language is taught here in seconds:
answers that follow a description, for all wishes and in all wordings, those of later weeks too. What it has to learn
from users, and what goes out of date, is what a user's choices say about that user.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

import torch

from benchmarks.app_weeks import ALL, ALL_QUESTIONS, SAYINGS, answer_of, week_of
from popi_sdk.render import render
from popi_sdk.templates import load_templates
from trainer.base import SCRATCH_WINDOW, TOKENIZER_EXAMPLES, untaught_model
from trainer.config import Config
from trainer.models import Policy
from trainer.scratch import scratch_tokenizer
from trainer.stages import encoder_for
from trainer.warm_start import Described, warm_start_generator
from trainer.world import DIMENSIONS


def write_model(folder: Path, config: Config, steps: int, seed: int) -> None:
    """Make a model as `config` says, teach it for so many steps, and write it with its tokenizer to `folder`."""
    start = config.warm_start.model_copy(update={"generator_steps": steps})
    config = config.model_copy(update={"warm_start": start})
    tokenizer = scratch_tokenizer(_texts(config, seed), config.model.vocabulary)
    lm = untaught_model(config, tokenizer, seed)
    torch.manual_seed(seed)
    encoder = encoder_for(tokenizer, SCRATCH_WINDOW, config, load_templates(config.model.templates))
    warm_start_generator(Policy(lm, learns=True), encoder, described(seed), config, lambda *_: None)
    tokenizer.save_pretrained(str(folder))
    lm.save_pretrained(str(folder))


def described(seed: int) -> Iterator[Described]:
    """Endless answers with what a summary would say of them; a quarter of the descriptions are empty."""
    draw = random.Random(f"{seed} language")
    while True:
        sides = {dimension: draw.randrange(2) for dimension in ALL}
        said = draw.sample(ALL, draw.randint(1, len(ALL)))
        wishes = [
            draw.choice((SAYINGS[dimension][sides[dimension]], DIMENSIONS[dimension][sides[dimension]].clause))
            for dimension in said
        ]
        answer = answer_of(draw, sides, week=draw.randint(1, 2))
        yield Described("" if draw.random() < 0.25 else "\n".join(wishes), draw.choice(ALL_QUESTIONS), answer)


def _texts(config: Config, seed: int) -> Iterator[str]:
    """What the tokenizer has to cut well: prompts of both roles, wishes and answers."""
    templates = load_templates(config.model.templates)
    for one in islice(described(seed), TOKENIZER_EXAMPLES):
        yield "\n".join((one.description, one.question, one.answer))
    for number in range(20):
        signals = week_of(seed, -number, 2)
        rendered = render(signals, max_summary_tokens=config.model.max_summary_tokens, templates=templates)
        yield from (message["content"] for message in rendered.messages)
    yield templates.render("generation_system", clauses=["Be formal."])
    yield "system user assistant"
