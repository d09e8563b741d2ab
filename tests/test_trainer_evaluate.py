"""Evaluation: every control on the same pairs, figures worked out by hand, and strangers as writer or judge."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from typer.testing import CliRunner

from popi_sdk.errors import ConfigError, SignalError
from popi_sdk.signals import PreferencePair, Statement
from popi_sdk.summary import NOTHING, Clause, Summary
from tests.loopback import KEY_VARIABLE, LoopbackServer, api_base
from tests.trained_runs import small_run
from trainer.cli import app
from trainer.cli.tables import show_evaluation
from trainer.controls import CONTROLS as ALL_CONTROLS
from trainer.controls import oracle_summaries, swapped
from trainer.data import Example, load_examples, write_examples
from trainer.errors import DivergedError
from trainer.evaluate import evaluate, measure
from trainer.fitting import fitted
from trainer.intervals import bootstrap_over_users
from trainer.opened import Evaluated, judge_of, open_evaluated, open_run_models
from trainer.reference import ReferenceLogprobs
from trainer.run_directory import RunDirectory
from trainer.scoring import PAIRS_AT_ONCE, PairScorer, Scored, ranked_right


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> RunDirectory:
    return small_run(tmp_path_factory.mktemp("runs") / "one")


@pytest.fixture(scope="module")
def other(tmp_path_factory: pytest.TempPathFactory) -> RunDirectory:
    return small_run(tmp_path_factory.mktemp("runs") / "two", run={"seed": 7}, model={"hidden": 48, "vocabulary": 350})


CONTROLS = tuple(name for name in ALL_CONTROLS if name != "before")
"""Those of a run; the version in service before is one of a refresh only."""


def evaluated_json(*arguments: str) -> dict:
    result = CliRunner().invoke(app, ["evaluate", *arguments, "--json"])
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)


class TestControls:
    def test_all_of_them_stand_in_one_object(self, run: RunDirectory) -> None:
        report = evaluated_json(str(run.path), "--limit", "10")
        assert report["users"] == 10
        assert report["pairs"] == 20
        assert tuple(report["controls"]) == CONTROLS
        for figures in report["controls"].values():
            assert figures.keys() >= {"accuracy", "low", "high", "margin", "tokens"}
            assert 0 <= figures["low"] <= figures["accuracy"] <= figures["high"] <= 1

    def test_no_summary_takes_no_tokens_and_raw_signals_take_most(self, run: RunDirectory) -> None:
        controls = evaluate(run.path, limit=10).controls
        assert controls["none"].tokens == 0
        assert controls["raw"].tokens > 2 * controls["oracle"].tokens > 0

    def test_an_oracle_that_is_not_known_is_absent(self, run: RunDirectory, tmp_path: Path) -> None:
        examples = [replace(one, oracle="") for one in load_examples(run.data / "test.jsonl")[:4]]
        write_examples(examples, tmp_path / "no-oracle.jsonl")
        assert "oracle" not in evaluate(run.path, data=tmp_path / "no-oracle.jsonl").controls

    def test_another_users_summary_needs_another_user(self, run: RunDirectory, tmp_path: Path) -> None:
        write_examples(load_examples(run.data / "test.jsonl")[:1], tmp_path / "alone.jsonl")
        assert "swapped" not in evaluate(run.path, data=tmp_path / "alone.jsonl").controls

    def test_swapping_never_gives_a_summary_to_its_own_user(self) -> None:
        examples = [Example(name, (), ()) for name in ("a", "a", "b", "c")]
        summaries = [replace(NOTHING, model=str(number)) for number in range(4)]
        given = swapped(examples, summaries)
        assert given is not None
        assert [one.model for one in given] == ["2", "3", "0", "1"]
        given = swapped(examples[:3], summaries)
        assert given is not None
        assert [one.model for one in given] == ["2", "2", "0"]

    def test_the_truth_is_shown_in_full_whatever_a_guard_would_make_of_it(self, run: RunDirectory) -> None:
        encoder = open_run_models(run.path).encoder
        long = "This user is a retired teacher who has read a great deal and wants every answer to begin with a story."
        truth = oracle_summaries([Example("a", (), (), oracle=long)], encoder)
        assert truth is not None
        assert truth[0].text == long
        assert encoder.safe_summary(long).text != long

    def test_few_examples_are_of_as_many_users_as_there_are(self, run: RunDirectory, tmp_path: Path) -> None:
        one, two = load_examples(run.data / "test.jsonl")[:2]
        write_examples([one, replace(one, pairs=one.pairs[:1]), two], tmp_path / "in-order.jsonl")
        assert evaluate(run.path, data=tmp_path / "in-order.jsonl", limit=2).users == 2

    def test_slices_are_those_of_the_data(self, run: RunDirectory) -> None:
        slices = evaluate(run.path, limit=10).slices
        assert list(slices) == ["drift"]
        assert list(slices["drift"]) == ["no"]

    def test_a_slice_that_holds_everything_says_what_the_whole_says(self, run: RunDirectory) -> None:
        report = evaluated_json(str(run.path), "--limit", "10")
        whole = report["slices"]["drift"]["no"]
        assert (whole["users"], whole["pairs"]) == (10, 20)
        assert whole["accuracy"] == report["controls"]["trained"]["accuracy"]
        for name, figures in report["controls"].items():
            assert whole["controls"][name] == {key: figures[key] for key in ("accuracy", "low", "high")}
        assert whole["differences"] == report["differences"]
        assert whole["oracle_share"] == report["oracle_share"]

    def test_sampled_summaries_are_not_the_greedy_ones(self, run: RunDirectory) -> None:
        greedy = [summary.text for _, summary in evaluate(run.path, limit=20).summaries]
        sampled = [summary.text for _, summary in evaluate(run.path, limit=20, sampled=True).summaries]
        assert greedy != sampled


class TestFigures:
    def test_ties_count_half(self) -> None:
        assert ranked_right(torch.tensor([0.5, 0.0, -0.0, -2.0])).tolist() == [1.0, 0.5, 0.5, 0.0]

    def test_a_margin_that_is_not_a_number_is_never_scored(self, run: RunDirectory) -> None:
        opened = open_run_models(run.path)
        examples = load_examples(run.data / "test.jsonl")[:1]
        known = ReferenceLogprobs(opened.models.reference, opened.encoder)
        known.prepare(examples[0].pairs)
        with torch.no_grad():
            opened.models.generator.lm.get_output_embeddings().weight.fill_(float("nan"))
        with pytest.raises(DivergedError, match="not a number"):
            PairScorer(opened.models.generator, opened.encoder, known).margins(examples, [NOTHING])

    def test_margins_equal_plain_forward_passes(self, run: RunDirectory) -> None:
        opened = open_run_models(run.path)
        encoder, generator, reference = opened.encoder, opened.models.generator.lm, opened.models.reference.lm
        examples = load_examples(run.data / "test.jsonl")[:3]
        summaries = oracle_summaries(examples, encoder)
        assert summaries is not None
        scorer = PairScorer(
            opened.models.generator, encoder, ReferenceLogprobs(opened.models.reference, encoder), microbatch=2
        )

        def logprob(model: torch.nn.Module, prompt: list[int], text: str) -> float:
            answer = encoder.answer(text)
            logits = model(input_ids=torch.tensor([[*prompt, *answer]])).logits[0].double().log_softmax(-1)
            return sum(logits[len(prompt) - 1 + place, token].item() for place, token in enumerate(answer))

        def by_hand(pair: PreferencePair, place: int, *, per_token: bool) -> float:
            shown, bare = (encoder.generator_prompt(each, pair.prompt) for each in (summaries[place], NOTHING))
            sides = []
            for text in (pair.chosen, pair.rejected):
                length = len(encoder.answer(text)) if per_token else 1
                sides.append((logprob(generator, shown, text) - logprob(reference, bare, text)) / length)
            return sides[0] - sides[1]

        with torch.no_grad():
            scored = scorer.scored(examples, summaries)
            for per_token, found in (
                (False, [one.margins for one in scored]),
                (True, [one.per_token for one in scored]),
            ):
                for place, example in enumerate(examples):
                    expected = [by_hand(pair, place, per_token=per_token) for pair in example.pairs]
                    assert found[place].tolist() == pytest.approx(expected, abs=1e-4)

    def test_a_generator_that_never_learned_is_at_chance_without_a_summary(self, run: RunDirectory) -> None:
        none = evaluate(run.path, generator=str(run.base), limit=10).controls["none"]
        assert none.accuracy.mean == 0.5
        assert none.margin == pytest.approx(0, abs=1e-4)


class TestComparisons:
    """Four users with two pairs each, and a judge whose margins are read off the summary's own words."""

    EXAMPLES = tuple(
        Example(
            f"user {number}",
            (Statement("Be brief."),),
            (PreferencePair(f"{number} first?", "a", "b"), PreferencePair(f"{number} second?", "a", "b")),
            {"half": "one" if number < 2 else "two"},
            oracle="+1 +1",
        )
        for number in range(4)
    )
    """The truth ranks every pair right."""
    WRITTEN = ("+1 +1", "+1 -1", "+1 +0", "-1 -1")
    """Right: both, one, one and a tie, none: 4.5 of 8. No summary: all tied, 4 of 8."""

    @pytest.fixture
    def evaluated(self, run: RunDirectory) -> Evaluated:
        class Reader(PairScorer):
            """Takes each pair's margin from the summary: "+1 -1" is 1 for the first pair and -1 for the second."""

            def scored(self, examples: Sequence[Example], summaries: Sequence[Summary]) -> list[Scored]:
                margins = [torch.tensor([float(word) for word in (one.text or "0 0").split()]) for one in summaries]
                return [Scored(one, one) for one in margins]

        class Writer:
            def write(self, examples: Sequence[Example], advance: object = None) -> list[Summary]:
                written = TestComparisons.WRITTEN
                return [Summary(clauses=(Clause(written[int(one.user[-1])]),)) for one in examples]

        opened = open_evaluated(run.path, "", "", sampled=False)
        judge = opened.generator
        reader = Reader(judge.generator, judge.encoder, judge.reference)
        return replace(opened, trained=Writer(), warm_start=None, untrained=None, generator=reader)

    def test_differences_are_taken_pair_by_pair(self, evaluated: Evaluated) -> None:
        overall = measure(evaluated, self.EXAMPLES, controls=("none", "swapped", "oracle")).overall
        assert overall.accuracy["trained"].mean == pytest.approx(4.5 / 8)
        assert overall.differences["none"].mean == pytest.approx(0.5 / 8)
        assert overall.differences["oracle"].mean == pytest.approx(-3.5 / 8)
        # Each summary is somebody else's once: the same scores in another order.
        assert overall.differences["swapped"].mean == pytest.approx(0.0)
        assert "trained" not in overall.differences

    def test_the_interval_of_a_difference_is_over_users(self, evaluated: Evaluated) -> None:
        overall = measure(evaluated, self.EXAMPLES, controls=("none",)).overall
        gains = {"0": [0.5, 0.5], "1": [0.5, -0.5], "2": [0.5, 0.0], "3": [-0.5, -0.5]}
        assert overall.differences["none"] == bootstrap_over_users(gains)

    def test_the_share_of_the_oracles_gain(self, evaluated: Evaluated) -> None:
        # Gained 0.5 of 8, and 4 of 8 with the truth.
        overall = measure(evaluated, self.EXAMPLES, controls=("none", "oracle")).overall
        assert overall.oracle_share is not None
        assert overall.oracle_share.mean == pytest.approx(0.125)
        assert overall.oracle_share.low < 0.125 < overall.oracle_share.high

    def test_there_is_no_share_of_an_oracle_that_gains_nothing_or_is_not_known(self, evaluated: Evaluated) -> None:
        useless = [replace(one, oracle="-1 +1") for one in self.EXAMPLES]
        assert measure(evaluated, useless, controls=("none", "oracle")).overall.oracle_share is None
        unknown = [replace(one, oracle="") for one in self.EXAMPLES]
        assert measure(evaluated, unknown, controls=("none", "oracle")).as_json()["oracle_share"] is None

    def test_each_slice_has_controls_and_differences_of_its_own(self, evaluated: Evaluated) -> None:
        report = measure(evaluated, self.EXAMPLES, controls=("none", "oracle")).as_json()
        one, two = (report["slices"]["half"][value] for value in ("one", "two"))
        assert (one["users"], one["pairs"], one["accuracy"]) == (2, 4, pytest.approx(3 / 4))
        assert (two["users"], two["pairs"], two["accuracy"]) == (2, 4, pytest.approx(1.5 / 4))
        assert one["differences"]["none"]["difference"] == pytest.approx(1 / 4)
        assert two["differences"]["none"]["difference"] == pytest.approx(-0.5 / 4)
        assert one["oracle_share"]["share"] == pytest.approx(0.5)
        assert one["controls"]["oracle"] == {"accuracy": 1.0, "low": pytest.approx(1 / 2.9207, abs=1e-3), "high": 1.0}

    def test_only_the_controls_asked_for_are_measured(self, evaluated: Evaluated) -> None:
        assert list(measure(evaluated, self.EXAMPLES, controls=("swapped",)).controls) == ["trained", "swapped"]

    def test_everything_is_printed_within_a_narrow_terminal(self, run: RunDirectory) -> None:
        result = CliRunner().invoke(app, ["evaluate", str(run.path), "--limit", "6"], env={"COLUMNS": "80"})
        assert result.exit_code == 0, result.output
        lines = result.output.splitlines()
        assert max(map(len, lines)) <= 80
        assert "…" not in result.output  # nothing is cut off
        for name in CONTROLS:
            assert any(name in line for line in lines)

    def test_differences_slices_and_the_oracles_share_are_printed(
        self, evaluated: Evaluated, capsys: pytest.CaptureFixture[str]
    ) -> None:
        show_evaluation(measure(evaluated, self.EXAMPLES, controls=("none", "oracle")))
        printed = capsys.readouterr().out
        assert "Share of the oracle's gain over no summary: 12.5 %" in printed
        rows = [line.replace("│", " ").split() for line in printed.splitlines()]
        assert ["oracle", "-43.8"] in [row[:2] for row in rows]
        assert ["one", "4", "50.0", "75.0", "100.0", "+25.0"] in [row[:6] for row in rows]

    def test_of_many_values_of_a_slice_the_largest_are_printed(
        self, evaluated: Evaluated, capsys: pytest.CaptureFixture[str]
    ) -> None:
        many = [
            replace(one, user=f"{number} {one.user}", slices={"topic": f"[{number:02}]"})
            for number in range(14)
            for one in self.EXAMPLES[: 1 if number < 2 else 2]
        ]
        show_evaluation(measure(evaluated, many, controls=("none", "swapped")))
        printed = capsys.readouterr().out
        assert "[02]" in printed
        assert "[13]" in printed
        assert "[00]" not in printed
        assert "2 more values of topic" in printed


