"""Trained weights in ONNX Runtime GenAI: on the CPU, without torch or transformers."""

from __future__ import annotations

import json
import os
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Any

import numpy as np  # comes with ONNX Runtime; this module is loaded with the weights only

from popi_sdk.summarizers.engines.exported_tokenizer import ExportedTokenizer

BLOCK = 64
"""Tokens that are read at once. What stands in a block is computed the same however it was come by, so that a row has
the same result to the last bit whether its beginning was read before or not. Blocks of 32 to 256 tokens took as long
as 1,500 at once or less, and 75 MB instead of 125 with a vocabulary of 4,096."""


class OnnxEngine:
    """An `Engine` over a folder that ONNX Runtime GenAI's model builder wrote, on `threads` threads."""

    def __init__(self, folder: Path, threads: int) -> None:
        _send_nothing()
        import onnxruntime_genai

        config = onnxruntime_genai.Config(str(folder))
        config.overlay(json.dumps({"model": {"decoder": {"session_options": {"intra_op_num_threads": threads}}}}))
        self._genai = onnxruntime_genai
        self._model = onnxruntime_genai.Model(config)
        self.tokenizer = ExportedTokenizer(folder)

    def open(self, longest: int) -> OnnxReading:
        """See `Engine`."""
        return OnnxReading(self._genai, self._model, longest)


class OnnxReading:
    """A `Reading` that does not read again what a row has in common with the one before it, from the first token on."""

    def __init__(self, genai: Any, model: Any, longest: int) -> None:
        self._genai = genai
        self._model = model
        self._longest = longest
        self._generator: Any = None
        self._blocks: list[int] = []
        """What the generator has read in whole blocks."""

    def continued(self, ids: Sequence[int], most: int, stops: Collection[int]) -> list[int]:
        """See `Reading`."""
        rest = self._read_blocks(ids[:-1], len(ids) + most)
        self._generator.append_tokens([*rest, ids[-1]])
        new: list[int] = []
        while len(new) < most and not self._generator.is_done():
            self._generator.generate_next_token()
            token = int(self._generator.get_next_tokens()[0])
            if token in stops:
                break
            new.append(token)
        return new

    def log_probabilities(self, ids: Sequence[int], tokens: Sequence[int], stops: Collection[int]) -> list[float]:
        """See `Reading`."""
        rest = self._read_blocks(ids[:-1], len(ids) + len(tokens))
        self._generator.append_tokens([*rest, ids[-1], *tokens])
        logits = self._generator.get_output("logits")[0, len(rest) :].astype("float64")  # (1 + tokens, vocabulary)
        logits -= logits.max(axis=-1, keepdims=True)
        scores = logits - np.log(np.exp(logits).sum(axis=-1, keepdims=True))
        told = scores[np.arange(len(tokens)), np.asarray(tokens, dtype=int)]
        return [*told.tolist(), float(np.logaddexp.reduce(scores[-1, sorted(stops)]))]

    def _read_blocks(self, ids: Sequence[int], longest: int) -> list[int]:
        """Have read the whole blocks of `ids` and nothing else, with room for `longest` tokens; returns the rest."""
        whole = len(ids) // BLOCK * BLOCK
        shared = _shared(self._blocks, ids[:whole]) // BLOCK * BLOCK
        if self._generator is None or longest > self._longest or not self._rewound(shared):
            self._longest = max(longest, self._longest)
            self._generator = self._new_generator()
            shared = 0
        for start in range(shared, whole, BLOCK):
            self._generator.append_tokens(list(ids[start : start + BLOCK]))
        self._blocks = list(ids[:whole])
        return list(ids[whole:])

    def _rewound(self, length: int) -> bool:
        try:
            self._generator.rewind_to(length)
        except Exception:  # architectures with a sliding window cannot go back, and raise what they like
            return False
        return True

    def _new_generator(self) -> Any:
        settings = self._genai.GeneratorParams(self._model)
        # The base model's generation settings lie beside the weights and may ask for penalties or sampling.
        settings.set_search_options(
            max_length=self._longest, min_length=0, do_sample=False, num_beams=1, repetition_penalty=1.0
        )
        return self._genai.Generator(self._model, settings)


def _shared(one: Sequence[int], other: Sequence[int]) -> int:
    """How many tokens two rows have in common at their beginning."""
    pairs = enumerate(zip(one, other, strict=False))
    return next((place for place, (left, right) in pairs if left != right), min(len(one), len(other)))


def _send_nothing() -> None:
    """Keep ONNX Runtime from reporting to its maker, which it does unless this is set before it loads a model.

    Its official builds send names and digests of models with an identifier of the device, on Linux as well.
    """
    os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")
