"""How the SDK learns what people's words ask for: from the wordings that are taught, to `popi_sdk/style/asking.bin`.

    wordings, crossed ones, talk without a wish -> features (popi_sdk/style/asking.py) -> classifiers, each on a part of
    the features -> their mean, one linear classifier -> as sure as it is right of wordings it was not taught -> bytes

What simulated people say while a summarizer learns is not among what is taught here (`phrasebook("spoken")`), but for
the clauses in profiles and real dialogues: it has to learn how far such readings can be trusted, and of wordings known
by heart they always can.
"""

from __future__ import annotations

import hashlib
import random
import sys
from array import array
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor

from popi_sdk.signals import Conversation
from popi_sdk.style.asking import LANGUAGE, LONGEST, NOTHING, TABLE, Header, features, hashed
from popi_sdk.style.facts import ASPECTS
from popi_sdk.style.languages import LANGUAGES
from trainer.people.showing import CITIES, JOBS
from trainer.people.wordings import Part, phrasebook
from trainer.whole import write_whole

WISHES = (*(f"{aspect} {direction}" for aspect in ASPECTS for direction in ("more", "less")), LANGUAGE, NOTHING)
"""The classes; wishes of one aspect stand side by side."""
CROSSED = 150
"""Crossed wordings of each wish that are taught beside the written ones."""
LANGUAGES_EACH = 6
"""Languages that are put into each frame that asks for one."""
TURNS = 6_000
"""Turns of real dialogues among what asks for nothing."""
CLASSIFIERS = 4
SEEN = 0.7
"""Share of the features that each classifier knows."""
LEFT_OUT = 0.3
"""Share of a text's features that are not shown at each step, so that all of them learn and not the surest alone."""
WIDTH, EPOCHS, BATCH, LEARNING_RATE = 64, 5, 128, 1e-2
FEWEST = 2
"""Texts that a feature must stand in."""
TEMPERATURES = tuple(0.5 + 0.05 * step for step in range(51))
HIGHEST = 127

Labelled = tuple[str, int]
"""A text and the number of what it asks for."""


def write_table(
    dialogues: Sequence[Conversation], seed: int = 0, *, path: Path = TABLE, advance: Callable[[], None] = lambda: None
) -> None:
    """Learn from all wordings that are taught and write the table; `advance` is told of each epoch."""
    learned = learnt(taught(dialogues, seed), seed, advance)
    spoken = wordings("spoken", seed)
    scores = learned.scores([text for text, _ in spoken])
    temperature = _temperature(scores, torch.tensor([wish for _, wish in spoken]))
    write_whole(path, _as_bytes(learned, temperature))


def taught(dialogues: Sequence[Conversation], seed: int) -> list[Labelled]:
    """Everything that is learnt from."""
    draw, book = random.Random(f"{seed} taught"), phrasebook("taught")
    told = wordings("taught", seed)
    for number, wish in enumerate(_wishes()):
        told += [(text, number) for text in book.wishes[wish].clauses]
        told += [(book.crossed(*wish, draw), number) for _ in range(CROSSED)]
    told += [(f"language: {name}", WISHES.index(LANGUAGE)) for name in LANGUAGES]
    told += [(f"occupation: {job}", WISHES.index(NOTHING)) for job in JOBS]
    told += [(f"city: {city}", WISHES.index(NOTHING)) for city in CITIES]
    turns = [turn.text for talk in dialogues for turn in talk.messages if len(turn.text.split()) <= LONGEST]
    told += [(text, WISHES.index(NOTHING)) for text in draw.sample(turns, min(TURNS, len(turns)))]
    return told


def wordings(part: Part, seed: int) -> list[Labelled]:
    """What is said and remarked in a part of the wordings, with and without a wish."""
    draw, book = random.Random(f"{seed} {part}"), phrasebook(part)
    told = [
        (text, number)
        for number, wish in enumerate(_wishes())
        for text in (*book.wishes[wish].said, *book.wishes[wish].remarked)
    ]
    asking = WISHES.index(LANGUAGE)
    for frame in (*book.language.said, *book.language.remarked):
        told += [(frame.format(language=name), asking) for name in draw.sample(sorted(LANGUAGES), LANGUAGES_EACH)]
    return told + [(text, WISHES.index(NOTHING)) for text in (*book.quiet.said, *book.quiet.remarked)]


def wordings_digest() -> str:
    """Tells whether a table was learnt from the wordings as they are."""
    book = phrasebook("taught")
    told = [text for _, text in sorted((number, text) for text, number in wordings("taught", 0))]
    told += [text for wish in _wishes() for text in book.wishes[wish].clauses]
    return hashlib.sha256("\0".join(told).encode()).hexdigest()[:16]


