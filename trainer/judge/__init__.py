"""An LLM as the judge of answers that no probability can be had of: which would this user like better?

Every comparison is asked in both orders, as judges favour a place. Orders that agree are a win or a loss, orders that
contradict each other a tie. A reply that is no verdict is asked for once more and then counted as invalid.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from popi_sdk.backend import ModelSpec
from popi_sdk.errors import BackendError, ConfigError
from popi_sdk.render import rendered_signal, shorten
from trainer.data import Example
from trainer.judge.answers import Answers, Question, answer_with_and_without
from trainer.judge.asking import CONCURRENCY, Collected, Progress, ask_model, collect
from trainer.judge.prompt import REMINDER, Verdict, judge_messages, template_texts, verdict_in
from trainer.judge.reply_cache import Reply, ReplyCache, key_of, reply_from
from trainer.judge.win_rate import Comparison, Judged, Outcome, WinRate, tally

__all__ = ["Comparison", "WinRate", "judge_answers", "persona_of", "win_rate_against_plain"]

PERSONA_TOKENS = 1_500
"""What the judge is shown of a user's signals where no oracle is known."""
_OPTIONS = {"temperature": 0.0, "drop_params": True}
"""The likeliest verdict, where the model lets one ask for it; some reasoning models do not."""


def win_rate_against_plain(
    examples_with_summaries: Sequence[tuple[Example, str]],
    *,
    backend: str | Mapping[str, Any] | ModelSpec,
    judge: str | Mapping[str, Any] | ModelSpec,
    cache: Path,
    prompts_per_user: int = 1,
    concurrency: int = CONCURRENCY,
    max_cost_usd: float | None = None,
    progress: Progress | None = None,
) -> WinRate:
    """Win rate of `backend` with each user's summary against `backend` without, on the prompts of held-out pairs.

    Args:
        cache: the file that keeps answers and judgements; a run that stopped goes on from there.
        prompts_per_user: how many different prompts of a user are taken, over all of the user's examples.
        max_cost_usd: for answers and judgements together, those from the cache included.

    Raises:
        ConfigError: no example has a held-out pair, or a model is not known.
        AuthError, BackendError, BudgetError: as `trainer.judge.asking.collect`; what was bought is in the cache.
    """
    asked = _questions(examples_with_summaries, prompts_per_user)
    answers = answer_with_and_without(
        [question for _, question in asked],
        backend=backend,
        cache=cache,
        concurrency=concurrency,
        max_cost_usd=max_cost_usd,
        progress=progress,
    )
    comparisons, unanswered = _comparisons([example for example, _ in asked], answers)
    if not comparisons:
        raise BackendError(f"No question was answered both with and without the summary: {answers.failure}")
    left = None if max_cost_usd is None else max(0.0, max_cost_usd - (answers.bill.cost_usd or 0.0))
    rate = judge_answers(
        comparisons, model=judge, cache=cache, concurrency=concurrency, max_cost_usd=left, progress=progress
    )
    return replace(
        rate,
        comparisons=rate.comparisons + unanswered,
        failed=rate.failed + unanswered,
        failure=rate.failure or answers.failure,
        answering=answers.bill,
    )


def judge_answers(
    comparisons: Sequence[Comparison],
    *,
    model: str | Mapping[str, Any] | ModelSpec,
    cache: Path,
    concurrency: int = CONCURRENCY,
    max_cost_usd: float | None = None,
    progress: Progress | None = None,
) -> WinRate:
    """Ask the judge `model` about every comparison in both orders; answers that are the same are a tie unasked.

    Raises:
        ConfigError: no comparison, or the model is not known.
        AuthError, BackendError, BudgetError: as `trainer.judge.asking.collect`; what was bought is in the file `cache`.
    """
    if not comparisons:
        raise ConfigError("There is nothing to judge.", hint="Give at least one comparison.")
    judge = ModelSpec.parse(model)
    both = [_both_orders(comparison) for comparison in comparisons]
    requests = {_key(judge, order): partial(_ask, judge, order) for orders in both for order in orders}
    with ReplyCache(cache) as replies:
        collected = collect(
            requests,
            replies,
            stage="judgements",
            concurrency=concurrency,
            max_cost_usd=max_cost_usd,
            progress=progress,
        )
    verdicts = {key: verdict_in(reply.text) for key, reply in collected.replies.items()}
    judged = [
        Judged(comparison, _outcome([_key(judge, order) for order in orders], verdicts))
        for comparison, orders in zip(comparisons, both, strict=True)
    ]
    return tally(
        judged,
        judge=judge.name,
        first_picks=[verdict == "A" for verdict in verdicts.values() if verdict in ("A", "B")],
        bill=collected.bill,
        failure=_one_failure(collected),
    )


