"""Datasets of the Hugging Face hub, fetched as the files they are, so that rows keep their file and number.

The whole repository is fetched once into the hub's own cache and read like a folder. (`datasets.load_dataset` would
make one table of all files: AlignX-test keeps its four test sets apart by file name alone.)
"""

from __future__ import annotations

import re
from pathlib import Path

from popi_sdk.errors import ConfigError, MissingExtraError
from trainer.datasets.rows import SUFFIXES

_ANSWER_SECONDS = 10
"""How long the hub may take to say what it holds; a machine without a network is told so at once."""


def is_hub_id(source: str) -> bool:
    """Whether a source that is no path here can be a dataset of the hub.

    >>> is_hub_id("JinaLeejnl/AlignX"), is_hub_id("data/answers.jsonl"), is_hub_id("../AlignX")
    (True, False, False)
    """
    whole = re.fullmatch(r"[A-Za-z0-9][\w.-]*/[A-Za-z0-9][\w.-]*", source)
    return whole is not None and Path(source).suffix.lower() not in SUFFIXES


def fetch(source: str) -> Path:
    """The folder that holds the dataset's files, fetched where they are not here yet.

    Raises:
        ConfigError: the hub cannot be reached or does not give the dataset, and it was not fetched before.
    """
    try:
        import httpx
        from huggingface_hub import HfApi, snapshot_download
    except ImportError as error:
        raise MissingExtraError("huggingface-hub", "train") from error
    patterns = [f"*{suffix}" for suffix in SUFFIXES]
    unreached: Exception | None = None
    try:
        HfApi().dataset_info(source, timeout=_ANSWER_SECONDS)  # The download itself would wait without end.
    except (OSError, httpx.HTTPError) as error:
        unreached = error
    try:
        folder = snapshot_download(
            source, repo_type="dataset", allow_patterns=patterns, local_files_only=unreached is not None
        )
    except (OSError, httpx.HTTPError) as error:
        cause = unreached or error
        raise ConfigError(
            f"`{source}` is no file or folder here, and the hub did not give it: {_in_one_line(cause)}",
            hint="Check the name and the network, log in where the dataset asks for it, or give a local copy.",
        ) from cause
    return Path(str(folder))


def _in_one_line(error: Exception) -> str:
    lines = str(error).strip().splitlines()
    return lines[0] if lines else type(error).__name__
