"""How reading what words ask for is learnt, and how well wordings are read that nothing was learnt from."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import torch

from popi_sdk.signals import Conversation
from popi_sdk.style import asking
from popi_sdk.style.asking import NOTHING, asks
from popi_sdk.style.facts import ASPECTS
from trainer.people import asking as teaching
from trainer.people.asking import WISHES, learnt, taught, wordings, wordings_digest, write_table
from trainer.people.wordings import phrasebook, plain

CHAT = Conversation(
    [
        {"role": "user", "content": "Which bus goes to the harbour?"},
        {"role": "assistant", "content": "Number four."},
        {"role": "user", "content": "Thank you, I will take it."},
    ]
)


@pytest.fixture
def brief(monkeypatch: pytest.MonkeyPatch) -> None:
    """Learning made short, from two wishes and small talk."""
    told = {
        "length more": ["more detail please", "tell me more", "too short for me", "I want more of it, longer"],
        "length less": ["shorter please", "too long for me", "less of it, be brief", "I want it short"],
        NOTHING: ["the bus was late", "my sister sings", "it rained all day", "we had soup"],
    }
    some = [(text, WISHES.index(name)) for name, texts in told.items() for text in texts for _ in range(40)]
    monkeypatch.setattr(teaching, "taught", lambda *_: some)
    monkeypatch.setattr(teaching, "wordings", lambda *_: some[::40])
    monkeypatch.setattr(teaching, "CLASSIFIERS", 2)


@pytest.fixture
def forgetful(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Path]:
    """A table of one's own in the place of the shipped one, and nothing in memory of that."""
    monkeypatch.setattr(asking, "TABLE", tmp_path / "asking.bin")
    caches = (asking.header, asking._table)
    asking._read.known.clear()
    for one in caches:
        one.cache_clear()
    yield tmp_path / "asking.bin"
    asking._read.known.clear()
    for one in caches:
        one.cache_clear()


@pytest.mark.usefixtures("brief")
def test_what_the_sdk_reads_from_the_file_is_what_the_classifier_says(forgetful: Path) -> None:
    write_table((), seed=1, path=forgetful)
    learned = learnt(teaching.taught((), 1), 1)
    for text in ("shorter please", "I want more detail", "too long, be brief please"):
        scores = learned.scores([text])[0]
        shares = torch.stack([(scores / one).softmax(0) for one in teaching.TEMPERATURES])
        told = {f"{one.aspect} {one.direction}": one.likelihood for one in asks(text)}
        assert next(iter(told)) == WISHES[int(scores.argmax())]
        # Some temperature explains every likelihood, to what a byte can hold.
        expected = shares[:, [WISHES.index(name) for name in told]]
        apart = (expected - torch.tensor(list(told.values()))).abs().amax(dim=1)
        assert apart.min() < 0.02


@pytest.mark.usefixtures("brief")
def test_the_table_is_told_apart_and_two_seeds_write_two(forgetful: Path) -> None:
    digests = []
    for seed in (1, 1, 2):
        write_table((), seed=seed, path=forgetful)
        digests.append(asking.table_digest())
    assert digests[0] == digests[1] != digests[2]


@pytest.mark.usefixtures("brief")
def test_progress_is_told_after_every_epoch_of_every_classifier(forgetful: Path) -> None:
    told: list[int] = []
    write_table((), path=forgetful, advance=lambda: told.append(1))
    assert len(told) == teaching.CLASSIFIERS * teaching.EPOCHS


def test_learning_leaves_the_global_seed_as_it_was() -> None:
    torch.manual_seed(7)
    before = torch.random.get_rng_state()
    learnt([("shorter please", 1), ("longer please", 0)] * 70, 0)
    assert torch.random.get_rng_state().equal(before)


def test_no_wording_is_taught_that_people_say_in_training_or_evaluation() -> None:
    told = {plain(text) for text, _ in taught([CHAT], 0)}
    for part in ("spoken", "unseen"):
        kept = [text for text, wish in wordings(part, 0) if WISHES[wish] != "language"]
        assert len(kept) > 5_000
        said = {plain(text) for text in kept}
        assert len(said & told) <= 0.01 * len(said)  # crossed ones meet a few of those that are spoken
    assert not {plain(text) for text, _ in wordings("unseen", 0)} & told
    assert plain("Thank you, I will take it.") in told


def test_every_wish_is_taught_in_hundreds_of_wordings_that_go_its_way() -> None:
    by_wish: dict[str, set[str]] = {}
    for text, number in taught([], 0):
        by_wish.setdefault(WISHES[number], set()).add(text)
    assert set(by_wish) == set(WISHES)
    assert all(len(texts) > 500 for wish, texts in by_wish.items() if wish != "language")
    book = phrasebook("taught")
    for aspect in ASPECTS:
        for more in (True, False):
            name = f"{aspect} {'more' if more else 'less'}"
            assert {*book.wishes[aspect, more].said, *book.wishes[aspect, more].clauses} <= by_wish[name]


def test_the_shipped_table_was_learnt_from_the_wordings_as_they_are() -> None:
    assert asking.header().wordings == wordings_digest(), "run `popi-train wordings`, then train the summarizer again"


def test_of_wordings_never_learnt_from_four_in_five_are_read_rightly_and_what_is_told_as_sure_is() -> None:
    told = [(asks(text), wish) for text, wish in wordings("unseen", 0)]
    wishes = [(found, wish) for found, wish in told if wish < 2 * len(ASPECTS)]
    first = [(f"{found[0].aspect} {found[0].direction}" if found else "", wish) for found, wish in wishes]
    assert sum(name == WISHES[wish] for name, wish in first) > 0.79 * len(first)
    assert sum(name == WISHES[wish ^ 1] for name, wish in first) < 0.11 * len(first)
    sure = [(f"{one.aspect} {one.direction}", wish) for found, wish in wishes for one in found if one.likelihood > 0.9]
    assert len(sure) > 0.4 * len(wishes)
    assert sum(name == WISHES[wish] for name, wish in sure) > 0.93 * len(sure)
    assert sum(name == WISHES[wish ^ 1] for name, wish in sure) < 0.04 * len(sure)
    quiet = [found for found, wish in told if WISHES[wish] == NOTHING]
    assert sum(bool(found) and found[0].likelihood > 0.9 for found in quiet) < 0.08 * len(quiet)
