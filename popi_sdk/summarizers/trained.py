"""A summarizer that the trainer exported, run in this process from its directory.

What it reads is checked when it is made; its weights are loaded when the first summary is wanted.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from threading import RLock

from popi_sdk.chat_tokens import prompt_ids
from popi_sdk.errors import PopiError, SummarizerError
from popi_sdk.manifest import Form, check_files, digest_of, read_manifest, read_templates
from popi_sdk.render import render
from popi_sdk.signals import Signal
from popi_sdk.summarizers.engines import Engine, Tokenizer, choose_form, load_engine
from popi_sdk.summarizers.written import answer_of, log_left_out
from popi_sdk.summary import Summary

_TRIES = 6
"""Prompts that are rendered, each shorter than the one before, until one fits the model's window."""
_SAFETY = 0.95
"""A shorter prompt aims a little below what would just fit, as signals are shortened in steps."""


class TrainedSummarizer:
    """Writes summaries with a model that was trained for it, prompted exactly as in its training.

    Args:
        folder: a directory that `popi-train export` wrote.
        form: the form of the weights to load; the fastest that can be loaded unless you name one.

    Raises:
        IncompatibleSummarizerError: it was trained with another renderer or other templates than it would get here.
        MissingExtraError: what runs its weights is not installed.
        SummarizerError: the directory is none, damaged, or holds a generator.
    """

    def __init__(self, folder: str | Path, form: Form | None = None) -> None:
        self.folder = Path(folder)
        self.manifest = read_manifest(self.folder)
        if self.manifest.role != "summarizer":
            raise SummarizerError(
                f"{self.folder} holds a {self.manifest.role}, not a summarizer",
                hint="Serve it and name it as `model`; its README.md says how.",
            )
        self._templates = read_templates(self.folder, self.manifest)
        self.form: Form = form or choose_form(self.folder, self.manifest)
        check_files(self.folder, self.manifest, self.form)
        self.name = f"{self.folder.resolve().name}@{digest_of(self.folder)}"
        self.input_tokens = self.manifest.input_tokens
        self._engine: Engine | None = None
        self._process = 0
        self._lock = RLock()

    def summarize(self, signals: Sequence[Signal], previous: Summary | None = None) -> str:
        """Write a summary of `signals`, or bring `previous` up to date with them.

        Raises:
            SummarizerError: the weights cannot be loaded or run, or no signal fits the model's window.
        """
        with self._alone():
            return self.text_of(self.summary_ids(self.prompt(signals, previous)))

    def prompt(self, signals: Sequence[Signal], previous: Summary | None = None) -> list[int]:
        """The tokens the model is given: as many of the signals as fit its window beside the longest summary.

        Raises:
            SummarizerError: not even one signal fits.
        """
        with self._alone():
            return self._fitting(self._ready().tokenizer, signals, previous)

    def summary_ids(self, prompt: Sequence[int]) -> list[int]:
        """The tokens of the summary that follows `prompt`.

        Raises:
            SummarizerError: the weights cannot be loaded or run.
        """
        with self._alone():
            engine = self._ready()
            try:
                return engine.continued(prompt, self.manifest.max_summary_tokens, self.manifest.stop_tokens)
            except Exception as error:
                raise SummarizerError(f"{self.name} failed while it wrote: {_first_line(error)}") from error

    def text_of(self, ids: Sequence[int]) -> str:
        """The summary that `ids` say; empty when they say that there is none."""
        with self._alone():
            return answer_of(self._ready().tokenizer.decode(list(ids), skip_special_tokens=True))

    def _fitting(self, tokenizer: Tokenizer, signals: Sequence[Signal], previous: Summary | None) -> list[int]:
        room = self.manifest.window - self.manifest.max_summary_tokens
        budget = self.input_tokens
        for _ in range(_TRIES):
            rendered = render(
                signals,
                max_summary_tokens=self.manifest.max_summary_tokens,
                previous=previous,
                input_tokens=budget,
                templates=self._templates,
            )
            ids = prompt_ids(tokenizer, rendered.messages)
            if len(ids) <= room and (rendered.signal_ids or not signals):
                log_left_out(self.name, rendered, budget)
                return ids
            # The renderer counts other tokens than the model's own; the ratio is known once both counted the same.
            budget = int(min(budget, rendered.tokens) * room / len(ids) * _SAFETY)
        raise SummarizerError(
            f"{self.name} reads {self.manifest.window:,} tokens at once, which is too short for these signals",
            hint="Give fewer or shorter signals, or use a summarizer with a longer window.",
        )

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """One summary at a time: neither tokenizers nor engines take several at once."""
        if self._process not in (0, os.getpid()):
            raise SummarizerError(
                f"{self.name} was loaded before this process forked, and its threads do not live on in the child",
                hint="Have the first summary written after the fork, in each worker.",
            )
        with self._lock:
            yield

    def _ready(self) -> Engine:
        if self._engine is None:
            self._process = os.getpid()
            try:
                self._engine = load_engine(self.folder, self.form)
            except PopiError:
                raise
            except Exception as error:
                raise SummarizerError(
                    f"The weights in {self.folder} cannot be loaded: {_first_line(error)}",
                    hint="Copy or export the directory again, and see that there is enough memory.",
                ) from error
        return self._engine


def _first_line(error: Exception) -> str:
    text = str(error).strip()
    return f"{type(error).__name__}: {text.splitlines()[0][:300]}" if text else type(error).__name__
