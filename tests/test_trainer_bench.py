"""The benchmark: its passes are those worked out by hand, and the loops it compares compute the same."""

from __future__ import annotations

import importlib.util
import json
import math
import sys
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
import torch
import typer
from typer.testing import CliRunner

from popi_sdk.errors import ConfigError
from popi_sdk.summary import NOTHING
from trainer.bench import trl_grpo
from trainer.bench.loop import (
    ANCHOR,
    GENERATOR,
    OPTIMIZER,
    POLICY,
    REWARD,
    Loop,
    Outcome,
    largest_difference,
    relative_error,
    take_round,
)
from trainer.bench.measure import bench
from trainer.bench.meter import Costs, Meter, PassCounter, PeakMemory
from trainer.bench.ours import OurLoop
from trainer.bench.released import ReleasedLoop
from trainer.bench.report import BenchReport, OneOff
from trainer.bench.shapes import SIZES, Lengths
from trainer.bench.workload import Workload, make_workload
from trainer.cli.bench import bench as bench_command
from trainer.config import load_config
from trainer.reference import ReferenceLogprobs

CPU = torch.device("cpu")
SHORT = Lengths(signals=20, summary=4, question=3, response=5)
JSON_KEYS = {
    "token_passes_ratio",
    "step_time_ratio",
    "whole_step_time_ratio",
    "trl_step_time_ratio",
    "joint_token_passes_ratio",
    "joint_step_time_ratio",
    "max_reward_error",
    "max_gradient_error",
    "trl_skipped",
    "reference_cache",
    "stages",
    "machine",
}


