"""What a provider has cached stays usable: requests of one chat begin alike, byte for byte, until the summary changes.

The chat is that of `benchmarks/prompt_cache.py`: 50 turns with a system prompt, tool calls and images, while the user
says something about the answers now and then.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from datetime import datetime
from itertools import pairwise
from pathlib import Path

import pytest

from benchmarks import prompt_cache
from benchmarks.prompt_cache import SAID, SYSTEM, TOOL, TURNS, requests, shared
from popi_sdk import Popi
from popi_sdk.testing import FakeBackend
from tests.loopback import LoopbackServer

pytestmark = pytest.mark.usefixtures("contrast_by_default")

MODELS = [
    "openai/gpt-4o-mini",
    "anthropic/claude-sonnet-4-6",
    "mistral/mistral-small-latest",
    "deepseek/deepseek-chat",
]
MARK = {"type": "ephemeral"}
BORDER = "<user_preferences>"


def parts(body: dict) -> list[str]:
    """A request in the order in which providers read it, tools and system first, each part as the bytes it is."""
    system = body.get("system") or []
    system = [system] if isinstance(system, str) else system
    messages = [
        {**message, "content": _without_moving_mark(message.get("content"))} for message in body.get("messages", [])
    ]
    return [json.dumps(part, ensure_ascii=False) for part in (*body.get("tools", []), *system, *messages)]


def _without_moving_mark(content):
    """A mark says up to where to cache; it is no part of what is cached, and apps move theirs to the last message."""
    if not isinstance(content, list):
        return content
    return [{key: value for key, value in part.items() if key != "cache_control"} for part in content]


def begins_with(later: list[str], earlier: list[str]) -> bool:
    return later[: len(earlier)] == earlier


def marks(body: object) -> list[object]:
    """All cache marks in a request."""
    if isinstance(body, dict):
        own = [body["cache_control"]] if "cache_control" in body else []
        return own + [mark for value in body.values() for mark in marks(value)]
    return [mark for value in body for mark in marks(value)] if isinstance(body, list) else []


def observed_on_the_way(popi, before: int, turn: int) -> None:
    if turn != before and turn in SAID:
        popi.observe("ada", SAID[turn])


def check(sent: list[tuple[int, list[str]]]) -> None:
    """Versions and parts of a chat's requests: while a version lasts, each request begins with all of the one before.

    Where the version changes they still share the tools and the app's own words.
    """
    versions = [version for version, _ in sent]
    assert versions == sorted(versions)
    assert versions[0] == 1
    assert versions[-1] > 3, "there were changes to survive"
    assert len(sent) > TURNS
    for (before, earlier), (version, later) in pairwise(sent):
        assert begins_with(later, earlier) is (version == before), version
        assert shared("\n".join(earlier), "\n".join(later)) >= "\n".join(earlier).index(BORDER)
    of_version: dict[int, set[tuple[int, str]]] = {}
    for version, some in sent:
        place = next(number for number, part in enumerate(some) if BORDER in part)
        of_version.setdefault(version, set()).add((place, some[place]))
    assert {len(blocks) for blocks in of_version.values()} == {1}, "one version, the same bytes at the same place"
    assert len({place for blocks in of_version.values() for place, _ in blocks}) == 1
    assert len(of_version) == len(set().union(*of_version.values())), "another version, other bytes"


class TestFiftyTurns:
    @pytest.mark.parametrize("placement", ["system", "developer", "user"])
    def test_composed_requests_begin_with_the_one_before_while_a_version_lasts(self, clients, placement) -> None:
        popi = clients(backend=FakeBackend())
        popi.observe("ada", "Answer in French.")
        sent, before = [], -1
        for turn, messages in requests():
            observed_on_the_way(popi, before, turn)
            before = turn
            composed = popi.compose(messages, user_id="ada", placement=placement, tools=[TOOL])
            sent.append((popi.profile("ada").summary.version, parts({"messages": composed})))
        check(sent)

    @pytest.mark.parametrize(
        ("clients", "model"),
        [*(("sync", model) for model in MODELS), ("async", MODELS[0]), ("async", MODELS[1])],
        indirect=["clients"],
    )
    def test_requests_on_the_wire_begin_with_the_one_before_while_a_version_lasts(
        self, clients, loopback: LoopbackServer, model: str
    ) -> None:
        popi = clients(model=loopback.model_spec(model), retries=0)
        popi.observe("ada", "Answer in French.")
        sent, before = [], -1
        for turn, messages in requests():
            observed_on_the_way(popi, before, turn)
            before = turn
            if turn % 2:
                summary = popi.read_stream(messages, user_id="ada", tools=[TOOL])[0].summary
            else:
                summary = popi.personalize(messages, user_id="ada", tools=[TOOL]).summary
            sent.append((summary.version, parts(loopback.requests[-1].body)))
        assert len(loopback.requests) == len(sent)
        check(sent)

    def test_without_a_user_or_a_summary_a_request_is_what_it_was(self, clients) -> None:
        popi = clients(backend=FakeBackend())
        for _, messages in requests(9):
            assert popi.compose(messages) == popi.compose(messages, user_id="nobody") == messages


class TestAnthropicMarks:
    def test_the_mark_stays_at_the_block_and_within_the_limit(self, clients, loopback: LoopbackServer) -> None:
        popi = clients(model=loopback.model_spec("anthropic/claude-sonnet-4-6"), retries=0)
        popi.observe("ada", "Answer in French.")
        for number, (_, messages) in enumerate(requests(20)):
            own = number % 6  # marks that the app sets itself, on its latest user turns
            popi.personalize(_marked(messages, own), user_id="ada", tools=[TOOL])
            body = loopback.requests[-1].body
            assert [part["text"].split("\n")[0] for part in body["system"]] == [SYSTEM, BORDER]
            set_by_app = len(marks(body["messages"]))
            assert body["system"][1].get("cache_control") == (MARK if set_by_app < 4 else None)
            assert marks(body) == [MARK] * max(set_by_app, min(4, set_by_app + 1))

    def test_a_mark_that_the_app_moves_along_leaves_all_before_it_as_it_was(self, clients, loopback) -> None:
        popi = clients(model=loopback.model_spec("anthropic/claude-sonnet-4-6"), retries=0)
        popi.observe("ada", "Answer in French.")
        sent = []
        for _, messages in requests(20):
            popi.personalize(_marked(messages, 1), user_id="ada", tools=[TOOL])
            assert len(marks(loopback.requests[-1].body)) == 2
            sent.append(parts(loopback.requests[-1].body))
        assert all(begins_with(later, earlier) for earlier, later in pairwise(sent))


def _marked(messages: list[dict], count: int) -> list[dict]:
    """The messages, each with its text as a part, the last `count` user turns with a mark."""
    places = [place for place, message in enumerate(messages) if message["role"] == "user"]
    marked = []
    for place, message in enumerate(messages):
        if message["role"] == "user":
            content = message["content"]
            some = [{"type": "text", "text": content}] if isinstance(content, str) else [dict(part) for part in content]
            if count and place in places[-count:]:
                some[0]["cache_control"] = MARK
            message = {**message, "content": some}
        marked.append(message)
    return marked


_COMPOSED = """
import json, sys
from popi_sdk import Popi
from benchmarks.prompt_cache import SAID, requests
url, known = sys.argv[1], sys.argv[2] == "known"
*_, (_, chat) = requests(8)
with Popi(store=url) as popi:
    if not known:
        popi.observe("ada", "Answer in French.", *SAID.values())
    print(json.dumps([popi.compose(chat, user_id="ada", model=model) for model in sys.argv[3:]]))
