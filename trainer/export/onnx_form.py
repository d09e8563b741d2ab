"""Weights to ONNX Runtime GenAI's int4 form, by its own model builder in a process of its own.

The builder puts its folder on Python's path, prints as it goes and holds the weights several times; a process of its
own keeps all that away from training, and its death is an error like any other.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
from importlib.util import find_spec
from pathlib import Path
from typing import Literal, TypeAlias

from popi_sdk.errors import MissingExtraError, PopiError

_PACKAGES = ("onnxruntime_genai", "onnx", "onnx_ir")
_QUANTIZATION = ("algo_config=rtn", "matmul_mixed_precision=last_matmul:int8,mixed_layers:int8")
"""int4 in blocks of 32, int8 for the output layer (which is also the embedding where they are tied) and the layers
that suffer most. On random weights of 41 million parameters the KL divergence to float32 was 0.05 to 0.08 nats with it
and 0.10 to 0.18 with int4 everywhere, for the same speed; k-quants were as good and took twice as long to build."""


Precision: TypeAlias = Literal["int4", "fp32"]
"""float32 is for models of a few million weights, which int4 rounds too coarsely and which are small as they are."""


class ExportError(PopiError):
    """A trained model could not be exported; nothing was left where it would have been."""


def build_onnx(weights: Path, out: Path, precision: Precision = "int4") -> tuple[str, ...]:
    """Write the model in `weights` (as `from_pretrained` reads it) to `out` in that precision; returns warnings.

    Nothing is downloaded, and no code that lies in `weights` is run.

    Raises:
        MissingExtraError: the builder is not installed.
        ExportError: it does not know the architecture, or failed.
    """
    for package in _PACKAGES:
        if find_spec(package) is None:
            raise MissingExtraError(package, "train")
    with tempfile.TemporaryDirectory(dir=out.parent, prefix=".onnx-cache-") as cache:
        done = subprocess.run(
            _command(weights, out, Path(cache), precision), env=_offline(), capture_output=True, text=True
        )
    if done.returncode or not (out / "model.onnx").is_file():
        raise ExportError(
            f"ONNX Runtime GenAI's model builder failed: {_reason(done)}",
            hint="Export with --no-onnx; the summarizer then needs torch and transformers where it runs.",
        )
    return _warnings(done.stderr)


def _command(weights: Path, out: Path, cache: Path, precision: Precision) -> list[str]:
    builder = [sys.executable, "-m", "onnxruntime_genai.models.builder"]
    where = ["--input", str(weights.absolute()), "--output", str(out.absolute()), "--cache_dir", str(cache.absolute())]
    kind = ["--precision", precision, "--execution_provider", "cpu"]
    rounded = _QUANTIZATION if precision == "int4" else ()
    return [*builder, *where, *kind, "--extra_options", "hf_token=false", *rounded]


def _offline() -> dict[str, str]:
    silent = {"HF_HUB_OFFLINE": "1", "HF_HUB_DISABLE_TELEMETRY": "1", "ORT_DISABLE_TELEMETRY": "1"}
    return os.environ | silent | {"PYTHONWARNINGS": "default"}


def _reason(done: subprocess.CompletedProcess[str]) -> str:
    """The builder's last word: usually the line of an exception."""
    if done.returncode < 0:
        return f"it was ended by signal {-done.returncode} (9: not enough memory)"
    lines = [line.strip() for line in done.stderr.splitlines() if line.strip()]
    return lines[-1][:300] if lines else f"exit status {done.returncode}"


def _warnings(said: str) -> tuple[str, ...]:
    """The warnings among what it said, each once."""
    found = re.findall(r"^(?:.*Warning: .*|.*\[?WARNING\]?.*)$", said, re.MULTILINE)
    return tuple(dict.fromkeys(line.strip()[:300] for line in found))
