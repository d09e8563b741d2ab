"""The hook's own behaviour when POPI fails, is slow, or is configured wrongly; LiteLLM's classes, no proxy around."""
# ruff: noqa: TID253 - vendors' packages are what is tested here

from __future__ import annotations

import asyncio
import copy
import socket
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from litellm.proxy._types import UserAPIKeyAuth

from popi_sdk import AsyncPopi, StoreError
from popi_sdk.integrations import patience
from popi_sdk.integrations.litellm_proxy import PopiHook, hook

KEY = UserAPIKeyAuth(api_key="sk-1", team_id="alpha", end_user_id="ada")
SECRET = "marzipan"


class Failing:
    name = "failing"

    def summarize(self, signals: Any, previous: Any = None) -> str:
        raise ValueError(SECRET)


class Slow:
    """A summarizer that is not done before it is told to be."""

    name = "slow"

    def __init__(self) -> None:
        self.go_on = threading.Event()

    def summarize(self, signals: Any, previous: Any = None) -> str:
        self.go_on.wait(20)
        return "Be brief."


def _opens(**settings: Any) -> Callable[[], AsyncPopi]:
    return lambda: AsyncPopi(**{"store": "memory", "summarizer": "contrast"} | settings)


def _request(*signals: Any) -> dict[str, Any]:
    metadata = {"metadata": {"popi_signals": list(signals)}} if signals else {}
    return {"model": "gpt", "messages": [{"role": "user", "content": "Why?"}], "proxy_server_request": {}, **metadata}


async def _asked(
    using: PopiHook, data: dict[str, Any], call_type: str = "acompletion", *, key: UserAPIKeyAuth = KEY
) -> dict[str, str] | None:
    assert await using.async_pre_call_hook(key, None, data, call_type) is data
    return await using.async_post_call_response_headers_hook(data, key, None)


@pytest.mark.parametrize("on_failure", ["degrade", "raise"])
async def test_a_summarizer_that_fails_is_told_in_the_header_and_logged_without_content(
    caplog: pytest.LogCaptureFixture, on_failure: str
) -> None:
    data = _request(f"Say {SECRET} often.")

    told = await _asked(PopiHook(_opens(summarizer=Failing(), on_failure=on_failure)), data)

    assert told == {
        "x-popi-status": "failed",
        "x-popi-summary-version": "0",
        "x-popi-reason": "unavailable",
        "x-popi-signals": "stored 1",
    }
    assert data["messages"] == [{"role": "user", "content": "Why?"}]
    assert "summary" in caplog.text
    assert SECRET not in caplog.text


