"""A real LiteLLM proxy with POPI's one line in its configuration, asked by the vendors' own clients."""
# ruff: noqa: TID253 - vendors' packages are what is tested here

from __future__ import annotations

import asyncio
import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import openai
import pytest

from popi_sdk import Popi
from popi_sdk.integrations.litellm_proxy import PopiHook
from popi_sdk.integrations.patience import LONGEST_WAIT, PAUSE
from tests.loopback import LoopbackServer
from tests.postgres import PostgresServer, postgres_server  # noqa: F401
from tests.proxy import asking, running, two_teams
from tests.proxy.two_teams import FIELDS, OPENING, USERS, crowd, mixed_up, not_as_told, words_of
from tests.proxy.upstream import TEXT, answers
from tests.replies import status

pytestmark = pytest.mark.timeout(300)  # the first test waits for the proxy's start

ROUTES = ("chat", "responses", "messages")
SECRET = "Answer with the word marzipan in it."


@dataclass(frozen=True)
class Setting:
    """A proxy with the two teams, its provider, and its store."""

    proxy: running.Proxy
    upstream: LoopbackServer
    store: str
    postgres: PostgresServer | None

    def last_body(self) -> str:
        return json.dumps(self.upstream.requests[-1].body)


@pytest.fixture(scope="module")
def setting(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Setting]:
    """On PostgreSQL where it is installed; starting a proxy takes about ten seconds, so there is one.

    Opening the store is no part of what is measured here, so one request goes before all others.
    """
    folder = tmp_path_factory.mktemp("proxy")
    try:
        postgres = request.getfixturevalue("postgres_server")
        store = postgres.new_database()
    except pytest.skip.Exception:
        postgres, store = None, f"sqlite:///{folder / 'popi.db'}"
    two_teams.fill(store)
    with LoopbackServer() as upstream:
        upstream.default = answers()
        with running.proxy(folder, upstream.url, store, spied=True) as proxy:
            asyncio.run(_first_request(proxy.url))
            yield Setting(proxy, upstream, store, postgres)


async def _first_request(url: str) -> None:
    async with asking.teams(url) as teams:
        await teams["alpha"].ask("chat", "Why?", USERS[0])


@pytest.fixture
async def teams(setting: Setting) -> AsyncIterator[dict[str, asking.Team]]:
    async with asking.teams(setting.proxy.url) as both:
        yield both


async def test_a_crowd_of_two_teams_with_the_same_user_ids_is_never_mixed_up(
    setting: Setting, teams: dict[str, asking.Team]
) -> None:
    setting.upstream.requests.clear()

    asked = await crowd(teams, 500, at_once=50)

    assert [each.answer.headers for each in asked if not each.is_right] == []
    assert {each.answer.text for each in asked} == {TEXT}
    assert mixed_up(asked, setting.upstream) == []
    assert not_as_told(asked, setting.upstream) == []


@pytest.mark.parametrize(("route", "streamed"), asking.WAYS)
async def test_the_block_stands_once_behind_the_apps_own_instructions(
    setting: Setting, teams: dict[str, asking.Team], route: str, streamed: bool
) -> None:
    answer = await teams["alpha"].ask(route, "Why?", USERS[0], streamed=streamed)

    body = setting.upstream.requests[-1].body
    place = {"chat": lambda: body["messages"][0]["content"], "responses": lambda: body["instructions"]}
    system = place[route]() if route in place else "\n\n".join(part["text"] for part in body["system"])
    assert system.startswith(OPENING if route == "responses" else f"Be kind.\n\n{OPENING}")
    assert words_of("alpha", USERS[0]) in system
    assert setting.last_body().count(OPENING) == 1
    assert (answer.text, answer.status) == (TEXT, "applied")


