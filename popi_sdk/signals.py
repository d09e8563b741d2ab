"""What a user has shown us: seven kinds of signals, each a small frozen object.

PreferencePair   two answers to one prompt, one liked better
Rating           a thumb or a score for one answer
Statement        something the user said about how to be answered
Edit             a draft and what the user made of it
Conversation     a chat; messages may carry a thumb as `feedback`
Demonstration    something the user wrote
Persona          who the user is, as attributes or as text

All share `id`, `at` (when it happened), `source` ("user", or "untrusted" for text that others could have
written) and `allow_training`. An id that is not given is a hash of the content without `at`.
`popi_sdk.intake` turns strings, dicts, chats and files into these.
"""

from __future__ import annotations

import hashlib
import json
import math
import re
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal, Self, TypedDict, Unpack

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError, model_validator

from popi_sdk.errors import SignalError

MAX_TEXT = 1_000_000
"""Longest text in characters that a signal may hold; more is a file, not a signal."""


def check_text(text: str) -> str:
    """Return `text` when it can be stored, sent and shown; raise ValueError with the reason otherwise."""
    if len(text) > MAX_TEXT:
        raise ValueError(f"has {len(text):,} characters; at most {MAX_TEXT:,} are taken")
    try:
        text.encode("utf-8")
    except UnicodeEncodeError as error:
        raise ValueError(f"holds half a character (lone surrogate) at position {error.start}") from error
    if not text.strip():
        raise ValueError("is empty")
    return text


def _check_id(value: str) -> str:
    if not re.fullmatch(r"[!-~]{1,200}", value):
        raise ValueError("must be 1 to 200 visible ASCII characters without spaces")
    return value


def _check_time(at: datetime) -> datetime:
    return at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)


Text = Annotated[str, AfterValidator(check_text)]
Time = Annotated[datetime, AfterValidator(_check_time)]
Id = Annotated[str, AfterValidator(_check_id)]


class Common(TypedDict, total=False):
    """What every signal takes besides its own content."""

    id: str
    at: datetime | None
    source: Literal["user", "untrusted"]
    allow_training: bool


