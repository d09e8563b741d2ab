"""The prompts of a summarizer that was trained, exactly as in its training, wherever its weights run.

signals -> rendered within the budget of the training -> tokens -> too many for the window? rendered again, shorter
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path

from popi_sdk.chat_tokens import ChatTokenizer, prompt_ids
from popi_sdk.errors import SummarizerError
from popi_sdk.manifest import digest_of, read_manifest, read_templates
from popi_sdk.render import Rendered, render
from popi_sdk.signals import Edit, PreferencePair, Rating, Signal
from popi_sdk.summarizers.written import log_left_out
from popi_sdk.summary import Summary

_TRIES = 6
"""Prompts that are rendered, each shorter than the one before, until one fits the model's window."""
_SAFETY = 0.95
"""A shorter prompt aims a little below what would just fit, as signals are shortened in steps."""


@dataclass(frozen=True, slots=True)
class Asked:
    """One user's prompt, and what it was made from."""

    ids: list[int]
    rendered: Rendered
    budget: int
    previous: Summary | None

    @property
    def says_something(self) -> bool:
        """Whether anything about the user stands in it."""
        return bool(self.rendered.shown or self.previous)


class TrainedPrompts:
    """Makes the prompts of the summarizer in `folder`, which `popi-train export` wrote.

    Raises:
        IncompatibleSummarizerError: it was trained with another renderer or other templates than it would get here.
        SummarizerError: the directory is none, damaged, or holds a generator.
    """

    def __init__(self, folder: Path) -> None:
        self.manifest = read_manifest(folder)
        if self.manifest.role != "summarizer":
            raise SummarizerError(
                f"{folder} holds a {self.manifest.role}, not a summarizer",
                hint="Serve it and name it as `model`; its README.md says how.",
            )
        self._templates = read_templates(folder, self.manifest)
        self.digest = digest_of(folder)
        # One that reads texts shortened, as facts, was trained on signals alone and has room for many: it is shown them
        # again rather than its last summary and what is new.
        self.input_tokens = None if self.manifest.text_tokens else self.manifest.input_tokens

    def asked(
        self, tokenizer: ChatTokenizer, signals: Sequence[Signal], previous: Summary | None, *, name: str
    ) -> Asked:
        """As many of the signals as fit the model's window beside the longest summary; `name` is for log and errors.

        Raises:
            SummarizerError: not even one signal fits.
        """
        if self.manifest.text_tokens is not None:
            signals = [signal for signal in signals if signal.source == "user" or _wordless(signal)]
        room = self.manifest.window - self.manifest.max_summary_tokens
        budget = self.manifest.input_tokens
        for _ in range(_TRIES):
            rendered = self._rendered(signals, previous, budget)
            ids = prompt_ids(tokenizer, rendered.messages)
            if len(ids) <= room and (rendered.shown or not signals):
                log_left_out(name, rendered, budget)
                return Asked(ids, rendered, budget, previous)
            # The renderer counts other tokens than the model's own; the ratio is known once both counted the same.
            shorter = int(min(budget, rendered.tokens) * room / len(ids) * _SAFETY)
            budget = min(self.manifest.input_tokens, shorter)  # where nothing was shown it was cut too far
        raise SummarizerError(
            f"{name} reads {self.manifest.window:,} tokens at once, and was trained on signals of "
            f"{self.manifest.input_tokens:,}: none of these fits",
            hint="Give fewer or shorter signals, or use a summarizer with a longer window.",
        )

    def without(self, tokenizer: ChatTokenizer, asked: Asked, left_out: Collection[str]) -> Asked:
        """The prompt as it would be without some of its signals, by id; the others stay exactly as they are."""
        rest = [signal for signal in asked.rendered.shown if signal.id not in left_out]
        rendered = self._rendered(rest, asked.previous, asked.budget, asked.rendered.limit)
        return Asked(prompt_ids(tokenizer, rendered.messages), rendered, asked.budget, asked.previous)

    def _rendered(
        self, signals: Sequence[Signal], previous: Summary | None, budget: int, limit: int | None = None
    ) -> Rendered:
        return render(
            signals,
            max_summary_tokens=self.manifest.max_summary_tokens,
            previous=previous,
            input_tokens=budget,
            text_tokens=self.manifest.text_tokens,
            limit=limit,
            templates=self._templates,
        )


def _wordless(signal: Signal) -> bool:
    """Whether a small model is shown nothing that somebody said here; its templates do not tell who said it."""
    return isinstance(signal, PreferencePair | Edit) or (isinstance(signal, Rating) and signal.reason is None)