"""


class TestTheSameBytes:
    def test_after_reopening_and_in_other_processes_whatever_their_hash_seed(self, clients, tmp_path: Path) -> None:
        *_, (_, chat) = requests(8)
        url = f"sqlite:///{tmp_path}/popi.db"
        popi = clients(store=url)
        popi.observe("ada", "Answer in French.", *SAID.values())
        here = json.dumps([popi.compose(chat, user_id="ada", model=model) for model in MODELS])
        assert BORDER in here
        reopened = clients(store=url)
        assert json.dumps([reopened.compose(chat, user_id="ada", model=model) for model in MODELS]) == here
        # What other processes compose does not depend on this one's client.
        for seed, known in (("1", "known"), ("2", "anew")) if clients.kind == "sync" else ():
            place = url if known == "known" else f"sqlite:///{tmp_path}/another.db"
            done = subprocess.run(
                [sys.executable, "-c", _COMPOSED, place, known, *MODELS],
                capture_output=True,
                text=True,
                check=True,
                env={**os.environ, "PYTHONHASHSEED": seed},
            )
            assert done.stdout.strip() == here, "inferred anew from the same signals it is the same as well"
        assert len(reopened.history("ada")) == 1

    @pytest.mark.parametrize("model", MODELS)
    def test_streamed_or_not(self, clients, loopback: LoopbackServer, model: str) -> None:
        popi = clients(model=loopback.model_spec(model), retries=0)
        popi.observe("ada", *SAID.values())
        *_, (_, chat) = requests(6)
        popi.personalize(chat, user_id="ada", tools=[TOOL])
        popi.read_stream(chat, user_id="ada", tools=[TOOL])
        whole, streamed = (parts(request.body) for request in loopback.requests)
        assert whole == streamed
        assert BORDER in "".join(whole)


class Counting:
    """Writes a new text whenever it is shown more."""

    name = "counting"

    def summarize(self, signals, previous=None):
        return f"Keep answers under {100 + len(signals)} words."


_OBSERVING = """
import sys, time
from popi_sdk import Popi
from tests.test_prompt_cache import Counting
url, refresh, debounce, name = sys.argv[1:]
with Popi(store=url, summarizer=Counting(), refresh=refresh, debounce=float(debounce)) as popi:
    popi.summarize("All that a refresh needs is loaded by now.")
    popi.profile("nobody")
    print("ready", flush=True)
    for number in range(int(sys.stdin.readline())):
        popi.observe("ada", f"{name} says {number}")
        time.sleep(0.1)
    print("done", flush=True)
    sys.stdin.readline()
