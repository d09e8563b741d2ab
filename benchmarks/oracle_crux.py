"""Can a small generator that is told the truth about a user rank two real answers? python -m benchmarks.oracle_crux

The question on which an embedded summarizer rests, asked before anything longer is trained. Each row trains a generator
from scratch for the same time and lets it rank pairs of real answers to unseen tasks, chosen by simulated people with 3
to 5 wishes: told the person's own oracle description, another person's, or nothing. Pairs are mirrored, so no answer is
good for everyone. Accuracies are per cent, of margins against the generator after supervised learning and without a
description; `per token` divides log-probabilities by the answers' tokens. `linear` is the ceiling: what the directions
of a person's wishes say by measured style.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice, starmap
from tempfile import TemporaryDirectory
from typing import Literal

import torch
from rich.console import Console
from rich.table import Table
from torch.optim import Optimizer

from popi_sdk.style.facts import ASPECTS
from popi_sdk.summary import NOTHING
from trainer.config import Config, load_config
from trainer.controls import oracle_summaries, swapped
from trainer.data import Example
from trainer.encode import Encoder
from trainer.losses import margin, preference_loss
from trainer.models import Policy, load_language_model, load_tokenizer
from trainer.people.answers import Answers
from trainer.people.ceiling import best_linear_accuracy
from trainer.people.choosing import Population, Simulated, simulate
from trainer.people.splits import answers_by_split
from trainer.people.texts import described_answers, described_levels
from trainer.reference import ReferenceLogprobs
from trainer.run_directory import run_templates
from trainer.scoring import PairScorer, ranked_right
from trainer.scratch import scratch_model, scratch_tokenizer
from trainer.stages import encoder_for
from trainer.updates import pair_logprobs
from trainer.warm_start import Described, described_loss, make_optimizers

WINDOW = 4_096
PAIRS_EACH = 4


@dataclass(frozen=True)
class Row:
    """One way to train the generator."""

    name: str
    answers: Literal["whole", "text", "levels", "levels and text"]
    tokens: int = 16
    preference: float = 0.0
    """Share of the time that goes to preference learning, after supervised learning."""
    wishes: tuple[int, int] = (3, 5)
    mirrored: bool = True
    crossed: Literal["", "crossed", "opposed"] = ""
    """Levels drawn from many answers (`described_levels`), without or with their opposites."""


ROWS = (
    Row("head and tail of 48 tokens", "text", 48),
    Row("all of up to 300 tokens", "text", 300),
    Row("levels of style", "levels"),
    Row("levels, and head and tail of 24", "levels and text", 24),
    Row("head and tail, half preference", "text", 48, preference=0.5),
    Row("levels, half preference", "levels", preference=0.5),
    Row("the same, not mirrored", "levels", preference=0.5, mirrored=False),
    Row("levels, crossed", "levels", crossed="crossed"),
    Row("levels, crossed, with opposites", "levels", crossed="opposed"),
    Row("the same, 1 wish each", "levels", crossed="opposed", wishes=(1, 1)),
    Row("the same, 8 wishes each", "levels", crossed="opposed", wishes=(8, 8)),
)


def main() -> None:
    """Print one row after another, then the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=150, help="training time of each row")
    parser.add_argument("--hidden", type=int, default=128)
    parser.add_argument("--layers", type=int, default=4)
    parser.add_argument("--pairs", type=int, default=1_000, help="pairs to rank")
    parser.add_argument("--only", type=int, nargs="*", help="rows by number, from 0")
    arguments = parser.parse_args()
    config = load_config("embedded-cpu")
    table = Table("trained on", "oracle", "per token", "swapped", "none", "linear", "texts seen")
    for number, row in enumerate(ROWS):
        if arguments.only is None or number in arguments.only:
            figures = run(row, config, arguments)
            table.add_row(row.name, *figures)
            print(row.name, *figures, flush=True)
    Console(width=120).print(table)


