"""Chat messages to token ids, the same in training and in use, whatever day it is and whoever loads the tokenizer.

The tokenizer's own chat template is rendered here rather than by transformers, so that it needs neither torch nor
transformers, and with three things held still: the date (Llama 3 and others print today's), thinking (Qwen 3 would
think first), and the beginning-of-sequence token, which stands only where the template writes it. An exported model
carries its chat template with date and thinking held still in it, so that a server makes the same prompts.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, Any, NoReturn, Protocol

from popi_sdk.errors import SummarizerError

if TYPE_CHECKING:
    import jinja2

FROZEN_DATE = "26 Jul 2024"
"""The day that chat templates print, which is the one Llama 3's template falls back to."""

_STILL = {
    "enable_thinking": "{% set enable_thinking = false %}",
    "date_string": f"{{% set date_string = '{FROZEN_DATE}' %}}",
    "strftime_now": f"{{% macro strftime_now(format) %}}{FROZEN_DATE}{{% endmacro %}}",
}
"""What a chat template may ask for that would not be the same every time, and the line that settles it."""

_AS_TRANSFORMERS: dict[str, Any] = {"tools": None, "documents": None}
"""Templates ask whether these are none, not always whether they are defined."""


class ChatTokenizer(Protocol):
    """What is needed of a tokenizer: every fast one of transformers has it, and `ExportedTokenizer`."""

    @property
    def chat_template(self) -> Any:
        """Jinja2 source; some old tokenizers have several by name."""
        ...

    @property
    def special_tokens_map(self) -> Mapping[str, Any]:
        """`bos_token`, `eos_token` and the like, as chat templates use them."""
        ...

    def encode(self, text: str, *, add_special_tokens: bool = True) -> list[int]:
        """The text's token ids."""
        ...


def prompt_ids(tokenizer: ChatTokenizer, messages: Sequence[Mapping[str, str]]) -> list[int]:
    """The ids a model is given for `messages`, up to and including the start of the assistant's turn.

    Raises:
        SummarizerError: the tokenizer has no chat template, or one that cannot take these messages.
    """
    return tokenizer.encode(prompt_text(tokenizer, messages), add_special_tokens=False)


def prompt_text(tokenizer: ChatTokenizer, messages: Sequence[Mapping[str, str]]) -> str:
    """The text behind `prompt_ids`; control tokens stand in it as their names."""
    import jinja2

    source = still_template(tokenizer)
    tokens = {name: str(token) for name, token in tokenizer.special_tokens_map.items() if name.endswith("_token")}
    turns = [dict(message) for message in messages]
    try:
        return _compile(source).render(**tokens, **_AS_TRANSFORMERS, messages=turns, add_generation_prompt=True)
    except (jinja2.TemplateError, TypeError) as error:
        raise SummarizerError(f"The tokenizer's chat template cannot be rendered: {error}") from error


def still_template(tokenizer: ChatTokenizer) -> str:
    """The tokenizer's chat template with a first line that keeps the date and thinking from changing.

    Raises:
        SummarizerError: it has none.
    """
    source = tokenizer.chat_template
    if isinstance(source, Mapping):
        source = source.get("default")
    if not source:
        raise SummarizerError(
            "The tokenizer has no chat template", hint="Use the tokenizer of an instruct model, or set one."
        )
    line = "".join(settled for asked, settled in _STILL.items() if asked in source and settled not in source)
    return f"{line}\n{source}" if line else str(source)


@lru_cache(maxsize=8)
def _compile(source: str) -> jinja2.Template:
    """Compile a chat template in an environment like the one transformers gives it."""
    from jinja2.sandbox import ImmutableSandboxedEnvironment

    environment = ImmutableSandboxedEnvironment(
        trim_blocks=True, lstrip_blocks=True, extensions=["jinja2.ext.loopcontrols", _generation_blocks()]
    )
    environment.filters["tojson"] = _to_json
    environment.globals["raise_exception"] = _refuse
    return environment.from_string(source)


def _generation_blocks() -> type[jinja2.ext.Extension]:
    """Templates may mark what the model wrote by `{% generation %}`; here that marks nothing."""
    from jinja2 import ext, nodes, parser

    class GenerationBlocks(ext.Extension):
        tags = {"generation"}  # noqa: RUF012 (Jinja2 declares it as an instance's attribute)

        def parse(self, parser: parser.Parser) -> list[nodes.Node]:
            next(parser.stream)
            return parser.parse_statements(("name:endgeneration",), drop_needle=True)

    return GenerationBlocks


def _to_json(value: Any, indent: int | None = None, **options: Any) -> str:
    """Jinja2's own filter would escape characters for HTML."""
    return json.dumps(value, ensure_ascii=False, indent=indent, **options)


def _refuse(message: str) -> NoReturn:
    import jinja2

    raise jinja2.TemplateError(message)