"""


class TestBursts:
    """Twenty signals in a row, with answers in between: one new version, once the user is quiet."""

    @pytest.mark.parametrize("refresh", ["inline", "background"])
    def test_a_burst_makes_one_version(self, clients, refresh) -> None:
        quiet = 0.5
        popi = clients(backend=FakeBackend(), summarizer=Counting(), refresh=refresh, debounce=quiet)
        popi.observe("ada", "first")
        popi.refresh("ada")
        blocks = set()
        for number in range(20):
            popi.observe("ada", f"more {number}")
            blocks.add(str(popi.compose("Hi", user_id="ada")))
        longest = _longest_silence(popi.export("ada"))
        give_up_at = time.monotonic() + 20
        while (reply := popi.personalize("Hi", user_id="ada")).status == "stale" and time.monotonic() < give_up_at:
            popi.wait(0.05)
        if longest > quiet - 0.2:
            pytest.skip(f"this machine was busy: {longest:.1f} seconds passed between two signals of the burst")
        assert len(blocks) == 1
        assert (reply.summary.text, reply.summary.version, reply.status) == (
            "Keep answers under 121 words.",
            2,
            "applied",
        )
        assert [summary.version for summary in popi.history("ada")] == [1, 2]

    @pytest.mark.parametrize(
        "refresh",
        [
            "inline",
            "background",
        ],
    )
    def test_a_burst_from_several_processes_makes_one_version(self, tmp_path, refresh) -> None:
        quiet, each = 0.6, (5, 15)  # the first has fallen silent long before the other has
        url = f"sqlite:///{tmp_path}/popi.db"
        with (
            Popi(store=url, backend=FakeBackend(), summarizer=Counting(), refresh=refresh, debounce=quiet) as popi,
            ExitStack() as ended,
            ThreadPoolExecutor(len(each)) as pool,
        ):
            popi.observe("ada", "first")
            popi.refresh("ada")
            processes = [ended.enter_context(_observing(url, refresh, quiet, number)) for number in range(len(each))]
            assert [said.strip() for said in pool.map(_line, processes)] == ["ready"] * len(each)
            for process, count in zip(processes, each, strict=True):
                _tell(process, count)
            done = [pool.submit(_line, process) for process in processes]
            versions = set()
            while not all(one.done() for one in done):
                versions.add(popi.personalize("Hi", user_id="ada").summary.version)
                time.sleep(0.02)
            longest = _longest_silence(popi.export("ada"))
            give_up_at = time.monotonic() + 10
            while popi.personalize("Hi", user_id="ada").status == "stale" and time.monotonic() < give_up_at:
                time.sleep(0.05)
            after = popi.history("ada")
            for process in processes:
                _tell(process, "end")
        assert after[-1].text == "Keep answers under 121 words."
        if longest > quiet - 0.1:
            pytest.skip(f"this machine was busy: {longest:.1f} seconds passed between two signals of the burst")
        assert versions == {1}
        assert [summary.version for summary in after] == [1, 2]


def _observing(url: str, refresh: str, quiet: float, number: int) -> subprocess.Popen:
    command = [sys.executable, "-c", _OBSERVING, url, refresh, str(quiet), f"process {number}"]
    return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


def _line(process: subprocess.Popen) -> str:
    return process.stdout.readline()


def _tell(process: subprocess.Popen, what: object) -> None:
    process.stdin.write(f"{what}\n")
    process.stdin.flush()


def _longest_silence(exported: dict) -> float:
    """Seconds between two signals of the burst; the first signal of all came before it."""
    times = sorted(datetime.fromisoformat(signal["observed_at"]) for signal in exported["signals"])[1:]
    return max((later - earlier).total_seconds() for earlier, later in pairwise(times))


def test_a_block_that_changes_every_turn_costs_most_of_the_cache_and_ours_little() -> None:
    found = prompt_cache.measure()
    without, ours, changing = (one.cacheable / one.tokens for one in found.values())
    assert without > 0.9
    assert without - ours < 0.1
    assert changing < 0.3
    nothing, with_popi, naive = (one.cost(0.1) for one in found.values())
    assert nothing < with_popi < naive / 3
    assert [one.cost(1) for one in found.values()] == [one.tokens for one in found.values()]
