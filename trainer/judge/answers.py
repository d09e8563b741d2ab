"""Answers of a black-box model with a user's summary and without it, made the way the SDK makes them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from popi_sdk.backend import ModelSpec
from popi_sdk.composer import ChatMessage, compose
from popi_sdk.config import Config
from popi_sdk.errors import BackendError, ConfigError
from popi_sdk.guard import guard
from popi_sdk.summary import NOTHING
from trainer.judge.asking import CONCURRENCY, Bill, Progress, ask_model, collect
from trainer.judge.reply_cache import Reply, ReplyCache, key_of, reply_from


@dataclass(frozen=True, slots=True)
class Question:
    """A prompt of a user, and the summary of that user."""

    user: str
    prompt: str
    summary: str


@dataclass(frozen=True, slots=True)
class Answered:
    """A question with both answers; None for an answer that could not be had."""

    question: Question
    personalized: str | None
    plain: str | None


@dataclass(frozen=True, slots=True)
class Answers:
    """All questions in their order, what they took, and one failure in words ("" without any)."""

    answered: tuple[Answered, ...]
    bill: Bill
    failure: str


def answer_with_and_without(
    questions: Sequence[Question],
    *,
    backend: str | Mapping[str, Any] | ModelSpec,
    cache: Path,
    concurrency: int = CONCURRENCY,
    max_cost_usd: float | None = None,
    progress: Progress | None = None,
) -> Answers:
    """Ask `backend` each question twice: with the guarded summary in the system prompt, and without.

    Questions that come to the same request, such as two with an empty summary, are asked once. Replies are kept in the
    file `cache`, so the plain ones are not asked again for the next summarizer.

    Raises:
        ConfigError, AuthError, BackendError, BudgetError: as `trainer.judge.asking.collect`.
    """
    model = ModelSpec.parse(backend)
    both = [_both_messages(question, model.provider) for question in questions]
    if not both:
        raise ConfigError("There is nothing to ask.", hint="Give examples with held-out pairs.")
    requests = {_key(model, messages): partial(_ask, model, messages) for pair in both for messages in pair}
    with ReplyCache(cache) as replies:
        collected = collect(
            requests,
            replies,
            stage="answers",
            concurrency=concurrency,
            max_cost_usd=max_cost_usd,
            progress=progress,
        )
    texts = {key: reply.text for key, reply in collected.replies.items()}
    answered = tuple(
        Answered(question, texts.get(_key(model, personalized)), texts.get(_key(model, plain)))
        for question, (personalized, plain) in zip(questions, both, strict=True)
    )
    return Answers(answered, collected.bill, str(next(iter(collected.failures.values()), "")))


def _both_messages(question: Question, provider: str) -> tuple[list[ChatMessage], list[ChatMessage]]:
    """The request with the summary and the one without; the same where the guard leaves nothing of the summary."""
    safe = guard(question.summary, max_tokens=Config().max_summary_tokens)
    return compose(question.prompt, safe, provider=provider), compose(question.prompt, NOTHING, provider=provider)


def _key(model: ModelSpec, messages: list[ChatMessage]) -> str:
    return key_of("answer", model.name, model.api_base or "", messages)


def _ask(model: ModelSpec, messages: list[ChatMessage]) -> Reply:
    completion = ask_model(model, messages, {})
    if not completion.text.strip():
        raise BackendError(
            f"{model.name} answered with nothing.", model=model.name, hint="Does it spend all its tokens on thinking?"
        )
    return reply_from(completion)
