"""Which model to call and where: one line of config, as a string or a small table.

Read by the configuration, by the backend and by summarizers that are remote models.
"""

from __future__ import annotations

import difflib
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

from popi_sdk.errors import AuthError, ConfigError

_PROVIDER_AND_COLON = re.compile(r"(?!ft:)([A-Za-z0-9_.-]+):(?!//)")
"""`provider:` at the start; OpenAI's fine-tuned models are themselves named `ft:...`."""
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_LONGEST_WORD = 24
"""A longer one without an underscore is no name of a variable but a key in its place."""


@dataclass(frozen=True, slots=True)
class ModelSpec:
    """A model by its LiteLLM name, with an own address, key variable and headers where they are needed.

    Raises:
        ConfigError: a part is empty, of the wrong type, or no address, or a key stands where a variable's name belongs.

    >>> ModelSpec.parse("anthropic:claude-sonnet-4-6").name
    'anthropic/claude-sonnet-4-6'
    """

    name: str
    """ "provider/model"; "provider:model" is taken and rewritten."""
    api_base: str | None = None
    """Address of the provider's API where it is not the usual one."""
    api_key_env: str | None = None
    """Name of the environment variable that holds the key, read at each call; None leaves the choice to LiteLLM."""
    extra_headers: Mapping[str, str] | None = field(default=None, repr=False, hash=False)
    """Sent with each request; never shown, as they may carry keys."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "name", _checked_name(self.name))
        _check_address(self.api_base)
        _check_variable(self.api_key_env)
        _check_headers(self.extra_headers)

    @classmethod
    def parse(cls, value: str | Mapping[str, Any] | ModelSpec) -> ModelSpec:
        """Read a model as config gives it: a string, a table, or a ModelSpec, which is returned as it is.

        Raises:
            ConfigError: the value has another type, lacks `name`, or holds an unknown key (the nearest one is named).
        """
        if isinstance(value, ModelSpec):
            return value
        if isinstance(value, str):
            return cls(value)
        if not isinstance(value, Mapping):
            raise ConfigError(
                f"A model cannot be given as {type(value).__name__}.",
                hint='Give "provider/model" or {"name": "provider/model", "api_base": ...}.',
            )
        known = [part.name for part in fields(cls)]
        for key in value:
            if key not in known:
                raise ConfigError(f"A model has no key {_shown(key)}.", hint=_nearest(str(key), known))
        if "name" not in value:
            raise ConfigError("A model given as a table lacks `name`.", hint='Add name = "provider/model".')
        return cls(**value)

    @property
    def provider(self) -> str:
        """The part before the slash; "" for a bare name, whose provider LiteLLM looks up."""
        provider, slash, _ = self.name.partition("/")
        return provider if slash else ""

    def api_key(self) -> str | None:
        """The key from the variable `api_key_env` names, as it stands now; None when none is named.

        Raises:
            AuthError: the variable is not set or empty.
        """
        if self.api_key_env is None:
            return None
        key = os.environ.get(self.api_key_env, "").strip()
        if not key:
            raise AuthError(
                f"No key for {self.name}: the environment variable {self.api_key_env} is not set.",
                model=self.name,
                hint=f"Set {self.api_key_env} to the provider's key.",
            )
        return key


@dataclass(frozen=True, slots=True)
class SummarizerSpec(ModelSpec):
    """A model that writes summaries, zero-shot, or as it was trained to where `exported` says what it was trained with.

    Raises:
        ConfigError: as ModelSpec, or `exported` is no path.
    """

    exported: str | None = None
    """The directory that `popi-train export` wrote and the server serves; of it, the weights need not lie here."""

    def __post_init__(self) -> None:
        ModelSpec.__post_init__(self)  # `super()` does not work in a dataclass with slots
        if isinstance(self.exported, Path):
            object.__setattr__(self, "exported", str(self.exported))
        if self.exported is not None and not (isinstance(self.exported, str) and self.exported.strip()):
            raise ConfigError("`exported` is no path.", hint="Give the directory that `popi-train export` wrote.")


def _checked_name(name: object) -> str:
    if not isinstance(name, str) or not name.strip():
        raise ConfigError("A model needs a name.", hint='Give it as "provider/model", such as "openai/gpt-4o-mini".')
    name = name.strip()
    if re.search(r"\s|[^\x21-\x7e]", name) or len(name) > 300:
        raise ConfigError(
            "A model's name is at most 300 visible ASCII characters without spaces.",
            hint='Give it as "provider/model", such as "openai/gpt-4o-mini".',
        )
    match = _PROVIDER_AND_COLON.match(name)
    if match:
        name = f"{match[1]}/{name[match.end() :]}"
    if name.startswith("/") or name.endswith("/"):
        raise ConfigError(f"The model name {name!r} lacks its provider or its model.", hint='Give "provider/model".')
    return name


def _check_address(api_base: object) -> None:
    if api_base is None:
        return
    if not isinstance(api_base, str) or not re.match(r"https?://[^/\s]", api_base):
        raise ConfigError("`api_base` is no http address.", hint='Give it such as "http://localhost:8000/v1".')


def _check_variable(name: object) -> None:
    if name is None:
        return
    if isinstance(name, str) and _VARIABLE.fullmatch(name) and ("_" in name or len(name) <= _LONGEST_WORD):
        return
    raise ConfigError(
        "`api_key_env` holds no name of an environment variable.",
        hint='Give the name, such as "OPENAI_API_KEY", not the key itself.',
    )


def _check_headers(headers: object) -> None:
    if headers is None:
        return
    if not isinstance(headers, Mapping) or not all(
        isinstance(name, str) and isinstance(value, str) for name, value in headers.items()
    ):
        raise ConfigError("`extra_headers` must map header names to text.")


def _shown(key: object) -> str:
    """The key as it may be printed: something long is more likely a secret in the wrong place."""
    text = str(key)
    return f"`{text}`" if len(text) <= 40 else "of that length"


def _nearest(key: str, known: list[str]) -> str:
    near = difflib.get_close_matches(key.lower(), known, n=1, cutoff=0.5)
    return f"Did you mean `{near[0]}`?" if near else f"Known keys: {', '.join(known)}."
