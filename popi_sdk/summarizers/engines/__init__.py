"""What runs a trained summarizer's weights: ONNX Runtime GenAI where it is installed, else transformers.

Both do the same: take token ids, choose the likeliest next token again and again, and give back the new ones; or say
how likely given ones are.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Protocol

from popi_sdk.chat_tokens import ChatTokenizer
from popi_sdk.errors import MissingExtraError
from popi_sdk.manifest import ONNX, Form, Manifest

_NEEDS: dict[Form, tuple[tuple[str, ...], str]] = {
    "onnx": (("onnxruntime_genai", "tokenizers"), "embedded"),
    "transformers": (("torch", "transformers"), "train"),
}
"""In order of preference: the packages behind each form, and the extra that brings them."""


class Tokenizer(ChatTokenizer, Protocol):
    """A tokenizer that can also turn ids back into text."""

    def decode(self, token_ids: list[int], *, skip_special_tokens: bool = False) -> str:
        """The text of these ids."""
        ...


class Reading(Protocol):
    """Weights at work on one row of tokens after another; nothing of them is kept when it is let go of."""

    def continued(self, ids: Sequence[int], most: int, stops: Collection[int]) -> list[int]:
        """The likeliest continuation of `ids`: up to `most` tokens, without the one of `stops` that ended it."""
        ...

    def log_probabilities(self, ids: Sequence[int], tokens: Sequence[int], stops: Collection[int]) -> list[float]:
        """How likely `tokens` are behind `ids`: one natural logarithm each, and last that of ending there.

        The end is any of `stops`, so the result is one longer than `tokens`.
        """
        ...


class Engine(Protocol):
    """Weights that are loaded and ready."""

    @property
    def tokenizer(self) -> Tokenizer:
        """The tokenizer that belongs to them."""
        ...

    def open(self, longest: int) -> Reading:
        """Begin to read rows of up to `longest` tokens; a longer one is read as well, at the price of starting anew."""
        ...


def choose_form(folder: Path, manifest: Manifest) -> Form:
    """The form to load: the fastest that lies in `folder` and has its packages installed.

    Raises:
        MissingExtraError: none has; the message names the pip line for the fastest that is there.
    """
    there = [form for form in _NEEDS if form in manifest.forms and _lies_in(folder, form)]
    for form in there:
        if not missing_package(form):
            return form
    best: Form = there[0] if there else manifest.forms[0]
    if not there:
        return best  # its files are looked for next, and the error names the first that is missing
    raise MissingExtraError(missing_package(best), _NEEDS[best][1])


def load_engine(folder: Path, form: Form, threads: int) -> Engine:
    """Load the weights of `form`; `threads` is for the form "onnx", torch has one setting for the whole process.

    Raises:
        MissingExtraError: a package that it needs is not installed.
        Exception: whatever the packages make of files they cannot take.
    """
    if missing := missing_package(form):
        raise MissingExtraError(missing, _NEEDS[form][1])
    if form == "onnx":
        from popi_sdk.summarizers.engines.onnx_engine import OnnxEngine

        return OnnxEngine(folder / ONNX, threads)
    from popi_sdk.summarizers.engines.transformers_engine import TransformersEngine

    return TransformersEngine(folder)


def missing_package(form: Form) -> str:
    """The first package that `form` needs and that is not installed, none being imported; empty when all are."""
    return next((name for name in _NEEDS[form][0] if importlib.util.find_spec(name) is None), "")


def _lies_in(folder: Path, form: Form) -> bool:
    return (folder / ONNX).is_dir() if form == "onnx" else (folder / "config.json").is_file()
