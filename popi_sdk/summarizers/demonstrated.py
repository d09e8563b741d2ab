"""What the user's own writing suggests, faintly: emoji and tone, when nearly all of at least five texts agree.

How somebody writes is not how they want to be answered, so this speaks only where nothing else does.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from popi_sdk.signals import Demonstration
from popi_sdk.style.measures import INDEX, measure
from popi_sdk.summarizers.stated import Spoken
from popi_sdk.summarizers.topic_patterns import LESS, MORE
from popi_sdk.summarizers.topics import Wish

LEAST_TEXTS = 5
LEAST_SHARE = 0.8
STRENGTH = 0.3

_SIGNS: tuple[tuple[Wish, str, Callable[[float], bool]], ...] = (
    (Wish("emoji", MORE), "emoji", lambda value: value > 0),
    (Wish("formality", LESS), "formal_balance", lambda value: value < -0.3),
    (Wish("formality", MORE), "formal_balance", lambda value: value > 0.6),
)


def suggested(written: Sequence[Demonstration]) -> list[Spoken]:
    """Wishes that the user's own texts suggest."""
    texts = {one.text: one.id for one in written}
    if len(texts) < LEAST_TEXTS:
        return []
    values = {signal_id: measure(text) for text, signal_id in texts.items()}
    found = []
    for wish, name, shows in _SIGNS:
        showing = tuple(signal_id for signal_id, value in values.items() if shows(value[INDEX[name]]))
        if len(showing) >= LEAST_SHARE * len(values):
            found.append(Spoken((wish,), "", showing, (-1, 0)))
    return found
