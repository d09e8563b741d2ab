"""A client follows the current version of a summarizer while it runs, forth and back."""

from __future__ import annotations

import gc
import logging
import shutil
import subprocess
import sys
import textwrap
import threading
import time
import weakref
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from popi_sdk import Popi, personalization
from popi_sdk.errors import ConfigError, SummarizerError
from popi_sdk.render import render
from popi_sdk.signals import Statement
from popi_sdk.summarizers.followed import FollowedSummarizer
from popi_sdk.summarizers.trained import TrainedSummarizer
from popi_sdk.testing import FakeBackend
from tests.exported import LONGEST, edit_manifest, exported, said
from tests.tiny_models import save_tiny
from trainer.versions import add, promote, rollback

BRIEF, FRENCH = "Please be brief.", "And in French."
FIRST, SECOND = "Keep answers short.", "Use bullet points."
"""What the first and the second version make of either statement, and of both."""


@pytest.fixture(scope="module")
def exports(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Three exports: two that write different things, and one that is sure of nothing and so says nothing."""
    folder = tmp_path_factory.mktemp("exports")
    for number, answer in enumerate((FIRST, SECOND)):
        shown = (said(BRIEF), said(FRENCH), (*said(BRIEF), *said(FRENCH)))
        lessons = [(render(signals, max_summary_tokens=LONGEST).messages, answer) for signals in shown]
        save_tiny(folder / f"weights {number}", lessons=lessons, steps=40)
        exported(folder / f"weights {number}", folder / str(number), onnx=False, check=())
    shutil.copytree(folder / "1", folder / "2")
    edit_manifest(folder / "2", abstain_below=1e9)
    return [folder / name for name in "012"]


@pytest.fixture
def versions(tmp_path: Path, exports: list[Path]) -> Path:
    """All three, the first one current."""
    for each in exports:
        add(tmp_path / "versions", each)
    promote(tmp_path / "versions", 1)
    return tmp_path / "versions"


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The names of the versions that were asked for a summary, in order."""
    names: list[str] = []
    summarize = TrainedSummarizer.summarize

    def counting(self: TrainedSummarizer, *args: Any) -> Any:
        names.append(self.name.partition("@")[0])
        return summarize(self, *args)

    monkeypatch.setattr(TrainedSummarizer, "summarize", counting)
    return names


@pytest.fixture
def warnings(caplog: pytest.LogCaptureFixture) -> Callable[[], list[str]]:
    """What the SDK has warned of so far."""
    return lambda: [
        record.getMessage()
        for record in caplog.records
        if record.name == "popi_sdk" and record.levelno == logging.WARNING
    ]


def until(true: Callable[[], Any]) -> None:
    deadline = time.monotonic() + 30
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.002)


def taken_up(popi: Any, change: Callable[..., Any], *args: Any) -> None:
    """Make the change, and wait until the client has noticed."""
    change(*args)
    until(popi._inference.summarizer.is_current)


def served(popi: Any, user: str = "ada") -> tuple[str, str, str]:
    """Status, words, and the version that wrote them."""
    personal = popi.personal(user)
    return personal.status, personal.summary.text, personal.summary.model.partition("@")[0]


def unseen(name: str) -> Statement:
    """The same signal again, which no memory of summaries knows."""
    return Statement(BRIEF, id=name)


