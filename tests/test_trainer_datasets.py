"""Rows of any file, rotation, splits, and the adapters for columns, stores and real people's choices."""

from __future__ import annotations

import csv
import json
from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from popi_sdk.errors import ConfigError, SignalError
from popi_sdk.signals import Conversation, Demonstration, Edit, PreferencePair, Rating, Signal, Statement
from popi_sdk.store import open_store
from trainer.data import Example, leaked_pairs, same_text, split_of
from trainer.datasets import columns, people, stored
from trainer.datasets.hub import is_hub_id
from trainer.datasets.rotation import described, rotate, set_apart
from trainer.datasets.rows import Row, Table, tables
from trainer.datasets.splits import deal, refuse_leaks

SHARED = Path(__file__).parent.parent.parent / "shared" / "data"


def pair(name: object, chosen: str = "Yes.", rejected: str = "No.") -> PreferencePair:
    return PreferencePair(f"Question {name}?", chosen, rejected)


def pairs(count: int) -> tuple[PreferencePair, ...]:
    return tuple(pair(number) for number in range(count))


def rows(*values: Mapping[str, Any], table: str = "data") -> list[Row]:
    return [Row(row, f"Row {number} of {table}", table) for number, row in enumerate(values, start=1)]


def read(path: Path) -> list[Mapping[str, Any]]:
    return [row.values for row in Table(path).rows()]


# Rotation


@given(count=st.integers(2, 40), shots=st.integers(1, 9), hold_out=st.integers(1, 5), seed=st.integers())
def test_every_pair_is_held_out_exactly_once(count, shots, hold_out, seed) -> None:
    fixed = Statement("Be brief.")
    whole = Example("ada", (fixed,), pairs(count))
    turns = list(rotate(whole, shots=shots, hold_out=hold_out, seed=seed))
    assert Counter(one.id for turn in turns for one in turn.pairs) == Counter(one.id for one in whole.pairs)
    for turn in turns:
        shown = {signal.id for signal in turn.signals}
        assert fixed.id in shown
        assert not shown & {one.id for one in turn.pairs}
        assert 1 <= len(turn.pairs) <= hold_out
        assert not leaked_pairs(turn)


def test_a_block_of_five_with_four_shots_becomes_five_examples_of_four_signals() -> None:
    turns = list(rotate(Example("ada", (), pairs(10)), shots=4))
    assert [(len(turn.signals), len(turn.pairs)) for turn in turns] == [(4, 1)] * 10
    blocks = [frozenset(one.id for one in (*turn.signals, *turn.pairs)) for turn in turns]
    assert len(set(blocks)) == 2  # two disjoint blocks, each seen from five sides
    assert not blocks[0] & blocks[5]


def test_two_pairs_are_held_out_at_once_where_asked() -> None:
    turns = list(rotate(Example("ada", (), pairs(6)), shots=4, hold_out=2))
    assert [(len(turn.signals), len(turn.pairs)) for turn in turns] == [(4, 2)] * 3


def test_pairs_on_one_prompt_are_never_on_both_sides() -> None:
    twins = (PreferencePair("Why?", "A.", "B."), PreferencePair(" why? ", "A.", "C."), *pairs(3))
    for turn in rotate(Example("ada", (), twins), shots=4):
        held = {same_text(one.prompt) for one in turn.pairs}
        assert not held & {same_text(signal.prompt) for signal in turn.signals if isinstance(signal, PreferencePair)}


def test_what_was_said_about_a_held_out_prompt_is_not_shown() -> None:
    said: tuple[Signal, ...] = (
        Rating("Question 1?", "Yes.", liked=True),
        Edit("Question 1?", "No.", "Certainly."),
        Demonstration("Yes.", "Question 1?"),
        Conversation([{"role": "user", "content": "Question 1?"}, {"role": "assistant", "content": "Yes."}]),
        Statement("Be brief."),
    )
    assert set_apart(Example("ada", said, (pair(1),))).signals == (Statement("Be brief."),)
    assert set_apart(Example("ada", said, (pair(2),))).signals == said


def test_a_lone_pair_without_any_signal_is_dropped() -> None:
    assert list(rotate(Example("ada", (), pairs(1)), shots=4)) == []
    assert len(list(rotate(Example("ada", (Statement("Be brief."),), pairs(1)), shots=4))) == 1


