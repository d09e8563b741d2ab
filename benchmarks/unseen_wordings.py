"""How well wordings are read that nothing was learnt from: python -m benchmarks.unseen_wordings [--learn]

Asks `popi_sdk.style.asking` about the quarter of the wordings that is kept for evaluation: how often what it finds
likeliest is right or the reverse, and how right it is where it is how sure. With `--learn` it also learns anew from
more and more of what is taught (`trainer/people/asking.py`; some ten minutes), to tell what more wordings would be
worth; the last column is the share of new ones of which it could speak with 5 % of that the reverse.
"""

from __future__ import annotations

import argparse
import random
from collections.abc import Sequence
from itertools import pairwise

import torch
from rich.console import Console
from rich.table import Table

from popi_sdk.style.asking import LANGUAGE, LEAST, NOTHING, Wished, asks
from trainer.config import PeopleConfig
from trainer.people.asking import WISHES, Labelled, learnt, taught, wordings
from trainer.people.splits import dialogues_of

SHARES = (0.125, 0.25, 0.5, 1.0)
SURE = (LEAST, 0.5, 0.7, 0.85, 0.95, 1.01)
SELDOM = 0.05
"""Share of what is said that may be the reverse of what was meant."""


def main() -> None:
    """Print a table, or two."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--learn", action="store_true", help="learn anew from more and more of what is taught")
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    told = wordings("unseen", arguments.seed)
    new = [(text, wish) for text, wish in told if WISHES[wish] not in (LANGUAGE, NOTHING)]
    quiet = [text for text, wish in told if WISHES[wish] == NOTHING]
    Console().print(by_likelihood(new, quiet))
    if arguments.learn:
        Console().print(by_share(new, arguments.seed))


def by_likelihood(new: Sequence[Labelled], quiet: Sequence[str]) -> Table:
    """How right the shipped table is where it is how sure."""
    found = [(asks(text), wish) for text, wish in new]
    first = [(_number(one[0]) if one else -1, wish) for one, wish in found]
    right, reverse = (sum(one == wish ^ turned for one, wish in first) / len(first) for turned in (0, 1))
    title = f"{len(new):,} wordings: {100 * right:.1f} % right, {100 * reverse:.1f} % reversed"
    table = Table(title=f"{title}; and {len(quiet)} without a wish")
    for column in ("likelihood", "told", "right %", "reversed %", "told of those without"):
        table.add_column(column, justify="right")
    of_quiet = [one.likelihood for text in quiet for one in asks(text)]
    for least, most in pairwise(SURE):
        some = [(_number(one), wish) for told, wish in found for one in told if least <= one.likelihood < most]
        shares = (sum(one == wish ^ turned for one, wish in some) / max(1, len(some)) for turned in (0, 1))
        without = sum(least <= likelihood < most for likelihood in of_quiet)
        cells = (f"{100 * share:.1f}" for share in shares)
        table.add_row(f"{least:.2f} to {min(1, most):.2f}", f"{len(some):,}", *cells, str(without))
    return table


def by_share(new: Sequence[Labelled], seed: int) -> Table:
    """What more wordings are worth."""
    draw = random.Random(seed)
    everything = taught(dialogues_of(PeopleConfig()), seed)
    draw.shuffle(everything)
    table = Table(title="Learnt anew")
    for column in ("taught", "right %", "reversed %", "about something else %", "surely %"):
        table.add_column(column, justify="right")
    for share in SHARES:
        some = everything[: round(share * len(everything))]
        right, reverse, surely = _asked(some, new, seed)
        shares = (right, reverse, 1 - right - reverse, surely)
        table.add_row(f"{len(some):,}", *(f"{100 * one:.1f}" for one in shares))
    return table


def _asked(some: Sequence[Labelled], new: Sequence[Labelled], seed: int) -> tuple[float, float, float]:
    """Shares of wordings that are understood, that are taken for the reverse, and that it could speak of surely."""
    scores = learnt(some, seed).scores([text for text, _ in new])
    likelihoods, answers = scores.softmax(dim=1).max(dim=1)
    wishes = torch.tensor([wish for _, wish in new])
    turned = (answers == wishes ^ 1)[likelihoods.argsort(descending=True)].cumsum(0)
    seldom = (turned <= SELDOM * torch.arange(1, len(new) + 1)).nonzero()
    surely = int(seldom[-1]) + 1 if len(seldom) else 0
    right, reverse = (answers == wishes).float().mean().item(), (answers == wishes ^ 1).float().mean().item()
    return right, reverse, surely / len(new)


def _number(one: Wished) -> int:
    return WISHES.index(f"{one.aspect} {one.direction}") if one.aspect != LANGUAGE else WISHES.index(LANGUAGE)


if __name__ == "__main__":
    main()