async def test_only_anthropic_models_get_a_mark_for_the_prompt_cache(
    setting: Setting, teams: dict[str, asking.Team]
) -> None:
    await teams["alpha"].ask("chat", "Why?", USERS[0])
    assert "cache_control" not in setting.last_body()

    for route in ("chat", "messages"):
        await teams["alpha"].ask(route, "Why?", USERS[0], model=asking.ANTHROPIC_MODEL)
        body = setting.upstream.requests[-1].body
        assert body["system"][-1]["cache_control"] == {"type": "ephemeral"}, route


async def test_retries_and_fallbacks_of_the_proxy_do_not_put_a_second_block_in(
    setting: Setting, teams: dict[str, asking.Team]
) -> None:
    setting.upstream.requests.clear()
    setting.upstream.replies.extend([status(500)] * 3)

    answer = await teams["alpha"].ask("chat", "Why?", USERS[0])

    received = [json.dumps(request.body) for request in setting.upstream.requests]
    assert {request.provider for request in setting.upstream.requests} == {"openai", "anthropic"}
    assert [body.count(OPENING) for body in received] == [1] * 4
    assert all(words_of("alpha", USERS[0]) in body for body in received)
    assert (answer.status, answer.version) == ("applied", two_teams.version_of("alpha", USERS[0]))


async def test_a_request_that_the_provider_refuses_still_tells_what_was_done(
    setting: Setting, teams: dict[str, asking.Team]
) -> None:
    setting.upstream.replies.append(status(400))

    with pytest.raises(openai.BadRequestError) as caught:
        await teams["beta"].ask("chat", "Why?", USERS[1], model=asking.ANTHROPIC_MODEL)

    assert caught.value.response.headers["x-popi-status"] == "applied"
    assert caught.value.response.headers["x-popi-summary-version"] == str(two_teams.version_of("beta", USERS[1]))


@pytest.mark.parametrize("route", ROUTES)
@pytest.mark.parametrize("as_json", [False, True])
async def test_signals_count_for_the_call_they_come_with_and_are_never_sent_on(
    setting: Setting, teams: dict[str, asking.Team], route: str, as_json: bool
) -> None:
    user = f"teller-{route}-{as_json}"
    rated = {"prompt": "What is a comet?", "response": f"{SECRET} It shines.", "liked": True}
    signals = ["Use bullet lists.", rated]

    answer = await teams["alpha"].ask(
        route, "Why?", user, popi_signals=json.dumps(signals) if as_json else signals, colour="blue"
    )

    assert (answer.status, answer.version, answer.headers["x-popi-signals"]) == ("applied", 1, "stored 2")
    assert "Use bullet lists." in setting.last_body()
    assert "marzipan" not in setting.last_body()
    assert "popi_signals" not in setting.last_body()
    with Popi(store=setting.store) as popi:
        assert popi.scoped("team:alpha").profile(user).signal_count == 2
        assert popi.scoped("team:beta").profile(user).signal_count == 0
    await _until_logged(setting, user)
    assert "marzipan" not in setting.proxy.spied.read_text()
    assert "marzipan" not in setting.proxy.log.read_text()


@pytest.mark.parametrize(
    ("signals", "told"),
    [
        (["Be brief.", {"colour": "marzipan"}], "refused unusable-signal 1"),
        (7, "refused unusable-signal"),
        ({"kind": "marzipan"}, "refused unusable-signal 0"),
    ],
)
async def test_signals_that_cannot_be_taken_are_refused_and_the_request_is_answered(
    setting: Setting, teams: dict[str, asking.Team], signals: object, told: str
) -> None:
    answer = await teams["alpha"].ask("chat", "Why?", USERS[2], popi_signals=signals)

    assert (answer.text, answer.status) == (TEXT, "applied")
    assert answer.headers["x-popi-signals"] == told
    assert "popi_signals" not in setting.last_body()


async def test_signals_meant_for_the_provider_alone_do_not_reach_it_either(
    setting: Setting, teams: dict[str, asking.Team]
) -> None:
    body = {
        "model": asking.OPENAI_MODEL,
        "user": "teller-extra",
        "messages": [{"role": "user", "content": "Why?"}],
        "extra_body": {"metadata": {"popi_signals": ["Use bullet lists."]}, "seed": 4711},
    }
    response = await _posted(setting, teams["alpha"], body)

    assert response.headers["x-popi-signals"] == "stored 1"
    assert "popi_signals" not in setting.last_body()
    assert "4711" in setting.last_body()