def test_blocks_depend_on_seed_and_user_and_nothing_else() -> None:
    def blocks(user: str, seed: int) -> list[tuple[str, ...]]:
        return [tuple(s.id for s in turn.signals) for turn in rotate(Example(user, (), pairs(9)), shots=2, seed=seed)]

    assert blocks("ada", 42) == blocks("ada", 42)
    assert blocks("ada", 42) != blocks("ada", 43)
    assert blocks("ada", 42) != blocks("bob", 42)


def test_slices_say_how_many_signals_and_of_which_kinds() -> None:
    few = Example("ada", (Statement("Be brief."), *pairs(2)), (pair(9),), {"level": "child"})
    assert described(few).slices == {"signals": "few", "kinds": "preference_pair+statement", "level": "child"}
    assert described(Example("ada", pairs(5), ())).slices["signals"] == "many"
    assert described(Example("ada", (), (pair(9),))).slices == {"signals": "none", "kinds": "none"}


# Splits


def users(dealt: Mapping[str, Iterable[Example]]) -> dict[str, set[str]]:
    return {split: {example.user for example in some} for split, some in dealt.items()}


def prompts(dealt: Mapping[str, Iterable[Example]]) -> dict[str, set[str]]:
    return {split: {one.prompt for example in some for one in example.pairs} for split, some in dealt.items()}


def apart(names: Mapping[str, set[str]]) -> bool:
    return sum(len(some) for some in names.values()) == len(set().union(*names.values()))


def test_by_user_each_user_stands_in_the_split_of_their_name() -> None:
    dealt = deal([("", Example(f"user-{number}", (), (pair(number),))) for number in range(100)], "user")
    assert all(split_of(user) == split for split, some in users(dealt).items() for user in some)
    assert apart(users(dealt))


def test_by_prompt_users_are_shared_and_prompts_are_not() -> None:
    whole = [("", Example(user, (), pairs(60))) for user in ("child", "expert")]
    dealt = deal(whole, "prompt")
    assert all(some == {"child", "expert"} for some in users(dealt).values())
    assert apart(prompts(dealt))
    assert set().union(*prompts(dealt).values()) == {one.prompt for one in pairs(60)}


def test_by_both_training_loses_what_held_out_users_were_asked() -> None:
    shared, rated = pair("shared"), Rating("Question shared?", "Yes.", liked=True)
    said = Statement("Be brief.")
    whole = [("", Example(user, (said, rated), (shared, pair(user)))) for user in ("ada", "bob", "user-7", "grace")]
    dealt = deal(whole, "both")
    assert split_of("ada") == "test"
    assert "Question shared?" in prompts(dealt)["test"]
    assert "Question shared?" not in prompts(dealt)["train"] | prompts(dealt)["validation"]
    assert all(rated not in example.signals for split in ("train", "validation") for example in dealt[split])
    assert any(rated in example.signals for example in dealt["test"])
    assert apart(users(dealt))


def test_a_test_part_of_the_source_stays_the_test_split_and_its_names_leave_training() -> None:
    test = [("test", Example("user-7", (), (pair("t"),)))]
    train = [("train", Example(f"user-{number}", (), (pair(number),))) for number in range(100)]
    dealt = deal([*train, *test], "user")
    assert users(dealt)["test"] == {"user-7"}
    assert "user-7" not in users(dealt)["train"]
    assert len(users(dealt)["validation"]) > 3
    by_prompt = deal([("train", Example("child", (), pairs(50))), ("test", Example("child", (), pairs(5)))], "prompt")
    assert prompts(by_prompt)["test"] == {one.prompt for one in pairs(5)}
    assert apart(prompts(by_prompt))


@given(
    st.lists(st.tuples(st.sampled_from("abcdefgh"), st.integers(0, 12)), max_size=40),
    st.sampled_from(["prompt", "both"]),
)
def test_no_deal_that_minds_prompts_leaks(choices, by) -> None:
    said: dict[str, dict[str, PreferencePair]] = {}
    for user, number in choices:
        said.setdefault(user, {})[str(number)] = pair(number)
    dealt = deal([("", Example(user, (), tuple(some.values()))) for user, some in said.items()], by)
    refuse_leaks({split: [turn for one in some for turn in rotate(one, shots=3)] for split, some in dealt.items()})


