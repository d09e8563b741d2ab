"""From what a store's users have shown to the examples of a refresh; nothing is read or written here.

A user's split follows from the user's name alone, so nobody ever moves from one refresh to the next. Each user's pairs
are rotated; examples with a held-out pair that was shown since the last refresh are new. All new ones are trained on,
and beside them some earlier ones and some that the first run was trained on, so that what was learned then stays.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from popi_sdk.errors import SignalError
from popi_sdk.signals import PreferencePair, Signal
from trainer.config import RefreshConfig
from trainer.data import Example, split_of
from trainer.datasets.rotation import LONG_AGO, described, rotate
from trainer.datasets.splits import refuse_leaks
from trainer.refresh.languages import language
from trainer.refresh.leaks import HeldOut, held_out, shows, without
from trainer.refresh.pairs import choices

LEAST_USERS = 10
"""To train on, who have shown new pairs."""
MOST_VALIDATED = 64
"""Examples of the validation split."""
NEW, EARLIER, REPLAYED = "new", "earlier", "replay"
"""Values of the slice `when`."""
_HOW_MANY = "Of the users with at least two pairs, four fifths are trained on, a tenth validated and a tenth tested on."

Shown = tuple[str, Sequence[Signal]]
"""A user, and what the user has shown: oldest first, each with its time."""


class NothingNewError(SignalError):
    """No user has shown a pair since the last refresh."""


@dataclass(frozen=True, slots=True)
class Dealt:
    """The examples of a refresh."""

    splits: Mapping[str, Sequence[Example]]
    """Training, validation and test."""
    earlier: Sequence[Example]
    """What each of the store's users to train on had shown before, with nothing held out."""
    facts: Mapping[str, Any]
    """How many there are of everything."""


@dataclass(frozen=True, slots=True)
class _User:
    name: str
    shown: tuple[Signal, ...]
    examples: tuple[Example, ...]
    """Each pair is held out in one of them, those with the newest pair last."""


def deal(
    found: Sequence[Shown],
    since: datetime | None,
    settings: RefreshConfig,
    seed: int,
    old: Sequence[Example],
    trusted: Sequence[Example],
) -> Dealt:
    """Make the examples of a refresh.

    Args:
        found: everybody in the store, with the signals that may be trained on.
        since: what was shown at this moment or later is new; None where everything is.
        old: what the first run was trained on, which never came from this store.
        trusted: examples that no refresh trains on; their users are left out, and their pairs of everybody.

    Raises:
        NothingNewError: nobody has shown a pair since then.
        SignalError: there are too few users to train on or to test on.
    """
    frozen = {example.user for example in trusted}
    by_split: dict[str, list[Shown]] = {"test": [], "validation": [], "train": []}
    for user, signals in found:
        if user not in frozen:
            by_split[split_of(user)].append((user, signals))
    held, users = held_out(pair for example in trusted for pair in example.pairs), {}
    for split, some in by_split.items():  # what is held out further leaves the splits after it
        users[split] = _users(some, held, since, settings, seed)
        if split != "train":
            held = held_out((pair for example in _examples(users[split]) for pair in example.pairs), held)
    _refuse_too_few(users, since)
    strangers = _strangers(old, {user for user, _ in found} | frozen, held)
    train = _train(_examples(users["train"]), strangers, settings.replay, seed)
    dealt = {
        "train": train,
        "validation": _drawn(_examples(users["validation"]), MOST_VALIDATED, f"{seed}/validation"),
        "test": _examples(users["test"]),
    }
    trained_on = {example.user for example in train}
    earlier = _earlier((user for user in users["train"] if user.name in trained_on), since)
    refuse_leaks({**dealt, "train": [*train, *earlier]})
    left_out = {
        "users_of_the_trusted_set": sum(user in frozen for user, _ in found),
        "signals_held_out_elsewhere": sum(shows(signal, held) for _, some in by_split["train"] for signal in some),
    }
    facts = {split: _counts(some, since) for split, some in dealt.items()}
    return Dealt(dealt, earlier, {**facts, "users_with_earlier_signals": len(earlier), "left_out": left_out})


# --- one user -----------------------------------------------------------------------------------------------------


def _users(
    some: Iterable[Shown], held: HeldOut, since: datetime | None, settings: RefreshConfig, seed: int
) -> list[_User]:
    """Those of whom an example can be made, without what is held out elsewhere."""
    users = []
    for user, signals in some:
        shown = tuple(signal for signal in signals if not shows(signal, held))
        if examples := _rotated(user, shown, since, settings, seed):
            users.append(_User(user, shown, examples))
    return users


