"""A tokenizer read from the files of an exported directory, without torch or transformers."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

FILES = ("tokenizer.json", "tokenizer_config.json", "chat_template.jinja")
"""What is read; the chat template may stand in the second instead."""


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
