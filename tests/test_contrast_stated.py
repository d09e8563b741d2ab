"""What users say: kept in their words, recognised in chats, or left alone."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from popi_sdk.signals import Conversation, Persona, Rating, Signal, Statement
from popi_sdk.summarizers.contrast import Contrast
from popi_sdk.summarizers.topics import Wish, remarks, wishes


def text_of(*signals: Signal) -> str:
    return Contrast().summarize(signals).text


def chat(*turns: str) -> Conversation:
    """A chat of user and assistant in turns, the user first."""
    return Conversation([{"role": ("user", "assistant")[k % 2], "content": turn} for k, turn in enumerate(turns)])


@pytest.mark.parametrize(
    "said",
    [
        "Use code fences for every snippet",
        "Cite links for claims",
        "Use the search tool first",
        "Metric units, please",
        "British spelling",
        "I prefer short answers",
        "Don't call me buddy",
        "Call me Sam",
        "I like it when you show the math",
        "It helps me when you start with an example",
        "You can be blunt with me",
        "If you are unsure, say so",
        "When I paste an error, tell me the fix first",
        "Dates in ISO format",
        "Vegetarian recipes only",
        "Tabs, not spaces",
        "I'm a beginner in statistics",
        "I follow a low-carb diet",
        "No spoilers for films or books",
        "Antworte bitte immer auf Deutsch",
        "Réponds en français",
        "Respuestas cortas y sin emojis",
        "Risposte brevi, per favore",
        "Ik wil korte antwoorden met voorbeelden",
        "Отвечай кратко",
    ],
)
def test_a_wish_about_answers_is_kept_word_for_word(said: str) -> None:
    assert text_of(Statement(said)) == said + "."


@pytest.mark.parametrize("said", ["请用中文简短回答", "短く答えてください"])
def test_wishes_in_scripts_without_spaces_are_kept(said: str) -> None:
    assert text_of(Statement(said)) == said + "。"


@pytest.mark.parametrize(
    "said",
    [
        "I had soup for lunch.",
        "Hello.",
        "Thanks a lot!",
        "It is raining today.",
        "The government should lower taxes.",
        "Politicians are liars",
        "I love pizza",
        "My cat is called Tom",
        "What's the weather today?",
        "We went to the beach yesterday",
        "I think the minimum wage is too low",
        "There are too many cars in the city",
        "Our schools need better teachers.",
        "...",
    ],
)
def test_what_is_not_about_answers_becomes_nothing(said: str) -> None:
    assert text_of(Statement(said)) == ""


def test_a_statement_is_taken_sentence_by_sentence() -> None:
    said = "I had soup for lunch. Please keep answers short.\nAlso:\n- use SI units"
    assert text_of(Statement(said)).startswith("Please keep answers short. ")
    assert "soup" not in text_of(Statement(said))
    assert "Use SI units." in text_of(Statement(said))


def test_an_abbreviation_does_not_end_a_sentence() -> None:
    assert (
        text_of(Statement("Address me as Dr. Patel, e.g. in greetings."))
        == "Address me as Dr. Patel, e.g. in greetings."
    )


def test_a_very_long_sentence_is_shortened_with_a_mark() -> None:
    text = text_of(Statement("Please " + "always explain everything " * 40))
    assert len(text) <= 202
    assert "…" in text


def test_the_newer_of_two_contradicting_statements_wins() -> None:
    assert text_of(Statement("Short answers, please."), Statement("I want long, detailed answers.")) == (
        "I want long, detailed answers."
    )
    early, late = datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 2, 1, tzinfo=UTC)
    assert text_of(Statement("No emoji!", at=late), Statement("Use emoji.", at=early)) == "No emoji!"
    assert text_of(Statement("Answer in German."), Statement("Answer in French.")) == "Answer in French."


def test_the_later_sentence_of_one_statement_wins() -> None:
    assert (
        text_of(Statement("I prefer long answers. No wait, short answers please.")) == "No wait, short answers please."
    )


def test_a_repeat_is_one_clause_with_both_signals() -> None:
    first, second = Statement("Short answers please."), Statement("Keep it brief.")
    (clause,) = Contrast().summarize([first, second]).clauses
    assert clause.text == "Keep it brief."
    assert set(clause.signal_ids) == {first.id, second.id}


def test_different_wishes_about_code_do_not_push_each_other_out() -> None:
    text = text_of(Statement("Use code fences for every snippet."), Statement("Comment code generously."))
    assert "fences" in text
    assert "Comment" in text


def test_what_a_newer_statement_leaves_of_an_older_one_is_kept() -> None:
    text = text_of(Statement("Short answers with bullet points."), Statement("No bullet points please."))
    assert "No bullet points please." in text
    assert "Keep answers short and concise." in text
    assert "with bullet" not in text


@pytest.mark.parametrize(
    ("remark", "clause"),
    [
        ("tl;dr please", "Keep answers short and concise."),
        ("hmm, too long", "Keep answers short and concise."),
        ("just the answer", "Keep answers short and concise."),
        ("you lost me, no jargon", "Use plain, simple words."),
        ("I don't understand, eli5?", "Use plain, simple words."),
        ("can you show it in code instead", "Show code, in code blocks."),
        ("could you give me an example?", "Give concrete examples."),
        ("more detail please", "Write longer, detailed answers."),
        ("as bullet points please", "Use bullet lists."),
        ("please stop using emojis", "Do not use emoji."),
        ("less formal please, we're friends", "Use a casual, informal tone."),
        ("zu lang, bitte kürzer", "Keep answers short and concise."),
        ("trop long", "Keep answers short and concise."),
        ("不要太长，简短一点", "Keep answers short and concise."),
        ("answer in German please", "Answer in German."),
    ],
)
def test_a_remark_on_an_answer_is_understood_and_put_in_our_words(remark: str, clause: str) -> None:
    said = chat("How do magnets work?", "Well, it is a long story.", remark)
    summary = Contrast().summarize([said])
    assert clause in summary.text
    assert summary.clauses[0].signal_ids == (said.id,)


@pytest.mark.parametrize(
    "remark",
    [
        "I'd like some longer songs for my list",
        "great, thanks!",
        "what about short trips in the mountains?",
        "how do I write a formal letter to my landlord?",
        "not too long, perfect",
        "add two more slow songs please",
    ],
)
def test_remarks_about_the_matter_are_left_alone(remark: str) -> None:
    assert text_of(chat("Help me plan", "Sure.", remark)) == ""


def test_a_first_question_counts_only_when_it_is_a_habit() -> None:
    first, second = chat("Explain tides, tl;dr"), chat("Explain stars, tl;dr")
    assert text_of(first) == ""
    assert "short" in text_of(first, second)


@pytest.mark.parametrize(
    ("liked", "reason", "clause"),
    [
        (False, "way too long", "short"),
        (False, "no examples", "Give concrete examples."),
        (False, "bullet points everywhere", "Avoid bullet lists"),
        (False, "should be more formal", "formal, professional"),
        (True, "short and clear", "short"),
        (True, "love the examples", "Give concrete examples."),
        (True, "no fluff", "short"),
        (False, "rambling", "short"),
    ],
)
def test_the_reason_of_a_rating_is_read_with_its_mood(liked: bool, reason: str, clause: str) -> None:
    assert clause in text_of(Rating("Why?", "Because.", liked=liked, reason=reason))


def test_a_persona_becomes_one_clause() -> None:
    who = Persona({"occupation": "nurse", "languages": ["French", "English"], "statistics": "beginner"})
    assert text_of(who) == "About the user: nurse; speaks French, English; statistics: beginner."
    assert text_of(Persona("A nurse in Lyon.\nLikes hiking.")) == "About the user: A nurse in Lyon. Likes hiking."


def test_a_newer_attribute_replaces_the_older_one() -> None:
    assert text_of(Persona({"city": "Rome"}), Persona({"City": "Oslo"})) == "About the user: city: Oslo."


def test_a_long_persona_ends_at_a_sentence() -> None:
    text = text_of(Persona("She works at a hospital. " * 20))
    assert len(text) <= 220
    assert text.endswith("hospital.")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("no emoji", {Wish("emoji", "less")}),
        ("not too long", {Wish("length", "less")}),
        ("don't be too brief", {Wish("length", "more")}),
        ("not detailed enough", {Wish("length", "more")}),
        ("prose rather than bullet points", {Wish("lists", "less")}),
        ("casual, not formal", {Wish("formality", "less")}),
        ("avoid tables but use headings", {Wish("tables", "less"), Wish("headings", "more")}),
        ("keine Emojis, kurz bitte", {Wish("emoji", "less"), Wish("length", "less")}),
        ("sans jargon", {Wish("reading", "less")}),
        ("簡潔に、絵文字なし", {Wish("length", "less"), Wish("emoji", "less")}),
    ],
)
def test_negations_and_complaints_turn_a_topic_round(text: str, expected: set[Wish]) -> None:
    assert set(wishes(text)) == expected


def test_remarks_are_not_fooled_by_a_denied_complaint() -> None:
    assert remarks("that's not too long") == ()


@pytest.mark.parametrize(
    ("said", "kept"),
    [
        (["Answer in French and use metric units.", "Answer in German."], "Answer in German. Use metric units."),
        (
            ["Use metric units and British spelling.", "Use imperial units."],
            "Use imperial units. Use British spelling.",
        ),
        (["Answer in French and call me Bob.", "Answer in German."], "Answer in German."),
    ],
)
def test_of_a_sentence_that_is_contradicted_in_part_the_rest_is_said_in_our_words(said: list[str], kept: str) -> None:
    assert text_of(*map(Statement, said)) == kept
