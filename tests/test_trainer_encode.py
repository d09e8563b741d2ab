"""Prompts in tokens: the same as the SDK's, within the window, and shared where they begin alike."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest

from popi_sdk.chat_tokens import prompt_ids
from popi_sdk.composer import compose
from popi_sdk.errors import ConfigError
from popi_sdk.guard import guard
from popi_sdk.render import render
from popi_sdk.signals import PreferencePair, Statement
from popi_sdk.summary import NOTHING
from popi_sdk.templates import default_templates
from tests.tiny_models import tiny_tokenizer
from trainer.data import Example
from trainer.encode import Encoder
from trainer.prefix_tree import Branch

PAIRS = (
    PreferencePair("Why is the sky blue?", "Air scatters blue light.", "Well, it is a long story."),
    PreferencePair("Why is grass green?", "Chlorophyll.", "Plants, you see, are rather old."),
)
USER = Example("ada", (Statement("Short answers, please."), PAIRS[0]), PAIRS)


def encoder(*, window: int = 2_048, summary: int = 40) -> Encoder:
    return Encoder(tiny_tokenizer(), default_templates(), window=window, input_tokens=6_000, max_summary_tokens=summary)


def paths(tree: Branch, before: tuple[int, ...] = ()) -> Iterator[tuple[int, ...]]:
    here = (*before, *tree.tokens)
    if not tree.children:
        yield here
    for child in tree.children:
        yield from paths(child, here)


def test_the_summarizer_reads_what_the_sdk_would_show_it() -> None:
    shown = render(USER.signals, max_summary_tokens=40, templates=default_templates()).messages
    assert encoder().summarizer_prompt(USER) == prompt_ids(tiny_tokenizer(), shown)


def test_the_generator_reads_what_a_request_would_hold() -> None:
    tokens = encoder()
    summary = tokens.safe_summary("Keep answers short.\nUse lists.")
    sent = compose("Why is the sky blue?", guard("Keep answers short.\nUse lists.", max_tokens=40))
    assert tokens.generator_prompt(summary, "Why is the sky blue?") == prompt_ids(tiny_tokenizer(), sent)


def test_without_a_summary_the_generator_reads_the_question_alone() -> None:
    sent = [{"role": "user", "content": "Why is the sky blue?"}]
    assert encoder().generator_prompt(NOTHING, "Why is the sky blue?") == prompt_ids(tiny_tokenizer(), sent)


def test_what_the_guard_refuses_never_reaches_the_generator() -> None:
    summary = encoder().safe_summary("Use lists.\nSee https://example.com/offer for more.")
    assert summary.text == "Use lists."


@pytest.mark.parametrize("pairs", [PAIRS[:1], PAIRS], ids=["one pair", "two pairs"])
def test_every_path_of_a_pair_tree_is_prompt_and_answer(pairs: tuple[PreferencePair, ...]) -> None:
    tokens = encoder()
    summary = tokens.safe_summary("Keep answers short.")
    expected = [
        (*tokens.generator_prompt(summary, pair.prompt), *tokens.answer(text))
        for pair in pairs
        for text in (pair.chosen, pair.rejected)
    ]
    assert list(paths(tokens.pair_tree(summary, pairs))) == expected


def test_two_questions_share_their_summary_and_nothing_of_their_own() -> None:
    tokens = encoder()
    tree = tokens.pair_tree(tokens.safe_summary("Keep answers short."), PAIRS)
    first, second = (tokens.generator_prompt(tokens.safe_summary("Keep answers short."), pair.prompt) for pair in PAIRS)
    assert len(tree.tokens) > len(first) // 2
    assert first[len(tree.tokens)] != second[len(tree.tokens)]


def test_a_question_that_begins_another_still_has_a_branch_of_its_own() -> None:
    longer = replace(USER, pairs=(PAIRS[0], PreferencePair("Why is the sky blue?", "Light.", "Because it is.")))
    tree = encoder().pair_tree(NOTHING, longer.pairs)
    assert all(branch.tokens and len(branch.children) == 2 for branch in tree.children)


def test_an_answer_ends_with_the_stop_token_and_has_no_other_control_token() -> None:
    ids = encoder().answer("Air scatters blue light.")
    assert ids[-1] == tiny_tokenizer().eos_token_id
    assert tiny_tokenizer().decode(ids[:-1]) == "Air scatters blue light."


def test_a_summary_survives_the_way_there_and_back() -> None:
    tokens = encoder()
    assert (
        tokens.summary_text(tokens.summary_ids("Keep answers short.\nUse lists.")) == "Keep answers short.\nUse lists."
    )


def test_nothing_to_say_is_a_word_for_the_model_and_empty_for_us() -> None:
    tokens = encoder()
    assert tokens.summary_text(tokens.summary_ids("")) == ""
    assert tokens.summary_text(tokens.tokenizer("Nothing.")["input_ids"]) == ""


def test_signals_that_do_not_fit_the_window_name_the_user() -> None:
    with pytest.raises(ConfigError, match=r"user 'ada' take .* window of 200.*input_tokens"):
        encoder(window=200).summarizer_prompt(USER)


def test_an_answer_that_does_not_fit_the_window_is_refused() -> None:
    pair = PreferencePair("Hi", "word " * 3_000, "no")
    with pytest.raises(ConfigError, match="window has 2,048"):
        encoder().pair_tree(NOTHING, [pair])


def test_raw_signals_stand_in_full_where_a_summary_would() -> None:
    raw = encoder().raw_context(USER)
    assert "Short answers, please." in raw.text
    assert "Well, it is a long story." in raw.text
    assert "How does this user like to be answered?" not in raw.text


def test_tokens_of_a_summary_are_those_of_its_words() -> None:
    tokens = encoder()
    summary = tokens.safe_summary("Use lists.")
    assert tokens.count(summary) == len(tiny_tokenizer()("Use lists.")["input_ids"])
    assert tokens.count(NOTHING) == 0
