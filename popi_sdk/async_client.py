"""The client for asyncio: the methods of `client.py`, awaited. Read that one first.

Store and backend are asked with asynchronous I/O; a summarizer that computes runs in a thread, off the event loop.
"""

from __future__ import annotations

import asyncio
import copy
import logging
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self, overload

from popi_sdk import personalization as rules
from popi_sdk import telemetry
from popi_sdk.async_inference import AsyncInference
from popi_sdk.backend import AsyncBackend, LiteLLMBackend
from popi_sdk.backend.fallbacks import awith_fallbacks
from popi_sdk.composer import ChatMessage, Placement, Prompt
from popi_sdk.config import Config, load_config
from popi_sdk.errors import ConfigError
from popi_sdk.intake import SignalsLike, coerce_all
from popi_sdk.reply import Personal, Reply, reply_from
from popi_sdk.signals import Signal
from popi_sdk.store import Profile
from popi_sdk.streams import AsyncReplyStream, Opened
from popi_sdk.summarizers import make_summarizer
from popi_sdk.summary import Summary
from popi_sdk.templates import load_templates

if TYPE_CHECKING:
    import anthropic
    import openai
    from mistralai.client import Mistral

    from popi_sdk.integrations.anthropic import PersonalAsyncAnthropic
    from popi_sdk.integrations.mistral import PersonalMistral
    from popi_sdk.integrations.openai import PersonalAsyncOpenAI

_log = logging.getLogger("popi_sdk")


