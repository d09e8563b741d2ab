"""What the LiteLLM proxy hook costs and whether it keeps teams apart: python -m benchmarks.proxy [--requests 400]

1. Latency of a request with the hook against the same proxy without it; two proxies side by side, asked in turn.
2. 500 requests, 50 at a time, of two teams with the same end-user ids, by all routes, streamed and not.
3. The same with the store killed in the middle: answers, what the headers say, and how long they take.

The provider is a server on the loopback interface in a process of its own (for 2 and 3 in this process, which looks
at what it received). The store is PostgreSQL, started in a temporary folder; LiteLLM's `[proxy]` extra is needed.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import statistics
import subprocess
import sys
import tempfile
from collections import Counter, defaultdict
from collections.abc import Iterator
from pathlib import Path

from tests.loopback import LoopbackServer
from tests.postgres import PostgresServer, _server
from tests.proxy import asking, running, two_teams
from tests.proxy.upstream import answers


@contextlib.contextmanager
def provider() -> Iterator[str]:
    """The provider in a process of its own; gives its url."""
    command = [sys.executable, "-m", "tests.proxy.upstream"]
    with subprocess.Popen(command, cwd=running.ROOT, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            yield process.stdout.readline().strip()
        finally:
            process.terminate()


async def latency(hooked: str, bare: str, count: int) -> dict[str, dict[str, float]]:
    """Milliseconds of a request with and without the hook, by route; every other request goes to the other proxy."""
    seconds: dict[tuple[str, str], list[float]] = defaultdict(list)
    async with asking.teams(hooked) as with_hook, asking.teams(bare) as without:
        sides = {"hooked": with_hook["alpha"], "bare": without["alpha"]}
        for number in range(-30, count):
            user = two_teams.USERS[number % len(two_teams.USERS)]
            for route, streamed in asking.WAYS:
                for side in sorted(sides, reverse=number % 2 == 0):
                    answer = await sides[side].ask(route, "Why do leaves change colour?", user, streamed=streamed)
                    if number >= 0:  # those before warm both up
                        seconds[side, f"{route}{', streamed' if streamed else ''}"].append(answer.seconds)
    return {way: _compared(seconds["hooked", way], seconds["bare", way]) for _, way in seconds} | {
        "all": _compared(
            *([second for (at, _), held in seconds.items() if at == side for second in held] for side in sides)
        )
    }


def _compared(hooked: list[float], bare: list[float]) -> dict[str, float]:
    with_hook, without = (statistics.median(values) * 1_000 for values in (hooked, bare))
    return {
        "hooked_ms": round(with_hook, 2),
        "bare_ms": round(without, 2),
        "added_percent": round((with_hook / without - 1) * 100, 1),
    }


async def crowded(url: str, upstream: LoopbackServer, count: int) -> dict[str, object]:
    """How many of `count` requests were answered wrongly or held another team's words."""
    async with asking.teams(url) as teams:
        await teams["alpha"].ask("chat", "Why?", two_teams.USERS[0])
        upstream.requests.clear()
        asked = await two_teams.crowd(teams, count, at_once=50)
    return {
        "requests": len(asked),
        "wrong_version": sum(not each.is_right for each in asked),
        "mixed_up": len(two_teams.mixed_up(asked, upstream)),
        "not_as_told": len(two_teams.not_as_told(asked, upstream)),
        "median_ms": _median_ms(asked),
    }


async def killed(url: str, postgres: PostgresServer, count: int) -> dict[str, object]:
    """What the headers say, and how long requests take, before the store is killed and after."""
    async with asking.teams(url) as teams:
        before = await two_teams.crowd(teams, count // 2, at_once=50)
        crowd = asyncio.create_task(two_teams.crowd(teams, count, at_once=50))
        await asyncio.sleep(1)
        await asyncio.to_thread(postgres.kill)
        during = await crowd
        after = await two_teams.crowd(teams, count // 2, at_once=50)
    return {
        name: {
            "requests": len(asked),
            "said": dict(Counter(each.answer.status for each in asked)),
            "median_ms": _median_ms(asked),
            "slowest_ms": round(max(each.answer.seconds for each in asked) * 1_000),
        }
        for name, asked in (("before", before), ("killed_meanwhile", during), ("after", after))
    }


def _median_ms(asked: list[two_teams.Asked]) -> int:
    return round(statistics.median(each.answer.seconds for each in asked) * 1_000)


def main() -> None:
    """Measure and print JSON."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--requests", type=int, default=400, help="requests to each proxy by each of six ways")
    count = parser.parse_args().requests
    postgres = _server()
    with tempfile.TemporaryDirectory() as name:
        folder, store = Path(name), postgres.new_database()
        two_teams.fill(store)
        with (
            provider() as url,
            running.proxy(folder / "hooked", url, store) as hooked,
            running.proxy(folder / "bare", url, store, hooked=False) as bare,
        ):
            print(json.dumps({"latency": asyncio.run(latency(hooked.url, bare.url, count))}, indent=1), flush=True)
        with LoopbackServer() as upstream:
            upstream.default = answers()
            with running.proxy(folder / "crowd", upstream.url, store) as proxy:
                print(json.dumps({"crowd": asyncio.run(crowded(proxy.url, upstream, 500))}, indent=1), flush=True)
                print(json.dumps({"killed": asyncio.run(killed(proxy.url, postgres, 500))}, indent=1), flush=True)


if __name__ == "__main__":
    main()