class TestWindows:
    """A model from scratch reads 2,048 tokens."""

    LONG = " ".join(["Hey there! First plant the seed, and then water it."] * 40)

    def chatty(self, run: RunDirectory) -> list[Example]:
        """Users of whom the first has said more than any window holds."""
        first, *others = load_examples(run.data / "test.jsonl")[:3]
        said = tuple(Statement(f"{number}. {self.LONG}") for number in range(12))
        return [replace(first, signals=(*said, *first.signals)), *others]

    def test_whoever_says_more_than_a_window_holds_is_evaluated_all_the_same(
        self, run: RunDirectory, tmp_path: Path
    ) -> None:
        write_examples(self.chatty(run), tmp_path / "chatty.jsonl")
        with pytest.raises(ConfigError, match="more than the model's window"):
            open_run_models(run.path).encoder.summarizer_prompt(self.chatty(run)[0])
        for summarizer in ("", "contrast"):
            evaluation = evaluate(run.path, data=tmp_path / "chatty.jsonl", summarizer=summarizer)
            assert tuple(evaluation.controls) == CONTROLS
            assert 500 < evaluation.controls["raw"].tokens < 2_048

    def test_the_others_summaries_are_what_they_are_without_such_a_user(
        self, run: RunDirectory, tmp_path: Path
    ) -> None:
        write_examples(self.chatty(run), tmp_path / "chatty.jsonl")
        write_examples(self.chatty(run)[1:], tmp_path / "others.jsonl")
        both, others = (
            {example.user: summary.text for example, summary in evaluate(run.path, data=tmp_path / name).summaries}
            for name in ("chatty.jsonl", "others.jsonl")
        )
        assert {user: text for user, text in both.items() if user in others} == others

    def test_a_context_that_fits_is_left_as_it_is(self, run: RunDirectory) -> None:
        opened = open_run_models(run.path)
        example = load_examples(run.data / "test.jsonl")[0]
        raw = opened.encoder.raw_context(example)
        assert fitted(judge_of(opened), example, raw) is raw

    def test_a_context_is_shortened_in_all_its_clauses_and_then_loses_the_oldest(self, run: RunDirectory) -> None:
        judge = judge_of(open_run_models(run.path))
        example = load_examples(run.data / "test.jsonl")[0]
        some = Summary(clauses=tuple(Clause(f"{number}: {self.LONG}") for number in range(4)))
        many = Summary(clauses=tuple(Clause(f"{number}: {self.LONG}") for number in range(200)))
        assert [one.text[:3] for one in fitted(judge, example, some).clauses] == ["0: ", "1: ", "2: ", "3: "]
        kept = fitted(judge, example, many).clauses
        assert 1 < len(kept) < 200
        assert kept[-1].text.startswith("199: ")

    def test_a_pair_that_does_not_fit_is_refused_with_what_to_do(self, run: RunDirectory, tmp_path: Path) -> None:
        first, second = load_examples(run.data / "test.jsonl")[:2]
        long = PreferencePair("Tell me all.", f"{self.LONG} {self.LONG} {self.LONG} {self.LONG}", "No.")
        write_examples([first, replace(second, pairs=(*second.pairs, long))], tmp_path / "long.jsonl")
        result = CliRunner().invoke(app, ["evaluate", str(run.path), "--data", str(tmp_path / "long.jsonl")])
        assert result.exit_code == 2
        said = " ".join(result.output.split())
        assert f"1 of {2 * len(first.pairs) + 1} held-out pairs do not fit the judge's window of 2,048 tokens" in said
        assert "'Tell me all.'" in said
        assert "shorten(text, tokens)" in said

    def test_many_pairs_of_one_user_are_scored_as_each_alone(self, run: RunDirectory) -> None:
        judge = judge_of(open_run_models(run.path))
        examples = load_examples(run.data / "test.jsonl")[:10]
        pairs = tuple(pair for example in examples for pair in example.pairs)[: 2 * PAIRS_AT_ONCE + 1]
        said = Summary(clauses=(Clause("Use a formal tone."),))
        together = judge.margins([Example("all", (), pairs)], [said])[0]
        alone = [judge.margins([Example("one", (), (pair,))], [said])[0].item() for pair in pairs]
        assert together.tolist() == pytest.approx(alone, abs=1e-4)


