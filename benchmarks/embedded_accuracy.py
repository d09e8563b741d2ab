"""How much the shipped summarizer tells: python -m benchmarks.embedded_accuracy [--summarizer NAME] [--seed 0]

Simulated people nobody was trained on (trainer/people/), over tasks and in wordings nobody was trained on: 8 signals,
three to five wishes, one choice in ten reversed. They choose between real answers of ../shared/data/answers.jsonl.xz,
and the small generator of trainer/weights ranks those with each control in front of it. With --write FILE the people
are also written in the documented format, for `popi-train evaluate --data FILE`.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

from popi_sdk.errors import ConfigError
from popi_sdk.summary import Summary
from trainer.cli.tables import show_evaluation
from trainer.config import PeopleConfig
from trainer.data import Example, write_examples
from trainer.evaluate import measure
from trainer.opened import open_evaluated
from trainer.people.examples import ALONE
from trainer.people.named import named_by
from trainer.people.splits import people_to_test_on, refuse_missing_people

DATA = Path(__file__).resolve().parents[2] / "shared" / "data"
CONTROLS = ("none", "contrast", "trained", "swapped", "oracle")


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--summarizer", default="embedded", help="as `popi-train evaluate` takes one")
    parser.add_argument("--seed", type=int, default=0, help="other people with another number")
    parser.add_argument("--write", type=Path, help="also write the people as JSON lines")
    arguments = parser.parse_args()
    config = PeopleConfig(answers=str(DATA / "answers.jsonl.xz"), dialogues=str(DATA / "dialogues.jsonl.xz"))
    try:
        refuse_missing_people(config)
    except ConfigError as error:
        raise SystemExit(str(error)) from None
    people = people_to_test_on(config, arguments.seed)
    if arguments.write:
        write_examples(people, arguments.write)
    judged = open_evaluated(None, arguments.summarizer, "", sampled=False)
    evaluation = measure(judged, people, controls=CONTROLS)
    show_evaluation(evaluation)
    for way in ("all", *ALONE):
        written = [(one, summary) for one, summary in evaluation.summaries if one.slices["shown"] == way]
        print(f"{way}: {clauses_right(written)}")


def clauses_right(written: Sequence[tuple[Example, Summary]]) -> str:
    """How many clauses are a wish of the person, word for word, and how many of the wishes are among them."""
    named = named_by(written)
    silent = sum(not summary for _, summary in written)
    return (
        f"{named.precision:.0%} of {named.clauses:,} clauses are wishes and {named.reversed:.0%} the reverse of one, "
        f"{named.recall:.0%} of wishes are named, nothing is said of {silent:,} of {len(written):,} people"
    )


if __name__ == "__main__":
    main()
