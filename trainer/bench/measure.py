"""All loops in turns: what slows the machine for a while slows each of them, and medians are compared."""

from __future__ import annotations

import platform
import time
from collections.abc import Callable
from typing import Any

import torch

from popi_sdk.errors import ConfigError
from trainer.bench import trl_grpo
from trainer.bench.loop import Loop, Outcome, largest_difference, relative_error, take_round
from trainer.bench.meter import Meter, PassCounter
from trainer.bench.ours import OurLoop
from trainer.bench.released import ReleasedLoop
from trainer.bench.report import BenchReport, OneOff
from trainer.bench.shapes import SIZES, Lengths, SizeName
from trainer.bench.workload import Workload, make_workload
from trainer.config import load_config
from trainer.reference import ReferenceLogprobs

DECODE = "decode"


def bench(
    size: SizeName,
    lengths: Lengths,
    *,
    users: int,
    rounds: int,
    device: str = "cpu",
    dtype: torch.dtype | None = None,
    with_trl: bool = True,
    progress: Callable[[str], None] = lambda _: None,
) -> BenchReport:
    """Measure `rounds` steps of each loop, after one that counts passes and memory and compares results.

    Objective, group size and temperature are those of the shipped configuration `released`.

    Raises:
        ConfigError: there is no GPU, or nothing to measure.
    """
    if device == "cuda" and not torch.cuda.is_available():
        raise ConfigError("There is no usable GPU", hint="Use --device cpu.")
    if users < 1 or rounds < 1:
        raise ConfigError("There is nothing to measure", hint="Take at least one user and one round.")
    settings = load_config("released")
    progress("making models")
    workload = make_workload(
        SIZES[size], lengths, settings.objective, users=users, group=settings.rollout.group,
        temperature=settings.rollout.temperature, device=torch.device(device),
        dtype=dtype or (torch.bfloat16 if device == "cuda" else torch.float32),
    )  # fmt: skip
    skipped = trl_grpo.why_not() if with_trl else "not asked for"
    run = _Run(workload, progress)
    if skipped:
        for _ in range(rounds + 1):
            run.take_round()
    else:
        trl_grpo.trl_rounds(workload, run.meters["trl"], run.counter, rounds + 1, run.take_round)
    return run.report(_machine(size, workload, users), skipped)


class _Run:
    """What is measured, and with what."""

    def __init__(self, workload: Workload, progress: Callable[[str], None]) -> None:
        self.counter = PassCounter()
        models = workload.models
        for policy in (models.summarizer, models.generator, models.anchor, models.reference):
            policy(self.counter.watch)
        self.meters = {name: Meter(workload.device, self.counter) for name in ("decode", "ours", "released", "trl")}
        self._workload = workload
        self._progress = progress
        self._rounds = 0
        reference = ReferenceLogprobs(models.reference, workload.encoder)
        self._reference = self._cached(reference)
        self._loops: dict[str, Loop] = {"ours": OurLoop(workload, reference), "released": ReleasedLoop(workload)}
        self._errors = (0.0, 0.0)

    def take_round(self) -> None:
        """Decode once, and take a step in each loop; compare their results in the first round."""
        self._progress(f"round {self._rounds}")
        self._decode()
        first = self._rounds == 0
        outcomes = {
            name: take_round(loop, self._workload, self.meters[name], keep_gradients=first)
            for name, loop in self._loops.items()
        }
        if first:
            self._errors = _errors(outcomes["ours"], outcomes["released"])
        self._rounds += 1

    def report(self, machine: dict[str, Any], skipped: str) -> BenchReport:
        """What came out."""
        return BenchReport(
            stages={name: meter.stages for name, meter in self.meters.items() if meter.stages},
            max_reward_error=self._errors[0],
            max_gradient_error=self._errors[1],
            reference_cache=self._reference,
            trl_skipped=skipped,
            machine=machine,
        )

    def _decode(self) -> None:
        work, meter = self._workload, self.meters["decode"]
        prompts = [group.prompt for group in work.groups]
        count = len(work.groups[0].samples)
        with meter.stage(DECODE):
            work.models.summarizer(
                lambda lm: work.sampler.sample(lm, prompts, count, temperature=work.temperature, seed=self._rounds)
            )
        meter.end_round()

    def _cached(self, reference: ReferenceLogprobs) -> OneOff:
        before, began = self.counter.passes, time.perf_counter()
        pairs = [pair for group in self._workload.groups for pair in group.pairs]
        reference.prepare(pairs)
        return OneOff(len(pairs), self.counter.passes - before, time.perf_counter() - began)


def _errors(ours: Outcome, released: Outcome) -> tuple[float, float]:
    """Of the rewards, and of the gradients of whichever model differs more."""
    differences = [largest_difference(ours.gradients, released.gradients, role) for role in ("summarizer", "generator")]
    return relative_error(ours.rewards, released.rewards), max(differences)


def _machine(size: SizeName, workload: Workload, users: int) -> dict[str, Any]:
    cuda = workload.device.type == "cuda"
    weights = next(workload.models.summarizer.lm.parameters())
    return {
        "device": torch.cuda.get_device_name(workload.device) if cuda else platform.processor() or platform.machine(),
        "threads": torch.get_num_threads(),
        "torch": torch.__version__,
        "size": size,
        "parameters": sum(weights.numel() for weights in workload.models.summarizer.lm.parameters()),
        "dtype": str(weights.dtype).removeprefix("torch."),
        "users": users,
        "group": len(workload.groups[0].samples),
        "lengths": {name: getattr(workload.lengths, name) for name in ("signals", "summary", "question", "response")},
    }
