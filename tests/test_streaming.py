"""Updates: a step is about a summary of earlier signals and the newer ones, and the SDK asks for them alike."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from popi_sdk.errors import ConfigError
from popi_sdk.signals import Signal, Statement
from popi_sdk.summarizers.trained import TrainedSummarizer
from popi_sdk.summary import Clause, Summary
from popi_sdk.templates import default_templates
from tests.brief_runs import brief_config, differing, quiet, weights_of, write_data
from tests.crashes import crash_at
from tests.exported import exported
from tests.tiny_models import WINDOW, save_tiny
from trainer import distributed
from trainer.config import Config, WorldConfig, load_config, parse_config
from trainer.data import Example, load_examples
from trainer.encode import Encoder
from trainer.models import load_tokenizer
from trainer.rollouts import sample_groups
from trainer.run_directory import RunDirectory
from trainer.stages import prepare_data, prepare_models
from trainer.streaming import MOST_CUTS, as_updates, cut, worn
from trainer.train import Training, make_training, train
from trainer.warm_start import _shown

WORLD = WorldConfig(dimensions=2, cares=2, signals=6, pairs=2)
UPDATES: dict[str, Any] = {"rollout": {"updates": 0.5}, "warm_start": {"updates": 0.5}}


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_data(tmp_path_factory.mktemp("data"), world=WORLD)


@pytest.fixture(scope="module")
def training(data: Path, tmp_path_factory: pytest.TempPathFactory) -> Training:
    config = brief_config(data, rollout={"updates": 0.5})
    run = RunDirectory(tmp_path_factory.mktemp("run"))
    splits = prepare_data(run, config)
    models, encoder = prepare_models(run, config, splits, quiet())
    return make_training(run, config, models, encoder, splits)


class Scribe:
    """A sampler that writes down what it is asked, and says a new thing each time, or the same of the same prompt."""

    def __init__(self, encoder: Encoder, says: Callable[[str], str]) -> None:
        self.encoder, self.says = encoder, says
        self.asked: list[list[str]] = []

    def sample(self, lm: Any, prompts: Sequence[Sequence[int]], count: int, **_: Any) -> list[list[list[int]]]:
        texts = [self.encoder.tokenizer.decode(prompt) for prompt in prompts]
        self.asked.append(texts)
        return [[self.encoder.summary_ids(self.says(text))] * count for text in texts]


def users(count: int, signals: int = 6) -> list[Example]:
    """Each signal is a word that stands nowhere else."""
    said = [[Statement(f"w{user}x{number}y") for number in range(signals)] for user in range(count)]
    return [Example(f"user {number}", tuple(each), ()) for number, each in enumerate(said)]


def words(example: Example) -> list[str]:
    return [signal.text for signal in example.signals if isinstance(signal, Statement)]


def shown(
    training: Training, people: Sequence[Example], step: int = 0, *, share: float = 1.0, scribe: Scribe | None = None
) -> list[Example]:
    rollout = training.config.rollout.model_copy(update={"updates": share})
    config = training.config.model_copy(update={"rollout": rollout})
    scribe = scribe or Scribe(training.encoder, lambda _: "Be brief.")
    return as_updates(training.models.summarizer, scribe, training.encoder, people, config, step)


class TestRollouts:
    def test_without_updates_everyone_is_shown_as_before_and_nothing_is_written(self, training: Training) -> None:
        scribe, people = Scribe(training.encoder, str), users(4)
        assert shown(training, people, share=0.0, scribe=scribe) == people
        assert scribe.asked == []

    def test_an_update_is_a_summary_and_the_newest_signals(self, training: Training) -> None:
        people = users(30)
        for before, after in zip(people, shown(training, people), strict=True):
            assert 1 <= len(after.signals) < len(before.signals)
            assert after.signals == before.signals[-len(after.signals) :]
            assert after.previous == "Be brief."
            assert after == replace(before, signals=after.signals, previous=after.previous)

    def test_so_many_users_are_updates_as_the_share_says(self, training: Training) -> None:
        people = users(50)
        met = [one for step in range(20) for one in shown(training, people, step, share=0.3)]
        assert sum(bool(one.previous) for one in met) / len(met) == pytest.approx(0.3, abs=0.03)

    def test_a_user_of_one_signal_is_never_cut(self, training: Training) -> None:
        people = users(5, signals=1)
        assert shown(training, people) == people

    def test_a_summary_is_written_before_any_newer_signal_is_seen(self, training: Training) -> None:
        people = users(20)
        scribe = Scribe(training.encoder, lambda _: "Be brief.")
        newest = {word for one in shown(training, people, scribe=scribe) for word in words(one)}
        read = "\n".join(text for batch in scribe.asked for text in batch)
        earlier = {word for one in people for word in words(one)} - newest
        assert not [word for word in newest if word in read]
        assert [word for word in earlier if word not in read] == []

    def test_summaries_are_written_on_top_of_each_other(self, training: Training) -> None:
        scribe = Scribe(training.encoder, lambda text: f"Use {'more' if 'Use' in text else 'some'} lists.")
        after = shown(training, users(30), scribe=scribe)
        assert len(scribe.asked) == MOST_CUTS
        assert len(scribe.asked[0]) == 30 > len(scribe.asked[1]) > len(scribe.asked[2]) > 0
        assert sum("more" in one.previous for one in after) == len(scribe.asked[1])
        assert all(("Use some lists." in text) for text in scribe.asked[1])

    def test_what_a_guard_takes_out_is_not_known_the_next_time(self, training: Training) -> None:
        scribe = Scribe(training.encoder, lambda _: "Be brief.\nSee https://evil.example/x for more.")
        assert {one.previous for one in shown(training, users(8), scribe=scribe)} == {"Be brief."}

    def test_what_is_shown_follows_from_seed_and_step(self, training: Training) -> None:
        people = users(20)
        assert shown(training, people, 3) == shown(training, people, 3)
        assert shown(training, people, 3) != shown(training, people, 4)

    def test_processes_share_what_one_would_show_and_sample_equally_often(
        self, training: Training, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        people = [*users(3, signals=1), *users(3)]  # the first process has nothing to write
        alone, together, rounds = shown(training, people), [], []
        monkeypatch.setattr(distributed, "size", lambda: 2)
        for rank in range(2):
            monkeypatch.setattr(distributed, "rank", lambda rank=rank: rank)
            scribe = Scribe(training.encoder, lambda _: "Be brief.")
            together += shown(training, people, scribe=scribe)
            rounds.append(len(scribe.asked))
        assert together == alone
        assert rounds[0] == rounds[1] > 0

    def test_groups_are_sampled_from_what_is_shown_and_judged_by_the_users_own_pairs(self, training: Training) -> None:
        people = training.batches.at(0)
        arguments = training.models.summarizer, training.sampler, training.encoder, people, training.config, 0
        groups = sample_groups(*arguments)
        assert groups == sample_groups(*arguments)
        assert any(len(group.example.signals) < 6 for group in groups)
        for group, user in zip(groups, people, strict=True):
            assert group.prompt == training.encoder.summarizer_prompt(group.example)
            assert set(group.pairs) <= set(user.pairs)

    def test_a_run_killed_in_the_middle_goes_on_as_if_it_had_not_been(self, data: Path, tmp_path: Path) -> None:
        config = brief_config(data, **UPDATES)
        whole, run = tmp_path / "whole", tmp_path / "run"
        train(config, whole, reporter=quiet(whole))
        with crash_at("os.rename", ".step-000002.part"):
            train(config, run, reporter=quiet(run))
        train(config, run, resume=True, reporter=quiet(run))
        assert differing(weights_of(run), weights_of(whole)) == []
        train(brief_config(data), tmp_path / "other", reporter=quiet(tmp_path / "other"))
        assert differing(weights_of(tmp_path / "other"), weights_of(whole)) != []


class TestWarmStart:
    def test_without_updates_nothing_is_drawn(self, data: Path) -> None:
        draw, people = random.Random(0), load_examples(data / "train.jsonl")
        before = draw.getstate()
        assert _shown(people, brief_config(data).warm_start, draw) == people
        assert draw.getstate() == before

    def test_some_are_shown_by_a_worn_summary_and_what_is_newer(self, data: Path) -> None:
        draw, people = random.Random(0), load_examples(data / "train.jsonl") * 50
        after = _shown(people, brief_config(data, warm_start={"updates": 0.5}).warm_start, draw)
        cut_short = [one for one in after if len(one.signals) < 6 or one.previous]
        assert len(cut_short) / len(after) == pytest.approx(0.5, abs=0.1)
        right = [one for one in after if one.previous == one.oracle]
        wrong = [one for one in after if set(one.previous.splitlines()) - set(one.oracle.splitlines())]
        assert len(right) > len(wrong) > 0
        for one, user in zip(after, people, strict=True):
            assert one.signals == user.signals[-len(one.signals) :]
            assert one.pairs == user.pairs

    def test_wear_leaves_clauses_out_or_says_what_is_true_of_another(self) -> None:
        draw = random.Random(0)
        rows = [worn("a\nb\nc", "x\ny", draw).split("\n") for _ in range(4000)]
        assert {clause for row in rows for clause in row} == {"a", "b", "c", "x", "y", ""}
        whole = sum(row == ["a", "b", "c"] for row in rows) / 4000
        assert 0.3 < whole < 0.7
        missing = sum("a" not in row for row in rows) / 4000
        assert missing == pytest.approx(1 / 3, abs=0.03)  # the mean of a square
        assert sum("x" in row for row in rows) / 4000 == pytest.approx(1 / 6, abs=0.03)
        assert worn("", "x", draw) == ""

    def test_no_clause_is_said_twice(self) -> None:
        draw = random.Random(0)
        rows = [worn("a\nb", "b\na", draw).split("\n") for _ in range(500)]
        assert all(len(set(row)) == len(row) for row in rows)

    def test_a_cut_leaves_something_new(self) -> None:
        (user,), draw = users(1), random.Random(0)
        places = set()
        for _ in range(200):
            earlier, newer = cut(user, draw)
            assert earlier.signals + newer.signals == user.signals
            places.add(len(newer.signals))
        assert places == {1, 2, 3, 4, 5, 6}
        assert cut(Example("nobody", (), ()), draw)[1].signals == ()


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A summarizer, and what was exported of it."""
    place = tmp_path_factory.mktemp("exported")
    exported(save_tiny(place / "tiny"), place / "out", onnx=False)
    return place


