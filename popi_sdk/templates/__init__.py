"""The four templates as data: system and user, for inference (signals to summary) and generation (summary to answer).

Jinja2 in its sandbox; values are inserted, never interpreted. The trainer renders with the same templates, and an
exported summarizer carries their version.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, fields
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from popi_sdk.errors import ConfigError
from popi_sdk.style.asking import table_digest

if TYPE_CHECKING:
    import jinja2

RENDER_VERSION = "1"
"""Counts up whenever a default template or the rendering of a signal changes."""

_SUFFIX = ".j2"


@dataclass(frozen=True, slots=True)
class Templates:
    """Four Jinja2 texts; see the shipped files beside this module for the variables each one gets."""

    inference_system: str
    """`max_tokens`: longest summary wanted."""
    inference_user: str
    """`signals` (each with `title` and `parts`, a part with `name` and `text`), `previous`, `left_out`."""
    generation_system: str
    """`clauses`: the preferences. First and last line are the borders of the block and must not depend on them."""
    generation_user: str
    """`prompt` and `preferences` (the block, empty unless it stands in the user's turn)."""
    version: str = RENDER_VERSION

    def render(self, name: str, **values: Any) -> str:
        """Render one of the four with `values`."""
        return _compile(getattr(self, name)).render(**values).strip()

    @property
    def borders(self) -> tuple[str, str]:
        """First and last line of the block."""
        return _borders(self.generation_system)


@lru_cache(maxsize=1)
def default_templates() -> Templates:
    """The templates that ship with POPI."""
    return Templates(**{name: _file(Path(__file__).parent, name).read_text("utf-8") for name in _names()})


def load_templates(source: str | Path | Mapping[str, str] | None) -> Templates:
    """Read templates that replace some or all of the shipped ones, and check that each can be rendered.

    Args:
        source: a folder with files such as `generation.system.j2`; or a mapping from names such as
            "generation.system" to the text itself.

    Raises:
        ConfigError: no such folder or name, a syntax error, an unknown variable, or one that must be used is not.
    """
    if source is None:
        return default_templates()
    if not isinstance(source, str | Path | Mapping):
        raise ConfigError(f"`templates` cannot be a {type(source).__name__}", hint="Give a folder or a table of texts.")
    given = dict(_from_mapping(source)) if isinstance(source, Mapping) else _from_folder(Path(source))
    default = default_templates()
    texts = {name: given.get(name, getattr(default, name)) for name in _names()}
    if all(texts[name] == getattr(default, name) for name in texts):
        return default
    shown = [texts[name] for name in sorted(texts)]
    if "asked_in_code" in texts["inference_user"]:
        shown.append(table_digest())  # what it shows depends on how words are read
    digest = hashlib.sha256("\0".join(shown).encode("utf-8")).hexdigest()[:8]
    templates = Templates(**texts, version=f"{RENDER_VERSION}+{digest}")
    _check(templates)
    return templates


def _names() -> list[str]:
    return [field.name for field in fields(Templates) if field.name != "version"]


def _file(folder: Path, name: str) -> Path:
    return folder / (name.replace("_", ".") + _SUFFIX)


def _from_folder(folder: Path) -> dict[str, str]:
    if not folder.is_dir():
        raise ConfigError(f"`templates`: there is no folder {folder}", hint="Give a folder that holds *.j2 files.")
    known = {_file(folder, name).name: name for name in _names()}
    present = sorted(path.name for path in folder.glob(f"*{_SUFFIX}"))
    strange = [name for name in present if name not in known]
    if strange or not present:
        found = f"holds {', '.join(strange)}" if strange else "holds no template"
        raise ConfigError(f"`templates`: {folder} {found}", hint=f"Files are named {', '.join(known)}.")
    return {known[name]: (folder / name).read_text("utf-8") for name in present}


def _from_mapping(source: Mapping[str, str]) -> list[tuple[str, str]]:
    given = [(key.replace(".", "_"), text) for key, text in source.items()]
    for name, text in given:
        if name not in _names() or not isinstance(text, str):
            names = ", ".join(name.replace("_", ".") for name in _names())
            raise ConfigError(f"`templates`: `{name}` is not a template text", hint=f"There are: {names}.")
    return given


def _check(templates: Templates) -> None:
    """Render every template with samples: wrong names and syntax show now, not in a user's request."""
    facts = dict.fromkeys(("traits", "traits_in_code", "counts"), "")
    part = {"name": "Words", "text": "SAMPLE-SIGNAL", "asked_in_code": "SAMPLE-SIGNAL", **facts}
    compared = {"compared": "", "compared_in_code": ""}
    signal = {"kind": "statement", "title": "TITLE", "parts": [part], "score": None, **compared}
    user_turn = {"signals": [signal], "previous": "SAMPLE-PREVIOUS", "left_out": 1}
    answer_turn = {"prompt": "SAMPLE-PROMPT", "preferences": "SAMPLE-BLOCK"}
    needed: dict[str, tuple[dict[str, Any], tuple[str, ...]]] = {
        "inference_system": ({"max_tokens": 100}, ()),
        "inference_user": (user_turn, ("SAMPLE-SIGNAL", "SAMPLE-PREVIOUS")),
        "generation_system": ({"clauses": ["SAMPLE-CLAUSE"]}, ("SAMPLE-CLAUSE",)),
        "generation_user": (answer_turn, ("SAMPLE-PROMPT", "SAMPLE-BLOCK")),
    }
    import jinja2

    for name, (values, must_show) in needed.items():
        try:
            text = templates.render(name, **values)
        except (jinja2.TemplateError, TypeError) as error:
            raise ConfigError(f"`templates`: `{name.replace('_', '.')}` cannot be rendered: {error}") from error
        shown = text.lower()  # a template may lower what it shows
        missing = [value for value in must_show if value.lower() not in shown]
        if missing:
            raise ConfigError(f"`templates`: `{name.replace('_', '.')}` does not show {', '.join(missing)}")
    first, last = templates.borders
    if not first or first == last:
        raise ConfigError(
            "`templates`: `generation.system` has no borders",
            hint="Its first and its last line must be fixed, different, and free of variables.",
        )


@lru_cache(maxsize=64)
def _borders(source: str) -> tuple[str, str]:
    blocks = [_compile(source).render(clauses=clauses).strip().split("\n") for clauses in (["one"], ["two", "three"])]
    first, last = blocks[0][0], blocks[0][-1]
    fixed = len(blocks[0]) > 2 and (first, last) == (blocks[1][0], blocks[1][-1])
    return (first, last) if fixed else ("", "")


@lru_cache(maxsize=64)
def _compile(source: str) -> jinja2.Template:
    import jinja2
    from jinja2.sandbox import ImmutableSandboxedEnvironment

    environment = ImmutableSandboxedEnvironment(
        undefined=jinja2.StrictUndefined, trim_blocks=True, lstrip_blocks=True, autoescape=False
    )
    return environment.from_string(source)
