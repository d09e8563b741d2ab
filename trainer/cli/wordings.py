"""`popi-train wordings`: what people's words ask for, from the wordings of this project to the table in the SDK."""

from __future__ import annotations

from trainer.cli.failing import training_packages


def wordings() -> None:
    """Teach the SDK to read what people ask for in words.

    Run it in a checkout: it learns from `trainer/people/wordings` and `../shared/data/dialogues.jsonl.xz`, and writes
    `popi_sdk/style/asking.bin`. Summarizers that are shown what it reads have to be trained again after that.
    """
    with training_packages():
        from trainer.config import PeopleConfig
        from trainer.people.asking import CLASSIFIERS, EPOCHS, write_table
        from trainer.people.splits import dialogues_of
        from trainer.progress import Reporter

        with Reporter().stage("wordings", CLASSIFIERS * EPOCHS) as advance:
            write_table(dialogues_of(PeopleConfig()), advance=advance)
