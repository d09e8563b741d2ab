"""Token counts with what lies on this machine: tiktoken's cache or the encodings LiteLLM carries; never a download.

Where neither is there, a count is estimated from the number of bytes and `estimated()` says so.
"""

from __future__ import annotations

import hashlib
import importlib.util
import os
import tempfile
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import tiktoken

_ENCODING = "o200k_base"
_FILE = "fb374d419588a4632f3f557e76b4b70aebbca790"
"""tiktoken's cache name for the file of `o200k_base` (SHA-1 of its address)."""
_SHA256 = "446a9538cb6c348e3516120d7c08b09f57c36495e2acfffe59a5bf8b0cfb1a2d"
_BYTES_PER_TOKEN = 4.2
"""English prose in `o200k_base`; other languages come out a little high, which is the safe side for a budget."""
_PIECE = 20_000
"""Characters encoded at a time: tiktoken's regular expression runs out of stack on a million spaces."""


def count_tokens(text: str) -> int:
    """Length of `text` in tokens of `o200k_base` (GPT-4o and later); an estimate where `estimated()` is true.

    >>> count_tokens("")
    0
    """
    if not text:
        return 0
    return _counts.of(text) if len(text) <= 2_000 else _count(text)


def estimated() -> bool:
    """Whether counts are estimates because no encoding lies on this machine."""
    return _encoding() is None


class _Counts:
    """The counts of texts met lately, by a digest: what somebody said must not stay in memory once it is forgotten."""

    def __init__(self, most: int = 4_096) -> None:
        self._most = most
        self._known: dict[bytes, int] = {}

    def of(self, text: str) -> int:
        digest = hashlib.blake2b(text.encode("utf-8", "replace"), digest_size=16).digest()
        count = self._known.get(digest)
        if count is None:
            count = _count(text)
            if len(self._known) >= self._most:
                self._known.clear()
            self._known[digest] = count
        return count


_counts = _Counts()


def _count(text: str) -> int:
    encoding = _encoding()
    if encoding is None:
        return max(1, round(len(text.encode("utf-8", "replace")) / _BYTES_PER_TOKEN))
    pieces = (text[start : start + _PIECE] for start in range(0, len(text), _PIECE))
    return sum(len(encoding.encode_ordinary(piece)) for piece in pieces)


@cache
def _encoding() -> tiktoken.Encoding | None:
    folder = next((folder for folder in _folders() if _holds_encoding(folder)), None)
    if folder is None:
        return None
    import tiktoken

    # tiktoken reads its folder from the environment only; the file was verified above, so nothing is fetched.
    before = os.environ.get("TIKTOKEN_CACHE_DIR")
    os.environ["TIKTOKEN_CACHE_DIR"] = str(folder)
    try:
        return tiktoken.get_encoding(_ENCODING)
    finally:
        if before is None:
            del os.environ["TIKTOKEN_CACHE_DIR"]
        else:
            os.environ["TIKTOKEN_CACHE_DIR"] = before


def _folders() -> list[Path]:
    named = os.environ.get("TIKTOKEN_CACHE_DIR") or os.environ.get("DATA_GYM_CACHE_DIR")
    folders = [Path(named) if named else Path(tempfile.gettempdir()) / "data-gym-cache"]
    litellm = importlib.util.find_spec("litellm")
    if litellm is not None and litellm.origin is not None:
        folders.append(Path(litellm.origin).parent / "litellm_core_utils" / "tokenizers")
    return folders


def _holds_encoding(folder: Path) -> bool:
    try:
        return hashlib.sha256((folder / _FILE).read_bytes()).hexdigest() == _SHA256
    except OSError:
        return False
