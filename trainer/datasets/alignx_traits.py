"""The 90 preference dimensions of AlignX (arXiv 2503.15463, get_profile.py of its code) in words.

A `Preference Direction` has one number for each: 1 leans to the first pole, 0 to the second, 0.5 to neither.
"""

from __future__ import annotations

from collections.abc import Sequence

_FIVE_FACTORS = ("Neuroticism", "Extraversion", "Openness", "Agreeableness", "Conscientiousness")
_NEEDS = (
    "order",
    "retention (keeping what one has)",
    "inviolacy (dignity and reputation)",
    "infavoidance (not failing in front of others)",
    "counteraction (overcoming failure)",
    "seclusion",
    "dominance",
    "deference (following authority)",
    "autonomy",
    "contrariance (being unlike others)",
    "abasement (accepting blame)",
    "aggression",
    "affiliation (close relationships)",
    "rejection (keeping away from people one looks down on)",
    "nurturance (caring for others)",
    "succorance (being cared for)",
    "play",
)
_QUALITIES = (
    "harmlessness",
    "instruction-following",
    "honesty",
    "truthfulness",
    "helpfulness",
    "coherence",
    "complexity",
)
# fmt: off
_TOPICS = (
    "science", "knowledge", "psychology", "cinema", "entertainment", "gaming", "parenting", "wild imagination",
    "anime", "sports", "law", "workplace", "pets", "travel", "health", "stories", "cars", "gourmet food",
    "education", "current events", "home decor", "international", "finance", "campus life", "digital technology",
    "emotions", "humor", "music", "reading", "painting", "dance", "crafts", "photography", "culture", "fitness",
    "art", "stationery and planners", "celebrities", "outdoors", "camping", "social sciences", "weddings",
    "fashion",
)
# fmt: on

POLES: tuple[tuple[str, str], ...] = (
    ("Young", "Older"),
    ("Female", "Male"),
    *((f"High {factor}", f"Low {factor}") for factor in _FIVE_FACTORS),
    *((f"Likes {what}", f"Dislikes {what}") for what in ("a certain food", "a certain living environment", "sleep")),
    ("Aggressive investment", "Conservative investment"),
    ("Good at saving", "Bad at saving"),
    *((f"Concerned about {what}", f"Not concerned about {what}") for what in ("physical safety", "the environment")),
    ("Prefers casual, light interaction", "Prefers deep interaction"),
    ("Handles conflict by direct communication", "Handles conflict by avoidance, mediation or compromise"),
    ("Concise communication style", "Detailed communication style"),
    *(
        (f"Strong need for {what}", f"Indifferent to {what}")
        for what in ("a certain work environment", "recognition from others", "personal achievement")
    ),
    *(
        (f"Likes {what}", f"Dislikes {what}")
        for what in ("a certain area of knowledge", "a certain learning style", "a certain form of creative expression")
    ),
    *((f"Strong need for {need}", f"Indifferent to {need}") for need in _NEEDS),
    *((f"Concerned about {quality}", f"Indifferent about {quality}") for quality in _QUALITIES),
    *((f"Likes {topic}", f"Dislikes {topic}") for topic in _TOPICS),
)
"""Both poles of each dimension, in the order of the dataset."""

_LEANS = 0.51
"""Mean direction from which a pole is named (below 1 - 0.51 the other), as in the released POPI code."""


def traits(directions: Sequence[Sequence[float]]) -> str:
    """The poles that the mean of some directions leans to, in one line; "" where it leans nowhere.

    (The released code names all 90 second poles in that last case, which says nothing true.)

    >>> traits([[1.0] + [0.5] * 89, [1.0, 0.0] + [0.5] * 88])
    'Young, Male'
    """
    means = [sum(values) / len(values) for values in zip(*directions, strict=True)]
    named = (
        first if mean >= _LEANS else second
        for mean, (first, second) in zip(means, POLES, strict=True)
        if not 1 - _LEANS < mean < _LEANS
    )
    return ", ".join(named)
