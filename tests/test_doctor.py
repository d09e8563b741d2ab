"""The doctor: what it looks at, what it says to do, and what it leaves alone."""

from __future__ import annotations

import contextlib
import json
import os
import re
import socket
import sqlite3
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from popi_sdk import doctor
from popi_sdk.backend.model_spec import ModelSpec
from popi_sdk.backend.provider_keys import access
from popi_sdk.cli import app
from popi_sdk.doctor import Check, examine, models
from tests.loopback import (
    KEY,
    KEY_VARIABLE,
    Connection,
    LoopbackServer,
    Reply,
    malformed_json,
    ok,
    status,
    wrong_content_type,
)

_DROP_FROM_BOUNDING_SET, _DAC_OVERRIDE, _DAC_READ_SEARCH = 24, 1, 2


@pytest.fixture(autouse=True)
def clean_surroundings(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for variable in list(os.environ):
        if variable.endswith(("_API_KEY", "_API_BASE", "_API_VERSION", "_BASE_URL", "POPI_CONFIG")):
            monkeypatch.delenv(variable)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("POPI_STORE", f"sqlite:///{tmp_path}/store.db")


def run(*args: str) -> Result:
    return CliRunner().invoke(app, ["doctor", *args])


def check(what: str, checks: tuple[Check, ...]) -> Check:
    [found] = [check for check in checks if check.what.startswith(what)]
    return found


@contextlib.contextmanager
def closed_port() -> Iterator[int]:
    """A port of this machine on which nobody listens."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        yield taken.getsockname()[1]


def test_with_a_key_all_is_well_and_the_key_is_not_printed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    for args in ((), ("--json",)):
        result = run(*args)
        assert result.exit_code == 0, result.output
        assert KEY not in result.output
        assert "OPENAI_API_KEY set" in result.stdout
    found = json.loads(result.stdout)
    assert found["ok"] is True
    assert {item["state"] for item in found["checks"]} == {"ok"}


def test_without_a_key_it_says_which_variable_to_set() -> None:
    result = run()
    assert result.exit_code == 1
    assert "problem model openai/gpt-4o-mini: no key: OPENAI_API_KEY not set" in result.stdout
    assert "-> Set OPENAI_API_KEY" in result.stdout
    assert result.stdout.rstrip().endswith("1 problem, no warnings.")


def test_one_model_that_works_is_enough(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GROQ_API_KEY", KEY)
    checks = examine(overrides={"fallbacks": ["groq/llama-3.3-70b-versatile"]})
    assert check("model", checks).state == "warning"
    assert check("fallback groq/", checks).state == "ok"
    assert not any(check.state == "problem" for check in checks)


def test_without_litellm_no_model_works(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    monkeypatch.setitem(sys.modules, "litellm", None)
    checks = examine()
    assert check("model", checks).state == "problem"
    assert 'pip install --upgrade "popi-sdk[litellm]"' in check("model", checks).advice
    assert check("summarizer", checks).state == "ok"


def test_an_old_litellm_is_warned_about(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor, "version", lambda _: "1.82.7")
    assert check("litellm", doctor.check_versions()).state == "warning"
    monkeypatch.setattr(doctor, "version", lambda _: "1.100.0rc1")
    assert check("litellm", doctor.check_versions()).state == "ok"


def test_versions_of_what_is_installed_are_listed() -> None:
    import pydantic

    details = dict(check("versions", doctor.check_versions()).details)
    assert details["pydantic"] == pydantic.VERSION
    assert {"SQLAlchemy", "litellm", "tiktoken"} <= details.keys()


# --- configuration ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("content", "named"),
    [
        ('modell = "openai/x"', "`model`"),
        ("= 3", "not TOML"),
        ("retries = -1", "retries"),
        ('store = "mysql://u:geheim@h/d"', ""),
    ],
)
def test_a_broken_configuration_is_a_problem_and_the_rest_goes_on(
    content: str, named: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("POPI_STORE")
    Path("popi.toml").write_text(content, "utf-8")
    result = run()
    assert result.exit_code == 1
    assert "Traceback" not in result.output
    assert named in result.stdout
    assert "versions" in result.stdout
    assert "tokens" in result.stdout
    assert "geheim" not in result.output


def test_the_file_that_is_read_and_the_resulting_settings_are_shown(tmp_path: Path) -> None:
    Path("other.toml").write_text('namespace = "shop"\nmodel = "mistral/mistral-small-latest"\n', "utf-8")
    settings = check("configuration", examine("other.toml", {"retries": 5}))
    assert str(tmp_path / "other.toml") in settings.finding
    assert dict(settings.details)["namespace"] == "shop"
    assert dict(settings.details)["model"] == "mistral/mistral-small-latest"
    assert dict(settings.details)["retries"] == "5"
    assert check("configuration", examine("missing.toml")).state == "problem"


def test_passwords_and_headers_are_not_shown() -> None:
    with closed_port() as port:
        model = {
            "name": "openai/x",
            "api_base": f"http://me:geheim@127.0.0.1:{port}/v1?key=geheim",
            "extra_headers": {"x-api-key": "geheim"},
        }
        store = f"postgresql://me:geheim@127.0.0.1:{port}/app"
        checks = examine(overrides={"model": model, "summarizer": model, "store": store})
    assert "geheim" not in repr(checks)
    assert check("store", checks).state == "problem"
    assert f"PostgreSQL on 127.0.0.1:{port}" in check("store", checks).finding


# --- models ----------------------------------------------------------------------------------------------------------


def serving(names: list[str] | None, then: Reply) -> Reply:
    """A server that lists these models, or has no list, and answers everything else with `then`."""

    async def reply(connection: Connection) -> None:
        if not connection.request.path.endswith("/models"):
            await then(connection)
        elif names is None:
            await status(404, "no such page")(connection)
        else:
            await connection.send_json({"data": [{"id": name} for name in names]})

    return reply


def summarizer_at(server: LoopbackServer, **more: Any) -> Check:
    model = {"name": "hosted_vllm/popi", "api_base": f"{server.url}/local/v1", **more}
    return check("summarizer", examine(overrides={"summarizer": model}))


def test_a_model_on_an_own_server_is_connected_to_and_asked_nothing(loopback: LoopbackServer) -> None:
    found = check("model", examine(overrides={"model": {"name": "hosted_vllm/x", "api_base": f"{loopback.url}/v1"}}))
    assert (found.state, loopback.requests) == ("ok", [])
    assert "accepts connections" in found.finding


def test_a_summarizer_on_an_own_server_is_asked_for_its_models_and_for_a_summary(loopback: LoopbackServer) -> None:
    loopback.default = serving(["popi", "other\x1b[31m"], ok("Keep answers short."))
    found = summarizer_at(loopback, api_key_env=KEY_VARIABLE, extra_headers={"x-team": "geheim"})
    assert found.state == "ok"
    assert re.search(r"of a sample it wrote in \d+\.\d\d s: Keep answers short\.$", found.finding)
    assert dict(found.details) == {"serves": "popi, other[31m"}
    chat = "/local/v1/chat/completions"
    assert [one.path for one in loopback.requests] == ["/local/v1/models", chat, chat]  # the second one is timed
    assert {one.headers["authorization"] for one in loopback.requests} == {f"Bearer {KEY}"}
    assert {one.headers["x-team"] for one in loopback.requests} == {"geheim"}
    assert KEY not in repr(found)
    assert "geheim" not in repr(found)


def test_a_server_that_serves_something_else_is_a_problem_and_what_it_serves_is_said(loopback: LoopbackServer) -> None:
    loopback.default = serving(["base"], status(404))
    found = summarizer_at(loopback, api_key_env=KEY_VARIABLE)
    assert found.state == "problem"
    assert found.advice == "It serves base. Name one of them, or start it with --served-model-name popi."
    assert KEY not in repr(found)
    assert len(loopback.requests) == 2  # it is tried once, not `retries` times


@pytest.mark.parametrize("then", [status(503), status(429), wrong_content_type(), malformed_json()])
def test_a_server_that_writes_no_summary_is_a_problem_with_something_to_do(
    then: Reply, loopback: LoopbackServer
) -> None:
    loopback.default = serving(None, then)
    found = summarizer_at(loopback)
    assert (found.state, dict(found.details)) == ("problem", {"serves": "it does not say"})
    assert "hosted_vllm/popi" in found.finding
    assert found.advice


def test_a_server_that_finds_nothing_to_say_of_a_plain_sample_is_a_warning(loopback: LoopbackServer) -> None:
    loopback.default = serving(["popi"], ok("NOTHING"))
    assert summarizer_at(loopback).state == "warning"


def test_a_key_goes_to_no_other_address(loopback: LoopbackServer) -> None:
    elsewhere = status(307, "", {"location": f"{loopback.url}/elsewhere/models"})

    async def redirected(connection: Connection) -> None:
        await (elsewhere if connection.request.path == "/local/v1/models" else ok("Keep answers short."))(connection)

    loopback.default = redirected
    assert summarizer_at(loopback, api_key_env=KEY_VARIABLE).state == "ok"
    assert "/elsewhere/models" not in [one.path for one in loopback.requests]


def test_a_server_named_by_a_variable_is_looked_at_too(
    loopback: LoopbackServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    loopback.default = serving(["popi"], ok("Keep answers short."))
    monkeypatch.setenv("HOSTED_VLLM_API_BASE", f"{loopback.url}/local/v1")
    monkeypatch.delenv("POPI_NO_LIVE_CALLS")
    found = check("summarizer", examine(overrides={"summarizer": "hosted_vllm/popi"}))
    assert (found.state, dict(found.details)["serves"]) == ("ok", "popi")


def test_a_providers_model_is_not_called(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    found = check("summarizer", examine(overrides={"summarizer": "openai/gpt-4o-mini"}))
    assert (found.state, "not tried" in found.finding) == ("ok", True)
    away = {"name": "hosted_vllm/popi", "api_base": "http://192.0.2.1/v1"}
    monkeypatch.setattr(models, "_unreachable", lambda _: "")
    assert "live calls are switched off" in check("summarizer", examine(overrides={"summarizer": away})).finding


@pytest.mark.parametrize("address", ["http://127.0.0.1:{port}/v1", "http://127.0.0.1:99999/v1", "http://[::1/v1"])
def test_an_own_server_that_does_not_answer_is_a_problem(address: str) -> None:
    with closed_port() as port:
        model = {"name": "openai/llama", "api_base": address.format(port=port)}
        found = check("model", examine(overrides={"model": model}))
    assert found.state == "problem"
    assert "api_base" in found.advice


@pytest.mark.parametrize(
    ("model", "variables"),
    [
        ("openai/gpt-4o-mini", ["OPENAI_API_KEY"]),
        ("anthropic/claude-sonnet-4-6", ["ANTHROPIC_API_KEY"]),
        ("mistral/mistral-small-latest", ["MISTRAL_API_KEY"]),
        ("deepseek/deepseek-reasoner", ["DEEPSEEK_API_KEY"]),
        ("gemini/gemini-2.5-flash", ["GEMINI_API_KEY"]),
        ("groq/llama-3.3-70b-versatile", ["GROQ_API_KEY"]),
        ("azure/my-deployment", ["AZURE_API_KEY", "AZURE_API_BASE", "AZURE_API_VERSION"]),
        ("gpt-4o-mini", ["OPENAI_API_KEY"]),
    ],
)
def test_each_provider_names_its_variables_and_is_ready_once_they_are_set(
    model: str, variables: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert list(access(ModelSpec(model)).missing) == variables
    for variable in variables:
        monkeypatch.setenv(variable, "   ")
    assert not access(ModelSpec(model)).ready
    for variable in variables:
        monkeypatch.setenv(variable, "there")
    assert access(ModelSpec(model)).ready


def test_litellm_is_asked_about_other_providers(monkeypatch: pytest.MonkeyPatch) -> None:
    assert access(ModelSpec("perplexity/sonar")).missing == ("PERPLEXITYAI_API_KEY",)
    monkeypatch.setenv("PERPLEXITYAI_API_KEY", KEY)
    assert access(ModelSpec("perplexity/sonar")).ready
    assert access(ModelSpec("no-such-model-anywhere")).ready  # the call itself will say so


def test_the_variable_a_model_names_is_the_only_one_that_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    model = ModelSpec("openai/gpt-4o-mini", api_base="http://localhost:1/v1", api_key_env="TEAM_KEY")
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    assert access(model).missing == ("TEAM_KEY",)
    monkeypatch.setenv("TEAM_KEY", KEY)
    assert access(model).variables == ("TEAM_KEY",)


def test_models_that_need_no_variable_are_ready(monkeypatch: pytest.MonkeyPatch) -> None:
    assert access(ModelSpec("ollama/llama3.2")).ready
    assert access(ModelSpec("bedrock/anthropic.claude-sonnet-4-6")).ready
    assert not access(ModelSpec("hosted_vllm/llama")).ready
    assert access(ModelSpec("hosted_vllm/llama", api_base="http://localhost:8000/v1")).ready
    monkeypatch.setenv("OPENAI_BASE_URL", "http://localhost:8000/v1")
    assert access(ModelSpec("openai/llama")).ready


# --- store -----------------------------------------------------------------------------------------------------------


def test_nothing_of_a_user_is_written(tmp_path: Path) -> None:
    store = check("store", examine())
    assert store.state == "ok"
    assert str(tmp_path / "store.db") in store.finding
    assert {"schema", "size", "free on disk"} == dict(store.details).keys()
    with contextlib.closing(sqlite3.connect(tmp_path / "store.db")) as database:
        for table in ("popi_profiles", "popi_signals", "popi_summaries"):
            assert database.execute(f"SELECT count(*) FROM {table}").fetchone() == (0,)


def test_a_file_that_is_no_database_is_a_problem(tmp_path: Path) -> None:
    (tmp_path / "store.db").write_text("This is a letter to my aunt, and no database.\n" * 40, "utf-8")
    store = check("store", examine())
    assert store.state == "problem"
    assert store.advice


def test_little_room_is_warned_about(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor, "_LITTLE_SPACE", 10**18)
    assert check("store", examine()).state == "warning"


@pytest.mark.parametrize("what", ["file", "folder"])
def test_a_store_that_cannot_be_written_is_a_problem(what: str, tmp_path: Path) -> None:
    folder = tmp_path / "data"
    folder.mkdir()
    store = f"sqlite:///{folder}/store.db"
    assert check("store", examine(overrides={"store": store})).state == "ok"
    changed, before = (folder / "store.db", 0o600) if what == "file" else (folder, 0o700)
    changed.chmod(stat.S_IRUSR | (stat.S_IXUSR if what == "folder" else 0))
    try:
        found = _examined_without_privileges(store)
    finally:
        changed.chmod(before)
    [item] = [item for item in found["checks"] if item["what"] == "store"]
    assert item["state"] == "problem"
    assert "store.db" in item["finding"]
    assert item["advice"]


def _examined_without_privileges(store: str) -> dict[str, Any]:
    """What the doctor finds in a process to which file permissions apply, as they do not to root."""

    drop = "; ".join(
        f"ctypes.CDLL(None).prctl({_DROP_FROM_BOUNDING_SET}, {capability}, 0, 0, 0)"
        for capability in (_DAC_OVERRIDE, _DAC_READ_SEARCH)
    )
    code = f"import ctypes, os, sys; {drop}; os.execv(sys.executable, [sys.executable, *sys.argv[1:]])"
    command = [sys.executable, "-c", code, "-m", "popi_sdk", "doctor", "--json", "--store", store]
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parent.parent)}
    result = subprocess.run(command, env=environment, capture_output=True, timeout=60, check=False)
    assert result.stderr == b""
    return dict(json.loads(result.stdout))


# --- summarizer, templates, tokens -----------------------------------------------------------------------------------


def test_the_summarizer_is_tried_and_shown() -> None:
    found = check("summarizer", examine(overrides={"summarizer": "contrast"}))
    assert found.finding.startswith("contrast; of a sample it wrote: ")
    assert "briefly" in found.finding


def test_a_summarizer_that_fails_is_a_problem() -> None:
    class Broken:
        def summarize(self, signals: object, previous: object = None) -> str:
            raise RuntimeError

    found = check("summarizer", examine(overrides={"summarizer": Broken()}))
    assert found.state == "problem"
    assert "RuntimeError" in found.finding
    assert check("summarizer", examine(overrides={"summarizer": "no-such-one"})).state == "problem"


def test_templates_that_cannot_be_rendered_are_a_problem() -> None:
    assert check("templates", examine()).state == "ok"
    broken = examine(overrides={"templates": {"generation.system": "{% if"}})
    assert check("templates", broken).state == "problem"
    assert "generation.system" in check("templates", broken).finding


def test_estimated_tokens_are_a_warning(monkeypatch: pytest.MonkeyPatch) -> None:
    assert doctor.check_tokens().state == "ok"
    monkeypatch.setattr("popi_sdk.tokens.estimated", lambda: True)
    assert doctor.check_tokens().state == "warning"
