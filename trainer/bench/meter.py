"""What a stage of a step costs: tokens that went through a model, seconds, and memory at its peak.

Token passes are counted where they happen, by a hook on each model, so all loops are counted alike: a forward pass is 1
for each token in the row, padding included, and one that a backward pass follows is 3.
"""

from __future__ import annotations

import contextlib
import ctypes
import re
import statistics
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from transformers import PreTrainedModel

FORWARD, WITH_BACKWARD = 1, 3
"""Token passes of one token: a backward pass takes about twice the arithmetic of a forward pass."""


@dataclass(slots=True)
class Costs:
    """What one stage cost in each round."""

    token_passes: int = 0
    """In one round; every round has as many."""
    seconds: list[float] = field(default_factory=list)
    """Of the timed rounds."""
    peak_bytes: int | None = None
    """Most memory beyond what lay there before the stage; None where it cannot be told."""

    @property
    def median_seconds(self) -> float:
        """Half of the rounds were faster."""
        return statistics.median(self.seconds)


class PassCounter:
    """Counts the tokens that go through the models it watches."""

    def __init__(self) -> None:
        self.passes = 0

    def watch(self, lm: PreTrainedModel) -> None:
        """Count what goes through `lm` from now on."""
        lm.get_decoder().register_forward_pre_hook(self._count, with_kwargs=True)

    def _count(self, module: torch.nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        del module
        ids = args[0] if args else kwargs["input_ids"]
        self.passes += ids.numel() * (WITH_BACKWARD if torch.is_grad_enabled() else FORWARD)


class Meter:
    """Measures one loop, stage by stage. The first round is for passes and memory, the others are for time."""

    def __init__(self, device: torch.device, counter: PassCounter) -> None:
        self.stages: dict[str, Costs] = {}
        self._device = device
        self._counter = counter
        self._first = True
        self._round: dict[str, float] = {}

    @contextlib.contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Measure what happens within; a name may return within a round, and is summed."""
        costs = self.stages.setdefault(name, Costs())
        passes = self._counter.passes
        if self._first:
            with PeakMemory(self._device) as peak:
                yield
            costs.token_passes += self._counter.passes - passes
            if peak.bytes is not None:
                costs.peak_bytes = max(costs.peak_bytes or 0, peak.bytes)
        else:
            self._synchronize()
            began = time.perf_counter()
            yield
            self._synchronize()
            self._round[name] = self._round.get(name, 0.0) + time.perf_counter() - began

    def end_round(self) -> None:
        """What was measured since the last call is one round."""
        for name, seconds in self._round.items():
            self.stages[name].seconds.append(seconds)
        self._round = {}
        self._first = False

    def _synchronize(self) -> None:
        if self._device.type == "cuda":
            torch.cuda.synchronize(self._device)


class PeakMemory(contextlib.AbstractContextManager["PeakMemory"]):
    """The most memory that was taken within, beyond what was taken before.

    On a GPU that is memory of tensors. On Linux it is the process's resident memory, whose high-water mark the kernel
    lets a process reset; elsewhere `bytes` stays None.
    """

    def __init__(self, device: torch.device) -> None:
        self.bytes: int | None = None
        self._device = device
        self._before: int | None = None

    def __enter__(self) -> PeakMemory:
        """Start from what is taken now."""
        if self._device.type == "cuda":
            torch.cuda.reset_peak_memory_stats(self._device)
            self._before = torch.cuda.memory_allocated(self._device)
        elif _reset_high_water():
            self._before = _status("VmRSS")
        return self

    def __exit__(self, *_: object) -> None:
        """Read the high-water mark."""
        if self._before is None:
            return
        cuda = self._device.type == "cuda"
        highest = torch.cuda.max_memory_allocated(self._device) if cuda else _status("VmHWM")
        self.bytes = max(0, highest - self._before)


def _reset_high_water() -> bool:
    try:
        ctypes.CDLL("libc.so.6").malloc_trim(0)  # freed memory that malloc keeps would hide what is taken next
        Path("/proc/self/clear_refs").write_text("5", encoding="ascii")
    except (OSError, AttributeError):
        return False
    return True


def _status(name: str) -> int:
    found = re.search(rf"^{name}:\s+(\d+) kB$", Path("/proc/self/status").read_text("ascii"), re.MULTILINE)
    return int(found[1]) * 1024 if found else 0
