"""A summarizer that the trainer exported, run in this process from its directory.

    signals -> prompt -> the likeliest answer -> said with too little confidence? then nothing
                                              -> hardly surer of a clause than of its reverse? then without it
                                              -> clauses -> the signals behind each (`provenance`) -> guard

What it reads is checked when it is made; its weights are loaded when the first summary is wanted.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from statistics import fmean
from threading import RLock
from typing import TypeVar

from popi_sdk.errors import PopiError, SummarizerError
from popi_sdk.manifest import Form, check_files
from popi_sdk.signals import Signal
from popi_sdk.summarizers import doubts
from popi_sdk.summarizers.engines import Engine, Reading, choose_form, load_engine
from popi_sdk.summarizers.prompts import Asked, TrainedPrompts
from popi_sdk.summarizers.provenance import MOST_TRIED, LeftOut, Written, told_apart, with_sources, written_out
from popi_sdk.summarizers.written import NOTHING_SAID, answer_of
from popi_sdk.summary import Summary

T = TypeVar("T")


class TrainedSummarizer:
    """Writes summaries with a model that was trained for it, prompted exactly as in its training.

    Args:
        folder: a directory that `popi-train export` wrote.
        form: the form of the weights to load; the fastest that can be loaded unless you name one.
        threads: processor cores the form "onnx" works on.

    Raises:
        IncompatibleSummarizerError: it was trained with another renderer or other templates than it would get here.
        MissingExtraError: what runs its weights is not installed.
        SummarizerError: the directory is none, damaged, or holds a generator.
    """

    def __init__(self, folder: str | Path, form: Form | None = None, *, threads: int = 1) -> None:
        self.folder = Path(folder)
        self._prompts = TrainedPrompts(self.folder)
        self.manifest = self._prompts.manifest
        self.form: Form = form or choose_form(self.folder, self.manifest)
        check_files(self.folder, self.manifest, self.form)
        self.name = f"{self.folder.resolve().name}@{self._prompts.digest}"
        self.input_tokens = self._prompts.input_tokens
        # One that reads facts writes its own clauses; one that reads texts could be talked into hiding their source.
        self.names_sources = self.manifest.text_tokens is not None
        self._threads = threads
        self._engine: Engine | None = None
        self._process = 0
        self._lock = RLock()

    # --- summaries -------------------------------------------------------------------------------------------------

    def summarize(self, signals: Sequence[Signal], previous: Summary | None = None) -> Summary:
        """Write a summary of `signals`, or bring `previous` up to date with them; what it returns has been guarded.

        Empty when the model says that there is nothing to say, is less sure of it than `manifest.abstain_below`, or of
        each clause, beside its reverse, than `manifest.doubt_below`.

        Raises:
            SummarizerError: the weights cannot be loaded or run, or no signal fits the model's window.
        """
        return self._in_turn([(signals, previous)], self._summary)[0]

    def summarize_many(self, histories: Sequence[Sequence[Signal]]) -> list[Summary]:
        """Write the summaries of many users, each the one `summarize` would write, in less time than one by one.

        What consecutive prompts have in common at their beginning is read once. Other threads wait until all are done.

        Raises:
            SummarizerError: as `summarize`; then there is no summary of any of them.
        """
        return self._in_turn([(signals, None) for signals in histories], self._summary)

    def texts(self, histories: Sequence[Sequence[Signal]]) -> list[str]:
        """What `summarize_many` would write, a clause a line, not guarded and without asking what is behind it.

        Raises:
            SummarizerError: as `summarize_many`.
        """
        return self._in_turn([(signals, None) for signals in histories], self._text)

    # --- the steps, for those who measure them -----------------------------------------------------------------------

    def prompt(self, signals: Sequence[Signal], previous: Summary | None = None) -> list[int]:
        """The tokens the model is given: as many of the signals as fit its window beside the longest summary.

        Raises:
            SummarizerError: not even one signal fits.
        """
        with self._alone():
            return self._asked(signals, previous).ids

    def summary_ids(self, prompt: Sequence[int]) -> list[int]:
        """The tokens of the summary that follows `prompt`, however sure the model is of it.

        Raises:
            SummarizerError: the weights cannot be loaded or run.
        """
        with self._reading(len(prompt)) as reading:
            return self._answer(reading, prompt)

    def text_of(self, ids: Sequence[int]) -> str:
        """The summary that `ids` say; empty when they say that there is none."""
        with self._alone():
            return self._text_of(ids)

    def confidence(self, prompt: Sequence[int], summary: Sequence[int]) -> float:
        """How much surer the model is of `summary` than of saying that there is none, in nats per token.

        The mean log-probability of the tokens of `summary`, less that of the word NOTHING, each with its end, to the
        same `prompt`. Below `manifest.abstain_below` nothing is said.

        Raises:
            SummarizerError: the weights cannot be loaded or run.
        """
        with self._reading(len(prompt)) as reading:
            return self._margin(reading, prompt, self._told(reading, prompt, summary))

    def margins(self, prompt: Sequence[int], summary: Sequence[int]) -> dict[str, float]:
        """By clause of `summary`, how much likelier (in nats) the model finds it than its reverse in its place.

        Clauses that are not in the SDK's own words have no reverse, and are not among them. One with less than
        `manifest.doubt_below` is left out.

        Raises:
            SummarizerError: the weights cannot be loaded or run.
        """
        with self._reading(len(prompt)) as reading:
            return self._margins(reading, prompt, summary, self._written(reading, prompt, summary))

    # --- from a prompt to a summary ----------------------------------------------------------------------------------

    def _summary(self, reading: Reading, asked: Asked) -> Summary:
        from popi_sdk.guard import as_clauses, guard  # its rules take a while to load; making a client need not wait

        answer, written, text = self._said(reading, asked)
        if not text and asked.previous:  # what is new says nothing; what was known before is not lost by it
            return asked.previous
        if not text:
            return Summary(signal_ids=asked.rendered.signal_ids, model=self.name)
        written = written or self._written(reading, asked.ids, answer)
        left_out = self._left_out(reading, asked, answer, written.told)
        summary = with_sources(as_clauses(text), written, left_out, asked.previous)
        untrusted = {signal.id for signal in asked.rendered.shown if signal.source != "user"}
        if self.names_sources and 0 < len(untrusted) < len(asked.rendered.shown):
            rest = as_clauses(self._text(reading, self._without(asked, untrusted)))
            summary = told_apart(summary, untrusted, {clause.text for clause in rest.clauses})
        return guard(summary, max_tokens=self.manifest.max_summary_tokens, model=self.name)

    def _text(self, reading: Reading, asked: Asked) -> str:
        return self._said(reading, asked)[-1]

    def _said(self, reading: Reading, asked: Asked) -> tuple[list[int], Written | None, str]:
        """The answer's tokens, how it was written where that had to be known, and what of it is said, if anything."""
        if not asked.says_something:
            return [], None, ""
        answer, least = self._answer(reading, asked.ids), self.manifest.abstain_below
        text = self._text_of(answer)
        if not text or (least is None and not self.manifest.doubt_below):
            return answer, None, text
        written = self._written(reading, asked.ids, answer)
        if least is not None and self._margin(reading, asked.ids, written.told) < least:
            return answer, written, ""
        return answer, written, self._without_doubtful(reading, asked, answer, written, text)

    def _text_of(self, answer: Sequence[int]) -> str:
        """What the tokens say; of an answer that was cut off, without the clause it broke off in."""
        text = answer_of(self._decoded(answer))
        if len(answer) < self.manifest.max_summary_tokens or text.endswith((".", "!", "?")):
            return text
        return text.rpartition("\n")[0] or text

    def _written(self, reading: Reading, prompt: Sequence[int], answer: Sequence[int]) -> Written:
        return written_out(answer, self._told(reading, prompt, answer), self._decoded)

    def _without_doubtful(
        self, reading: Reading, asked: Asked, answer: Sequence[int], written: Written, text: str
    ) -> str:
        least = doubts.least_margin(self.manifest.doubt_below, asked.rendered.shown)
        if least is None:
            return text
        margins = self._margins(reading, asked.ids, answer, written)
        return "\n".join(line for line in text.splitlines() if margins.get(line.strip(), least) >= least)

    def _margins(
        self, reading: Reading, prompt: Sequence[int], answer: Sequence[int], written: Written
    ) -> dict[str, float]:
        def encode(text: str) -> list[int]:
            return self._ready().tokenizer.encode(text, add_special_tokens=False)

        room = self.manifest.window - len(prompt)
        return doubts.margins(answer, written, room, encode, lambda ids: self._told(reading, prompt, ids))

    def _answer(self, reading: Reading, prompt: Sequence[int]) -> list[int]:
        return reading.continued(prompt, self.manifest.max_summary_tokens, self.manifest.stop_tokens)

    def _told(self, reading: Reading, prompt: Sequence[int], answer: Sequence[int]) -> list[float]:
        return reading.log_probabilities(prompt, answer, self.manifest.stop_tokens)

    def _margin(self, reading: Reading, prompt: Sequence[int], told: Sequence[float]) -> float:
        nothing = self._ready().tokenizer.encode(NOTHING_SAID, add_special_tokens=False)
        cut_off = len(told) - 1 == self.manifest.max_summary_tokens  # the longest summary has no end of its own
        return fmean(told[:-1] if cut_off else told) - fmean(self._told(reading, prompt, nothing))

    def _left_out(self, reading: Reading, asked: Asked, answer: Sequence[int], told: Sequence[float]) -> LeftOut:
        """How likely `answer` is when one signal is left out of the prompt and nothing else is changed."""
        shown = asked.rendered.shown
        tried = shown[-MOST_TRIED:] if len(shown) > 1 else ()
        # The newest first: with each one left out, all that stands before it in the prompt need not be read again.
        without = {
            signal.id: self._told(reading, self._without(asked, {signal.id}).ids, answer) for signal in reversed(tried)
        }
        with_all = self._told(reading, self._without(asked, ()).ids, answer) if asked.rendered.left_out else told
        return LeftOut(with_all, without, asked.rendered.signal_ids)

    # --- from signals to a prompt ------------------------------------------------------------------------------------

    def _asked(self, signals: Sequence[Signal], previous: Summary | None) -> Asked:
        return self._prompts.asked(self._ready().tokenizer, signals, previous, name=self.name)

    def _without(self, asked: Asked, left_out: Collection[str]) -> Asked:
        return self._prompts.without(self._ready().tokenizer, asked, left_out)

    def _decoded(self, ids: Sequence[int]) -> str:
        return self._ready().tokenizer.decode(list(ids), skip_special_tokens=True)

    # --- one at a time -----------------------------------------------------------------------------------------------

    def _in_turn(
        self, users: Sequence[tuple[Sequence[Signal], Summary | None]], job: Callable[[Reading, Asked], T]
    ) -> list[T]:
        """Do `job` for each user, neighbours being those whose prompts begin alike; results in the order of `users`."""
        with self._alone():
            asked = [self._asked(signals, previous) for signals, previous in users]
            order = sorted(range(len(asked)), key=lambda place: asked[place].ids)
            with self._reading(max((len(one.ids) for one in asked), default=0)) as reading:
                done = {place: job(reading, asked[place]) for place in order}
        return [done[place] for place in range(len(asked))]

    @contextmanager
    def _reading(self, longest: int) -> Iterator[Reading]:
        """Weights at work on prompts of up to `longest` tokens; what goes wrong meanwhile is a SummarizerError."""
        with self._alone():
            engine = self._ready()
            try:
                yield engine.open(longest + self.manifest.max_summary_tokens)
            except PopiError:
                raise
            except Exception as error:
                raise SummarizerError(f"{self.name} failed while it wrote: {_first_line(error)}") from error

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
            try:
                self._engine = load_engine(self.folder, self.form, self._threads)
                self._process = os.getpid()
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
