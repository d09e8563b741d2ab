"""Text to token ids and back: the same prompts that the SDK makes, in the tokens of one model.

All wording comes from `popi_sdk`: signals are rendered, a summary passes the guard and is composed into the system
prompt exactly as in a request, so training sees what serving will.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Literal, Self

from popi_sdk.chat_tokens import prompt_ids
from popi_sdk.composer import compose
from popi_sdk.errors import ConfigError
from popi_sdk.guard import guard
from popi_sdk.render import render, rendered_signal, shorten, signal_parts
from popi_sdk.signals import PreferencePair
from popi_sdk.style.facts import levels
from popi_sdk.summarizers.written import answer_of
from popi_sdk.summary import NOTHING, Clause, Summary
from popi_sdk.templates import Templates
from trainer.config import ModelConfig
from trainer.data import Example
from trainer.prefix_tree import Branch

NOTHING_SAID = "NOTHING"
"""What the inference template asks for when signals show no preference."""


@dataclass(frozen=True, slots=True)
class View:
    """What a generator is shown of questions and answers: all of them, or what a small one can make something of."""

    answers: Literal["whole", "text", "levels", "levels and text"] = "whole"
    tokens: int = 48

    @classmethod
    def of(cls, config: ModelConfig) -> Self:
        """The view that a configuration asks for."""
        return cls(config.answers, config.answer_tokens)

    def question(self, text: str) -> str:
        """The question as it is shown: of a shortened one the beginning, which says what kind of thing is asked.

        Beside levels it is left out: how far an answer is from a usual one in each aspect hardly depends on it.
        """
        if self.answers == "levels":
            return ANY_QUESTION
        return text if self.answers == "whole" else " ".join(text.split()[:QUESTION_WORDS])

    def answer(self, text: str) -> str:
        """The answer as it is shown."""
        match self.answers:
            case "whole":
                return text
            case "text":
                return shorten(text, self.tokens)
            case "levels":
                return levels(text)
        return f"{levels(text)}\n{shorten(text, self.tokens)}"


QUESTION_WORDS = 8
ANY_QUESTION = "Question."
WHOLE = View()


class Encoder:
    """The prompts and answers of training in tokens of `tokenizer`.

    Args:
        window: most tokens the model can read.
        input_tokens: budget of the rendered signals, as the SDK counts tokens.
        text_tokens: most tokens of a single text of a signal; None for whatever fits.
        max_summary_tokens: longest summary, in the model's own tokens.
        view: how questions and answers are shown to the generator.
    """

    def __init__(
        self,
        tokenizer: Any,
        templates: Templates,
        *,
        window: int,
        input_tokens: int,
        max_summary_tokens: int,
        text_tokens: int | None = None,
        view: View = WHOLE,
    ) -> None:
        self.tokenizer = tokenizer
        self.templates = templates
        self.max_summary_tokens = max_summary_tokens
        self._window = window
        self._input_tokens = input_tokens
        self._text_tokens = text_tokens
        self.view = view
        self.generator_prompt = lru_cache(maxsize=50_000)(self._generator_prompt)
        self.answer = lru_cache(maxsize=50_000)(self._answer)
        self.safe_summary = lru_cache(maxsize=20_000)(self._safe_summary)

    def summarizer_prompt(self, example: Example) -> list[int]:
        """What the summarizer reads about a user.

        Raises:
            ConfigError: prompt and summary do not fit the model's window.
        """
        rendered = render(
            example.signals,
            max_summary_tokens=self.max_summary_tokens,
            previous=self.as_it_is(example.previous),
            input_tokens=self._input_tokens,
            text_tokens=self._text_tokens,
            templates=self.templates,
        )
        ids = prompt_ids(self.tokenizer, rendered.messages)
        if len(ids) + self.max_summary_tokens > self._window:
            raise ConfigError(
                f"The signals of user {example.user!r} take {len(ids):,} tokens, and with {self.max_summary_tokens} "
                f"for the summary that is more than the model's window of {self._window:,}",
                hint="Lower `data.input_tokens`, or take a model with a longer window.",
            )
        return ids

    def refuse_too_long(self, example: Example) -> None:
        """Check before training that whatever is said about this user, and every answer behind it, fits the window.

        Raises:
            ConfigError: something does not.
        """
        self.summarizer_prompt(example)
        some = Summary(clauses=(Clause("Be brief."),))
        room = [0] * (2 * self.max_summary_tokens)  # the summary, and what the template puts around its clauses
        prompts = [[*self._generator_prompt(some, pair.prompt), *room] for pair in example.pairs]
        answers = [(self.answer(pair.chosen), self.answer(pair.rejected)) for pair in example.pairs]
        self._check_window(prompts, answers, f"of user {example.user!r} ")

    def raw_context(self, example: Example) -> Summary:
        """The signals themselves, put where a summary would stand; no guard, for this is what a summary replaces."""
        texts = sum(len(signal_parts(signal)) for signal in example.signals)
        limit = max(20, self._input_tokens // max(1, texts))
        shown = (rendered_signal(signal, limit) for signal in example.signals)
        return Summary(
            clauses=tuple(
                Clause("\n".join([one.title, *(f"{part.name}: {part.text}" for part in one.parts)])) for one in shown
            )
        )

    @staticmethod
    def as_it_is(text: str) -> Summary:
        """A text as a summary, a clause a line, without the guard and without a limit."""
        return Summary(clauses=tuple(Clause(line.strip()) for line in text.splitlines() if line.strip()))

    def summary_text(self, ids: Sequence[int]) -> str:
        """A sampled summary as text; empty when the model said that there is nothing to say."""
        return answer_of(str(self.tokenizer.decode(list(ids), skip_special_tokens=True)))

    def summary_ids(self, text: str) -> list[int]:
        """A summary as the summarizer should write it, with its end."""
        return self.ended(text or NOTHING_SAID)

    def pair_tree(self, summary: Summary, pairs: Sequence[PreferencePair]) -> Branch:
        """Questions behind one summary, and behind each question its two answers.

        Leaves stand in the order chosen, rejected of the first pair, chosen, rejected of the second, ...

        Raises:
            ConfigError: the longest path does not fit the model's window.
        """
        prompts = [self.generator_prompt(summary, pair.prompt) for pair in pairs]
        answers = [(self.answer(pair.chosen), self.answer(pair.rejected)) for pair in pairs]
        self._check_window(prompts, answers)
        if len(pairs) == 1:
            return Branch(prompts[0], tuple(Branch(answer) for answer in answers[0]))
        shared = min(_common_prefix(prompts), min(map(len, prompts)) - 1)
        questions = (
            Branch(prompt[shared:], tuple(Branch(answer) for answer in pair))
            for prompt, pair in zip(prompts, answers, strict=True)
        )
        return Branch(prompts[0][:shared], tuple(questions))

    def count(self, summary: Summary) -> int:
        """Tokens that a summary's own words take."""
        return len(self.tokenizer(summary.text, add_special_tokens=False)["input_ids"]) if summary else 0

    def _generator_prompt(self, summary: Summary, question: str) -> list[int]:
        return prompt_ids(self.tokenizer, compose(self.view.question(question), summary, templates=self.templates))

    def _safe_summary(self, text: str) -> Summary:
        return guard(text, max_tokens=self.max_summary_tokens) if text else NOTHING

    def _answer(self, text: str) -> list[int]:
        return self.ended(self.view.answer(text))

    def ended(self, text: str) -> list[int]:
        """A text in tokens with its end, as it is."""
        ids = self.tokenizer(text, add_special_tokens=False)["input_ids"]
        return [*ids, self.tokenizer.eos_token_id]

    def _check_window(
        self, prompts: Sequence[Sequence[int]], answers: Sequence[Sequence[Sequence[int]]], whose: str = ""
    ) -> None:
        longest = max(len(prompt) + max(map(len, pair)) for prompt, pair in zip(prompts, answers, strict=True))
        if longest > self._window:
            raise ConfigError(
                f"A summary, a question and its answer {whose}take {longest:,} tokens; the model's window has "
                f"{self._window:,}",
                hint="Leave out or shorten such pairs when preparing the data, or take a model with a longer window.",
            )


def _common_prefix(rows: Sequence[Sequence[int]]) -> int:
    length = 0
    for tokens in zip(*rows, strict=False):
        if len(set(tokens)) > 1:
            break
        length += 1
    return length
