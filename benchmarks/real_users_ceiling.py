"""How much can be learnt about simulated users over real texts: python -m benchmarks.real_users_ceiling [--users 200]

The users are those of trainer/people/choosing.py, over unseen tasks of ../shared/data/answers.jsonl.xz. Each row is
another world; the columns are held-out accuracies of linear models on measured style (trainer/people/ceiling.py), in
per cent: told the user's weights or their directions, fitted to the user's signals, contrast's clauses taken at their
word, and fitted to all users at once. Then how many of contrast's clauses are right, and how many of the wishes they
name.
"""

from __future__ import annotations

import argparse
import time
from dataclasses import replace
from pathlib import Path

from rich.console import Console
from rich.table import Table

from trainer.people.answers import Answers, split_tasks
from trainer.people.ceiling import Estimate, best_linear_accuracy, clauses_of_contrast, found_by_contrast
from trainer.people.choosing import Population, simulate

ANSWERS = Path(__file__).resolve().parents[2] / "shared" / "data" / "answers.jsonl.xz"
MODELS = ("told", "directions", "fitted", "contrast", "population")


def worlds(users: int) -> dict[str, Population]:
    """One change at a time against the first."""
    plain = Population(users=users, signals=16, pairs=8)
    return {
        "16 signals, noise 0.5": plain,
        "8 signals": replace(plain, signals=8),
        "32 signals": replace(plain, signals=32),
        "no noise": replace(plain, noise=0.0),
        "noise 1": replace(plain, noise=1.0),
        "10 % of choices in conflict": replace(plain, conflicts=0.1),
        "all drift": replace(plain, drift=1.0),
        "one wish": replace(plain, wishes_per_user=(1, 1)),
        "contrast 2": replace(plain, contrast=2.0),
    }


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--users", type=int, default=200)
    parser.add_argument("--shorten-to", type=int, default=120, help="tokens of an answer in the last row")
    arguments = parser.parse_args()
    start = time.perf_counter()
    table = Table("world", *MODELS, "right", "named", title="Held-out accuracy, per cent")
    whole, shortened = unseen(None), unseen(arguments.shorten_to)
    populations = worlds(arguments.users)
    for name, population in populations.items():
        table.add_row(name, *figures(whole, population))
    table.add_row(f"answers of {arguments.shorten_to} tokens", *figures(shortened, next(iter(populations.values()))))
    console = Console(width=110)
    console.print(table)
    console.print(f"{arguments.users} users per row, {time.perf_counter() - start:.0f} seconds")


def unseen(shorten_to: int | None) -> Answers:
    """The tasks nothing is trained on, of those with many answers."""
    return split_tasks(Answers.load(ANSWERS, tasks_with_at_least=11, shorten_to=shorten_to))[1]


def figures(answers: Answers, population: Population) -> list[str]:
    """The figures of one world."""
    users = simulate(answers, population, seed=0)
    found = found_by_contrast(users)
    accuracy = best_linear_accuracy(users, answers, found)
    named = clauses_of_contrast(users, found)
    return [
        *(_percent(accuracy[model]) for model in MODELS),
        f"{100 * named.precision:.0f}",
        f"{100 * named.recall:.0f}",
    ]


def _percent(estimate: Estimate) -> str:
    return f"{100 * estimate.mean:.1f} ± {100 * estimate.within:.1f}"


if __name__ == "__main__":
    main()
