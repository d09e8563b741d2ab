"""The decisions of a personalized call, without any input or output; both clients share them.

When is a new summary due, from which signals is it inferred, what status does the reply get, how are a request's
arguments checked. The clients and `inference.py` do the reading, the waiting and the calling.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, TypeVar, get_args

from popi_sdk.backend.fallbacks import options_for_fallback
from popi_sdk.backend.model_spec import ModelSpec
from popi_sdk.composer import ChatMessage, Placement, Prompt, as_messages, compose
from popi_sdk.config import KEYS, Config
from popi_sdk.errors import ConfigError, PopiError, SignalError, SummarizerError
from popi_sdk.intake import SignalsLike, coerce
from popi_sdk.render import raw_tokens
from popi_sdk.reply import Personal
from popi_sdk.signals import Signal
from popi_sdk.store import Profile
from popi_sdk.summarizers import Summarizer
from popi_sdk.summary import NOTHING, Clause, Summary
from popi_sdk.templates import Templates
from popi_sdk.tokens import count_tokens

if TYPE_CHECKING:
    from popi_sdk.privacy import Redactor

MOST_SIGNALS = 2_000
"""The newest so many signals of a user are read when a summary is inferred."""
LONGEST_WAIT = 10
"""A refresh waits at most this many times `debounce`, however busy the user is."""

_SETTINGS = frozenset(KEYS) - {"model", "placement", "timeout"}

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Material:
    """What a summarizer is given."""

    signals: Sequence[Signal]
    previous: Summary | None


@dataclass(frozen=True, slots=True)
class Given:
    """The signals of one call, with what was taken out of them."""

    signals: tuple[Signal, ...]
    redactions: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Request:
    """One call's checked arguments."""

    messages: list[ChatMessage]
    models: tuple[ModelSpec, ...]
    placement: Placement
    timeout: float
    options: Mapping[str, Any]

    @property
    def prompt_text(self) -> str:
        """The words of the last user turn."""
        for message in reversed(self.messages):
            if message["role"] == "user":
                return _words(message.get("content"))
        return ""

    def composed(self, summary: Summary, model: ModelSpec, templates: Templates) -> list[ChatMessage]:
        """The messages exactly as they are sent to `model`."""
        return compose(
            self.messages,
            summary,
            placement=self.placement,
            provider=model.provider,
            templates=templates,
            tools=self.options.get("tools") or (),
        )


def check_request(
    prompt: Prompt,
    config: Config,
    *,
    model: Any = None,
    placement: Placement | None = None,
    timeout: float | None = None,
    options: Mapping[str, Any],
) -> Request:
    """Check a call's arguments before anything is read or sent.

    Raises:
        ConfigError: the argument that cannot be used.
    """
    if options.get("stream"):
        raise ConfigError("`stream=True` is not taken here", hint="Use `with popi.stream(...) as stream:`.")
    if placement is not None and placement not in get_args(Placement):
        raise ConfigError(f"`placement` cannot be {str(placement)[:40]!r}", hint="Use system, developer or user.")
    if timeout is not None and (isinstance(timeout, bool) or not isinstance(timeout, int | float) or not timeout > 0):
        raise ConfigError(f"`timeout` is {str(timeout)[:40]!r}", hint="Give a number of seconds above 0.")
    settings = sorted(_SETTINGS & options.keys())
    if settings:
        raise ConfigError(
            f"`{settings[0]}` cannot be given for one call",
            hint=f"Set it for the client: Popi({settings[0]}=...).",
        )
    first = config.model if model is None else ModelSpec.parse(model)
    return Request(
        messages=as_messages(prompt),
        models=(first, *(fallback for fallback in config.fallbacks if fallback != first)),
        placement=placement or config.placement,
        timeout=config.timeout if timeout is None else timeout,
        options=options,
    )


def given(signals: SignalsLike, redactor: Redactor | None) -> Given:
    """Whatever an app holds as signals without secrets and personal data; without a redactor as they are.

    Raises:
        SignalError: something cannot be taken.
    """
    taken = coerce(signals)
    if redactor is None or not taken:
        return Given(taken, {})
    redacted = redactor.signals(taken)
    return Given(redacted.signals, redacted.counts)


