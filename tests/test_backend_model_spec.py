"""A model as config gives it: a string or a small table, checked as soon as it is read."""

import pytest

from popi_sdk.backend import ModelSpec
from popi_sdk.errors import AuthError, ConfigError


@pytest.mark.parametrize(
    ("given", "name", "provider"),
    [
        ("openai/gpt-4o-mini", "openai/gpt-4o-mini", "openai"),
        ("openai:gpt-4o-mini", "openai/gpt-4o-mini", "openai"),
        (" anthropic:claude-sonnet-4-6 ", "anthropic/claude-sonnet-4-6", "anthropic"),
        ("hosted_vllm:meta-llama/Llama-3.2-3B-Instruct", "hosted_vllm/meta-llama/Llama-3.2-3B-Instruct", "hosted_vllm"),
        ("ollama/llama3.2:3b", "ollama/llama3.2:3b", "ollama"),
        ("ollama:llama3.2:3b", "ollama/llama3.2:3b", "ollama"),
        ("openai:ft:gpt-4o-mini:org::id", "openai/ft:gpt-4o-mini:org::id", "openai"),
        ("ft:gpt-4o-mini:org::id", "ft:gpt-4o-mini:org::id", ""),
        ("bedrock/anthropic.claude-v2:1", "bedrock/anthropic.claude-v2:1", "bedrock"),
        ("gpt-4o-mini", "gpt-4o-mini", ""),
    ],
)
def test_a_name_is_kept_in_its_slash_form(given: str, name: str, provider: str):
    spec = ModelSpec.parse(given)
    assert (spec.name, spec.provider) == (name, provider)
    assert ModelSpec.parse({"name": given}) == spec
    assert ModelSpec.parse(spec) is spec


def test_a_table_fills_every_field():
    table = {
        "name": "openai:m",
        "api_base": "http://localhost:8000/v1",
        "api_key_env": "MY_KEY",
        "extra_headers": {"a": "b"},
    }
    spec = ModelSpec.parse(table)
    assert spec == ModelSpec("openai/m", "http://localhost:8000/v1", "MY_KEY", {"a": "b"})


@pytest.mark.parametrize(
    ("key", "nearest"),
    [("api_bass", "api_base"), ("apibase", "api_base"), ("api_key", "api_key_env"), ("header", "extra_headers")],
)
def test_an_unknown_key_is_refused_with_the_nearest_name(key: str, nearest: str):
    with pytest.raises(ConfigError, match=nearest) as raised:
        ModelSpec.parse({"name": "openai/m", key: "sk-secret-value"})
    assert "sk-secret" not in str(raised.value)


@pytest.mark.parametrize(
    "given", ["", "   ", None, 3, ["openai/m"], {}, {"name": ""}, {"name": None}, "openai/", "/m", "a b", "ö/m"]
)
def test_what_names_no_model_is_refused(given):
    with pytest.raises(ConfigError):
        ModelSpec.parse(given)


@pytest.mark.parametrize("address", ["localhost:8000", "", "ftp://x", 5, "http://"])
def test_an_address_must_be_one(address):
    with pytest.raises(ConfigError, match="api_base"):
        ModelSpec("openai/m", api_base=address)


@pytest.mark.parametrize("key", ["sk-proj-abc123", "", "MY KEY", 5, "Zx9kQ2mP7vL4nB8wR3tY6uC1dF5gH0jS"])
def test_a_key_in_place_of_a_variable_is_refused_and_never_repeated(key):
    with pytest.raises(ConfigError, match="api_key_env") as raised:
        ModelSpec("openai/m", api_key_env=key)
    assert not key or str(key) not in str(raised.value)


@pytest.mark.parametrize("headers", ["x: y", {"x": 1}, {1: "x"}, ["x"]])
def test_headers_must_map_names_to_text(headers):
    with pytest.raises(ConfigError, match="extra_headers"):
        ModelSpec("openai/m", extra_headers=headers)


def test_headers_are_never_shown():
    spec = ModelSpec("openai/m", extra_headers={"authorization": "Bearer sk-secret"})
    assert "sk-secret" not in repr(spec)


def test_the_key_is_the_variables_value(monkeypatch: pytest.MonkeyPatch):
    spec = ModelSpec("openai/m", api_key_env="SOME_PROVIDER_KEY")
    monkeypatch.setenv("SOME_PROVIDER_KEY", " sk-1\n")
    assert spec.api_key() == "sk-1"
    monkeypatch.setenv("SOME_PROVIDER_KEY", "  ")
    with pytest.raises(AuthError, match="SOME_PROVIDER_KEY"):
        spec.api_key()
    assert ModelSpec("openai/m").api_key() is None