def test_a_pair_held_out_for_testing_and_trained_on_is_refused_whoever_won() -> None:
    turned = PreferencePair("question 1? ", "No.", "Yes.")
    for trained in (
        Example("u", (), (turned,)),
        Example("u", (turned,), (pair(2),)),
        Example("u", (Edit("Question 1?", "no.", "yes."),), (pair(2),)),
    ):
        with pytest.raises(SignalError, match="user `ada` in the test split also stands in train") as refused:
            refuse_leaks({"train": [trained], "validation": [], "test": [Example("ada", (), (pair(1),))]})
        assert "--split-by both" in refused.value.hint
    refuse_leaks({"train": [Example("u", (), (pair(2),))], "validation": [], "test": [Example("ada", (), (pair(1),))]})


def test_a_pair_held_out_and_shown_in_one_example_is_refused() -> None:
    with pytest.raises(SignalError, match="stands among the same user's signals"):
        refuse_leaks({"train": [Example("ada", (pair(1),), (pair(1),))], "validation": [], "test": []})


# Rows


def test_every_format_holds_the_same_rows(tmp_path) -> None:
    pyarrow = pytest.importorskip("pyarrow")
    import pyarrow.parquet as parquet

    wanted = [{"a": "one", "b": 'two, "quoted"\nover lines é'}, {"a": "", "b": "x"}]
    (tmp_path / "a.jsonl").write_text("\n\n".join(json.dumps(row) for row in wanted))
    (tmp_path / "b.json").write_text(json.dumps(wanted))
    (tmp_path / "c.json").write_text(json.dumps({"data": wanted}))
    (tmp_path / "d.json").write_text("\n".join(json.dumps(row) for row in wanted))
    for name, delimiter in (("e.csv", ","), ("f.tsv", "\t")):
        with (tmp_path / name).open("w", newline="", encoding="utf-8-sig") as file:
            writer = csv.DictWriter(file, ["a", "b"], delimiter=delimiter)
            writer.writeheader()
            writer.writerows(wanted)
    parquet.write_table(pyarrow.Table.from_pylist(wanted), tmp_path / "g.parquet")
    found = tables(tmp_path)
    assert [table.path.name[0] for table in found] == list("abcdefg")
    for table in found:
        assert [dict(row.values) for row in table.rows()] == wanted, table.path.name


def test_a_csv_row_is_named_by_the_line_it_begins_on(tmp_path) -> None:
    (tmp_path / "x.csv").write_text('user,text\nada,"two\nlines"\n\nbob\n', encoding="utf-8")
    found = Table(tmp_path / "x.csv").rows()
    assert next(found).place.startswith("Line 2 of")
    with pytest.raises(SignalError, match=r"Line 5 of .* has 1 fields; the header names 2"):
        next(found)


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("x.csv", b'user,text\nada,"open', "Line 2 of .* is not CSV"),
        ("x.csv", b'user,text\nada,"a"b"\n', "Line 2 of .* is not CSV"),
        ("x.csv", b"user,user\n1,2\n", "Line 1 of .* is no header"),
        ("x.csv", b"user\nok\n\xff\n", "not UTF-8"),
        ("x.json", b"\xff", "not UTF-8"),
        ("x.json", b'{"a": 1}\n{', "Line 2 of .* is not JSON"),
        ("x.json", b"[1]", "Row 1 of .* is no row"),
        ("x.jsonl", b'{"a": 1}\n[]', "Line 2 of .* is no row"),
        ("x.parquet", b"PAR1 but not really PAR1", "cannot be read as Parquet"),
    ],
)
def test_a_file_that_is_broken_is_refused_where_it_is(tmp_path, name, content, said) -> None:
    if name.endswith("parquet"):
        pytest.importorskip("pyarrow")
    (tmp_path / name).write_bytes(content)
    with pytest.raises(SignalError, match=said):
        read(tmp_path / name)


def test_long_fields_of_a_csv_are_read(tmp_path) -> None:
    (tmp_path / "x.csv").write_text("text\n" + "long " * 60_000 + "\n")
    assert len(read(tmp_path / "x.csv")[0]["text"]) == 300_000


