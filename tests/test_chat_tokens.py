"""Chat messages to token ids: as transformers makes them, but the same every day."""

from __future__ import annotations

from typing import Any

import pytest

from popi_sdk.chat_tokens import FROZEN_DATE, prompt_ids, prompt_text, still_template
from popi_sdk.errors import SummarizerError
from popi_sdk.summarizers.engines.onnx_engine import ExportedTokenizer
from tests.tiny_models import tiny_tokenizer

MESSAGES = [{"role": "system", "content": "Be brief. <b>é</b>"}, {"role": "user", "content": "Why?"}]

LLAMA_3 = """{{- bos_token }}
{%- if not date_string is defined %}
    {%- if strftime_now is defined %}
        {%- set date_string = strftime_now("%d %b %Y") %}
    {%- else %}
        {%- set date_string = "26 Jul 2024" %}
    {%- endif %}
{%- endif %}
{%- if not tools is none %}{{- raise_exception("no tools were given") }}{%- endif %}
{{- "<|im_start|>system\\n\\nToday Date: " + date_string + "\\n\\n" }}
{%- for message in messages %}
    {{- '<|im_start|>' + message['role'] + '\\n\\n'+ message['content'] | trim + '<|im_end|>' }}
{%- endfor %}
{%- if add_generation_prompt %}
    {{- '<|im_start|>assistant\\n\\n' }}
{%- endif %}
"""
"""The parts of Llama 3.1's and 3.2's template that matter here."""

QWEN_3 = """
  {% for message in messages %}{% generation %}<|im_start|>{{ message.role }}
{{ message.content }}<|im_end|>
{% endgeneration %}{% endfor %}{{ messages[0] | tojson }}
{%- if add_generation_prompt %}
    {{- '<|im_start|>assistant\\n' }}
    {%- if enable_thinking is defined and enable_thinking is false %}
        {{- '<think>\\n\\n</think>\\n\\n' }}
    {%- endif %}
{%- endif %}"""
"""Qwen 3's way to be told not to think, behind white space that must stay as it is."""


def tokenizer(template: Any) -> Any:
    from transformers import PreTrainedTokenizerFast

    inner = tiny_tokenizer().backend_tokenizer
    tokens = {"pad_token": "<|pad|>", "eos_token": "<|im_end|>", "bos_token": "<|pad|>"}
    return PreTrainedTokenizerFast(tokenizer_object=inner, chat_template=template, **tokens)


@pytest.mark.parametrize(
    ("template", "settings"), [(LLAMA_3, {"date_string": FROZEN_DATE}), (QWEN_3, {"enable_thinking": False})]
)
def test_the_ids_are_those_of_transformers_with_date_and_thinking_settled(template: str, settings: Any) -> None:
    made = tokenizer(template)
    theirs = made.apply_chat_template(MESSAGES, add_generation_prompt=True, return_dict=True, **settings)
    assert prompt_ids(made, MESSAGES) == theirs["input_ids"]


@pytest.mark.parametrize("template", [LLAMA_3, QWEN_3, "{{ strftime_now('%d %B %Y') }} {{ messages | length }}"])
def test_an_exported_template_gives_the_same_prompt_in_any_server(template: str) -> None:
    made = tokenizer(template)
    served = tokenizer(still_template(made))
    assert served.apply_chat_template(MESSAGES, tokenize=False, add_generation_prompt=True) == prompt_text(
        made, MESSAGES
    )
    assert still_template(served) == served.chat_template


def test_the_date_stands_still() -> None:
    assert "Today Date: 26 Jul 2024\n" in prompt_text(tokenizer(LLAMA_3), MESSAGES)
    assert prompt_text(tokenizer("{{ strftime_now('%Y') }}"), MESSAGES) == FROZEN_DATE


def test_a_template_that_asks_for_neither_stays_as_it_is() -> None:
    assert still_template(tiny_tokenizer()) == tiny_tokenizer().chat_template


def test_the_beginning_of_sequence_stands_once() -> None:
    made = tokenizer(LLAMA_3)
    assert prompt_ids(made, MESSAGES).count(made.bos_token_id) == 1


def test_a_tokenizer_read_from_its_files_makes_the_same_ids(tmp_path: Any) -> None:
    made = tokenizer(LLAMA_3)
    made.save_pretrained(tmp_path)
    read = ExportedTokenizer(tmp_path)
    ids = prompt_ids(made, MESSAGES)
    assert prompt_ids(read, MESSAGES) == ids
    for skip in (True, False):
        assert read.decode(ids, skip_special_tokens=skip) == made.decode(ids, skip_special_tokens=skip)


@pytest.mark.parametrize("template", [None, "", {"tool_use": "x"}])
def test_a_tokenizer_without_a_chat_template_is_refused(template: Any) -> None:
    made = tokenizer(None)
    made.chat_template = template
    with pytest.raises(SummarizerError, match="has no chat template"):
        prompt_ids(made, MESSAGES)


def test_a_default_template_among_several_is_taken() -> None:
    made = tokenizer(None)
    made.chat_template = {"default": "{{ messages[1].content }}", "tool_use": "x"}
    assert prompt_text(made, MESSAGES) == "Why?"


@pytest.mark.parametrize(
    "template", ["{{ raise_exception('System role not supported') }}", "{% for %}", "{{ 1 + '' }}"]
)
def test_a_template_that_cannot_take_the_messages_is_a_plain_error(template: str) -> None:
    with pytest.raises(SummarizerError, match="chat template cannot be rendered"):
        prompt_ids(tokenizer(template), MESSAGES)
