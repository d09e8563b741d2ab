"""Which language a user writes in, as far as that is certain, for the slices that an evaluation looks at.

py3langid tells 139 languages apart by the bytes of a text. Its model (4.6 MB) lies in its wheel, so nothing is
downloaded, and the same text always gives the same answer. Its confidence is low for a text that is short or mixed.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from functools import cache

from py3langid.langid import MODEL_FILE, LanguageIdentifier

UNKNOWN = "unknown"
_CERTAIN = 0.8
"""Least probability of a prompt's language."""
_AGREE = 0.75
"""Least share of a user's prompts, of those whose language is certain, that are in the same one."""
_NO_LANGUAGE = "zxx"


def language(prompts: Iterable[str]) -> str:
    """The code of the language (ISO 639) that the prompts are in; "unknown" where they are too short, or in several.

    >>> language(["Warum ist der Himmel blau?", "ok"]), language(["ok"])
    ('de', 'unknown')
    """
    certain = Counter(code for code in map(_code, prompts) if code != UNKNOWN)
    for code, count in certain.most_common(1):
        if count >= _AGREE * certain.total():
            return code
    return UNKNOWN


@cache
def _code(prompt: str) -> str:
    code, probability = _identifier().classify(prompt)
    return code if probability >= _CERTAIN and code != _NO_LANGUAGE else UNKNOWN


@cache
def _identifier() -> LanguageIdentifier:
    return LanguageIdentifier.from_model_file(MODEL_FILE, norm_probs=True)
