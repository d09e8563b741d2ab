"""The examples run as a newcomer runs them: a process of their own, no key, nothing on the network."""

from __future__ import annotations

import importlib
import json
import os
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from popi_sdk import AsyncPopi, BackendError, load_signals, summarize
from popi_sdk.signals import KINDS
from popi_sdk.testing import FakeBackend
from tests.loopback import KEY, KEY_VARIABLE, LoopbackServer

pytestmark = pytest.mark.usefixtures("contrast_by_default")

ROOT = Path(__file__).resolve().parent.parent
EXAMPLES = ROOT / "examples"
DATA = Path(os.environ.get("POPI_DATA") or ROOT.parent / "shared" / "data")
QUESTION = {"messages": [{"role": "user", "content": "Why do leaves change colour?"}]}


def run(name: str, *arguments: str, home: Path, **variables: str) -> str:
    """Run an example where no key, no profile and no configuration is known; return what it printed."""
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": str(home),
        "XDG_DATA_HOME": str(home),
        "PYTHONPATH": str(ROOT),
        "PYTHONWARNINGS": "error",
        "POPI_SUMMARIZER": "contrast",  # whose words the tests look for
        **variables,
    }
    command = [sys.executable, str(EXAMPLES / f"{name}.py"), *arguments]
    done = subprocess.run(command, cwd=home, env=environment, capture_output=True, text=True, check=False, timeout=100)
    assert done.returncode == 0, done.stderr[-2_000:]
    assert done.stderr == ""
    return done.stdout


def json_after(line: str, text: str) -> Any:
    """The JSON that follows a line of the output."""
    return json.JSONDecoder().raw_decode(text.partition(line)[2].lstrip())[0]


# --- quickstart ------------------------------------------------------------------------------------------------------


def test_quickstart_shows_summary_and_request_and_says_what_is_missing_for_an_answer(tmp_path: Path) -> None:
    printed = run("quickstart", home=tmp_path)
    assert "written by contrast" in printed
    clauses = [line[2:].partition("  (from")[0] for line in printed.splitlines() if line.startswith("- ")]
    assert any("short" in clause for clause in clauses)
    assert "I like a small everyday example." in clauses
    system, user = json_after("Request:", printed)
    assert user == {"role": "user", "content": "Why do leaves change colour in autumn?"}
    assert all(clause in system["content"] for clause in clauses)
    assert "black hole" not in system["content"]
    assert "OPENAI_API_KEY" in printed.partition("Not sent.")[2]


def test_quickstart_prints_the_answer_where_a_server_is_set(tmp_path: Path, loopback: LoopbackServer) -> None:
    spec = loopback.model_spec("openai/gpt-4o-mini")
    model = json.dumps({"name": spec.name, "api_base": spec.api_base, "api_key_env": KEY_VARIABLE})
    variables = {"POPI_MODEL": model, KEY_VARIABLE: KEY, "POPI_NO_LIVE_CALLS": "1"}
    printed = run("quickstart", home=tmp_path, PYTHONWARNINGS="", **variables)  # LiteLLM leaves an event loop open
    assert printed.endswith("Answer:\nHello from the loopback.\n")
    [request] = loopback.requests
    assert request.body["messages"] == json_after("Request:", printed)


# --- thumbs, providers, store ----------------------------------------------------------------------------------------


def test_thumbs_become_a_profile_that_stands_in_the_next_request(tmp_path: Path) -> None:
    printed = run("thumbs", home=tmp_path)
    first, *rest = printed.splitlines()
    assert first.startswith("17 signals -> ")
    clauses = [line[2:].partition("  (strength")[0] for line in rest if "(strength" in line]
    assert any("short" in clause for clause in clauses)
    block = printed.partition("<user_preferences>")[2]
    assert all(clause in block for clause in clauses)
    assert "sink" not in printed


def test_four_providers_differ_in_one_line_and_get_the_same_words(tmp_path: Path) -> None:
    printed = run("four_providers", home=tmp_path)
    requests = {}
    for config in (EXAMPLES / "providers").glob("*.toml"):
        [line] = config.read_text().splitlines()
        assert line.startswith("model = ")
        model = line.split('"')[1]
        requests[config.stem] = json_after(f"{config.name}: {model}", printed)
    assert sorted(requests) == ["anthropic", "deepseek", "mistral", "openai"]
    marked = requests.pop("anthropic")
    assert marked[0]["content"][-1]["cache_control"] == {"type": "ephemeral"}
    words = "\n\n".join(part["text"] for part in marked[0]["content"])
    assert all(messages == [{"role": "system", "content": words}, marked[1]] for messages in requests.values())
    assert "Explain with an everyday example." in words


def test_own_store_keeps_exports_and_forgets(tmp_path: Path) -> None:
    path = tmp_path / "profiles.db"
    printed = run("own_store", str(path), home=tmp_path)
    assert path.exists()
    assert "profiles.db holds 2 signals of ada: Please give amounts in grams." in printed
    assert "In the garage ada has 0 signals." in printed
    export = json_after("Everything held about ada:", printed)
    assert [signal["kind"] for signal in export["signals"]] == ["statement", "rating"]
    assert "Without that wish: nothing worth saying" in printed
    assert "Forgotten: 0 signals, 0 summaries." in printed
    assert b"grams" not in path.read_bytes()


# --- the chat service ------------------------------------------------------------------------------------------------