class SignalBase(BaseModel):
    """What all signals share; use one of the seven kinds.

    Raises:
        SignalError: the content cannot be taken; `.field` names the part at fault.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)
    positional: ClassVar[tuple[str, ...]] = ()

    id: Id = Field(default="", validate_default=False)
    at: Time | None = None
    source: Literal["user", "untrusted"] = "user"
    allow_training: bool = False

    def __init__(self, *args: Any, **data: Any) -> None:
        if len(args) > len(self.positional):
            raise SignalError(f"`{type(self).__name__}` takes at most {len(self.positional)} positional arguments")
        given = dict(zip(self.positional, args, strict=False))
        twice = sorted(given.keys() & data.keys())
        if twice:
            raise SignalError("is given twice", field=twice[0])
        try:
            super().__init__(**given, **data)
        except ValidationError as error:
            raise _signal_error(error) from None
        content = self.content_hash()
        if not self.id:
            object.__setattr__(self, "id", content)

    def content_hash(self) -> str:
        """Hash of kind, content and source: saying the same thing twice is one signal."""
        try:
            content = self.model_dump(mode="json", exclude={"id", "at", "allow_training"})
            canonical = json.dumps(content, sort_keys=True, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
            return hashlib.sha256(canonical.encode("utf-8")).hexdigest()[:24]
        except ValueError as error:  # only chats and personas hold parts that were not looked at one by one
            raise SignalError("holds something that is not text or plain JSON", field=self.positional[0]) from error


class PreferencePair(SignalBase):
    """Two answers to one prompt, of which the user liked `chosen` better.

    >>> PreferencePair("Why is the sky blue?", "Air scatters blue light.", "Well, it is a long story ...").kind
    'preference_pair'
    """

    positional: ClassVar = ("prompt", "chosen", "rejected")
    kind: Literal["preference_pair"] = "preference_pair"
    prompt: Text
    chosen: Text
    rejected: Text

    if TYPE_CHECKING:

        def __init__(self, prompt: str, chosen: str, rejected: str, **common: Unpack[Common]) -> None: ...

    @model_validator(mode="after")
    def _differ(self) -> Self:
        if self.chosen == self.rejected:
            raise _FieldError("rejected", "equals `chosen`; a pair needs two different answers")
        return self


class Rating(SignalBase):
    """A thumb (`liked`) or a score from -1 to 1 for one answer, with a reason where the user gave one.

    >>> Rating("Hi", "Hello!", liked=True).score
    1.0
    """

    positional: ClassVar = ("prompt", "response", "score", "reason")
    kind: Literal["rating"] = "rating"
    prompt: Text
    response: Text
    score: float
    reason: Text | None = None

    if TYPE_CHECKING:

        def __init__(
            self,
            prompt: str,
            response: str,
            score: float | None = None,
            reason: str | None = None,
            *,
            liked: bool | None = None,
            **common: Unpack[Common],
        ) -> None: ...

    @property
    def liked(self) -> bool | None:
        """True for a positive score, False for a negative one, None for 0."""
        return None if self.score == 0 else self.score > 0

    @model_validator(mode="before")
    @classmethod
    def _score_from_thumb(cls, data: Any) -> Any:
        if not isinstance(data, dict):
            return data
        data = dict(data)
        liked, score = data.pop("liked", None), data.get("score")
        if isinstance(score, bool):
            liked, score = score, None
        if liked is not None:
            if not isinstance(liked, bool):
                raise _FieldError("liked", "must be true or false")
            if isinstance(score, int | float) and (score > 0) != liked:
                raise _FieldError("liked", f"contradicts `score` {score}; give one of them")
            data["score"] = score if score is not None else (1.0 if liked else -1.0)
        elif score is None:
            raise _FieldError("score", "is missing; give `score` (-1 to 1) or `liked` (true or false)")
        return data

    @model_validator(mode="after")
    def _in_range(self) -> Self:
        if not math.isfinite(self.score) or not -1 <= self.score <= 1:
            raise _FieldError("score", f"is {self.score}; it must be a number from -1 to 1")
        return self


class Statement(SignalBase):
    """Something the user said about how to be answered.

    >>> Statement("Short answers, please.").text
    'Short answers, please.'
    """

    positional: ClassVar = ("text",)
    kind: Literal["statement"] = "statement"
    text: Text

    if TYPE_CHECKING:

        def __init__(self, text: str, **common: Unpack[Common]) -> None: ...


class Edit(SignalBase):
    """A draft and what the user made of it."""

    positional: ClassVar = ("prompt", "draft", "final")
    kind: Literal["edit"] = "edit"
    prompt: Text
    draft: Text
    final: Text

    if TYPE_CHECKING:

        def __init__(self, prompt: str, draft: str, final: str, **common: Unpack[Common]) -> None: ...

    @model_validator(mode="after")
    def _differ(self) -> Self:
        if self.draft == self.final:
            raise _FieldError("final", "equals `draft`; an answer kept as it was is a Rating with `liked=True`")
        return self


class Message(BaseModel):
    """One turn of a chat in OpenAI form; fields POPI does not read (tool calls, names) are kept as they are."""

    model_config = ConfigDict(frozen=True, extra="allow", defer_build=True)

    role: Literal["system", "developer", "user", "assistant", "tool", "function"]
    content: str | list[Any] | None = None
    feedback: Literal["up", "down"] | None = None

    @property
    def text(self) -> str:
        """The words of the turn, without images and other parts."""
        if isinstance(self.content, str):
            return self.content
        parts = (part.get("text") for part in self.content or [] if isinstance(part, dict))
        return "\n".join(part for part in parts if isinstance(part, str))


class Conversation(SignalBase):
    """A chat between the user and an assistant; `"feedback": "up"` or `"down"` on an answer is a thumb."""

    positional: ClassVar = ("messages",)
    kind: Literal["conversation"] = "conversation"
    messages: tuple[Message, ...]

    if TYPE_CHECKING:

        def __init__(self, messages: Any, **common: Unpack[Common]) -> None: ...

    @model_validator(mode="after")
    def _says_something(self) -> Self:
        if not self.messages:
            raise _FieldError("messages", "is empty")
        for index, message in enumerate(self.messages):
            if message.text:
                try:
                    check_text(message.text)
                except ValueError as error:
                    raise _FieldError(f"messages.{index}.content", str(error)) from error
        if not any(message.text.strip() for message in self.messages if message.role in ("user", "assistant")):
            raise _FieldError("messages", "hold no text of the user or the assistant")
        return self


class Demonstration(SignalBase):
    """Something the user wrote, as an example of how they write."""

    positional: ClassVar = ("text", "prompt")
    kind: Literal["demonstration"] = "demonstration"
    text: Text
    prompt: Text | None = None

    if TYPE_CHECKING:

        def __init__(self, text: str, prompt: str | None = None, **common: Unpack[Common]) -> None: ...


class Persona(SignalBase):
    """Who the user is, as attributes or as text.

    >>> Persona({"occupation": "nurse", "language": "French"}).attributes["occupation"]
    'nurse'
    """

    positional: ClassVar = ("attributes", "text")
    kind: Literal["persona"] = "persona"
    attributes: dict[Text, Text | bool | int | float | list[Text]] | None = None
    text: Text | None = None

    if TYPE_CHECKING:

        def __init__(
            self, attributes: dict[str, Any] | str | None = None, text: str | None = None, **common: Unpack[Common]
        ) -> None: ...

    @model_validator(mode="before")
    @classmethod
    def _text_in_first_place(cls, data: Any) -> Any:
        if isinstance(data, dict) and isinstance(data.get("attributes"), str) and data.get("text") is None:
            return {**data, "attributes": None, "text": data["attributes"]}
        return data

    @model_validator(mode="after")
    def _says_something(self) -> Self:
        if not self.attributes and self.text is None:
            raise _FieldError("attributes", "is empty; give `attributes` or `text`")
        return self


Signal = PreferencePair | Rating | Statement | Edit | Conversation | Demonstration | Persona

KINDS: dict[str, type[SignalBase]] = {
    "preference_pair": PreferencePair,
    "rating": Rating,
    "statement": Statement,
    "edit": Edit,
    "conversation": Conversation,
    "demonstration": Demonstration,
    "persona": Persona,
}
"""Each kind's class, by the word in its `kind` field."""


class _FieldError(ValueError):
    """Names the field at fault where pydantic would only name the object."""

    def __init__(self, field: str, reason: str) -> None:
        super().__init__(reason)
        self.field = field


def _signal_error(error: ValidationError) -> SignalError:
    """The first thing pydantic found, with the field's path and without the content (it may be private)."""
    first = error.errors(include_url=False, include_input=False)[0]
    cause = first.get("ctx", {}).get("error")
    path = ".".join(str(part) for part in first["loc"] if not str(part).startswith("function-"))
    if isinstance(cause, _FieldError):
        return SignalError(str(cause), field=cause.field)
    reason = {"missing": "is missing", "extra_forbidden": "is not a field of this signal"}.get(first["type"])
    return SignalError(reason or (str(cause) if cause else first["msg"]), field=path or None)
