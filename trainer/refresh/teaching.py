"""Supervised learning from what users have shown since: both models learn from each user's best summary in hindsight.

    hindsight    each user's summary is looked for anew, with the generator as it is
    generator    shown the summary, it learns to rank the user's own answers: what new words mean
    summarizer   shown some of the user's signals, it learns to write that summary: how new signals show it

Hindsight comes first: a generator that was taught with summaries in which a wish is missing has learned to rank without
it, and then the wish helps no more. Words that it does not know yet it learns in the first of several rounds.

Users who are replayed keep the summary that the version in service writes about them, so that neither model unlearns
the old. Everything that is drawn follows from the seed.
"""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import TypeVar

from torch import Tensor

from popi_sdk.errors import ConfigError
from popi_sdk.signals import Signal, SignalBase
from popi_sdk.summary import NOTHING
from trainer.config import Config
from trainer.data import Example
from trainer.datasets.rotation import LONG_AGO
from trainer.encode import Encoder
from trainer.losses import margin, preference_loss
from trainer.opened import OpenedRun, writer_of
from trainer.progress import Reporter
from trainer.reference import ReferenceLogprobs
from trainer.refresh.hindsight import Clauses, Learner, as_summary, clause_bank, improved, said
from trainer.scoring import PairScorer
from trainer.updates import pair_logprobs
from trainer.warm_start import Advance, learn, make_optimizers, target_loss

S = TypeVar("S", bound=SignalBase)
REPLAYED = "replay"
"""The slice `when` of examples that are replayed."""


def teach(
    opened: OpenedRun, train: Sequence[Example], earlier: Sequence[Example], config: Config, reporter: Reporter
) -> Clauses:
    """Teach the models of `opened` what the examples show, in place; returns the clauses that were tried.

    Args:
        earlier: what users showed before, from which the version in service sums them up.
    """
    settings, draw = config.refresh, random.Random(f"{config.run.seed} teaching")
    reference = ReferenceLogprobs(opened.models.reference, opened.encoder)
    scorer = PairScorer(opened.models.generator, opened.encoder, reference, config.rollout.microbatch)
    learners, bank = _beginning(opened, train, earlier, config, reporter)
    for number in range(1, settings.rounds + 1):
        of = f"{number} of {settings.rounds}"
        with reporter.stage(f"hindsight, round {of}", len(learners) * len(bank)) as advance:
            learners = improved(learners, bank, scorer, config.objective, advance)
        with reporter.stage(f"generator, round {of}", settings.generator_steps) as advance:
            _teach_generator(opened, learners, reference, config, draw, lambda _, loss: advance(loss=loss))
        with reporter.stage(f"summarizer, round {of}", settings.summarizer_steps) as advance:
            _teach_summarizer(opened, learners, config, draw, lambda _, loss: advance(loss=loss))
    return bank


def _beginning(
    opened: OpenedRun, train: Sequence[Example], earlier: Sequence[Example], config: Config, reporter: Reporter
) -> tuple[list[Learner], Clauses]:
    """Everybody with a first summary: what the version in service wrote before, and what they have said themselves."""
    of_user = _by_user(train)
    newest = most_shown(config.refresh.shots)
    known_by = {example.user: replace(example, signals=example.signals[-newest:]) for example in earlier}
    shown = [known_by.get(user, examples[0]) for user, examples in of_user.items()]
    with reporter.stage("summaries so far", len(shown)) as advance:
        written = writer_of(opened, opened.models.summarizer, sampled=False).write(shown, advance)
    first = {user: [clause.text for clause in one.clauses] for user, one in zip(of_user, written, strict=True)}
    signals = {user: _once(signal for one in examples for signal in one.signals) for user, examples in of_user.items()}
    settled = {user for user, examples in of_user.items() if examples[0].slices.get("when") == REPLAYED}
    sayings = {user: said(signals[user], opened.encoder) for user in of_user if user not in settled}
    settings = config.refresh
    bank = clause_bank(list(first.values()), sayings, said_by=settings.said_by, most=settings.clauses)
    learners = []
    for user, examples in of_user.items():
        own = [clause for clause in bank if clause in sayings.get(user, ()) and clause not in first[user]]
        learners.append(
            Learner(
                user=user,
                signals=signals[user],
                pairs=_once(pair for one in examples for pair in one.pairs),
                clauses=(*first[user], *own),
                settled=user in settled,
                examples=len(examples),
            )
        )
    return learners, bank