def make_redactor(config: Config) -> Redactor | None:
    """What takes secrets and personal data out of signals, as configured.

    Raises:
        ConfigError: a pattern of `redact` cannot be used.
    """
    if config.redact is False:
        return None
    from popi_sdk.privacy import Redactor  # its patterns take a while to load; `import popi_sdk` need not wait

    return Redactor(None if config.redact is True else config.redact)


def oldest_kept(config: Config, now: datetime | None = None) -> datetime | None:
    """Signals shown before this moment are to be erased; None where all are kept."""
    if config.retention is None:
        return None
    return (now or datetime.now(UTC)) - timedelta(days=config.retention)


def refresh_is_due(
    profile: Profile, config: Config, now: datetime | None = None, *, other_version: bool = False
) -> bool:
    """Whether signals wait that the summary has not looked at, and the user has been quiet for `debounce` seconds.

    Where none wait, it is due with `other_version`: when another version of the summarizer wrote it.
    """
    if config.refresh == "manual":
        return False
    if not profile.stale:
        return other_version
    return not profile.summary or seconds_until_due(profile, config, now) <= 0


def seconds_until_due(profile: Profile, config: Config, now: datetime | None = None) -> float:
    """How long the burst that is going on still holds a refresh back."""
    if not config.debounce or profile.last_observed_at is None or profile.first_unseen_at is None:
        return 0.0
    now = now or datetime.now(UTC)
    quiet = config.debounce - (now - profile.last_observed_at).total_seconds()
    patience = LONGEST_WAIT * config.debounce - (now - profile.first_unseen_at).total_seconds()
    return min(quiet, patience)


def needs_only_news(profile: Profile, summarizer: Summarizer) -> bool:
    """Whether the history has outgrown what the summarizer reads at once, so that it builds on its last summary."""
    window = getattr(summarizer, "input_tokens", None)
    summary = profile.summary
    return bool(window and summary and profile.stale and profile.seen and summary.raw_tokens > window)


def written_before(history: Sequence[Summary], material: Material, summarizer: Summarizer) -> Summary | None:
    """The newest summary in a user's history that this summarizer wrote from the very same signals."""
    name, ids = name_of(summarizer), {signal.id for signal in material.signals}
    same = (one for one in reversed(history) if one.model == name and set(one.signal_ids) == ids)
    return next(same, None)


def shown(material: Material, config: Config) -> Material:
    """What a summarizer may see: untrusted signals only where what it makes of them cannot reach a system prompt.

    Elsewhere they count for nothing at all, so that they can neither speak, nor outvote what the user has shown.
    """
    if reads_untrusted(config):
        return material
    trusted = tuple(signal for signal in material.signals if signal.source == "user")
    return Material(trusted, served(material.previous, "system") if material.previous else None)


def reads_untrusted(config: Config) -> bool:
    """Whether signals that others may have written are looked at: only where all of it stands in the user's turn."""
    return config.placement == "user"


def _names_sources(summarizer: Summarizer) -> bool:
    return bool(getattr(summarizer, "names_sources", False))


def served(summary: Summary, placement: Placement) -> Summary:
    """The summary as it may stand at `placement`: clauses that rest on untrusted signals alone only in a user turn."""
    kept = tuple(clause for clause in summary.clauses if not clause.untrusted)
    if placement == "user" or len(kept) == len(summary.clauses):
        return summary
    return replace(summary, clauses=kept, tokens=count_tokens(" ".join(clause.text for clause in kept)))


def _marked(clause: Clause, material: Material, names_sources: bool) -> Clause:
    """The clause, told whether anything trusted is behind it; where nobody knows, nothing is."""
    unsure = {signal.id for signal in material.signals if signal.source != "user"}
    trusted = {signal.id for signal in material.signals} - unsure
    before = {one.text for one in (material.previous or NOTHING).clauses if one.untrusted}
    if names_sources and clause.signal_ids:
        untrusted = unsure.issuperset(clause.signal_ids) or (
            clause.text in before and not trusted & {*clause.signal_ids}
        )
    else:
        untrusted = bool(unsure or before)
    return replace(clause, untrusted=untrusted)


