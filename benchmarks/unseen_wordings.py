"""How many wordings it takes to read new ones: python -m benchmarks.unseen_wordings [--seed 0]

A classifier that adds up what a text's words, neighbouring words and pieces of words say (Joulin et al., "Bag of Tricks
for Efficient Text Classification", 2017) learns which wish a wording is about and which way it goes, from more and
more of the wordings of trainer/people/wordings/, and is asked about the quarter that nothing is trained on. The last
column: the share of these that it would speak of if it only spoke when so sure that 5 % of what it says is the reverse.
"""

from __future__ import annotations

import argparse
import random
import re
from collections import Counter
from collections.abc import Sequence
from itertools import pairwise

import torch
import torch.nn.functional as F
from rich.console import Console
from rich.table import Table
from torch import Tensor

from popi_sdk.style.facts import ASPECTS
from trainer.people.wordings import phrasebook
from trainer.word_vectors import summed

WISHES = [(aspect, more) for aspect in ASPECTS for more in (True, False)]
SHARES = (0.125, 0.25, 0.5, 1.0)
WIDTH, BATCH, LEARNING_RATE = 96, 128, 1e-2
STEPS = 1_000
LEFT_OUT = 0.3
"""Share of a text's features that the classifier is not shown at each step, so that all of them learn."""

SELDOM = 0.05
"""Share of what is said that may be the reverse of what was meant."""

Labelled = tuple[str, int]
"""A wording and the number of its wish; wishes of one aspect stand side by side, so the reverse of n is n ^ 1."""


def main() -> None:
    """Print a row per share."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    draw = random.Random(arguments.seed)
    torch.manual_seed(arguments.seed)
    known, new = (wordings(unseen=unseen, draw=draw) for unseen in (False, True))
    table = Table(title=f"{len(new):,} wordings that were not trained on, {STEPS:,} steps")
    for column in ("trained on", "right %", "reversed %", "about something else %", "surely %"):
        table.add_column(column, justify="right")
    for share in SHARES:
        trained_on = known[: round(share * len(known))]
        right, reverse, surely = asked(Reader(trained_on, draw), new)
        shares = (right, reverse, 1 - right - reverse, surely)
        table.add_row(f"{len(trained_on):,}", *(f"{100 * one:.1f}" for one in shares))
    Console().print(table)


def wordings(*, unseen: bool, draw: random.Random) -> list[Labelled]:
    """Everything that is said and remarked, shuffled."""
    book = phrasebook(unseen=unseen)
    told = [
        (text, number)
        for number, wish in enumerate(WISHES)
        for text in (*book.wishes[wish].said, *book.wishes[wish].remarked)
    ]
    draw.shuffle(told)
    return told


class Reader:
    """The classifier, trained."""

    def __init__(self, trained_on: Sequence[Labelled], draw: random.Random) -> None:
        counts = Counter(one for text, _ in trained_on for one in features(text))
        self._numbers = {one: number for number, one in enumerate(one for one, times in counts.items() if times > 1)}
        self._vectors = (torch.randn(len(self._numbers), WIDTH) / 100).requires_grad_()
        self._head = torch.nn.Linear(WIDTH, len(WISHES))
        optimizer = torch.optim.Adam([self._vectors, *self._head.parameters()], lr=LEARNING_RATE)
        rows = [(self._known(text), wish) for text, wish in trained_on]
        rows = [row for row in rows if row[0]]
        for _ in range(STEPS):
            some = draw.sample(rows, BATCH)
            seen = [[one for one in row if draw.random() > LEFT_OUT] or row for row, _ in some]
            loss = F.cross_entropy(self._scores(seen), torch.tensor([wish for _, wish in some]))
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()

    @torch.no_grad()
    def wish_of(self, text: str) -> tuple[int, float]:
        """The number of the wish that a text is about, as far as it can tell, and how likely it finds that."""
        likelihood, wish = self._scores([self._known(text) or [0]]).softmax(dim=1)[0].max(dim=0)
        return int(wish), float(likelihood)

    def _known(self, text: str) -> list[int]:
        return [self._numbers[one] for one in features(text) if one in self._numbers]

    def _scores(self, rows: Sequence[Sequence[int]]) -> Tensor:
        return self._head(summed(self._vectors, rows))  # type: ignore[no-any-return]


def features(text: str) -> list[str]:
    """Words, neighbouring words, and pieces of four letters; each once."""
    words = ["^", *re.findall(r"[a-z']+|[^\sa-z]", text.lower()), "$"]
    pieces = (f"<{word}>" for word in words)
    parts = (f"#{piece[start : start + 4]}" for piece in pieces for start in range(max(1, len(piece) - 3)))
    return list(dict.fromkeys((*words, *(" ".join(pair) for pair in pairwise(words)), *parts)))


def asked(reader: Reader, about: Sequence[Labelled]) -> tuple[float, float, float]:
    """Shares of wordings that are understood, that are taken for the reverse, and that it could speak of surely."""
    answers = [(*reader.wish_of(text), wish) for text, wish in about]
    right = sum(answer == wish for answer, _, wish in answers)
    surest_first = sorted(answers, key=lambda one: -one[1])
    reverse, surely = 0, 0
    for spoken, (answer, _, wish) in enumerate(surest_first, 1):
        reverse += answer == wish ^ 1
        if reverse <= SELDOM * spoken:
            surely = spoken
    return right / len(about), reverse / len(about), surely / len(about)


if __name__ == "__main__":
    main()
