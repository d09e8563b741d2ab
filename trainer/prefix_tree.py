"""Prefix trees: texts that begin alike are run through a model once, whatever follows.

    signals ── summary 1            summary ── question 1 ── chosen        question ── chosen
            ├─ summary 2                    │              └ rejected               └ rejected
            └─ summary 3                    └─ question 2 ── ...

The branches of all trees of a batch stand behind each other in one row, without padding. A token's position is its
distance from its root, and it attends to its ancestors and to what stands before it in its own branch, which
`tree_attention` sees to. The log-probabilities of the leaves, and only of those, are read.

Every linear layer sees each token once, so the work is counted by `PackedTrees.tokens`. The results equal those of
one row per leaf.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from trainer.tree_attention import LayOut, Segment, TreeLayout, lay_out


@dataclass(frozen=True, slots=True)
class Branch:
    """Some tokens and what may follow them; a branch without children is a leaf, whose tokens are scored.

    >>> tree = Branch([1, 2], (Branch([3]), Branch([4, 5])))
    >>> [leaf.tokens for leaf in tree.children]
    [[3], [4, 5]]
    """

    tokens: Sequence[int]
    children: tuple[Branch, ...] = ()


@dataclass(frozen=True, slots=True)
class PackedTrees:
    """A batch of trees in one row of N tokens, with M scored tokens in L leaves."""

    ids: Tensor
    """(1, N) token ids."""
    positions: Tensor
    """(1, N) distance of each token from its root."""
    layout: TreeLayout
    """Who attends to whom."""
    sources: Tensor
    """(M,) place in the row whose output predicts the scored token."""
    targets: Tensor
    """(M,) ids of the scored tokens."""
    leaf: Tensor
    """(M,) which leaf each scored token belongs to; leaves are counted through all trees, left to right."""
    leaves: int

    @property
    def tokens(self) -> int:
        """Tokens that go through the model."""
        return self.ids.shape[1]

    def per_leaf(self, values: Tensor) -> Tensor:
        """Sum `values` (M,) over the tokens of each leaf: (L,), in float64.

        A margin is a small difference of these sums, which float32 rounds visibly in answers of some hundred tokens.
        """
        total = torch.zeros(self.leaves, dtype=torch.float64, device=values.device)
        return total.index_add(0, self.leaf, values.double())


def pack(trees: Sequence[Branch], device: torch.device | str = "cpu", layout: LayOut = lay_out) -> PackedTrees:
    """Lay `trees` out in one row.

    Args:
        layout: another way than the device's own to attend along the trees, for comparison.

    Raises:
        ValueError: no tree, a branch without tokens, or a root without children.
    """
    if not trees:
        raise ValueError("there is no tree to pack")
    packer = _Packer()
    for tree in trees:
        packer.add_tree(tree)
    return packer.packed(torch.device(device), layout)


class _Packer:
    def __init__(self) -> None:
        self.segments: list[Segment] = []
        self.ids: list[int] = []
        self.positions: list[int] = []
        self.sources: list[int] = []
        self.targets: list[int] = []
        self.leaf: list[int] = []
        self.leaves = 0

    def add_tree(self, tree: Branch) -> None:
        if not tree.children:
            raise ValueError("a tree needs at least one branch behind its root")
        self._add_children(tree, self._place(tree, None, 0), len(tree.tokens))

    def _add_children(self, branch: Branch, parent: int, position: int) -> None:
        # Siblings stand next to each other, their own children behind them all.
        for child, place in [(child, self._place(child, parent, position)) for child in branch.children]:
            if child.children:
                self._add_children(child, place, position + len(child.tokens))
            else:
                self._score(self.segments[place])

    def _place(self, branch: Branch, parent: int | None, position: int) -> int:
        if not branch.tokens:
            raise ValueError("a branch needs at least one token")
        start = len(self.ids)
        self.ids.extend(branch.tokens)
        self.positions.extend(range(position, position + len(branch.tokens)))
        self.segments.append(Segment(start, len(self.ids), parent))
        return len(self.segments) - 1

    def _score(self, leaf: Segment) -> None:
        assert leaf.parent is not None
        self.sources.append(self.segments[leaf.parent].end - 1)
        self.sources.extend(range(leaf.start, leaf.end - 1))
        self.targets.extend(self.ids[leaf.start : leaf.end])
        self.leaf.extend([self.leaves] * len(leaf))
        self.leaves += 1

    def packed(self, device: torch.device, layout: LayOut) -> PackedTrees:
        def indices(values: Sequence[int]) -> Tensor:
            return torch.tensor(values, dtype=torch.long, device=device)

        return PackedTrees(
            ids=indices(self.ids)[None],
            positions=indices(self.positions)[None],
            layout=layout(self.segments, device),
            sources=indices(self.sources),
            targets=indices(self.targets),
            leaf=indices(self.leaf),
            leaves=self.leaves,
        )
