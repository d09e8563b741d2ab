"""The decode loop writes what the model would write by itself, whatever else is written at the same time."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest
import torch
from transformers import PreTrainedModel

from tests.prefix_trees import VOCABULARY, lm, tokens
from trainer import sampling
from trainer.models import load_language_model
from trainer.sampling import DecodeLoop

PROMPTS = [tokens(60, 1), tokens(1, 2), tokens(17, 3), tokens(18, 4)]
END = 1


def model(architecture: str = "llama") -> PreTrainedModel:
    return lm(architecture, dtype=torch.float32)


def greedy(lm: PreTrainedModel, prompts: list[list[int]], loop: DecodeLoop, count: int = 1) -> list[list[list[int]]]:
    return loop.sample(lm, prompts, count, temperature=0, seed=0)


def stops_and_lengths(lm: PreTrainedModel) -> tuple[list[int], list[list[int]]]:
    """Two tokens that this model writes early for some prompts, and what it writes without stops."""
    free = [group[0] for group in greedy(lm, PROMPTS, DecodeLoop((), 12, 0))]
    return [free[0][4], free[2][1]], free


@pytest.mark.parametrize("architecture", ["llama", "qwen3"])
def test_the_likeliest_tokens_are_those_of_generate(architecture: str) -> None:
    lm = model(architecture)
    stops, _ = stops_and_lengths(lm)
    found = greedy(lm, PROMPTS, DecodeLoop(stops, 12, 0))
    for prompt, group in zip(PROMPTS, found, strict=True):
        expected = lm.generate(
            torch.tensor([prompt]), attention_mask=torch.ones(1, len(prompt), dtype=torch.long), do_sample=False,
            max_new_tokens=12, eos_token_id=stops, pad_token_id=0,
        )  # fmt: skip
        assert group == [expected[0, len(prompt) :].tolist()]


@pytest.mark.parametrize("room", [1, 64, 1 << 16])
def test_a_prompt_is_continued_alike_alone_and_beside_longer_ones(room: int) -> None:
    lm = model()
    loop = DecodeLoop([END], 10, 0, room)
    alone = [greedy(lm, [prompt], loop)[0] for prompt in PROMPTS]
    assert greedy(lm, PROMPTS, loop) == alone


def test_padding_is_never_looked_at() -> None:
    lm = model()
    found = [greedy(lm, PROMPTS, DecodeLoop((), 6, padding)) for padding in (0, 7, 33)]
    assert found[0] == found[1] == found[2]


def test_samples_of_one_group_do_not_see_each_other(monkeypatch: pytest.MonkeyPatch) -> None:
    # What follows a sample has to be what follows it alone, so it is written again token by token.
    lm = model()
    groups = DecodeLoop((), 8, 0).sample(lm, PROMPTS, 5, temperature=1.0, seed=3)
    assert len({tuple(sample) for group in groups for sample in group}) == 20
    seen: list[torch.Tensor] = []
    inner = sampling._last_logits

    def watched(*arguments: object) -> torch.Tensor:
        seen.append(inner(*arguments))  # type: ignore[arg-type]
        return seen[-1]

    monkeypatch.setattr(sampling, "_last_logits", watched)
    again = DecodeLoop((), 8, 0).sample(lm, PROMPTS, 5, temperature=1.0, seed=3)
    assert again == groups
    for row, (prompt, group) in enumerate(zip(PROMPTS, groups, strict=True)):
        for place, sample in enumerate(group):
            ids = torch.tensor([[*prompt, *sample]])
            expected = lm(input_ids=ids).logits[0, len(prompt) - 1 : -1]
            found = torch.stack([step[row, min(place, step.shape[1] - 1)] for step in seen])
            torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-4)


def test_a_seed_decides_all_samples() -> None:
    lm = model()
    loop = DecodeLoop([END], 10, 0)
    first, second = (loop.sample(lm, PROMPTS, 4, temperature=1.0, seed=seed) for seed in (1, 2))
    torch.manual_seed(99)
    assert loop.sample(lm, PROMPTS, 4, temperature=1.0, seed=1) == first
    assert second != first


def test_tokens_come_as_often_as_they_are_likely() -> None:
    lm = model()
    prompt = tokens(5)
    count = 4000
    for temperature in (1.0, 0.5):
        group = DecodeLoop((), 1, 0).sample(lm, [prompt], count, temperature=temperature, seed=0)[0]
        drawn = Counter(sample[0] for sample in group)
        likely = (lm(torch.tensor([prompt])).logits[0, -1] / temperature).softmax(-1)
        for token in range(VOCABULARY):
            share = likely[token].item()
            # Five standard errors of a share of `count` draws, and one draw.
            assert abs(drawn[token] / count - share) < 5 * (share / count) ** 0.5 + 1 / count


def test_each_sample_ends_with_its_first_stop_token() -> None:
    lm = model()
    stops, free = stops_and_lengths(lm)
    for group, without in zip(greedy(lm, PROMPTS, DecodeLoop(stops, 12, 0), count=3), free, strict=True):
        first = next((place for place, token in enumerate(without) if token in stops), 11)
        assert group == [without[: first + 1]] * 3


def test_a_stop_token_may_be_the_padding() -> None:
    lm = model()
    stops, _ = stops_and_lengths(lm)
    assert greedy(lm, PROMPTS, DecodeLoop(stops, 12, stops[0])) == greedy(lm, PROMPTS, DecodeLoop(stops, 12, 0))


def test_decoding_ends_when_all_samples_have(monkeypatch: pytest.MonkeyPatch) -> None:
    lm = model()
    everything = list(range(VOCABULARY))
    steps: list[int] = []
    lm.get_decoder().register_forward_hook(lambda *_: steps.append(1))
    assert all(len(sample) == 1 for group in greedy(lm, PROMPTS, DecodeLoop(everything, 50, 0), 2) for sample in group)
    assert len(steps) == 1  # the prompts, and nothing after them


def test_no_prompt_gives_no_sample_and_one_token_is_enough() -> None:
    lm = model()
    assert greedy(lm, [], DecodeLoop([END], 5, 0)) == []
    found = greedy(lm, PROMPTS, DecodeLoop([END], 1, 0), count=2)
    assert [[len(sample) for sample in group] for group in found] == [[1, 1]] * len(PROMPTS)


def test_a_prompt_is_read_once_for_its_whole_group() -> None:
    lm = model()
    read: list[tuple[int, ...]] = []
    lm.get_decoder().register_forward_hook(
        lambda _module, _arguments, named, _output: read.append(tuple(named["input_ids"].shape)), with_kwargs=True
    )
    greedy(lm, [PROMPTS[0], PROMPTS[2]], DecodeLoop((), 3, 0), count=6)
    assert read == [(2, 60), (2, 6), (2, 6)]


def test_a_model_that_recomputes_its_layers_still_remembers_the_prompt(tmp_path: Path) -> None:
    # transformers leaves out the cache in training mode with checkpointing, and says so in a log message at most.
    lm = model()
    expected = greedy(lm, PROMPTS, DecodeLoop([END], 10, 0))
    lm.save_pretrained(tmp_path)
    saving = load_language_model(tmp_path, torch.device("cpu"), torch.float32, checkpointing=True)
    assert greedy(saving, PROMPTS, DecodeLoop([END], 10, 0)) == expected
    assert saving.training
    assert not lm.training
