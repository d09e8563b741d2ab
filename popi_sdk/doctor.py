"""Is everything in place? Checks as plain functions that return what they found; `popi doctor` prints them.

versions -> configuration -> models -> store -> summarizer -> templates -> token counting

Nothing is sent anywhere: a model's own `api_base` is connected to and let go, a PostgreSQL store is opened, and that
is all of the network that is touched. Nothing about a user is written.
"""

from __future__ import annotations

import re
import shutil
import socket
import sys
from collections.abc import Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass, fields
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal
from urllib.parse import urlsplit

from popi_sdk.backend.model_spec import ModelSpec
from popi_sdk.backend.provider_keys import Access, access, litellm_installed
from popi_sdk.config import Config, config_file, default_store, load_config
from popi_sdk.errors import ConfigError, PopiError
from popi_sdk.signals import Signal, Statement

if TYPE_CHECKING:
    from popi_sdk.store.engines import Place
    from popi_sdk.summarizers.trained import TrainedSummarizer

State = Literal["ok", "warning", "problem"]

OLDEST_LITELLM = (1, 100)
"""Releases 1.82.7 and 1.82.8 stole credentials."""
_PACKAGES = (
    "pydantic", "SQLAlchemy", "litellm", "openai", "anthropic", "mistralai", "psycopg", "tiktoken",
    "onnxruntime-genai", "torch", "transformers",
)  # fmt: skip
_INSTALL_LITELLM = 'pip install --upgrade "popi-sdk[litellm]"'
_LITTLE_SPACE = 100_000_000
"""Bytes free on the store's disk; below that it will be full before long."""
_CONNECT_SECONDS = 1.0
_SAMPLE: tuple[Signal, ...] = (Statement("Please answer briefly."), Statement("Use bullet points."))


@dataclass(frozen=True, slots=True)
class Check:
    """One finding."""

    what: str
    """What was looked at."""
    state: State
    finding: str
    advice: str = ""
    """What to do; empty when all is well."""
    details: tuple[tuple[str, str], ...] = ()


def examine(path: str | Path | None = None, overrides: Mapping[str, Any] | None = None) -> tuple[Check, ...]:
    """Run all checks on the configuration that `load_config(path, overrides)` gives; raises nothing for what it finds.

    Without a usable configuration, what depends on it is not looked at.
    """
    settings, config = check_config(path, overrides)
    if config is None:
        return (*check_versions(), settings, check_tokens())
    return (
        *check_versions(),
        settings,
        *check_models(config),
        check_store(config),
        check_summarizer(config),
        check_templates(config),
        check_tokens(),
    )


def check_versions() -> tuple[Check, ...]:
    """Python, POPI and the packages it stands on."""
    from popi_sdk import __version__

    found = tuple((name, number) for name in _PACKAGES if (number := _version(name)))
    python = ".".join(map(str, sys.version_info[:3]))
    versions = Check("versions", "ok", f"popi-sdk {__version__} on Python {python}", details=found)
    return versions, _check_litellm(dict(found).get("litellm", ""))


def check_config(path: str | Path | None, overrides: Mapping[str, Any] | None) -> tuple[Check, Config | None]:
    """The file that is read and the settings that result; no Config when they cannot be used."""
    try:
        file = config_file(path)
        config = load_config(path, overrides)
    except ConfigError as error:
        return Check("configuration", "problem", error.message, error.hint or "Correct the setting."), None
    where = f"read from {file.absolute()}" if file else "no file; defaults, POPI_* variables and options"
    shown = tuple((field.name, _shown(field.name, getattr(config, field.name))) for field in fields(config))
    return Check("configuration", "ok", where, details=shown), config


def check_models(config: Config) -> Iterator[Check]:
    """The model and its fallbacks: keys there or missing, own servers reachable; one that works is enough."""
    found = [(model, _access_problem(access(model))) for model in config.models]
    works = any(not problem for _, problem in found)
    for place, (model, problem) in enumerate(found):
        what = f"model {model.name}" if place == 0 else f"fallback {model.name}"
        if problem:
            yield Check(what, "warning" if works else "problem", *problem)
        else:
            yield Check(what, "ok", _with_what(access(model)))


