"""A refresh goes from the store to a version in service or to a reason why not, and survives being killed anywhere."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

import trainer.refresh as refreshing
from benchmarks.app_weeks import FIRST_DAY, WEEK, week_of, write_pilot
from popi_sdk import Popi
from popi_sdk.errors import ConfigError, SignalError
from popi_sdk.signals import PreferencePair
from tests.brief_runs import lora_config
from tests.crashes import crash_at
from tests.trained_runs import small_config
from trainer import versions
from trainer.cli import app
from trainer.data import load_examples
from trainer.evaluate import Evaluation
from trainer.export.from_run import export_run
from trainer.intervals import Interval
from trainer.models import weights_digest
from trainer.opened import open_run_models
from trainer.refresh import Refreshed, refresh, teaching
from trainer.refresh.directory import RefreshDirectory, refreshes
from trainer.refresh.gate import Decision, decide
from trainer.refresh.hindsight import Clauses, Learner, improved
from trainer.report import refresh_report
from trainer.run_directory import RunDirectory
from trainer.scoring import PairScorer
from trainer.train import train

pytestmark = pytest.mark.timeout(300)

USERS = 24
STAGES = {
    "planning": (".plan.json.part", 1),
    "freezing the trusted set": (".trusted.json.part", 1),
    "the first version": (".0001.part", 1),
    "putting the first version in service": (".current.new", 1),
    "gathering": (".data.part", 1),
    "teaching": (".start.part", 1),
    "the last checkpoint": (".step-000001.part", 1),
    "deciding": (".decision.json.part", 1),
    "adding the version": (".0002.part", 1),
    "putting it in service": (".current.new", 2),
    "ending": (".outcome.json.part", 1),
}
"""What is renamed, and for the how manieth time, at the moments a refresh is killed: as each stage is about to end."""


@pytest.fixture(scope="module")
def first(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A first run of a few steps on the first week's words."""
    folder = tmp_path_factory.mktemp("first")
    write_pilot(folder / "pilot", 3, {"train": 12, "validation": 4, "test": 12})
    config = small_config(
        data={"folder": str(folder / "pilot")},
        refresh={"rounds": 1, "generator_steps": 2, "summarizer_steps": 2, "batch": 4, "steps": 1, "evaluated": 12},
    )
    return train(config, folder / "run").path


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A store with two weeks of some users."""
    url = f"sqlite:///{tmp_path_factory.mktemp('store') / 'popi.db'}"
    observe(url, 1, 2)
    return url


def observe(url: str, *weeks: int, users: int = USERS) -> None:
    with Popi(store=url, summarizer="contrast", refresh="manual", redact=False) as popi:
        for number in range(users):
            for week in weeks:
                popi.observe(f"ada-{number}", *week_of(1, number, week, pairs=4))


def refreshed(home: Path, store: str, first: Path, **settings: Any) -> Refreshed:
    return refresh(home, store, first_run=first, since=FIRST_DAY + WEEK, until=FIRST_DAY + 2 * WEEK, **settings)


@pytest.fixture
def promoting(monkeypatch: pytest.MonkeyPatch) -> None:
    """A gate that lets everything through; what the real one lets through is shown in test_refresh_gate.py."""

    def passed(held_out: Evaluation, trusted: Evaluation) -> Decision:
        return replace(decide(held_out, trusted), promoted=True, overall=Interval(0.1, 0.05, 0.15))

    monkeypatch.setattr(refreshing, "decide", passed)


def state(home: Path) -> dict[str, Any]:
    """All that a refresh leaves, but for times and places."""
    current = versions.current(home)
    assert current is not None
    place = refreshes(home)[-1]
    decision = json.loads((place.path / "decision.json").read_text("utf-8"))
    outcome = place.outcome()
    assert outcome is not None
    weights = {
        version.number: {name: digest for name, digest in version.files.items() if name.endswith(".safetensors")}
        for version in versions.listed(home)
    }
    files = {path.relative_to(home).as_posix() for path in home.rglob("*") if ".part" in path.name}
    return {
        "current": current.number,
        "weights": weights,
        "decision": decision["decision"],
        "outcome": outcome.model_dump(),
        "refreshes": len(refreshes(home)),
        "left": files,
        "data": place.data.exists() or place.exported.exists(),
    }


def test_hindsight_looks_with_a_generator_that_has_not_been_taught_to_do_without_the_wish(
    store: str, first: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    looked: list[tuple[str, Sequence[Learner]]] = []

    def looking(learners: Sequence[Learner], bank: Clauses, scorer: PairScorer, *rest: Any) -> list[Learner]:
        looked.append((weights_digest(scorer.generator), learners))
        return improved(learners, bank, scorer, *rest)

    monkeypatch.setattr(teaching, "improved", looking)
    refreshed(tmp_path / "versions", store, first)
    [(digest, learners)] = looked
    assert digest == weights_digest(open_run_models(first).models.generator)
    assert max(learner.examples for learner in learners) > 1  # who has shown more is learned from more often


@pytest.mark.filterwarnings("ignore:`is_gradient_checkpointing` is deprecated:FutureWarning")  # peft asks
def test_a_run_with_adapters_is_refreshed_like_any_other(promoting: None, store: str, tmp_path: Path) -> None:
    write_pilot(tmp_path / "pilot", 3, {"train": 12, "validation": 4, "test": 12})
    brief = {"rounds": 1, "generator_steps": 2, "summarizer_steps": 2, "batch": 4, "steps": 1, "evaluated": 12}
    config = lora_config(tmp_path / "pilot", tmp_path / "base", refresh=brief, run={"steps": 1})
    first = train(config, tmp_path / "run").path

    done = refreshed(tmp_path / "versions", store, first)

    assert done.version == 2
    files = [version.files["model.safetensors"] for version in versions.listed(tmp_path / "versions")]
    assert files[0] != files[1]


BEFORE_THE_FIRST = ("the first version", "putting the first version in service")
"""Stages in which nothing is in service yet."""


def test_a_better_version_is_put_in_service_and_says_where_it_comes_from(
    promoting: None, store: str, first: Path, tmp_path: Path
) -> None:
    done = refreshed(tmp_path / "versions", store, first)

    current = versions.current(tmp_path / "versions")
    assert current is not None
    assert (done.version, current.number, current.parent) == (2, 2, 1)
    assert current.facts["until"] == (FIRST_DAY + 2 * WEEK).isoformat()
    assert Path(current.facts["run"]) == (done.folder / "run").resolve()
    with Popi(store="memory", summarizer=str(tmp_path / "versions")) as popi:
        assert "versions" in popi.summarize(["Be brief."]).model


def test_where_the_gate_refuses_nothing_changes_and_the_reason_is_told(store: str, first: Path, tmp_path: Path) -> None:
    done = refreshed(tmp_path / "versions", store, first)

    current = versions.current(tmp_path / "versions")
    assert current is not None
    assert (done.version, current.number, len(versions.listed(tmp_path / "versions"))) == (None, 1, 1)
    assert done.reasons
    assert "current" in {path.name for path in (tmp_path / "versions").iterdir()}


@pytest.fixture(scope="module")
def undisturbed(store: str, first: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    patch = pytest.MonkeyPatch()
    patch.setattr(refreshing, "decide", lambda *both: replace(decide(*both), promoted=True))
    home = tmp_path_factory.mktemp("undisturbed") / "versions"
    refreshed(home, store, first)
    patch.undo()
    return state(home)


@pytest.mark.parametrize("stage", STAGES)
def test_killed_in_any_stage_the_same_command_comes_to_the_same_end(
    stage: str,
    store: str,
    first: Path,
    tmp_path: Path,
    undisturbed: dict[str, Any],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(refreshing, "decide", lambda *both: replace(decide(*both), promoted=True))
    home, (place, times) = tmp_path / "versions", STAGES[stage]
    with crash_at("os.rename", place, times):
        refreshed(home, store, first)
    in_service = versions.current(home) if (home / "current").exists() else None
    expected = None if stage in BEFORE_THE_FIRST else 2 if stage == "ending" else 1
    assert (in_service.number if in_service else None) == expected

    refreshed(home, store, first)

    assert state(home) == undisturbed


def test_what_a_refresh_killed_while_tidying_up_left_is_removed_by_the_next(
    store: str, first: Path, tmp_path: Path
) -> None:
    home = tmp_path / "versions"
    with crash_at("os.rename", "0001/data", 3):  # the first two are before anything is gathered
        refreshed(home, store, first)
    place = refreshes(home)[-1]
    assert (place.outcome() is not None, place.data.exists()) == (True, True)

    with pytest.raises(SignalError):
        refresh(home, store, since=FIRST_DAY + 3 * WEEK)

    assert not place.data.exists()


def test_a_real_process_killed_while_it_learns_comes_to_the_same_end(store: str, first: Path, tmp_path: Path) -> None:
    whole, home = tmp_path / "whole", tmp_path / "versions"
    refreshed(whole, store, first)
    line = [sys.executable, "-m", "trainer", "refresh", str(home), "--store", store, "--from", str(first)]
    process = subprocess.Popen(
        [*line, "--since", f"{FIRST_DAY + WEEK:%Y-%m-%dT%H:%M:%S}"],
        env={**os.environ, "OMP_NUM_THREADS": "1", "HF_HUB_OFFLINE": "1"},
        stderr=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
    )
    while process.poll() is None and not (home / "refreshes" / "0001" / "run" / "base").exists():
        time.sleep(0.005)
    os.kill(process.pid, signal.SIGKILL)
    assert process.wait() == -signal.SIGKILL
    assert (home / "refreshes" / "0001" / "outcome.json").exists() is False

    refreshed(home, store, first)

    assert state(home) == state(whole)


def test_who_is_forgotten_while_a_refresh_lies_interrupted_is_not_trained_on(
    store: str, first: Path, tmp_path: Path
) -> None:
    url = f"sqlite:///{tmp_path / 'popi.db'}"
    shutil.copyfile(store.removeprefix("sqlite:///"), tmp_path / "popi.db")
    home = tmp_path / "versions"
    with crash_at("os.rename", ".start.part"):
        refreshed(home, url, first)
    data = refreshes(home)[-1].data
    gone = next(one.user for one in load_examples(data / "train.jsonl") if one.user.startswith("ada"))
    with Popi(store=url, summarizer="contrast") as popi:
        popi.forget(gone)
    seen: list[set[str]] = []

    def look(parent: Path, gathered: Path, run: RunDirectory) -> None:
        seen.append({example.user for example in load_examples(gathered / "train.jsonl")})
        learn(parent, gathered, run)

    learn, refreshing.learn = refreshing.learn, look
    try:
        refreshed(home, url, first)
    finally:
        refreshing.learn = learn
    assert gone not in seen[0]
    assert gone.encode() not in b"".join(path.read_bytes() for path in home.rglob("*") if path.is_file())


def test_the_next_refresh_begins_where_the_version_in_service_ended(
    promoting: None, store: str, first: Path, tmp_path: Path
) -> None:
    url = f"sqlite:///{tmp_path / 'popi.db'}"
    shutil.copyfile(store.removeprefix("sqlite:///"), tmp_path / "popi.db")
    home = tmp_path / "versions"
    one = refreshed(home, url, first)
    observe(url, 3)

    two = refresh(home, url, until=FIRST_DAY + 3 * WEEK)

    assert json.loads((one.folder / "decision.json").read_text("utf-8"))["held_out"]["examples"] == []
    assert not (one.folder / "run" / "summaries.md").exists()
    assert refresh_report(one.folder).decided.decision.reasons == one.decision.reasons
    assert json.loads((two.folder / "decision.json").read_text("utf-8"))["held_out"]["examples"]
    plan = RefreshDirectory(two.folder).plan()
    assert plan is not None
    assert (plan.parent, plan.since, plan.first_run) == (2, FIRST_DAY + 2 * WEEK, first.resolve())
    assert plan.run == (one.folder / "run").resolve()
    assert two.version == 3


def test_a_version_put_in_service_meanwhile_stays_so(
    promoting: None, store: str, first: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = tmp_path / "versions"
    refreshed(home, store, first)  # versions 1 and 2
    learn = refreshing.learn

    def somebody_rolls_back(*arguments: Any) -> None:
        learn(*arguments)
        versions.rollback(home)

    monkeypatch.setattr(refreshing, "learn", somebody_rolls_back)
    done = refresh(home, store, since=FIRST_DAY + WEEK)

    current = versions.current(home)
    assert current is not None
    assert (done.version, current.number) == (None, 1)
    assert "Version 1 was put in service meanwhile" in done.reasons[0]


def test_two_refreshes_do_not_run_at_once(
    store: str, first: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    refused: list[str] = []

    def another(*_: Any) -> None:
        with pytest.raises(ConfigError) as error:
            refreshed(tmp_path / "versions", store, first)
        refused.append(str(error.value))
        raise KeyboardInterrupt

    monkeypatch.setattr(refreshing, "learn", another)
    with pytest.raises(KeyboardInterrupt):
        refreshed(tmp_path / "versions", store, first)
    assert "Another process is refreshing" in refused[0]


def test_what_cannot_be_begun_is_refused_before_anything_is_made(store: str, first: Path, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="which run to go on from"):
        refresh(tmp_path / "versions", store)
    with pytest.raises(ConfigError, match="no store"):
        refresh(tmp_path / "versions", f"sqlite:///{tmp_path / 'none.db'}", first_run=first)
    assert not (tmp_path / "versions" / "refreshes").exists()
    with pytest.raises(SignalError, match="shown"):
        refresh(tmp_path / "versions", store, first_run=first, since=FIRST_DAY + 3 * WEEK)
    assert not list((tmp_path / "versions" / "refreshes").iterdir())
    refused = refreshed(tmp_path / "versions", store, first)
    assert refused.version is None
    with crash_at("os.rename", ".data.part"):
        refreshed(tmp_path / "versions", store, first)
    with pytest.raises(ConfigError, match="has not ended"):
        refresh(tmp_path / "versions", store, namespace="other")


def test_one_answer_that_no_model_can_read_does_not_stop_the_others(store: str, first: Path, tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'popi.db'}"
    shutil.copyfile(store.removeprefix("sqlite:///"), tmp_path / "popi.db")
    with Popi(store=url, summarizer="contrast", refresh="manual") as popi:
        long = PreferencePair("How?", "word " * 3_000, "No.", at=FIRST_DAY + WEEK, allow_training=True)
        popi.observe("ada-0", long)
    done = refreshed(tmp_path / "versions", url, first)
    assert json.loads((done.folder / "decision.json").read_text("utf-8"))["gathered"]["too_long"] >= 1


def test_a_version_that_somebody_put_in_service_is_gone_on_from_and_not_replaced_by_the_first(
    store: str, first: Path, tmp_path: Path
) -> None:
    home = tmp_path / "versions"
    refreshed(home, store, first)
    export_run(first, tmp_path / "own", onnx=False)
    own = versions.add(home, tmp_path / "own").number
    versions.promote(home, own)

    done = refreshed(home, store, first)

    current = versions.current(home)
    plan = RefreshDirectory(done.folder).plan()
    assert current is not None
    assert plan is not None
    assert (current.number, plan.parent, plan.run) == (own, own, first.resolve())


def test_a_version_that_was_rolled_back_is_not_put_in_service_again(
    promoting: None, store: str, first: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = tmp_path / "versions"
    with crash_at("os.rename", ".outcome.json.part"):
        refreshed(home, store, first)
    versions.rollback(home)

    done = refreshed(home, store, first)

    current = versions.current(home)
    assert current is not None
    assert (current.number, done.version) == (1, None)


def test_another_store_of_the_same_name_and_another_date_are_refused(store: str, first: Path, tmp_path: Path) -> None:
    (tmp_path / "staging").mkdir()
    shutil.copyfile(store.removeprefix("sqlite:///"), tmp_path / "staging" / "popi.db")
    with crash_at("os.rename", ".start.part"):
        refreshed(tmp_path / "versions", store, first)
    with pytest.raises(ConfigError, match="has not ended"):
        refreshed(tmp_path / "versions", f"sqlite:///{tmp_path / 'staging' / 'popi.db'}", first)
    with pytest.raises(ConfigError, match="was begun with signals since 2026-06-08"):
        refresh(tmp_path / "versions", store, since=FIRST_DAY)
    refreshed(tmp_path / "versions", store, first)
    with pytest.raises(ConfigError, match="frozen beside"):
        refreshed(tmp_path / "versions", f"sqlite:///{tmp_path / 'staging' / 'popi.db'}", first)


def test_the_command_tells_what_it_did_and_where_to_look(store: str, first: Path, tmp_path: Path) -> None:
    line = ["refresh", str(tmp_path / "versions"), "--store", store, "--from", str(first), "--since", "2026-06-08"]
    told = CliRunner().invoke(app, line)
    assert told.exit_code == 0, told.output
    assert "What was in service still is." in told.stdout
    assert f"popi-train report {tmp_path / 'versions' / 'refreshes' / '0001'}" in told.stdout.replace("\n", "")

    again = CliRunner().invoke(app, [*line, "--json"])
    assert again.exit_code == 0, again.output
    report = json.loads(again.stdout)
    assert report["version"] is None
    assert report["decision"]["promoted"] is False

    page = CliRunner().invoke(app, ["report", str(tmp_path / "versions" / "refreshes" / "0001")])
    assert page.exit_code == 0, page.output


def test_signals_from_until_on_are_left_for_the_next_refresh(store: str, first: Path, tmp_path: Path) -> None:
    done = refresh(tmp_path / "versions", store, first_run=first, until=FIRST_DAY + WEEK)
    decision = json.loads((done.folder / "decision.json").read_text("utf-8"))
    prompts = {pair["prompt"] for row in decision["held_out"]["examples"] for pair in row.get("pairs", ())}
    later = {
        signal.prompt
        for number in range(USERS)
        for signal in week_of(1, number, 2, pairs=4)
        if hasattr(signal, "prompt")
    }
    earlier = {
        signal.prompt
        for number in range(USERS)
        for signal in week_of(1, number, 1, pairs=4)
        if hasattr(signal, "prompt")
    }
    assert prompts <= earlier
    assert prompts
    assert later - earlier


def test_the_time_of_a_plan_is_now_unless_told_otherwise(store: str, first: Path, tmp_path: Path) -> None:
    done = refresh(tmp_path / "versions", store, first_run=first)
    plan = RefreshDirectory(done.folder).plan()
    assert plan is not None
    assert plan.since is None
    assert datetime.now(UTC) - plan.until < timedelta(minutes=5)
