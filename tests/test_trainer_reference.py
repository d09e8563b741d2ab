"""The reference's log-probabilities: computed once, right, and never confused with another pair's or model's."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch

from popi_sdk.signals import PreferencePair
from popi_sdk.summary import NOTHING
from popi_sdk.templates import default_templates
from tests.tiny_models import save_tiny, tiny_tokenizer
from trainer.config import ModelConfig
from trainer.encode import Encoder
from trainer.models import Models, load_models
from trainer.reference import TREES, ReferenceLogprobs

PAIRS = [PreferencePair(prompt=f"Question {n}?", chosen=f"Yes {n}.", rejected=f"No, {n} times no.") for n in range(40)]


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> Models:
    base = save_tiny(tmp_path_factory.mktemp("base"))
    return load_models(ModelConfig(base=str(base)), base, torch.device("cpu"))


@pytest.fixture(scope="module")
def encoder() -> Encoder:
    return Encoder(tiny_tokenizer(), default_templates(), window=2048, input_tokens=500, max_summary_tokens=20)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "reference.jsonl"


def naive(models: Models, encoder: Encoder, question: str, answer: str) -> float:
    prompt, target = encoder.generator_prompt(NOTHING, question), encoder.answer(answer)
    with torch.no_grad():
        logits = models.reference.lm(input_ids=torch.tensor([[*prompt, *target]])).logits[0]
    logprobs = logits[len(prompt) - 1 : -1].log_softmax(-1)
    return logprobs[range(len(target)), target].sum().item()


def test_they_are_the_sums_of_a_plain_forward_pass_without_a_summary(models: Models, encoder: Encoder) -> None:
    found = ReferenceLogprobs(models.reference, encoder).of(PAIRS[:3])
    for pair, (chosen, rejected) in zip(PAIRS, found.tolist(), strict=False):
        assert chosen == pytest.approx(naive(models, encoder, pair.prompt, pair.chosen), rel=1e-5)
        assert rejected == pytest.approx(naive(models, encoder, pair.prompt, pair.rejected), rel=1e-5)


def test_they_are_read_back_bit_for_bit_and_not_computed_again(models: Models, encoder: Encoder, file: Path) -> None:
    first = ReferenceLogprobs(models.reference, encoder, file).of(PAIRS)
    written = file.read_bytes()
    again = ReferenceLogprobs(models.reference, encoder, file)
    assert again.of(PAIRS).equal(first)
    assert file.read_bytes() == written
    assert written.count(b"\n") == len(PAIRS)


def test_progress_counts_every_pair_once_known_or_not(models: Models, encoder: Encoder, file: Path) -> None:
    told: list[int] = []
    ReferenceLogprobs(models.reference, encoder, file).prepare([*PAIRS, *PAIRS], told.append)
    assert told == [0, TREES, len(PAIRS) - TREES]
    told.clear()
    ReferenceLogprobs(models.reference, encoder, file).prepare(PAIRS, told.append)
    assert told == [len(PAIRS)]


@pytest.mark.parametrize("lost", [1, 10, 200, 3000])
def test_after_a_crash_the_same_numbers_are_found_again(
    lost: int, models: Models, encoder: Encoder, file: Path
) -> None:
    whole = ReferenceLogprobs(models.reference, encoder, file).of(PAIRS)
    file.write_bytes(file.read_bytes()[:-lost])
    assert ReferenceLogprobs(models.reference, encoder, file).of(PAIRS).equal(whole)
    after = file.read_bytes()
    assert ReferenceLogprobs(models.reference, encoder, file).of(PAIRS).equal(whole)
    assert file.read_bytes() == after  # what was torn stands beside nothing that is needed


def test_a_batch_of_which_a_part_is_lost_is_computed_as_a_whole(
    models: Models, encoder: Encoder, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ReferenceLogprobs(models.reference, encoder, file).prepare(PAIRS)
    lines = file.read_bytes().splitlines(keepends=True)
    file.write_bytes(b"".join(lines[:5] + lines[6:]))
    computed: list[int] = []
    real = ReferenceLogprobs._compute
    monkeypatch.setattr(
        ReferenceLogprobs, "_compute", lambda self, pairs: (computed.append(len(pairs)), real(self, pairs))[1]
    )
    ReferenceLogprobs(models.reference, encoder, file).prepare(PAIRS)
    assert computed == [TREES]  # beside other pairs, the last digits could differ
    assert sorted(file.read_bytes().splitlines(keepends=True)) == sorted(lines)


def test_lines_that_hold_nothing_usable_are_passed_over(models: Models, encoder: Encoder, file: Path) -> None:
    whole = ReferenceLogprobs(models.reference, encoder, file).of(PAIRS[:1])
    key = json.loads(file.read_text())["key"]
    wrong = [
        f'{{"key": "{key}", "chosen": NaN, "rejected": 1}}',
        "[]",
        "{}",
        "\udcff",
        f'{{"key": "{key}", "chosen": "x"}}',
    ]
    file.write_bytes("\n".join(wrong).encode("utf-8", "surrogateescape"))
    assert ReferenceLogprobs(models.reference, encoder, file).of(PAIRS[:1]).equal(whole)


def test_pairs_that_data_gave_one_id_are_told_apart(models: Models, encoder: Encoder) -> None:
    same = [pair.model_copy(update={"id": "1"}) for pair in PAIRS[:2]]
    reference = ReferenceLogprobs(models.reference, encoder)
    assert reference.of(same).equal(reference.of(PAIRS[:2]))
    assert reference.of(same)[0].tolist() != reference.of(same)[1].tolist()


def test_other_weights_never_meet_the_entries_of_these(models: Models, encoder: Encoder, file: Path) -> None:
    first = ReferenceLogprobs(models.reference, encoder, file)
    here = first.of(PAIRS[:2])
    weight = models.reference.lm.get_input_embeddings().weight
    with torch.no_grad():
        weight[5, 5] += 1e-3
        other = ReferenceLogprobs(models.reference, encoder, file)
        there = other.of(PAIRS[:2])
        weight[5, 5] -= 1e-3
    assert first.weights != other.weights
    assert file.read_bytes().count(b"\n") == 4
    assert there.shape == here.shape
