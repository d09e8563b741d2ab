"""Is everything in place? Checks as plain functions that return what they found; `popi doctor` prints them.

versions -> configuration -> models -> store -> summarizer -> templates -> token counting

Nothing of a user's is sent or written. A model's own `api_base` is connected to and let go, a PostgreSQL store is
opened, a summarizer on a server of your own is asked which models it serves and for a summary of a made-up sample: that
is all of the network that is touched, and no provider is called.
"""

from __future__ import annotations

import re
import shutil
import sys
from collections.abc import Mapping
from contextlib import closing
from dataclasses import fields
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from popi_sdk.backend.model_spec import ModelSpec
from popi_sdk.backend.provider_keys import litellm_installed
from popi_sdk.config import Config, config_file, default_store, load_config
from popi_sdk.doctor.finding import Check
from popi_sdk.doctor.models import INSTALL_LITELLM, check_models, shown_model
from popi_sdk.doctor.summarizer import check_summarizer
from popi_sdk.errors import ConfigError, PopiError, SummarizerError

if TYPE_CHECKING:
    from popi_sdk.store.engines import Place

__all__ = ["Check", "check_config", "check_models", "check_store", "check_summarizer", "check_templates",
           "check_tokens", "check_versions", "examine"]  # fmt: skip

OLDEST_LITELLM = (1, 100)
"""Releases 1.82.7 and 1.82.8 stole credentials."""
_PACKAGES = (
    "pydantic", "SQLAlchemy", "litellm", "openai", "anthropic", "mistralai", "psycopg", "tiktoken",
    "onnxruntime-genai", "torch", "transformers",
)  # fmt: skip
_LITTLE_SPACE = 100_000_000
"""Bytes free on the store's disk; below that it will be full before long."""


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


def check_templates(config: Config) -> Check:
    """The templates can be rendered; their version, which is compared where they lie in an exported directory."""
    from popi_sdk.manifest import MANIFEST, read_manifest, read_templates
    from popi_sdk.templates import load_templates

    try:
        templates = load_templates(config.templates)
        if (
            isinstance(config.templates, str | Path)
            and (exported := Path(config.templates).parent / MANIFEST).is_file()
        ):
            read_templates(exported.parent, read_manifest(exported.parent))
    except (ConfigError, SummarizerError) as error:
        return Check("templates", "problem", error.message, error.hint or "Correct the template.")
    whose = "your own" if config.templates is not None else "as shipped"
    return Check("templates", "ok", f"version {templates.version}, {whose}")


def check_tokens() -> Check:
    """Whether tokens are counted or estimated."""
    from popi_sdk.tokens import estimated

    if not estimated():
        return Check("tokens", "ok", "counted exactly (o200k_base)")
    advice = f"For exact counts install LiteLLM, which carries the encoding: {INSTALL_LITELLM}"
    return Check("tokens", "warning", "estimated: no encoding lies on this machine", advice)


def _check_litellm(installed: str) -> Check:
    if not installed or not litellm_installed():
        return Check("litellm", "warning", "not installed: requests can be shown, not sent", f"Run: {INSTALL_LITELLM}")
    if _numbers(installed) < OLDEST_LITELLM:
        oldest = ".".join(map(str, OLDEST_LITELLM))
        return Check("litellm", "warning", f"{installed} is older than {oldest}", f"Run: {INSTALL_LITELLM}")
    return Check("litellm", "ok", installed)


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
        return ", ".join(shown_model(model) for model in value) or "none"
    if isinstance(value, ModelSpec):
        return shown_model(value)
    if key == "summarizer" and isinstance(value, Mapping):
        return shown_model(ModelSpec.parse(value))
    if isinstance(value, str | int | float | Path):
        return str(value)
    return "as shipped" if value is None else f"({type(value).__name__})"


def _store_label(url: str) -> str:
    from popi_sdk.store.engines import place

    try:
        return place(url).label
    except ConfigError:
        return "(not usable)"


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return ""


def _numbers(number: str) -> tuple[int, ...]:
    return tuple(int(part) for part in re.findall(r"\d+", number)[:2])
