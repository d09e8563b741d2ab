"""How much of a long chat's prompts a provider can read from its cache: python -m benchmarks.prompt_cache

A chat of 50 turns (system prompt, tool calls, images, a growing history) is sent three ways:

    a. without POPI
    b. with POPI, while signals come in along the way and change the summary now and then
    c. with a block at the same place that is different in every turn, as when memories are looked up for each question

Cacheable is what a request has in common with the one before it, from its first character on: providers cache
prefixes. Counted are the tokens of the messages' JSON (`popi_sdk.tokens`). The costs are arithmetic on an assumed price
of cached tokens, `--cached-cost`; what a provider takes for writing to its cache, the least length it caches and how
long it keeps a prefix are left out, for all three alike.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from popi_sdk import Popi
from popi_sdk.tokens import count_tokens, estimated

TURNS = 50
ASSUMED_CACHED_COST = 0.10
"""What a cached token costs, of what an uncached one costs."""

SYSTEM = (
    "You answer the customers of a bicycle workshop. Be friendly and exact. "
    + "Prices hold for the workshop in Lyon. Repairs that take longer than an hour need an appointment. " * 3
    + "Never promise a date without looking it up. Say which part of the bicycle you mean by its usual name. " * 3
    + "When a customer describes a danger, such as a cracked fork, say first that the bicycle must not be ridden. " * 3
)
TOOL = {
    "type": "function",
    "function": {
        "name": "free_days",
        "description": "Days on which the workshop is free.",
        "parameters": {"type": "object", "properties": {"repair": {"type": "string"}}},
    },
}
_PARTS = ("brakes", "chain", "rear wheel", "gears", "lights", "saddle", "fork", "pedals", "tyres", "bell")
SAID: dict[int, str] = {
    4: "Short answers, please.",
    5: "I had soup for lunch.",
    11: "Please give prices in euros.",
    12: "Short answers, please.",
    23: "Explain technical terms in plain words.",
    38: "No bullet lists.",
}
"""What the user says before a turn; one is no preference and changes nothing, one only repeats another."""


def requests(turns: int = TURNS) -> Iterator[tuple[int, list[dict[str, Any]]]]:
    """The messages of each request of the chat, with its turn; a turn with a tool call makes two requests."""
    messages: list[dict[str, Any]] = [{"role": "system", "content": SYSTEM}]
    for turn in range(turns):
        messages.append({"role": "user", "content": _question(turn)})
        yield turn, list(messages)
        if turn % 7 == 3:
            messages += _tool_call(turn)
            yield turn, list(messages)
        messages.append({"role": "assistant", "content": _answer(turn)})


def _question(turn: int) -> Any:
    part = _PARTS[turn % len(_PARTS)]
    text = f"Question {turn + 1}: what is wrong with my {part}, and what would it cost to have the {part} repaired?"
    if turn % 9 != 5:
        return text
    image = {"type": "image_url", "image_url": {"url": f"https://example.com/photo-{turn}.png"}}
    return [{"type": "text", "text": text}, image]


def _tool_call(turn: int) -> list[dict[str, Any]]:
    function = {"name": "free_days", "arguments": json.dumps({"repair": _PARTS[turn % len(_PARTS)]})}
    call = {"id": f"call_{turn}", "type": "function", "function": function}
    return [
        {"role": "assistant", "content": None, "tool_calls": [call]},
        {"role": "tool", "tool_call_id": f"call_{turn}", "content": json.dumps({"days": [f"2025-03-{1 + turn % 28}"]})},
    ]


def _answer(turn: int) -> str:
    part = _PARTS[turn % len(_PARTS)]
    return (
        f"From what you describe the {part} has worn down. " * 2
        + f"A new one costs {20 + turn} euros, and the work takes about {10 + turn % 40} minutes. "
        + "You can bring the bicycle in the morning and fetch it in the afternoon of the same day. " * 2
    )


def plain() -> Iterator[list[dict[str, Any]]]:
    """The requests without POPI."""
    return (messages for _, messages in requests())


def personalized() -> Iterator[list[dict[str, Any]]]:
    """The requests with POPI, with what the user says stored before the turn in which it is said."""
    with Popi(store="memory", summarizer="contrast") as popi:
        popi.observe("ada", "Answer in French.")
        before = -1
        for turn, messages in requests():
            if turn != before and turn in SAID:
                popi.observe("ada", SAID[turn])
            before = turn
            yield popi.compose(messages, user_id="ada", tools=[TOOL])


def changing() -> Iterator[list[dict[str, Any]]]:
    """The requests with three memories chosen for each turn, in a block after the system prompt."""
    memories = ["Answer in French.", *SAID.values(), *(f"Owns a bicycle with good {part}." for part in _PARTS)]
    for turn, messages in requests():
        chosen = [memories[(turn * 5 + place * 3) % len(memories)] for place in range(3)]
        block = "\n".join(["<memories>", *(f"- {memory}" for memory in chosen), "</memories>"])
        yield [{"role": "system", "content": f"{SYSTEM}\n\n{block}"}, *messages[1:]]


@dataclass(frozen=True, slots=True)
class Count:
    """Tokens of all requests, and how many of them stood in the request before at the same place."""

    tokens: int
    cacheable: int

    def cost(self, cached_cost: float) -> float:
        """In uncached tokens."""
        return self.tokens - self.cacheable + cached_cost * self.cacheable


def shared(one: str, other: str) -> int:
    """How many characters both texts begin with.

    >>> shared("cacheable", "cached")
    5
    """
    different = (place for place, (here, there) in enumerate(zip(one, other, strict=False)) if here != there)
    return next(different, min(len(one), len(other)))


def count(chat: Iterator[list[dict[str, Any]]]) -> Count:
    """Count the tokens of a chat's requests."""
    tokens = cacheable = 0
    earlier = ""
    for messages in chat:
        text = "\n".join(json.dumps(message) for message in messages)
        tokens += count_tokens(text)
        cacheable += count_tokens(text[: shared(earlier, text)])
        earlier = text
    return Count(tokens, cacheable)


def measure() -> dict[str, Count]:
    """All three ways."""
    return {
        "a. without POPI": count(plain()),
        "b. with POPI": count(personalized()),
        "c. a block that changes every turn": count(changing()),
    }


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--cached-cost",
        type=float,
        default=ASSUMED_CACHED_COST,
        help="assumed price of a cached token, as a share of an uncached one's (%(default)s)",
    )
    cached_cost = parser.parse_args().cached_cost
    found = measure()
    first = next(iter(found.values())).cost(cached_cost)
    print(
        f"{TURNS} turns; tokens {'estimated' if estimated() else 'counted'}; a cached token is assumed to cost ", end=""
    )
    print(f"{cached_cost:.0%} of an uncached one")
    print(f"{'':36}{'prompt tokens':>15}{'cacheable':>11}{'share':>8}{'cost':>10}{'of a.':>8}")
    for name, one in found.items():
        cost = one.cost(cached_cost)
        share = one.cacheable / one.tokens
        print(f"{name:36}{one.tokens:>15,}{one.cacheable:>11,}{share:>8.1%}{cost:>10,.0f}{cost / first:>7.2f}x")


if __name__ == "__main__":
    main()
