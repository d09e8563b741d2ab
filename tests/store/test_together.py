"""Many processes, threads, forks and tasks on one store: nothing lost, nothing twice, nobody locked out."""

from __future__ import annotations

import asyncio
import itertools
import os
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from popi_sdk.errors import StoreError
from popi_sdk.signals import Statement
from popi_sdk.store import AsyncStore, open_async_store, open_store
from popi_sdk.summary import Clause, Summary
from tests.store.worker import Worker, numbered


def test_eight_processes_open_a_new_store_and_observe_the_same_and_different_users(
    empty_url: str, namespace: str
) -> None:
    # Each shares half of ada's signals with the next one, so that all of those are observed twice.
    workers = [Worker(empty_url, namespace, f"ada,user{number}", 20 * number, 40, 2) for number in range(8)]
    for worker in workers:
        worker.wait_until_ready()
    for worker in workers:
        worker.go()
    assert [worker.end()[::2] for worker in workers] == [(0, "")] * 8
    store = open_store(empty_url)
    profile = store.read(namespace, "ada")
    assert profile.signal_count == 180
    assert {signal.id for signal in store.signals(namespace, "ada")} == {f"s{number}" for number in range(180)}
    for number in range(8):
        assert store.signals(namespace, f"user{number}") == tuple(numbered(20 * number, 20 * number + 40))
    store.close()


@pytest.mark.parametrize("kind", ["sqlite", "memory", "postgresql"])
def test_sixteen_threads_share_a_store(
    kind: str, tmp_path: Path, namespace: str, request: pytest.FixtureRequest
) -> None:
    url = {"sqlite": f"sqlite:///{tmp_path}/popi.db", "memory": "memory"}.get(kind)
    store = open_store(url or request.getfixturevalue("postgres_url"))

    def work(number: int) -> int:
        new = 0
        for start in range(0, 30, 3):
            new += store.observe(namespace, "ada", numbered(start, start + 3))
            new += store.observe(namespace, f"user{number}", numbered(start, start + 3))
            assert store.read(namespace, f"user{number}").signal_count == start + 3
            assert len(store.signals(namespace, "ada")) >= start + 3
        return new

    with ThreadPoolExecutor(16) as threads:
        new = list(threads.map(work, range(16)))
    assert sum(new) == 30 + 16 * 30, "each signal was new to one observer only"
    assert store.read(namespace, "ada").signal_count == 30
    store.close()


def test_of_many_savers_at_once_one_wins(url: str, namespace: str) -> None:
    store = open_store(url)
    store.observe(namespace, "ada", numbered(0, 1))
    profile = store.read(namespace, "ada")
    with ThreadPoolExecutor(8) as threads:
        summaries = [Summary((Clause(f"Number {number}."),)) for number in range(8)]
        won = [kept for kept in threads.map(lambda summary: store.save(profile, summary), summaries) if kept]
    assert len(won) == 1
    assert store.history(namespace, "ada") == (won[0].summary,)
    store.close()


def test_forgetting_and_observing_at_once_leaves_whole_profiles(url: str, namespace: str) -> None:
    store = open_store(url)

    def observe(number: int) -> None:
        store.observe(namespace, "ada", numbered(number, number + 1))

    def forget(_: int) -> int:
        return store.forget(namespace, "ada")

    with ThreadPoolExecutor(8) as threads:
        observing = [threads.submit(observe, number) for number in range(120)]
        forgetting = [threads.submit(forget, number) for number in range(30)]
        for each in observing:
            each.result()
        forgotten = sum(each.result() for each in forgetting)
    profile = store.read(namespace, "ada")
    assert forgotten + profile.signal_count == 120
    assert len(store.signals(namespace, "ada")) == profile.signal_count
    store.close()


FORKS = """
import os, sys, threading
from popi_sdk.errors import StoreError
from popi_sdk.signals import Statement
from popi_sdk.store import open_store
url, namespace = sys.argv[1:]
store = open_store(url)
store.observe(namespace, "parent", [Statement("Before.")])
going = True

def keep_using(number):
    count = 0
    while going or count < 5:
        store.observe(namespace, f"thread{number}", [Statement(f"Signal {count}.")])
        count += 1
        assert store.read(namespace, f"thread{number}").signal_count == count

threads = [threading.Thread(target=keep_using, args=(number,)) for number in range(3)]
for thread in threads:
    thread.start()
children = []
for child in range(4):
    pid = os.fork()
    if pid == 0:
        for number in range(20):
            assert store.observe(namespace, f"child{child}", [Statement(f"Signal {number}.")]) == 1
            store.observe(namespace, "shared", [Statement(f"Signal {number}.")])
            assert store.read(namespace, f"child{child}").signal_count == number + 1
        assert store.read(namespace, "parent").signal_count == 1
        if child % 2:
            os._exit(0)
        sys.exit(0)
    children.append(pid)
codes = [os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) for pid in children]
going = False
for thread in threads:
    thread.join()
assert codes == [0] * 4, codes
assert store.observe(namespace, "parent", [Statement("After.")]) == 1
for child in range(4):
    assert store.read(namespace, f"child{child}").signal_count == 20
assert store.read(namespace, "shared").signal_count == 20
store.close()
"""


def test_a_store_is_used_before_and_after_forks(url: str, namespace: str) -> None:
    # Python 3.12 and later warn that threads and forks go together badly; here they do on purpose.
    command = [sys.executable, "-W", "ignore::DeprecationWarning", "-c", FORKS, url, namespace]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stderr) == (0, "")


