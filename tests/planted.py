"""Texts with one planted feature, and users who prefer it or nothing; tone shows in words the lexicons mostly know."""

from __future__ import annotations

import random
from functools import cache

from popi_sdk.signals import PreferencePair

DOMAINS = {
    "garden": "tomato bed compost seedling shade mulch frost bloom prune trellis spade hedge soil pot root stem petal",
    "travel": "harbour ferry ticket museum hostel border luggage street coast bridge market train tower beach map",
    "syllables": "lorem ipsum dolor amet consectetur elit tempor magna aliqua veniam nostrud ullamco laboris aute",
    "cooking": "onion broth simmer garlic ladle oven dough yeast butter whisk pepper rice skillet lemon basil crust",
}
GLUE = ("the", "a", "with", "near", "under", "from", "after", "before", "into", "and", "or", "while", "beside")
PICTURES = "😀🎉🚀🌱🍅✈️🔥😊🙌🇫🇷"
CASUAL = (
    "Hey, so yeah, that's gonna work out fine.",
    "No worries, it's kinda fun once you get going!",
    "lol don't overthink it, you'll be okay.",
    "Honestly it's pretty cool stuff.",
    "Anyway, just grab whatever you've got.",
    "Hi there! Let's jump right in.",
)
FORMAL = (
    "Furthermore, it is advisable to consider the relevant circumstances.",
    "One should therefore ensure that the requirements are satisfied.",
    "Kindly note the provisions regarding the procedure.",
    "Consequently, additional preparation is recommended.",
    "It should be noted that the outcome is subject to several conditions.",
    "We would advise that the appropriate measures be undertaken.",
)
FEATURES = ("length", "lists", "emoji", "formality")


def sentences(draw: random.Random, domain: str, count: int) -> list[str]:
    """Plain sentences about nothing in particular."""
    words = DOMAINS[domain].split()
    return [
        " ".join(draw.choice(words if k % 2 else GLUE) for k in range(draw.randint(6, 13))).capitalize() + "."
        for _ in range(count)
    ]


def text(draw: random.Random, domain: str, *, long: float, listed: bool, pictured: bool, tone: int) -> str:
    """One answer; `long` from 0 to 1, `tone` -1 casual, 0 plain, 1 formal."""
    lines = sentences(draw, domain, round(draw.randint(4, 6) * (1 + 2.5 * long)))
    for _ in range(max(2, len(lines) // 3) if tone else 0):
        lines.insert(draw.randint(0, len(lines)), draw.choice(FORMAL if tone > 0 else CASUAL))
    if pictured:
        lines = [
            f"{line} {draw.choice(PICTURES)}" if draw.random() < 0.4 or k == 0 else line for k, line in enumerate(lines)
        ]
    if listed:
        return f"{lines[0]}\n\n" + "\n".join(f"- {line}" for line in lines[1:])
    return " ".join(lines)


def contrast_pair(draw: random.Random, domain: str, feature: str, *, noisy: bool) -> tuple[str, str]:
    """A text with the feature and one without; `noisy`: the other features vary now and then."""

    def one(shown: bool) -> str:
        long = draw.random() * 0.3 if noisy else 0.2
        listed, pictured = noisy and draw.random() < 0.2, noisy and draw.random() < 0.15
        tone = draw.choice((0, 0, 0, 1, -1)) if noisy else 0
        match feature:
            case "length":
                long = float(shown)
            case "lists":
                listed = shown
            case "emoji":
                pictured = shown
            case _:
                tone = 1 if shown else -1
        return text(draw, domain, long=long, listed=listed, pictured=pictured, tone=tone)

    return one(True), one(False)


@cache
def pool(domain: str, feature: str, noisy: bool) -> tuple[tuple[str, str], ...]:
    """Pairs that many users draw from, so that a text is measured once."""
    draw = random.Random(f"{domain} {feature} {noisy}")
    return tuple(contrast_pair(draw, domain, feature, noisy=noisy) for _ in range(120))


@cache
def varied_pool(domain: str) -> tuple[str, ...]:
    """Texts in which every feature varies on its own."""
    draw = random.Random(domain)
    return tuple(
        text(
            draw, domain, long=draw.choice((0.0, 0.3, 1.0)), listed=draw.random() < 0.5, pictured=draw.random() < 0.5,
            tone=draw.choice((-1, 0, 1)),
        )
        for _ in range(200)
    )  # fmt: skip


def user_who_likes(
    feature: str, more: bool, pairs: int, reversed_pairs: set[int] | float, seed: int, noisy: bool
) -> list[PreferencePair]:
    """A user who prefers more (or less) of `feature`, but for the reversed pairs (given, or a probability)."""
    draw = random.Random(f"{feature} {more} {pairs} {seed} {noisy}")
    domain = draw.choice(sorted(DOMAINS))
    signals = []
    for k, (with_it, without) in enumerate(draw.sample(pool(domain, feature, noisy), pairs)):
        turned = draw.random() < reversed_pairs if isinstance(reversed_pairs, float) else k in reversed_pairs
        chosen, rejected = (with_it, without) if more != turned else (without, with_it)
        signals.append(PreferencePair(f"question {k}", chosen, rejected))
    return signals
