"""The whole story of a personalized call. Start reading at `Popi.personalize`.

signals -> (store) -> summarizer -> guard -> summary -> compose into the system prompt -> backend -> reply

How a summary comes about, and when anew, is in `inference.py`. `async_client.py` is the same as this, awaited; the
decisions both share are in `personalization.py`.
"""

from __future__ import annotations

import copy
import logging
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self, overload

from popi_sdk import personalization as rules
from popi_sdk import telemetry
from popi_sdk.backend import Backend, LiteLLMBackend
from popi_sdk.backend.fallbacks import with_fallbacks
from popi_sdk.composer import ChatMessage, Placement, Prompt
from popi_sdk.config import Config, load_config
from popi_sdk.errors import ConfigError
from popi_sdk.inference import Inference
from popi_sdk.intake import SignalsLike, coerce_all
from popi_sdk.reply import Personal, Reply, reply_from
from popi_sdk.signals import Signal
from popi_sdk.store import Profile
from popi_sdk.streams import Opened, ReplyStream
from popi_sdk.summarizers import make_summarizer
from popi_sdk.summary import Summary
from popi_sdk.templates import load_templates

if TYPE_CHECKING:
    import anthropic
    import openai
    from mistralai.client import Mistral

    from popi_sdk.integrations.anthropic import PersonalAnthropic, PersonalAsyncAnthropic
    from popi_sdk.integrations.mistral import PersonalMistral
    from popi_sdk.integrations.openai import PersonalAsyncOpenAI, PersonalOpenAI

_log = logging.getLogger("popi_sdk")


