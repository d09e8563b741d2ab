"""What a layout is made from: the stretches of a packed row, and which of them lies on whose path."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
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


def joined(segments: Sequence[Segment]) -> list[Segment]:
    """The same row with each only child that stands right behind its parent as a part of it: a chain is one branch.

    >>> joined([Segment(0, 4, None), Segment(4, 6, 0), Segment(6, 9, None), Segment(9, 10, 2), Segment(10, 12, 2)])
    [Segment(start=0, end=6, parent=None), Segment(start=6, end=9, parent=None), Segment(start=9, end=10, parent=1), \
Segment(start=10, end=12, parent=1)]
    """
    children = Counter(segment.parent for segment in segments)
    found: list[Segment] = []
    now_at: list[int] = []
    for segment in segments:
        above = None if segment.parent is None else now_at[segment.parent]
        if above is not None and children[segment.parent] == 1 and found[above].end == segment.start:
            found[above] = replace(found[above], end=segment.end)
            now_at.append(above)
        else:
            found.append(Segment(segment.start, segment.end, above))
            now_at.append(len(found) - 1)
    return found


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
