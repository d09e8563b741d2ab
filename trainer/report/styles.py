"""How each context is named and drawn: by its marker and line as much as by its colour, so that grey paper will do.

The colours are those of Okabe and Ito (2008), which the colour-blind can tell apart.
"""

from __future__ import annotations

from dataclasses import dataclass

BLUE, VERMILION, GREEN, PURPLE = "#0072B2", "#D55E00", "#009E73", "#CC79A7"
ORANGE, SKY, BLACK, GREY = "#E69F00", "#56B4E9", "#000000", "#767676"


@dataclass(frozen=True, slots=True)
class Style:
    """What stands in the generator's context, in words, and how its figures are drawn."""

    label: str
    colour: str = GREY
    marker: str = "."
    line: str = "-"


STYLES = {
    "none": Style("no summary", BLACK, "X", ":"),
    "raw": Style("raw signals", VERMILION, "s", "-"),
    "untrained": Style("untrained summarizer", GREY, "v", "-"),
    "warm_start": Style("warm start, before RL", SKY, "^", "-"),
    "before": Style("version in service", "#444444", "p", "--"),
    "contrast": Style("contrast, no model", PURPLE, "D", "-"),
    "trained": Style("trained summary", BLUE, "o", "-"),
    "swapped": Style("another user's summary", ORANGE, "P", "--"),
    "oracle": Style("the truth", GREEN, "*", "-."),
}


def style(context: str) -> Style:
    """The style of a context; one that is not known is shown under its own name.

    >>> style("none").label, style("mine").label
    ('no summary', 'mine')
    """
    return STYLES.get(context, Style(context))
