"""Training on several processes, started by `torchrun`; every function here does nothing of note in a single one.

    torchrun --nproc_per_node 8 -m trainer train elix-3b --out runs/elix

A step's users are split over the processes and a user's whole group stays on one, so that advantages need no exchange.
What the processes have to agree on:

    normalisers   a loss is a mean over all tokens or users of the step, so counts are averaged over processes first
    gradients     averaged in one all-reduce per role, of one flat tensor, before the optimizer's step; the wrapper
                  DistributedDataParallel hooks into a module, and with LoRA two roles share one and learn in turns
    files         the first process writes, the others read: they need a common file system

All processes hold whole copies of the weights (`run.parallel = "replicated"`), or each holds a part of every layer
(`"sharded"`, FSDP2), see `trainer.sharding`.
"""

from __future__ import annotations

import contextlib
import math
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import timedelta
from pathlib import Path
from typing import TypeVar

import torch
import torch.distributed as dist
from torch import nn
from torch.nn.utils import get_total_norm

from popi_sdk.errors import ConfigError
from trainer.config import Config
from trainer.sharding import is_sharded, local

T = TypeVar("T")

PATIENCE = timedelta(hours=12)
"""How long the others wait for the first process, which makes data and the warm start alone."""


@contextlib.contextmanager
def joined(config: Config) -> Iterator[None]:
    """Take part in what `torchrun` started, if it did.

    Raises:
        ConfigError: a step's users cannot be split evenly.
    """
    if not dist.is_available() or not dist.is_torchelastic_launched():
        yield
        return
    if torch.cuda.is_available():
        torch.cuda.set_device(int(os.environ["LOCAL_RANK"]))
    dist.init_process_group("cpu:gloo,cuda:nccl" if torch.cuda.is_available() else "gloo", timeout=PATIENCE)
    try:
        if config.rollout.users % size():
            raise ConfigError(
                f"`rollout.users` is {config.rollout.users}, which {size()} processes cannot share evenly",
                hint="Start a number of processes that divides it.",
            )
        yield
    finally:
        dist.destroy_process_group()


def size() -> int:
    """How many processes train together."""
    return dist.get_world_size() if _together() else 1


def rank() -> int:
    """Which of them this one is, from 0."""
    return dist.get_rank() if _together() else 0


def is_main() -> bool:
    """Whether this process writes files and speaks."""
    return rank() == 0


@contextlib.contextmanager
def main_first() -> Iterator[None]:
    """Let the main process do something before the others do, which then find its result on disk."""
    if not is_main():
        dist.barrier()
    yield
    if is_main() and _together():
        dist.barrier()


def all_here() -> None:
    """Wait until every process has come here."""
    if _together():
        dist.barrier()


def refuse_unshared(file: Path) -> None:
    """See to it that what the main process has written is what all processes find there.

    Raises:
        ConfigError: some find nothing or something else, and would train on files of their own.
    """
    all_here()
    if len(set(gathered(_identity(file)))) > 1:
        raise ConfigError(
            f"{file.parent} is not the same directory for all {size()} processes",
            hint="Give an --out on a file system that all machines share, under the same path.",
        )


def started_first() -> bool:
    """Whether this is the only process, or the first of those that `torchrun` started, joined or not."""
    return os.environ.get("RANK", "0") == "0"


def own_share(items: Sequence[T]) -> Sequence[T]:
    """This process's part of a step's users."""
    each = len(items) // size()
    return items[rank() * each : (rank() + 1) * each]


def gathered(item: T) -> list[T]:
    """What every process has, in the order of ranks."""
    if not _together():
        return [item]
    items: list[T] = [item] * size()
    dist.all_gather_object(items, item)
    return items


def mean(value: float) -> float:
    """A number's mean over processes: a sum over own tokens divided by it averages to a mean over all tokens."""
    every = gathered(value)
    return sum(every) / len(every)


def means(figures: Mapping[str, float]) -> dict[str, float]:
    """The same for each of a step's figures."""
    every = gathered(dict(figures))
    return {name: sum(one[name] for one in every) / len(every) for name in figures}


def average_gradients(parameters: Iterable[nn.Parameter]) -> None:
    """Give every process the mean of all processes' gradients; those of sharded weights are that already."""
    gradients = [p.grad for p in parameters if p.grad is not None and not is_sharded(p)]
    if not _together() or not gradients:
        return
    flat = torch.cat([gradient.flatten() for gradient in gradients])
    dist.all_reduce(flat)
    flat /= size()
    for gradient, piece in zip(gradients, flat.split([gradient.numel() for gradient in gradients]), strict=True):
        gradient.copy_(piece.view_as(gradient))


def clip_gradients(parameters: Iterable[nn.Parameter], most: float) -> float:
    """Scale gradients down together until their norm is at most `most`; returns the norm as it was.

    What is not a finite number is left as it is.
    """
    gradients = [p.grad for p in parameters if p.grad is not None]
    whole = get_total_norm([gradient for gradient in gradients if not is_sharded(gradient)])
    parts = get_total_norm([local(gradient) for gradient in gradients if is_sharded(gradient)])
    norm = math.hypot(whole.item(), math.sqrt(sum(gathered(parts.item() ** 2))))
    if most < norm < math.inf:
        for gradient in gradients:
            local(gradient).mul_(most / norm)
    return norm


def _identity(file: Path) -> tuple[int, int] | None:
    if not file.is_file():
        return None
    found = file.stat()
    return found.st_ino, found.st_mtime_ns


def _together() -> bool:
    return dist.is_available() and dist.is_initialized()
