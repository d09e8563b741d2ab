"""The shape of an answer: what markdown makes of it, and its prose with the markup taken off.

`measures.py` reads the counts and the prose. Parsing is bounded: only the first `HEAD` characters are read.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from markdown_it import MarkdownIt
    from markdown_it.token import Token

HEAD = 20_000
"""Characters of a text that are looked at; the rest counts for its length only."""

_OTHER_BULLETS = re.compile(r"^([ \t]*)[•‣◦▪●○·∙➤►✓✔–—][ \t]+", re.MULTILINE)
_BOLD_LINE = re.compile(r"(?:\*\*|__)[^*_\n]{2,80}(?:\*\*|__):?|[^\n]{2,60}:")
_SENTENCE_END = re.compile(r"(?<=[.!?…])[\"'”’)\]*_]*\s+|(?<=[。！？])|\n+")
_STEP_LINE = re.compile(r"(?im)^[ \t]*(?:[*_#]*)(?:step|schritt|étape|paso|passo|stap)\s+\d+\b")


@dataclass(frozen=True, slots=True)
class Structure:
    """Counts of one text's parts, its prose blocks, and the sentences in them."""

    bullets: int
    numbered: int
    headings: int
    title_lines: int
    tables: int
    code_blocks: int
    code_share: float
    list_share: float
    blocks: tuple[str, ...]
    sentences: tuple[str, ...]


@cache
def _parser() -> MarkdownIt:
    from markdown_it import MarkdownIt  # parsing is needed only once there is evidence

    return MarkdownIt("commonmark").enable("table").disable(["inline", "text_join"])


def structure_of(text: str) -> Structure:
    """Read the head of `text` as markdown and count its parts."""
    head = _OTHER_BULLETS.sub(r"\1- ", text[:HEAD])
    counts = dict.fromkeys(("bullets", "numbered", "headings", "title_lines", "tables", "code_blocks"), 0)
    code = in_lists = 0
    blocks: list[str] = []
    lists: list[int] = []
    for token in _parser().parse(head):
        code += _count(token, counts, lists)
        if token.type != "inline" or not token.content.strip():
            continue
        blocks.append(token.content)
        in_lists += len(token.content) if token.level >= 2 and lists else 0
        if not lists and "\n" not in token.content and _BOLD_LINE.fullmatch(token.content.strip()):
            counts["title_lines"] += 1
    counts["numbered"] += len(_STEP_LINE.findall(head)) if not counts["numbered"] else 0
    prose = sum(map(len, blocks))
    return Structure(
        **counts,
        code_share=code / max(1, code + prose),
        list_share=in_lists / max(1, prose),
        blocks=tuple(blocks),
        sentences=tuple(sentence for block in blocks for sentence in _sentences(block)),
    )


def _count(token: Token, counts: dict[str, int], lists: list[int]) -> int:
    """Take one token into `counts`; the number of characters of code it holds."""
    match token.type:
        case "bullet_list_open" | "ordered_list_open":
            lists.append(0)
        case "list_item_open":
            lists[-1] += 1
        case "bullet_list_close" | "ordered_list_close":
            items = lists.pop()
            # A single item is a dash at the start of a line more often than a list.
            counts["bullets" if token.type[0] == "b" else "numbered"] += items if items > 1 else 0
        case "heading_open":
            counts["headings"] += 1
        case "table_open":
            counts["tables"] += 1
        case "fence" | "code_block":
            counts["code_blocks"] += 1
            return len(token.content)
    return 0


def _sentences(block: str) -> list[str]:
    return [sentence for sentence in _SENTENCE_END.split(block) if sentence and sentence.strip(" *_#-|.")]
