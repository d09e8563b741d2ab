"""`popi personalize` with and without a model to send to."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from tests.cli.calls import Run, data
from tests.loopback import KEY, KEY_VARIABLE, LoopbackServer, api_base, ok, status

pytestmark = pytest.mark.filterwarnings(
    # LiteLLM silences these itself when it is imported, which lasts for the test that happens to import it.
    "ignore:.*`ReadOnly` qualifier:UserWarning",
    "ignore:Accessing the .* attribute on the instance is deprecated:DeprecationWarning",
)


# --- without a model -------------------------------------------------------------------------------------------------


def test_without_a_key_the_request_is_shown_and_what_would_send_it(popi: Run, signals: str) -> None:
    result = popi("personalize", "Why is the sky blue?", "--signals", signals, "--system", "You are a teacher.")
    assert result.exit_code == 0, result.output
    text = result.stdout
    shown = [text.index(part) for part in ("You are a teacher.", "<user_preferences>", "Why is the sky blue?")]
    assert shown == sorted(shown)
    assert "- Use bullet points." in text
    assert "tokens of signals -> " in text
    assert "% less" in text
    assert "Status: applied" in text
    last = text.rstrip().splitlines()[-1]
    assert last.startswith("Not sent")
    assert "OPENAI_API_KEY" in last
    assert "--api-base" in last
    assert "popi-sdk[litellm]" not in last


def test_the_variable_named_is_that_of_the_model_asked_for(popi: Run, signals: str) -> None:
    result = popi("personalize", "Hi", "--signals", signals, "--model", "mistral/mistral-small-latest")
    assert "MISTRAL_API_KEY" in result.stdout
    assert "OPENAI_API_KEY" not in result.stdout


def test_without_litellm_the_request_is_shown_and_the_pip_line(
    popi: Run, signals: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "litellm", None)
    monkeypatch.setenv("OPENAI_API_KEY", "sk-there")
    result = popi("personalize", "Hi", "--signals", signals)
    assert result.exit_code == 0, result.output
    assert 'pip install "popi-sdk[litellm]"' in result.stdout
    assert "<user_preferences>" in result.stdout
    assert "OPENAI_API_KEY" not in result.stdout


def test_the_request_as_json_is_what_compose_gives(popi: Run, signals: str) -> None:
    import popi_sdk

    result = popi("personalize", "Hi", "--signals", signals, "--placement", "developer", "--json")
    with popi_sdk.Popi() as client:
        expected = client.compose("Hi", Path(signals), placement="developer")
    found = data(result)
    assert found["request"] == {"model": "openai/gpt-4o-mini", "messages": expected}
    assert found["sent"] is False
    assert "OPENAI_API_KEY" in found["not_sent"]
    assert found["status"] == "applied"
    assert found["context"]["raw_tokens"] > found["context"]["summary_tokens"] > 0


def test_the_variable_named_in_the_configuration_wins(popi: Run, signals: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-there")
    Path("popi.toml").write_text('model = {name = "openai/gpt-4o-mini", api_key_env = "TEAM_KEY"}\n', "utf-8")
    assert "TEAM_KEY" in data(popi("personalize", "Hi", "--signals", signals, "--json"))["not_sent"]


def test_nothing_to_say_is_no_error(popi: Run) -> None:
    result = popi("personalize", "Hi")
    assert result.exit_code == 0, result.output
    assert "Status: skipped" in result.stdout
    assert "<user_preferences>" not in result.stdout


# --- with a model ----------------------------------------------------------------------------------------------------


def test_a_local_server_answers_without_any_key(popi: Run, signals: str, loopback: LoopbackServer) -> None:
    loopback.default = ok("Because of Rayleigh.")
    base = api_base(loopback.url, "openai/llama")
    result = popi("personalize", "Why?", "--signals", signals, "--model", "openai/llama", "--api-base", base)
    assert result.exit_code == 0, result.output
    assert result.stdout == "Because of Rayleigh.\n"
    assert "Use bullet points." in result.stderr
    assert "tokens of signals -> " in result.stderr
    [request] = loopback.requests
    assert "Use bullet points." in request.system
    assert "City 3" not in json.dumps(request.body)


def test_the_configuration_sends_with_its_key(popi: Run, signals: str, loopback: LoopbackServer) -> None:
    base = api_base(loopback.url, "anthropic/x")
    model = f'model = {{name = "anthropic/claude-sonnet-4-6", api_base = "{base}", api_key_env = "{KEY_VARIABLE}"}}'
    Path("popi.toml").write_text(model, "utf-8")
    found = data(popi("personalize", "Why?", "--signals", signals, "--json"))
    assert found["sent"] is True
    assert found["text"] == "Hello from the loopback."
    assert found["usage"]["total_tokens"] > 0
    [request] = loopback.requests
    assert request.headers["x-api-key"] == KEY
    assert found["summary"]["text"]
    assert "Use bullet points." in request.system


def test_a_stream_prints_the_same_answer(popi: Run, signals: str, loopback: LoopbackServer) -> None:
    loopback.default = ok("One two three.")
    options = ("--signals", signals, "--api-base", api_base(loopback.url, "openai/x"), "--stream")
    aloud = popi("personalize", "Why?", *options)
    assert aloud.stdout == "One two three.\n", aloud.stderr
    assert data(popi("personalize", "Why?", *options, "--json"))["text"] == "One two three."
    assert all(request.body["stream"] for request in loopback.requests)


def test_a_dry_run_sends_nothing_not_even_to_the_summarizer(
    popi: Run, signals: str, loopback: LoopbackServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    base = api_base(loopback.url, "openai/x")
    monkeypatch.delenv("POPI_SUMMARIZER")
    Path("popi.toml").write_text(f'summarizer = {{name = "openai/x", api_base = "{base}"}}', "utf-8")
    result = popi("personalize", "Why?", "--signals", signals, "--api-base", base, "--dry-run", "--json")
    assert result.exit_code == 0, result.output
    assert data(result)["status"] == "failed"
    assert loopback.requests == []


def test_a_fallback_with_a_key_is_enough_to_send(popi: Run, signals: str, loopback: LoopbackServer) -> None:
    base = api_base(loopback.url, "mistral/x")
    other = f'{{name = "mistral/mistral-small-latest", api_base = "{base}", api_key_env = "{KEY_VARIABLE}"}}'
    Path("popi.toml").write_text(
        f'model = {{name = "openai/gpt-4o-mini", api_key_env = "TEAM_KEY"}}\nfallbacks = [{other}]', "utf-8"
    )
    found = data(popi("personalize", "Why?", "--signals", signals, "--json"))
    assert found["model"] == "mistral/mistral-small-latest"
    assert found["warnings"]


def test_a_provider_that_fails_ends_with_1_and_shows_neither_key_nor_content(
    popi: Run, signals: str, loopback: LoopbackServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    loopback.default = status(401)
    options = ("--signals", signals, "--api-base", api_base(loopback.url, "openai/x"))
    result = popi("personalize", "What about Zanzibar?", *options)
    assert result.exit_code == 1
    assert result.stdout == ""
    assert 1 <= len(result.stderr.splitlines()) <= 2
    assert "Traceback" not in result.stderr
    assert KEY not in result.output
    assert "Zanzibar" not in result.output
    assert data(popi("personalize", "Hi", *options, "--json"))["error"]["type"] == "AuthError"


def test_what_a_model_writes_cannot_steer_the_terminal(popi: Run, loopback: LoopbackServer) -> None:
    loopback.default = ok("red \x1b[31m and a bell \x07")
    result = popi("personalize", "Hi", "--api-base", api_base(loopback.url, "openai/x"))
    assert result.stdout == "red \\x1b[31m and a bell \\x07\n"
