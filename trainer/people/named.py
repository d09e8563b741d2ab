"""What summaries say of simulated people, word for word: the wishes, their reverse, or something else.

Only clauses in the SDK's own words count (`trainer.people.texts.clause_of`), which are those a model is taught; what is
repeated of a person's own words does not.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from popi_sdk.summarizers.wording import reverse_of, wish_of
from popi_sdk.summary import Summary
from trainer.data import Example


@dataclass(frozen=True, slots=True)
class Named:
    """What clauses say about the users' newest wishes, counted over all users."""

    right: int
    """Clauses that name a wish in its direction."""
    reverse: int
    """Clauses that name a wish in the reverse direction."""
    other: int
    """Clauses about what the user does not wish for; it may come along with what they do."""
    wishes: int
    """All wishes there are."""

    @property
    def clauses(self) -> int:
        """All clauses."""
        return self.right + self.reverse + self.other

    @property
    def precision(self) -> float:
        """The share of clauses that are right; 0 where there is none."""
        return self.right / max(1, self.clauses)

    @property
    def recall(self) -> float:
        """The share of wishes that are named."""
        return self.right / max(1, self.wishes)

    @property
    def reversed(self) -> float:
        """The share of clauses that say the reverse of a wish; 0 where there is none."""
        return self.reverse / max(1, self.clauses)


def named_by(written: Sequence[tuple[Example, Summary]]) -> Named:
    """How the clauses of summaries stand to the wishes of the people they were written of."""
    right = reverse = clauses = wishes = 0
    for example, summary in written:
        wished = set(example.oracle.splitlines())
        said = [clause.text for clause in summary.clauses if wish_of(clause.text)]
        right += sum(one in wished for one in said)
        reverse += sum(reverse_of(one) in wished for one in said)
        clauses += len(said)
        wishes += len(wished)
    return Named(right, reverse, clauses - right - reverse, wishes)
