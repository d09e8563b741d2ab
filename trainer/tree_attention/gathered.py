"""Attention over gathered paths: a family of siblings attends to the path of its parent and each sibling to itself.

    row       root ... | sibling | sibling | sibling | ...
    queries            | sibling | sibling | sibling |
    keys      root ... | sibling | sibling | sibling |

A path's keys and values are gathered once for all siblings, and no mask over the whole row is made. Families of like
size go through one call together, padded to the largest.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from trainer.tree_attention.masked import masked_attention
from trainer.tree_attention.segments import Segment, joined, owners, path

SPREAD = 1.5
"""How many times as many keys the largest family of a call may have as the smallest."""


@dataclass(frozen=True, slots=True)
class Families:
    """F families of like size: n query tokens, m key tokens."""

    queries: Tensor
    """(F, n) places in the row; padding repeats place 0."""
    keys: Tensor
    """(F, m) places in the row."""
    mask: Tensor | None
    """(F, 1, n, m) True where a query may look; None for roots, which are causal."""


@dataclass(frozen=True, slots=True)
class Gathered:
    """The layout described above."""

    calls: tuple[Families, ...]
    order: Tensor
    """(N,) where each token's result stands among those of all calls, padding included."""

    @staticmethod
    def of(segments: Sequence[Segment], device: torch.device) -> Gathered:
        """Lay out the families of `segments`, a chain being one branch: what hangs on nothing else needs no mask."""
        segments = joined(segments)
        owner = owners(segments)
        order = torch.empty_like(owner)
        calls: list[Families] = []
        results = 0
        for families in _calls(segments):
            queries, real = _padded([family.siblings for family in families])
            keys, _ = _padded([family.path + family.siblings for family in families])
            mask = _mask(families, owner, queries, keys).to(device) if families[0].path else None
            calls.append(Families(queries.to(device), keys.to(device), mask))
            order[queries[real]] = results + real.flatten().nonzero()[:, 0]
            results += queries.numel()
        return Gathered(tuple(calls), order.to(device))

    def attend(self, query: Tensor, key: Tensor, value: Tensor, scaling: float | None) -> Tensor:
        """See `TreeLayout`."""
        query, key, value = (heads[0].transpose(0, 1) for heads in (query, key, value))
        results = []
        for call in self.calls:
            queries, keys, values = _at(query, call.queries), _at(key, call.keys), _at(value, call.keys)
            if call.mask is None:
                attended = F.scaled_dot_product_attention(
                    queries, keys, values, is_causal=True, scale=scaling, enable_gqa=query.shape[1] != key.shape[1]
                )
            else:
                attended = masked_attention(queries, keys, values, call.mask, scaling)
            results.append(attended.transpose(1, 2).flatten(0, 1))
        return torch.cat(results).index_select(0, self.order)[None]


def _at(heads: Tensor, places: Tensor) -> Tensor:
    """(N, H, D) at places (F, n): (F, H, n, D). The backward pass of `index_select` is faster than that of indexing."""
    return heads.index_select(0, places.flatten()).unflatten(0, places.shape).transpose(1, 2)


@dataclass(frozen=True, slots=True)
class _Family:
    """Places in the row."""

    siblings: list[int]
    path: list[int]


def _calls(segments: Sequence[Segment]) -> Iterator[list[_Family]]:
    """Families that go through one call: the roots, each a family of its own, apart from the others."""
    siblings: dict[int | None, list[Segment]] = {}
    for segment in segments:
        siblings.setdefault(segment.parent, []).append(segment)
    yield from _of_like_size([_Family(_places([root]), []) for root in siblings.pop(None)])
    together = (_families(children, _places(path(segments, parent))) for parent, children in siblings.items())
    yield from _of_like_size([family for families in together for family in families])


def _families(siblings: Sequence[Segment], before: list[int]) -> list[_Family]:
    """All siblings as one family, or each as its own where gathering a short path again is the smaller part."""
    if len(siblings) * len(before) < sum(map(len, siblings)):
        return [_Family(_places([sibling]), before) for sibling in siblings]
    return [_Family(_places(siblings), before)]


def _of_like_size(families: Sequence[_Family]) -> Iterator[list[_Family]]:
    together: list[_Family] = []
    for family in sorted(families, key=_size):
        if together and _size(family) > SPREAD * _size(together[0]):
            yield together
            together = []
        together.append(family)
    if together:
        yield together


def _size(family: _Family) -> int:
    return len(family.path) + len(family.siblings)


def _mask(families: Sequence[_Family], owner: Tensor, queries: Tensor, keys: Tensor) -> Tensor:
    """(F, 1, n, m); a padded query looks at its path too, for a softmax over nothing is not a number.

    Padded keys repeat place 0, which belongs to a root and so to no branch that has a path.
    """
    behind = torch.tensor([len(family.path) for family in families])
    on_path = (torch.arange(keys.shape[1]) < behind[:, None])[:, None]
    in_branch = (owner[keys][:, None] == owner[queries][:, :, None]) & (keys[:, None] <= queries[:, :, None])
    return (on_path | in_branch)[:, None]


def _places(segments: Iterable[Segment]) -> list[int]:
    return [place for segment in segments for place in range(segment.start, segment.end)]


def _padded(rows: Sequence[Sequence[int]]) -> tuple[Tensor, Tensor]:
    """The rows with zeros behind them, and where they are real."""
    lengths = torch.tensor([len(row) for row in rows])
    real = torch.arange(int(lengths.max())) < lengths[:, None]
    padded = torch.zeros(real.shape, dtype=torch.long)
    padded[real] = torch.tensor([place for row in rows for place in row])
    return padded, real
