"""What a judge can read: pairs that do not fit its window are refused, contexts beside them are shortened.

Only the judge's window counts here. How much history a summarizer can read is its own affair: one of the SDK shortens
what it is shown, and so does a run's (`FittingWriter`).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from popi_sdk.errors import ConfigError
from popi_sdk.render import shorten
from popi_sdk.signals import PreferencePair
from popi_sdk.summary import NOTHING, Clause, Summary
from trainer.controls import ModelWriter
from trainer.data import Example
from trainer.scoring import PairScorer
from trainer.stages import window_of

_LIMITS = (2_000, 1_000, 500, 250, 120, 60, 30)
"""Tokens a clause of a context may have, tried from generous to strict."""
_BRIEF = Summary(clauses=(Clause("Be brief."),))


def refuse_long_pairs(judge: PairScorer, examples: Sequence[Example]) -> None:
    """Check that every held-out pair fits the judge's window beside the longest summary.

    Raises:
        ConfigError: some do not; the message counts them and names the first.
    """
    too_long = [(one, pair) for one in examples for pair in one.pairs if not fits(judge, pair)]
    if not too_long:
        return
    example, pair = too_long[0]
    over, count = _beside_a_summary(judge, pair) - _window(judge), sum(len(one.pairs) for one in examples)
    raise ConfigError(
        f"{len(too_long):,} of {count:,} held-out pairs do not fit the judge's window of {_window(judge):,} tokens; "
        f"the first is of user {example.user!r}, {pair.prompt[:60]!r}",
        hint=f"Take {over:,} tokens out of its prompt or longer answer (popi_sdk.render.shorten(text, tokens) cuts a "
        "text in the middle), or leave such pairs out.",
    )


def fits(judge: PairScorer, pair: PreferencePair) -> bool:
    """Whether the judge can read a pair beside the longest summary."""
    return _beside_a_summary(judge, pair) <= _window(judge)


def fitted(judge: PairScorer, example: Example, context: Summary) -> Summary:
    """`context` in full where the judge can read it beside every pair of `example`, else shortened until it can.

    Every clause is cut in the middle, ever more of it; then the first clauses, which are the oldest signals, go.
    """
    if _readable(judge, example, context):
        return context
    clauses = context.clauses
    for limit in _LIMITS:
        clauses = tuple(replace(clause, text=shorten(clause.text, limit)) for clause in context.clauses)
        if _readable(judge, example, replace(context, clauses=clauses)):
            return replace(context, clauses=clauses)
    for gone in range(1, len(clauses)):
        if _readable(judge, example, replace(context, clauses=clauses[gone:])):
            return replace(context, clauses=clauses[gone:])
    return NOTHING


@dataclass(frozen=True, slots=True)
class FittingWriter:
    """A summarizer in training that is shown as much of a user as fits its window.

    Args:
        writers: the same one with ever smaller budgets for the signals, the largest first.
    """

    writers: Sequence[ModelWriter]

    def write(self, examples: Sequence[Example], advance: Callable[[int], None] = lambda _: None) -> list[Summary]:
        """See `trainer.controls.Writer`.

        Raises:
            ConfigError: a user's signals do not fit the window with any of the budgets.
        """
        written: dict[int, Summary] = {}
        chosen = [self._first_that_fits(example) for example in examples]
        for writer in self.writers:
            places = [place for place, one in enumerate(chosen) if one is writer]
            summaries = writer.write([examples[place] for place in places], advance)
            written |= dict(zip(places, summaries, strict=True))
        return [written[place] for place in range(len(examples))]

    def _first_that_fits(self, example: Example) -> ModelWriter:
        for writer in self.writers[:-1]:
            try:
                writer.encoder.summarizer_prompt(example)
            except ConfigError:
                continue
            return writer
        return self.writers[-1]


def _readable(judge: PairScorer, example: Example, context: Summary) -> bool:
    return all(_length(judge, context, pair) <= _window(judge) for pair in example.pairs)


def _beside_a_summary(judge: PairScorer, pair: PreferencePair) -> int:
    # Twice the longest summary: its own tokens, and what the template puts around its clauses. One that takes more, as
    # the guard counts other tokens than the judge's, is shortened by `fitted`.
    return _length(judge, _BRIEF, pair) + 2 * judge.encoder.max_summary_tokens


def _length(judge: PairScorer, context: Summary, pair: PreferencePair) -> int:
    longest = max(len(judge.encoder.answer(text)) for text in (pair.chosen, pair.rejected))
    return len(judge.encoder.generator_prompt(context, pair.prompt)) + longest


def _window(judge: PairScorer) -> int:
    return window_of(judge.generator, judge.encoder.tokenizer)