@dataclass(frozen=True, eq=False)
class Classifier:
    """A linear classifier over features."""

    weights: Tensor
    """`[features, wishes]`"""
    bias: Tensor
    """`[wishes]`"""
    features: Sequence[int]
    """The number of each feature, ascending."""

    def scores(self, texts: Sequence[str]) -> Tensor:
        """`[texts, wishes]`, the way the SDK computes them from the file."""
        places = {number: place for place, number in enumerate(self.features)}
        rows = [[places[number] for number in hashed(features(text)) if number in places] for text in texts]
        return torch.stack([self.weights[row].sum(0) / max(1, len(row)) ** 0.5 + self.bias for row in rows])


def learnt(told: Sequence[Labelled], seed: int, advance: Callable[[], None] = lambda: None) -> Classifier:
    """The mean of several classifiers, each of which knows a part of the features."""
    texts = [hashed(features(text)) for text, _ in told]
    counts = Counter(number for text in texts for number in text)
    numbers = sorted(number for number, times in counts.items() if times >= FEWEST)
    known = {number: place for place, number in enumerate(numbers)}
    rows = [torch.tensor([known[number] for number in text if number in known]) for text in texts]
    labels = torch.tensor([wish for _, wish in told])
    some = [place for place, row in enumerate(rows) if len(row)]
    rows, labels = [rows[place] for place in some], labels[some]
    weights, bias = torch.zeros(len(numbers), len(WISHES)), torch.zeros(len(WISHES))
    for number in range(CLASSIFIERS):
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(random.Random(f"{seed} classifier {number}").getrandbits(32))
            one, its_bias = _classifier(rows, labels, len(numbers), advance)
        weights += one / CLASSIFIERS
        bias += its_bias / CLASSIFIERS
    return Classifier(weights, bias, numbers)


def _classifier(
    rows: Sequence[Tensor], labels: Tensor, size: int, advance: Callable[[], None]
) -> tuple[Tensor, Tensor]:
    """A linear classifier of low rank over a random part of the features."""
    seen = (torch.rand(size) < SEEN).float()
    vectors = (torch.randn(size, WIDTH) / 100).requires_grad_()
    head = torch.nn.Linear(WIDTH, len(WISHES))
    optimizers = (
        torch.optim.SparseAdam([vectors], lr=LEARNING_RATE),
        torch.optim.Adam(head.parameters(), lr=LEARNING_RATE),
    )
    steps = len(rows) // BATCH
    for epoch in range(EPOCHS):
        for step, places in enumerate(torch.randperm(len(rows))[: steps * BATCH].view(steps, BATCH)):
            for optimizer in optimizers:
                optimizer.param_groups[0]["lr"] = LEARNING_RATE * (1 - (epoch + step / steps) / EPOCHS)
                optimizer.zero_grad()
            some = [rows[place] for place in places.tolist()]
            lengths, flat = torch.tensor([len(row) for row in some]), torch.cat(some)
            shown = seen[flat] * (torch.rand(len(flat)) > LEFT_OUT)
            summed = F.embedding_bag(
                flat, vectors, lengths.cumsum(0) - lengths, mode="sum", sparse=True, per_sample_weights=shown
            )
            F.cross_entropy(head(summed / lengths[:, None].sqrt()), labels[places]).backward()
            for optimizer in optimizers:
                optimizer.step()
        advance()
    with torch.no_grad():
        return seen[:, None] * (vectors @ head.weight.T), head.bias.detach()


def _temperature(scores: Tensor, labels: Tensor) -> float:
    """What scores have to be divided by to be as sure as they are right."""
    return min(TEMPERATURES, key=lambda one: F.cross_entropy(scores / one, labels).item())


def _as_bytes(learned: Classifier, temperature: float) -> bytes:
    """The file, as `popi_sdk.style.asking` tells."""
    weights = learned.weights / temperature
    scale = weights.abs().amax(0).clamp(min=1e-9) / HIGHEST
    header = Header(
        wordings=wordings_digest(),
        features=len(learned.features),
        wishes=WISHES,
        bias=tuple((learned.bias / temperature).tolist()),
        scale=tuple(scale.tolist()),
    )
    places = array("I", learned.features)
    if sys.byteorder == "big":
        places.byteswap()
    steps = (weights / scale).round().to(torch.int8)
    return header.model_dump_json().encode() + b"\n" + places.tobytes() + steps.numpy().tobytes()


def _wishes() -> list[tuple[str, bool]]:
    return [(aspect, more) for aspect in ASPECTS for more in (True, False)]