@pytest.fixture(autouse=True)
def offline(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")


def workload(lengths: Lengths = SHORT, dtype: torch.dtype = torch.float32, users: int = 2) -> Workload:
    settings = load_config("released")
    return make_workload(
        SIZES["tiny"], lengths, settings.objective, users=users, group=8, temperature=0.6, device=CPU, dtype=dtype
    )  # fmt: skip


def loops(work: Workload) -> dict[str, Loop]:
    return {
        "ours": OurLoop(work, ReferenceLogprobs(work.models.reference, work.encoder)),
        "released": ReleasedLoop(work),
    }


def compared(work: Workload) -> dict[str, Outcome]:
    meters = {name: Meter(CPU, PassCounter()) for name in ("ours", "released")}
    return {name: take_round(loop, work, meters[name], keep_gradients=True) for name, loop in loops(work).items()}


@pytest.fixture(scope="module")
def short_report() -> BenchReport:
    return bench("tiny", SHORT, users=2, rounds=2, with_trl=False)


def passes(report: BenchReport, loop: str) -> dict[str, int]:
    return {name: costs.token_passes for name, costs in report.stages[loop].items()}


def test_texts_have_exactly_the_lengths_asked_for() -> None:
    work = workload()
    group, encode = work.groups[0], work.encoder
    assert len(work.groups) == 2
    assert len(group.prompt) == 20
    assert [len(sample) for sample in group.samples] == [4] * 8
    assert len(encode.answer(group.pairs[0].chosen)) == len(encode.answer(group.pairs[0].rejected)) == 5
    # Three turn marks, two borders, a summary of 4 and a question of 3; without a summary two marks and the question.
    assert len(encode.generator_prompt(group.summaries[0], group.pairs[0].prompt)) == 3 + 2 + 4 + 3
    assert len(encode.generator_prompt(NOTHING, group.pairs[0].prompt)) == 2 + 3


def test_what_the_generator_is_shown_is_what_the_summarizer_wrote() -> None:
    work = workload()
    shown = work.encoder.generator_prompt(work.groups[0].summaries[3], work.groups[0].pairs[0].prompt)
    assert shown[2:6] == work.groups[0].samples[3]


def test_the_released_loop_takes_the_passes_worked_out_by_hand(short_report: BenchReport) -> None:
    summaries = 2 * 8
    plain, told = 5 + 5, 12 + 5  # a prompt and an answer, without and with a summary
    assert passes(short_report, "released") == {
        REWARD: summaries * (2 * plain + 2 * told),
        ANCHOR: summaries * (20 + 4),
        POLICY: summaries * (20 + 4) * 3,
        OPTIMIZER: 0,
        GENERATOR: summaries * (2 * plain + 2 * told * 3),
    }


def test_our_loop_takes_the_passes_worked_out_by_hand(short_report: BenchReport) -> None:
    users, summaries = 2, 2 * 8
    assert passes(short_report, "ours") == {
        REWARD: summaries * (12 + 2 * 5),  # both answers behind one prompt
        ANCHOR: users * (20 + 8 * 4),  # all summaries behind one prompt
        POLICY: users * (20 + 8 * 4) * 3,
        OPTIMIZER: 0,
        GENERATOR: summaries * (12 + 2 * 5) * 3,
    }


def test_decoding_reads_a_prompt_once_and_the_reference_a_question_once(short_report: BenchReport) -> None:
    # The fourth token of a summary is not read: nothing follows it.
    assert passes(short_report, "decode") == {"decode": 2 * 20 + 2 * 8 * 3}
    assert short_report.reference_cache.pairs == 2
    assert short_report.reference_cache.token_passes == 2 * (5 + 2 * 5)


def test_the_ratios_of_passes_are_those_of_the_full_lengths_too() -> None:
    """At 1800/60/25/220 with five marks: 68,432 to 13,360, and with the generator's update 87,264 to 21,840."""
    report = bench("tiny", Lengths(), users=1, rounds=1, dtype=torch.float64, with_trl=False)
    assert report.token_passes_ratio == pytest.approx(68_432 / 13_360)
    assert report.joint_token_passes_ratio == pytest.approx(87_264 / 21_840)
    assert report.max_reward_error < 1e-9
    assert report.max_gradient_error < 1e-6


def test_released_and_ours_agree_in_rewards_and_gradients() -> None:
    """Llama's norms compute in float32 whatever the weights, so gradients agree to that, and rewards exactly."""
    outcomes = compared(workload(Lengths().scaled(0.1), torch.float64))
    ours, released = outcomes["ours"], outcomes["released"]
    assert ours.rewards.shape == (2, 8)
    assert relative_error(ours.rewards, released.rewards) < 1e-9
    for role in ("summarizer", "generator"):
        assert largest_difference(ours.gradients, released.gradients, role) < 1e-6
        assert max(value.abs().max() for name, value in ours.gradients.items() if name.startswith(role)) > 0


def test_released_and_ours_agree_in_float32() -> None:
    outcomes = compared(workload(Lengths().scaled(0.1)))
    assert relative_error(outcomes["ours"].rewards, outcomes["released"].rewards) < 1e-5
    for role in ("summarizer", "generator"):
        assert largest_difference(outcomes["ours"].gradients, outcomes["released"].gradients, role) < 1e-5


def test_the_kl_term_takes_part_in_the_comparison() -> None:
    """With learners at their start it would be zero on both sides, and a mistake in it would not be seen."""
    work = workload(dtype=torch.float64)
    without = replace(work, objective=work.objective.model_copy(update={"kl": 0.0}))
    with_kl, no_kl = compared(work)["released"], compared(without)["released"]
    assert largest_difference(no_kl.gradients, with_kl.gradients, "summarizer") > 1e-6
    assert largest_difference(no_kl.gradients, with_kl.gradients, "generator") == 0


def test_rewards_of_the_trl_side_are_the_same() -> None:
    work = workload(dtype=torch.float64)
    texts = [summary.text for group in work.groups for summary in group.summaries]
    found = trl_grpo._reward_function(work)(completions=texts, user=[0] * 8 + [1] * 8)
    assert found == pytest.approx(loops(work)["ours"].rewards().flatten().tolist(), rel=1e-6)


def test_a_round_leaves_weights_and_gradients_as_they_were() -> None:
    work = workload()
    before = {name: value.clone() for name, value in work.models.summarizer.lm.state_dict().items()}
    first, second = compared(work)["released"], compared(work)["released"]
    assert all(torch.equal(value, before[name]) for name, value in work.models.summarizer.lm.state_dict().items())
    assert torch.equal(first.rewards, second.rewards)
    assert largest_difference(first.gradients, second.gradients, "summarizer") == 0
    assert all(parameter.grad is None for parameter in work.models.generator.lm.parameters())


def test_differences_are_relative_to_the_largest_entry() -> None:
    theirs = {
        "generator a": torch.tensor([1.0, -4.0]),
        "generator b": torch.tensor([2.0]),
        "summarizer a": torch.ones(1),
    }
    ours = {**theirs, "generator b": torch.tensor([2.2])}
    assert largest_difference(ours, theirs, "generator") == pytest.approx(0.2 / 4)
    assert largest_difference(ours, theirs, "summarizer") == 0
    assert relative_error(torch.tensor([[1.0, 5.0]]), torch.tensor([[1.5, 5.0]])) == pytest.approx(0.1)
    broken = {**theirs, "generator a": torch.tensor([1.0, float("nan")])}
    assert math.isnan(largest_difference(broken, theirs, "generator"))
    with pytest.raises(ValueError, match="different parameters"):
        largest_difference({"generator a": torch.ones(2)}, theirs, "generator")


def test_ratios_are_of_medians_of_what_the_stages_took_together() -> None:
    def costs(token_passes: int, *seconds: float) -> Costs:
        return Costs(token_passes, list(seconds), None)

    report = BenchReport(
        stages={
            "decode": {"decode": costs(5, 1.0, 2.0, 3.0)},
            "ours": {
                REWARD: costs(10, 1.0, 1.0, 1.0),
                ANCHOR: costs(10, 1.0, 9.0, 1.0),
                POLICY: costs(30, 1.0, 1.0, 1.0),
                OPTIMIZER: costs(0, 1.0, 1.0, 1.0),
                GENERATOR: costs(60, 5.0, 5.0, 5.0),
            },
            "released": {
                REWARD: costs(50, 2.0, 2.0, 2.0),
                ANCHOR: costs(50, 3.0, 3.0, 3.0),
                POLICY: costs(150, 6.0, 6.0, 6.0),
                OPTIMIZER: costs(0, 1.0, 1.0, 1.0),
                GENERATOR: costs(150, 12.0, 12.0, 12.0),
            },
            "trl": {"whole step": costs(0, 18.0, 24.0, 30.0)},
        },
        max_reward_error=0.0,
        max_gradient_error=0.0,
        reference_cache=OneOff(1, 1, 0.1),
        trl_skipped="",
        machine={},
    )
    assert report.token_passes_ratio == 250 / 50
    assert report.step_time_ratio == 12 / 4
    assert report.joint_token_passes_ratio == 400 / 100  # ours has its rewards from the generator's update
    assert report.joint_step_time_ratio == 24 / 8
    assert report.whole_step_time_ratio == (2 + 12) / (2 + 4)
    assert report.trl_step_time_ratio == 24 / (2 + 4)


def test_passes_are_counted_once_forward_and_three_times_with_a_backward_pass() -> None:
    summarizer, counter = workload().models.summarizer, PassCounter()
    summarizer(counter.watch)
    ids = torch.ones(2, 7, dtype=torch.long)
    with torch.no_grad():
        summarizer(lambda lm: lm(input_ids=ids))
    assert counter.passes == 14
    summarizer(lambda lm: lm(ids))
    assert counter.passes == 14 + 42


def test_the_first_round_counts_and_the_others_are_timed(monkeypatch: pytest.MonkeyPatch) -> None:
    ticks: Iterator[float] = iter([10.0, 11.5, 20.0, 20.25, 30.0, 31.0, 40.0, 40.5])
    monkeypatch.setattr("trainer.bench.meter.time.perf_counter", lambda: next(ticks))
    meter = Meter(CPU, PassCounter())
    for _ in range(3):
        with meter.stage("update"):
            pass
        with meter.stage("update"):
            pass
        meter.end_round()
    assert meter.stages["update"].seconds == [1.75, 1.5]


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux lets a process reset its high-water mark")
def test_peak_memory_is_what_was_taken_within_and_given_back() -> None:
    with PeakMemory(CPU) as small:
        torch.ones(2 << 18).sum()
    with PeakMemory(CPU) as large:
        both = torch.ones(64 << 18), torch.ones(64 << 18)
        del both
    if large.bytes is None:
        pytest.skip("this system does not let a process reset its high-water mark")
    assert small.bytes is not None
    assert small.bytes < 32 << 20
    assert 120 << 20 < large.bytes < 160 << 20


def run_command(*arguments: str) -> Any:
    app = typer.Typer(pretty_exceptions_enable=False)
    app.command()(bench_command)
    return CliRunner().invoke(app, ["--size", "tiny", "--scale", "0.02", "--rounds", "1", *arguments])


def test_the_command_prints_one_json_object_and_nothing_else() -> None:
    result = run_command("--json", "--no-trl")
    assert result.exit_code == 0, result.output
    found = json.loads(result.stdout)
    assert found.keys() == JSON_KEYS
    assert found["trl_step_time_ratio"] is None
    assert found["trl_skipped"] == "not asked for"
    assert found["token_passes_ratio"] > 1
    assert found["machine"]["lengths"] == {"signals": 36, "summary": 1, "question": 1, "response": 4}
    assert found["machine"]["group"] == 8
    assert found["stages"]["released"][REWARD].keys() == {"token_passes", "seconds", "peak_mib"}


def test_the_table_shows_every_stage_and_what_it_comes_to() -> None:
    result = run_command("--no-trl")
    assert result.exit_code == 0, result.output
    for shown in (REWARD, ANCHOR, POLICY, OPTIMIZER, GENERATOR, "decode", "TRL: not asked for", "fewer token passes"):
        assert shown in result.stdout


def test_without_trl_the_rest_is_measured(monkeypatch: pytest.MonkeyPatch) -> None:
    find = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name == "trl" else find(name))
    report = bench("tiny", SHORT, users=1, rounds=1)
    assert report.trl_skipped.startswith("not installed: trl")
    assert report.trl_step_time_ratio is None
    assert report.step_time_ratio > 0


