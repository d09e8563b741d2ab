"""A base model from scratch: its tokenizer, embeddings from counted words, and its pretraining.

All of it on the run's own texts, for where no weights can be downloaded. What a generator from scratch then learns to
answer descriptions from stands here too, as the tokenizer has to cut it well.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from itertools import islice, starmap
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from transformers import PreTrainedModel, PreTrainedTokenizerFast

from popi_sdk.render import render
from popi_sdk.templates import Templates
from trainer.config import Config
from trainer.data import Example
from trainer.encode import View
from trainer.models import Policy
from trainer.people.splits import answers_by_split, dialogues_of
from trainer.people.texts import described_answers, described_levels, plain_texts, real_texts
from trainer.progress import Reporter
from trainer.scratch import scratch_model, scratch_tokenizer
from trainer.warm_start import Described, pretrain
from trainer.word_vectors import word_vectors
from trainer.world import guided_answers

SCRATCH_WINDOW = 2_048
EMBEDDING_STD = {"adamw": None, "muon": 0.1}
"""Size of random embeddings by optimizer: larger than usual where the matrices between them learn by Muon."""
TOKENIZER_EXAMPLES = 300
"""Users, and answers, whose texts a tokenizer from scratch is trained on."""


def make_base(
    config: Config,
    templates: Templates,
    examples: Sequence[Example],
    device: torch.device,
    draft: Path,
    reporter: Reporter,
) -> None:
    """Make the tokenizer and the weights that both roles begin from, and write them to `draft`."""
    tokenizer = scratch_tokenizer(_texts(config, templates, examples), config.model.vocabulary)
    seed = random.Random(f"{config.run.seed} scratch").getrandbits(32)
    lm = untaught_model(config, tokenizer, seed)
    if config.pretrain.counted_texts:
        _begin_with_word_vectors(lm, tokenizer, config, templates, examples)
    if config.pretrain.steps:
        model = Policy(lm.to(device), learns=True)  # type: ignore[arg-type]
        with reporter.stage("pretraining", config.pretrain.steps) as advance:
            texts = _plain_texts(config, templates, examples)
            pretrain(model, tokenizer, texts, config, lambda _, loss: advance(loss=loss))
    tokenizer.save_pretrained(str(draft))
    lm.cpu().save_pretrained(str(draft))


def untaught_model(config: Config, tokenizer: PreTrainedTokenizerFast, seed: int) -> PreTrainedModel:
    """Random weights of the size that `config` asks for, as its optimizer wants to find them."""
    return scratch_model(
        tokenizer,
        hidden=config.model.hidden,
        layers=config.model.layers,
        window=SCRATCH_WINDOW,
        seed=seed,
        embedding_std=EMBEDDING_STD[config.warm_start.optimizer],
    )


def _begin_with_word_vectors(
    lm: Any, tokenizer: Any, config: Config, templates: Templates, examples: Sequence[Example]
) -> None:
    """Put word vectors in the place of random embeddings, as long as those are; words in no text keep theirs."""
    if config.data.folder == "people":
        answers = answers_by_split(config.people.answers)["train"]
        texts = real_texts(answers, dialogues_of(config.people), config.run.seed)
    else:
        texts = _plain_texts(config, templates, examples)
    embeddings: Tensor = lm.get_input_embeddings().weight.data
    counted = islice(texts, config.pretrain.counted_texts)
    vectors = word_vectors(tokenizer, counted, embeddings.shape[1], config.run.seed)
    found = vectors.any(dim=1)
    embeddings[found] = vectors[found] * embeddings.norm(dim=1).mean()


def _texts(config: Config, templates: Templates, examples: Sequence[Example]) -> Iterator[str]:
    """What a tokenizer from scratch has to cut well: prompts, summaries and answers."""
    view, text_tokens = View.of(config.model), config.data.text_tokens or None
    for example in examples[:TOKENIZER_EXAMPLES]:
        rendered = render(
            example.signals,
            max_summary_tokens=config.model.max_summary_tokens,
            text_tokens=text_tokens,
            templates=templates,
        )
        yield from (message["content"] for message in rendered.messages)
        for pair in example.pairs:
            yield from (view.question(pair.prompt), view.answer(pair.chosen), view.answer(pair.rejected))
        yield templates.render("generation_system", clauses=example.oracle.splitlines())
    if config.warm_start.generator_steps:
        for one in islice(described(config), TOKENIZER_EXAMPLES):
            yield "\n".join((one.description, view.question(one.question), one.answer))
    if config.data.folder == "people":
        texts = plain_texts(
            answers_by_split(config.people.answers)["train"], dialogues_of(config.people), config.run.seed
        )
        yield from (text for kind, text in islice(texts, 20 * TOKENIZER_EXAMPLES) if kind != "answers")
    yield "system user assistant"


def _plain_texts(config: Config, templates: Templates, examples: Sequence[Example]) -> Iterator[str]:
    """Endless texts to learn the language from."""
    if config.data.folder == "people":
        view = View.of(config.model)
        answers = answers_by_split(config.people.answers)["train"]
        for kind, text in plain_texts(answers, dialogues_of(config.people), config.run.seed):
            yield view.answer(text) if kind == "answers" else text
    while True:
        yield from _texts(config, templates, examples)


def described(config: Config) -> Iterator[Described]:
    """What a generator learns to follow descriptions from."""
    if config.data.folder == "people":
        answers, view = answers_by_split(config.people.answers)["train"], View.of(config.model)
        if view.answers == "levels":
            return starmap(Described, described_levels(answers, config.run.seed))
        described = described_answers(answers, config.run.seed)
        return (Described(said, question, view.answer(answer)) for said, question, answer in described)
    return starmap(Described, guided_answers(config.world, config.run.seed))
