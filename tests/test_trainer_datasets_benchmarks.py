"""The paper's four benchmarks, on small files of the same shape."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Mapping
from typing import Any

import pytest

from popi_sdk.errors import SignalError
from popi_sdk.signals import Demonstration, Persona, PreferencePair
from trainer.data import Example, leaked_pairs
from trainer.datasets import alignx, elix, review, roleplay
from trainer.datasets.alignx_traits import POLES, traits
from trainer.datasets.rows import Row

LEVELS = ("child", "preteen", "teenager", "young adult", "expert")


def rows(*values: Mapping[str, Any], table: str = "train-00000-of-00001") -> list[Row]:
    return [Row(row, f"Row {number} of {table}", table) for number, row in enumerate(values, start=1)]


def elix_row(**change: Any) -> dict[str, Any]:
    return {
        "prompt": " Why is the sky blue? ",
        "response_x": "Air scatters blue light.\n",
        "response_y": "Rayleigh scattering goes with the fourth power.",
        "level_x": "child",
        "level_y": "expert",
        "scorer_level": "child",
        "label": 0,
        "model_name_x": "not read",
        **change,
    }


# ELIX


def test_elix_pools_the_pairs_of_each_level_and_follows_the_label() -> None:
    found = elix.examples(
        rows(elix_row(), elix_row(scorer_level="expert", label=1), elix_row(prompt="Why is grass green?", label=1.0))
    )
    child, expert = found
    assert (child.user, expert.user) == ("child", "expert")
    assert [(one.prompt, one.chosen[:3]) for one in child.pairs] == [
        ("Why is the sky blue?", "Air"),
        ("Why is grass green?", "Ray"),
    ]
    assert expert.pairs == (
        PreferencePair(
            "Why is the sky blue?", "Rayleigh scattering goes with the fourth power.", "Air scatters blue light."
        ),
    )
    assert child.slices == {"domain": "elix", "level": "child"}
    assert "child" in child.oracle
    assert child.signals == ()


def test_elix_uses_rows_of_which_one_answer_was_written_for_the_scorer() -> None:
    assert elix.examples(rows(elix_row(scorer_level="teenager"))) == []


def test_elix_counts_a_row_given_twice_once_and_leaves_out_rows_that_prefer_nothing() -> None:
    nothing = [elix_row(label=None), elix_row(response_x=""), elix_row(response_y="Air scatters blue light.")]
    [child] = elix.examples(rows(elix_row(), elix_row(), *nothing))
    assert len(child.pairs) == 1


@pytest.mark.parametrize(
    ("row", "said"),
    [
        (elix_row(label=2), "Row 1 of train.* has the label '2'.*0 says that response_x won"),
        (elix_row(prompt=["Why?"]), "Row 1 of train.* holds no text in `prompt`"),
        ({k: v for k, v in elix_row().items() if k != "level_x"}, "Row 1 of train.* has no column `level_x`"),
        (elix_row(response_x="half \ud800"), "Row 1 of train.*: `chosen`: holds half a character"),
    ],
)
def test_a_bad_row_of_elix_is_named(row, said) -> None:
    with pytest.raises(SignalError, match=said):
        elix.examples(rows(row))


# Review


def test_review_keeps_the_four_plain_kinds() -> None:
    kinds = ("positive", "negative", "concise", "verbose", "positive+concise")
    row = {"prompt": "Review Dune.", "response_x": "Good.", "response_y": "Bad.", "label": 1}
    found = review.examples(rows(*({**row, "scorer_level": kind} for kind in kinds)))
    assert [example.user for example in found] == sorted(kinds[:4])
    assert all(example.pairs == (PreferencePair("Review Dune.", "Bad.", "Good."),) for example in found)
    assert found[0].oracle == "This user prefers concise reviews."
    assert found[0].slices == {"domain": "review", "level": "concise"}


# Roleplay


def test_roleplay_describes_each_person() -> None:
    row = {"x": "Plan my day.", "yw": "Rise early.", "yl": "Sleep in.", "level": 3, "score_persona": "A farmer."}
    other = {**row, "level": 11, "yw": "Sleep in.", "yl": "Rise early.", "score_persona": "A musician."}
    found = roleplay.examples(rows(row, {**row, "x": "Dinner?"}, other))
    assert [(example.user, len(example.pairs), example.oracle) for example in found] == [
        ("11", 1, "A musician."),
        ("3", 2, "A farmer."),
    ]
    with pytest.raises(SignalError, match=r"Row 1 of train.* names no person"):
        roleplay.examples(rows({**row, "level": None}))


# AlignX


def leaning(**poles: float) -> list[float]:
    """A direction with some dimensions set: `d0=1` leans to the first pole of dimension 0."""
    return [poles.get(f"d{number}", 0.5) for number in range(90)]


def alignx_row(number: int, comments: int = 4, pairs: int = 4) -> dict[str, Any]:
    return {
        "prompt": f"Post {number}",
        "chosen": f"Comment {number} this user likes",
        "rejected": f"Comment {number} this user dislikes",
        "Preference Direction": leaning(d0=1),
        "Demographic Information": f"Person {number} is young.",
        "User-Generated Content": [
            {"prompt": f"Post {number}c{n}", "comment": f"I wrote {n}", "Preference Direction": leaning(d1=0)}
            for n in range(comments)
        ],
        "Pair-wise Comparative Feedback": [
            {
                "prompt": f"Post {number}p{n}",
                "chosen": f"liked {n}",
                "rejected": f"disliked {n}",
                "Preference Direction": leaning(d9=1, d47=n % 2),
            }
            for n in range(pairs)
        ],
    }


def shape(example: Example) -> tuple[int, int, int]:
    kinds = Counter(signal.kind for signal in example.signals)
    return kinds["persona"], kinds["demonstration"], kinds["preference_pair"]


def test_alignx_training_rows_are_dealt_evenly_to_the_four_modes() -> None:
    found = alignx.examples(rows(*(alignx_row(number) for number in range(80))), "ica")
    by_mode: dict[str, list[Example]] = {}
    for example in found:
        by_mode.setdefault(example.slices["mode"], []).append(example)
        assert example.oracle.startswith("Person")
        assert len(example.pairs) == 1
    assert {mode: len(some) for mode, some in by_mode.items()} == {"ugc": 20, "pair": 20, "demo": 20, "arbitrary": 20}
    assert {shape(example) for example in by_mode["ugc"]} == {(0, 4, 0)}
    assert {shape(example) for example in by_mode["pair"]} == {(0, 0, 4)}
    assert {shape(example) for example in by_mode["demo"]} == {(1, 0, 0)}
    arbitrary = [shape(example) for example in by_mode["arbitrary"]]
    assert len(set(arbitrary)) > 8
    assert 3 <= sum(persona for persona, _, _ in arbitrary) <= 17


def test_alignx_rows_that_show_little_get_the_mode_they_can_serve() -> None:
    found = alignx.examples(rows(alignx_row(0, 4, 1), alignx_row(1, 2, 4), alignx_row(2, 0, 0)), "ica")
    assert [example.slices["mode"] for example in found] == ["ugc", "pair", "demo"]
    bare = {**alignx_row(3, 0, 0), "Demographic Information": ""}
    assert alignx.examples(rows(bare), "ica") == []


def test_alignx_test_rows_are_taken_as_they_are_and_demographics_are_the_oracle_everywhere() -> None:
    hidden = {**alignx_row(0), "Demographic Information": ""}
    found = alignx.examples(
        [
            *rows({**hidden, "Pair-wise Comparative Feedback": []}, table="Reddit_UGC"),
            *rows({**hidden, "User-Generated Content": []}, table="Reddit_PAIR"),
            *rows(alignx_row(0, 0, 0), table="Reddit_DEMO"),
            *rows({**hidden, "User-Generated Content": hidden["User-Generated Content"][:2]}, table="Reddit_arbitrary"),
        ],
        "ica",
    )
    assert [(example.slices["mode"], shape(example)) for example in found] == [
        ("ugc", (0, 4, 0)),
        ("pair", (0, 0, 4)),
        ("demo", (1, 0, 0)),
        ("arbitrary", (0, 2, 4)),
    ]
    assert {example.user for example in found} == {found[0].user}  # one user in all four files
    assert {example.oracle for example in found} == {"Person 0 is young."}
    assert found[0].signals[0] == Demonstration("I wrote 0", "Post 0c0")


def test_alignx_pba_names_the_traits_of_what_is_shown_and_of_nothing_else() -> None:
    """Comments lean to Male; pairs to likes sleep, science evens out; the held-out pair itself to Young."""
    found = alignx.examples(rows(*(alignx_row(number) for number in range(3))), "pba")
    assert [example.slices["mode"] for example in found] == ["ugc", "pair", "demo"]
    assert [example.signals for example in found] == [
        (Persona(text="Male"),),
        (Persona(text="Likes sleep"),),
        (Persona(text="Young"),),
    ]


def test_alignx_pba_hides_demographics_where_the_test_row_hides_them() -> None:
    row = {**alignx_row(0, 1, 0), "Demographic Information": "", "profile": "Young, Male"}
    [example] = alignx.examples(rows(row, table="Reddit_arbitrary"), "pba")
    assert example.signals == (Persona(text="Male"),)


def test_alignx_pba_reads_the_stored_profile_where_directions_are_missing() -> None:
    row = {**alignx_row(0, 1, 0), "Demographic Information": "", "profile": "Young, Male"}
    row["User-Generated Content"] = [{"prompt": "Post", "comment": "I wrote"}]
    [example] = alignx.examples(rows(row, table="Reddit_UGC"), "pba")
    assert example.signals == (Persona(text="Young, Male"),)


def test_alignx_never_shows_what_was_said_about_the_held_out_post() -> None:
    row = alignx_row(0, 4, 4)
    row["Pair-wise Comparative Feedback"][0].update(prompt="post 0", chosen=row["chosen"])
    row["User-Generated Content"][0]["prompt"] = "Post 0"
    [example] = alignx.examples(rows(row, table="Reddit_arbitrary"), "ica")
    assert shape(example) == (1, 3, 3)
    assert not leaked_pairs(example)


def test_alignx_depends_on_the_seed_and_the_rows_only() -> None:
    many = rows(*(alignx_row(number) for number in range(40)))
    assert alignx.examples(many, "ica", seed=1) == alignx.examples(iter(many), "ica", seed=1)
    assert alignx.examples(many, "ica", seed=1) != alignx.examples(many, "ica", seed=2)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"User-Generated Content": [{"comment": "no post"}]}, "Row 1 of train.* posts and comments in `User-Gen"),
        ({"Pair-wise Comparative Feedback": ["text"]}, "Row 1 of train.* posts and comments in `Pair-wise"),
        ({"User-Generated Content": [{"prompt": "p", "comment": "c", "Preference Direction": [1]}]}, "of 1 numbers"),
    ],
)
def test_a_bad_row_of_alignx_is_named(change, said) -> None:
    with pytest.raises(SignalError, match=said):
        alignx.examples(rows({**alignx_row(0), **change}), "ica")


def test_empty_comments_of_alignx_are_passed_over() -> None:
    row = alignx_row(0, 4, 0)
    row["User-Generated Content"][1]["comment"] = ""
    [example] = alignx.examples(rows({**row, "Demographic Information": None}, table="Reddit_UGC"), "ica")
    assert shape(example) == (0, 3, 0)


def test_traits_name_both_poles_and_keep_silent_where_nothing_leans() -> None:
    """Means: 1.0 -> first pole; (1 + 0) / 2 = 0.5 -> none; (0 + 0.5) / 2 = 0.25 -> second pole."""
    assert len(POLES) == 90
    assert traits([leaning(d0=1, d2=1, d89=0), leaning(d0=1, d2=0)]) == "Young, Dislikes fashion"
    assert traits([leaning()]) == ""
    assert POLES[23] == ("Strong need for order", "Indifferent to order")
    assert POLES[47] == ("Likes science", "Dislikes science")


def test_levels_are_five_users_whatever_the_order_of_rows() -> None:
    many = [elix_row(prompt=f"Why {n}?", scorer_level=level, level_x=level) for n in range(6) for level in LEVELS]
    found = elix.examples(rows(*many))
    random.Random(0).shuffle(many)
    assert [example.user for example in elix.examples(rows(*many))] == [example.user for example in found]
    assert [example.user for example in found] == sorted(LEVELS)
