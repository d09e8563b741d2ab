"""Signals to the summarizer's messages, within a token budget. The one renderer: the trainer imports it.

A template is given every signal with its texts and, beside them, what measuring tells (`facts`): how the answer liked
differs from the other one, what an answer is like, what can be counted in it. The default templates show texts; those
of a model with a small window show facts in place of long answers.

What does not fit is shortened in the middle with a mark, the same limit for every text; when even the lowest limit
is too much, the least valuable signals (older, less telling) are left out. Both are reported, never silent.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

from popi_sdk.signals import (
    Conversation,
    Demonstration,
    Edit,
    Persona,
    PreferencePair,
    Rating,
    Signal,
    Statement,
)
from popi_sdk.style import facts
from popi_sdk.summary import Summary
from popi_sdk.templates import Templates, default_templates
from popi_sdk.tokens import count_tokens

INPUT_TOKENS = 6_000
"""Default budget for the whole inference prompt."""

_TEXT_LIMITS = (100_000, 2_000, 1_000, 500, 250, 120, 60)
"""Tokens a single text may have, tried from generous to strict."""
_MOST_PARTS = 24
"""Texts of one signal that are shown in a small window: of a long chat the last turns."""
_MOST_SIGNALS = 400
"""More than this cannot fit a budget usefully, and need not be measured one by one."""
_TELLING = {"statement": 4.0, "persona": 4.0, "edit": 2.0, "preference_pair": 2.0, "demonstration": 1.0}
"""How telling a kind is for its length; what a person says outright tells most."""


@dataclass(frozen=True, slots=True)
class Part:
    """One text of a signal; what is not asked for is not worked out."""

    name: str
    whole: str
    limit: int = 1_000_000
    """Most tokens to show."""

    @property
    def text(self) -> str:
        """The text, made safe to show and shortened."""
        return shorten(_neutral(self.whole), self.limit)

    @property
    def traits(self) -> str:
        """How the text differs from a usual answer; see `popi_sdk.style.facts`."""
        return facts.traits(self.whole)

    @property
    def traits_in_code(self) -> str:
        """The same for small models."""
        return facts.traits_in_code(self.whole)

    @property
    def asked_in_code(self) -> str:
        """What the text asks for, for small models; see `popi_sdk.style.facts`."""
        return facts.asked_in_code(self.whole)

    @property
    def counts(self) -> str:
        """What can be counted in the text."""
        return facts.counts(self.whole)


@dataclass(frozen=True, slots=True)
class RenderedSignal:
    """A signal as the inference template gets it; facts are measured only where a template asks for them."""

    title: str
    parts: tuple[Part, ...]
    signal: Signal

    @property
    def kind(self) -> str:
        """Which of the seven kinds it is."""
        return self.signal.kind

    @property
    def score(self) -> float | None:
        """A rating's, from -1 to 1."""
        return self.signal.score if isinstance(self.signal, Rating) else None

    @property
    def compared(self) -> str:
        """How the better of two texts differs from the other; empty where there are no two."""
        texts = self._two_texts()
        return facts.compared(*texts) if texts else ""

    @property
    def compared_in_code(self) -> str:
        """The same for small models."""
        texts = self._two_texts()
        return facts.compared_in_code(*texts) if texts else ""

    def _two_texts(self) -> tuple[str, str] | None:
        match self.signal:
            case PreferencePair():
                return self.signal.chosen, self.signal.rejected
            case Edit():
                return self.signal.final, self.signal.draft
        return None


@dataclass(frozen=True, slots=True)
class Rendered:
    """The summarizer's prompt and what became of each signal on the way."""

    messages: list[dict[str, str]]
    tokens: int
    shown: tuple[Signal, ...]
    """Signals that stand in the prompt."""
    limit: int
    """Most tokens that each text of theirs may have."""
    left_out: tuple[str, ...]
    """Signals that did not fit at all."""

    @property
    def signal_ids(self) -> tuple[str, ...]:
        """The ids of those that stand in the prompt."""
        return tuple(signal.id for signal in self.shown)

    @property
    def shortened(self) -> tuple[str, ...]:
        """Those of them of which some text was cut in the middle."""
        return tuple(signal.id for signal in self.shown if _longest(signal) > self.limit)


