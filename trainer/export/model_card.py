"""README.md of an exported model: what it is, how it is used, what it was made from, what was measured."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import jinja2

from popi_sdk.manifest import Manifest

_TEMPLATE = Path(__file__).with_name("model_card.md.j2")
_HUB_ID = re.compile(r"[\w.-]+/[\w.-]+")


def model_card(manifest: Manifest, name: str) -> str:
    """The card of a directory called `name`, in Markdown with the head that model hubs read."""
    environment = jinja2.Environment(
        undefined=jinja2.StrictUndefined, trim_blocks=True, lstrip_blocks=True, keep_trailing_newline=True
    )
    text = environment.from_string(_TEMPLATE.read_text("utf-8")).render(
        manifest=manifest,
        name=name,
        base_is_hub_id=_HUB_ID.fullmatch(manifest.base_model) is not None,
        metrics=list(_rows(manifest.metrics)),
        percent="{:.1%}".format,
    )
    return re.sub(r"\n{3,}", "\n\n", text)


def _rows(metrics: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, str]]:
    """Every measure with its path and its value as a table shows them.

    >>> list(_rows({"controls": {"none": {"accuracy": 0.5}}, "users": 40}))
    [('controls, none, accuracy', '0.5'), ('users', '40')]
    """
    for key, value in metrics.items():
        name = f"{prefix}{key}"
        if isinstance(value, Mapping):
            yield from _rows(value, f"{name}, ")
        else:
            shown = f"{value:.4g}" if isinstance(value, float) else str(value)
            yield _cell(name), _cell(shown)


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")