def check_store(config: Config) -> Check:
    """The store opens, can be read and would take writes; where it lies, and how much room is left there."""
    url = config.store or default_store()
    try:
        from popi_sdk.store import open_store, schema
        from popi_sdk.store.engines import place

        at = place(url)
        with closing(open_store(url)) as store:
            store.read(config.namespace, "popi doctor")
        if not at.in_memory:
            _try_writing(at)
    except PopiError as error:
        return Check("store", "problem", error.message, error.hint or "Set `store` to another place.")
    details = (("schema", schema.REVISION), *_room(at.path))
    if at.path is not None and shutil.disk_usage(at.path.parent).free < _LITTLE_SPACE:
        return Check("store", "warning", f"{at.label}: its disk is almost full", "Free some space.", details)
    note = ": everything is forgotten when the process ends" if at.in_memory else ""
    return Check("store", "ok", f"{at.label}{note}", details=details)


def check_summarizer(config: Config) -> Check:
    """Which summarizer writes, and what it makes of a tiny sample; one that is a remote model is not called."""
    from popi_sdk.backend import LiteLLMBackend
    from popi_sdk.client import Popi
    from popi_sdk.summarizers import make_summarizer
    from popi_sdk.summarizers.embedded import choose
    from popi_sdk.summarizers.remote import RemoteSummarizer
    from popi_sdk.summarizers.trained import TrainedSummarizer
    from popi_sdk.templates import load_templates

    details: tuple[tuple[str, str], ...] = ()
    try:
        summarizer = make_summarizer(config, LiteLLMBackend(), load_templates(config.templates))
        if isinstance(summarizer, RemoteSummarizer):
            return _check_remote(ModelSpec.parse(config.summarizer))
        if isinstance(summarizer, TrainedSummarizer):
            details = _about(summarizer)
        with Popi(config.with_overrides({"store": "memory", "summarizer": summarizer})) as popi:
            summary = popi.summarize(_SAMPLE)
    except PopiError as error:
        return Check("summarizer", "problem", error.message, error.hint or 'Set summarizer = "contrast".', details)
    name = f'"auto" is {summary.model} ({choose().why})' if config.summarizer == "auto" else summary.model
    if not summary:
        advice = "Try it on signals of your own: popi summarize --signals FILE"
        return Check("summarizer", "warning", f"{name}: it says nothing about a plain sample", advice, details)
    return Check("summarizer", "ok", f"{name}; of a sample it wrote: {summary.text}", details=details)


def check_templates(config: Config) -> Check:
    """The templates can be rendered; their version."""
    from popi_sdk.templates import load_templates

    try:
        templates = load_templates(config.templates)
    except ConfigError as error:
        return Check("templates", "problem", error.message, error.hint or "Correct the template.")
    whose = "your own" if config.templates is not None else "as shipped"
    return Check("templates", "ok", f"version {templates.version}, {whose}")


def check_tokens() -> Check:
    """Whether tokens are counted or estimated."""
    from popi_sdk.tokens import estimated

    if not estimated():
        return Check("tokens", "ok", "counted exactly (o200k_base)")
    advice = f"For exact counts install LiteLLM, which carries the encoding: {_INSTALL_LITELLM}"
    return Check("tokens", "warning", "estimated: no encoding lies on this machine", advice)


def _check_litellm(installed: str) -> Check:
    if not installed or not litellm_installed():
        return Check("litellm", "warning", "not installed: requests can be shown, not sent", f"Run: {_INSTALL_LITELLM}")
    if _numbers(installed) < OLDEST_LITELLM:
        oldest = ".".join(map(str, OLDEST_LITELLM))
        return Check("litellm", "warning", f"{installed} is older than {oldest}", f"Run: {_INSTALL_LITELLM}")
    return Check("litellm", "ok", installed)


def _check_remote(model: ModelSpec) -> Check:
    what = f"summarizer {model.name}"
    problem = _access_problem(access(model))
    if problem:
        return Check(what, "problem", *problem)
    return Check(what, "ok", f"{_with_what(access(model))}; not tried, as that would call the model")


