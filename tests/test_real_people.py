"""Real people's files as examples: what is shown, what is held out, and that nothing held out is shown."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from benchmarks.real_files import FOLDER, MOST_PAIRS, NAMES, QUESTION, answer_pairs, music_chats, of_file, votes
from benchmarks.real_people import outcome, show, some_users
from popi_sdk.signals import Conversation, Edit, PreferencePair, Statement
from tests.shipped_judges import judge_that_knows_two_wishes
from trainer.data import Example, leaked_pairs, same_text
from trainer.datasets.rows import Row
from trainer.opened import open_evaluated

real = pytest.mark.skipif(not FOLDER.is_dir(), reason="../shared/data is not on this machine")


def rows(*values: Mapping[str, Any]) -> list[Row]:
    return [Row(row, f"Row {number}") for number, row in enumerate(values, start=1)]


class TestVotes:
    STATEMENTS = rows(*({"conversation": "c", "id": number, "text": f"Statement {number}."} for number in range(60)))

    def participant(self, votes_cast: list[tuple[int, int]], own: tuple[int, ...] = ()) -> Example | None:
        row = {"conversation": "c", "user": "c/1", "votes": votes_cast, "own_statements": list(own)}
        found = votes(rows(row), self.STATEMENTS)
        return found[0] if found else None

    def test_half_of_the_pairs_is_shown_and_the_other_held_out(self) -> None:
        cast = [(number, 1 if number < 6 else -1) for number in range(12)]
        example = self.participant(cast)
        assert example is not None
        assert len(example.signals) == len(example.pairs) == 3
        pairs = [one for one in (*example.signals, *example.pairs) if isinstance(one, PreferencePair)]
        assert {pair.prompt for pair in pairs} == {QUESTION}
        assert {pair.chosen for pair in pairs} == {f"Statement {number}." for number in range(6)}
        assert {pair.rejected for pair in pairs} == {f"Statement {number}." for number in range(6, 12)}
        assert example.slices == {"conversation": "c"}

    def test_passes_and_unknown_statements_count_for_nothing(self) -> None:
        cast = [(number, 1 if number < 4 else -1) for number in range(8)]
        assert self.participant([*cast, (8, 0), (9, 0), (777, 1)]) == self.participant(cast)

    def test_own_statements_are_said_and_votes_on_them_are_not_held_out(self) -> None:
        cast = [(number, 1 if number < 6 else -1) for number in range(12)]
        example = self.participant(cast, own=(0, 1))
        assert example is not None
        assert [one.text for one in example.signals if isinstance(one, Statement)] == ["Statement 0.", "Statement 1."]
        texts = {text for pair in example.pairs for text in (pair.chosen, pair.rejected)}
        assert not texts & {"Statement 0.", "Statement 1."}

    def test_whoever_agrees_with_everything_is_left_out(self) -> None:
        assert self.participant([(number, 1) for number in range(20)]) is None
        assert self.participant([(number, 1 if number < 3 else -1) for number in range(20)]) is None

    def test_many_votes_are_not_all_taken(self) -> None:
        example = self.participant([(number, 1 if number % 2 else -1) for number in range(60)])
        assert example is not None
        assert len(example.signals) + len(example.pairs) == MOST_PAIRS


class TestOthers:
    def test_each_half_of_a_raters_choices_is_held_out_once(self) -> None:
        examples = answer_pairs(
            rows(
                *(
                    {"user": "r", "prompt": f"Q{number}?", "a": "Yes.", "b": "No.", "preference": kind}
                    for number, kind in enumerate(["a-is-better", "tie", "b-is-slightly-better", "b-is-better", "tie"])
                )
            )
        )
        assert [len(one.pairs) for one in examples] == [2, 1]
        chosen = {pair.prompt: pair.chosen for one in examples for pair in one.pairs}
        assert chosen == {"Q0?": "Yes.", "Q2?": "No.", "Q3?": "No."}

    def test_songs_of_later_turns_are_held_out_and_earlier_ones_shown_with_their_thumbs(self) -> None:
        def turn(said: str, liked: list[str], disliked: list[str], answered: str = "Here.") -> dict[str, Any]:
            return {"said": said, "answered": answered, "liked": liked, "disliked": disliked}

        turns = [
            turn("Rock please", ["A by X"], ["B by Y"], answered=""),
            turn("More", ["C by X"], []),
            turn("Slower", ["D by X", "E by Z"], ["F by Y"]),
            turn("Rock please", ["A by X", "G by X"], ["H by Y", "I by Y"]),
        ]
        (example,) = music_chats(rows({"user": "u", "turns": turns}, {"user": "v", "turns": turns[:2]}))
        (chat,) = example.signals
        assert isinstance(chat, Conversation)
        assert [(one.role, one.text, one.feedback) for one in chat.messages] == [
            ("user", "Rock please", None),
            ("assistant", "A by X", "up"),
            ("assistant", "B by Y", "down"),
            ("user", "More", None),
            ("assistant", "Here.", None),
            ("assistant", "C by X", "up"),
        ]
        # "Rock please" with "A by X" was shown, so that pair is not held out.
        assert [(pair.prompt, pair.chosen, pair.rejected) for pair in example.pairs] == [
            ("Slower", "D by X", "F by Y"),
            ("Rock please", "G by X", "I by Y"),
        ]


@real
class TestRealFiles:
    @pytest.mark.parametrize("name", NAMES)
    def test_nothing_held_out_can_be_read_among_the_signals(self, name: str) -> None:
        examples = of_file(name)
        assert not any(leaked_pairs(example) for example in examples)
        assert all(example.pairs and example.signals for example in examples)

    def test_there_are_as_many_people_and_pairs_as_the_files_hold(self) -> None:
        counts = {}
        for name in NAMES:
            examples = of_file(name)
            counts[name] = (len({one.user for one in examples}), sum(len(one.pairs) for one in examples))
        assert counts == {
            "answer_pairs": (16, 767),
            "votes": (1_946, 11_260),
            "writer_edits": (3, 150),
            "music_chats": (232, 799),
        }

    def test_raters_and_writers_are_shown_other_prompts_than_are_held_out(self) -> None:
        for name in ("answer_pairs", "writer_edits"):
            for example in of_file(name):
                shown = {same_text(one.prompt) for one in example.signals if isinstance(one, PreferencePair | Edit)}
                assert shown
                assert not shown & {same_text(pair.prompt) for pair in example.pairs}

    def test_edits_are_shown_as_edits_and_held_out_as_the_final_text_over_the_draft(self) -> None:
        first, second = of_file("writer_edits")[:2]
        shown = {(one.prompt, one.final, one.draft) for one in second.signals if isinstance(one, Edit)}
        assert {(pair.prompt, pair.chosen, pair.rejected) for pair in first.pairs} & shown

    def test_a_judge_measures_them(self, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
        evaluated = open_evaluated(None, "contrast", str(judge_that_knows_two_wishes(tmp_path)), sampled=False)
        outcomes = {name: outcome(evaluated, some_users(of_file(name), 2)) for name in ("votes", "music_chats")}
        for one in outcomes.values():
            assert list(one.evaluation.controls) == ["none", "contrast", "trained", "swapped"]
            assert one.evaluation.users == 2
            assert one.left_out == 0
        show(outcomes, "contrast")
        printed = capsys.readouterr().out
        assert "music_chats" in printed
        assert json.dumps(outcomes["votes"].evaluation.as_json(), allow_nan=False)


def test_users_are_spread_over_the_file() -> None:
    examples = [Example(str(number // 2), (), ()) for number in range(40)]
    assert [one.user for one in some_users(examples, 4)] == ["0", "0", "5", "5", "10", "10", "15", "15"]
    assert some_users(examples, 100) == examples
