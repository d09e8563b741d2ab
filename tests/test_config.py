"""Configuration: which source wins, and that a slip of the pen is refused with the nearest key."""

from __future__ import annotations

import pytest

from popi_sdk.backend.model_spec import ModelSpec
from popi_sdk.config import KEYS, Config, load_config
from popi_sdk.errors import ConfigError


@pytest.fixture(autouse=True)
def _empty_surroundings(tmp_path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    for key in KEYS:
        monkeypatch.delenv(f"POPI_{key.upper()}", raising=False)


def test_without_anything_the_defaults_hold() -> None:
    config = load_config()
    assert config == Config()
    assert config.model.name == "openai/gpt-4o-mini"
    assert (config.refresh, config.placement, config.on_failure) == ("inline", "system", "degrade")


def test_arguments_win_over_environment_over_file(tmp_path, monkeypatch) -> None:
    (tmp_path / "popi.toml").write_text('model = "file/m"\nnamespace = "file"\nretries = 7\n')
    monkeypatch.setenv("POPI_MODEL", "environment/m")
    monkeypatch.setenv("POPI_NAMESPACE", "environment")
    config = load_config(overrides={"model": "argument/m"})
    assert (config.model.name, config.namespace, config.retries) == ("argument/m", "environment", 7)


def test_pyproject_is_read_where_there_is_no_popi_toml(tmp_path) -> None:
    (tmp_path / "pyproject.toml").write_text('[tool.popi]\nmodel = "mistral/mistral-small-latest"\n')
    assert load_config().model.provider == "mistral"
    (tmp_path / "popi.toml").write_text('model = "deepseek/deepseek-reasoner"\n')
    assert load_config().model.provider == "deepseek"


def test_a_model_may_be_a_table_and_fallbacks_a_list(tmp_path) -> None:
    (tmp_path / "popi.toml").write_text(
        'fallbacks = ["anthropic/claude-sonnet-4-6", {name = "openai/local", api_base = "http://127.0.0.1:1/v1"}]\n'
        '[model]\nname = "openai/gpt-4o-mini"\napi_key_env = "MY_KEY"\n'
    )
    config = load_config()
    assert config.model == ModelSpec("openai/gpt-4o-mini", api_key_env="MY_KEY")
    assert [model.name for model in config.models] == [
        "openai/gpt-4o-mini",
        "anthropic/claude-sonnet-4-6",
        "openai/local",
    ]


def test_the_environment_takes_lists_and_tables(monkeypatch) -> None:
    monkeypatch.setenv("POPI_FALLBACKS", "anthropic/claude-sonnet-4-6, mistral/mistral-small-latest")
    monkeypatch.setenv("POPI_MODEL", '{"name": "openai/m", "api_base": "http://127.0.0.1:1/v1"}')
    monkeypatch.setenv("POPI_TIMEOUT", "2.5")
    config = load_config()
    assert [model.name for model in config.fallbacks] == ["anthropic/claude-sonnet-4-6", "mistral/mistral-small-latest"]
    assert config.model.api_base == "http://127.0.0.1:1/v1"
    assert config.timeout == 2.5


def test_paths_in_a_file_are_meant_from_where_the_file_lies(tmp_path) -> None:
    folder = tmp_path / "deep"
    folder.mkdir()
    (folder / "popi.toml").write_text('templates = "mine"\nstore = "sqlite:///popi.db"\n')
    config = load_config(folder / "popi.toml")
    assert config.templates == str(folder / "mine")
    assert config.store == f"sqlite:///{folder / 'popi.db'}"
    (folder / "popi.toml").write_text('store = "sqlite:////var/popi.db"\n')
    assert load_config(folder / "popi.toml").store == "sqlite:////var/popi.db"


@pytest.mark.parametrize(
    ("source", "near"), [("argument", "namespace"), ("file", "namespace"), ("environment", "POPI_NAMESPACE")]
)
def test_a_slip_of_the_pen_is_refused_with_the_nearest_key(source, near, tmp_path, monkeypatch) -> None:
    overrides = {}
    if source == "argument":
        overrides = {"namespaec": "x"}
    elif source == "file":
        (tmp_path / "popi.toml").write_text('namespaec = "x"\n')
    else:
        monkeypatch.setenv("POPI_NAMESPAEC", "x")
    with pytest.raises(ConfigError, match=near):
        load_config(overrides=overrides)


def test_variables_of_the_app_that_only_begin_alike_are_left_alone(monkeypatch) -> None:
    monkeypatch.setenv("POPI_DEPLOYMENT_REGION", "eu")
    assert load_config() == Config()


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("placement", "sytem"),
        ("refresh", "always"),
        ("on_failure", "ignore"),
        ("timeout", 0),
        ("timeout", float("nan")),
        ("timeout", "soon"),
        ("retries", -1),
        ("retries", 1.5),
        ("retries", True),
        ("debounce", float("inf")),
        ("max_summary_tokens", 3),
        ("namespace", ""),
        ("namespace", 7),
        ("store", 7),
        ("fallbacks", "openai/m"),
        ("model", {"nam": "x"}),
        ("model", ""),
        ("model", 7),
    ],
)
def test_a_value_that_cannot_be_used_names_its_key(key, value) -> None:
    with pytest.raises(ConfigError, match=f"`{key}`"):
        load_config(overrides={key: value})


def test_a_file_that_is_missing_or_broken_is_named(tmp_path) -> None:
    with pytest.raises(ConfigError, match=r"absent\.toml"):
        load_config(tmp_path / "absent.toml")
    (tmp_path / "broken.toml").write_text("model = \n")
    with pytest.raises(ConfigError, match=r"broken\.toml is not TOML"):
        load_config(tmp_path / "broken.toml")


def test_the_file_can_be_named_by_a_variable(tmp_path, monkeypatch) -> None:
    (tmp_path / "other.toml").write_text('namespace = "there"\n')
    monkeypatch.setenv("POPI_CONFIG", str(tmp_path / "other.toml"))
    assert load_config().namespace == "there"
