"""The embedded model, and beside what it infers the user's own words where it has none of its own for them.

    signals -> statements that order the assistant about? nothing of them is believed
            -> what a statement asks for that the model cannot say, or not so exactly: in the user's words
            -> what the model infers from all signals, less what these words say already

It knows 29 aspects of style and languages, and reads English. What a statement plainly asks for beyond these ("Use
metric units."), or says more exactly than they can ("At most three sentences."), is repeated as `contrast` would repeat
it; so is who the user is. What is no plain order ("Vegan only.") or hides behind one that is read ("Be brief, and show
amounts in euros.") is lost.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace

from popi_sdk.signals import Persona, Signal, Statement
from popi_sdk.style.asking import asks, unmet
from popi_sdk.summarizers.contrast import capped, found
from popi_sdk.summarizers.stated import settings
from popi_sdk.summarizers.statement_shapes import is_foreign, is_plain
from popi_sdk.summarizers.topics import Wish, wishes
from popi_sdk.summarizers.trained import TrainedSummarizer
from popi_sdk.summarizers.wording import wish_of
from popi_sdk.summary import Clause, Summary
from popi_sdk.tokens import count_tokens

READ = 0.5
"""Likelihood from which on the model is taken to know what a sentence asks for."""
LONGEST_PLAIN = 12
"""Words of a plain sentence that is repeated for a word in it that the model never met."""
_NUMBERS = r"(?:\d+|one|two|three|four|five|six|seven|eight|nine|ten|twelve|twenty|fifty|(?:a )?hundred)"
_OF_TEXT = r"(?:words?|sentences?|paragraphs?|lines?|pages?|characters?)"
_OF_THINGS = r"(?:points?|bullets?|items?|options?|examples?)"
_LENGTH = re.compile(rf"\b{_NUMBERS} (?:\w+ )?{_OF_TEXT}\b", re.IGNORECASE)
_AMOUNT = re.compile(rf"\b{_NUMBERS} (?:\w+ )?(?:{_OF_TEXT}|{_OF_THINGS})\b", re.IGNORECASE)
_NEXT_ORDER = re.compile(r"[,;]?\s+(?:and|but)\s+(?=\w+\s+\w)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Heard:
    """What is made of a user's signals before the model sees them."""

    believed: tuple[Signal, ...]
    """All but statements that order the assistant about."""
    own_words: Summary
    """What is repeated of the believed statements and profiles; not guarded yet, as what `contrast` repeats is not."""


class QuotingSummarizer(TrainedSummarizer):
    """A `TrainedSummarizer` that also repeats what users say and it has no clause for."""

    def summarize(self, signals: Sequence[Signal], previous: Summary | None = None) -> Summary:
        """See `TrainedSummarizer.summarize`; what it infers has been guarded, own words have not."""
        heard = hear(signals)
        return beside(heard.own_words, super().summarize(heard.believed, previous))

    def summarize_many(self, histories: Sequence[Sequence[Signal]]) -> list[Summary]:
        """See `TrainedSummarizer.summarize_many`."""
        heard = [hear(signals) for signals in histories]
        inferred = super().summarize_many([one.believed for one in heard])
        return [beside(one.own_words, summary) for one, summary in zip(heard, inferred, strict=True)]

    def texts(self, histories: Sequence[Sequence[Signal]]) -> list[str]:
        """See `TrainedSummarizer.texts`."""
        heard = [hear(signals) for signals in histories]
        written = super().texts([one.believed for one in heard])
        inferred = [Summary(clauses=tuple(map(Clause, text.splitlines()))) for text in written]
        both = [beside(one.own_words, summary) for one, summary in zip(heard, inferred, strict=True)]
        return ["\n".join(clause.text for clause in one.clauses) for one in both]


def hear(signals: Sequence[Signal]) -> Heard:
    """Sort out what is believed of `signals`, and what of it is repeated in the user's words."""
    said = [_about_oneself(signal) for signal in signals if isinstance(signal, Persona | Statement)]
    clauses, refused = found(said)
    own_words = Summary(
        clauses=tuple(capped([clause for clause in clauses if _is_beyond(clause)])),
        signal_ids=tuple(dict.fromkeys(signal.id for signal in signals)),
        removed=dict(Counter(refused.values())),
    )
    return Heard(tuple(signal for signal in signals if signal.id not in refused), own_words)


def beside(own_words: Summary, inferred: Summary) -> Summary:
    """Both in one summary, a person's own words first; what they ask for is not said a second time.

    An exact length decides about length altogether; a profile asks for nothing.
    """
    asked = [clause.text for clause in own_words.clauses if clause.aspect != "persona"]
    said_how = {Wish(one.aspect, one.direction) for text in asked for one in asks(text) if one.likelihood >= READ}
    said_how |= {wish for text in asked for wish in wishes(text)}
    if any(_LENGTH.search(text) for text in asked):
        said_how |= {Wish("length", "more"), Wish("length", "less")}
    said = {clause.text for clause in own_words.clauses}
    rest = tuple(one for one in inferred.clauses if one.text not in said and wish_of(one.text) not in said_how)
    clauses = (*own_words.clauses, *rest)
    return replace(
        inferred,
        clauses=clauses,
        tokens=count_tokens(" ".join(clause.text for clause in clauses)) if clauses else 0,
        signal_ids=tuple(dict.fromkeys((*inferred.signal_ids, *own_words.signal_ids))),
        removed=dict(Counter(inferred.removed) + Counter(own_words.removed)),
    )


def _about_oneself(signal: Persona | Statement) -> Persona | Statement:
    """A profile without the wishes about answers in it that the model reads."""
    if isinstance(signal, Statement) or not signal.attributes:
        return signal
    rest = {
        name: value
        for name, value in signal.attributes.items()
        if not (isinstance(value, str) and is_plain(value) and _is_read(value))
    }
    return signal.model_copy(update={"attributes": rest})


def _is_beyond(clause: Clause) -> bool:
    """Whether the model cannot say this, or not so exactly."""
    text = clause.text
    if clause.aspect == "persona" or _AMOUNT.search(text) or settings(text.lower()) or is_foreign(text):
        return True
    return is_plain(text) and wish_of(text) is None and not _is_read(text)


def _is_read(sentence: str) -> bool:
    """Whether the model knows all that a plain sentence asks for."""
    if len(sentence.split()) <= LONGEST_PLAIN and unmet(sentence):
        return False
    first, *more = _NEXT_ORDER.split(sentence)
    return _asks(sentence) and all(_asks(part) for part in (first, *more) if more and is_plain(part))


def _asks(text: str) -> bool:
    return any(one.likelihood >= READ for one in asks(text))