def test_files_of_a_folder_belong_to_the_split_in_their_names(tmp_path) -> None:
    names = {
        "data/train-00000-of-00002.jsonl": "train",
        "elix_test.jsonl": "test",
        "dev.json": "validation",
        "contest.jsonl": "",
        "latest.jsonl": "",
        "Reddit_UGC.json": "",
    }
    (tmp_path / "data").mkdir()
    for name in (*names, "dataset_info.json", ".hidden.jsonl", "README.md"):
        (tmp_path / name).write_text("{}")
    found = {table.path.relative_to(tmp_path).as_posix(): table.split for table in tables(tmp_path)}
    assert found == names
    assert tables(tmp_path / "elix_test.jsonl") == [Table(tmp_path / "elix_test.jsonl")]


def test_a_source_without_rows_of_a_known_form_is_refused(tmp_path) -> None:
    (tmp_path / "notes.txt").write_text("")
    for source in (tmp_path, tmp_path / "notes.txt"):
        with pytest.raises(ConfigError, match=r"\.jsonl"):
            tables(source)


def test_what_can_be_a_dataset_of_the_hub() -> None:
    assert is_hub_id("sher222/persona-iterative-responses")
    assert not any(map(is_hub_id, ["a", "/a/b", "./a/b", "a/b/c", "a/b.csv", "a b/c", "~/x"]))


# Columns


def test_columns_are_found_by_the_map_or_by_their_own_name() -> None:
    given_columns = columns.column_map(["user=rater", "prompt=question", "chosen=good"])
    found = columns.examples(
        rows(
            {"rater": 7, "question": "Why?", "good": "A", "rejected": "B", "oracle": "brief"},
            {"rater": "bob", "question": "Why?", "good": [{"role": "assistant", "content": "B"}], "rejected": "A"},
        ),
        given_columns,
    )
    assert found == [
        Example("7", (), (PreferencePair("Why?", "A", "B"),), {}, "brief"),
        Example("bob", (), (PreferencePair("Why?", "B", "A"),)),
    ]


@pytest.mark.parametrize(
    ("label", "chosen"),
    [
        ("a", "x"),
        ("B", "y"),
        ("0", "x"),
        (1, "y"),
        (1.0, "y"),
        ("first", "x"),
        ("left", "x"),
        ("right", "y"),
        ("tie", None),
        ("", None),
        (None, None),
    ],
)
def test_a_label_says_which_answer_won(label, chosen) -> None:
    row = {"user": "ada", "prompt": "Why?", "left": "x", "right": "y", "won": label}
    found = columns.examples(rows(row), columns.column_map(["a=left", "b=right", "label=won"]))
    assert [one.chosen for example in found for one in example.pairs] == ([chosen] if chosen else [])


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"label": "2"}, "Row 1 of data has the label '2'"),
        ({"user": ""}, "Row 1 of data names no user"),
        ({"prompt": True}, "Row 1 of data holds no text in `prompt`"),
        ({"a": ""}, "Row 1 of data.*is empty"),
        ({"b": "x"}, "Row 1 of data.*equals"),
        ({"a": None}, "Row 1 of data"),
    ],
)
def test_a_bad_row_of_columns_is_named(change, said) -> None:
    row = {"user": "ada", "prompt": "Why?", "a": "x", "b": "y", "label": "a", **change}
    with pytest.raises(SignalError, match=said):
        columns.examples(rows(row), {})
    with pytest.raises(SignalError, match=r"has no column `chosen`.*It has: user, prompt"):
        columns.examples(rows({"user": "ada", "prompt": "Why?"}), {})


@pytest.mark.parametrize(
    ("given_map", "said"),
    [
        (["promt=question"], "Did you mean `prompt`"),
        (["user"], "maps nothing"),
        (["user="], "maps nothing"),
        (["user=a", "user=b"], "mapped twice"),
        (["chosen=x", "label=y"], "Map one or the other"),
    ],
)
def test_a_map_that_makes_no_sense_is_refused(given_map, said) -> None:
    with pytest.raises(ConfigError, match=said):
        columns.column_map(given_map)


