"""What was inferred about a user: a summary made of clauses, each with the signals behind it.

Frozen data, nothing else. Summarizers make summaries, the guard thins them, the store keeps them,
compose puts them into a request.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Clause:
    """One preference in plain words."""

    text: str
    """A short sentence, such as "Keep answers short, about 80 words."."""
    signal_ids: tuple[str, ...] = ()
    """The signals it rests on."""
    strength: float = 1.0
    """How sure and how strong, 0 to 1; clauses stand strongest first."""
    aspect: str = ""
    """What it is about ("length", "lists", "said", ...); two clauses about one aspect contradict each other."""
    untrusted: bool = False
    """True when only signals with `source="untrusted"` are behind it: it never stands in a system prompt."""


@dataclass(frozen=True, slots=True)
class Summary:
    """How one user likes to be answered; empty and falsy when there is nothing to say.

    >>> bool(Summary()), str(Summary())
    (False, '')
    >>> str(Summary(clauses=(Clause("Keep answers short."), Clause("Use lists."))))
    'Keep answers short. Use lists.'
    """

    clauses: tuple[Clause, ...] = ()
    version: int = 0
    """Counts up with every new summary of a stored user; 0 for a summary that is not stored."""
    signal_ids: tuple[str, ...] = ()
    """All signals the summarizer was shown, directly or through an earlier summary it built upon."""
    tokens: int = 0
    """Length of `text` in tokens."""
    raw_tokens: int = 0
    """Length in tokens of the signals it stands for."""
    model: str = ""
    """Which summarizer wrote it; "person" for a person's own words."""
    created_at: datetime | None = None
    pinned: bool = False
    """True for a person's own words, which win over inference until they are let go of."""
    removed: Mapping[str, int] = field(default_factory=dict, hash=False)
    """What the guard took out of the summarizer's text, counted by reason."""
    estimated: bool = False
    """True when tokens were estimated because no encoding lies on this machine."""

    @property
    def text(self) -> str:
        """The clauses as one paragraph."""
        return " ".join(clause.text for clause in self.clauses)

    def __bool__(self) -> bool:
        return bool(self.clauses)

    def __str__(self) -> str:
        return self.text


NOTHING = Summary()
"""The summary of a user about whom there is nothing to say."""