class TestFollowing:
    def test_a_running_client_takes_a_new_version_up_and_writes_summaries_anew(
        self, clients: Any, versions: Path, asked: list[str]
    ) -> None:
        popi = clients(summarizer=str(versions))
        popi.observe("ada", BRIEF)
        assert served(popi) == ("applied", FIRST, "versions/0001")
        taken_up(popi, promote, versions, 2)
        assert asked == ["versions/0001"], "nobody was asked for yet"
        assert [served(popi) for _ in range(2)] == [("applied", SECOND, "versions/0002")] * 2
        assert [summary.text for summary in popi.history("ada")] == [FIRST, SECOND]
        assert asked == ["versions/0001", "versions/0002"]

    def test_it_is_found_by_bare_name_and_a_new_client_begins_with_the_current_version(
        self, versions: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.chdir(versions.parent)
        promote(versions, 2)
        with Popi(store="memory", summarizer="versions") as popi:
            monkeypatch.chdir("/")
            assert popi.summarize(BRIEF).text == SECOND

    def test_signals_given_directly_are_not_answered_from_memory_of_another_version(
        self, clients: Any, versions: Path, asked: list[str]
    ) -> None:
        popi = clients(summarizer=versions)
        assert [popi.summarize(BRIEF).text for _ in range(2)] == [FIRST] * 2
        taken_up(popi, promote, versions, 2)
        assert [popi.summarize(BRIEF).text for _ in range(2)] == [SECOND] * 2
        assert asked == ["versions/0001", "versions/0002"]

    def test_in_the_background_the_older_summary_is_served_as_stale_meanwhile(
        self, clients: Any, versions: Path
    ) -> None:
        popi = clients(summarizer=versions, refresh="background")
        popi.observe("ada", BRIEF)
        popi.refresh("ada")
        taken_up(popi, promote, versions, 2)
        assert served(popi) == ("stale", FIRST, "versions/0001")
        until(lambda: popi.wait(0.01) or served(popi) == ("applied", SECOND, "versions/0002"))

    def test_where_refreshing_is_manual_it_stays_until_asked_for(
        self, clients: Any, versions: Path, asked: list[str]
    ) -> None:
        popi = clients(summarizer=versions, refresh="manual")
        popi.observe("ada", BRIEF)
        popi.refresh("ada")
        taken_up(popi, promote, versions, 2)
        assert [served(popi) for _ in range(2)] == [("stale", FIRST, "versions/0001")] * 2
        assert popi.refresh("ada").text == SECOND
        assert len(asked) == 2

    def test_a_persons_own_words_stay(self, clients: Any, versions: Path, asked: list[str]) -> None:
        popi = clients(summarizer=versions)
        popi.observe("ada", BRIEF)
        popi.edit("ada", "Answer in verse.")
        taken_up(popi, promote, versions, 2)
        assert served(popi) == ("applied", "Answer in verse.", "person")
        assert asked == []

    def test_summaries_of_another_summarizer_are_not_due(self, clients: Any, versions: Path, tmp_path: Path) -> None:
        store = f"sqlite:///{tmp_path / 'popi.db'}"
        clients(summarizer="contrast", store=store).observe("ada", BRIEF)
        for summarizer in ("contrast", versions, "contrast"):
            assert served(clients(summarizer=summarizer, store=store)) == ("applied", BRIEF, "contrast")
        popi = clients(summarizer=versions, store=store)
        popi.observe("ada", FRENCH)
        for summarizer in (versions, "contrast"):
            assert served(clients(summarizer=summarizer, store=store)) == ("applied", FIRST, "versions/0001")

    def test_where_no_version_is_current_the_error_is_plain(self, versions: Path) -> None:
        (versions / "current").unlink()
        with pytest.raises(SummarizerError, match=r"holds no popi\.json"):
            Popi(store="memory", summarizer=versions)
        (versions / "current").write_text("?")
        with pytest.raises(SummarizerError, match="current is damaged"):
            Popi(store="memory", summarizer=versions)
        with pytest.raises(ConfigError, match="there is no directory"):
            Popi(store="memory", summarizer=versions / "none")

    def test_a_long_history_is_read_anew_and_not_built_upon_what_another_version_wrote(
        self, clients: Any, versions: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        given: list[tuple[int, str]] = []
        summarize = TrainedSummarizer.summarize

        def noting(self: TrainedSummarizer, signals: Any, previous: Any = None) -> Any:
            given.append((len(signals), str(previous or "")))
            return summarize(self, said(BRIEF))

        monkeypatch.setattr(TrainedSummarizer, "summarize", noting)
        popi = clients(summarizer=versions)
        popi.observe("ada", [f"I have read {number} books. " + "And many more. " * 50 for number in range(20)])
        served(popi)
        for statement in (BRIEF, FRENCH):
            popi.observe("ada", statement)
            assert served(popi)[1] in (FIRST, SECOND)
            if statement == BRIEF:
                taken_up(popi, promote, versions, 2)
        assert given == [(20, ""), (1, FIRST), (22, "")]

    def test_a_process_that_has_forked_follows_as_well(self, versions: Path) -> None:
        """The thread, and a lock that was held, are not in the child."""
        script = f"""
            import logging, os, signal, sys, time
            from pathlib import Path
            from popi_sdk.summarizers.followed import FollowedSummarizer
            from trainer.versions import promote
            folder = Path({str(versions)!r})
            followed = FollowedSummarizer(folder)
            promote(folder, 2)
            (folder / "0002" / "popi.json").unlink()
            logging.getLogger("popi_sdk").addFilter(lambda record: os._exit(0))
            followed._guard.acquire()  # as a thread may have done
            if child := os.fork():
                sys.exit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
            signal.alarm(15)
            while not followed.is_current():
                time.sleep(0.01)
        """
        done = subprocess.run(
            [sys.executable, "-W", "ignore", "-c", textwrap.dedent(script)], capture_output=True, text=True, timeout=20
        )
        assert done.returncode == 0, done.stderr


class TestGoingBack:
    def test_earlier_summaries_are_served_again_without_asking_the_model(
        self, clients: Any, versions: Path, asked: list[str]
    ) -> None:
        popi = clients(summarizer=versions)
        for user in ("ada", "bo", "cy"):
            popi.observe(user, BRIEF)
            assert served(popi, user)[1] == FIRST
        taken_up(popi, promote, versions, 2)
        popi.observe("bo", FRENCH)
        assert served(popi, "ada")[1] == served(popi, "bo")[1] == SECOND
        taken_up(popi, rollback, versions)
        del asked[:]
        assert [served(popi, user) for user in ("ada", "cy")] == [("applied", FIRST, "versions/0001")] * 2
        assert asked == []
        assert served(popi, "bo") == ("applied", FIRST, "versions/0001")
        assert asked == ["versions/0001"], "of bo's signals it had written nothing"
        history = popi.history("ada")
        assert [summary.text for summary in history] == [FIRST, SECOND, FIRST]
        assert history[2].clauses == history[0].clauses
        assert history[2].signal_ids == history[0].signal_ids != ()

    def test_forgetting_reaches_what_was_served_again(self, clients: Any, versions: Path, asked: list[str]) -> None:
        popi = clients(summarizer=versions)
        [first, _] = popi.observe("ada", BRIEF, FRENCH)
        served(popi)
        taken_up(popi, promote, versions, 2)
        served(popi)
        popi.forget("ada", first.id)
        taken_up(popi, rollback, versions)
        del asked[:]
        assert served(popi) == ("applied", FIRST, "versions/0001")
        assert asked == ["versions/0001"], "what it wrote before rested on the forgotten signal"
        assert len(popi.history("ada")) == 1

    def test_after_a_version_that_said_nothing_the_earlier_words_come_back(
        self, clients: Any, versions: Path, asked: list[str]
    ) -> None:
        popi = clients(summarizer=versions)
        popi.observe("ada", BRIEF)
        served(popi)
        taken_up(popi, promote, versions, 3)
        assert [served(popi) for _ in range(3)] == [("skipped", "", "")] * 3
        assert asked == ["versions/0001", "versions/0003"], "who says nothing is not asked again with each call"
        taken_up(popi, rollback, versions)
        assert served(popi) == ("applied", FIRST, "versions/0001")
        assert len(asked) == 2

    def test_the_history_of_a_user_without_a_summary_is_looked_through_once(
        self, versions: Path, asked: list[str], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        with Popi(store="memory", summarizer=versions) as popi:
            popi.observe("ada", BRIEF)
            served(popi)
            taken_up(popi, promote, versions, 3)
            served(popi)
            taken_up(popi, promote, versions, 2)
            looked: list[str] = []
            store = popi._store.get()
            history = store.history
            monkeypatch.setattr(store, "history", lambda *names: looked.append("") or history(*names))
            assert [served(popi)[0] for _ in range(3)] == ["skipped"] * 3
            assert (len(looked), asked[2:]) == (1, [])
            popi.observe("ada", FRENCH)
            assert served(popi) == ("applied", SECOND, "versions/0002")

    def test_asked_for_outright_the_model_writes_anew(self, clients: Any, versions: Path, asked: list[str]) -> None:
        popi = clients(summarizer=versions)
        popi.observe("ada", BRIEF)
        served(popi)
        taken_up(popi, promote, versions, 2)
        served(popi)
        taken_up(popi, rollback, versions)
        assert popi.refresh("ada").text == FIRST
        assert len(asked) == 3


class TestDamage:
    @pytest.mark.parametrize(
        ("spoil", "reason"),
        [
            (lambda place: (place / "model.safetensors").write_bytes(b"0" * 100), "has 100 bytes"),
            (lambda place: shutil.rmtree(place), "holds no popi.json"),
            (lambda place: broken_weights(place), "cannot be loaded"),
        ],
    )
    def test_a_damaged_new_version_leaves_the_old_one_in_service_and_is_told_of_once(
        self,
        versions: Path,
        asked: list[str],
        warnings: Callable[[], list[str]],
        spoil: Callable[[Path], None],
        reason: str,
    ) -> None:
        with Popi(store="memory", summarizer=versions) as popi:
            popi.observe("ada", BRIEF)
            served(popi)
            promote(versions, 2)
            spoil(versions / "0002")
            until(lambda: served(popi) and warnings())
            popi.observe("bo", BRIEF)
            assert [served(popi, user) for user in ("ada", "bo", "ada")] == [("applied", FIRST, "versions/0001")] * 3
            [warning] = warnings()
            assert warning.startswith("versions/0001@")
            assert reason in warning
            taken_up(popi, promote, versions, 3)
            assert served(popi)[0] == "skipped", "the next one is taken up as ever"

    def test_a_pointer_that_is_gone_or_damaged_is_told_of_once_as_well(
        self, versions: Path, warnings: Callable[[], list[str]]
    ) -> None:
        with Popi(store="memory", summarizer=versions) as popi:
            for number, spoil in enumerate((Path.unlink, lambda file: file.write_text("?")), start=1):
                spoil(versions / "current")
                until(lambda number=number: popi.summarize(BRIEF) and len(warnings()) == number)
                assert [popi.summarize(unseen(f"{number}-{again}")).text for again in range(2)] == [FIRST] * 2
            assert len(warnings()) == 2
            (versions / "current").unlink()
            taken_up(popi, rollback, versions, 2)
            assert popi.summarize(BRIEF).text == SECOND

    def test_who_cannot_use_the_version_leaves_the_summaries_of_those_who_can_alone(
        self, versions: Path, tmp_path: Path, asked: list[str], warnings: Callable[[], list[str]]
    ) -> None:
        copy = shutil.copytree(versions, tmp_path / "elsewhere" / "versions")
        shutil.rmtree(copy / "0002")
        store = f"sqlite:///{tmp_path / 'popi.db'}"
        with Popi(store=store, summarizer=versions) as able, Popi(store=store, summarizer=copy) as unable:
            able.observe("ada", BRIEF)
            served(able)
            taken_up(able, promote, versions, 2)
            shutil.copy(versions / "current", copy / "current")
            until(lambda: served(unable) and warnings())
            assert served(able)[1] == SECOND
            assert [served(popi) for popi in (unable, able) * 3] == [("applied", SECOND, "versions/0002")] * 6
            assert len(asked) == 2


def broken_weights(place: Path) -> None:
    """As they are when only loading them finds out."""
    (place / "config.json").write_text('{"model_type": "none"}')
    edit_manifest(place)


class TestAtOnce:
    def test_threads_calling_through_many_changes_get_whole_answers_of_one_version_each(self, versions: Path) -> None:
        stop = threading.Event()
        words = {"versions/0001": FIRST, "versions/0002": SECOND}
        seen: set[str] = set()

        def call(number: int) -> int:
            made = 0
            while not stop.is_set():
                made += 1
                popi.observe(f"user {number}", BRIEF)
                status, text, version = served(popi, f"user {number}")
                assert status in ("applied", "stale"), "stale where a change came while it was written"
                assert text == words[version]
                summary = popi.summarize(unseen(f"{number}-{made}"))
                assert summary.text == words[summary.model.partition("@")[0]]
                seen.update((version, summary.model.partition("@")[0]))
            return made

        with Popi(store="memory", summarizer=versions) as popi, ThreadPoolExecutor(3) as pool:
            calls = [pool.submit(call, number) for number in range(3)]
            try:
                for _ in range(2):
                    until(lambda: "versions/0001" in seen or any(one.done() for one in calls))
                    promote(versions, 2)
                    until(lambda: "versions/0002" in seen or any(one.done() for one in calls))
                    rollback(versions)
                    seen.clear()
            finally:
                stop.set()
            assert all(one.result() for one in calls)

    def test_a_summary_under_way_is_finished_by_the_version_that_began_it(
        self, clients: Any, versions: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        popi = clients(summarizer=versions)
        summarize = TrainedSummarizer.summarize

        def change_meanwhile(self: TrainedSummarizer, *args: Any) -> Any:
            taken_up(popi, promote, versions, 2)
            return summarize(self, *args)

        monkeypatch.setattr(TrainedSummarizer, "summarize", change_meanwhile)
        summary = popi.summarize(BRIEF)
        assert (summary.text, summary.model.partition("@")[0]) == (FIRST, "versions/0001")
        assert popi.summarize(BRIEF).text == SECOND

    def test_a_summary_is_prepared_and_written_by_one_and_the_same_version(
        self, clients: Any, versions: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """What a version may be shown is decided by what it is, so another one must not be shown it."""
        popi = clients(summarizer=versions)
        shown = personalization.shown

        def change_meanwhile(*args: Any) -> Any:
            material = shown(*args)
            taken_up(popi, promote, versions, 2)
            return material

        monkeypatch.setattr(personalization, "shown", change_meanwhile)
        popi.observe("ada", BRIEF)
        assert popi.refresh("ada").text == popi.summarize(BRIEF).text.replace(SECOND, FIRST) == FIRST
        assert [summary.model.partition("@")[0] for summary in popi.history("ada")] == ["versions/0001"]

    def test_calls_are_not_held_up_while_a_version_is_loaded(
        self, versions: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        loading, go_on = threading.Event(), threading.Event()
        with Popi(store="memory", summarizer=versions) as popi:
            assert popi.summarize(BRIEF).text == FIRST

            def slowly(folder: Path, form: Any, threads: int) -> Any:
                loading.set()
                go_on.wait(30)
                return load(folder, form, threads)

            from popi_sdk.summarizers import trained

            load = trained.load_engine
            monkeypatch.setattr(trained, "load_engine", slowly)
            promote(versions, 2)
            popi.summarize(unseen("1"))
            assert loading.wait(30)
            assert popi.summarize(unseen("2")).text == FIRST
            go_on.set()
            until(popi._inference.summarizer.is_current)  # type: ignore[attr-defined]
            assert popi.summarize(unseen("2")).text == SECOND

    def test_old_weights_are_let_go_of(self, versions: Path) -> None:
        with Popi(store="memory", backend=FakeBackend(), summarizer=versions) as popi:
            popi.personalize("Hi", [BRIEF])
            followed = popi._inference.summarizer
            assert isinstance(followed, FollowedSummarizer)
            weights = weakref.ref(followed.in_service()._ready())
            taken_up(popi, promote, versions, 2)
            gc.collect()
            assert weights() is None
