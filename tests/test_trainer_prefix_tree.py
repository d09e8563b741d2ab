"""How trees are laid out in a row, and which places are read."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings

from tests.prefix_trees import TREES, a_family, paths
from trainer.prefix_tree import Branch, PackedTrees, pack
from trainer.tree_attention import Segment, TreeLayout

# Three levels, a leaf beside a branch with leaves, and a second tree with an only child.
TWO_TREES = [Branch([1, 2], (Branch([3], (Branch([4]), Branch([5, 6]))), Branch([7]))), Branch([8], (Branch([9, 10]),))]


def test_siblings_stand_next_to_each_other_and_their_children_behind_them() -> None:
    packed = pack(TWO_TREES)
    assert packed.ids.tolist() == [[1, 2, 3, 7, 4, 5, 6, 8, 9, 10]]
    assert packed.tokens == 10


def test_a_position_is_the_distance_from_the_root() -> None:
    assert pack(TWO_TREES).positions.tolist() == [[0, 1, 2, 2, 3, 3, 4, 0, 1, 2]]


def test_a_leaf_is_read_from_its_parents_last_token_on() -> None:
    packed = pack(TWO_TREES)
    # Leaves 4 | 5 6 | 7 | 9 10, behind 3, 3, 2 and 8, which stand at places 2, 2, 1 and 7.
    assert packed.targets.tolist() == [4, 5, 6, 7, 9, 10]
    assert packed.sources.tolist() == [2, 2, 5, 1, 7, 8]
    assert packed.leaf.tolist() == [0, 1, 1, 2, 3, 3]
    assert packed.leaves == 4


def test_values_of_tokens_are_summed_by_leaf() -> None:
    values = torch.tensor([1.0, 2.0, 3.0, 4.0, 5.0, 6.0], requires_grad=True)
    sums = pack(TWO_TREES).per_leaf(values)
    assert sums.tolist() == [1.0, 5.0, 4.0, 11.0]
    sums[1].backward()
    assert values.grad is not None
    assert values.grad.tolist() == [0.0, 1.0, 1.0, 0.0, 0.0, 0.0]


def test_a_layout_is_told_each_branch_and_its_parent() -> None:
    assert _segments(TWO_TREES) == [
        Segment(0, 2, None),
        Segment(2, 3, 0),
        Segment(3, 4, 0),
        Segment(4, 5, 1),
        Segment(5, 7, 1),
        Segment(7, 8, None),
        Segment(8, 10, 5),
    ]


@given(TREES)
@settings(max_examples=100, deadline=None)
def test_following_parents_gives_each_leaf_its_whole_text(trees: list[Branch]) -> None:
    packed, segments = pack(trees), _segments(trees)
    ids, positions = packed.ids[0].tolist(), packed.positions[0].tolist()
    for leaf, (text, own) in enumerate(paths(trees)):
        scored = (packed.leaf == leaf).nonzero()[:, 0]
        assert packed.targets[scored].tolist() == text[-own:]
        last = int(packed.sources[scored[-1]]) if own > 1 else None
        places = _places(segments, int(packed.sources[scored[0]]))
        assert [ids[place] for place in places] == text[:-own]
        assert [positions[place] for place in places] == list(range(len(text) - own))
        assert last is None or ids[last] == text[-2]


@pytest.mark.parametrize(
    ("trees", "said"),
    [
        ([], "no tree"),
        ([Branch([1])], "at least one branch"),
        ([Branch([], (Branch([1]),))], "at least one token"),
        ([Branch([1], (Branch([]),))], "at least one token"),
        ([*a_family(), Branch([1], (Branch([2], (Branch([]),)),))], "at least one token"),
    ],
)
def test_what_cannot_be_packed_is_refused(trees: list[Branch], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        pack(trees)


def _segments(trees: list[Branch]) -> list[Segment]:
    seen: list[Segment] = []

    class Nothing:
        def attend(self, *_: object) -> torch.Tensor:
            raise NotImplementedError

    def keep(segments: object, device: torch.device) -> TreeLayout:
        seen.extend(segments)  # type: ignore[call-overload]
        return Nothing()

    packed: PackedTrees = pack(trees, "cpu", keep)
    assert isinstance(packed.layout, Nothing)
    return seen


def _places(segments: list[Segment], last: int) -> list[int]:
    """Places from the root to `last`."""
    index: int | None = next(i for i, each in enumerate(segments) if each.start <= last < each.end)
    found: list[int] = []
    while index is not None:
        segment = segments[index]
        found = [*range(segment.start, segment.end), *found]
        index = segment.parent
    return found