ORPHAN = """
import os, signal, sys
from popi_sdk.errors import StoreError
from popi_sdk.signals import Statement
from popi_sdk.store import open_store
url, namespace = sys.argv[1:]
store = open_store(url)
store.observe(namespace, "ada", [Statement("Before.")])
reader, writer = os.pipe()
pid = os.fork()
if pid == 0:
    store.observe(namespace, "ada", [Statement("The child has its own connection.")])
    os.write(writer, b"1")
    signal.pause()
os.read(reader, 1)
store.close()                                                  # the parent's last connection goes
other = open_store(url)
other.observe(namespace, "ada", [Statement("Another process.")])
other.close()
os.kill(pid, signal.SIGKILL)
os.waitpid(pid, 0)
"""


def test_a_child_outlives_the_connections_of_its_parent(url: str, namespace: str) -> None:
    command = [sys.executable, "-c", ORPHAN, url, namespace]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    store = open_store(url)
    assert store.read(namespace, "ada").signal_count == 3
    store.close()


def test_a_file_is_not_held_open_across_a_fork(tmp_path: Path) -> None:
    code = """
import os, sys
from popi_sdk.store import open_store
store = open_store(sys.argv[1])
store.read("default", "ada")
if os.fork() == 0:
    print([name for name in map(os.readlink, (f"/proc/self/fd/{fd}" for fd in os.listdir("/proc/self/fd")
           if os.path.exists(f"/proc/self/fd/{fd}"))) if "popi.db" in name], flush=True)
    os._exit(0)
os.wait()
"""
    if not os.path.isdir("/proc/self/fd"):
        pytest.skip("this system does not list a process's open files")
    command = [sys.executable, "-c", code, f"sqlite:///{tmp_path}/popi.db"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


async def test_two_hundred_tasks_share_an_async_store(url: str, namespace: str) -> None:
    store = await open_async_store(url)
    await asyncio.gather(*(store.observe(namespace, f"user{n}", numbered(0, 2)) for n in range(200)))
    profiles = await asyncio.gather(*(store.read(namespace, f"user{n}") for n in range(200)))
    assert [profile.signal_count for profile in profiles] == [2] * 200
    await asyncio.gather(*(store.observe(namespace, "ada", numbered(n, n + 2)) for n in range(50)))
    assert (await store.read(namespace, "ada")).signal_count == 51
    await store.close()


async def test_the_event_loop_goes_on_while_a_store_works(url: str, namespace: str) -> None:
    store = await open_async_store(url)
    working = asyncio.create_task(store.observe(namespace, "ada", numbered(0, 3000)))
    turns = 0
    while not working.done():
        await asyncio.sleep(0.001)
        turns += 1
    assert await working == 3000
    assert turns > 10
    await store.close()


async def test_a_cancelled_call_leaves_the_store_usable(url: str, namespace: str) -> None:
    store = await open_async_store(url)
    for delay in (0.0, 0.0005, 0.001, 0.002, 0.004):
        working = asyncio.create_task(store.observe(namespace, "ada", numbered(0, 500)))
        await asyncio.sleep(delay)
        working.cancel()
        await asyncio.gather(working, return_exceptions=True)
    assert len(await store.signals(namespace, "ada")) in (0, 500)
    await store.observe(namespace, "ada", numbered(0, 500))
    assert (await store.read(namespace, "ada")).signal_count == 500
    await store.close()


def test_an_async_store_serves_one_event_loop_after_another(url: str, namespace: str) -> None:
    store = asyncio.run(open_async_store(url))
    for number in range(3):
        asyncio.run(_use(store, namespace, number))
    asyncio.run(store.close())


async def _use(store: AsyncStore, namespace: str, number: int) -> None:
    await asyncio.gather(*(store.observe(namespace, f"user{n}", [Statement(f"Signal {number}.")]) for n in range(20)))
    assert (await store.read(namespace, "user0")).signal_count == number + 1


def test_an_idle_store_in_memory_is_copied_by_a_fork(tmp_path: Path) -> None:
    code = """
import os
from popi_sdk.errors import StoreError
from popi_sdk.signals import Statement
from popi_sdk.store import open_store
store = open_store("memory")
store.observe("default", "ada", [Statement("One.")])
if os.fork() == 0:
    assert store.observe("default", "ada", [Statement("Two.")]) == 1
    os._exit(0 if store.read("default", "ada").signal_count == 2 else 1)
assert os.waitstatus_to_exitcode(os.wait()[1]) == 0
assert store.read("default", "ada").signal_count == 1
"""
    subprocess.run([sys.executable, "-c", code], check=True)


def test_stores_are_let_go_of_without_being_closed(tmp_path: Path) -> None:
    code = """
import gc, sys
from popi_sdk.store import open_store
store = open_store(sys.argv[1])
store.read("default", "ada")
del store
gc.collect()
"""
    command = [sys.executable, "-X", "dev", "-W", "error", "-c", code, f"sqlite:///{tmp_path}/popi.db"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


def test_closing_waits_for_what_is_under_way(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/popi.db"
    store = open_store(url)

    def observe_until_closed(user: int) -> int:
        for number in itertools.count():
            try:
                store.observe("default", f"user{user}", numbered(number, number + 1))
            except StoreError:
                return number
        raise AssertionError

    with ThreadPoolExecutor(4) as threads:
        observing = [threads.submit(observe_until_closed, user) for user in range(4)]
        time.sleep(0.2)
        store.close()
        assert [path.name for path in tmp_path.iterdir()] == ["popi.db"], "no connection is left"
        promised = [each.result() for each in observing]
    assert min(promised) > 0
    store = open_store(url)
    assert [store.read("default", f"user{user}").signal_count for user in range(4)] == promised
    store.close()