class TestStrangers:
    def test_a_generator_with_another_tokenizer_judges_the_same_summaries(
        self, run: RunDirectory, other: RunDirectory
    ) -> None:
        own, moved = evaluate(run.path, limit=6), evaluate(run.path, generator=str(other.path), limit=6)
        assert [summary.text for _, summary in own.summaries] == [summary.text for _, summary in moved.summaries]
        assert own.controls["trained"].margin != moved.controls["trained"].margin

    def test_contrast_in_the_trained_ones_place_equals_the_contrast_control(self, run: RunDirectory) -> None:
        controls = evaluate(run.path, summarizer="contrast", limit=6).controls
        assert controls["trained"] == controls["contrast"]

    def test_another_runs_summarizer_is_prompted_in_its_own_tokens(
        self, run: RunDirectory, other: RunDirectory
    ) -> None:
        borrowed = evaluate(run.path, summarizer=str(other.path), limit=6).summaries
        at_home = evaluate(other.path, data=run.data / "test.jsonl", limit=6).summaries
        assert [summary for _, summary in borrowed] == [summary for _, summary in at_home]

    def test_one_checkpoint_can_be_evaluated(self, run: RunDirectory) -> None:
        steps = sorted(run.checkpoints.iterdir())
        assert [step.name for step in steps] == ["step-000001", "step-000002"]
        first, last = (evaluate(step, limit=6).controls["oracle"].margin for step in steps)
        assert first != last


