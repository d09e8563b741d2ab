"""Evaluation: every control on the same pairs, figures worked out by hand, and strangers as writer or judge."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from typer.testing import CliRunner

from popi_sdk.errors import ConfigError, SignalError
from popi_sdk.signals import PreferencePair
from popi_sdk.summary import NOTHING
from tests.loopback import KEY_VARIABLE, LoopbackServer, api_base
from tests.trained_runs import small_run
from trainer.cli import app
from trainer.controls import CONTROLS, oracle_summaries, swapped
from trainer.data import Example, load_examples, write_examples
from trainer.errors import DivergedError
from trainer.evaluate import evaluate
from trainer.opened import open_run_models
from trainer.reference import ReferenceLogprobs
from trainer.run_directory import RunDirectory
from trainer.scoring import PairScorer, ranked_right


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> RunDirectory:
    return small_run(tmp_path_factory.mktemp("runs") / "one")


@pytest.fixture(scope="module")
def other(tmp_path_factory: pytest.TempPathFactory) -> RunDirectory:
    return small_run(tmp_path_factory.mktemp("runs") / "two", run={"seed": 7}, model={"hidden": 48, "vocabulary": 350})


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
        assert [one.model for one in given] == ["2", "2", "3", "0"]

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
