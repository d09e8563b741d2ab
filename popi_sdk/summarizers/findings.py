"""From measured evidence to findings: what the user prefers, how sure that is, and which signals say so.

Differences become bounded units (`calibration.bounded`), below the noticeable ones nothing. A measure's statistic is

    weight * |sum| / sqrt(variance) * sqrt(size),        size = the typical absolute unit,

tested against the best of all measures in joint permutation draws (`significance`). The sizes are the same in every
draw, so weighting by them costs nothing in false findings and keeps a small measure that agrees by luck from beating
a large one. The strongest measure at level `LEVEL` becomes a finding; what it explains is taken out of the others and
the test goes on with those (step-down), until none is left.

A finding that the newer evidence contradicts is not made; if newer and older halves contradict each other beyond chance
(level `DRIFT_LEVEL`, from the same kind of draws with the older half reversed), the newer half is the finding.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from popi_sdk.style.calibration import COUPLINGS, IMPLIED, SPREADS, bounded
from popi_sdk.style.measures import MEASURES, measure
from popi_sdk.summarizers.evidence import Evidence, Graded, Pair
from popi_sdk.summarizers.significance import draw_sums, family_wise

LEVEL = 0.02
"""How often, at most, a user without preference may get a clause; 8 agreeing pairs can reach 2/256."""
DRIFT_LEVEL = 0.002
LEAST_PIECES = 6
"""Fewer noticeable differences than this are never a finding: chance alone makes 5 of 5 agree in one user of 16."""
LEAST_AGREEMENT = 0.4
"""A finding needs 70 % of the evidence, by size, on its side."""
MOST_FINDINGS = 8
SIZE_POWER = 0.5
"""How much the size of the differences counts beside their agreement: 0 not at all, 1 fully."""
_UNIT = 1000
_FULL_GRADE = 100


@dataclass(frozen=True, slots=True)
class Finding:
    """One preference: the measure that shows it, more or less of it, and the evidence.

    `agreement` is the weighted share of evidence for it minus the share against it, -1 to 1; `pieces` counts the pairs
    and graded texts that differ noticeably; `liked` holds the measure's values of the texts liked better.
    """

    measure: str
    aspect: str
    more: bool
    agreement: float
    pieces: int
    signal_ids: tuple[str, ...]
    liked: tuple[str, ...]

    @property
    def strength(self) -> float:
        """Agreement, shrunk for little evidence: 8 clean pairs give 0.67, 20 give 0.83."""
        return max(0.0, self.agreement) * self.pieces / (self.pieces + 4)


@dataclass(frozen=True, slots=True)
class _Piece:
    """A pair or a graded text: whole-number `units` per measure, and the `grade` they are multiplied with."""

    units: tuple[int, ...]
    grade: int
    place: int
    signal_ids: tuple[str, ...]
    liked: str | None


@dataclass(frozen=True, slots=True)
class _Column:
    """One measure while it is tested: its sum, its sums by chance, and what makes sums of measures comparable."""

    observed: float
    by_chance: Sequence[float]
    scale: float
    chance_statistics: Sequence[float]

    @property
    def statistic(self) -> float:
        return abs(self.observed) * self.scale


def _column(observed: float, by_chance: Sequence[float], scale: float) -> _Column:
    return _Column(observed, by_chance, scale, [abs(value) * scale for value in by_chance])


def _chance_of(column: _Column, columns: Iterable[_Column], *, exact: bool) -> float:
    """How often the best of all columns does as well by chance as this one does."""
    # The list of zeros lets one column alone pass through `max`.
    best = list(map(max, [0.0] * len(column.by_chance), *(each.chance_statistics for each in columns)))
    return family_wise(column.statistic, best, exact=exact)


def find(evidence: Evidence) -> list[Finding]:
    """All preferences that pairs, edits and grades show beyond chance, strongest statistic first."""
    pairs = [_piece_of_pair(pair) for pair in sorted(evidence.pairs, key=_settled_order)]
    texts = _pieces_of_texts(evidence.graded)
    if len(pairs) + len(texts) < LEAST_PIECES:
        return []
    drifted = _drifts(pairs)
    found = _step_down(pairs, texts, {finding.aspect for finding in drifted})
    return _telling([*drifted, *found])


def _telling(findings: Sequence[Finding]) -> list[Finding]:
    """Without what goes without saying once a wider finding is said, whichever was found first."""
    return [
        one
        for one in findings
        if not any(
            IMPLIED.get((wider.aspect, one.aspect), 0) == (1 if wider.more == one.more else -1) for wider in findings
        )
    ][:MOST_FINDINGS]


def _settled_order(pair: Pair) -> tuple[str, ...]:
    """An order that depends neither on the order of the signals nor on which text was liked."""
    return tuple(sorted((pair.better, pair.worse)))


def _units(differences: Sequence[float], least: float = 1.0) -> tuple[int, ...]:
    return tuple(
        round(_UNIT * bounded(difference, SPREADS[m.name])) if abs(difference) >= least * m.noticeable else 0
        for m, difference in zip(MEASURES, differences, strict=True)
    )


def _piece_of_pair(pair: Pair) -> _Piece:
    differences = [a - b for a, b in zip(measure(pair.better), measure(pair.worse), strict=True)]
    return _Piece(_units(differences), _FULL_GRADE, pair.place, pair.signal_ids, pair.better)


def _pieces_of_texts(graded: Sequence[Graded]) -> list[_Piece]:
    """Each graded text against the median of all, its grade against their mean; nothing when all grades are one."""
    if len({one.score for one in graded}) < 2:
        return []
    ordered = sorted(graded, key=lambda one: (one.text, one.prompt, one.signal_id))
    values = [measure(one.text) for one in ordered]
    middle = [statistics.median_low(column) for column in zip(*values, strict=True)]
    mean = math.fsum(one.score for one in ordered) / len(ordered)
    return [
        _Piece(
            _units([a - b for a, b in zip(value, middle, strict=True)], least=0.5),
            round(_FULL_GRADE * (one.score - mean)),
            one.place,
            (one.signal_id,),
            one.text if one.score > mean else None,
        )
        for one, value in zip(ordered, values, strict=True)
    ]


def _step_down(pairs: Sequence[_Piece], texts: Sequence[_Piece], taken: set[str]) -> list[Finding]:
    """Test, accept the strongest measure, take out what it explains, and again, until none is left beyond chance."""
    columns, exact = _columns(pairs, texts, taken)
    pieces = [*pairs, *texts]
    found: list[Finding] = []
    while columns:
        j = max(columns, key=lambda each: (columns[each].statistic, -each))
        if _chance_of(columns[j], columns.values(), exact=exact) > LEVEL:
            break
        finding = _finding(j, columns[j].observed > 0, pieces)
        if finding is None:
            del columns[j]
            continue
        found.append(finding)
        columns = _unexplained(columns, j, finding)
    return found


def _columns(pairs: Sequence[_Piece], texts: Sequence[_Piece], taken: set[str]) -> tuple[dict[int, _Column], bool]:
    """The measures that differ noticeably often enough, with their sums."""
    pieces = [*pairs, *texts]
    usable = [
        j
        for j, m in enumerate(MEASURES)
        if m.aspect not in taken and sum(piece.units[j] != 0 for piece in pieces) >= LEAST_PIECES
    ]
    if not usable:
        return {}, True
    sums = draw_sums(
        [[piece.units[j] * piece.grade for j in usable] for piece in pairs],
        [[piece.units[j] for j in usable] for piece in texts],
        [piece.grade for piece in texts],
    )
    columns = {}
    for place, j in enumerate(usable):
        scale = _scale([piece.units[j] for piece in pairs], [piece.units[j] for piece in texts], texts)
        columns[j] = _column(sums.observed[place], sums.by_chance[place], MEASURES[j].weight * scale)
    return columns, sums.exact


def _scale(of_pairs: Sequence[int], of_texts: Sequence[int], texts: Sequence[_Piece]) -> float:
    """What makes sums of measures comparable: 1 / sqrt(variance) * sqrt(size); the same in every draw."""
    grades = sum(piece.grade**2 for piece in texts) / max(1, len(texts))
    mean = sum(of_texts) / max(1, len(of_texts))
    variance = _FULL_GRADE**2 * sum(u * u for u in of_pairs) + grades * sum((u - mean) ** 2 for u in of_texts)
    most = _UNIT**2 * (_FULL_GRADE**2 * len(of_pairs) + grades * len(of_texts))
    return (variance / most) ** (SIZE_POWER / 2) / math.sqrt(variance) if variance else 0.0


def _finding(j: int, more: bool, pieces: Sequence[_Piece]) -> Finding | None:
    """Measure `j` as a finding, unless the evidence agrees too little or the newest speaks against it."""
    sign = 1 if more else -1
    speaking = sorted((p for p in pieces if p.units[j] and p.grade), key=lambda p: p.place)
    agreement = _agreement(speaking, j) * sign
    newest = speaking[-max(4, len(speaking) // 3) :]
    half = speaking[len(speaking) // 2 :]
    if agreement < LEAST_AGREEMENT or _agreement(newest, j) * sign < -0.2 or _agreement(half, j) * sign < -0.1:
        return None
    supporting = [p for p in speaking if p.units[j] * p.grade * sign > 0]
    return Finding(
        measure=MEASURES[j].name,
        aspect=MEASURES[j].aspect,
        more=more,
        agreement=agreement,
        pieces=len(speaking),
        signal_ids=tuple(dict.fromkeys(i for p in supporting for i in p.signal_ids)),
        liked=tuple(p.liked for p in supporting if p.liked is not None),
    )


def _agreement(pieces: Sequence[_Piece], j: int) -> float:
    towards = [piece.units[j] * piece.grade for piece in pieces]
    return sum(towards) / (sum(map(abs, towards)) or 1)


def _unexplained(columns: dict[int, _Column], taken: int, finding: Finding) -> dict[int, _Column]:
    """What is left to test after a finding: other aspects, less what usually comes along with the found measure."""
    mover = columns[taken]
    left: dict[int, _Column] = {}
    for j, column in columns.items():
        m = MEASURES[j]
        along = IMPLIED.get((finding.aspect, m.aspect), 0)
        if m.aspect == finding.aspect or along * (1 if finding.more else -1) * column.observed > 0:
            continue
        slope = COUPLINGS.get((m.name, finding.measure), 0.0)
        rest = column.observed - slope * mover.observed
        if slope and rest * column.observed <= 0:
            continue
        if slope:
            residual = [a - slope * b for a, b in zip(column.by_chance, mover.by_chance, strict=True)]
            column = _column(rest, residual, column.scale)
        left[j] = column
    return left


def _turned(before: float, after: float) -> bool:
    return before * after < 0 and abs(before) >= 0.3 and abs(after) >= 0.6


def _drifts(pairs: Sequence[_Piece]) -> list[Finding]:
    """Preferences that turned round: the newer half of the pairs against the older half, beyond chance."""
    ordered = sorted(pairs, key=lambda piece: piece.place)
    older, newer = ordered[: len(ordered) // 2], ordered[len(ordered) // 2 :]
    if len(older) < LEAST_PIECES - 1:
        return []
    turned = [j for j in range(len(MEASURES)) if _turned(_agreement(older, j), _agreement(newer, j))]
    if not turned:
        return []
    old_places = {piece.place for piece in older}
    mirrored = [replace(piece, grade=-piece.grade) if piece.place in old_places else piece for piece in pairs]
    columns, exact = _columns(mirrored, (), set())
    found: dict[str, Finding] = {}
    for j in sorted(set(turned) & columns.keys(), key=lambda j: (-columns[j].statistic, j)):
        if MEASURES[j].aspect in found:
            continue
        if _chance_of(columns[j], columns.values(), exact=exact) > DRIFT_LEVEL:
            break
        if finding := _finding(j, _agreement(newer, j) > 0, newer):
            found[finding.aspect] = finding
    return list(found.values())