def persona_of(example: Example) -> str:
    """Who the judge speaks for: the oracle where it is known, else what the user has shown, shortened."""
    if example.oracle:
        return example.oracle
    if not example.signals:
        return "Nothing is known about this user."
    limit = max(40, PERSONA_TOKENS // len(example.signals))
    shown = [rendered_signal(signal, limit) for signal in example.signals]
    texts = [
        "\n".join([f"{signal.title}.", *(f"{part.name}: {part.text}" for part in signal.parts)]) for signal in shown
    ]
    return shorten("\n\n".join(texts), PERSONA_TOKENS)


# ---- one comparison -------------------------------------------------------------------------------------------------

Order = tuple[str, str, str, str]
"""Persona, prompt, and the two answers as they are shown."""


def _both_orders(comparison: Comparison) -> tuple[Order, ...]:
    """The two ways to ask, the personalized answer first and then second; none for answers that are the same."""
    persona, prompt = comparison.persona, comparison.prompt
    if comparison.personalized == comparison.plain:
        return ()
    return (
        (persona, prompt, comparison.personalized, comparison.plain),
        (persona, prompt, comparison.plain, comparison.personalized),
    )


def _outcome(keys: Sequence[str], verdicts: Mapping[str, Verdict | None]) -> Outcome:
    """From the verdicts on both orders; no keys at all are two answers that are the same."""
    if not keys:
        return "tie"
    if any(key not in verdicts for key in keys):
        return "failed"
    found = tuple(verdicts[key] for key in keys)
    if None in found:
        return "invalid"
    agreed: dict[tuple[Verdict | None, ...], Outcome] = {("A", "B"): "win", ("B", "A"): "loss"}
    return agreed.get(found, "tie")


def _key(judge: ModelSpec, order: Order) -> str:
    return key_of("judgement", judge.name, judge.api_base or "", *template_texts(), *order)


def _ask(judge: ModelSpec, order: Order) -> Reply:
    """Ask once, and once more where the first reply is no verdict."""
    messages = judge_messages(*order)
    first = ask_model(judge, messages, _OPTIONS)
    if verdict_in(first.text) is not None:
        return reply_from(first)
    said = {"role": "assistant", "content": first.text.strip() or "(no reply)"}
    again = ask_model(judge, [*messages, said, {"role": "user", "content": REMINDER}], _OPTIONS)
    return reply_from(first, again)


def _one_failure(collected: Collected) -> str:
    return str(next(iter(collected.failures.values()), ""))


# ---- examples to comparisons ----------------------------------------------------------------------------------------


def _questions(
    examples_with_summaries: Sequence[tuple[Example, str]], prompts_per_user: int
) -> list[tuple[Example, Question]]:
    """The first prompts of each user's held-out pairs, each with the example it comes from."""
    if prompts_per_user < 1:
        raise ConfigError("`prompts_per_user` must be at least 1.")
    taken: dict[str, set[str]] = {}
    questions = []
    for example, summary in examples_with_summaries:
        prompts = taken.setdefault(example.user, set())
        for pair in example.pairs:
            if len(prompts) < prompts_per_user and pair.prompt not in prompts:
                prompts.add(pair.prompt)
                questions.append((example, Question(example.user, pair.prompt, summary)))
    return questions


def _comparisons(examples: Sequence[Example], answers: Answers) -> tuple[list[Comparison], int]:
    """The questions of which both answers are there, and the number of the others."""
    comparisons = []
    for example, answered in zip(examples, answers.answered, strict=True):
        if answered.personalized is not None and answered.plain is not None:
            question = answered.question
            both = answered.personalized, answered.plain
            comparisons.append(
                Comparison(question.user, persona_of(example), question.prompt, *both, dict(example.slices))
            )
    return comparisons, len(answers.answered) - len(comparisons)
