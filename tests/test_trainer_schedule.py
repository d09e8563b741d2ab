"""Who learns in a step and how fast."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trainer.config import RunConfig
from trainer.schedule import LOWEST, learning_rate, who_learns


def letters(run: RunConfig) -> str:
    return "".join(
        "b" if len(roles) == 2 else min(roles)[0] for roles in (who_learns(run, n) for n in range(run.steps))
    )


def test_each_form_lets_its_models_learn() -> None:
    assert letters(RunConfig(form="interleaved", steps=3)) == "bbb"
    assert letters(RunConfig(form="frozen_generator", steps=3)) == "sss"
    assert letters(RunConfig(form="frozen_summarizer", steps=3)) == "ggg"


def test_alternating_rounds_deal_the_steps_out_with_the_summarizer_first() -> None:
    assert letters(RunConfig(form="alternating", rounds=1, steps=6)) == "sssggg"
    assert letters(RunConfig(form="alternating", rounds=3, steps=6)) == "sgsgsg"
    assert letters(RunConfig(form="alternating", rounds=2, steps=10)) == "sssggsssgg"


@given(rounds=st.integers(1, 8), extra=st.integers(0, 40))
def test_every_phase_of_every_round_has_steps_and_no_phase_two_more_than_another(rounds: int, extra: int) -> None:
    run = RunConfig(form="alternating", rounds=rounds, steps=2 * rounds + extra)
    phases = [step * 2 * rounds // run.steps for step in range(run.steps)]
    lengths = [phases.count(phase) for phase in range(2 * rounds)]
    assert min(lengths) >= 1
    assert max(lengths) - min(lengths) <= 1
    assert letters(run) == "".join("sg"[phase % 2] for phase in phases)


def test_a_warm_up_is_linear_and_its_last_step_is_at_the_peak() -> None:
    run = RunConfig(schedule="constant", warmup_steps=4)
    assert [learning_rate(run, 2.0, step) for step in range(6)] == [0.5, 1.0, 1.5, 2.0, 2.0, 2.0]


def test_a_cosine_falls_from_the_peak_to_a_tenth() -> None:
    run = RunConfig(schedule="cosine", warmup_steps=2, steps=12)
    assert learning_rate(run, 1.0, 2) == 1.0
    assert learning_rate(run, 1.0, 7) == pytest.approx((1 + LOWEST) / 2)  # half-way between 2 and 12
    assert learning_rate(run, 1.0, 12) == pytest.approx(LOWEST)
    rates = [learning_rate(run, 1.0, step) for step in range(2, 12)]
    assert rates == sorted(rates, reverse=True)


@given(steps=st.integers(1, 50), warmup=st.integers(0, 60), step=st.integers(0, 100))
def test_a_rate_is_never_zero_nor_above_the_peak(steps: int, warmup: int, step: int) -> None:
    rate = learning_rate(RunConfig(schedule="cosine", steps=steps, warmup_steps=warmup), 1.0, step)
    assert 0 < rate <= 1
