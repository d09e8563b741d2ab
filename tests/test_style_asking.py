"""What people's own words ask for: `popi_sdk.style.asking`, and the code in which a small model is shown it."""

from __future__ import annotations

from time import perf_counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from popi_sdk.style import asking, facts
from popi_sdk.style.asking import LEAST, LONGEST, Wished, asks, features, header
from popi_sdk.style.facts import ASPECTS, asked_in_code
from popi_sdk.templates import load_templates
from tests.plain_wishes import PLAIN_WISHES


def wish(one: Wished) -> str:
    return f"{one.aspect} {one.direction}"


def reverse(name: str) -> str:
    aspect, direction = name.split()
    return f"{aspect} {'less' if direction == 'more' else 'more'}"


def test_plain_wishes_are_understood_and_hardly_one_is_taken_for_its_reverse() -> None:
    said = [(name, asks(text)) for name, texts in PLAIN_WISHES.items() for text in texts]
    likeliest = [(name, wish(found[0]) if found else "") for name, found in said]
    assert {name.split()[0] for name in PLAIN_WISHES} == set(ASPECTS)
    assert sum(name == told for name, told in likeliest) >= 0.95 * len(likeliest)
    assert sum(reverse(name) == told for name, told in likeliest) <= 0.02 * len(likeliest)


@pytest.mark.parametrize(
    "text",
    ["", "   ", "\n", "My sister is getting married in June.", "Thanks, the soup was delicious.", "123 456", "🙂"],
)
def test_what_asks_for_nothing_is_read_as_nothing(text: str) -> None:
    assert asked_in_code(text) == ""


def test_several_sentences_may_ask_for_several_things() -> None:
    told = {wish(one) for one in asks("Short answers, please. And cite your sources! My flight was late.")}
    assert {"length less", "sources more"} <= told


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("Answer in German.", "German"),
        ("My English is weak, so please write to me in French.", "French"),
        ("Please reply in English from now on.", "English"),
        ("occupation: nurse; language: Polish", "Polish"),
        ("Answer in German, not in French.", "German"),
        ("Please answer in English, not German.", "English"),
        ("I'm learning Japanese but write in English please.", "English"),
        ("Please answer in German. My neighbour is French and we had a nice chat.", "German"),
        ("Please answer in Portuguese, I'm from Brazil and my wife is Italian.", "Portuguese"),
        ("Please answer in English and polish the wording.", "English"),
        ("Even when I write in English, reply to me in Dutch.", "Dutch"),
    ],
)
def test_the_language_that_is_asked_for_is_named_and_no_other(text: str, language: str) -> None:
    assert [one.direction for one in asks(text) if one.aspect == "language"] == [language]


@pytest.mark.parametrize("text", ["We had lunch at a French restaurant by the river.", "Don't answer in French."])
def test_a_language_that_is_only_talked_about_or_refused_is_not_asked_for(text: str) -> None:
    assert "language" not in asked_in_code(text)


def test_of_a_long_text_the_first_and_the_last_sentences_are_read() -> None:
    told = {wish(one) for one in asks("No tables please. " + "The bus came late. " * 40 + "Shorter answers please.")}
    assert {"tables less", "length less"} <= told


@pytest.mark.parametrize("text", ["no." * 100_000, "请" * 200_000, "no " * 200_000, "ab1" * 100_000])
def test_a_huge_text_takes_no_longer_than_a_few_sentences(text: str) -> None:
    start = perf_counter()
    asks(text)
    assert perf_counter() - start < 1.0


def test_long_matter_is_read_by_its_sentences_only() -> None:
    matter = " ".join(["the quarterly report of the northern branch went through without a remark"] * 6)
    assert len(matter.split()) > LONGEST
    assert asks(matter) == ()
    assert "length less" in {wish(one) for one in asks(f"{matter}. Shorter answers please.")}


@given(st.text(max_size=300))
def test_any_text_is_read_without_an_error_the_likeliest_first(text: str) -> None:
    told = asks(text)
    likelihoods = [one.likelihood for one in told]
    assert likelihoods == sorted(likelihoods, reverse=True)
    assert all(LEAST <= likelihood <= 1 for likelihood in likelihoods)
    assert len({wish(one) for one in told}) == len(told)
    assert all(one.aspect in ASPECTS or one.aspect == "language" for one in told)
    assert asks(text) == told


def test_features_are_words_neighbours_pieces_and_what_stands_near_a_word_that_may_turn_a_wish() -> None:
    assert features("No lists!") == [
        "!",
        "^",
        "no",
        "lists",
        "$",
        "^ no",
        "no lists",
        "lists $",
        "^_lists",
        "no_$",
        "#<no>",
        "#<lis",
        "#list",
        "#ists",
        "#sts>",
        "no>$",
    ]
    assert features("NO   lists!") == features("no lists!")
    assert features("Don\u2019t!") == features("don't!")


def test_codes_have_the_first_letters_for_less_and_the_last_for_more_by_their_likelihood(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    told = (
        Wished("length", "less", 0.97),
        Wished("lists", "more", 0.95),
        Wished("first_person", "less", 0.9),
        Wished("emoji", "more", 0.72),
        Wished("language", "German", 0.6),
        Wished("code", "less", 0.5),
        Wished("tables", "more", LEAST),
    )
    monkeypatch.setattr(facts, "asks", lambda _: told)
    assert asked_in_code("anything") == "lengthA listsJ firstpersonB emojiH language German codeD tablesF"


def test_nothing_of_a_text_stays_in_memory() -> None:
    text = "Zanzibarquux wants it shorter, please."
    assert asks(text)
    assert "zanzibarquux" not in repr(asking._read.known).lower()


def test_a_text_seen_lately_is_not_read_again(monkeypatch: pytest.MonkeyPatch) -> None:
    told = asks("Please use bullet points, always.")
    monkeypatch.setattr(asking, "_likelihoods", lambda _: pytest.fail("read again"))
    assert asks("Please use bullet points, always.") == told


def test_the_table_speaks_of_every_wish_of_every_aspect_and_of_two_things_more() -> None:
    assert header().wishes == (*(f"{one} {way}" for one in ASPECTS for way in ("more", "less")), "language", "nothing")


def test_templates_that_show_what_words_ask_for_are_of_another_version_where_words_are_read_otherwise(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    shows = {"inference.user": "{{ previous }}{% for one in signals %}{{ one.parts[0].asked_in_code }}{% endfor %}"}
    quotes = {"inference.user": "{{ previous }}{% for one in signals %}{{ one.parts[0].text }}{% endfor %}"}
    before = [load_templates(one).version for one in (shows, quotes)]
    monkeypatch.setattr("popi_sdk.templates.table_digest", lambda: "another")
    after = [load_templates(one).version for one in (shows, quotes)]
    assert after[0] != before[0]
    assert after[1] == before[1]


@pytest.mark.parametrize(
    "profile", ["languages: English, Portuguese", "occupation: cook; native language: Portuguese", "speaks: Portuguese"]
)
def test_languages_that_somebody_knows_are_not_asked_for(profile: str) -> None:
    assert [one for one in asks(profile) if one.aspect == "language"] == []
