"""What POPI costs an app, measured against LiteLLM alone on this machine: python -m benchmarks.overhead

1. `import popi_sdk` against `import litellm`.
2. A personalized call with a stored summary against the bare `litellm.completion` of the same messages.
3. Asynchronous throughput with a store read in each call, against bare `litellm.acompletion`.
4. Reading a profile among 100,000 users.

The provider is a server on the loopback interface in a process of its own. Both sides of a comparison alternate
within one run, since timings on a shared machine drift.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import random
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

os.environ.setdefault("LITELLM_LOCAL_MODEL_COST_MAP", "True")

from popi_sdk import AsyncPopi, Popi
from popi_sdk.signals import Statement
from popi_sdk.store import open_store
from popi_sdk.summary import Clause, Summary
from tests.loopback import api_base, loopback_process

PROMPT = "Why do leaves change colour in autumn?"
MODEL = "openai/gpt-4o-mini"
SUMMARY = Summary(
    clauses=(Clause("Keep answers short and concise, about 80 words."), Clause("Use bullet lists.")), model="bench"
)


def import_times(rounds: int = 7) -> dict[str, float]:
    """Seconds of an import in a fresh process, less the start of the interpreter."""

    def once(code: str) -> float:
        script = f"import time; start = time.perf_counter(); {code}; print(time.perf_counter() - start)"
        return float(subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout)

    popi_code = "import popi_sdk; popi_sdk.Popi; popi_sdk.PreferencePair; popi_sdk.personalize"
    times: dict[str, list[float]] = {"package": [], "names": [], "litellm": []}
    for _ in range(rounds):
        times["package"].append(once("import popi_sdk"))
        times["names"].append(once(popi_code))
        times["litellm"].append(once("import litellm"))
    return {name: statistics.median(values) for name, values in times.items()}


def filled(url: str, users: int) -> None:
    """A store with `users` users; all are copies of one, made inside the database because that is quick."""
    from sqlalchemy import create_engine, inspect, text

    store = open_store(url)
    store.observe("default", "user-0", [Statement("Short answers, please.")])
    assert store.save(store.read("default", "user-0"), SUMMARY)
    store.close()
    engine = create_engine(url.replace("postgresql://", "postgresql+psycopg://"))
    with engine.begin() as connection:
        for table in ("popi_profiles", "popi_signals", "popi_summaries"):
            columns = [row["name"] for row in inspect(engine).get_columns(table) if row["name"] != "user_id"]
            listed = ", ".join(columns)
            connection.execute(
                text(
                    f"WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {users - 1}) "
                    f"INSERT INTO {table} (user_id, {listed}) SELECT 'user-' || i, {listed} FROM n, {table} "
                    "WHERE user_id = 'user-0'"
                )
            )
    engine.dispose()


def call_overhead(address: str, store: str, calls: int = 300) -> dict[str, float]:
    """Median milliseconds of a bare and of a personalized call, taken in turn."""
    import litellm

    settings: dict[str, Any] = {"api_base": address, "api_key": "x"}
    with Popi(store=store, retries=0) as popi:
        messages = popi.compose(PROMPT, user_id="user-7")

        def bare() -> None:
            litellm.completion(model=MODEL, messages=messages, num_retries=0, max_retries=0, timeout=60, **settings)

        def personalized() -> None:
            reply = popi.personalize(PROMPT, user_id="user-7", **settings)
            assert reply.status == "applied", reply.warnings

        times = alternate({"bare": bare, "personalized": personalized}, calls)
    return {name: statistics.median(values) * 1000 for name, values in times.items()}


def alternate(calls: dict[str, Callable[[], None]], rounds: int, warm_up: int = 20) -> dict[str, list[float]]:
    """Seconds of each call, one after another in changing order so that neither gains from its place."""
    times: dict[str, list[float]] = {name: [] for name in calls}
    order = list(calls)
    for round_number in range(rounds + warm_up):
        random.Random(round_number).shuffle(order)
        for name in order:
            start = time.perf_counter()
            calls[name]()
            if round_number >= warm_up:
                times[name].append(time.perf_counter() - start)
    return times


async def throughput(address: str, store: str, calls: int = 2_000, in_flight: int = 200) -> dict[str, float]:
    """Calls per second, bare and personalized, in alternating halves."""
    import litellm

    settings: dict[str, Any] = {"api_base": address, "api_key": "x"}
    gate = asyncio.Semaphore(in_flight)
    async with AsyncPopi(store=store, retries=0) as popi:
        messages = await popi.compose(PROMPT, user_id="user-7")

        async def bare(_: int) -> None:
            async with gate:
                await litellm.acompletion(model=MODEL, messages=messages, num_retries=0, max_retries=0, **settings)

        async def personalized(number: int) -> None:
            async with gate:
                reply = await popi.personalize(PROMPT, user_id=f"user-{number}", **settings)
                assert reply.status == "applied", reply.warnings

        seconds: dict[str, list[float]] = {"bare": [], "personalized": []}
        part = calls // 4
        for call in (bare, personalized):
            await asyncio.gather(*(call(number) for number in range(in_flight)))
        for name, call in [
            ("bare", bare),
            ("personalized", personalized),
            ("personalized", personalized),
            ("bare", bare),
        ] * 2:
            start = time.perf_counter()
            await asyncio.gather(*(call(number) for number in range(part)))
            seconds[name].append(time.perf_counter() - start)
    return {name: 4 * part / sum(values) for name, values in seconds.items()}


def profile_read(store: str, users: int, reads: int = 2_000) -> float:
    """Median milliseconds of reading one profile among `users`."""
    with Popi(store=store) as popi:
        chosen = [f"user-{random.Random(number).randrange(users)}" for number in range(reads)]
        times = []
        for user in chosen:
            start = time.perf_counter()
            profile = popi.profile(user)
            times.append(time.perf_counter() - start)
            assert profile.summary
    return statistics.median(times) * 1000


def measure(users: int, postgres: str | None) -> dict[str, Any]:
    """All figures, with the bound each one has to keep."""
    found: dict[str, Any] = {"import_seconds": import_times()}
    found["import_ratio"] = found["import_seconds"]["names"] / found["import_seconds"]["litellm"]
    with tempfile.TemporaryDirectory() as folder, loopback_process() as url:
        store = postgres or f"sqlite:///{Path(folder) / 'bench.db'}"
        filled(store, users)
        found["profile_read_ms"] = profile_read(store, users)
        found["call_ms"] = call_overhead(api_base(url, MODEL), store)
        found["call_overhead_ms"] = found["call_ms"]["personalized"] - found["call_ms"]["bare"]
        found["calls_per_second"] = asyncio.run(throughput(api_base(url, MODEL), store))
        found["throughput_ratio"] = found["calls_per_second"]["personalized"] / found["calls_per_second"]["bare"]
    return found


BOUNDS = {
    "import_ratio": ("import of popi_sdk over import of litellm", 0.08, "at most"),
    "call_overhead_ms": ("personalized call over bare call, ms", 0.5, "at most"),
    "throughput_ratio": ("asynchronous throughput over bare", 0.8, "at least"),
    "profile_read_ms": ("profile read among the users, ms", 1.0, "at most"),
}


def main() -> None:
    """Measure, print, and exit with 1 when a bound is not kept."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--users", type=int, default=100_000)
    parser.add_argument("--postgres", help="a postgresql:// address to use instead of SQLite")
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    found = measure(arguments.users, arguments.postgres)
    kept = {}
    for key, (_, bound, sense) in BOUNDS.items():
        kept[key] = found[key] <= bound if sense == "at most" else found[key] >= bound
    if arguments.json:
        print(json.dumps({**found, "kept": kept}))
    else:
        for key, (words, bound, sense) in BOUNDS.items():
            print(f"{words:45} {found[key]:8.3f}   {sense} {bound}   {'ok' if kept[key] else 'NOT KEPT'}")
        print(json.dumps({key: value for key, value in found.items() if isinstance(value, dict)}, indent=1))
    sys.exit(0 if all(kept.values()) else 1)


if __name__ == "__main__":
    main()
