"""The data of a refresh, gathered from the store of an app whose users have gone on showing what they like.

    train.jsonl         all new examples, and a share of replayed ones
    validation.jsonl    a few examples of other users, looked at during training
    test.jsonl          all examples of the users that old and new are compared on
    earlier.jsonl       what users to train on had shown before, a line each; empty in a first refresh
    gathered.json       when and from where, how many, the files' digests, and marks of all that came from the store

What the store tells is always read anew, never from the files of an earlier refresh: who was forgotten since is simply
not there. A folder that was gathered before an interruption may be older than that; `still_allowed` says so.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from popi_sdk.errors import ConfigError, SignalError
from popi_sdk.signals import Signal
from trainer.config import RefreshConfig
from trainer.data import Example, write_examples
from trainer.datasets import stored
from trainer.datasets.prepare import Progress, silent
from trainer.refresh.deal import Dealt, Shown, deal
from trainer.whole import drop_folder, whole_folder

ABOUT = "gathered.json"
EARLIER_FILE = "earlier.jsonl"


@dataclass(frozen=True, slots=True)
class Gathered:
    """A folder of examples, and what they were made of."""

    folder: Path
    since: datetime | None
    """What was shown at this moment or later is new; None where everything is."""
    until: datetime
    """What was shown at this moment or later was left for the next refresh."""
    facts: Mapping[str, Any]
    """The store's name, and counts for each split."""


def gather(
    store: str,
    namespace: str,
    since: datetime | None,
    until: datetime,
    settings: RefreshConfig,
    seed: int,
    old: Sequence[Example],
    trusted: Sequence[Example],
    out: Path,
    progress: Progress = silent,
    fits: Callable[[Example], bool] = lambda _: True,
) -> Gathered:
    """Read the store and write the folder `out` whole, in the place of one that is there already.

    Args:
        store: its URL.
        since: what was shown at this moment or later is new; None where everything is.
        until: what was shown at this moment or later is left for the next refresh.
        old: what the first run was trained on. It must not come from this store: who was forgotten would stay in it.
        trusted: examples that no refresh trains on.
        fits: whether the models can read an example; what they cannot is left out and counted.

    Raises:
        ConfigError: there is no such store.
        StoreError: it cannot be read.
        NothingNewError: nobody has shown a pair since then.
        SignalError: there are too few users to train on or to test on.
        CheckpointError: the disk is full or cannot be written.
    """
    since, until = _in_utc(since) if since else None, _in_utc(until)
    with progress("Reading the store", None) as advance:
        found = []
        for user, shown in stored.shown(store, namespace):
            signals = [signal.model_copy(update={"at": at}) for signal, at in shown if at < until]
            advance(len(signals))
            if signals:
                found.append((user, signals))
    drop_folder(out)  # whatever comes next: it may hold what nobody allows any more
    dealt = _readable(deal(found, since, settings, seed, old, trusted), fits)
    facts = {"store": stored.label(store), "namespace": namespace, **dealt.facts}
    gathered = Gathered(out, since, until, facts)
    _write(gathered, dealt, found, progress)
    return gathered


def _readable(dealt: Dealt, fits: Callable[[Example], bool]) -> Dealt:
    splits = {split: [example for example in some if fits(example)] for split, some in dealt.splits.items()}
    for split, some in splits.items():
        if not some:
            raise SignalError(
                f"Every example of the {split} split is longer than the models can read.",
                hint="Take a base model with a longer window, or lower `refresh.shots`.",
            )
    too_long = sum(map(len, dealt.splits.values())) - sum(map(len, splits.values()))
    return replace(dealt, splits=splits, facts={**dealt.facts, "too_long": too_long})


def load_gathered(out: Path) -> Gathered:
    """What `gather` returned when it wrote the folder `out`.

    Raises:
        ConfigError: the folder is not there, or damaged.
    """
    about = _about(out)
    since = about["since"]
    return Gathered(
        out,
        None if since is None else datetime.fromisoformat(since),
        datetime.fromisoformat(about["until"]),
        about["facts"],
    )


def still_allowed(out: Path, store: str, namespace: str) -> bool:
    """Whether the folder `out` is whole, and the store still holds, with permission, all that was gathered from it.

    Where it is not, `gather` has to be called again.

    Raises:
        ConfigError: there is no such store.
        StoreError: it cannot be read.
    """
    try:
        about = _about(out)
        whole = all(_sha256(out / name) == digest for name, digest in about["files"].items())
    except (ConfigError, OSError):
        return False
    there = {_mark(user, signal) for user, shown in stored.shown(store, namespace) for signal, _ in shown}
    return whole and there.issuperset(about["marks"])


def _write(gathered: Gathered, dealt: Dealt, found: Sequence[Shown], progress: Progress) -> None:
    files = {f"{split}.jsonl": examples for split, examples in dealt.splits.items()}
    files[EARLIER_FILE] = dealt.earlier
    users = {example.user for examples in files.values() for example in examples}
    with whole_folder(gathered.folder) as draft, progress("Writing examples", len(files)) as advance:
        draft.chmod(0o700)  # What users said is nobody else's business.
        for name, examples in files.items():
            write_examples(examples, draft / name)
            advance(1)
        about = {
            "since": None if gathered.since is None else gathered.since.isoformat(),
            "until": gathered.until.isoformat(),
            "facts": gathered.facts,
            "files": {name: _sha256(draft / name) for name in files},
            "marks": sorted(_mark(user, signal) for user, shown in found if user in users for signal in shown),
        }
        (draft / ABOUT).write_text(json.dumps(about, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


def _about(out: Path) -> dict[str, Any]:
    try:
        about = json.loads((out / ABOUT).read_text(encoding="utf-8"))
        if not {"since", "until", "facts", "files", "marks"} <= about.keys():
            raise ValueError
    except (OSError, ValueError, AttributeError) as error:
        raise ConfigError(f"{out} holds no gathered data, or damaged data", hint="Gather them again.") from error
    return dict(about)


def _mark(user: str, signal: Signal) -> str:
    """What tells one user's signal from all others: also from another one that was given the same id later."""
    told = json.dumps([user, signal.id, signal.content_hash()])
    return hashlib.sha256(told.encode()).hexdigest()[:32]


def _in_utc(moment: datetime) -> datetime:
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
