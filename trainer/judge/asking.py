"""Many requests to one model: several at a time, each paid for once, within a budget, and none lost.

A request that fails is counted and the others go on; without a right to use the model none of them does.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Generator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import closing
from dataclasses import dataclass
from typing import Any

from popi_sdk.backend import Completion, LiteLLMBackend, Messages, ModelSpec
from popi_sdk.backend.calls import load_litellm
from popi_sdk.errors import AuthError, BackendError, ConfigError, PopiError
from trainer.judge.reply_cache import Reply, ReplyCache, total_cost

Ask = Callable[[], Reply]
"""Sends one request."""
Progress = Callable[[str, int, int], None]
"""Told what is being done ("answers", "judgements"), how many are there, and how many are wanted."""

CONCURRENCY = 8
_TIMEOUT = 120.0
_RETRIES = 4


class BudgetError(PopiError):
    """The money allowed is spent; what was bought is kept in the cache."""


@dataclass(frozen=True, slots=True)
class Bill:
    """What a set of replies took, those from the cache included."""

    replies: int
    asked: int
    """Replies asked for just now; the others came from the cache."""
    prompt_tokens: int
    completion_tokens: int
    cost_usd: float | None
    """US dollars; None when a price is unknown."""


@dataclass(frozen=True, slots=True)
class Collected:
    """Replies and failures by the key of their request; every request is in one of them."""

    replies: Mapping[str, Reply]
    failures: Mapping[str, BackendError]
    asked: int

    @property
    def bill(self) -> Bill:
        """What the replies took."""
        replies = self.replies.values()
        return Bill(
            replies=len(replies),
            asked=self.asked,
            prompt_tokens=sum(reply.prompt_tokens for reply in replies),
            completion_tokens=sum(reply.completion_tokens for reply in replies),
            cost_usd=total_cost([reply.cost_usd for reply in replies]),
        )


def ask_model(model: ModelSpec, messages: Messages, options: Mapping[str, Any]) -> Completion:
    """Send one request, with the time-out and retries fit for a long run."""
    return LiteLLMBackend().complete(messages, model, timeout=_TIMEOUT, retries=_RETRIES, options=options)


def collect(
    requests: Mapping[str, Ask],
    cache: ReplyCache,
    *,
    stage: str,
    concurrency: int = CONCURRENCY,
    max_cost_usd: float | None = None,
    progress: Progress | None = None,
) -> Collected:
    """Get the reply to each request, from the cache or by asking, at most `concurrency` at a time.

    The first goes alone: a wrong key costs one request, and LiteLLM makes one client instead of one for each thread.
    `max_cost_usd` is what the replies may cost together, those in the cache included.

    Raises:
        AuthError: there is no right to use the model; nothing more was asked.
        BackendError: every single request failed.
        BudgetError: the next request could cost more than `max_cost_usd` leaves.
        ConfigError: the model is not known, or a budget is given and its price is not.
    """
    if concurrency < 1:
        raise ConfigError("`concurrency` must be at least 1.")
    replies = {key: reply for key in requests if (reply := cache.get(key)) is not None}
    missing = {key: ask for key, ask in requests.items() if key not in replies}
    budget = _Budget(max_cost_usd, list(replies.values()), stage)
    failures: dict[str, BackendError] = {}
    with closing(_asked(missing, cache, concurrency, budget)) as asked:
        for key, future in asked:
            try:
                replies[key] = future.result()
            except AuthError:
                raise
            except BackendError as error:
                failures[key] = error
            else:
                budget.add(replies[key])
            if progress is not None:
                progress(stage, len(replies) + len(failures), len(requests))
    if failures and not replies:
        raise next(iter(failures.values()))
    return Collected(replies, failures, len(missing) - len(failures))


def _asked(
    missing: Mapping[str, Ask], cache: ReplyCache, concurrency: int, budget: _Budget
) -> Generator[tuple[str, Future[Reply]], None, None]:
    """Send the requests and give each as it is done; what is not sent when the caller stops reading never is."""
    if missing:
        load_litellm()  # its import takes seconds and is better not raced for
    waiting, running, room = deque(missing), dict[Future[Reply], str](), 1
    with ThreadPoolExecutor(concurrency, thread_name_prefix="popi-ask") as pool:
        while waiting or running:
            while waiting and len(running) < room and budget.allows(len(running)):
                key = waiting.popleft()
                running[pool.submit(_bought, key, missing[key], cache)] = key
            for future in wait(running, return_when=FIRST_COMPLETED).done:
                yield running.pop(future), future
            room = concurrency


def _bought(key: str, ask: Ask, cache: ReplyCache) -> Reply:
    """Ask, and keep the reply at once: what is paid for outlives whatever stops the run."""
    reply = ask()
    cache.put(key, reply)
    return reply


class _Budget:
    """Holds back a request that could cost more than is left, at the price of the dearest so far."""

    def __init__(self, limit: float | None, replies: Sequence[Reply], stage: str) -> None:
        if limit is not None and not limit >= 0:
            raise ConfigError("`max_cost_usd` must be a number of US dollars from 0.")
        self._limit, self._stage = limit, stage
        self._spent = 0.0
        self._dearest: float | None = None
        for reply in replies:
            self.add(reply)

    def add(self, reply: Reply) -> None:
        """Count what a reply cost."""
        if self._limit is None:
            return
        if reply.cost_usd is None:
            raise ConfigError(
                f"The price of {reply.model} is unknown, so a limit on the cost cannot be kept.",
                hint="Leave the limit away; the replies so far are in the cache.",
            )
        self._spent += reply.cost_usd
        self._dearest = max(self._dearest or 0.0, reply.cost_usd)

    def allows(self, running: int) -> bool:
        """Whether one more may be sent beside `running` ones; the first, whose price nobody knows, goes alone."""
        if self._limit is None:
            return True
        if self._dearest is None and self._limit > 0:
            return running == 0
        if self._dearest is not None and self._spent + (running + 1) * self._dearest <= self._limit:
            return True
        if running:
            return False
        raise BudgetError(
            f"The {self._stage} cost {self._spent:.4f} of the {self._limit:.4f} US dollars allowed for them so far, "
            "and the next could cost more than is left.",
            hint="Raise the limit and run again; what was bought is in the cache and is not asked for again.",
        )
