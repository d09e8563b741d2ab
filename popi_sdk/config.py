"""Configuration: arguments > `POPI_*` environment variables > `popi.toml` or `[tool.popi]` > defaults.

A file is looked for in the working folder (`popi.toml`, then `pyproject.toml`). Keys that do not exist are refused with
the nearest one that does.
"""

from __future__ import annotations

import os
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from difflib import get_close_matches
from pathlib import Path
from typing import Any, Literal, cast, get_args

from popi_sdk.backend.model_spec import ModelSpec, SummarizerSpec
from popi_sdk.composer import Placement
from popi_sdk.errors import ConfigError

_DEFAULT = ModelSpec("openai/gpt-4o-mini")
Refresh = Literal["inline", "background", "manual"]
OnFailure = Literal["degrade", "raise"]

LONGEST_RETENTION = 100_000
"""Days; some 270 years."""
_PREFIX = "POPI_"
_CONFIG_VARIABLE = "POPI_CONFIG"
_SQLITE = "sqlite:///"


@dataclass(frozen=True, slots=True, kw_only=True)
class Config:
    """Every setting there is.

    Raises:
        ConfigError: a value that cannot be used; the message names the key.

    >>> Config(model="anthropic/claude-sonnet-4-6").model.provider
    'anthropic'
    """

    model: ModelSpec = _DEFAULT
    """The backend model: "provider/model", or a table with name, api_base, api_key_env, extra_headers."""
    fallbacks: tuple[ModelSpec, ...] = ()
    """Models to try in turn when the first one fails."""
    summarizer: Any = "auto"
    """"auto", "embedded", "contrast", a trained directory, "provider/model", such a table (with `exported`, the trained
    directory that a server serves; also as JSON), or an object with `summarize`."""
    embedded_threads: int = 1
    """Processor cores that a trained summarizer's ONNX weights work on."""
    store: str = field(default="", repr=False)
    """"sqlite:///path", "postgresql://...", "memory"; empty: SQLite in the platform's data folder."""
    namespace: str = "default"
    """Keeps the users of several apps or customers in one store apart."""
    placement: Placement = "system"
    """Where the block stands."""
    max_summary_tokens: int = 200
    """Longest summary; every call pays for it."""
    refresh: Refresh = "inline"
    """When new signals lead to a new summary: at the next call, behind it, or only when `refresh` is called."""
    debounce: float = 0.0
    """Seconds without a new signal before a summary is refreshed, so that a burst makes one new version."""
    timeout: float = 60.0
    """Seconds one attempt at a model may take."""
    retries: int = 2
    """Attempts beyond the first."""
    retention: float | None = None
    """Days after which a signal is erased, with the summaries that rested on it; None keeps it until forgotten."""
    redact: Any = True
    """Whether secrets and personal data are taken out of signals; a table of names and patterns takes out more."""
    templates: Any = None
    """Own templates: a folder, or a table such as {"generation.system" = "..."}."""
    on_failure: OnFailure = "degrade"
    """When summarizer or store fail: answer without a summary and say so, or raise."""

    def __post_init__(self) -> None:
        put = object.__setattr__
        put(self, "model", _model(self.model, "model"))
        put(
            self,
            "fallbacks",
            tuple(_model(item, f"fallbacks[{place}]") for place, item in enumerate(_listed(self.fallbacks))),
        )
        if isinstance(self.summarizer, str) and self.summarizer.lstrip().startswith("{"):
            put(self, "summarizer", _parsed("`summarizer`", self.summarizer))
        if isinstance(self.summarizer, Mapping):
            put(self, "summarizer", _model(self.summarizer, "summarizer", SummarizerSpec))
        _one_of("placement", self.placement, get_args(Placement))
        _one_of("refresh", self.refresh, get_args(Refresh))
        _one_of("on_failure", self.on_failure, get_args(OnFailure))
        put(self, "max_summary_tokens", _number("max_summary_tokens", self.max_summary_tokens, int, least=10))
        put(self, "retries", _number("retries", self.retries, int, least=0))
        put(self, "embedded_threads", _number("embedded_threads", self.embedded_threads, int, least=1))
        put(self, "debounce", _number("debounce", self.debounce, float, least=0))
        if self.retention is not None:
            put(self, "retention", _number("retention", self.retention, float, least=0.001))
            if self.retention > LONGEST_RETENTION:
                raise ConfigError(
                    f"`retention` is {self.retention:g} days", hint="Leave it out to keep signals for good."
                )
        put(self, "redact", _switch_or_table("redact", self.redact))
        put(self, "timeout", _number("timeout", self.timeout, float, least=0.001))
        for key in ("store", "namespace"):
            if not isinstance(getattr(self, key), str):
                raise ConfigError(f"`{key}` must be a string, not {type(getattr(self, key)).__name__}")
        if not self.namespace:
            raise ConfigError("`namespace` is empty", hint='Leave it out to use "default".')

    @property
    def models(self) -> tuple[ModelSpec, ...]:
        """The model and its fallbacks, in the order they are tried."""
        return (self.model, *self.fallbacks)

    def with_overrides(self, overrides: Mapping[str, Any]) -> Config:
        """A copy with some keys changed."""
        _refuse_unknown(overrides, "argument")
        return replace(self, **overrides)