class AsyncPopi:
    """Answers each user the way that user likes to be answered.

    Args:
        config: a Config, or the path of a TOML file; None looks in the working folder and the environment.
        backend: what calls the model; LiteLLM unless you give your own (see `popi_sdk.testing`).
        overrides: single settings, such as `model="mistral/mistral-small-latest"`.

    Raises:
        ConfigError: a setting that cannot be used; nothing was opened or sent.

    >>> import asyncio
    >>> async def main():
    ...     async with AsyncPopi(store="memory") as popi:
    ...         await popi.observe("ada", "Short answers, please.")
    ...         return (await popi.profile("ada")).summary
    >>> print(asyncio.run(main()))
    Short answers, please.
    """

    def __init__(
        self, config: Config | str | Path | None = None, *, backend: AsyncBackend | None = None, **overrides: Any
    ) -> None:
        self.config = config.with_overrides(overrides) if isinstance(config, Config) else load_config(config, overrides)
        self.templates = load_templates(self.config.templates)
        self._redactor = rules.make_redactor(self.config)
        self._backend = telemetry.Traced(backend or LiteLLMBackend())
        self._inference = AsyncInference(self.config, make_summarizer(self.config, self._backend, self.templates))
        self._store = self._inference.store
        self._scoped = False

    # --- answering -------------------------------------------------------------------------------------------------

    @telemetry.call("personalize")
    async def personalize(
        self,
        prompt: Prompt,
        signals: SignalsLike = (),
        *,
        user_id: str | None = None,
        model: Any = None,
        placement: Placement | None = None,
        timeout: float | None = None,
        **options: Any,
    ) -> Reply:
        """Answer `prompt` the way the user behind `user_id` or `signals` likes to be answered.

        Signals given together with `user_id` serve this call and are not stored. `options` go to the provider.

        Raises:
            SignalError, ConfigError: an argument that cannot be taken; nothing was sent.
            BackendError: no model answered.
            SummarizerError, StoreError: only with `on_failure="raise"`; else `reply.status` is "failed".
        """
        request = rules.check_request(
            prompt, self.config, model=model, placement=placement, timeout=timeout, options=options
        )
        given = await self._given_aside(signals)
        personal = await self._inference.personal(user_id, given, request.placement)
        attempt = rules.attempt_with(self._backend.acomplete, request, personal.summary, self.config, self.templates)
        completion, warnings = await awith_fallbacks(request.models, attempt)
        return reply_from(completion, personal, request.prompt_text, warnings)

    def stream(
        self,
        prompt: Prompt,
        signals: SignalsLike = (),
        *,
        user_id: str | None = None,
        model: Any = None,
        placement: Placement | None = None,
        timeout: float | None = None,
        **options: Any,
    ) -> AsyncReplyStream:
        """Like `personalize`, piece by piece: `async with popi.stream(...) as stream`, then `async for`."""
        request = rules.check_request(
            prompt, self.config, model=model, placement=placement, timeout=timeout, options=options
        )
        given = self._given(signals)

        @telemetry.opening
        async def begin() -> Opened[Any]:
            personal = await self._inference.personal(user_id, given, request.placement)
            attempt = rules.attempt_with(self._backend.astream, request, personal.summary, self.config, self.templates)
            chunks, warnings = await awith_fallbacks(request.models, attempt)
            return Opened(chunks, personal, warnings)

        return AsyncReplyStream(begin, request.prompt_text)

    @telemetry.call("compose")
    async def compose(
        self,
        prompt: Prompt,
        signals: SignalsLike = (),
        *,
        user_id: str | None = None,
        model: Any = None,
        placement: Placement | None = None,
        timeout: float | None = None,
        **options: Any,
    ) -> list[ChatMessage]:
        """The chat messages exactly as `personalize` would send them; no call to the backend."""
        request = rules.check_request(
            prompt, self.config, model=model, placement=placement, timeout=timeout, options=options
        )
        given = await self._given_aside(signals)
        personal = await self._inference.personal(user_id, given, request.placement)
        return request.composed(personal.summary, request.models[0], self.templates)

    @telemetry.call("personal")
    async def personal(
        self, user_id: str, signals: SignalsLike = (), *, placement: Placement | None = None
    ) -> Personal:
        """The summary that a call for this user carries, with its status, for those who make the call themselves.

        Raises:
            SignalError: the user id or a signal cannot be taken.
            SummarizerError, StoreError: only with `on_failure="raise"`; else the status is "failed".
        """
        given = await self._given_aside(signals)
        return await self._inference.personal(user_id, given, placement or self.config.placement)

    @telemetry.call("summarize")
    async def summarize(self, signals: SignalsLike) -> Summary:
        """Infer a summary from `signals`; nothing is stored.

        Raises:
            SummarizerError: the summarizer failed.
        """
        return await self._inference.of_signals((await self._given_aside(signals)).signals)

    # --- what is known about a user --------------------------------------------------------------------------------

    @telemetry.memory("upsert_memory")
    async def observe(self, user_id: str, *signals: SignalsLike) -> tuple[Signal, ...]:
        """Store what a user has shown, without secrets and personal data; durable when this returns.

        A repeat only renews its time. What is returned is what was stored.

        Raises:
            SignalError: something cannot be taken; then nothing of this call was stored.
            StoreError: nothing of this call was stored.
        """
        given = (await asyncio.to_thread(lambda: self._given(coerce_all(signals)))).signals
        await self._inference.expire(user_id)
        await (await self._store.get()).observe(self.config.namespace, user_id, given)
        if given and self.config.refresh == "background":
            self._inference.background.ask(self.config.namespace, user_id, self.config.debounce)
        return given

    async def profile(self, user_id: str) -> Profile:
        """What is stored for a user: the summary to serve, brought up to date where that is due, and counters."""
        profile = await self._inference.read(user_id)
        return (await self._inference.brought_up_to_date(profile))[0]

    @telemetry.memory("search_memory")
    async def history(self, user_id: str) -> tuple[Summary, ...]:
        """All versions of the user's summary, oldest first."""
        await self._inference.expire(user_id)
        return await (await self._store.get()).history(self.config.namespace, user_id)

    async def refresh(self, user_id: str) -> Summary:
        """Infer the user's summary anew, due or not; a person's own words stay.

        Raises:
            SummarizerError: the summarizer failed; the summary that was there is still served.
        """
        profile = await self._inference.read(user_id)
        if not profile.summary.pinned:
            profile = await self._inference.refreshed(profile, anew=True)
        return profile.summary

    @telemetry.memory("update_memory")
    async def edit(self, user_id: str, text: str | None) -> Summary:
        """Let a person's own words be the summary, until `edit(user_id, None)` lets go of them.

        Raises:
            SignalError: the guard would cut some of the words; the message names the part.
        """
        words = None if text is None else rules.own_words(text, self.config, self._redactor)
        await (await self._store.get()).pin(self.config.namespace, user_id, words)
        return (await self.profile(user_id)).summary

    @telemetry.memory("delete_memory")
    async def forget(self, user_id: str, signal_id: str | None = None) -> int:
        """Erase one signal and every summary version that rested on it, or all about a user.

        Returns how many signals were erased. The summary is inferred anew when it is next needed, without the old one.
        """
        erased = await (await self._store.get()).forget(self.config.namespace, user_id, signal_id)
        self._inference.directly_given.clear()
        return erased

    @telemetry.memory("delete_memory")
    async def expire(self) -> int:
        """Erase all signals of this namespace that are older than `retention`, and the summaries that rested on them.

        Users who come back need no such call; those who stay away do, once a day, say. How many signals were erased.

        Raises:
            ConfigError: `retention` is not set.
        """
        if self.config.retention is None:
            raise ConfigError("`retention` is not set, so nothing expires", hint="Give it in days: retention = 365.")
        return await self._inference.expire(None)

    @telemetry.memory("search_memory")
    async def export(self, user_id: str) -> dict[str, object]:
        """Everything held about a user, ready for JSON."""
        await self._inference.expire(user_id)
        return await (await self._store.get()).export(self.config.namespace, user_id)

    def scoped(self, namespace: str) -> AsyncPopi:
        """The same client for another namespace: same store, same models, other users."""
        other = copy.copy(self)
        other.config = self.config.with_overrides({"namespace": namespace})
        other._inference = self._inference.scoped(other.config)
        other._scoped = True
        return other

    @overload
    def wrap(self, client: openai.AsyncOpenAI) -> PersonalAsyncOpenAI: ...

    @overload
    def wrap(self, client: anthropic.AsyncAnthropic) -> PersonalAsyncAnthropic: ...

    @overload
    def wrap(self, client: Mistral) -> PersonalMistral: ...

    def wrap(self, client: Any) -> Any:
        """A client like yours, of OpenAI, Anthropic or Mistral, whose requests carry the summary of the user it is for.

        `wrap(client).for_user("ada")` is what you call; your own client stays as it is. See `popi_sdk.integrations`.

        Raises:
            ConfigError: the client is none that can be wrapped.
        """
        from popi_sdk.integrations import wrap

        return wrap(client, self)

    async def close(self) -> None:
        """Finish refreshes that wait and close the store; a scoped client leaves both to the one it came from."""
        if not self._scoped:
            await self._inference.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    def _given(self, signals: SignalsLike) -> rules.Given:
        given = rules.given(signals, self._redactor)
        telemetry.redacted(given.redactions)
        return given

    async def _given_aside(self, signals: SignalsLike) -> rules.Given:
        """The same off the event loop, which long texts would hold up."""
        if signals is None or (isinstance(signals, tuple | list) and not signals):
            return rules.Given((), {})
        return await asyncio.to_thread(self._given, signals)