def _about(summarizer: TrainedSummarizer) -> tuple[tuple[str, str], ...]:
    manifest = summarizer.manifest
    return (
        ("directory", str(summarizer.folder)),
        ("weights", f"{summarizer.form}, of {', '.join(manifest.forms)}"),
        ("base model", manifest.base_model),
        ("renderer", f"version {manifest.render_version}"),
        ("window", f"{manifest.window:,} tokens"),
        ("exported", f"{manifest.created.date()} with popi-sdk {manifest.popi_version}"),
    )


def _access_problem(found: Access) -> tuple[str, str] | None:
    """Why a model cannot be called and what to do about it; None when it can."""
    if not litellm_installed():
        return "cannot be called: LiteLLM is not installed", f"Run: {_INSTALL_LITELLM}"
    if found.missing:
        names = " and ".join(found.missing)
        return f"no key: {names} not set", f"Set {names}, or `api_base` for a server of your own."
    if found.address and (reason := _unreachable(found.address)):
        return f"nothing answers at {_public(found.address)}: {reason}", "Start the server, or correct `api_base`."
    return None


def _with_what(found: Access) -> str:
    """What a model is called with, by the names of variables only."""
    keys = f"{' and '.join(found.variables)} set" if found.variables else "no key needed or known"
    return f"{keys}; {_public(found.address)} accepts connections" if found.address else keys


def _unreachable(address: str) -> str:
    """Why no connection to the address can be made; empty when one can."""
    try:
        parts = urlsplit(address)
        port = parts.port or (443 if parts.scheme == "https" else 80)
        socket.create_connection((parts.hostname or "", port), timeout=_CONNECT_SECONDS).close()
    except (OSError, ValueError) as error:  # ValueError: a port that is no number, a host name that cannot be one
        return getattr(error, "strerror", None) or ("no answer" if isinstance(error, TimeoutError) else "wrong address")
    return ""


def _try_writing(at: Place) -> None:
    """Begin a change that changes nothing, and take it back.

    Raises:
        StoreError: the database takes no writes.
    """
    from sqlalchemy import delete, false

    from popi_sdk.store import schema
    from popi_sdk.store.engines import engines
    from popi_sdk.store.failures import DATABASE_ERRORS, store_error

    connected = engines(at)
    try:
        with connected.write.connect() as connection, connection.begin() as transaction:
            connection.execute(delete(schema.profiles).where(false()))
            transaction.rollback()
    except DATABASE_ERRORS as error:
        raise store_error(error, at.label) from error
    finally:
        connected.write.dispose()


def _room(path: Path | None) -> tuple[tuple[str, str], ...]:
    if path is None:
        return ()
    size, free = path.stat().st_size, shutil.disk_usage(path.parent).free
    return ("size", f"{size / 1e6:,.1f} MB"), ("free on disk", f"{free / 1e9:,.1f} GB")


def _shown(key: str, value: Any) -> str:
    """A setting as it may be printed: without passwords, headers or what a template says."""
    if key == "store":
        return _store_label(value or default_store())
    if key == "fallbacks":
        return ", ".join(_model(model) for model in value) or "none"
    if isinstance(value, ModelSpec):
        return _model(value)
    if key == "summarizer" and isinstance(value, Mapping):
        return _model(ModelSpec.parse(value))
    if isinstance(value, str | int | float | Path):
        return str(value)
    return "as shipped" if value is None else f"({type(value).__name__})"


def _model(model: ModelSpec) -> str:
    at = f" at {_public(model.api_base)}" if model.api_base else ""
    key = f", key in {model.api_key_env}" if model.api_key_env else ""
    return f"{model.name}{at}{key}"


def _store_label(url: str) -> str:
    from popi_sdk.store.engines import place

    try:
        return place(url).label
    except ConfigError:
        return "(not usable)"


def _public(address: str) -> str:
    """An address without user, password and query."""
    try:
        parts = urlsplit(address)
    except ValueError:
        return "an address that cannot be read"
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}"


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return ""


def _numbers(number: str) -> tuple[int, ...]:
    return tuple(int(part) for part in re.findall(r"\d+", number)[:2])
