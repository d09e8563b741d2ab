"""What all summarizers that are language models share: word of signals left out, and the summary in an answer."""

from __future__ import annotations

import logging
import re

from popi_sdk.render import Rendered

_log = logging.getLogger("popi_sdk")
NOTHING_SAID = "NOTHING"
"""What the inference template asks for where signals show no preference."""

_THOUGHTS = re.compile(r"<think>.*?(</think>|\Z)", re.DOTALL)
"""Reasoning models served without a reasoning parser put their thoughts into the answer."""


def answer_of(text: str) -> str:
    """The summary in what the model wrote; the template asks for the word NOTHING when there is none.

    >>> answer_of("<think>Hm.</think> Keep answers short."), answer_of("Nothing.")
    ('Keep answers short.', '')
    """
    text = _THOUGHTS.sub("", text).strip()
    return "" if re.fullmatch(r"\W*nothing\W*", text, re.IGNORECASE) else text


def log_left_out(name: str, rendered: Rendered, budget: int) -> None:
    """Say in the log when the summarizer `name` was not shown everything."""
    if rendered.left_out:
        shown, all_of_them = len(rendered.signal_ids), len(rendered.signal_ids) + len(rendered.left_out)
        _log.warning(
            "%s was shown %d of %d signals; the others, older or less telling, did not fit %d tokens",
            name, shown, all_of_them, budget,
        )  # fmt: skip