def finish(written: Summary | str | None, material: Material, config: Config, summarizer: Summarizer) -> Summary:
    """Guard what a summarizer wrote and note what it rests on and how long its material is."""
    name = name_of(summarizer)
    from popi_sdk.guard import guard  # its rules take a while to load; `import popi_sdk` need not wait for them

    if written is not None and not isinstance(written, Summary | str):
        raise SummarizerError(
            f"The summarizer {name} returned {type(written).__name__}", hint="Return a Summary or a string."
        )
    if isinstance(written, Summary) and not all(
        isinstance(clause, Clause) and isinstance(clause.text, str) for clause in written.clauses
    ):
        raise SummarizerError(f"The summarizer {name} returned clauses that are none", hint="Use Clause(text).")
    ids = tuple(signal.id for signal in material.signals)
    before = material.previous or NOTHING
    model = (written.model if isinstance(written, Summary) else "") or name
    safe = guard(written or "", max_tokens=config.max_summary_tokens, model=model, signal_ids=ids)
    return replace(
        safe,
        clauses=tuple(_marked(clause, material, _names_sources(summarizer)) for clause in safe.clauses),
        model=model,
        signal_ids=tuple(dict.fromkeys((*before.signal_ids, *ids))),
        raw_tokens=before.raw_tokens + raw_tokens(material.signals),
        created_at=datetime.now(UTC),
    )


def own_words(text: str, config: Config, redactor: Redactor | None) -> Summary:
    """A person's own words as a pinned summary.

    Raises:
        SignalError: they hold personal data, or the guard would cut some of them; the message names the part.
    """
    from popi_sdk.guard import check_own_words, guard

    if not isinstance(text, str):
        raise SignalError(f"is a {type(text).__name__}; give a string, or None to let go", field="text")
    found = redactor.text(text).counts if redactor else {}
    if found:
        raise SignalError(
            f"holds {', '.join(found)}, which has no place in a summary",
            field="text",
            hint="Say how you like to be answered without it.",
        )
    lines = [line for line in text.splitlines() if any(map(str.isalnum, line))] or [text]
    words = list(dict.fromkeys(check_own_words(line, max_tokens=config.max_summary_tokens) for line in lines))
    own = Summary(clauses=tuple(Clause(line, aspect="own words") for line in words), model="person")
    safe = guard(own, max_tokens=config.max_summary_tokens)
    if safe.text != own.text:
        raise SignalError(
            f"has {count_tokens(own.text)} tokens; at most {config.max_summary_tokens} are taken",
            field="text",
            hint="Shorten it.",
        )
    return replace(safe, pinned=True, created_at=datetime.now(UTC))


def personal_from(
    profile: Profile, placement: Placement, warnings: tuple[str, ...] = (), *, other_version: bool = False
) -> Personal:
    """What a stored profile means for a call; `other_version` as for `refresh_is_due`."""
    summary = served(profile.summary, placement)
    if not summary:
        return Personal(NOTHING, "failed" if warnings else "skipped", warnings)
    older = profile.stale or other_version
    return Personal(summary, "stale" if older else "applied", warnings, dict(summary.removed))


def personal_from_summary(summary: Summary, placement: Placement, redactions: Mapping[str, int]) -> Personal:
    """What a summary of signals given directly means for a call."""
    summary = served(summary, placement)
    taken_out = dict(Counter(redactions) + Counter(summary.removed))
    return Personal(summary, "applied" if summary else "skipped", redactions=taken_out)


def failed(error: PopiError) -> Personal:
    """The call goes on without a summary and says why."""
    return Personal(NOTHING, "failed", (f"Answered without a summary: {error}",))


def name_of(summarizer: Summarizer) -> str:
    """How a summarizer is called in `summary.model` and in errors."""
    return str(getattr(summarizer, "name", "") or type(summarizer).__name__)


def attempt_with(
    call: Callable[..., T], request: Request, summary: Summary, config: Config, templates: Templates
) -> Callable[[ModelSpec], T]:
    """`call` of the backend with everything but the model filled in."""

    def attempt(model: ModelSpec) -> T:
        messages = request.composed(summary, model, templates)
        # Another provider must not be sent the key or the address that the app gave for the first one.
        options = request.options if model == request.models[0] else options_for_fallback(request.options)
        return call(messages, model, timeout=request.timeout, retries=config.retries, options=options)

    return attempt


def _words(content: Any) -> str:
    if isinstance(content, str):
        return content
    parts = content if isinstance(content, list | tuple) else ()
    texts = (part.get("text") for part in parts if isinstance(part, Mapping))
    return "\n".join(text for text in texts if isinstance(text, str))