@asynccontextmanager
async def service(backend: FakeBackend) -> AsyncIterator[httpx.AsyncClient]:
    example = importlib.import_module("examples.fastapi_chat")
    async with AsyncPopi(store="memory", backend=backend) as popi:
        transport = httpx.ASGITransport(example.create_app(popi))
        async with httpx.AsyncClient(transport=transport, base_url="http://app/users/") as client:
            yield client


async def test_feedback_of_one_user_shapes_the_chat_of_that_user_only() -> None:
    backend = FakeBackend(default="Green fades.")
    async with service(backend) as client:
        sent = await client.post("ada/feedback", json={"text": "Short answers, please."})
        assert len(sent.json()["ids"]) == 1
        reply = (await client.post("ada/chat", json=QUESTION)).json()
        assert reply == {
            "message": {"role": "assistant", "content": "Green fades."},
            "summary": "Short answers, please.",
            "status": "applied",
        }
        assert (await client.post("bob/chat", json=QUESTION)).json()["status"] == "skipped"
    assert "Short answers, please." in backend.requests[0].system
    assert backend.requests[1].system == ""


async def test_the_stream_gives_the_answer_in_pieces() -> None:
    async with (
        service(FakeBackend("Green fades, yellow shows.")) as client,
        client.stream("POST", "ada/chat/stream", json=QUESTION) as response,
    ):
        assert response.status_code == 200
        assert "".join([piece async for piece in response.aiter_text()]) == "Green fades, yellow shows."


async def test_a_user_sees_edits_and_erases_their_profile() -> None:
    async with service(FakeBackend()) as client:
        [signal_id] = (await client.post("ada/feedback", json={"text": "Short answers, please."})).json()["ids"]
        shown = (await client.get("ada/profile")).json()
        assert (shown["signals"], [clause["text"] for clause in shown["clauses"]]) == (1, ["Short answers, please."])
        assert (await client.put("ada/profile", json={"text": "Answer in French."})).json()[
            "summary"
        ] == "Answer in French."
        assert (await client.put("ada/profile", json={"text": None})).json()["summary"] == "Short answers, please."
        assert (await client.delete("ada/profile", params={"signal_id": signal_id})).json() == {"erased": 1}
        assert (await client.delete("ada/profile", params={"signal_id": signal_id})).status_code == 404
        assert (await client.get("ada/profile")).json() == {"signals": 0, "clauses": []}


async def test_errors_are_answers_with_a_hint() -> None:
    async with service(FakeBackend(default=BackendError("The model is down.", hint="Try later."))) as client:
        wrong = await client.post("ada/feedback", json={"kind": "ratng"})
        assert (wrong.status_code, wrong.json()["hint"]) == (422, "Did you mean `rating`?")
        for path in ("ada/chat", "ada/chat/stream"):
            down = await client.post(path, json=QUESTION)
            assert (down.status_code, down.json()) == (502, {"error": "The model is down.", "hint": "Try later."})


def test_the_chat_service_shows_itself(tmp_path: Path) -> None:
    printed = run("fastapi_chat", home=tmp_path, POPI_NO_LIVE_CALLS="1")
    assert "'status': 'applied'" in printed
    assert "stream:  Green fades, so yellow shows." in printed
    assert "forget:  {'erased': 1}" in printed


# --- signals.jsonl ---------------------------------------------------------------------------------------------------


def test_the_sample_user_shows_every_kind_of_signal_and_one_taste() -> None:
    signals = load_signals(EXAMPLES / "signals.jsonl")
    assert {signal.kind for signal in signals} == set(KINDS)
    summary = summarize(signals)
    inferred = [clause for clause in summary.clauses if len(clause.signal_ids) > 2]
    assert 3 <= len(inferred) <= 6, summary.text
    assert any("short" in clause.text for clause in inferred), summary.text
    assert summary.raw_tokens > 20 * summary.tokens


# --- real people -----------------------------------------------------------------------------------------------------


def test_without_the_data_the_real_users_say_so(tmp_path: Path) -> None:
    printed = run("real_users", str(tmp_path / "nowhere"), home=tmp_path)
    assert "There is no folder" in printed
    assert "POPI_DATA" in printed


@pytest.mark.skipif(not (DATA / "answer_pairs.jsonl").exists(), reason=f"no data in {DATA}")
def test_summaries_of_real_people_are_far_shorter_than_their_signals(tmp_path: Path) -> None:
    for path in DATA.glob("*.jsonl"):
        (tmp_path / path.name).symlink_to(path)
    with (DATA / "votes.jsonl").open(encoding="utf-8") as lines:  # all 2,346 take three times as long
        first = [next(lines) for _ in range(500)]
    (tmp_path / "votes.jsonl").unlink()
    (tmp_path / "votes.jsonl").write_text("".join(first), encoding="utf-8")

    printed = run("real_users", home=tmp_path, POPI_DATA=str(tmp_path))
    table = {line.split()[0]: line.split()[1:] for line in printed.rpartition("raw/summary\n")[2].splitlines()}
    assert list(table) == ["pairs", "ratings", "edits", "chats", "statements"]
    assert [table[kind][0] for kind in ("pairs", "edits", "chats")] == ["16", "3", "450"]
    assert table["edits"][1] == "3"
    for _, told, *tokens in table.values():
        if int(told):
            raw, short, _ = (float(cell.replace(",", "")) for cell in tokens)
            assert raw > short > 0
