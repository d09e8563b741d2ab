"""Does the int4 form of a summarizer write as well as the other? Both are loaded and asked as the SDK would."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import zip_longest
from pathlib import Path

from popi_sdk.cache import key_of
from popi_sdk.manifest import Agreement, Form
from popi_sdk.signals import Signal
from popi_sdk.summarizers.trained import TrainedSummarizer
from trainer.data import Example
from trainer.export.onnx_form import ExportError

TOLERANCE = 0.02
"""Held-out accuracy that one form may have more than the other."""


def compare_forms(
    folder: Path,
    forms: Sequence[Form],
    examples: Sequence[Example],
    accuracy: Callable[[Callable[[Sequence[Signal]], str]], float] | None,
) -> Agreement:
    """Write every example's summary with each of two `forms` and compare tokens, texts and, if given, accuracy.

    Raises:
        ExportError: the forms read different prompts, or their accuracies differ by more than 2 points.
    """
    written = [_Written(folder, form) for form in forms]
    for example in examples:
        for one in written:
            one.add(example.signals)
    first, second = written
    if first.prompts != second.prompts:
        raise ExportError("The two forms of the tokenizer make different tokens", hint="Export with --no-onnx.")
    agreement = Agreement(
        examples=len(examples),
        tokens=token_agreement(first.answers, second.answers),
        summaries=sum(map(_same, first.answers, second.answers)) / len(examples),
        accuracy={one.form: accuracy(one.summarize) for one in written} if accuracy else {},
    )
    _check_accuracy(agreement)
    return agreement


def token_agreement(first: Sequence[Sequence[int]], second: Sequence[Sequence[int]]) -> float:
    """Share of positions at which two writers chose the same token; the end counts as one, so lengths count too.

    >>> token_agreement([[7, 8]], [[7, 9]]), token_agreement([[]], [[]]), token_agreement([[7]], [[7, 8]])
    (0.6666666666666666, 1.0, 0.3333333333333333)
    """
    same: list[bool] = [
        one == other
        for answers in zip(first, second, strict=True)
        for one, other in zip_longest(*([*answer, _END] for answer in answers))
    ]
    return sum(same) / len(same)


_END = -1


class _Written:
    """The summaries of one form, each written once."""

    def __init__(self, folder: Path, form: Form) -> None:
        self.form = form
        self.prompts: list[list[int]] = []
        self.answers: list[list[int]] = []
        self._summarizer = TrainedSummarizer(folder, form)
        self._texts: dict[object, str] = {}

    def add(self, signals: Sequence[Signal]) -> None:
        """Write the summary of `signals`."""
        prompt = self._summarizer.prompt(signals)
        answer = self._summarizer.summary_ids(prompt)
        self.prompts.append(prompt)
        self.answers.append(answer)
        self._texts[key_of(signals)] = self._summarizer.text_of(answer)

    def summarize(self, signals: Sequence[Signal]) -> str:
        """The summary of `signals`, written now if it was not before."""
        key = key_of(signals)
        if key not in self._texts:
            [self._texts[key]] = self._summarizer.texts([signals])
        return self._texts[key]


def _same(one: Sequence[int], other: Sequence[int]) -> bool:
    return list(one) == list(other)


def _check_accuracy(agreement: Agreement) -> None:
    if not agreement.accuracy:
        return
    low, high = min(agreement.accuracy.values()), max(agreement.accuracy.values())
    if not high - low <= TOLERANCE + 1e-9:  # written so that a NaN fails as well
        figures = ", ".join(f"{form} {accuracy:.1%}" for form, accuracy in agreement.accuracy.items())
        raise ExportError(
            f"The two forms differ by more than {100 * TOLERANCE:g} points in held-out accuracy ({figures}); "
            f"{agreement.tokens:.1%} of their tokens agree, on {agreement.examples} examples",
            hint="int4 is too coarse for this model: export with --precision fp32, or with --no-onnx.",
        )
