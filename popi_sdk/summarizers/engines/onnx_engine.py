"""Trained weights in ONNX Runtime GenAI: int4, on the CPU, without torch or transformers."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any


class ExportedTokenizer:
    """A tokenizer read from its files with the package `tokenizers` alone; makes the ids that transformers makes."""

    def __init__(self, folder: Path) -> None:
        from tokenizers import Tokenizer

        self._tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
        self._tokenizer.no_truncation()
        self._tokenizer.no_padding()
        settings = json.loads((folder / "tokenizer_config.json").read_text("utf-8"))
        self.special_tokens_map = {
            name: token["content"] if isinstance(token, Mapping) else token
            for name, token in settings.items()
            if name.endswith("_token") and isinstance(token, str | Mapping)
        }
        apart = folder / "chat_template.jinja"
        self.chat_template: Any = apart.read_text("utf-8") if apart.is_file() else settings.get("chat_template")

    def encode(self, text: str, *, add_special_tokens: bool = True) -> list[int]:
        """The text's token ids."""
        return list(self._tokenizer.encode(text, add_special_tokens=add_special_tokens).ids)

    def decode(self, token_ids: list[int], *, skip_special_tokens: bool = False) -> str:
        """The text of these ids."""
        return str(self._tokenizer.decode(token_ids, skip_special_tokens=skip_special_tokens))


class OnnxEngine:
    """An `Engine` over a folder that ONNX Runtime GenAI's model builder wrote."""

    def __init__(self, folder: Path) -> None:
        import onnxruntime_genai

        self._genai = onnxruntime_genai
        self._model = onnxruntime_genai.Model(str(folder))
        self.tokenizer = ExportedTokenizer(folder)

    def continued(self, ids: Sequence[int], most: int, stops: Collection[int]) -> list[int]:
        """See `Engine`."""
        settings = self._genai.GeneratorParams(self._model)
        # The base model's generation settings lie beside the weights and may ask for penalties or sampling.
        settings.set_search_options(
            max_length=len(ids) + most, min_length=0, do_sample=False, num_beams=1, repetition_penalty=1.0
        )
        generator = self._genai.Generator(self._model, settings)
        generator.append_tokens(list(ids))
        new: list[int] = []
        while len(new) < most and not generator.is_done():
            generator.generate_next_token()
            token = int(generator.get_next_tokens()[0])
            if token in stops:
                break
            new.append(token)
        return new