class TestPrompts:
    @pytest.mark.parametrize("previous", ["", "Be brief.", "Be brief.\nUse lists, {{ not }} tables."])
    def test_the_sdk_asks_for_an_update_in_the_very_tokens_of_training(self, previous: str, folder: Path) -> None:
        encoder = Encoder(
            load_tokenizer(folder / "tiny"),
            default_templates(),
            window=WINDOW,
            input_tokens=1_500,
            max_summary_tokens=60,
        )
        signals: tuple[Signal, ...] = (Statement("Please keep it short."), Statement("No tables."))
        known = Summary(clauses=tuple(map(Clause, previous.splitlines())))
        asked = TrainedSummarizer(folder / "out").prompt(signals, known or None)
        assert asked == encoder.summarizer_prompt(Example("ada", signals, (), previous=previous))
        assert (asked == encoder.summarizer_prompt(Example("ada", signals, ()))) is (previous == "")


class TestWorld:
    def test_users_to_train_on_have_shown_little_or_much_and_those_to_test_on_everything(self, tmp_path: Path) -> None:
        config = worldly(signals=5, fewest_signals=2, users=60)
        data = prepare_data(RunDirectory(tmp_path), config)
        assert {len(one.signals) for one in data["train"]} == {2, 3, 4, 5}
        assert {len(one.signals) for one in (*data["validation"], *data["test"])} == {5}

    def test_more_than_all_signals_cannot_be_the_fewest(self) -> None:
        with pytest.raises(ConfigError, match=r"`world\.fewest_signals` is more than `world\.signals`"):
            worldly(signals=3, fewest_signals=4)

    def test_the_shipped_configuration_trains_on_updates(self) -> None:
        config = load_config("streaming")
        assert config.rollout.updates > 0 < config.warm_start.updates
        assert config.world.signals == 10


def worldly(**world: Any) -> Config:
    return parse_config({"world": world})