@pytest.mark.skipif(bool(trl_grpo.why_not()), reason=f"TRL is {trl_grpo.why_not()}")
def test_trl_does_the_same_work_with_every_prompt_as_often_as_there_are_samples(
    capfd: pytest.CaptureFixture[str],
) -> None:
    report = bench("tiny", SHORT, users=2, rounds=1)
    summaries, users = 2 * 8, 2
    sampling = summaries * (20 + 3)
    reward = summaries * 2 * (12 + 5) + users * 2 * (5 + 5)
    update = summaries * (20 + 4) * (1 + 3)
    assert passes(report, "trl") == {trl_grpo.STEP: sampling + reward + update}
    assert report.trl_step_time_ratio is not None
    assert len(report.stages["ours"][REWARD].seconds) == len(report.stages["trl"][trl_grpo.STEP].seconds) == 1
    assert capfd.readouterr().out == ""


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--lengths", "1800/60"], "1800/60"),
        (["--lengths", "a/b/c/d"], "a/b/c/d"),
        (["--lengths", "100/10/5/1"], "too short"),
    ],
)
def test_lengths_that_cannot_be_used_are_refused(arguments: list[str], said: str) -> None:
    result = run_command(*arguments)
    assert isinstance(result.exception, ConfigError)
    assert said in str(result.exception)


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU")
def test_a_gpu_that_is_not_there_is_said_so() -> None:
    with pytest.raises(ConfigError, match="no usable GPU"):
        bench("1b", SHORT, users=1, rounds=1, device="cuda")