def render(
    signals: Sequence[Signal],
    *,
    max_summary_tokens: int,
    previous: Summary | None = None,
    input_tokens: int = INPUT_TOKENS,
    text_tokens: int | None = None,
    limit: int | None = None,
    templates: Templates | None = None,
) -> Rendered:
    """Render `signals` (oldest first) into a system and a user message of at most `input_tokens` tokens.

    With `text_tokens` no single text is longer, however much room there is: for small windows, whose templates need not
    show every text, so that each signal is weighed by what its template makes of it. With `limit` all texts are
    shortened to that, as those of some signals are when they have been rendered before among others.

    >>> from popi_sdk.signals import Statement
    >>> rendered = render([Statement("Short answers, please.")], max_summary_tokens=100)
    >>> [message["role"] for message in rendered.messages], rendered.left_out
    (['system', 'user'], ())
    """
    templates = templates or default_templates()
    system, system_tokens = _system_turn(templates, max_summary_tokens)
    known = _neutral(previous.text) if previous else ""

    def user_turn(chosen: Sequence[Signal], limit: int) -> str:
        most = None if text_tokens is None else _MOST_PARTS
        parts = [rendered_signal(signal, limit, most) for signal in chosen]
        return templates.render("inference_user", signals=parts, previous=known, left_out=len(signals) - len(chosen))

    budget = input_tokens - system_tokens
    room = budget - (count_tokens(user_turn((), 0)) if known else _empty_turn_tokens(templates, len(signals)))
    if limit is not None:
        chosen, shortened = list(signals), limit
    elif text_tokens is None:
        chosen, shortened = _fit(signals, room)
    else:
        newest = _most_valuable(signals, _MOST_SIGNALS)
        for shortened in (text_tokens, max(1, text_tokens // 2), max(1, text_tokens // 4)):
            alone = {signal.id: count_tokens(user_turn([signal], shortened)) - budget + room for signal in newest}
            chosen = _within(newest, alone, room)
            if chosen:
                break
    text = user_turn(chosen, shortened)
    while count_tokens(text) > budget and chosen:
        least = min(range(len(chosen)), key=lambda place: _value(chosen[place], place, len(chosen)))
        chosen = [*chosen[:least], *chosen[least + 1 :]]
        text = user_turn(chosen, shortened)
    kept = {signal.id for signal in chosen}
    return Rendered(
        messages=[{"role": "system", "content": system}, {"role": "user", "content": text}],
        tokens=system_tokens + count_tokens(text),
        shown=tuple(chosen),
        limit=shortened,
        left_out=tuple(signal.id for signal in signals if signal.id not in kept),
    )


@lru_cache(maxsize=64)
def _system_turn(templates: Templates, max_summary_tokens: int) -> tuple[str, int]:
    """The system message and its tokens; nothing in it is about anybody, so it may stay in memory."""
    text = templates.render("inference_system", max_tokens=max_summary_tokens)
    return text, count_tokens(text)


@lru_cache(maxsize=1_024)
def _empty_turn_tokens(templates: Templates, left_out: int) -> int:
    """Tokens of a user message that shows nothing, about somebody of whom nothing is known."""
    return count_tokens(templates.render("inference_user", signals=[], previous="", left_out=left_out))


def raw_tokens(signals: Sequence[Signal]) -> int:
    """Tokens that the signals' own texts take when they are put into the context as they are."""
    return sum(count_tokens(part.whole) for signal in signals for part in signal_parts(signal))


def rendered_signal(signal: Signal, limit: int, most: int | None = None) -> RenderedSignal:
    """A signal's title and texts, each text made safe to show and at most about `limit` tokens long.

    With `most`, only that many of the texts stand there, the last ones.
    """
    title = _TITLES[signal.kind]
    if isinstance(signal, Rating):
        title = f"{title} ({signal.score:+g} on a scale from -1 to +1)"
    if signal.source == "untrusted":
        title = f"{title} (perhaps not written by the user)"
    shown = signal_parts(signal)[-most:] if most else signal_parts(signal)
    return RenderedSignal(title, tuple(replace(part, limit=limit) for part in shown), signal)


_TITLES = {
    "preference_pair": "Two answers, one liked better",
    "rating": "A rated answer",
    "statement": "The user said",
    "edit": "An answer the user changed",
    "conversation": "A chat",
    "demonstration": "Something the user wrote",
    "persona": "Who the user is",
}


def signal_parts(signal: Signal) -> tuple[Part, ...]:
    """The texts of a signal with their names, as they are."""
    match signal:
        case PreferencePair():
            return (Part("Prompt", signal.prompt), Part("Liked", signal.chosen), Part("Liked less", signal.rejected))
        case Rating():
            reason = (Part("Reason given", signal.reason),) if signal.reason else ()
            return (Part("Prompt", signal.prompt), Part("Answer", signal.response), *reason)
        case Statement():
            return (Part("Words", signal.text),)
        case Edit():
            return (
                Part("Prompt", signal.prompt),
                Part("Draft", signal.draft),
                Part("What the user made of it", signal.final),
            )
        case Conversation():
            return _turns(signal)
        case Demonstration():
            prompt = (Part("Prompt", signal.prompt),) if signal.prompt else ()
            return (*prompt, Part("Text", signal.text))
        case Persona():
            return (Part("Profile", persona_text(signal)),)


def persona_text(persona: Persona) -> str:
    """A persona in one line: its attributes, then its text."""
    attributes = [f"{name}: {_attribute(value)}" for name, value in (persona.attributes or {}).items()]
    return "; ".join([*attributes, *([persona.text] if persona.text else [])])


def _attribute(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return ", ".join(value) if isinstance(value, list) else str(value)


def _turns(chat: Conversation) -> tuple[Part, ...]:
    thumbs = {"up": " (liked)", "down": " (disliked)", None: ""}
    names = {"user": "User", "assistant": "Assistant"}
    return tuple(
        Part(names[turn.role] + thumbs[turn.feedback], turn.text)
        for turn in chat.messages
        if turn.role in names and turn.text.strip()
    )


def shorten(text: str, limit: int) -> str:
    """Cut `text` in the middle, with a mark that says how much is gone, so that about `limit` tokens remain."""
    tokens = count_tokens(text)
    if tokens <= limit:
        return text
    keep = max(1, int(len(text) * limit / tokens) - 30)
    head, tail = text[: keep * 2 // 3].rstrip(), text[len(text) - keep // 3 :].lstrip()
    words = len(text.split()) - len(head.split()) - len(tail.split())
    gone = f"{words} words" if words > 0 else f"{len(text) - len(head) - len(tail)} characters"
    return f"{head} [... {gone} left out ...] {tail}"


def _fit(signals: Sequence[Signal], budget: int) -> tuple[list[Signal], int]:
    """The signals to show, in order, and the limit for each text."""
    newest_and_telling = _most_valuable(signals, _MOST_SIGNALS)
    sizes = [[count_tokens(part.whole) for part in signal_parts(signal)] for signal in newest_and_telling]
    for limit in _TEXT_LIMITS:
        if sum(_cost(lengths, limit) for lengths in sizes) <= budget:
            return newest_and_telling, limit
    limit = _TEXT_LIMITS[-1]
    costs = {signal.id: _cost(lengths, limit) for signal, lengths in zip(newest_and_telling, sizes, strict=True)}
    return _within(newest_and_telling, costs, budget), limit


def _within(signals: list[Signal], costs: dict[str, int], budget: int) -> list[Signal]:
    count = len(signals)
    order = sorted(range(count), key=lambda place: -_value(signals[place], place, count))
    taken: set[int] = set()
    for place in order:
        cost = costs[signals[place].id]
        if cost <= budget:
            taken.add(place)
            budget -= cost
    return [signal for place, signal in enumerate(signals) if place in taken]


def _most_valuable(signals: Sequence[Signal], most: int) -> list[Signal]:
    count = len(signals)
    if count <= most:
        return list(signals)
    best = sorted(range(count), key=lambda place: -_value(signals[place], place, count))[:most]
    return [signals[place] for place in sorted(best)]


def _value(signal: Signal, place: int, count: int) -> float:
    telling = _TELLING.get(signal.kind, 1.5)
    if isinstance(signal, Rating) and signal.reason:
        telling += 1.0
    newness = (place + 1) / count
    return telling * (0.2 + newness)


def _cost(lengths: Sequence[int], limit: int) -> int:
    headings = 12 + 8 * len(lengths)
    return headings + sum(min(length, limit) for length in lengths)


def _longest(signal: Signal) -> int:
    return max((count_tokens(_neutral(part.whole)) for part in signal_parts(signal)), default=0)


def _neutral(text: str) -> str:
    from popi_sdk.guard import neutralize  # its rules take a while to load; `import popi_sdk` need not wait for them

    return neutralize(text)
