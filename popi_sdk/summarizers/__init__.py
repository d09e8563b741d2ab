"""What turns signals into a summary: one protocol, and the summarizers behind it.

contrast          deterministic, needs no model (`contrast.py`)
"provider/model"  any model LiteLLM reaches (`remote.py`)
your own          any object with `summarize`
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Protocol, cast, runtime_checkable

from popi_sdk.backend.model_spec import ModelSpec
from popi_sdk.errors import ConfigError
from popi_sdk.signals import Signal
from popi_sdk.summary import Summary

if TYPE_CHECKING:
    from popi_sdk.config import Config
    from popi_sdk.templates import Templates


@runtime_checkable
class Summarizer(Protocol):
    """Anything with `summarize`; give one to `Popi(summarizer=...)` to use your own.

    Optional attributes: `name` (stands in `summary.model`), `input_tokens` (beyond that much history it is shown its
    previous summary and what is new), `asummarize` (awaited by AsyncPopi; without it `summarize` runs in a thread).
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
    """
    chosen = config.summarizer
    if isinstance(chosen, str | Mapping | ModelSpec):
        if chosen in ("auto", "contrast"):
            from popi_sdk.summarizers.contrast import Contrast

            return Contrast()
        return _remote(chosen, config, backend, templates)
    if not isinstance(chosen, Summarizer):
        raise ConfigError(
            f"`summarizer` is a {type(chosen).__name__} without `summarize`",
            hint='Give "auto", "contrast", "provider/model", or an object with summarize(signals, previous=None).',
        )
    return chosen


def _remote(
    chosen: str | Mapping[str, Any] | ModelSpec, config: Config, backend: Any, templates: Templates
) -> Summarizer:
    from popi_sdk.summarizers.remote import RemoteSummarizer

    if isinstance(chosen, str) and (chosen.startswith((".", "/", "~")) or not {"/", ":"} & set(chosen)):
        raise ConfigError(
            f"`summarizer` cannot be {chosen[:60]!r}",
            hint='This version has "auto", "contrast", "provider/model", and objects with `summarize`; '
            "summarizers from a trained directory come with the trainer.",
        )
    return cast(
        "Summarizer",
        RemoteSummarizer(
            ModelSpec.parse(chosen),
            backend,
            max_summary_tokens=config.max_summary_tokens,
            templates=templates,
            timeout=config.timeout,
            retries=config.retries,
        ),
    )
