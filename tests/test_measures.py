"""What single measures see in a text."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from popi_sdk.style.calibration import COUPLINGS, IMPLIED, SPREADS
from popi_sdk.style.measures import INDEX, MEASURES, count_words, emoji_in, measure
from popi_sdk.style.structure import structure_of
from popi_sdk.summarizers.wording import MORE_LESS


def value(name: str, text: str) -> float:
    return measure(text)[INDEX[name]]


@pytest.mark.parametrize(
    ("name", "more", "less"),
    [
        ("words", "One two three four five six seven eight nine ten.", "One two three."),
        ("words", "这是一个很长的回答，里面有很多字，说明了所有的细节。", "很短。"),
        ("bullets", "Buy:\n\n- milk\n- eggs\n- tea", "Buy milk, eggs and tea."),
        ("bullets", "Buy:\n• milk\n• eggs", "Buy milk and eggs."),
        ("numbered", "1. Open it.\n2. Close it.", "Open it. Close it."),
        ("numbered", "Step 1: open it.\nStep 2: close it.", "Open it. Close it."),
        ("headings", "# Title\n\nText.", "Title. Text."),
        ("tables", "| a | b |\n|---|---|\n| 1 | 2 |", "a is 1 and b is 2"),
        ("bold", "This is **very** important.", "This is very important."),
        ("code_blocks", "Run:\n\n```\nls\n```", "Run ls."),
        ("inline_code", "Run `ls` now.", "Run ls now."),
        ("emoji", "Well done 🎉", "Well done"),
        ("emoji", "Well done :)", "Well done."),
        ("formal_balance", "One should therefore ensure that it is closed.", "Hey, just make sure it's shut, ok?"),
        ("slang_avoided", "That is good.", "yeah that's cool lol"),
        ("contractions_avoided", "I do not know.", "I don't know."),
        ("exclamations", "Great! Do it!", "Great. Do it."),
        ("examples", "Fruit, for example apples.", "Fruit is sweet."),
        ("analogies", "Think of it as a water pipe.", "It carries current."),
        ("questions", "Which one do you mean?", "It is this one."),
        ("ends_with_question", "It depends. Which one do you mean?", "Which one? It depends."),
        ("hedges", "Perhaps it might rain.", "It rains."),
        ("caveats", "Please note that results may vary. Consult a doctor.", "Take one a day."),
        ("warmth", "I'm so sorry to hear that. You're not alone.", "That happens."),
        ("opening", "Certainly! Here is the answer: 42.", "42 is the answer."),
        ("closing", "It is 42. Let me know if you have any questions!", "It is 42."),
        ("you", "You can do what you like with your garden.", "A garden allows anything."),
        ("readability", "Institutional considerations necessitate documentation.", "We need to write it down."),
        ("sentence_words", "It rains and it pours and the river is high and the road is wet.", "It rains. It pours."),
        ("numbers", "In 1990 it was 35.5 km.", "Then it was far."),
        ("links", "See https://example.org for more.", "See the page for more."),
        ("summing_up", "Many words. In summary, it works.", "Many words. It works."),
        ("dashes", "It works — mostly.", "It works, mostly."),
        ("paragraph_words", "One long text about this. " * 8, "One long text about this thing here, said.\n\n" * 6),
    ],
)  # fmt: skip
def test_a_measure_is_higher_for_the_text_that_has_more_of_it(name: str, more: str, less: str) -> None:
    assert value(name, more) > value(name, less)


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("🎉", 1),
        ("👩‍👩‍👧‍👦", 1),
        ("👍🏽", 1),
        ("🇫🇷🇩🇪", 2),
        ("3️⃣", 1),
        ("❤️", 1),
        ("✔️ ☀", 2),
        (":) ;-) :D <3", 4),
        ("1 2 # * © ™ → –", 0),
        ("dict: {a:b}; f(x): (1:3)", 0),
        ("http://example.org/", 0),
    ],
)
def test_an_emoji_counts_once_however_it_is_built(text: str, count: int) -> None:
    assert emoji_in(text) == count


def test_densities_do_not_grow_with_length() -> None:
    text = "Perhaps it's good, for example here. You might like it, and the weather is fine in the valley below. "
    for name in ("formal_balance", "contractions_avoided", "hedges", "examples", "you", "sentence_words", "long_words"):
        assert abs(value(name, text * 12) - value(name, text * 4)) < 0.3, name


def test_code_is_not_read_as_prose() -> None:
    assert value("exclamations", "Done.\n\n```\nassert a != b  # wow!!! yeah\n```") == value("exclamations", "Done.")


def test_a_long_text_is_measured_by_its_head_and_its_whole_length() -> None:
    assert count_words("word " * 100_000) == pytest.approx(100_000, rel=0.01)


def test_one_dash_is_not_a_list() -> None:
    assert structure_of("- Really?").bullets == 0


def test_every_measure_has_a_spread_and_every_aspect_its_words() -> None:
    assert set(SPREADS) == set(INDEX)
    aspects = {m.aspect for m in MEASURES}
    assert aspects == set(MORE_LESS)
    assert {name for pair in COUPLINGS for name in pair} <= set(INDEX)
    assert {aspect for pair in IMPLIED for aspect in pair} <= aspects


def test_nothing_implies_what_implies_it() -> None:
    assert not [pair for pair in IMPLIED if pair[::-1] in IMPLIED and pair != ("warmth", "closing")]


@given(st.text(max_size=400))
def test_any_text_can_be_measured(text: str) -> None:
    values = measure(text)
    assert len(values) == len(MEASURES)
    assert all(abs(number) < 1e4 for number in values)