def run(row: Row, config: Config, arguments: argparse.Namespace) -> list[str]:
    """Train one generator and measure it."""
    torch.manual_seed(0)
    shown = config.model.model_copy(update={"answers": row.answers, "answer_tokens": row.tokens})
    config = config.model_copy(update={"model": shown})
    answers = answers_by_split(config.people.answers)
    generator, reference, encoder = _scratch(config, arguments.hidden, arguments.layers)
    described = _described(row, answers["train"], encoder)
    supervised = arguments.seconds * (1 - row.preference)
    seen = _supervise(generator, encoder, described, config, supervised)
    reference.load_state_dict(generator.state_dict())
    scorer = PairScorer(generator, encoder, ReferenceLogprobs(reference, encoder))
    if row.preference:
        people = _people(answers["train"], row, 4_000, seed=0)
        seen += _prefer(scorer, [one.example for one in people], config.objective.beta, arguments.seconds - supervised)
    people = _people(answers["test"], row, arguments.pairs // PAIRS_EACH, seed=1)
    linear = best_linear_accuracy(people, answers["test"], [[] for _ in people])["directions"].mean
    return [*_figures(scorer, [one.example for one in people]), f"{linear:.1%}", f"{seen:,}"]


def _scratch(config: Config, hidden: int, layers: int) -> tuple[Policy, Policy, Encoder]:
    """A generator from scratch, another to keep its start, and their encoder."""
    templates = run_templates(config)
    answers = answers_by_split(config.people.answers)["train"]
    with TemporaryDirectory() as folder:
        tokenizer = scratch_tokenizer(_texts(config, answers), config.model.vocabulary)
        lm = scratch_model(tokenizer, hidden=hidden, layers=layers, window=WINDOW, seed=0, embedding_std=0.1)
        tokenizer.save_pretrained(folder)
        lm.save_pretrained(folder)
        cpu = torch.device("cpu")
        roles = [Policy(load_language_model(folder, cpu, torch.float32), learns=learns) for learns in (True, False)]
        encoder = encoder_for(load_tokenizer(folder), WINDOW, config, templates)
    return roles[0], roles[1], encoder


def _texts(config: Config, answers: Answers) -> Iterator[str]:
    view = encoder_for(None, WINDOW, config, run_templates(config)).view
    for said, asked, text in islice(described_answers(answers, 0), 3_000):
        yield "\n".join((said, view.question(asked), view.answer(text)))


def _people(answers: Answers, row: Row, users: int, seed: int) -> list[Simulated]:
    population = Population(
        users=users, signals=0, pairs=PAIRS_EACH, noise=0.0, wishes_per_user=row.wishes, aspects=ASPECTS,
        mirrored=row.mirrored,
    )  # fmt: skip
    return simulate(answers, population, seed=seed)


def _described(row: Row, answers: Answers, encoder: Encoder) -> Iterator[Described]:
    if not row.crossed:
        return (
            Described(said, asked, encoder.view.answer(text)) for said, asked, text in described_answers(answers, 0)
        )
    crossed = starmap(Described, described_levels(answers, 0))
    return crossed if row.crossed == "opposed" else (one._replace(opposite="") for one in crossed)


def _supervise(
    generator: Policy, encoder: Encoder, described: Iterator[Described], config: Config, seconds: float
) -> int:
    """Learn to answer as described until the time is over; how many answers that were."""

    def loss(batch: int) -> torch.Tensor:
        return described_loss(generator, encoder, list(islice(described, batch)))

    return _learn(make_optimizers(generator, config.warm_start), loss, 32, seconds)


def _prefer(scorer: PairScorer, examples: Sequence[Example], beta: float, seconds: float) -> int:
    """Learn from held-out pairs of people to train on, told their oracle descriptions; how many answers that were."""
    place = 0

    def loss(batch: int) -> torch.Tensor:
        nonlocal place
        chosen = [examples[(place + number) % len(examples)] for number in range(batch // (2 * PAIRS_EACH))]
        place += len(chosen)
        summaries = [scorer.encoder.as_it_is(one.oracle) for one in chosen]
        jobs = [(summary, one.pairs) for summary, one in zip(summaries, chosen, strict=True)]
        scores = pair_logprobs(scorer.generator, scorer.encoder, jobs)[0]
        known = scorer.reference.of([pair for one in chosen for pair in one.pairs]).float()
        return preference_loss(margin(scores[:, 0], scores[:, 1], known[:, 0], known[:, 1]), "dpo", beta).mean()

    optimizer = torch.optim.AdamW(scorer.generator.parameters(), lr=1e-3, betas=(0.9, 0.98))
    return _learn([optimizer], loss, 64, seconds)


def _learn(optimizers: Sequence[Optimizer], loss: Callable[[int], torch.Tensor], batch: int, seconds: float) -> int:
    groups = [group for optimizer in optimizers for group in optimizer.param_groups]
    highest = [group["lr"] for group in groups]
    start, seen = time.perf_counter(), 0
    while (elapsed := time.perf_counter() - start) < seconds:
        for group, rate in zip(groups, highest, strict=True):
            group["lr"] = rate * min(1.0, (seen / batch + 1) / 50) * max(0.1, 1 - elapsed / seconds)
        for optimizer in optimizers:
            optimizer.zero_grad()
        loss(batch).backward()
        torch.nn.utils.clip_grad_norm_([value for group in groups for value in group["params"]], 1.0)
        for optimizer in optimizers:
            optimizer.step()
        seen += batch
    return seen


def _figures(scorer: PairScorer, examples: Sequence[Example]) -> list[str]:
    oracle = oracle_summaries(examples, scorer.encoder)
    assert oracle is not None
    others = swapped(examples, oracle)
    assert others is not None
    found = []
    for summaries in (oracle, others, [NOTHING] * len(examples)):
        scored = scorer.scored(examples, summaries)
        found.append([ranked_right(torch.cat(each)).mean() for each in
                      ([one.margins for one in scored], [one.per_token for one in scored])])  # fmt: skip
    return [f"{found[0][0]:.1%}", f"{found[0][1]:.1%}", f"{found[1][0]:.1%}", f"{found[2][0]:.1%}"]


if __name__ == "__main__":
    main()
