"""The embedded model, and beside what it infers what it cannot say or left out although it was shown plainly.

    signals -> statements that order the assistant about? nothing of them is believed
            -> what a statement asks for that the model cannot say, not so exactly, or did not say: in the user's words
            -> what the model infers from all signals, less what these words say already
            -> what `contrast` found by its test in pairs and edits, of aspects that nothing was said of so far

It knows 29 aspects of style and languages, reads English, and learned from people with few wishes and a dozen signals:
of a long, clear history it says a part only. What a statement plainly asks for beyond these aspects ("Use metric
units."), or says more exactly than they can ("At most three sentences."), is repeated as `contrast` would repeat it; so
is who the user is. What is no plain order ("Vegan only.") or hides behind one that is read ("Be brief, and show amounts
in euros.") is lost.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace

from popi_sdk.signals import Edit, Persona, PreferencePair, Signal, Statement
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
SURE = 0.85
"""The same of a sentence that is no order by its form."""
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
    """What is made of a user's signals beside what the model makes of them; nothing of it is guarded yet."""

    believed: tuple[Signal, ...]
    """All but statements that order the assistant about."""
    own_words: tuple[Clause, ...]
    """Statements and profiles in the user's words, strongest first."""
    tested: tuple[Clause, ...]
    """What contrast finds in pairs and edits, in the SDK's words."""
    signal_ids: tuple[str, ...]
    removed: Mapping[str, int]
    """Statements that are not believed, by reason."""


class QuotingSummarizer(TrainedSummarizer):
    """A `TrainedSummarizer` beside which stands what it cannot say or left out."""

    def summarize(self, signals: Sequence[Signal], previous: Summary | None = None) -> Summary:
        """See `TrainedSummarizer.summarize`; what it infers has been guarded, the rest has not."""
        heard = hear(signals)
        return beside(heard, super().summarize(heard.believed, previous))

    def summarize_many(self, histories: Sequence[Sequence[Signal]]) -> list[Summary]:
        """See `TrainedSummarizer.summarize_many`."""
        heard = [hear(signals) for signals in histories]
        inferred = super().summarize_many([one.believed for one in heard])
        return [beside(one, summary) for one, summary in zip(heard, inferred, strict=True)]

    def texts(self, histories: Sequence[Sequence[Signal]]) -> list[str]:
        """See `TrainedSummarizer.texts`."""
        heard = [hear(signals) for signals in histories]
        written = super().texts([one.believed for one in heard])
        inferred = [Summary(clauses=tuple(map(Clause, text.splitlines()))) for text in written]
        both = [beside(one, summary) for one, summary in zip(heard, inferred, strict=True)]
        return ["\n".join(clause.text for clause in one.clauses) for one in both]


def hear(signals: Sequence[Signal]) -> Heard:
    """Sort out what is believed of `signals`, what of it may be repeated, and what a test finds in choices."""
    said = [_about_oneself(signal) for signal in signals if isinstance(signal, Persona | Statement)]
    own_words, refused = found(said)
    # Not in thumbs and remarks: what it adds there to the model's was measured to be the reverse of a wish too often.
    tested, _ = found([signal for signal in signals if isinstance(signal, PreferencePair | Edit)])
    return Heard(
        believed=tuple(signal for signal in signals if signal.id not in refused),
        own_words=tuple(own_words),
        tested=tuple(tested),
        signal_ids=tuple(dict.fromkeys(signal.id for signal in signals)),
        removed=Counter(refused.values()),
    )


def beside(heard: Heard, inferred: Summary) -> Summary:
    """All in one summary, a person's own words first; nothing is said a second time.

    An exact length decides about length altogether; a profile asks for nothing.
    """
    known = {wish.aspect for clause in inferred.clauses if (wish := wish_of(clause.text))}
    own_words = tuple(one for one in heard.own_words if _is_beyond(one) or _is_left_out(one, known))
    repeated, said = _asked_in(own_words), {clause.text for clause in own_words}
    rest = [one for one in inferred.clauses if one.text not in said and wish_of(one.text) not in repeated]
    known |= {wish.aspect for wish in _asked_in(heard.own_words)}
    tested = [one for one in heard.tested if one.aspect not in known]
    clauses = tuple(capped((*own_words, *rest, *tested)))
    return replace(
        inferred,
        clauses=clauses,
        tokens=count_tokens(" ".join(clause.text for clause in clauses)) if clauses else 0,
        signal_ids=tuple(dict.fromkeys((*inferred.signal_ids, *heard.signal_ids))),
        removed=dict(Counter(inferred.removed) + Counter(heard.removed)),
    )


def _asked_in(own_words: Sequence[Clause]) -> set[Wish]:
    texts = [clause.text for clause in own_words if clause.aspect != "persona"]
    found = {wish for text in texts for wish in (*_wishes(text), *wishes(text))}
    if any(_LENGTH.search(text) for text in texts):
        found |= {Wish("length", "more"), Wish("length", "less")}
    return found


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
    return bool(_wishes(sentence)) and all(_wishes(part) for part in (first, *more) if more and is_plain(part))


def _is_left_out(clause: Clause, known: Collection[str]) -> bool:
    """Whether a sentence plainly asks for something of which the model says nothing, neither more nor less of it."""
    least = READ if is_plain(clause.text) else SURE
    return any(wish.aspect not in known for wish in _wishes(clause.text, least))


def _wishes(text: str, least: float = READ) -> list[Wish]:
    return [Wish(one.aspect, one.direction) for one in asks(text) if one.likelihood >= least]
