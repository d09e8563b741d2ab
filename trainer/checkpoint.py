"""Checkpoints: everything a run needs to go on as if it had never stopped, written whole or not at all.

    checkpoints/step-000040/
        summarizer/ generator/   the learners' weights (adapters, with LoRA) as safetensors
        optimizers.safetensors   state of both optimizers
        checkpoint.json          step, digests, figures so far; written last

A checkpoint is written beside its place, flushed to disk and renamed; the two newest are kept. Data order, samples and
learning rates follow from seed and step, so the step is all that has to be known of them; torch's own random state is
kept as well, in case a model draws from it.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor
from torch.optim import Optimizer

from trainer.errors import CheckpointError
from trainer.models import Models, restore_learner, save_learner

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
) -> Checkpoint:
    """Write a checkpoint into `folder` and drop all but the two newest.

    Raises:
        CheckpointError: the disk is full or cannot be written; earlier checkpoints are untouched.
    """
    place, draft = folder / f"step-{step:06d}", folder / f".step-{step:06d}.part"
    try:
        shutil.rmtree(draft, ignore_errors=True)
        draft.mkdir(parents=True)
        for name, policy in models.learners.items():
            save_learner(policy, draft / name)
        save_file(_states(models, optimizers), draft / _STATES)
        complete = {"step": step, **facts}
        (draft / _FACTS).write_text(json.dumps(complete, indent=1), encoding="utf-8")
        _flush(draft)
        shutil.rmtree(place, ignore_errors=True)
        draft.rename(place)
        _flush_folder(folder)
    except (OSError, SafetensorError) as error:
        shutil.rmtree(draft, ignore_errors=True)
        raise CheckpointError(
            f"The checkpoint of step {step} cannot be written to {folder}: {error}",
            hint="Make room and run the same command with --resume; earlier checkpoints are intact.",
        ) from error
    for old in list(checkpoints(folder))[:-KEPT]:
        shutil.rmtree(old.folder, ignore_errors=True)
    return Checkpoint(place, step, complete)


def checkpoints(folder: Path) -> Iterator[Checkpoint]:
    """All complete checkpoints in `folder`, oldest first."""
    for place in sorted(folder.glob("step-*")):
        try:
            facts = json.loads((place / _FACTS).read_text("utf-8"))
            yield Checkpoint(place, int(facts["step"]), facts)
        except (OSError, ValueError, KeyError):
            continue


def restore(checkpoint: Checkpoint, models: Models, optimizers: Mapping[str, Optimizer]) -> None:
    """Bring models, optimizers and random state back to where `checkpoint` was written.

    Raises:
        CheckpointError: it is damaged or belongs to other models.
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


def _states(models: Models, optimizers: Mapping[str, Optimizer]) -> dict[str, Tensor]:
    tensors = {"random": torch.get_rng_state()}
    if torch.cuda.is_available():
        tensors["random.cuda"] = torch.cuda.get_rng_state()
    for role, optimizer in optimizers.items():
        names = {id(parameter): name for name, parameter in models.learners[role].learned().items()}
        for parameter, state in optimizer.state.items():
            for key, value in state.items():
                tensors[f"{role}/{names[id(parameter)]}/{key}"] = value.detach().cpu().contiguous()
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
                optimizer.state[target][key] = value if key == "step" else value.to(target.device)


def _flush(folder: Path) -> None:
    for file in folder.rglob("*"):
        if file.is_file():
            with file.open("rb") as opened:
                os.fsync(opened.fileno())
    _flush_folder(folder)


def _flush_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