KEYS = tuple(field.name for field in fields(Config))


def load_config(path: str | Path | None = None, overrides: Mapping[str, Any] | None = None) -> Config:
    """Read the configuration from `path` (else `POPI_CONFIG`, else the working folder) and the environment.

    Raises:
        ConfigError: no such file, not TOML, an unknown key, or a value that cannot be used.
    """
    file = config_file(path)
    values = _from_file(file) if file else {}
    values |= _from_environment(os.environ)
    values |= dict(overrides or {})
    _refuse_unknown(values, "argument")
    return Config(**values)


def config_file(path: str | Path | None = None) -> Path | None:
    """The file that `load_config(path)` reads; None when there is none.

    Raises:
        ConfigError: a `pyproject.toml` in the working folder cannot be read.
    """
    if path is not None and not isinstance(path, str | Path):
        raise ConfigError(
            f"A configuration cannot be a {type(path).__name__}",
            hint="Give a Config, the path of a TOML file, or settings as keyword arguments.",
        )
    named = path or os.environ.get(_CONFIG_VARIABLE)
    if named:
        return Path(named)
    own, shared = Path("popi.toml"), Path("pyproject.toml")
    if own.is_file():
        return own
    return shared if shared.is_file() and _from_file(shared) else None


def default_store() -> str:
    """The store's place when none is named: SQLite in the platform's data folder."""
    from platformdirs import user_data_path

    return f"sqlite:///{user_data_path('popi') / 'popi.db'}"


