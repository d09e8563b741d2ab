"""What summaries say of simulated people is counted by hand-made people and summaries."""

from __future__ import annotations

import pytest

from popi_sdk.summary import NOTHING, Clause, Summary
from trainer.data import Example
from trainer.people.named import Named, named_by

SHORT, LONG = "Keep answers short and concise.", "Write longer, detailed answers."
LISTS, EMOJI = "Use bullet lists.", "Use emoji."


def person(*wishes: str) -> Example:
    return Example("u", (), (), {}, "\n".join(wishes), "")


def saying(*clauses: str) -> Summary:
    return Summary(clauses=tuple(Clause(one) for one in clauses))


def test_clauses_are_wishes_their_reverse_or_something_else() -> None:
    written = [
        (person(SHORT, LISTS), saying(SHORT, EMOJI)),  # one right, one other
        (person(SHORT), saying(LONG)),  # the reverse
        (person(LISTS, EMOJI), NOTHING),
    ]
    named = named_by(written)
    assert named == Named(right=1, reverse=1, other=1, wishes=5)
    assert named.precision == pytest.approx(1 / 3)
    assert named.reversed == pytest.approx(1 / 3)
    assert named.recall == pytest.approx(1 / 5)


def test_a_clause_in_other_words_does_not_count() -> None:
    assert named_by([(person(SHORT), saying("Do be brief!"))]) == Named(0, 0, 0, 1)


def test_nobody_and_nothing_are_no_division_by_zero() -> None:
    named = named_by([])
    assert (named.precision, named.recall, named.reversed) == (0, 0, 0)