class Popi:
    """Answers each user the way that user likes to be answered.

    Args:
        config: a Config, or the path of a TOML file; None looks in the working folder and the environment.
        backend: what calls the model; LiteLLM unless you give your own (see `popi_sdk.testing`).
        overrides: single settings, such as `model="mistral/mistral-small-latest"`.

    Raises:
        ConfigError: a setting that cannot be used; nothing was opened or sent.

    >>> with Popi(store="memory", summarizer="contrast") as popi:
    ...     _ = popi.observe("ada", "Short answers, please.")
    ...     print(popi.profile("ada").summary)
    Short answers, please.
    """

    def __init__(
        self, config: Config | str | Path | None = None, *, backend: Backend | None = None, **overrides: Any
    ) -> None:
        self.config = config.with_overrides(overrides) if isinstance(config, Config) else load_config(config, overrides)
        self.templates = load_templates(self.config.templates)
        self._redactor = rules.make_redactor(self.config)
        self._backend = telemetry.Traced(backend or LiteLLMBackend())
        self._inference = Inference(self.config, make_summarizer(self.config, self._backend, self.templates))
        self._store = self._inference.store
        self._scoped = False

    # --- answering -------------------------------------------------------------------------------------------------

    @telemetry.call("personalize")
    def personalize(
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
        given = self._given(signals)
        personal = self._inference.personal(user_id, given, request.placement)
        attempt = rules.attempt_with(self._backend.complete, request, personal.summary, self.config, self.templates)
        completion, warnings = with_fallbacks(request.models, attempt)
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
    ) -> ReplyStream:
        """Like `personalize`, piece by piece: `with popi.stream(...) as stream: for piece in stream: ...`."""
        request = rules.check_request(
            prompt, self.config, model=model, placement=placement, timeout=timeout, options=options
        )
        given = self._given(signals)

        @telemetry.opening
        def begin() -> Opened[Any]:
            personal = self._inference.personal(user_id, given, request.placement)
            attempt = rules.attempt_with(self._backend.stream, request, personal.summary, self.config, self.templates)
            chunks, warnings = with_fallbacks(request.models, attempt)
            return Opened(chunks, personal, warnings)

        return ReplyStream(begin, request.prompt_text)

    @telemetry.call("compose")
    def compose(
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
        given = self._given(signals)
        personal = self._inference.personal(user_id, given, request.placement)
        return request.composed(personal.summary, request.models[0], self.templates)

    @telemetry.call("personal")
    def personal(self, user_id: str, signals: SignalsLike = (), *, placement: Placement | None = None) -> Personal:
        """The summary that a call for this user carries, with its status, for those who make the call themselves.

        Raises:
            SignalError: the user id or a signal cannot be taken.
            SummarizerError, StoreError: only with `on_failure="raise"`; else the status is "failed".
        """
        given = self._given(signals)
        return self._inference.personal(user_id, given, placement or self.config.placement)

    @telemetry.call("summarize")
    def summarize(self, signals: SignalsLike) -> Summary:
        """Infer a summary from `signals`; nothing is stored.

        Raises:
            SummarizerError: the summarizer failed.
        """
        return self._inference.of_signals(self._given(signals).signals)

    # --- what is known about a user --------------------------------------------------------------------------------

    @telemetry.memory("upsert_memory")
    def observe(self, user_id: str, *signals: SignalsLike) -> tuple[Signal, ...]:
        """Store what a user has shown, without secrets and personal data; durable when this returns.

        A repeat only renews its time. What is returned is what was stored.

        Raises:
            SignalError: something cannot be taken; then nothing of this call was stored.
            StoreError: nothing of this call was stored.
        """
        given = self._given(coerce_all(signals)).signals
        self._inference.expire(user_id)
        self._store.get().observe(self.config.namespace, user_id, given)
        if given and self.config.refresh == "background":
            self._inference.background.ask(self.config.namespace, user_id, self.config.debounce)
        return given

    def profile(self, user_id: str) -> Profile:
        """What is stored for a user: the summary to serve, brought up to date where that is due, and counters."""
        profile = self._inference.read(user_id)
        return self._inference.brought_up_to_date(profile)[0]

    @telemetry.memory("search_memory")
    def history(self, user_id: str) -> tuple[Summary, ...]:
        """All versions of the user's summary, oldest first."""
        self._inference.expire(user_id)
        return self._store.get().history(self.config.namespace, user_id)

    def refresh(self, user_id: str) -> Summary:
        """Infer the user's summary anew, due or not; a person's own words stay.

        Raises:
            SummarizerError: the summarizer failed; the summary that was there is still served.
        """
        profile = self._inference.read(user_id)
        if not profile.summary.pinned:
            profile = self._inference.refreshed(profile, anew=True)
        return profile.summary

    @telemetry.memory("update_memory")
    def edit(self, user_id: str, text: str | None) -> Summary:
        """Let a person's own words be the summary, until `edit(user_id, None)` lets go of them.

        Raises:
            SignalError: the guard would cut some of the words; the message names the part.
        """
        words = None if text is None else rules.own_words(text, self.config, self._redactor)
        self._store.get().pin(self.config.namespace, user_id, words)
        return self.profile(user_id).summary

    @telemetry.memory("delete_memory")
    def forget(self, user_id: str, signal_id: str | None = None) -> int:
        """Erase one signal and every summary version that rested on it, or all about a user.

        Returns how many signals were erased. The summary is inferred anew when it is next needed, without the old one.
        """
        erased = self._store.get().forget(self.config.namespace, user_id, signal_id)
        self._inference.directly_given.clear()
        return erased

    @telemetry.memory("delete_memory")
    def expire(self) -> int:
        """Erase all signals of this namespace that are older than `retention`, and the summaries that rested on them.

        Users who come back need no such call; those who stay away do, once a day, say. How many signals were erased.

        Raises:
            ConfigError: `retention` is not set.
        """
        if self.config.retention is None:
            raise ConfigError("`retention` is not set, so nothing expires", hint="Give it in days: retention = 365.")
        return self._inference.expire(None)

    @telemetry.memory("search_memory")
    def export(self, user_id: str) -> dict[str, object]:
        """Everything held about a user, ready for JSON."""
        self._inference.expire(user_id)
        return self._store.get().export(self.config.namespace, user_id)

    def scoped(self, namespace: str) -> Popi:
        """The same client for another namespace: same store, same models, other users."""
        other = copy.copy(self)
        other.config = self.config.with_overrides({"namespace": namespace})
        other._inference = self._inference.scoped(other.config)
        other._scoped = True
        return other

    @overload
    def wrap(self, client: openai.OpenAI) -> PersonalOpenAI: ...

    @overload
    def wrap(self, client: openai.AsyncOpenAI) -> PersonalAsyncOpenAI: ...

    @overload
    def wrap(self, client: anthropic.Anthropic) -> PersonalAnthropic: ...

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

    def close(self) -> None:
        """Finish refreshes that wait and close the store; a scoped client leaves both to the one it came from."""
        if not self._scoped:
            self._inference.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _given(self, signals: SignalsLike) -> rules.Given:
        given = rules.given(signals, self._redactor)
        telemetry.redacted(given.redactions)
        return given