async def test_more_signals_than_one_request_may_bring_are_refused_and_delay_nobody(
    setting: Setting, teams: dict[str, asking.Team]
) -> None:
    flood = asyncio.create_task(
        teams["alpha"].ask("chat", "Why?", "flooder", popi_signals=["+49 170 1234567 " * 60_000])
    )
    meanwhile = [await teams["beta"].ask("chat", "Why?", USERS[1]) for _ in range(5)]
    answer = await flood

    assert answer.headers["x-popi-signals"] == "refused too-large"
    assert answer.text == TEXT
    assert {each.status for each in meanwhile} == {"applied"}
    assert max(each.seconds for each in meanwhile) < 2


async def test_the_examples_keys_are_the_only_ones(setting: Setting, teams: dict[str, asking.Team]) -> None:
    wrong = teams["alpha"].openai.with_options(api_key="sk-wrong")

    with pytest.raises(openai.AuthenticationError) as caught:
        await wrong.chat.completions.create(model=asking.OPENAI_MODEL, messages=[{"role": "user", "content": "Why?"}])

    assert caught.value.status_code == 401


async def _posted(setting: Setting, team: asking.Team, body: object) -> httpx.Response:
    """A request as it is, without a client that changes it."""
    return await team.openai._client.post(
        f"{setting.proxy.url}/v1/chat/completions",
        content=json.dumps(body),
        headers={"authorization": f"Bearer {running.KEYS['alpha']}", "content-type": "application/json"},
    )


async def _until_logged(setting: Setting, user: str) -> None:
    """Logging callbacks are told behind the answer."""
    give_up_at = time.monotonic() + 20
    while not setting.proxy.spied.exists() or user not in setting.proxy.spied.read_text():
        assert time.monotonic() < give_up_at
        await asyncio.sleep(0.05)


@pytest.mark.parametrize("route", ROUTES)
async def test_without_an_end_user_the_request_goes_on_as_it_is(
    setting: Setting, teams: dict[str, asking.Team], route: str
) -> None:
    answer = await teams["alpha"].ask(route, "Why?", None, popi_signals=[SECRET])

    told = [answer.headers[f"x-popi-{name}"] for name in ("status", "summary-version", "reason", "signals")]
    assert told == ["skipped", "0", "no-end-user", "refused no-end-user"]
    assert OPENING not in setting.last_body()
    assert "marzipan" not in setting.last_body()
    assert not setting.upstream.requests[-1].body.get("metadata")


@pytest.mark.parametrize("user", ["x" * 256, "ada\nbeta"])
async def test_an_end_user_id_that_cannot_be_stored_is_skipped_with_a_reason(
    setting: Setting, teams: dict[str, asking.Team], user: str
) -> None:
    body = {"model": asking.OPENAI_MODEL, "user": user, "messages": [{"role": "user", "content": "Why?"}]}
    response = await _posted(setting, teams["alpha"], body)

    assert response.status_code == 200
    assert (response.headers["x-popi-status"], response.headers["x-popi-reason"]) == ("skipped", "unusable-end-user")


@pytest.mark.parametrize(
    "user", ["team:beta", f"beta:{USERS[0]}", f"../team:beta/{USERS[0]}", f"team:beta\t{USERS[0]}"]
)
async def test_no_end_user_id_reaches_into_another_team(
    setting: Setting, teams: dict[str, asking.Team], user: str
) -> None:
    answer = await teams["alpha"].ask("chat", "Why?", user)

    assert (answer.status, answer.version) == ("skipped", 0)
    assert FIELDS["beta"] not in setting.last_body()