async def test_a_summary_that_takes_long_does_not_hold_the_request_up_and_serves_the_next(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(patience, "LONGEST_WAIT", 0.1)
    slow = Slow()
    using = PopiHook(_opens(summarizer=slow))
    start = time.monotonic()

    told = await _asked(using, _request("Short answers."))

    assert time.monotonic() - start < 5
    assert told is not None
    assert (told["x-popi-status"], told["x-popi-reason"]) == ("failed", "timeout")
    slow.go_on.set()
    monkeypatch.setattr(patience, "LONGEST_WAIT", 10.0)
    told = await _asked(using, _request())
    assert told == {"x-popi-status": "applied", "x-popi-summary-version": "1"}


async def test_a_store_that_does_not_answer_delays_a_few_requests_and_then_none(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    pytest.importorskip("psycopg", reason="psycopg is not installed")
    monkeypatch.setattr(patience, "LONGEST_WAIT", 0.2)
    with socket.create_server(("127.0.0.1", 0)) as silent:  # takes connections and never says a word
        using = PopiHook(_opens(store=f"postgresql://popi@127.0.0.1:{silent.getsockname()[1]}/popi"))
        for _ in range(patience.MANY):
            assert (await _asked(using, _request()) or {})["x-popi-reason"] == "timeout"
        start = time.monotonic()
        told = [await _asked(using, _request("Short answers.")) or {} for _ in range(50)]
        took = time.monotonic() - start

    assert {each["x-popi-reason"] for each in told} == {"paused"}
    assert {each["x-popi-signals"] for each in told} == {"refused paused"}
    assert took < 2
    assert len(caplog.records) == 2  # once for each reason, not once for each request


async def test_slow_summaries_of_one_team_leave_its_signals_and_other_teams_alone(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(patience, "LONGEST_WAIT", 0.5)
    slow = Slow()
    popi = AsyncPopi(store="memory", summarizer=slow)
    using = PopiHook(lambda: popi)
    beta = UserAPIKeyAuth(api_key="sk-2", team_id="beta", end_user_id="ada")
    await popi.scoped("team:beta").edit("ada", "Use lists.")
    try:
        for number in range(patience.MANY):
            user = UserAPIKeyAuth(api_key="sk-1", team_id="alpha", end_user_id=f"user-{number}")
            told = await _asked(using, _request("Short answers." if number else "Long answers."), key=user)
            assert (told or {})["x-popi-reason"] == "timeout"

        paused = await _asked(using, _request("No jargon."))
        other = await _asked(using, _request("No jargon."), key=beta)
    finally:
        slow.go_on.set()

    assert (paused or {}) == {
        "x-popi-status": "failed",
        "x-popi-summary-version": "0",
        "x-popi-reason": "paused",
        "x-popi-signals": "stored 1",
    }
    assert other == {"x-popi-status": "applied", "x-popi-summary-version": "1", "x-popi-signals": "stored 1"}


class Stuck(AsyncPopi):
    """Takes long to store signals, and then cannot."""

    async def observe(self, user_id: str, *signals: Any) -> Any:
        await asyncio.sleep(0.2)
        raise StoreError(f"The disk is full. {SECRET if isinstance(signals[0], dict) else ''}")


async def test_pending_signals_that_cannot_be_stored_in_the_end_are_logged(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(patience, "LONGEST_WAIT", 0.05)
    using = PopiHook(lambda: Stuck(store="memory", summarizer="contrast"))
    for _ in range(100):  # opening takes longer than this test waits
        if (await _asked(using, _request()) or {}).get("x-popi-status") == "skipped":
            break
        await asyncio.sleep(0.05)
    caplog.clear()

    told = await _asked(using, _request(SECRET))
    assert "pending" not in caplog.text
    await asyncio.sleep(0.4)

    assert (told or {})["x-popi-signals"] == "pending"
    assert "pending failed: The disk is full." in caplog.text
    assert SECRET not in caplog.text


async def test_the_first_request_opens_popi_once_and_holds_no_other_up() -> None:
    opening, go_on, was_free = threading.Event(), threading.Event(), []

    def opens() -> AsyncPopi:
        opening.set()
        was_free.append(go_on.wait(5))
        return AsyncPopi(store="memory", summarizer="contrast")

    using = PopiHook(opens)
    asked = asyncio.gather(*(_asked(using, _request("Short answers.")) for _ in range(5)))
    while not opening.is_set():
        await asyncio.sleep(0.005)
    go_on.set()

    # "stale" is what one of them rightly says where another's signal was stored while it read the summary.
    assert {(told or {})["x-popi-status"] for told in await asked} <= {"applied", "stale"}
    assert was_free == [True]


@pytest.mark.parametrize("signals", [["Be brief."] * 201, ["+49 170 1234567 " * 60_000], [{"text": "x" * 200_001}]])
async def test_more_signals_than_one_request_may_bring_are_refused_at_once(signals: list[Any]) -> None:
    using = PopiHook(_opens())
    await _asked(using, _request("Short answers."))
    start = time.monotonic()

    told = await _asked(using, _request(*signals))

    assert time.monotonic() - start < 2
    assert told == {"x-popi-status": "applied", "x-popi-summary-version": "1", "x-popi-signals": "refused too-large"}


async def test_a_store_that_is_down_from_the_start_delays_no_request() -> None:
    pytest.importorskip("psycopg", reason="psycopg is not installed")
    with socket.create_server(("127.0.0.1", 0)) as probe:
        free = probe.getsockname()[1]
    using = PopiHook(_opens(store=f"postgresql://popi@127.0.0.1:{free}/popi"))
    await _asked(using, _request())  # loads what it takes to open a store
    start = time.monotonic()

    told = await asyncio.gather(*(_asked(using, _request()) for _ in range(50)))

    assert {(each or {})["x-popi-status"] for each in told} == {"failed"}
    assert time.monotonic() - start < 5


async def test_a_wrong_configuration_is_told_once_and_fails_no_request(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "popi.toml").write_text('placement = "nowhere"')
    monkeypatch.chdir(tmp_path)
    opened = []
    using = PopiHook(lambda: opened.append(1) or AsyncPopi())  # type: ignore[func-returns-value]

    told = [await _asked(using, _request("Short answers.")) for _ in range(3)]

    assert told == [{"x-popi-status": "failed", "x-popi-summary-version": "0", "x-popi-reason": "configuration"}] * 3
    assert opened == [1]
    assert "`placement` cannot be 'nowhere'" in caplog.text


async def test_whatever_else_goes_wrong_is_logged_by_its_kind_only(caplog: pytest.LogCaptureFixture) -> None:
    def broken() -> AsyncPopi:
        raise RuntimeError(SECRET)

    data = _request(SECRET)

    assert (await _asked(PopiHook(broken), data) or {})["x-popi-reason"] == "error"
    assert "RuntimeError" in caplog.text
    assert SECRET not in caplog.text
    assert SECRET not in str(data)


@pytest.mark.parametrize("call_type", ["aembedding", "acreate_batch", "atext_completion", "pass_through_endpoint"])
async def test_other_routes_are_left_alone_but_for_the_signals_that_come_along(call_type: str) -> None:
    using = PopiHook(_opens())
    data: dict[str, Any] = {"input": "Why?", "proxy_server_request": {}}
    before = copy.deepcopy(data)

    assert await _asked(using, data, call_type) is None
    assert data == before

    told = await _asked(using, _request("Short answers."), call_type)
    assert told == {
        "x-popi-status": "skipped",
        "x-popi-summary-version": "0",
        "x-popi-reason": "route",
        "x-popi-signals": "stored 1",
    }


async def test_the_same_client_is_used_for_a_tenant_again_and_never_for_another() -> None:
    using = PopiHook(_opens())
    await _asked(using, _request("Short answers."))

    other = UserAPIKeyAuth(api_key="sk-2", team_id="beta", end_user_id="ada")
    data = _request()
    await using.async_pre_call_hook(other, None, data, "acompletion")

    assert (await using.async_post_call_response_headers_hook(data, other, None) or {})["x-popi-status"] == "skipped"
    assert (await _asked(using, _request()) or {})["x-popi-status"] == "applied"


async def test_a_key_user_from_a_header_is_no_tenant(monkeypatch: pytest.MonkeyPatch) -> None:
    mapping = [{"header_name": "x-user", "litellm_user_role": "internal_user"}]
    running = SimpleNamespace(general_settings={"user_header_mappings": mapping})
    monkeypatch.setitem(sys.modules, "litellm.proxy.proxy_server", running)
    using = PopiHook(_opens())
    for key, user in (("sk-1", "bob"), ("sk-2", "bob")):
        data = _request("Short answers.") if key == "sk-1" else _request()
        named = UserAPIKeyAuth(api_key=key, user_id=user, end_user_id="ada")
        await using.async_pre_call_hook(named, None, data, "acompletion")

    told = await using.async_post_call_response_headers_hook(data, named, None)

    assert (told or {})["x-popi-status"] == "skipped"


def test_the_records_of_a_batch_file_are_left_alone() -> None:
    assert hook.enforces_request_content is False
