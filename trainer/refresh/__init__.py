"""`popi-train refresh`: what users have shown an app since, to a better summarizer in service, or to a reason why not.

    gather     pairs of the store, new and earlier, and old data to replay; split by user
    learn      summarizer and generator go on from the version in service
    export     the summarizer, as the SDK loads it
    decide     old and new on the same held-out users, and on a trusted set that nothing is ever trained on
    promote    only where new is better beyond doubt and nowhere worse; else nothing changes

Killed at any moment, the same command goes on from the last stage that was finished. What lies where says `directory`.
Weights are not unlearned when somebody is forgotten: they drop out of all data from then on, and out of the next run's.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from filelock import FileLock, Timeout

from popi_sdk.errors import ConfigError, SignalError
from popi_sdk.manifest import ONNX
from popi_sdk.summarizers.followed import folder_of
from trainer import versions
from trainer.controls import Writer
from trainer.data import Example, load_examples
from trainer.datasets import stored
from trainer.datasets.stored import label
from trainer.evaluate import Evaluation, measure
from trainer.export.from_run import export_run
from trainer.health import users_to_look_at
from trainer.opened import open_evaluated, open_writer
from trainer.progress import Reporter
from trainer.refresh.decision_file import DECISION, drop_people, read_decision, write_decision
from trainer.refresh.directory import Outcome, Plan, RefreshDirectory, next_refresh, refreshes
from trainer.refresh.gate import Decision, decide
from trainer.refresh.gather import gather, load_gathered, still_allowed
from trainer.refresh.learning import learn, old_examples
from trainer.refresh.trusted import freeze, is_frozen, trusted_examples
from trainer.run_directory import find_run
from trainer.stages import data_folder
from trainer.whole import clear_drafts, drop_folder


@dataclass(frozen=True, slots=True)
class Refreshed:
    """What came of a refresh."""

    folder: Path
    decision: Decision
    version: int | None
    """The version that is in service now because of it; None where the gate refused."""
    reasons: tuple[str, ...]


def refresh(
    home: Path,
    store: str,
    *,
    namespace: str = "default",
    since: datetime | None = None,
    first_run: Path | None = None,
    trusted: Path | None = None,
    until: datetime | None = None,
) -> Refreshed:
    """Refresh the summarizer that is in service in `home`, or go on with a refresh that was interrupted.

    Args:
        home: a directory of versions, see `trainer.versions`; made where there is none.
        store: URL of the SDK's store.
        since: signals shown from then on are new; by default what came after the version in service was made.
        first_run: the run whose summarizer becomes the first version; needed where the version in service does not
            say which run it came from.
        trusted: examples that no refresh trains on; frozen at the first refresh, the first run's test split by default.
        until: signals shown from then on are left for the next refresh; now by default.

    Raises:
        ConfigError: an argument that cannot be used, or too little to learn from; nothing was changed.
        StoreError: the store cannot be read.
        TrainingError, ExportError, VersionError: a stage failed; what was in service still is, and the same command
            goes on from the stage before.
    """
    stored.epochs(store, namespace, ())  # a store that cannot be read is noticed before anything is made
    with _alone(home):
        _first_version(home, first_run)
        place = next_refresh(home)
        plan = place.plan() or _begin(place, home, store, namespace, since, until)
        _refuse_other(plan, place, store, namespace)
        clear_drafts(place.path)
        for other in refreshes(home):
            other.tidy()
            if other.path != place.path and (other.path / DECISION).is_file():
                drop_people(other.path)  # they may be forgotten by now
        if trusted or not is_frozen(home):
            freeze(home, trusted or _test_split(plan.first_run), store, namespace)
        kept_out = trusted_examples(home, store, namespace)
        if not (place.path / DECISION).is_file():
            _gather(place, plan, store, kept_out)
            learn(plan.run, place.data, place.run)
            _export(place, plan, home)
            _decide(place, plan, kept_out)
        decision = read_decision(place.path).decision
        outcome = _promote(place, plan, home, decision)
        return Refreshed(place.path, decision, outcome.version, outcome.reasons)


def _begin(
    place: RefreshDirectory, home: Path, store: str, namespace: str, since: datetime | None, until: datetime | None
) -> Plan:
    current = versions.current(home)
    assert current is not None  # the first version was seen to
    made_until = current.facts.get("until")
    plan = Plan(
        parent=current.number,
        run=Path(current.facts["run"]),
        first_run=Path(current.facts["first_run"]),
        store=label(store),
        namespace=namespace,
        since=since or (datetime.fromisoformat(made_until) if made_until else None),
        until=until or datetime.now(UTC),
    )
    place.begin(plan)
    return plan


def _first_version(home: Path, first_run: Path | None) -> None:
    """See that the version in service says which run it came from.

    Raises:
        ConfigError: nobody says so.
    """
    current = versions.current(home) if home.is_dir() else None
    if current is not None and "run" in current.facts:
        return
    if first_run is None:
        what = (
            f"Version {current.number} of {home} does not say" if current else f"{home} holds no version, so none says"
        )
        raise ConfigError(f"{what} which run to go on from", hint="Name it once with --from RUN.")
    run = str(find_run(first_run)[0].path.resolve())
    # Exported anew, the same weights would be another version: the files say when they were made.
    first = next((one for one in versions.listed(home) if one.facts.get("run") == run), None)
    if first is None:
        exported = home / ".first"
        drop_folder(exported)
        export_run(first_run, exported, onnx=False)
        first = versions.add(home, exported, {"run": run, "first_run": run})
        drop_folder(exported)
    versions.promote(home, first.number)


def _gather(place: RefreshDirectory, plan: Plan, store: str, trusted: list[Example]) -> None:
    """Gather the data, unless they lie there and everybody in them may still be trained on."""
    if place.data.is_dir() and still_allowed(place.data, store, plan.namespace):
        return
    for stale in (place.data, place.run.path, place.exported):  # learned from somebody who has been forgotten since
        drop_folder(stale)
    config = find_run(plan.run)[0].config()
    old = old_examples(plan.first_run)
    try:
        gather(store, plan.namespace, plan.since, plan.until, config.refresh, config.run.seed, old, trusted, place.data)
    except SignalError:  # too little was shown so far: the next command is to look again, up to its own moment
        drop_folder(place.path)
        raise


def _export(place: RefreshDirectory, plan: Plan, home: Path) -> None:
    if place.exported.is_dir():
        return
    onnx = (folder_of(home, plan.parent) / ONNX).exists()
    export_run(place.run.path, place.exported, onnx=onnx)


def _decide(place: RefreshDirectory, plan: Plan, trusted: list[Example]) -> None:
    config = place.run.config()
    held_out = users_to_look_at(load_examples(place.data / "test.jsonl"), config.refresh.evaluated)
    judged_by_new = _compared(place, plan, held_out, generator="")
    # Nothing that a refresh learns can move this judge, so a poisoned week cannot argue in its own favour.
    judged_by_first = _compared(
        place, plan, users_to_look_at(trusted, config.refresh.evaluated), generator=str(plan.first_run)
    )
    step = find_run(place.run.path)[1]
    write_decision(
        place.path,
        decide(judged_by_new, judged_by_first),
        judged_by_new,
        judged_by_first,
        gathered=load_gathered(place.data).facts,
        parent=plan.parent,
        step=step.step if step else 0,
    )


def _compared(place: RefreshDirectory, plan: Plan, examples: list[Example], generator: str) -> Evaluation:
    evaluated = open_evaluated(place.run.path, "", generator, sampled=False)
    before: Writer = open_writer(str(plan.run), evaluated.generator)
    return measure(replace(evaluated, before=before), examples, reporter=Reporter())


def _promote(place: RefreshDirectory, plan: Plan, home: Path, decision: Decision) -> Outcome:
    """Put the new version in service where the gate says so, and tidy up.

    Adding and promoting are each whole or not done, and doing them again changes nothing.
    """
    reasons, version = decision.reasons, None
    if decision.promoted:
        facts = {
            "run": str(place.run.path.resolve()),
            "first_run": str(plan.first_run),
            "until": plan.until.isoformat(),
            "refresh": place.number,
            "better by": decision.overall.mean,
            "better by at least": decision.overall.low,
        }
        added = versions.add(home, place.exported, facts)
        current = versions.current(home)
        if current is not None and current.number not in (plan.parent, added.number):
            reasons = (f"Version {current.number} was put in service meanwhile, so version {added.number} was not.",)
        else:
            version = versions.promote(home, added.number).number
    outcome = Outcome(version=version, reasons=reasons)
    place.end(outcome)
    place.tidy()
    return outcome


def _refuse_other(plan: Plan, place: RefreshDirectory, store: str, namespace: str) -> None:
    if (plan.store, plan.namespace) != (label(store), namespace):
        raise ConfigError(
            f"{place.path} was begun with the store {plan.store}, namespace {plan.namespace!r}, and has not ended",
            hint=f"Go on with those, or remove {place.path} to begin anew.",
        )


def _test_split(first_run: Path) -> Path:
    run = find_run(first_run)[0]
    return data_folder(run, run.config()) / "test.jsonl"


@contextlib.contextmanager
def _alone(home: Path) -> Iterator[None]:
    """One refresh at a time in a directory.

    Raises:
        ConfigError: another process is at it.
    """
    home.mkdir(parents=True, exist_ok=True)
    try:
        with FileLock(home / ".refreshing.lock", timeout=0):
            yield
    except Timeout:
        raise ConfigError(f"Another process is refreshing {home}", hint="Wait for it, or stop it.") from None