def _teach_generator(
    opened: OpenedRun,
    learners: Sequence[Learner],
    reference: ReferenceLogprobs,
    config: Config,
    draw: random.Random,
    advance: Advance,
) -> None:
    settings, objective, generator = config.refresh, config.objective, opened.models.generator

    def loss(_: int) -> Tensor:
        jobs = []
        for learner in drawn(learners, settings.batch, draw):
            plain = draw.random() < objective.without_summary
            pairs = draw.sample(learner.pairs, min(objective.pairs, len(learner.pairs)))
            jobs.append((NOTHING if plain else as_summary(learner.clauses), pairs))
        # Asked first: the reference may share its base with the generator, between whose passes no other role may come.
        known = reference.of([pair for _, pairs in jobs for pair in pairs])
        scores = pair_logprobs(generator, opened.encoder, jobs)[0]
        margins = margin(scores[:, 0], scores[:, 1], *known.to(scores).unbind(1))
        return preference_loss(margins, objective.loss, objective.beta).mean()

    learn(generator, loss, settings.generator_steps, make_optimizers(generator, settings), advance)


def _teach_summarizer(
    opened: OpenedRun, learners: Sequence[Learner], config: Config, draw: random.Random, advance: Advance
) -> None:
    settings, summarizer, encoder = config.refresh, opened.models.summarizer, opened.encoder

    def loss(_: int) -> Tensor:
        targets = []
        for learner in drawn(learners, settings.batch, draw):
            prompt = _prompt(encoder, learner, _some(learner.signals, settings.shots, draw))
            targets.append((prompt, encoder.summary_ids("\n".join(learner.clauses))))
        return target_loss(summarizer, targets)

    learn(summarizer, loss, settings.summarizer_steps, make_optimizers(summarizer, settings), advance)


def _prompt(encoder: Encoder, learner: Learner, shown: tuple[Signal, ...]) -> list[int]:
    """What the summarizer reads about some signals: of those that do not fit its window the newest half that does.

    Raises:
        ConfigError: not even one fits.
    """
    try:
        return encoder.summarizer_prompt(Example(learner.user, shown, ()))
    except ConfigError:
        if len(shown) < 2:
            raise
        return _prompt(encoder, learner, shown[len(shown) // 2 :])


def drawn(learners: Sequence[Learner], count: int, draw: random.Random) -> list[Learner]:
    """Some users, each as often as examples were made of them, so that replay has the share that was asked for."""
    return draw.choices(learners, weights=[learner.examples for learner in learners], k=count)


def _some(signals: Sequence[Signal], shots: int, draw: random.Random) -> tuple[Signal, ...]:
    """About as many signals as examples show, in their order: each time others, so that none is learned by heart."""
    count = min(len(signals), draw.randint((shots + 1) // 2, most_shown(shots)))
    return tuple(signals[place] for place in sorted(draw.sample(range(len(signals)), count)))


def most_shown(shots: int) -> int:
    """Most signals that the summarizer is shown at once while it is taught."""
    return shots + shots // 2


def _by_user(examples: Sequence[Example]) -> dict[str, list[Example]]:
    grouped: dict[str, list[Example]] = defaultdict(list)
    for example in examples:
        grouped[example.user].append(example)
    return grouped


def _once(signals: Iterable[S]) -> tuple[S, ...]:
    """Each signal once, in the order of time where that is known."""
    known = {signal.id: signal for signal in signals}
    return tuple(sorted(known.values(), key=lambda signal: signal.at or LONG_AGO))