class TestBadInput:
    def test_a_folder_that_is_no_run(self, tmp_path: Path) -> None:
        result = CliRunner().invoke(app, ["evaluate", str(tmp_path)])
        assert result.exit_code == 2
        assert "holds no run" in result.output

    def test_data_that_are_not_there(self, run: RunDirectory, tmp_path: Path) -> None:
        with pytest.raises(ConfigError, match=r"There is no .*missing\.jsonl"):
            evaluate(run.path, data=tmp_path / "missing.jsonl")

    def test_a_damaged_line_is_named(self, run: RunDirectory, tmp_path: Path) -> None:
        lines = (run.data / "test.jsonl").read_text("utf-8").splitlines()[:2]
        (tmp_path / "damaged.jsonl").write_text("\n".join([*lines, '{"user": "x", "signals"']), encoding="utf-8")
        with pytest.raises(SignalError, match="ine 3"):
            evaluate(run.path, data=tmp_path / "damaged.jsonl")

    def test_a_judge_needs_a_backend(self, run: RunDirectory) -> None:
        result = CliRunner().invoke(app, ["evaluate", str(run.path), "--judge", "openai/gpt-4o"])
        assert result.exit_code == 2
        assert "go together" in result.output


def test_a_judge_says_whose_answers_suit_the_users(run: RunDirectory, loopback: LoopbackServer) -> None:
    backend, judge = (
        json.dumps({"name": name, "api_base": api_base(loopback.url, name), "api_key_env": KEY_VARIABLE})
        for name in ("openai/gpt-4o-mini", "openai/gpt-4o")
    )
    report = evaluated_json(str(run.path), "--limit", "2", "--backend", backend, "--judge", judge)
    assert report["judge"]["comparisons"] == 2
    assert (run.path / "judgements.jsonl").exists()
