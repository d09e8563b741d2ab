"""A user's best summary in hindsight: the clauses that let the generator rank the user's own answers best.

Reinforcement learning finds what the summarizer already half knows, and not a wish that it has never put into words.
Users put theirs into words, some of them: what several have said is tried on everybody, and stays in a user's summary
where it makes the generator's loss on that user's pairs clearly lower. So the target is searched for under the same
objective that rewards a summary, and learned from afterwards (expert iteration; Anthony et al. 2017).
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from popi_sdk.signals import PreferencePair, Signal, Statement
from popi_sdk.summary import Clause, Summary
from trainer.config import ObjectiveConfig
from trainer.data import Example
from trainer.encode import Encoder
from trainer.losses import preference_loss
from trainer.scoring import PairScorer

CLEARLY = 0.5
"""Nats of the user's choices by which a change has to make them likelier; less may be chance."""
LONGEST = 12
"""Words of a saying that may stand in somebody else's summary."""
PAIRS = 8
"""Most of a user's pairs that changes are judged on: the newest, as what is new shows in no others."""
CHANGES = 4
"""Most changes to one user's summary in one round."""

Clauses = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Learner:
    """One user to learn from, with the summary that fits best so far."""

    user: str
    signals: tuple[Signal, ...]
    """All that the summarizer may be shown, oldest first."""
    pairs: tuple[PreferencePair, ...]
    """All that a summary is judged by, oldest first."""
    clauses: Clauses
    settled: bool = False
    """Whether the clauses stay as they are, as those of replayed users do."""
    examples: int = 1
    """In how many the user is met: so many times as often is learned from this one as from a user of one example."""


def said(signals: Iterable[Signal], encoder: Encoder) -> set[str]:
    """The clauses that a user's own statements make, as far as the guard lets them through and they are short."""
    texts = (signal.text for signal in signals if isinstance(signal, Statement) and signal.source == "user")
    clauses = (clause.text for text in texts for clause in encoder.safe_summary(text).clauses)
    return {text for text in clauses if len(text.split()) <= LONGEST}


def clause_bank(
    summaries: Sequence[Sequence[str]], sayings: Mapping[str, Iterable[str]], *, said_by: int, most: int
) -> Clauses:
    """Clauses to try on everybody: what current summaries hold, in their order, then what several users have said.

    Args:
        summaries: of the users to learn from, as the version in service writes them.
        sayings: by user.
        said_by: users who must have said a clause, or have it in their summary.
        most: of the commonest, so many are kept.

    >>> clause_bank([["Be brief."], ["Be brief."]], {"ada": ["Rhyme."], "bo": ["Rhyme."]}, said_by=2, most=9)
    ('Be brief.', 'Rhyme.')
    """
    places: dict[str, list[int]] = defaultdict(list)
    for clauses in summaries:
        for place, clause in enumerate(dict.fromkeys(clauses)):
            places[clause].append(place)
    known = {clause: sum(found) / len(found) for clause, found in places.items() if len(found) >= said_by}
    counted = Counter(clause for clauses in sayings.values() for clause in set(clauses))
    new = {clause: count for clause, count in counted.items() if count >= said_by and clause not in known}
    common = Counter({clause: len(places[clause]) for clause in known}) + Counter(new)
    kept = {clause for clause, _ in sorted(common.items(), key=lambda item: (-item[1], item[0]))[:most]}
    in_order = [
        *sorted(known, key=lambda clause: (known[clause], clause)),
        *sorted(new, key=lambda one: (-new[one], one)),
    ]
    return tuple(clause for clause in in_order if clause in kept)


def improved(
    learners: Sequence[Learner],
    bank: Clauses,
    scorer: PairScorer,
    objective: ObjectiveConfig,
    advance: Callable[[int], None] = lambda _: None,
) -> list[Learner]:
    """Each user with the summary that a few changes make clearly better: a clause of `bank` more, or one less.

    Every change is tried alone first; those that help are made in the order of their gain, as long as each still helps
    beside the ones before it, so that of two clauses that say the same one is taken.
    """
    moving = [learner for learner in learners if not learner.settled]
    trials = [(learner, change) for learner in moving for change in _changes(learner.clauses, bank)]
    now = dict(
        zip(
            (one.user for one in moving),
            _likelihoods([(one, one.clauses) for one in moving], scorer, objective),
            strict=True,
        )
    )
    alone = _likelihoods(
        [(one, _changed(one.clauses, change, bank)) for one, change in trials], scorer, objective, advance
    )
    gains: dict[str, list[tuple[float, str]]] = defaultdict(list)
    for (learner, change), likelihood in zip(trials, alone, strict=True):
        if likelihood - now[learner.user] > CLEARLY:
            gains[learner.user].append((now[learner.user] - likelihood, change))
    best = {learner.user: learner for learner in moving}
    queues = {user: [change for _, change in sorted(found)][:CHANGES] for user, found in gains.items()}
    while any(queues.values()):
        tried = [
            replace(best[user], clauses=_changed(best[user].clauses, queue.pop(0), bank))
            for user, queue in queues.items()
            if queue
        ]
        for learner, likelihood in zip(
            tried, _likelihoods([(one, one.clauses) for one in tried], scorer, objective), strict=True
        ):
            if likelihood - now[learner.user] > CLEARLY:
                best[learner.user], now[learner.user] = learner, likelihood
    return [best.get(learner.user, learner) for learner in learners]


def as_summary(clauses: Clauses) -> Summary:
    """Clauses as the generator is shown them."""
    return Summary(clauses=tuple(map(Clause, clauses)))


def _changes(clauses: Clauses, bank: Clauses) -> list[str]:
    return list(dict.fromkeys((*bank, *clauses)))


def _changed(clauses: Clauses, change: str, bank: Clauses) -> Clauses:
    """Without `change` where it stands, else with it; always in the order of the bank."""
    wanted = [clause for clause in clauses if clause != change] if change in clauses else [*clauses, change]
    order = {clause: place for place, clause in enumerate(bank)}
    return tuple(sorted(wanted, key=lambda clause: order.get(clause, len(order))))


def _likelihoods(
    trials: Sequence[tuple[Learner, Clauses]],
    scorer: PairScorer,
    objective: ObjectiveConfig,
    advance: Callable[[int], None] = lambda _: None,
) -> list[float]:
    """How likely the generator finds each user's choices beside the clauses, in nats."""
    found = []
    for start in range(0, len(trials), 256):
        some = trials[start : start + 256]
        examples = [Example(one.user, (), one.pairs[-PAIRS:]) for one, _ in some]
        margins = scorer.margins(examples, [as_summary(clauses) for _, clauses in some])
        found += [-objective.beta * preference_loss(one, "dpo", objective.beta).sum().item() for one in margins]
        advance(len(some))
    return found