async def test_the_end_user_named_in_a_header_is_looked_for_inside_the_keys_team(
    setting: Setting, teams: dict[str, asking.Team]
) -> None:
    client = teams["alpha"].openai.with_options(default_headers={"x-litellm-end-user-id": USERS[3]})
    teams["alpha"].openai = client

    answer = await teams["alpha"].ask("chat", "Why?", "somebody-else")

    assert (answer.status, answer.version) == ("applied", two_teams.version_of("alpha", USERS[3]))
    assert words_of("alpha", USERS[3]) in setting.last_body()


async def test_a_store_that_is_killed_fails_no_request_and_delays_none(
    setting: Setting, teams: dict[str, asking.Team]
) -> None:
    if setting.postgres is None:
        pytest.skip("PostgreSQL is not installed here: no initdb was found")
    before = await crowd(teams, 40, at_once=10)
    try:
        during, _ = await asyncio.gather(crowd(teams, 60, at_once=10), _killed_soon(setting.postgres))
        after = await crowd(teams, 40, at_once=10)
        told = await teams["alpha"].ask("chat", "Why?", USERS[0], popi_signals=["Be brief."])
    finally:
        setting.postgres.start()
    await _until_applied(teams["alpha"])
    again = await crowd(teams, 10, at_once=10)

    assert {each.answer.text for each in (*during, *after)} == {TEXT}
    assert {each.answer.status for each in during} <= {"applied", "stale", "failed"}
    assert {(each.answer.status, each.answer.headers["x-popi-reason"]) for each in after} <= {
        ("failed", "unavailable"),
        ("failed", "paused"),
    }
    assert told.headers["x-popi-signals"].startswith("refused")
    assert max(each.answer.seconds for each in during) < LONGEST_WAIT + max(each.answer.seconds for each in before)
    assert _median(after) < _median(before) + 1
    assert [each.answer.headers for each in again if not each.is_right] == []


async def _killed_soon(postgres: PostgresServer) -> None:
    await asyncio.sleep(0.2)
    await asyncio.to_thread(postgres.kill)


async def _until_applied(team: asking.Team) -> None:
    """Others are not kept waiting while one request tries."""
    give_up_at = time.monotonic() + PAUSE + 10
    while (await team.ask("chat", "Why?", USERS[0])).status != "applied":
        assert time.monotonic() < give_up_at
        await asyncio.sleep(0.5)


def _median(asked: list[two_teams.Asked]) -> float:
    return statistics.median(each.answer.seconds for each in asked)


def test_the_examples_two_apps_share_a_proxy_and_no_profile(setting: Setting) -> None:
    done = subprocess.run(
        [sys.executable, running.EXAMPLE / "two_teams.py"],
        env=os.environ
        | {"PROXY_URL": setting.proxy.url}
        | {f"{team.upper()}_KEY": key for team, key in running.KEYS.items()},
        capture_output=True,
        text=True,
        check=True,
    )

    told = [line for line in done.stdout.splitlines() if "x-popi" in line]
    assert [line.split("'x-popi-status': ")[1].split("'")[1] for line in told] == [
        "skipped",
        "applied",
        "applied",
        "skipped",
    ]
    assert "stored 2" in told[1]
    assert told[3].startswith("beta: ")
    assert done.stdout.count(TEXT) == 4


def test_one_line_of_the_proxys_configuration_registers_the_hook() -> None:
    from litellm.proxy.types_utils.utils import get_instance_fn

    file = running.EXAMPLE / "config.yaml"
    lines = [line.strip() for line in file.read_text().splitlines() if "popi" in line]

    assert lines == ["callbacks: popi_sdk.integrations.litellm_proxy.hook"]
    assert isinstance(get_instance_fn(lines[0].removeprefix("callbacks: "), str(file)), PopiHook)


def test_what_the_proxy_logs_holds_no_traceback_of_ours(setting: Setting) -> None:
    assert "popi_sdk" not in "".join(
        line for line in Path(setting.proxy.log).read_text().splitlines() if "Traceback" in line or "File " in line
    )
