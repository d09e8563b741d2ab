"""Simulated people who show what they like in every way, over a few small answers with known styles."""

from __future__ import annotations

import json
import lzma
from itertools import islice
from pathlib import Path

import pytest

from popi_sdk.errors import ConfigError
from popi_sdk.signals import KINDS, Conversation, Edit, PreferencePair, Rating, Statement
from popi_sdk.style.facts import ASPECTS, levels
from popi_sdk.summarizers.wording import MORE_LESS
from tests.real_answers import ASKED, made_up_rows, write_rows
from trainer.config import PeopleConfig
from trainer.data import Example
from trainer.people import splits
from trainer.people.answers import INDEX, Answers
from trainer.people.choosing import Population
from trainer.people.examples import ALONE, People, load_dialogues, people_examples
from trainer.people.texts import described_answers, described_levels, plain_texts
from trainer.people.wordings import phrasebook


@pytest.fixture(scope="module")
def answers(tmp_path_factory: pytest.TempPathFactory) -> Answers:
    folder = tmp_path_factory.mktemp("answers")
    return Answers.load(write_rows(folder / "answers.jsonl.xz", made_up_rows(40)), cache=folder)


def made(answers: Answers, kinds: str = "all", users: int = 40, **changes: object) -> list[Example]:
    settings = {"noise": 0.0, "signals": 8, "pairs": 2, "wishes_per_user": (2, 3), "aspects": ASKED}
    settings.update({key: changes.pop(key) for key in list(changes) if key in Population.__dataclass_fields__})
    people = People(Population(users=users, **settings), kinds=kinds, **changes)  # type: ignore[arg-type]
    return people_examples(answers, people, (), seed=3)


def clauses() -> dict[str, tuple[str, bool]]:
    return {MORE_LESS[aspect][not more].format(size=""): (aspect, more) for aspect in ASPECTS for more in (True, False)}


def test_people_who_show_all_ways_show_every_kind_of_signal(answers: Answers) -> None:
    kinds = {signal.kind for example in made(answers) for signal in example.signals}
    assert kinds == set(KINDS)


@pytest.mark.parametrize(
    ("kinds", "signal"),
    list(zip(ALONE, (PreferencePair, Rating, Edit, Statement, Conversation), strict=True)),
)
def test_people_may_show_things_in_one_way_only(answers: Answers, kinds: str, signal: type) -> None:
    examples = [example for example in made(answers, kinds) if "Answer in " not in example.oracle]
    assert all(isinstance(one, signal) for example in examples for one in example.signals)
    assert {example.slices["shown"] for example in examples} == {kinds}


def test_twins_wish_the_reverse_and_choose_the_reverse(answers: Answers) -> None:
    examples = made(answers, "pair")
    for one, twin in zip(examples[::2], examples[1::2], strict=True):
        assert [(pair.chosen, pair.rejected) for pair in one.pairs] == [(p.rejected, p.chosen) for p in twin.pairs]
        wishes = [{clauses()[line] for line in each.oracle.splitlines() if line in clauses()} for each in (one, twin)]
        assert wishes[0] == {(aspect, not more) for aspect, more in wishes[1]}


def test_what_is_evident_is_part_of_the_truth_and_is_shown(answers: Answers) -> None:
    examples = made(answers, "pair")
    styles = {answer.text: answer.style for task in answers.tasks for answer in task.answers}
    assert any(example.evident for example in examples)
    for example in examples:
        assert set(example.evident.splitlines()) <= set(example.oracle.splitlines())
        for line in example.evident.splitlines():
            if line in clauses():
                aspect, more = clauses()[line]
                apart = [styles[signal.chosen][INDEX[aspect]] - styles[signal.rejected][INDEX[aspect]]
                         for signal in example.signals if isinstance(signal, PreferencePair)]  # fmt: skip
                assert sum(apart) > 0 if more else sum(apart) < 0


def test_people_without_wishes_choose_at_random_and_nothing_is_evident(answers: Answers) -> None:
    for example in made(answers, without_wishes=1.0):
        assert not [line for line in example.oracle.splitlines() if line in clauses()]
        assert example.slices["wishes"] == "0"
    chosen = [pair.chosen for example in made(answers, "pair", without_wishes=1.0) for pair in example.pairs]
    wished = [pair.chosen for example in made(answers, "pair") for pair in example.pairs]
    assert chosen != wished


def test_unseen_wordings_are_said_by_nobody_who_is_trained_on(answers: Answers) -> None:
    known, new = (
        {signal.text for example in made(answers, "statement", wordings=part) for signal in example.signals
         if isinstance(signal, Statement)}
        for part in ("spoken", "unseen")
    )  # fmt: skip
    assert known
    assert new
    assert not known & new


def test_the_same_seed_makes_the_same_people(answers: Answers) -> None:
    assert made(answers) == made(answers)


def test_a_share_of_choices_comes_out_the_other_way(answers: Answers) -> None:
    straight, flipped = (made(answers, "pair", users=100, flips=flips) for flips in (0.0, 0.25))
    both = [
        ({one.chosen, one.rejected}, {other.chosen, other.rejected}, one.chosen == other.chosen)
        for first, second in zip(straight, flipped, strict=True)
        for one, other in zip(first.signals, second.signals, strict=False)
        if isinstance(one, PreferencePair) and isinstance(other, PreferencePair)
    ]
    turned = [not same for texts, others, same in both if texts == others]
    assert len(turned) > 300
    assert 0.15 < sum(turned) / len(turned) < 0.35


