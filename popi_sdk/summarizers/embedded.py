"""The summarizer that ships inside the package: weights of our own, small enough for the wheel, run by ONNX Runtime.

popi_sdk/embedded/      as `popi-train export` writes it, the form "onnx" alone
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from popi_sdk.errors import ConfigError, PopiError
from popi_sdk.manifest import MANIFEST, read_manifest
from popi_sdk.summarizers.engines import missing_package

if TYPE_CHECKING:
    from popi_sdk.summarizers.quoting import QuotingSummarizer

_log = logging.getLogger("popi_sdk")

FOLDER = Path(__file__).resolve().parent.parent / "embedded"
BETTER = "better_than_contrast"
"""What the evaluation shipped in `popi.json` calls its verdict."""


@dataclass(frozen=True, slots=True)
class Choice:
    """What "auto" takes."""

    summarizer: QuotingSummarizer | None
    """The embedded model; None for contrast."""
    why: str


def embedded(threads: int = 1) -> QuotingSummarizer:
    """The embedded model; its weights are loaded when the first summary is wanted.

    Raises:
        ConfigError: this install ships none.
        MissingExtraError: what runs its weights is not installed.
        SummarizerError: its files are damaged.
    """
    from popi_sdk.summarizers.quoting import QuotingSummarizer

    if not _is_shipped():
        raise ConfigError(
            "`summarizer`: this install of popi-sdk ships no embedded model",
            hint='Install a release, or set summarizer = "contrast" or a directory that `popi-train export` wrote.',
        )
    return QuotingSummarizer(FOLDER, threads=threads)


def choose(threads: int = 1) -> Choice:
    """What "auto" takes: the embedded model where it can be run and its evaluation shows it better than contrast.

    Neither the packages that run the weights nor the weights themselves are loaded for it.
    """
    if not _is_shipped():
        return Choice(None, "this install ships no embedded model")
    if missing := missing_package("onnx"):
        return Choice(None, f'the embedded model needs {missing}: pip install "popi-sdk[embedded]"')
    try:
        if read_manifest(FOLDER).metrics.get(BETTER) is not True:
            return Choice(None, "the evaluation shipped with the embedded model does not show it better than contrast")
        return Choice(embedded(threads), "the evaluation shipped with it shows it better than contrast")
    except PopiError as error:
        _log.warning("The embedded summarizer cannot be used, contrast takes its place: %s", error)
        return Choice(None, f"the embedded model cannot be used: {error.message}")


def _is_shipped() -> bool:
    return (FOLDER / MANIFEST).is_file()
