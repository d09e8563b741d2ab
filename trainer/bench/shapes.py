"""The sizes that decide how long a step takes: of the model, and of the texts that go through it.

Speed does not depend on what weights and words say, so both are random in the benchmark.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal, TypeAlias

from popi_sdk.errors import ConfigError

SizeName: TypeAlias = Literal["tiny", "small", "1b", "3b"]


@dataclass(frozen=True, slots=True)
class Shape:
    """A Llama-like decoder with tied embeddings."""

    hidden: int
    layers: int
    heads: int
    kv_heads: int
    intermediate: int
    vocabulary: int
    spread: float = 0.02
    """Standard deviation of the random weights; wider in narrow models, so that what stands in front still matters."""


SIZES: Mapping[SizeName, Shape] = MappingProxyType(
    {
        "tiny": Shape(hidden=64, layers=2, heads=4, kv_heads=2, intermediate=128, vocabulary=512, spread=0.1),
        # The output layer takes as large a share of the work as in the 1B shape, 21 %.
        "small": Shape(hidden=256, layers=4, heads=8, kv_heads=2, intermediate=1024, vocabulary=4096, spread=0.06),
        "1b": Shape(hidden=2048, layers=16, heads=32, kv_heads=8, intermediate=8192, vocabulary=128256),
        "3b": Shape(hidden=3072, layers=28, heads=24, kv_heads=8, intermediate=8192, vocabulary=128256),
    }
)
"""1b and 3b are Llama-3.2-1B and -3B."""


@dataclass(frozen=True, slots=True)
class Lengths:
    """Tokens of each text.

    >>> Lengths().scaled(0.1)
    Lengths(signals=180, summary=6, question=2, response=22)
    """

    signals: int = 1_800
    """The summarizer's whole prompt."""
    summary: int = 60
    question: int = 25
    response: int = 220
    """Each of the two answers, with its end."""

    def __post_init__(self) -> None:
        """Refuse texts that are too short to be told apart."""
        if self.signals < 1 or self.summary < 1 or self.question < 1 or self.response < 2:
            raise ConfigError(
                f"Lengths of {self.signals}/{self.summary}/{self.question}/{self.response} tokens are too short",
                hint="Each text needs a token, and a response two.",
            )

    def scaled(self, factor: float) -> Lengths:
        """All lengths times `factor`, rounded; none falls below its least."""
        return Lengths(
            signals=max(1, round(self.signals * factor)),
            summary=max(1, round(self.summary * factor)),
            question=max(1, round(self.question * factor)),
            response=max(2, round(self.response * factor)),
        )

    @staticmethod
    def parse(text: str) -> Lengths:
        """Read "1800/60/25/220": signals, summary, question, response.

        Raises:
            ConfigError: these are not four numbers that can be used.
        """
        try:
            signals, summary, question, response = map(int, text.split("/"))
        except ValueError:
            raise ConfigError(
                f"Lengths cannot be read from {text!r}",
                hint="Give tokens of signals, summary, question and response, such as 1800/60/25/220.",
            ) from None
        return Lengths(signals, summary, question, response)
