"""Weeks of an app whose users change: does refreshing keep its summarizer fresh, and does the gate keep it safe?

    OMP_NUM_THREADS=2 python -m benchmarks.refresh_story    300 users; under ten minutes on two cores
    python -m benchmarks.refresh_story --short              120 users; three minutes of one slow core

Both models begin as a small language model that understands wishes (`benchmarks.app_model`). The first summarizer is
trained on a pilot, and put in service. Users then show in the SDK's store what they like. From the second week on they
use new wordings and care about one thing more (`benchmarks.app_weeks`); the summarizer is refreshed at the end of the
second and of the third week. In the fourth, 40 % of users choose against their own tastes: that refresh is to be
refused. At last the newest version is rolled back. Accuracy is that of other users, who are never in the store, on all
pairs of the weeks so far.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from benchmarks.app_model import write_model
from benchmarks.app_weeks import FIRST_DAY, SAYINGS, WEEK, tastes_of, week_of, write_pilot
from popi_sdk import Popi
from popi_sdk.testing import FakeBackend
from trainer.config import Config, load_config, parse_config
from trainer.data import Example
from trainer.datasets.rotation import rotate
from trainer.evaluate import measure
from trainer.intervals import Interval, by_user, paired_bootstrap
from trainer.opened import open_evaluated
from trainer.refresh import Refreshed, refresh
from trainer.refresh.pairs import choices
from trainer.train import train
from trainer.versions import current, rollback

OTHERS = 10_000
"""Numbers of users who are in no store begin here."""
POISONED = 0.4
"""Share of users whose choices are flipped in the fourth week."""
MARKED_LINES = """
{{ previous }}{% for signal in signals %}{% for part in signal.parts if part.name != "Prompt" %}
{% set liked = part.name not in ("Liked less", "Draft") and (signal.score is none or signal.score > 0) %}
{% for line in part.text.splitlines() %}{{ "Yes" if liked else "No" }}: {{ line }}
{% endfor %}{% endfor %}{% endfor %}"""
"""Every line says whether it was liked: two layers do not have to find out which answer a line belongs to."""


@dataclass(frozen=True, slots=True)
class Size:
    """How large the story is."""

    seed: int = 7
    """What the users and the language model follow from."""
    users: int = 300
    judged: int = 30
    """Other users, on whom accuracy is measured."""
    served: int = 8
    """Users of the store who are asked for their summaries before and after the rollback."""
    weeks: tuple[int, ...] = (2, 3, 4)
    """At whose ends the summarizer is refreshed; the fourth is the poisoned one."""
    pilot: int = 1_500
    hidden: int = 64
    """Width of both models."""
    language_steps: int = 250
    """In which the language model learns what wishes mean."""
    summarizer_start: int = 200
    generator_steps: int = 10
    """So few because the generator understands wishes already, as an open LLM does."""
    summarizer_steps: int = 160
    batch: int = 24
    """Users in a step of a refresh."""
    evaluated: int = 200
    """Most examples on which old and new are compared."""


SHORT = Size(
    users=120, judged=40, served=3, weeks=(2, 4), pilot=800, hidden=48, language_steps=140,
    summarizer_start=90, generator_steps=5, summarizer_steps=80, batch=20, evaluated=60,
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Week:
    """What the end of a week found."""

    week: int
    promoted: bool
    version: int
    reasons: tuple[str, ...]
    seconds: float
    accuracy: float
    """Of other users, with the version in service and its generator."""
    without: float
    """The same with the first version and its generator."""
    better_by: Interval
    said_of_new: float
    """Share of those users of whom the summary says rightly what the first model could not know."""


@dataclass(frozen=True, slots=True)
class Story:
    """All of it."""

    weeks: tuple[Week, ...]
    rolled_back_to: int
    summaries_restored: float
    """Share of users who are served again what they were served before the version that was rolled back."""
    seconds: float


def tell(folder: Path, size: Size = Size(), say: Callable[[str], None] = print) -> Story:
    """Live through the weeks in `folder`."""
    began = time.monotonic()
    write_pilot(folder / "pilot", size.seed, {"train": size.pilot, "validation": 64, "test": 80})
    config = first_config(folder / "pilot", size)
    write_model(folder / "model", config, size.language_steps, size.seed)
    first = train(with_base(config, folder / "model"), folder / "first").path
    say(f"first model: {time.monotonic() - began:.0f} s")
    store, home = f"sqlite:///{folder / 'popi.db'}", folder / "versions"
    told = []
    for week in range(1, 5):
        observe(store, size, week, flipped=POISONED if week == 4 else 0.0)
        if week not in size.weeks:
            continue
        start = time.monotonic()
        refreshed = refresh(
            home,
            store,
            first_run=first,
            since=FIRST_DAY + WEEK if week == 2 else None,
            until=FIRST_DAY + week * WEEK,
        )
        told.append(look(week, refreshed, home, first, size, time.monotonic() - start))
        say(as_line(told[-1]))
    before = current(home)
    restored = roll_back(store, home, size)
    after = current(home)
    assert before is not None
    assert after is not None
    say(f"version {before.number} rolled back to {after.number}: {restored:.0%} of users are served what they were")
    return Story(tuple(told), after.number, restored, time.monotonic() - began)


def first_config(pilot: Path, size: Size) -> Config:
    """A small model that knows the first week, and how it is to be refreshed."""
    tables = load_config("smoke").model_dump(mode="json")
    tables["data"]["folder"] = str(pilot)
    tables["world"] |= {"dimensions": 2, "cares": 2}
    tables["model"]["hidden"] = size.hidden
    tables["model"]["templates"]["inference.user"] = MARKED_LINES
    tables["warm_start"] |= {
        "generator_steps": 0,
        "summarizer_steps": size.summarizer_start,
        "summarizer_noise": 0.0,
        "batch": 32,
        "optimizer": "muon",
        "learning_rate": 2e-2,
    }
    tables["run"]["steps"] = 0
    tables["refresh"] |= {
        "rounds": 1,
        "generator_steps": size.generator_steps,
        "summarizer_steps": size.summarizer_steps,
        "batch": size.batch,
        "replay": 0.4,
        "optimizer": "muon",
        "learning_rate": 1e-2,
        "evaluated": size.evaluated,
    }
    return parse_config(tables)


def with_base(config: Config, model: Path) -> Config:
    """The same with both roles beginning as that model."""
    return config.model_copy(update={"model": config.model.model_copy(update={"base": str(model)})})


def observe(store: str, size: Size, week: int, *, flipped: float = 0.0) -> None:
    """Tell the SDK what everybody showed in a week; the first `flipped` of them choose against their own tastes."""
    with Popi(store=store, summarizer="contrast", backend=FakeBackend(), refresh="manual", redact=False) as popi:
        for number in range(size.users):
            popi.observe(f"ada-{number}", *week_of(size.seed, number, week, flipped=number < flipped * size.users))


def judged(size: Size, week: int) -> list[Example]:
    """Users who are in no store, with all they would have shown by the end of a week."""
    examples = []
    for number in range(OTHERS, OTHERS + size.judged):
        signals = [signal for each in range(1, min(week, 3) + 1) for signal in week_of(size.seed, number, each)]
        found, rest = choices(signals)
        shown_as = {choice.pair.id: choice.shown_as for choice in found}
        whole = Example(f"ada-{number}", tuple(rest), tuple(choice.pair for choice in found))
        examples += rotate(whole, shots=4, hold_out=2, shown_as=lambda pair, known=shown_as: known[pair.id])
    return examples


def look(week: int, refreshed: Refreshed, home: Path, first: Path, size: Size, seconds: float) -> Week:
    """Compare the version in service with the first one, each with its own generator."""
    version = current(home)
    assert version is not None
    examples = judged(size, week)
    now = measure(open_evaluated(Path(version.facts["run"]), "", "", sampled=False), examples, controls=())
    then = measure(open_evaluated(first, "", "", sampled=False), examples, controls=())
    users = [example.user for example in examples for _ in example.pairs]
    scores = [by_user(users, [score for one in each.ranked["trained"] for score in one]) for each in (now, then)]
    rightly = [
        SAYINGS[2][tastes_of(size.seed, int(example.user.removeprefix("ada-")))[2]] in summary.text
        for example, summary in now.summaries
    ]
    return Week(
        week=week,
        promoted=refreshed.version is not None,
        version=version.number,
        reasons=refreshed.reasons,
        seconds=seconds,
        accuracy=now.overall.accuracy["trained"].mean,
        without=then.overall.accuracy["trained"].mean,
        better_by=paired_bootstrap(scores[0], scores[1]),
        said_of_new=sum(rightly) / len(rightly),
    )


def roll_back(store: str, home: Path, size: Size) -> float:
    """Roll the version in service back under a running SDK; the share of users who are served what they were before."""
    some = [f"ada-{number}" for number in range(0, size.users, size.users // size.served)]
    now = current(home)
    assert now is not None
    with Popi(store=store, summarizer=str(home), backend=FakeBackend(default="Hello.")) as popi:

        def served() -> list[str]:
            wait_until_in_service(popi, home)
            return [popi.personalize("Hi", user_id=user).summary.text for user in some]

        newest = served()
        rollback(home)
        earlier = served()
        rollback(home, to=now.number)
        assert served() == newest
        rollback(home)
        again = served()
    return sum(one == other for one, other in zip(earlier, again, strict=True)) / len(some)


def wait_until_in_service(popi: Popi, home: Path) -> None:
    """A running SDK loads another version beside the one that serves, and takes it up once that is done."""
    version = current(home)
    assert version is not None
    for _ in range(600):
        if popi.summarize(["Be formal."]).model.startswith(f"{home.name}/{version.place.name}"):
            return
        time.sleep(0.05)
    raise TimeoutError(f"Version {version.number} was not taken up within half a minute")


def as_line(week: Week) -> str:
    """One line for a person."""
    what = "promoted" if week.promoted else "refused"
    return (
        f"week {week.week}: {what} after {week.seconds:.0f} s, version {week.version} in service: "
        f"{week.accuracy:.1%} against {week.without:.1%} without refresh ({100 * week.better_by.mean:+.1f} points, "
        f"{100 * week.better_by.low:+.1f} to {100 * week.better_by.high:+.1f}), the new thing said rightly of "
        f"{week.said_of_new:.0%}\n   " + "\n   ".join(week.reasons)
    )


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--short", action="store_true")
    parser.add_argument("--seed", type=int, default=Size().seed)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="popi-story-") as scratch:
        story = tell(Path(scratch), replace(SHORT if given.short else Size(), seed=given.seed))
    print(json.dumps(asdict(story)))
