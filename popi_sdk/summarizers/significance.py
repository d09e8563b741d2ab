"""Could this be chance? Joint permutation draws over all measures at once.

Under "no preference" each pair could as well have been chosen the other way round, and each grade could as well have
gone to another text. `draw_sums` repeats the user's whole evidence that way many times, the same reversals for all
measures, and returns what each measure adds up to; `family_wise` then says how often the *best* of all measures does as
well by chance as the one in question (Westfall and Young's maximum statistic). That accounts for testing many measures,
however correlated, and assumes nothing about their distribution.

Every measure's number is a field of one long Python integer, so that one addition adds them all.
"""

from __future__ import annotations

import random
import sys
from array import array
from collections.abc import Sequence
from dataclasses import dataclass

EXACT_PAIRS = 12
"""Up to this many pairs all reversals are tried (2**11, a reversal of everything being the same); above, a sample."""

DRAWS = 1200
_SEED = 20177
_FIELD_BITS = 32
_BIAS = 1 << 31


@dataclass(frozen=True, slots=True)
class Sums:
    """Per measure, what the evidence adds up to: as it is, and in each draw without preference."""

    observed: tuple[int, ...]
    by_chance: tuple[Sequence[int], ...]
    exact: bool


def draw_sums(pairs: Sequence[Sequence[int]], texts: Sequence[Sequence[int]] = (), grades: Sequence[int] = ()) -> Sums:
    """Add up the evidence as it is and as it could have been.

    `pairs` holds one row of whole numbers per pair, better minus worse per measure; `texts` one row per graded text,
    against the middle of all, and `grades` their grades against the mean. Give the rows in an order that depends
    neither on time nor on which text was liked: the sampled reversals go by it.
    """
    width = len(pairs[0]) if pairs else len(texts[0])
    packed_pairs = [_pack(row) for row in pairs]
    packed_texts = [_pack(row) for row in texts]
    observed = sum(packed_pairs) + _dot(packed_texts, grades)
    if not texts and len(pairs) <= EXACT_PAIRS:
        exact, drawn = True, _all_reversals(packed_pairs)
    else:
        exact, drawn = False, _sampled(packed_pairs, packed_texts, list(grades))
    flat = array("I")
    assert flat.itemsize * 8 == _FIELD_BITS, "array('I') has 32 bits on every platform CPython supports"
    for total in drawn:
        flat.frombytes(_fields(total, width))
    first = array("I", _fields(observed, width))
    return Sums(
        observed=tuple(value - _BIAS for value in first),
        by_chance=tuple([value - _BIAS for value in flat[j::width]] for j in range(width)),
        exact=exact,
    )


def family_wise(observed: float, best_by_chance: Sequence[float], *, exact: bool) -> float:
    """How often chance does as well as `observed`, given the best statistic of each draw."""
    # Sums are compared after scaling by floats: a hair of slack keeps the identity equal to itself.
    as_good = sum(best >= observed * (1 - 1e-9) for best in best_by_chance)
    return as_good / len(best_by_chance) if exact else (1 + as_good) / (1 + len(best_by_chance))


def _pack(row: Sequence[int]) -> int:
    return sum(value << (_FIELD_BITS * place) for place, value in enumerate(row))


def _fields(total: int, width: int) -> bytes:
    biased = total + _pack([_BIAS] * width)
    little = biased.to_bytes(width * _FIELD_BITS // 8, "little")
    if sys.byteorder == "little":
        return little
    swapped = array("I", little)
    swapped.byteswap()
    return swapped.tobytes()


def _dot(rows: Sequence[int], grades: Sequence[int]) -> int:
    return sum(row * grade for row, grade in zip(rows, grades, strict=True))


def _all_reversals(rows: Sequence[int]) -> list[int]:
    """Every way to reverse pairs, the first one left as it is: the sums of the others are their mirror images."""
    sums = [sum(rows)]
    for row in rows[1:]:
        sums += [total - 2 * row for total in sums]
    return sums


def _sampled(pairs: Sequence[int], texts: Sequence[int], grades: list[int]) -> list[int]:
    draw = random.Random(_SEED)
    tables = [_subset_sums(pairs[start : start + 8]) for start in range(0, len(pairs), 8)]
    everything = sum(pairs)
    sums = []
    for _ in range(DRAWS):
        reversed_pairs = sum(map(list.__getitem__, tables, draw.randbytes(len(tables))))
        if grades:
            draw.shuffle(grades)
        sums.append(everything - 2 * reversed_pairs + _dot(texts, grades))
    return sums


def _subset_sums(rows: Sequence[int]) -> list[int]:
    """The sum of every subset of up to eight rows, by the byte that names the subset."""
    sums = [0]
    for row in rows:
        sums += [total + row for total in sums]
    return sums * (256 // len(sums))
