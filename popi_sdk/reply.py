"""What a personalized call gives back: the answer, the summary that stood in the request, and what it saved."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias

from popi_sdk.backend.completion import Completion, Usage
from popi_sdk.signals import Edit, Rating
from popi_sdk.summary import Summary

Status: TypeAlias = Literal["applied", "stale", "skipped", "failed"]
"""applied: the current summary stood in the request
stale: an older version did, while a newer one is due
skipped: there was nothing worth saying, or no user
failed: summarizer or store failed; the call was answered without a summary"""


@dataclass(frozen=True, slots=True)
class Context:
    """What the summary saved: tokens of the signals as they are, against tokens of the summary."""

    raw_tokens: int = 0
    summary_tokens: int = 0
    estimated: bool = False
    """True when no encoding lies on this machine and both are estimates."""


@dataclass(frozen=True, slots=True)
class Personal:
    """What is known about the user of one call, before the backend is asked."""

    summary: Summary
    status: Status
    warnings: tuple[str, ...] = ()
    redactions: Mapping[str, int] = field(default_factory=dict)
    """What was taken out of the signals of this call, and by the guard on the way to the summary, by kind."""

    @property
    def context(self) -> Context:
        """Tokens of the signals and of the summary."""
        summary = self.summary
        return Context(summary.raw_tokens, summary.tokens, summary.estimated)


@dataclass(frozen=True, slots=True)
class Reply:
    """One personalized answer; `str(reply)` is its text."""

    text: str
    """The answer; "" when the model only called tools."""
    message: dict[str, Any]
    """The assistant message, ready to append to the chat."""
    summary: Summary
    """The summary that stood in the request; empty and falsy when none did."""
    status: Status
    context: Context
    usage: Usage
    cost_usd: float | None
    """US dollars; None when the model's price is unknown."""
    model: str
    """The model that answered."""
    warnings: tuple[str, ...] = ()
    redactions: Mapping[str, int] = field(default_factory=dict)
    """What was taken out of the signals of this call, and by the guard on the way to the summary, by kind."""
    raw: Any = field(default=None, repr=False)
    """The provider's response as LiteLLM gives it."""
    prompt: str = field(default="", repr=False)
    """The words of the user's last turn, which feedback refers to."""

    def __str__(self) -> str:
        return self.text

    def rated(self, liked: bool | None = None, reason: str | None = None, *, score: float | None = None) -> Rating:
        """The user's thumb or score for this answer, as a signal to `observe`.

        Raises:
            SignalError: neither thumb nor score is given, or there is no text to rate.
        """
        return Rating(self.prompt, self.text, score, reason, liked=liked)

    def edited(self, final_text: str) -> Edit:
        """What the user made of this answer, as a signal to `observe`.

        Raises:
            SignalError: nothing was changed, or there is no text.
        """
        return Edit(self.prompt, self.text, final_text)


def reply_from(completion: Completion, personal: Personal, prompt: str, warnings: tuple[str, ...] = ()) -> Reply:
    """Put what the backend answered and what was known about the user together."""
    return Reply(
        text=completion.text,
        message=completion.message,
        summary=personal.summary,
        status=personal.status,
        context=personal.context,
        usage=completion.usage,
        cost_usd=completion.cost_usd,
        model=completion.model,
        warnings=(*personal.warnings, *warnings, *completion.warnings),
        redactions=personal.redactions,
        raw=completion.raw,
        prompt=prompt,
    )
