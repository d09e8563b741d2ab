"""The options that commands share, and what is behind them: configuration, signals, prompts."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from popi_sdk.errors import ConfigError, SignalError

if TYPE_CHECKING:
    from popi_sdk.config import Config
    from popi_sdk.signals import Signal

STANDARD_INPUT = "-"

ConfigPath = Annotated[
    str | None, typer.Option("--config", metavar="PATH", help="Configuration file (else popi.toml in this folder).")
]
Store = Annotated[
    str | None,
    typer.Option("--store", metavar="URL", help="Where profiles are kept: sqlite:///path, postgresql://... or memory."),
]
Namespace = Annotated[
    str | None, typer.Option("--namespace", metavar="NAME", help="The app or customer whose users are meant.")
]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON object and nothing else.")]
Signals = Annotated[
    list[str] | None,
    typer.Option("--signals", metavar="FILE", help="JSON, JSON lines or a chat log; - is standard input. Repeatable."),
]
User = Annotated[str, typer.Argument(metavar="USER", help="The user's id in your app.")]


def config_from(path: str | None, store: str | None, namespace: str | None, **more: Any) -> Config:
    """The configuration that a command's options ask for; None leaves a setting as it is.

    Raises:
        ConfigError: a setting cannot be used.
    """
    from popi_sdk.config import load_config

    config = load_config(path, given({"store": store, "namespace": namespace, **more}))
    # A command ends with its answer: there is no time behind it in which to refresh.
    return config.with_overrides({"refresh": "inline"}) if config.refresh == "background" else config


def given(options: Mapping[str, Any]) -> dict[str, Any]:
    """The options that were given."""
    return {name: value for name, value in options.items() if value is not None}


def with_model(config: Config, name: str | None, api_base: str | None) -> Config:
    """The configuration with the model that `--model` and `--api-base` name."""
    from popi_sdk.backend.model_spec import ModelSpec

    model = config.model
    if name is not None and ModelSpec(name).name != model.name:
        model = ModelSpec(name)
    if api_base is not None:
        model = replace(model, api_base=api_base)
    return config.with_overrides({"model": model})


def read_signals(files: Sequence[str] | None) -> tuple[Signal, ...]:
    """The signals of all files, in order.

    Raises:
        SignalError: a file or something in it cannot be taken; the message names the file, and the line or the signal.
    """
    from popi_sdk.intake import coerce

    _check_read_once(files or ())
    found: list[Signal] = []
    for name in files or ():
        found.extend(_read_one(name))
    return coerce(found)


def _read_one(name: str) -> tuple[Signal, ...]:
    from popi_sdk.intake import load, parse

    label = "standard input" if name == STANDARD_INPUT else name
    try:
        return parse(_standard_input(), label) if name == STANDARD_INPUT else load(Path(name))
    except SignalError as error:
        if error.index is None and label in error.message:
            raise
        named = SignalError(f"{label}, {error.message}", hint=error.hint)
        named.index, named.field, named.reason = error.index, error.field, error.reason
        raise named from error


def read_prompt(prompt: str, files: Sequence[str] | None, system: str | None) -> str | list[dict[str, Any]]:
    """The prompt as `Popi.personalize` takes it, from standard input where it is `-`.

    Raises:
        ConfigError: it is empty or not text, or standard input is asked for twice.
    """
    from popi_sdk.signals import check_text

    _check_read_once([prompt, *(files or ())])
    text = _standard_input().rstrip("\n") if prompt == STANDARD_INPUT else prompt
    for name, words in (("PROMPT", text), ("--system", system)):
        try:
            check_text(words if words is not None else "none")
        except ValueError as error:
            raise ConfigError(f"{name} {error}.") from error
    return text if system is None else [{"role": "system", "content": system}, {"role": "user", "content": text}]


def _check_read_once(names: Sequence[str]) -> None:
    if names.count(STANDARD_INPUT) > 1:
        raise ConfigError("Standard input (-) can be read once: as the prompt or as one file of signals.")


def _standard_input() -> str:
    try:
        return sys.stdin.buffer.read().decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise SignalError(f"The standard input is not UTF-8 text (byte {error.start}).") from error