def _from_file(path: Path) -> dict[str, Any]:
    try:
        content = tomllib.loads(path.read_text("utf-8"))
    except OSError as error:
        raise ConfigError(f"The configuration file {path} cannot be read: {error.strerror}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"The configuration file {path} is not TOML: {error}") from error
    values = content.get("tool", {}).get("popi", {}) if path.name == "pyproject.toml" else content
    if not isinstance(values, dict):
        raise ConfigError(f"`tool.popi` in {path} is not a table")
    _refuse_unknown(values, f"key of {path}")
    return _relative_to(path.parent, values)


def _relative_to(folder: Path, values: dict[str, Any]) -> dict[str, Any]:
    """Paths in a file are meant from where the file lies."""
    if isinstance(values.get("templates"), str):
        values["templates"] = str(folder / values["templates"])
    store = values.get("store")
    if isinstance(store, str) and store.startswith(_SQLITE):
        values["store"] = f"{_SQLITE}{folder / store.removeprefix(_SQLITE)}"
    summarizer = values.get("summarizer")
    if isinstance(summarizer, str) and summarizer.startswith(("./", "../")):
        values["summarizer"] = str(folder / summarizer)
    if isinstance(summarizer, dict) and isinstance(summarizer.get("exported"), str):
        summarizer["exported"] = str(folder / os.path.expanduser(summarizer["exported"]))
    return values


def _from_environment(environment: Mapping[str, str]) -> dict[str, Any]:
    values: dict[str, Any] = {}
    for variable, text in environment.items():
        if not variable.startswith(_PREFIX) or variable == _CONFIG_VARIABLE:
            continue
        key = variable.removeprefix(_PREFIX).lower()
        if key in KEYS:
            value = _parsed(f"The variable {variable}", text)
            if key == "fallbacks" and isinstance(value, str):
                value = [name.strip() for name in value.split(",") if name.strip()]
            values[key] = value
        elif near := get_close_matches(key, KEYS, n=1, cutoff=0.8):
            # Other POPI_* variables may belong to the app; one that is nearly a key is a slip of the pen.
            raise ConfigError(
                f"The variable {variable} is no setting", hint=f"Did you mean {_PREFIX}{near[0].upper()}?"
            )
    return values


def _parsed(what: str, text: str) -> Any:
    """JSON where a text looks like it."""
    if text.lstrip()[:1] in ("{", "["):
        import json

        try:
            return json.loads(text)
        except ValueError as error:
            raise ConfigError(f"{what} is not JSON") from error
    return text


def _refuse_unknown(values: Mapping[str, Any], what: str) -> None:
    for key in values:
        if key not in KEYS:
            near = get_close_matches(str(key)[:40], KEYS, n=1, cutoff=0.5)
            hint = f"Did you mean `{near[0]}`?" if near else f"There are: {', '.join(KEYS)}."
            raise ConfigError(f"`{str(key)[:40]}` is not a setting (as {what})", hint=hint)


def _model(value: Any, key: str, kind: type[ModelSpec] = ModelSpec) -> ModelSpec:
    try:
        return kind.parse(value)
    except ConfigError as error:
        raise ConfigError(f"`{key}`: {error.message}", hint=error.hint) from error


def _listed(value: Any) -> list[Any]:
    if isinstance(value, list | tuple):
        return list(value)
    raise ConfigError("`fallbacks` must be a list", hint='Write fallbacks = ["provider/model"].')


def _one_of(key: str, value: Any, allowed: tuple[str, ...]) -> None:
    if value not in allowed:
        near = get_close_matches(str(value)[:40], allowed, n=1)
        hint = f'Did you mean "{near[0]}"?' if near else f"There are: {', '.join(allowed)}."
        raise ConfigError(f"`{key}` cannot be {str(value)[:40]!r}", hint=hint)


def _switch_or_table(key: str, value: Any) -> bool | dict[str, str]:
    words = {"true": True, "1": True, "yes": True, "on": True, "false": False, "0": False, "no": False, "off": False}
    if isinstance(value, str) and value.lower() in words:
        return words[value.lower()]
    if isinstance(value, Mapping):
        return dict(value)
    if not isinstance(value, bool):
        raise ConfigError(
            f"`{key}` cannot be {str(value)[:40]!r}", hint='Use true, false, or a table such as {staff = "E-[0-9]{6}"}.'
        )
    return value


def _number(key: str, value: Any, kind: type, *, least: float) -> Any:
    try:
        if isinstance(value, bool):
            raise ValueError
        number = kind(value)
        if kind is int and float(value) != number:
            raise ValueError
    except (TypeError, ValueError, OverflowError) as error:
        raise ConfigError(f"`{key}` must be a number, not {str(value)[:40]!r}") from error
    if not least <= number < float("inf"):
        raise ConfigError(f"`{key}` is {number}; it must be at least {least:g} and finite")
    return cast("Any", number)
