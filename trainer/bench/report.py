"""What `popi-train bench` found: ratios, and every stage's costs."""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from rich.console import Console
from rich.table import Table

from trainer.bench.loop import JOINT_STAGES, SUMMARIZER_STAGES
from trainer.bench.meter import Costs

Stages = Mapping[str, Costs]
MIB = 2**20


@dataclass(frozen=True, slots=True)
class OneOff:
    """What the cache of the reference cost, once for all steps in which these pairs are met."""

    pairs: int
    token_passes: int
    seconds: float


@dataclass(frozen=True, slots=True)
class BenchReport:
    """Ratios are released over ours, or TRL over ours: how many times less ours takes."""

    stages: Mapping[str, Stages]
    """By loop: decode, ours, released and, where it ran, trl."""
    max_reward_error: float
    """Largest difference of a reward between released and ours, over the largest reward."""
    max_gradient_error: float
    """Largest difference of a gradient's entry, over the largest entry; the worse of the two models."""
    reference_cache: OneOff
    trl_skipped: str
    """Why TRL was not measured; empty if it was."""
    machine: Mapping[str, Any]

    @property
    def token_passes_ratio(self) -> float:
        """Of reward, KL reference and update of the summarizer, the generator at rest."""
        return self._passes("released", SUMMARIZER_STAGES) / self._passes("ours", SUMMARIZER_STAGES)

    @property
    def step_time_ratio(self) -> float:
        """The same in seconds."""
        return self._seconds("released", SUMMARIZER_STAGES) / self._seconds("ours", SUMMARIZER_STAGES)

    @property
    def joint_token_passes_ratio(self) -> float:
        """Of a step that trains the generator on the same summaries as well."""
        return self._passes("released", JOINT_STAGES["released"]) / self._passes("ours", JOINT_STAGES["ours"])

    @property
    def joint_step_time_ratio(self) -> float:
        """The same in seconds."""
        return self._seconds("released", JOINT_STAGES["released"]) / self._seconds("ours", JOINT_STAGES["ours"])

    @property
    def whole_step_time_ratio(self) -> float:
        """`step_time_ratio` with decoding, which is the same on both sides."""
        return self._whole("released") / self._whole("ours")

    @property
    def trl_step_time_ratio(self) -> float | None:
        """A whole step of TRL, its own decoding included, over a whole step of ours."""
        if "trl" not in self.stages:
            return None
        return self._seconds("trl", tuple(self.stages["trl"])) / self._whole("ours")

    def as_json(self) -> dict[str, Any]:
        """One object."""
        return {
            "token_passes_ratio": self.token_passes_ratio,
            "step_time_ratio": self.step_time_ratio,
            "whole_step_time_ratio": self.whole_step_time_ratio,
            "trl_step_time_ratio": self.trl_step_time_ratio,
            "joint_token_passes_ratio": self.joint_token_passes_ratio,
            "joint_step_time_ratio": self.joint_step_time_ratio,
            "max_reward_error": self.max_reward_error,
            "max_gradient_error": self.max_gradient_error,
            "trl_skipped": self.trl_skipped or None,
            "reference_cache": {
                "pairs": self.reference_cache.pairs,
                "token_passes": self.reference_cache.token_passes,
                "seconds": self.reference_cache.seconds,
            },
            "stages": {loop: {name: _costs(each) for name, each in of.items()} for loop, of in self.stages.items()},
            "machine": dict(self.machine),
        }

    def _passes(self, loop: str, names: Sequence[str]) -> int:
        return sum(self.stages[loop][name].token_passes for name in names)

    def _seconds(self, loop: str, names: Sequence[str]) -> float:
        """Median over the rounds of what these stages took together."""
        return statistics.median(
            sum(round_) for round_ in zip(*(self.stages[loop][n].seconds for n in names), strict=True)
        )

    def _whole(self, loop: str) -> float:
        return self._seconds("decode", tuple(self.stages["decode"])) + self._seconds(loop, SUMMARIZER_STAGES)


def _costs(costs: Costs) -> dict[str, Any]:
    return {
        "token_passes": costs.token_passes,
        "seconds": costs.median_seconds,
        "peak_mib": None if costs.peak_bytes is None else round(costs.peak_bytes / MIB, 1),
    }


def show(report: BenchReport) -> None:
    """Every stage side by side, and below it what that comes to."""
    console = Console(highlight=False)
    console.print(_setting(report.machine), soft_wrap=True, markup=False)
    console.print(_stage_table(report))
    for line in _lines(report):
        console.print(line, soft_wrap=True, markup=False)


def _setting(machine: Mapping[str, Any]) -> str:
    lengths = ", ".join(f"{name} {tokens:,}" for name, tokens in machine["lengths"].items())
    return (
        f"{machine['parameters'] / 1e6:,.1f} M parameters in {machine['dtype']} on {machine['device']} "
        f"({machine['threads']} threads); {machine['users']} x {machine['group']} summaries; tokens: {lengths}"
    )


def _stage_table(report: BenchReport) -> Table:
    table = Table("", box=None)
    for loop in ("ours", "released"):
        for heading in ("passes", "seconds", "MiB"):
            table.add_column(f"{loop if heading == 'passes' else ''}\n{heading}", justify="right")
    decode = _cells(report.stages["decode"]["decode"])
    table.add_row("decode (for both)", *decode, *decode)
    for name in report.stages["ours"]:
        table.add_row(name, *_cells(report.stages["ours"][name]), *_cells(report.stages["released"][name]))
    for name, costs in report.stages.get("trl", {}).items():
        table.add_row(f"TRL, {name}", "", "", "", *_cells(costs))
    return table


def _cells(costs: Costs) -> tuple[str, str, str]:
    peak = "" if costs.peak_bytes is None else f"{costs.peak_bytes / MIB:,.0f}"
    return f"{costs.token_passes:,}", f"{costs.median_seconds:.3f}", peak


def _lines(report: BenchReport) -> list[str]:
    cache, trl = report.reference_cache, report.trl_step_time_ratio
    return [
        f"Summarizer's step (reward, KL reference, update): {report.token_passes_ratio:.2f} times fewer token passes, "
        f"{report.step_time_ratio:.2f} times less time; {report.whole_step_time_ratio:.2f} times with decoding.",
        f"Joint step (the generator learns from the same summaries): {report.joint_token_passes_ratio:.2f} times fewer "
        f"token passes, {report.joint_step_time_ratio:.2f} times less time.",
        f"TRL's whole step takes {trl:.2f} times as long as ours." if trl else f"TRL: {report.trl_skipped}.",
        f"Largest difference between released and ours: rewards {report.max_reward_error:.1e}, gradients "
        f"{report.max_gradient_error:.1e}, relative to the largest entry.",
        f"Once, not per step: {cache.seconds:.2f} s and {cache.token_passes:,} token passes for the reference's "
        f"log-probabilities of {cache.pairs} pairs.",
        "Passes: 1 per token forward, 3 with a backward pass. MiB: the most that a stage takes beyond what lay there "
        "before it.",
    ]