# The SDK's store


def test_only_signals_that_may_be_trained_on_leave_the_store(tmp_path) -> None:
    url = f"sqlite:///{tmp_path}/popi.db"
    _fill(url)
    [ada] = stored.examples(stored.trainable(url, "default"))
    assert ada.user == "ada"
    assert {one.prompt for one in ada.pairs} == {"Question 0?", "Question 1?", "Question 2?"}
    assert {signal.kind for signal in ada.signals} == {"statement", "edit", "preference_pair"}
    assert all(signal.allow_training for signal in (*ada.signals, *ada.pairs))
    turns = list(rotate(ada, shots=2))
    assert len(turns) == 3
    assert all(len(turn.signals) == 5 for turn in turns)
    assert not any("private" in str(signal) for turn in turns for signal in turn.signals)


def test_a_store_of_postgresql_is_read_the_same(postgres_url) -> None:
    _fill(postgres_url, namespace="prepare")
    [ada] = stored.examples(stored.trainable(postgres_url, "prepare"))
    assert (ada.user, len(ada.pairs), len(ada.signals)) == ("ada", 3, 3)


def test_a_store_that_is_not_there_is_not_made(tmp_path) -> None:
    with pytest.raises(ConfigError, match="There is no store"):
        stored.trainable(f"sqlite:///{tmp_path}/none.db", "default")
    assert not list(tmp_path.iterdir())


def _fill(url: str, namespace: str = "default") -> None:
    store = open_store(url)
    said: list[Signal] = [PreferencePair(f"Question {n}?", "Yes.", "No.", allow_training=True) for n in range(3)]
    said += [
        Statement("Be brief.", allow_training=True),
        Edit("Write", "long draft", "short", allow_training=True),
        PreferencePair("From the web?", "Buy it.", "No.", source="untrusted", allow_training=True),
        Statement("My private matter."),
        PreferencePair("A private question?", "Yes.", "No."),
    ]
    store.observe(namespace, "ada", said)
    store.observe(namespace, "bob", [Statement("No pairs here.", allow_training=True)])
    store.observe(namespace, "eve", [PreferencePair("Not allowed?", "Yes.", "No.")])
    store.observe("elsewhere", "kim", [PreferencePair("Other app?", "Yes.", "No.", allow_training=True)])
    store.close()


# Real people's choices


def test_a_raters_ties_and_equal_answers_are_left_out() -> None:
    row = {"user": "rater-01", "prompt": "Why?", "a": "A", "b": "B"}
    preferences = ("a-is-better", "b-is-slightly-better", "tie")
    found = people.answer_pairs(
        rows(
            *({**row, "prompt": p, "preference": p} for p in preferences),
            {**row, "b": "A", "preference": "a-is-better"},
        )
    )
    assert [[(one.chosen, one.rejected) for one in example.pairs] for example in found] == [[("A", "B"), ("B", "A")]]
    with pytest.raises(SignalError, match="Row 1 of data has the preference 'c'"):
        people.answer_pairs(rows({**row, "preference": "c"}))


def test_a_writers_edit_is_a_pair_held_out_and_an_edit_shown() -> None:
    found = people.writer_edits(
        rows(*({"user": "w", "prompt": f"Write {n}", "draft": f"draft {n}", "final": f"final {n}"} for n in range(3)))
    )
    turns = list(rotate(found[0], shots=2, shown_as=people.edit_of))
    assert len(turns) == 3
    for turn in turns:
        assert turn.pairs[0].chosen.startswith("final")
        assert all(isinstance(signal, Edit) and signal.final.startswith("final") for signal in turn.signals)


@pytest.mark.skipif(not SHARED.is_dir(), reason="../shared/data is not here")
def test_the_real_files_give_every_choice() -> None:
    """774 of the 1,150 judgements prefer one of two different answers; 7 of them are repeats."""
    raters = people.answer_pairs(Table(SHARED / "answer_pairs.jsonl").rows())
    assert len(raters) == 16
    assert sum(len(rater.pairs) for rater in raters) == 767
    writers = people.writer_edits(Table(SHARED / "writer_edits.jsonl").rows())
    assert [len(writer.pairs) for writer in writers] == [50, 50, 50]
