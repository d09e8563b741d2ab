"""What turns signals into a summary: one protocol, and the summarizers behind it.

auto              embedded where it is installed and was shown to be better, else contrast (`embedded.py`)
embedded          weights that ship inside the package, run in this process
contrast          deterministic, needs no model (`contrast.py`)
a directory       weights that the trainer exported, run in this process (`trained.py`), or versions of them, of which
                  the current one is followed (`followed.py`)
"provider/model"  any model LiteLLM reaches (`remote.py`), or weights that the trainer exported, behind a server
                  (`served.py`)
your own          any object with `summarize`
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

from popi_sdk.backend.model_spec import ModelSpec, SummarizerSpec
from popi_sdk.errors import ConfigError
from popi_sdk.signals import Signal
from popi_sdk.summarizers.followed import CURRENT, FollowedSummarizer
from popi_sdk.summary import Summary

if TYPE_CHECKING:
    from popi_sdk.config import Config
    from popi_sdk.templates import Templates


@runtime_checkable
class Summarizer(Protocol):
    """Anything with `summarize`; give one to `Popi(summarizer=...)` to use your own.

    Optional attributes: `name` (stands in `summary.model`), `input_tokens` (beyond that much history it is shown its
    previous summary and what is new), `asummarize` (awaited by AsyncPopi; without it `summarize` runs in a thread),
    `names_sources` (true when each clause names the signals behind it and nothing else is; of one without it,
    everything counts as untrusted as soon as one of the signals it was shown is).
    """

    def summarize(self, signals: Sequence[Signal], previous: Summary | None = None) -> Summary | str:
        """Say how the user behind `signals` (oldest first) likes to be answered; empty when they do not show it.

        `previous` is the summary to bring up to date when `signals` are only the ones that are new since.
        """
        ...


def make_summarizer(config: Config, backend: Any, templates: Templates) -> Summarizer:
    """The summarizer that `config.summarizer` names.

    Raises:
        ConfigError: it names none.
        SummarizerError: it names a trained summarizer, and that cannot be used.
    """
    chosen = config.summarizer
    if isinstance(chosen, str) and chosen in ("auto", "contrast", "embedded"):
        return _of_the_package(chosen, config.embedded_threads)
    if isinstance(chosen, Path) or (isinstance(chosen, str) and _means_a_directory(chosen)):
        return _trained(Path(os.path.expanduser(chosen)), config.embedded_threads)
    if isinstance(chosen, str | Mapping | ModelSpec):
        return _remote(chosen, config, backend, templates)
    if not isinstance(chosen, Summarizer):
        raise ConfigError(
            f"`summarizer` is a {type(chosen).__name__} without `summarize`",
            hint='Give "auto", "embedded", "contrast", a trained directory, "provider/model", or an object with '
            "summarize(signals, previous=None).",
        )
    return chosen


def _means_a_directory(chosen: str) -> bool:
    """Whether a name looks like a path, or is that of a trained directory in the working folder."""
    if chosen.startswith((".", "/", "~")) or os.path.isabs(chosen):
        return True
    return any(os.path.isfile(os.path.join(chosen, name)) for name in ("popi.json", CURRENT))


def _of_the_package(name: str, threads: int) -> Summarizer:
    if name != "contrast":
        from popi_sdk.summarizers.embedded import choose, embedded

        trained = embedded(threads) if name == "embedded" else choose(threads).summarizer
        if trained is not None:
            return trained
    from popi_sdk.summarizers.contrast import Contrast

    return Contrast()


def _trained(folder: Path, threads: int) -> Summarizer:
    from popi_sdk.summarizers.trained import TrainedSummarizer

    if not os.path.isdir(folder):
        raise ConfigError(
            f"`summarizer`: there is no directory {str(folder)[:200]}",
            hint="Give a directory that `popi-train export` wrote; relative paths start in the working folder.",
        )
    if (folder / CURRENT).is_file():
        return FollowedSummarizer(folder, threads=threads)
    return TrainedSummarizer(folder, threads=threads)


def _remote(
    chosen: str | Mapping[str, Any] | ModelSpec, config: Config, backend: Any, templates: Templates
) -> Summarizer:
    from popi_sdk.summarizers.remote import RemoteSummarizer

    if isinstance(chosen, str) and not {"/", ":"} & set(chosen):
        raise ConfigError(
            f"`summarizer` cannot be {chosen[:60]!r}",
            hint='There are "auto", "embedded", "contrast", a directory exported by the trainer, "provider/model", and '
            "objects with `summarize`.",
        )
    model = SummarizerSpec.parse(chosen)
    if isinstance(model, SummarizerSpec) and model.exported is not None:
        from popi_sdk.summarizers.served import ServedSummarizer

        folder = Path(os.path.expanduser(model.exported))
        return ServedSummarizer(model, folder, backend, timeout=config.timeout, retries=config.retries)
    return RemoteSummarizer(
        model,
        backend,
        max_summary_tokens=config.max_summary_tokens,
        templates=templates,
        timeout=config.timeout,
        retries=config.retries,
    )
