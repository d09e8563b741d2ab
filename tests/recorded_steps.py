"""Some training steps on recorded rollouts, to compare what one process computes with what several do.

    torchrun --nproc_per_node 2 -m tests.recorded_steps DATA OUT replicated|sharded [BASE]

In float64, so that only a mistake shows and not the order of a sum. The first process writes weights and figures.
"""

from __future__ import annotations

import json
import random
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save_file

from tests.brief_runs import brief_config, lora_config, quiet
from trainer.config import Config
from trainer.distributed import is_main, joined, main_first
from trainer.run_directory import RunDirectory
from trainer.sharding import whole
from trainer.stages import prepare_data, prepare_models
from trainer.train import Training, make_training, take_step

STEPS = 3


class Recorded:
    """Samples that depend on the prompt alone."""

    def sample(self, lm: Any, prompts: Sequence[Sequence[int]], count: int, **_: Any) -> list[list[list[int]]]:
        draw = random.Random()
        rows = []
        for prompt in prompts:
            draw.seed(str(prompt))
            rows.append([[draw.randrange(100, 300) for _ in range(draw.randint(3, 12))] for _ in range(count)])
        return rows


def recorded_steps(config: Config, out: Path) -> None:
    """Train `STEPS` steps on recorded samples and write what came of it."""
    run = RunDirectory(out)
    with joined(config):
        with main_first():
            out.mkdir(exist_ok=True)
            data = prepare_data(run, config)
            models, encoder = prepare_models(run, config, data, quiet())
        for lm in models.distinct():
            lm.double()
        made = make_training(run, config, models, encoder, data)
        training = Training(**{name: getattr(made, name) for name in made.__slots__} | {"sampler": Recorded()})
        made.reference.prepare([pair for example in data["train"] for pair in example.pairs])
        figures = [take_step(training, step) for step in range(STEPS)]
        weights = {
            f"{role}/{name}": whole(parameter.detach()).contiguous()
            for role, policy in models.learners.items()
            for name, parameter in policy.learned().items()
        }
        if is_main():
            (out / "figures.json").write_text(json.dumps(figures), "utf-8")
            save_file(weights, out / "weights.safetensors")


if __name__ == "__main__":
    torch.set_num_threads(1)
    data, out, parallel = Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3]
    settings = {"run": {"parallel": parallel}, "rollout": {"inner_epochs": 2, "microbatch": 1}}
    made = lora_config(data, Path(sys.argv[4]), **settings) if len(sys.argv) > 4 else brief_config(data, **settings)
    recorded_steps(made, out)