def _rotated(
    user: str, shown: Sequence[Signal], since: datetime | None, settings: RefreshConfig, seed: int
) -> tuple[Example, ...]:
    found, rest = choices(shown)
    shown_as = {choice.pair.id: choice.shown_as for choice in found}
    whole = Example(user, tuple(rest), tuple(choice.pair for choice in found))
    turns = rotate(
        whole,
        shots=settings.shots,
        hold_out=settings.held_out,
        seed=seed,
        shown_as=lambda pair: shown_as[pair.id],
    )
    examples = [replace(turn, pairs=tuple(sorted(turn.pairs, key=_time))) for turn in turns]
    return tuple(
        _sliced(example, NEW if any(_is_new(pair, since) for pair in example.pairs) else EARLIER, whole.pairs)
        for example in sorted(examples, key=lambda example: _time(example.pairs[-1]))
    )


def _sliced(example: Example, when: str, pairs: Sequence[PreferencePair]) -> Example:
    """The example with the slices that a refresh is judged by; the user's language is read off all of `pairs`."""
    kinds = {signal.kind for signal in example.signals}
    slices = {
        "when": when,
        "signals": described(replace(example, slices={})).slices["signals"],
        "kinds": "several" if len(kinds) > 1 else "".join(kinds) or "none",
        "language": language(pair.prompt for pair in pairs),
    }
    return replace(example, slices=slices)


def _time(signal: Signal) -> datetime:
    return signal.at or LONG_AGO


def _is_new(signal: Signal, since: datetime | None) -> bool:
    return since is None or _time(signal) >= since


# --- what is trained on -------------------------------------------------------------------------------------------


def _train(own: Sequence[Example], strangers: Sequence[Example], replay: float, seed: int) -> list[Example]:
    """All new examples, and before them the replayed ones: half earlier ones of the store, half of the first run.

    Where one half has too few, the other makes up for it.
    """
    new = [example for example in own if example.slices["when"] == NEW]
    earlier = [example for example in own if example.slices["when"] == EARLIER]
    wanted = round(len(new) * replay / (1 - replay))
    of_first_run = min(len(strangers), wanted - min(len(earlier), (wanted + 1) // 2))
    drawn = _drawn(strangers, of_first_run, f"{seed}/first run")
    return [
        *(_sliced(example, REPLAYED, example.pairs) for example in drawn),
        *_drawn(earlier, wanted - of_first_run, f"{seed}/earlier"),
        *new,
    ]


def _strangers(old: Iterable[Example], known: set[str], held: HeldOut) -> list[Example]:
    """What may be replayed of the first run: no users whom the store tells of anew, and nothing that is held out."""
    kept = []
    for example in old:
        apart = without(example, held)
        if example.user not in known and apart.pairs and (apart.signals or not example.signals):
            kept.append(apart)
    return kept


def _earlier(users: Iterable[_User], since: datetime | None) -> list[Example]:
    shown = ((user.name, tuple(one for one in user.shown if not _is_new(one, since))) for user in users)
    return [Example(name, signals, ()) for name, signals in shown if signals]


def _drawn(examples: Sequence[Example], most: int, seed: str) -> list[Example]:
    """At most so many of the examples, in their order."""
    places = random.Random(seed).sample(range(len(examples)), min(most, len(examples)))
    return [examples[place] for place in sorted(places)]


def _examples(users: Iterable[_User]) -> list[Example]:
    return [example for user in users for example in user.examples]


# --- what is said about it ----------------------------------------------------------------------------------------


def _refuse_too_few(users: Mapping[str, Sequence[_User]], since: datetime | None) -> None:
    since_then = f" since {since.isoformat(sep=' ', timespec='minutes')}" if since else ""
    with_new = {
        split: sum(any(one.slices["when"] == NEW for one in user.examples) for user in some)
        for split, some in users.items()
    }
    if not any(with_new.values()):
        raise NothingNewError(
            f"Nobody has shown a pair that may be trained on{since_then}.",
            hint="Wait until users have, or give an earlier --since. Only signals with `allow_training` are read.",
        )
    for split in ("test", "validation"):
        if not users[split]:
            raise SignalError(
                f"No user with pairs is left for the {split} split.",
                hint=f"More users have to allow training. {_HOW_MANY}",
            )
    if with_new["train"] < LEAST_USERS:
        raise SignalError(
            f"Only {with_new['train']} users to train on have shown pairs{since_then}; at least {LEAST_USERS} have to.",
            hint=f"Wait until more have, or give an earlier --since. {_HOW_MANY}",
        )


def _counts(examples: Sequence[Example], since: datetime | None) -> dict[str, int]:
    """Of users and examples, and of pairs by when they were shown; those of the first run have no time."""
    when: Counter[str] = Counter({NEW: 0, EARLIER: 0, REPLAYED: 0})
    for example in examples:
        for pair in example.pairs:
            replayed = example.slices["when"] == REPLAYED
            when[REPLAYED if replayed else NEW if _is_new(pair, since) else EARLIER] += 1
    pairs = {f"{name}_pairs": count for name, count in when.items()}
    return {"users": len({example.user for example in examples}), "examples": len(examples), **pairs}
