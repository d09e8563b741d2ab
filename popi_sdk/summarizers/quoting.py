"""The embedded model, and beside what it infers the user's own words where it has none of its own for them.

It knows 29 aspects of style and languages. What a statement asks for beyond these ("Use metric units."), or says more
exactly than they can ("At most three sentences."), is repeated as `contrast` would repeat it; so is who the user is.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

from popi_sdk.signals import Persona, Signal, Statement
from popi_sdk.style.asking import asks
from popi_sdk.summarizers.contrast import Contrast
from popi_sdk.summarizers.stated import settings
from popi_sdk.summarizers.statement_shapes import is_plain
from popi_sdk.summarizers.trained import TrainedSummarizer
from popi_sdk.summarizers.wording import aspect_of
from popi_sdk.summary import Clause, Summary

READ = 0.5
"""Likelihood from which on the model is taken to know what a sentence asks for."""
_NUMBERS = r"(?:\d+|one|two|three|four|five|six|seven|eight|nine|ten|twelve|twenty|fifty|(?:a )?hundred)"
_UNITS = r"(?:words?|sentences?|paragraphs?|lines?|points?|bullets?|items?|options?|examples?|pages?|characters?)"
_EXACT = re.compile(rf"\b{_NUMBERS} (?:\w+ )?{_UNITS}\b", re.IGNORECASE)


class QuotingSummarizer(TrainedSummarizer):
    """A `TrainedSummarizer` that also repeats what users say and it has no clause for."""

    def summarize(self, signals: Sequence[Signal], previous: Summary | None = None) -> Summary:
        """See `TrainedSummarizer.summarize`; own words are not guarded yet, as those of `contrast` are not."""
        return beside(quoted(signals), super().summarize(signals, previous))

    def summarize_many(self, histories: Sequence[Sequence[Signal]]) -> list[Summary]:
        """See `TrainedSummarizer.summarize_many`."""
        inferred = super().summarize_many(histories)
        return [beside(quoted(signals), one) for signals, one in zip(histories, inferred, strict=True)]

    def texts(self, histories: Sequence[Sequence[Signal]]) -> list[str]:
        """See `TrainedSummarizer.texts`."""
        written = [Summary(clauses=tuple(map(Clause, text.splitlines()))) for text in super().texts(histories)]
        both = [beside(quoted(signals), one) for signals, one in zip(histories, written, strict=True)]
        return ["\n".join(clause.text for clause in one.clauses) for one in both]


def quoted(signals: Sequence[Signal]) -> Summary:
    """What `contrast` repeats of statements and profiles, as far as it is beyond the model's clauses.

    Whole statements are judged: of one that gives the assistant an order nothing is repeated.
    """
    said = Contrast().summarize([signal for signal in signals if isinstance(signal, Persona | Statement)])
    return replace(said, clauses=tuple(clause for clause in said.clauses if _is_beyond(clause)))


def beside(own_words: Summary, inferred: Summary) -> Summary:
    """Both in one summary, a person's own words first; what they ask for is not said a second time."""
    said = {one.aspect for clause in own_words.clauses for one in asks(clause.text) if one.likelihood >= READ}
    rest = tuple(clause for clause in inferred.clauses if aspect_of(clause.text) not in said)
    ids = dict.fromkeys((*inferred.signal_ids, *own_words.signal_ids))
    removed = {reason: inferred.removed.get(reason, 0) + own_words.removed.get(reason, 0)
               for reason in (*inferred.removed, *own_words.removed)}  # fmt: skip
    return replace(inferred, clauses=(*own_words.clauses, *rest), signal_ids=tuple(ids), removed=removed)


def _is_beyond(clause: Clause) -> bool:
    if clause.aspect == "persona":
        return True
    return _is_exact(clause.text) or (
        is_plain(clause.text) and not aspect_of(clause.text) and not _is_read(clause.text)
    )


def _is_exact(sentence: str) -> bool:
    return bool(_EXACT.search(sentence) or settings(sentence.lower()))


def _is_read(sentence: str) -> bool:
    return any(one.likelihood >= READ for one in asks(sentence))
