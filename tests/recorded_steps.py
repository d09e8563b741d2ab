"""Some training steps on recorded rollouts, to compare what one process computes with what several do.

    torchrun --nproc_per_node 2 -m tests.recorded_steps CONFIG=OUT...

In float64, so that only a mistake shows and not the order of a sum. For each configuration the first process writes
weights and figures to OUT, and a checkpoint after `SAVED` steps; where there is one already, it is gone on from.
"""

from __future__ import annotations

import json
import random
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from safetensors.torch import save_file

from tests.brief_runs import quiet
from trainer.checkpoint import restore, save_checkpoint
from trainer.config import Config, load_config
from trainer.distributed import gathered, is_main, joined, main_first
from trainer.run_directory import RunDirectory
from trainer.sharding import is_sharded, whole
from trainer.stages import prepare_data, prepare_models
from trainer.train import make_training, take_step

STEPS = 3
SAVED = 1


class Recorded:
    """Samples that depend on the prompt alone."""

    def sample(self, lm: Any, prompts: Sequence[Sequence[int]], count: int, **_: Any) -> list[list[list[int]]]:
        """See `trainer.sampling.Sampler`."""
        rows = []
        for prompt in prompts:
            draw = random.Random(str(prompt))
            rows.append([[draw.randrange(100, 300) for _ in range(draw.randint(3, 12))] for _ in range(count)])
        return rows


def recorded_steps(config: Config, out: Path) -> None:
    """Train `STEPS` steps on recorded samples and write what came of it."""
    run = RunDirectory(out)
    with main_first():
        out.mkdir(exist_ok=True)
        data = prepare_data(run, config)
    models, encoder = prepare_models(run, config, data, quiet())
    for lm in models.distinct():
        lm.double()
    training = replace(make_training(run, config, models, encoder, data), sampler=Recorded())
    training.reference.prepare([pair for example in data["train"] for pair in example.pairs])
    done = 0
    if checkpoint := gathered(run.latest())[0]:
        restore(checkpoint, models, training.optimizers)
        done = checkpoint.step
    figures = []
    for step in range(done, STEPS):
        figures.append(take_step(training, step))
        if step + 1 == SAVED:
            save_checkpoint(run.checkpoints, SAVED, models, training.optimizers, {})
    learned = {
        f"{role}/{name}": parameter.detach()
        for role, policy in models.learners.items()
        for name, parameter in policy.learned().items()
    }
    sharded = sum(map(is_sharded, learned.values()))
    weights = {name: whole(value).contiguous() for name, value in learned.items()}
    if is_main():
        (out / "figures.json").write_text(json.dumps({"steps": figures, "sharded": sharded}), "utf-8")
        save_file(weights, out / "weights.safetensors")


if __name__ == "__main__":
    jobs = [(load_config(Path(config)), Path(out)) for config, out in (job.split("=") for job in sys.argv[1:])]
    with joined(jobs[0][0]):
        for config, out in jobs:
            recorded_steps(config, out)
