"""How much the shipped summarizer tells: python -m benchmarks.embedded_accuracy [--summarizer NAME] [--seed 0]

Simulated people nobody was trained on (trainer/people/), over tasks and in wordings nobody was trained on: 8 signals,
three to five wishes, one choice in ten reversed. They choose between real answers of ../shared/data/answers.jsonl.xz,
and the small generator of trainer/weights ranks those with each control in front of it. With --write FILE the people
are also written in the documented format, for `popi-train evaluate --data FILE`.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from popi_sdk.errors import ConfigError
from trainer.cli.tables import show_evaluation
from trainer.config import PeopleConfig
from trainer.data import write_examples
from trainer.evaluate import measure
from trainer.opened import open_evaluated
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
    show_evaluation(measure(judged, people, controls=CONTROLS))


if __name__ == "__main__":
    main()
