"""What an evaluation leaves with its run, `evaluation.json`, so that it can be looked at later without any model.

It is the object that `popi-train evaluate --json` prints, and beside it:

    step      joint steps behind the checkpoint that was evaluated
    judge     what `--judge` said, or null
    examples  in the order of evaluation: {"user", "summary", "ranked": {"trained": [1, 0, 0.5], ...}} with a number per
              held-out pair, 1 for ranked right and 0.5 for a tie; the first ten of them also hold `signals`, `pairs`
              and `oracle`, as in the data, to be read by a person; `before` is the summary by the version in service,
              where there is one to compare with
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from trainer.evaluate import Evaluation
from trainer.run_directory import find_run
from trainer.whole import write_whole

WHOLE = 10
"""Examples that are left with all their texts."""


def newest_step(place: Path) -> int | None:
    """The step of a run's newest checkpoint; None where `place` is an older one, whose evaluation is not left.

    Raises:
        ConfigError: it is no run.
    """
    run, checkpoint = find_run(place)
    newest = run.latest()
    return newest.step if checkpoint and newest and checkpoint.step == newest.step else None


def leave_evaluation(place: Path, step: int, evaluation: Evaluation, judge: Mapping[str, Any] | None = None) -> None:
    """Write `evaluation.json` of the run that `place` means, instead of the one before.

    Raises:
        CheckpointError: the disk is full or cannot be written; the former file is as it was.
    """
    record = evaluation_record(step, evaluation, judge)
    write_whole(find_run(place)[0].evaluation, json.dumps(record, allow_nan=False) + "\n")


def evaluation_record(step: int, evaluation: Evaluation, judge: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """The object that is written."""
    return {**evaluation.as_json(), "step": step, "judge": judge, "examples": list(_examples(evaluation))}


def _examples(evaluation: Evaluation) -> Iterator[dict[str, Any]]:
    for place, (example, summary) in enumerate(evaluation.summaries):
        ranked = {name: list(scores[place]) for name, scores in evaluation.ranked.items()}
        texts = {
            "signals": [signal.model_dump(mode="json", exclude_none=True) for signal in example.signals],
            "pairs": [pair.model_dump(mode="json", include={"prompt", "chosen", "rejected"}) for pair in example.pairs],
            "oracle": example.oracle,
        }
        written = {name: summaries[place].text for name, summaries in evaluation.written.items()}
        whole = texts if place < WHOLE else {}
        yield {"user": example.user, "summary": summary.text, **written, "ranked": ranked, **whole}
