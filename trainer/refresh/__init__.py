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
from collections.abc import Callable, Iterator
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
from trainer.opened import open_evaluated, open_run_models, open_writer
from trainer.progress import Reporter
from trainer.refresh.decision_file import DECISION, drop_people, read_decision, write_decision
from trainer.refresh.directory import Outcome, Plan, RefreshDirectory, next_refresh, refreshes
from trainer.refresh.gate import Decision, decide
from trainer.refresh.gather import gather, load_gathered, still_allowed
from trainer.refresh.learning import learn, old_examples
from trainer.refresh.trusted import freeze, from_a_store, is_frozen, trusted_examples, unfreeze
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
        place = next_refresh(home)
        plan = place.plan() or _plan(home, store, namespace, since, until, first_run)
        _refuse_other(plan, place, store, namespace, since)
        clear_drafts(place.path)
        for other in refreshes(home):
            other.tidy()
            if other.path != place.path and (other.path / DECISION).is_file():
                drop_people(other.path)  # they may be forgotten by now
        frozen_now = not is_frozen(home)
        if trusted or frozen_now:
            freeze(home, trusted or _test_split(plan.first_run), store, namespace)
        kept_out = trusted_examples(home, store, namespace)
        place.begin(plan)
        try:
            _gather(place, plan, store, kept_out)
        except SignalError:  # too little was shown so far: the next command looks again, up to its own moment
            drop_folder(place.path)
            if frozen_now:
                unfreeze(home)
            raise
        if not (place.path / DECISION).is_file():
            learn(plan.run, place.data, place.run)
            _export(place, plan, home)
            _decide(place, plan, kept_out)
        decision = read_decision(place.path).decision
        outcome = _promote(place, plan, home, decision)
        return Refreshed(place.path, decision, outcome.version, outcome.reasons)


def _plan(
    home: Path, store: str, namespace: str, since: datetime | None, until: datetime | None, first_run: Path | None
) -> Plan:
    """What a new refresh is about."""
    current = versions.current(home) or _first_version(home, first_run)
    if "run" not in current.facts and first_run is None:
        raise ConfigError(
            f"Version {current.number} of {home} does not say which run to go on from", hint="Name it with --from RUN."
        )
    run = current.facts.get("run") or str(_named(first_run))
    made_until = current.facts.get("until")
    return Plan(
        parent=current.number,
        run=Path(run),
        first_run=Path(current.facts.get("first_run") or run),
        store=label(store),
        store_id=stored.identity(store),
        namespace=namespace,
        since=since or (datetime.fromisoformat(made_until) if made_until else None),
        until=until or datetime.now(UTC),
    )


def _first_version(home: Path, first_run: Path | None) -> versions.Version:
    """Put the summarizer of a run in service where there is none yet."""
    if first_run is None:
        raise ConfigError(f"{home} holds no version, so none says which run to go on from", hint="Name it with --from.")
    run = str(_named(first_run))
    # Exported anew, the same weights would be another version: the files say when they were made.
    first = next((one for one in versions.listed(home) if one.facts.get("run") == run), None)
    if first is None:
        exported = home / ".first"
        drop_folder(exported)
        export_run(first_run, exported, onnx=False)
        first = versions.add(home, exported, {"run": run, "first_run": run})
        drop_folder(exported)
    return versions.promote(home, first.number)


def _named(first_run: Path | None) -> Path:
    """A run, or one of its checkpoints, wherever the next command is given."""
    assert first_run is not None
    find_run(first_run)
    return first_run.resolve()


def _gather(place: RefreshDirectory, plan: Plan, store: str, trusted: list[Example]) -> None:
    """Gather the data, unless they lie there and everybody in them may still be trained on."""
    if (place.path / DECISION).is_file() or (place.data.is_dir() and still_allowed(place.data, store, plan.namespace)):
        return
    for stale in (place.data, place.run.path, place.exported):  # learned from somebody who has been forgotten since
        drop_folder(stale)
    config = find_run(plan.run)[0].config()
    old = old_examples(plan.first_run)
    gather(
        store,
        plan.namespace,
        plan.since,
        plan.until,
        config.refresh,
        config.run.seed,
        old,
        trusted,
        place.data,
        fits=_fits(plan.run),
    )


def _fits(run: Path) -> Callable[[Example], bool]:
    """Whether a run's models can read an example: one that they cannot would stop every refresh from then on."""
    encoder = open_run_models(run).encoder

    def fits(example: Example) -> bool:
        try:
            encoder.refuse_too_long(example)
        except ConfigError:
            return False
        return True

    return fits


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
        if (
            current is not None
            and current.number != added.number
            and (current.number != plan.parent or versions.was_current(home, added.number))
        ):
            reasons = (f"Version {current.number} was put in service meanwhile, so version {added.number} was not.",)
        else:
            version = versions.promote(home, added.number).number
    outcome = Outcome(version=version, reasons=reasons)
    place.end(outcome)
    place.tidy()
    return outcome


def _refuse_other(plan: Plan, place: RefreshDirectory, store: str, namespace: str, since: datetime | None) -> None:
    """Refuse to go on with what another command began."""
    if (plan.store_id, plan.namespace) != (stored.identity(store), namespace):
        raise ConfigError(
            f"{place.path} was begun with the store {plan.store}, namespace {plan.namespace!r}, and has not ended",
            hint=f"Go on with those, or remove {place.path} to begin anew.",
        )
    if since is not None and plan.since != since:
        raise ConfigError(
            f"{place.path} was begun with signals since {plan.since or 'the beginning'}, and has not ended",
            hint=f"Leave --since out to go on with it, or remove {place.path} to begin anew.",
        )


def _test_split(first_run: Path) -> Path:
    run = find_run(first_run)[0]
    folder = data_folder(run, run.config())
    if from_a_store(folder):
        raise ConfigError(
            f"The test users of {first_run} are those of the store that refreshes are compared on",
            hint="Name a file of other examples with --trusted.",
        )
    return folder / "test.jsonl"


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
