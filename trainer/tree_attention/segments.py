"""What a layout is made from: the stretches of a packed row, and which of them lies on whose path."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor


@dataclass(frozen=True, slots=True)
class Segment:
    """The tokens of one branch: `start` to `end` in the row. A parent stands before its children."""

    start: int
    end: int
    parent: int | None
    """Its parent's place among the segments; None for a root."""

    def __len__(self) -> int:
        return self.end - self.start


class TreeLayout(Protocol):
    """Who attends to whom in a packed row of N tokens."""

    def attend(self, query: Tensor, key: Tensor, value: Tensor, scaling: float | None) -> Tensor:
        """Attend: query (1, H, N, D), key and value (1, H_kv, N, D) with H a multiple of H_kv, to (1, N, H, D)."""
        ...


def path(segments: Sequence[Segment], last: int | None) -> Iterator[Segment]:
    """The segments from a root down to `last`."""
    upwards = []
    while last is not None:
        upwards.append(segments[last])
        last = segments[last].parent
    yield from reversed(upwards)


def ancestors(segments: Sequence[Segment]) -> Tensor:
    """(S, S) True where the column's segment is the row's own or lies above it."""
    table = torch.eye(len(segments), dtype=torch.bool)
    for index, segment in enumerate(segments):
        if segment.parent is not None:
            table[index] |= table[segment.parent]
    return table


def owners(segments: Sequence[Segment]) -> Tensor:
    """(N,) which segment each token of the row belongs to."""
    return torch.repeat_interleave(torch.arange(len(segments)), torch.tensor([len(each) for each in segments]))
