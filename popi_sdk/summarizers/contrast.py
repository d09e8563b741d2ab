"""`contrast`: how a user likes to be answered, found by comparison and without any model.

    signals -> evidence -> measures -> test -> findings -> words
               (evidence)  (measures)  (significance, findings)  (wording)
            -> what the user said (stated, topics), faintly what they write like (demonstrated)

The rule. A user without a preference would have chosen either answer of a pair, so reversing pairs at random makes data
as likely as the real ones. Some forty measures of style are compared at once over many such reversals, and a preference
is reported only when the best of all measures does as well by chance in at most 2 % of them; then the next one, with
what the first explains taken out. So at most about 2 in 100 users without a preference get a clause, however many
measures are tried. Strength and the exact statistic: `findings`.

A person's own words win over inference about the same aspect, newer words over older ones, newer evidence over older.
Texts of pairs, edits, ratings and chats are measured and recognised, never repeated; statements and personas are.
Same signals, same summary: nothing here depends on chance, on the hash seed or on the locale.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import replace

from popi_sdk.guard import LONGEST_SENTENCE, ORDERS
from popi_sdk.guard.judge import judge
from popi_sdk.signals import Signal
from popi_sdk.summarizers.demonstrated import STRENGTH, suggested
from popi_sdk.summarizers.evidence import Evidence, Said, gather
from popi_sdk.summarizers.findings import Finding, find
from popi_sdk.summarizers.stated import Spoken, about_user, sentences, spoken
from popi_sdk.summarizers.topic_patterns import LESS, MORE
from popi_sdk.summarizers.topics import Wish
from popi_sdk.summarizers.wording import finding_clause, wish_text
from popi_sdk.summary import Clause, Summary

MOST_CLAUSES = 8
MOST_CHARACTERS = 560
"""About 100 to 130 tokens of English; a clause that does not fit is left out, the first one never."""


class Contrast:
    """The deterministic summarizer: `summarize` compares what was liked with what was not.

    >>> from popi_sdk.signals import Statement
    >>> str(Contrast().summarize([Statement("Short answers, please."), Statement("I had soup for lunch.")]))
    'Short answers, please.'
    """

    name = "contrast"
    names_sources = True

    def summarize(self, signals: Sequence[Signal], previous: Summary | None = None) -> Summary:  # noqa: ARG002
        """Say how the user behind `signals` likes to be answered; empty when the evidence is too thin.

        `previous` is not needed: all signals are looked at, the newest 500 pieces of evidence of a kind.
        """
        clauses, refused = found(signals)
        ids = tuple(dict.fromkeys(signal.id for signal in signals))
        removed = dict(Counter(refused.values()))
        return Summary(clauses=tuple(capped(clauses)), signal_ids=ids, model=self.name, removed=removed)


def found(signals: Sequence[Signal]) -> tuple[list[Clause], dict[str, str]]:
    """All that can be said, strongest first; and by signal, why nothing of a statement is believed."""
    evidence = gather(signals)
    said, refused = _without_orders(evidence.said)
    return _clauses(replace(evidence, said=said)), refused


def _without_orders(said: Sequence[Said]) -> tuple[tuple[Said, ...], dict[str, str]]:
    """What the user said, less statements that order the assistant about, and the reason by signal of these.

    The guard would cut the order itself; here the rest of such a statement is not believed either.
    """
    kept, refused = [], dict[str, str]()
    for one in said:
        reasons = (judge(sentence, LONGEST_SENTENCE) for sentence in sentences(one.text)) if one.quotable else ()
        order = next((reason for reason in reasons if reason in ORDERS), None)
        if order is None:
            kept.append(one)
        else:
            refused[one.signal_id] = order
    return tuple(kept), refused


def _clauses(evidence: Evidence) -> list[Clause]:
    """All clauses, strongest first."""
    findings = {finding.aspect: finding for finding in find(evidence)}
    said = spoken(evidence.said)
    decided = {wish.aspect for one in said for wish in one.wishes}
    in_own_words = {wish for one in said if one.words for wish in one.wishes}
    clauses = [clause for one in said for clause in _spoken_clauses(one, findings, in_own_words)]
    clauses += [finding_clause(finding) for finding in findings.values() if finding.aspect not in decided]
    decided |= findings.keys()
    for one in suggested(evidence.written):
        wish = one.wishes[0]
        if wish.aspect not in decided:
            clauses.append(Clause(wish_text(wish), one.signal_ids, STRENGTH, wish.aspect))
    person, ids = about_user(evidence.personas)
    if person:
        clauses.append(Clause(person, ids, 0.9, "persona"))
    return sorted(clauses, key=lambda clause: -clause.strength)


def _spoken_clauses(one: Spoken, findings: dict[str, Finding], in_own_words: AbstractSet[Wish]) -> Iterator[Clause]:
    """A statement in its own words, or remarks in ours; evidence that agrees lends its signals, and its numbers.

    A remark that only repeats a statement adds no clause.
    """
    agreeing = {
        finding.aspect: finding
        for wish in one.wishes
        if (finding := findings.get(wish.aspect)) and wish.direction == (MORE if finding.more else LESS)
    }
    if one.words:
        ids = dict.fromkeys([*one.signal_ids, *(i for finding in agreeing.values() for i in finding.signal_ids)])
        yield Clause(one.words, tuple(ids), 1.0, one.wishes[0].aspect if one.wishes else "said")
        return
    heard = min(0.9, 0.5 + 0.1 * len(one.signal_ids))
    for wish in one.wishes:
        if wish in in_own_words:
            continue
        if finding := agreeing.get(wish.aspect):
            clause = finding_clause(finding)
            ids = dict.fromkeys([*one.signal_ids, *clause.signal_ids])
            yield Clause(clause.text, tuple(ids), max(heard, clause.strength), wish.aspect)
        else:
            yield Clause(wish_text(wish), one.signal_ids, heard, wish.aspect)


def capped(clauses: Sequence[Clause]) -> Iterator[Clause]:
    """The first ones, as many as a summary holds."""
    taken = length = 0
    for clause in clauses:
        if taken == MOST_CLAUSES:
            return
        if taken and length + len(clause.text) > MOST_CHARACTERS:
            continue
        taken += 1
        length += len(clause.text)
        yield clause
