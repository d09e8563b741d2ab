"""What summaries are worth to real people, as told by a judge that ranks what they chose elsewhere.

    python -m benchmarks.real_people [--users 300] [--run RUN] [--summarizer NAME]

The files of ../shared/data (benchmarks/real_files.py says what is shown and what is held out), judged by the small
generator of the repository, or by a run's. For each file: held-out accuracy in per cent with its 95 % interval over
users for no summary, contrast's, the summarizer's own and that of another user; then the summarizer's minus each of the
others. In `answer_pairs` a rater's own history is known not to help: a negative control. Three writers say little about
a fourth.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from rich.console import Console
from rich.table import Table

from benchmarks.real_files import FOLDER, NAMES, of_file
from trainer.data import Example, load_examples, write_examples
from trainer.evaluate import Evaluation, measure
from trainer.fitting import fits
from trainer.intervals import Interval
from trainer.opened import Evaluated, open_evaluated

CONTROLS = ("none", "contrast", "trained", "swapped")


@dataclass(frozen=True, slots=True)
class Outcome:
    """One file's figures."""

    evaluation: Evaluation
    left_out: int
    """Pairs that the judge cannot read, as they are too long for its window."""


def main() -> None:
    """Print the two tables, or all figures as JSON."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--data", type=Path, default=FOLDER, help="the folder of the files")
    parser.add_argument("--files", nargs="+", choices=NAMES, default=NAMES)
    parser.add_argument("--run", type=Path, help="a run that judges, and whose summarizer is judged unless named")
    parser.add_argument("--summarizer", default="", help="embedded by default; contrast, a run, a directory, ...")
    parser.add_argument("--users", type=int, default=300, help="at most so many of a file")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    evaluated = open_evaluated(options.run, options.summarizer, "", sampled=False)
    outcomes = {}
    for name in options.files:
        outcomes[name] = outcome(evaluated, some_users(of_file(name, options.data), options.users))
    if options.json:
        figures = {name: {**one.evaluation.as_json(), "left_out": one.left_out} for name, one in outcomes.items()}
        print(json.dumps(figures, indent=1))
    else:
        show(outcomes, options.summarizer or ("trained" if options.run else "embedded"))


def some_users(examples: Sequence[Example], count: int) -> list[Example]:
    """All examples of `count` users spread evenly over the file, whose parts may be different consultations."""
    users = list(dict.fromkeys(example.user for example in examples))
    step = max(1.0, len(users) / count)
    taken = {users[int(place * step)] for place in range(min(count, len(users)))}
    return [example for example in examples if example.user in taken]


def outcome(evaluated: Evaluated, examples: Sequence[Example]) -> Outcome:
    """Measure examples by way of a file, as anybody's file would be."""
    with tempfile.TemporaryDirectory() as folder:
        write_examples(examples, Path(folder) / "examples.jsonl")
        loaded = load_examples(Path(folder) / "examples.jsonl")
    judge = evaluated.generator
    readable = [replace(one, pairs=tuple(pair for pair in one.pairs if fits(judge, pair))) for one in loaded]
    left_out = sum(len(one.pairs) for one in loaded) - sum(len(one.pairs) for one in readable)
    return Outcome(measure(evaluated, [one for one in readable if one.pairs], controls=CONTROLS), left_out)


def show(outcomes: Mapping[str, Outcome], summarizer: str) -> None:
    """Accuracies, and differences."""
    console = Console(width=120)
    accuracy = _table("Held-out accuracy in per cent, 95 % interval over users", "users", "pairs", "left out",
                      *(summarizer if name == "trained" else name for name in CONTROLS))  # fmt: skip
    others = [name for name in CONTROLS if name != "trained"]
    differences = _table(f"{summarizer} minus another context, in points", *others)
    for name, one in outcomes.items():
        overall = one.evaluation.overall
        counts = (f"{count:,}" for count in (overall.users, overall.pairs, one.left_out))
        accuracy.add_row(name, *counts, *(_shown(overall.accuracy.get(control)) for control in CONTROLS))
        differences.add_row(name, *(_shown(overall.differences.get(control), "+") for control in others))
    console.print(accuracy)
    console.print(differences)


def _table(title: str, *headings: str) -> Table:
    table = Table("file", title=title)
    for heading in headings:
        table.add_column(heading, justify="right")
    return table


def _shown(interval: Interval | None, sign: str = "") -> str:
    if interval is None:
        return ""
    return f"{100 * interval.mean:{sign}.1f}\n({100 * interval.low:.1f} to {100 * interval.high:.1f})"


if __name__ == "__main__":
    main()