def test_nothing_to_measure_is_refused() -> None:
    with pytest.raises(ConfigError, match="nothing to measure"):
        bench("tiny", SHORT, users=1, rounds=0)


def test_the_shapes_of_1b_and_3b_are_those_of_llama_3_2() -> None:
    def parameters(name: Any) -> int:
        shape = SIZES[name]
        heads = shape.hidden // shape.heads
        attention = 2 * shape.hidden * shape.hidden + 2 * shape.hidden * shape.kv_heads * heads
        layer = attention + 3 * shape.hidden * shape.intermediate + 2 * shape.hidden
        return shape.vocabulary * shape.hidden + shape.layers * layer + shape.hidden

    assert parameters("1b") == 1_235_814_400
    assert parameters("3b") == 3_212_749_824


def test_the_released_settings_are_those_of_the_released_code() -> None:
    config = load_config("released")
    assert (config.objective.loss, config.objective.beta, config.objective.pairs) == ("dpo", 0.01, 1)
    assert (config.objective.kl, config.objective.clip, config.objective.scale_advantages) == (0.002, 0.2, False)
    assert (config.objective.length_weight, config.objective.without_summary) == (0, 0)
    assert (config.rollout.users, config.rollout.group, config.rollout.temperature) == (8, 8, 0.6)
    assert (config.run.form, config.run.rounds, config.run.steps) == ("alternating", 1, 5000)
    assert (config.run.summarizer_learning_rate, config.run.generator_learning_rate) == (1e-6, 1e-6)
    assert (config.run.warmup_steps, config.run.seed, config.model.lora_rank) == (150, 42, 0)
