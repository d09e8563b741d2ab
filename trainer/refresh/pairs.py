"""Which of a user's signals say that one answer was liked better than another, as pairs that can be held out.

    PreferencePair   the pair it is
    Edit             what the user made of the draft, over the draft
    Ratings          of the answers to one prompt the best over the worst, where their scores differ by at least 1;
                     of several ratings of one answer the newest counts

Only what came from the user makes a pair: nobody else may say what a user's summary is rewarded for. All other signals
stay signals, and so does a pair wherever it is not held out: then it is shown as what the user really did.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from popi_sdk.signals import Edit, PreferencePair, Rating, Signal
from trainer.data import same_text

LEAST_DIFFERENCE = 1.0
"""Between the scores of two ratings that make a pair: a like and no opinion, or more."""


@dataclass(frozen=True, slots=True)
class Choice:
    """A pair, and the signals that tell of it."""

    pair: PreferencePair
    """With the time at which the last of the signals was shown."""
    shown_as: tuple[Signal, ...]


def choices(signals: Sequence[Signal]) -> tuple[list[Choice], list[Signal]]:
    """A user's choices and the signals that are none; both in the order of `signals`, which is oldest first.

    The same choice told twice, such as by an edit and by a pair, is one.

    >>> found, rest = choices([Rating("Hi", "Hello!", 1), Rating("Hi", "What?", -0.5), Rating("Bye", "See you.", 1)])
    >>> [(choice.pair.chosen, choice.pair.rejected) for choice in found], [signal.prompt for signal in rest]
    ([('Hello!', 'What?')], ['Bye'])
    """
    own = [signal for signal in signals if signal.source == "user"]
    found = [
        *(Choice(signal, (signal,)) for signal in own if isinstance(signal, PreferencePair)),
        *(_of_edit(signal) for signal in own if isinstance(signal, Edit)),
        *_of_ratings(signal for signal in own if isinstance(signal, Rating)),
    ]
    place = {signal.id: number for number, signal in enumerate(signals)}
    found.sort(key=lambda choice: place[choice.shown_as[-1].id])
    telling = {signal.id for choice in found for signal in choice.shown_as}
    return _once(found), [signal for signal in signals if signal.id not in telling]


def _of_edit(edit: Edit) -> Choice:
    return Choice(PreferencePair(edit.prompt, edit.final, edit.draft, at=edit.at), (edit,))


def _of_ratings(ratings: Iterable[Rating]) -> list[Choice]:
    """At most one choice for each prompt."""
    by_prompt: dict[str, dict[str, tuple[int, Rating]]] = {}
    for number, rating in enumerate(ratings):
        by_prompt.setdefault(same_text(rating.prompt), {})[same_text(rating.response)] = number, rating
    found = []
    for newest in by_prompt.values():
        # Of answers rated alike the newer one is taken, at both ends.
        best_number, best = max(newest.values(), key=lambda numbered: (numbered[1].score, numbered[0]))
        worst_number, worst = min(newest.values(), key=lambda numbered: (numbered[1].score, -numbered[0]))
        if best.score - worst.score >= LEAST_DIFFERENCE:
            shown = (best, worst) if best_number < worst_number else (worst, best)
            pair = PreferencePair(best.prompt, best.response, worst.response, at=shown[1].at)
            found.append(Choice(pair, shown))
    return found


def _once(found: Iterable[Choice]) -> list[Choice]:
    known: dict[tuple[str, str, str], Choice] = {}
    for choice in found:
        pair = choice.pair
        key = same_text(pair.prompt), pair.chosen, pair.rejected
        before = known.pop(key).shown_as if key in known else ()
        known[key] = Choice(pair, (*before, *choice.shown_as))
    return list(known.values())
