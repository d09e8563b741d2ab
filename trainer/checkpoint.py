"""Checkpoints: everything a run needs to go on as if it had never stopped, written whole or not at all.

    checkpoints/step-000040/
        summarizer/ generator/   the learners' weights (adapters, with LoRA) as safetensors
        optimizers.safetensors   state of both optimizers
        checkpoint.json          step, digests, the channel's health

A checkpoint is written beside its place, flushed to disk and renamed; the two newest are kept. Data order, samples and
learning rates follow from seed and step, so the step is all that has to be known of them; torch's own random state is
kept as well, in case a model draws from it. It holds whole tensors, however many processes trained.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor
from torch.optim import Optimizer

from trainer.distributed import is_main
from trainer.errors import CheckpointError, DivergedError
from trainer.models import Models, restore_learner, save_learner
from trainer.sharding import local, placed_as, whole, whole_weights
from trainer.whole import drop_folder, whole_folder

KEPT = 2
_FACTS = "checkpoint.json"
_STATES = "optimizers.safetensors"


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """A complete checkpoint on disk."""

    folder: Path
    step: int
    facts: Mapping[str, Any]


def save_checkpoint(
    folder: Path, step: int, models: Models, optimizers: Mapping[str, Optimizer], facts: Mapping[str, Any]
) -> None:
    """Write a checkpoint into `folder` and drop all but the two newest.

    Raises:
        DivergedError: a weight is not a finite number; nothing is written.
        CheckpointError: the disk is full or cannot be written; earlier checkpoints are untouched.
    """
    _refuse_broken(models, step)
    weights = {name: whole_weights(policy.lm) for name, policy in models.learners.items()}
    states = _states(models, optimizers)
    if not is_main():
        return
    place = folder / f"step-{step:06d}"
    drop_folder(place)  # damaged, if it stands there: a run goes on from its newest checkpoint and never saves it again
    with whole_folder(place) as draft:
        for name, policy in models.learners.items():
            save_learner(policy, draft / name, weights[name])
        save_file(states, draft / _STATES)
        (draft / _FACTS).write_text(json.dumps({"step": step, **facts}, indent=1), encoding="utf-8")
    for old in list(checkpoints(folder))[:-KEPT]:
        drop_folder(old.folder)


def checkpoints(folder: Path) -> Iterator[Checkpoint]:
    """All complete checkpoints in `folder`, oldest first."""
    yield from sorted(_complete(folder), key=lambda checkpoint: checkpoint.step)


def restore(checkpoint: Checkpoint, models: Models, optimizers: Mapping[str, Optimizer]) -> None:
    """Bring models, optimizers and random state back to where `checkpoint` was written.

    Raises:
        CheckpointError: it is damaged.
        ConfigError: it belongs to other models.
    """
    try:
        for name, policy in models.learners.items():
            restore_learner(policy, checkpoint.folder / name)
        _restore_states(load_file(checkpoint.folder / _STATES), models, optimizers)
    except (OSError, SafetensorError, KeyError, RuntimeError) as error:
        raise CheckpointError(
            f"{checkpoint.folder} cannot be read: {error}",
            hint="Delete this folder to go on from the checkpoint before it.",
        ) from error


def _complete(folder: Path) -> Iterable[Checkpoint]:
    for place in folder.glob("step-*"):
        try:
            facts = json.loads((place / _FACTS).read_text("utf-8"))
            yield Checkpoint(place, int(facts["step"]), facts)
        except (OSError, ValueError, KeyError, TypeError):
            continue


def _refuse_broken(models: Models, step: int) -> None:
    for role, policy in models.learners.items():
        if not all(torch.isfinite(local(parameter)).all() for parameter in policy.learned().values()):
            raise DivergedError(
                f"The {role}'s weights are not numbers any more at step {step}",
                hint=f"Lower `run.{role}_learning_rate` and start again.",
            )


def _states(models: Models, optimizers: Mapping[str, Optimizer]) -> dict[str, Tensor]:
    tensors = {"random": torch.get_rng_state()}
    if torch.cuda.is_available():
        tensors["random.cuda"] = torch.cuda.get_rng_state()
    for role, optimizer in optimizers.items():
        for name, parameter in models.learners[role].learned().items():
            for key, value in optimizer.state.get(parameter, {}).items():
                tensors[f"{role}/{name}/{key}"] = whole(value.detach()).cpu().contiguous()
    return tensors


def _restore_states(tensors: Mapping[str, Tensor], models: Models, optimizers: Mapping[str, Optimizer]) -> None:
    torch.set_rng_state(tensors["random"])
    if "random.cuda" in tensors and torch.cuda.is_available():
        torch.cuda.set_rng_state(tensors["random.cuda"])
    for role, optimizer in optimizers.items():
        parameters = models.learners[role].learned()
        for name, value in tensors.items():
            owner, _, rest = name.partition("/")
            if owner == role:
                parameter, _, key = rest.rpartition("/")
                target = parameters[parameter]
                # AdamW keeps its step count on the CPU.
                optimizer.state[target][key] = value if key == "step" else placed_as(target, value)
