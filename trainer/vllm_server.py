"""What the trainer asks of a vLLM server, over HTTP: which models it holds, to load or drop an adapter, to sample.

A server that is busy, that was started anew or whose connection broke is asked again a few times; all these requests
may be repeated without harm.
"""

from __future__ import annotations

import contextlib
import json
import os
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from http.client import HTTPException
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.request import Request, urlopen

from trainer.errors import TrainingError

PAUSES = (1.0, 2.0, 4.0, 8.0, 16.0)
"""Seconds before each further attempt."""
TIMEOUT = 300.0
"""Seconds an answer may take; one prompt's samples take a few, and may have to wait for others'."""
BUSY = (429, 502, 503, 504)
"""Status codes that pass."""
KEY_VARIABLE = "VLLM_API_KEY"
"""The environment variable from which `vllm serve` itself takes the key it asks for."""
AS_IT_IS: Mapping[str, Any] = {
    "top_p": 1.0,
    "top_k": 0,
    "min_p": 0.0,
    "repetition_penalty": 1.0,
    "presence_penalty": 0.0,
    "frequency_penalty": 0.0,
}
"""What is not named, vLLM takes from the model's generation_config.json, which for chat models cuts and penalises."""


class RefusedError(TrainingError):
    """The server answered that it will not do this."""


@dataclass(frozen=True, slots=True)
class Served:
    """A model or adapter that the server holds."""

    name: str
    root: str
    """What it was loaded from: a hub id or a path."""
    is_adapter: bool


@dataclass(frozen=True, slots=True)
class Choice:
    """One sampled continuation."""

    tokens: list[int]
    """With the stop token, where one ended it."""
    reason: str
    """Why it ended."""


@dataclass(frozen=True, slots=True)
class VllmServer:
    """One server, by its address without a slash at the end."""

    url: str

    def models(self) -> list[Served]:
        """Everything the server holds.

        Raises:
            TrainingError: it cannot be reached, or is no vLLM server.
        """
        cards = self._json("/v1/models", None, "data")
        try:
            return [Served(card["id"], card["root"], bool(card.get("parent"))) for card in cards]
        except (KeyError, TypeError) as error:
            raise self._no_vllm("/v1/models") from error

    def load(self, name: str, folder: Path) -> None:
        """Make an adapter known under a new name.

        Raises:
            TrainingError: the server cannot be reached, does not allow it, or finds no adapter that fits.
        """
        try:
            self._asked("/v1/load_lora_adapter", {"lora_name": name, "lora_path": str(folder)})
        except RefusedError as error:
            # An answer may be lost after the adapter was loaded, and the second request be refused for that.
            if any(model.name == name for model in self.models()):
                return
            raise TrainingError(
                f"The adapter {folder} cannot be loaded: {error.message}",
                hint="Start it with VLLM_ALLOW_RUNTIME_LORA_UPDATING=True, --enable-lora and a --max-lora-rank of at "
                "least `model.lora_rank`, where this folder is found under the same path.",
            ) from error

    def unload(self, name: str) -> None:
        """Let go of an adapter.

        Raises:
            RefusedError: the server does not hold it, or cannot.
            TrainingError: the server cannot be reached.
        """
        self._asked("/v1/unload_lora_adapter", {"lora_name": name})

    def complete(
        self,
        name: str,
        prompt: Sequence[int],
        *,
        count: int,
        temperature: float,
        seed: int,
        stops: Sequence[int],
        max_tokens: int,
    ) -> list[Choice]:
        """Continue a prompt `count` times, with `temperature` alone between the model's probabilities and the draw.

        Raises:
            TrainingError: the server cannot be reached, refuses, or answers with something else.
        """
        wanted = {"model": name, "prompt": list(prompt), "n": count, "temperature": temperature, "seed": seed}
        # The stops given are all there are: with `ignore_eos` vLLM adds none of its own.
        ends = {"max_tokens": max_tokens, "stop_token_ids": list(stops), "ignore_eos": True}
        told = {"return_token_ids": True, "skip_special_tokens": False}
        choices = self._json("/v1/completions", {**wanted, **ends, **told, **AS_IT_IS}, "choices")
        try:
            found = [Choice([*map(int, choice["token_ids"])], str(choice["finish_reason"])) for choice in choices]
        except (KeyError, TypeError, ValueError) as error:
            raise self._no_vllm("/v1/completions") from error
        if len(found) != count:
            raise TrainingError(f"The vLLM server {self.url} wrote {len(found)} samples where {count} were asked for")
        return found

    def _json(self, path: str, body: Mapping[str, Any] | None, key: str) -> Any:
        try:
            return json.loads(self._asked(path, body))[key]
        except (ValueError, KeyError, TypeError) as error:
            raise self._no_vllm(path) from error

    def _no_vllm(self, path: str) -> TrainingError:
        return TrainingError(
            f"{self.url}{path} answers otherwise than vLLM does",
            hint="`rollout.server` is the address of `vllm serve`, version 0.10.2 or newer, without /v1.",
        )

    def _asked(self, path: str, body: Mapping[str, Any] | None) -> bytes:
        for pause in PAUSES:
            with contextlib.suppress(_PassingError):
                return self._asked_once(path, body)
            time.sleep(pause)
        try:
            return self._asked_once(path, body)
        except _PassingError as error:
            raise TrainingError(
                f"The vLLM server {self.url} cannot be asked {path}: {error}",
                hint="Start it, see that `rollout.server` is its address, and go on with --resume.",
            ) from error

    def _asked_once(self, path: str, body: Mapping[str, Any] | None) -> bytes:
        headers = {"Content-Type": "application/json"}
        if key := os.environ.get(KEY_VARIABLE):
            headers["Authorization"] = f"Bearer {key}"
        data = None if body is None else json.dumps(body).encode("utf-8")
        try:
            with urlopen(Request(self.url + path, data, headers), timeout=TIMEOUT) as answer:
                return bytes(answer.read())
        except HTTPError as error:
            with error:
                said = f"{error.code} {error.read(500).decode('utf-8', 'replace')}"
            if error.code in BUSY:
                raise _PassingError(said) from error
            raise RefusedError(f"The vLLM server {self.url} refuses {path}: {said}") from error
        except (OSError, HTTPException) as error:
            raise _PassingError(str(error) or type(error).__name__) from error


class _PassingError(Exception):
    """The same request may do in a moment."""