def test_an_edit_changes_what_is_wished_for_and_little_else(answers: Answers) -> None:
    tasks = {task.prompt: {answer.text: answer for answer in task.answers} for task in answers.tasks}
    wishes_of = clauses()
    better = edits = 0
    for example in made(answers, "edit", conflicts=0.0, flips=0.0):
        wishes = [wishes_of[line] for line in example.oracle.splitlines() if line in wishes_of]
        for signal in example.signals:
            if not isinstance(signal, Edit):
                continue
            of_task = tasks[signal.prompt]
            before, after = of_task[signal.draft], of_task[signal.final]
            moved = [(after.style[INDEX[a]] - before.style[INDEX[a]]) * (1 if more else -1) for a, more in wishes]
            edits += 1
            better += max(moved) > 0
            assert after is not before
    assert edits > 200
    assert better > 0.95 * edits


def test_newcomers_show_one_thing_first_and_are_never_met_twice(
    answers: Answers, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(splits, "ASPECTS", ASKED)
    monkeypatch.setattr(splits, "AT_A_TIME", 20)
    monkeypatch.setattr(splits, "answers_by_split", lambda _: {"train": answers})
    settings = PeopleConfig(dialogues="", signals=6, pairs=2, least_wishes=2, most_wishes=3)
    people = list(islice(splits.newcomers(settings, 0, 100), 120))
    # Whoever asks for a language says that besides.
    assert max(len(example.signals) for example in people[:20]) <= 2
    assert max(len(example.signals) for example in people[-20:]) > 3
    assert len({example.user for example in people}) == len(people) / 2  # with their twins
    again = list(islice(splits.newcomers(settings, 0, 100), 120))
    assert again == people


def test_crossed_levels_follow_their_description_and_no_answer(answers: Answers) -> None:
    rows = list(islice(described_levels(answers, seed=0), 600))
    known = {levels(answer.text) for task in answers.tasks for answer in task.answers}
    assert sum(row in known for _, _, row, _ in rows) < 0.2 * len(rows)
    words = clauses()
    place = ASPECTS.index("length")
    of_long, of_short = (
        [row.split()[place] for description, _, row, _ in rows
         if any(words.get(line) == ("length", more) for line in description.splitlines())]
        for more in (True, False)
    )  # fmt: skip
    assert len(of_long) > 20
    assert len(of_short) > 20
    assert sum(map(ord, "".join(one[-1] for one in of_long))) / len(of_long) > 1 + sum(
        map(ord, "".join(one[-1] for one in of_short))
    ) / len(of_short)


def test_an_opposite_differs_in_what_is_described_and_in_nothing_else(answers: Answers) -> None:
    words = clauses()
    for description, _, row, opposite in islice(described_levels(answers, seed=0), 200):
        if opposite:
            apart = [one[:-1] for one, other in zip(row.split(), opposite.split(), strict=True) if one != other]
            described = description.splitlines()
            assert 1 <= len(apart) <= len(described)
            if all(line in words for line in described):
                assert set(apart) <= {words[line][0].replace("_", "") for line in described}


def test_unknown_ways_are_refused(answers: Answers) -> None:
    with pytest.raises(ConfigError, match="shouting"):
        made(answers, "shouting")


def test_dialogues_become_short_chats(tmp_path: Path) -> None:
    file = tmp_path / "dialogues.jsonl.xz"
    text = "User: A table for two, please.\nAssistant: When?\nUser: At noon.\nAssistant: Done.\nUser: Thanks."
    with lzma.open(file, "wt") as out:
        out.write("".join(json.dumps({"source": "sgd", "text": text}) + "\n" for _ in range(10)))
    dialogues = load_dialogues(file)
    assert dialogues
    for chat in dialogues:
        assert 2 <= len(chat.messages) <= 6
        assert (chat.messages[0].role, chat.messages[0].text) == ("user", "A table for two, please.")


def test_a_missing_file_of_dialogues_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="no-such-file"):
        load_dialogues(tmp_path / "no-such-file.xz")


def test_half_a_file_of_dialogues_is_refused_in_plain_words(tmp_path: Path) -> None:
    file = tmp_path / "half.jsonl.xz"
    file.write_bytes(lzma.compress(b'{"text": "User: Hello."}\n' * 1_000)[:-20])
    with pytest.raises(ConfigError, match="half"):
        load_dialogues(file)


def test_descriptions_say_what_sets_an_answer_apart(answers: Answers) -> None:
    styles = {answer.text: answer.style for task in answers.tasks for answer in task.answers}
    book = phrasebook("taught")
    words = {text: key for key, one in book.wishes.items() for text in (*one.clauses, *one.said)}
    words |= clauses()
    stream = described_answers(answers, seed=0)
    described = [next(stream) for _ in range(300)]
    assert 0.1 < sum(not description for description, _, _ in described) / len(described) < 0.3
    for description, _, answer in described:
        for line in description.splitlines():
            aspect, more = words[line]
            assert styles[answer][INDEX[aspect]] > 0 if more else styles[answer][INDEX[aspect]] <= 0


def test_plain_texts_hold_no_wording_that_is_kept_for_evaluation(answers: Answers) -> None:
    book = phrasebook("unseen")
    kept = {one.lower() for each in (*book.wishes.values(), book.quiet) for one in (*each.said, *each.remarked)}
    stream = plain_texts(answers, (), seed=0)
    lines = {line for _, text in (next(stream) for _ in range(400)) for line in text.splitlines()}
    assert not lines & kept
