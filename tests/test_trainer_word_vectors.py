"""Embeddings that begin with which words stand together."""

from __future__ import annotations

import math

import pytest
import torch

from trainer.scratch import scratch_tokenizer
from trainer.word_vectors import NEIGHBOURS, _counted, _mutual_information, word_vectors

DRINKS = ["i drink hot tea with milk", "i drink hot coffee with milk", "we drink cold tea", "we drink cold coffee"]
CARS = [
    "he drives a fast car to town",
    "he drives a fast van to town",
    "she drives a slow car",
    "she drives a slow van",
]


@pytest.fixture(scope="module")
def tokenizer() -> object:
    return scratch_tokenizer([text for text in DRINKS + CARS for _ in range(20)], 400)


def vector_of(vectors: torch.Tensor, tokenizer: object, word: str) -> torch.Tensor:
    (token,) = tokenizer(f" {word}", add_special_tokens=False)["input_ids"]  # type: ignore[operator]
    return vectors[token]


def test_words_in_like_company_are_more_alike_than_others(tokenizer: object) -> None:
    vectors = word_vectors(tokenizer, (DRINKS + CARS) * 5, width=16, seed=0)
    tea, coffee, car, van = (vector_of(vectors, tokenizer, word) for word in ("tea", "coffee", "car", "van"))
    assert tea @ coffee > tea @ car + 0.3
    assert car @ van > car @ coffee + 0.3


def test_every_word_of_the_texts_has_length_one_and_no_other_word_has_any(tokenizer: object) -> None:
    vectors = word_vectors(tokenizer, DRINKS, width=16, seed=0)
    seen = {token for text in DRINKS for token in tokenizer(text, add_special_tokens=False)["input_ids"]}  # type: ignore[operator]
    lengths = vectors.norm(dim=1)
    for token, length in enumerate(lengths.tolist()):
        assert length == pytest.approx(1.0 if token in seen else 0.0, abs=1e-5)


def test_vectors_depend_on_their_seed_alone_and_leave_the_global_one(tokenizer: object) -> None:
    torch.manual_seed(7)
    before = torch.random.get_rng_state()
    one = word_vectors(tokenizer, DRINKS, width=8, seed=1)
    assert torch.random.get_rng_state().equal(before)
    torch.manual_seed(8)
    assert word_vectors(tokenizer, DRINKS, width=8, seed=1).equal(one)


def test_neighbours_count_by_their_distance_and_not_over_the_end_of_a_text() -> None:
    class Letters:
        """One token per letter."""

        def __len__(self) -> int:
            return 4

        def __call__(self, texts: list[str], **_: object) -> dict[str, list[list[int]]]:
            return {"input_ids": [["abcd".index(letter) for letter in text] for text in texts]}

    counts = _counted(Letters(), ["abc", "d"])
    expected = torch.tensor([[0, 1, 1 / 2, 0], [1, 0, 1, 0], [1 / 2, 1, 0, 0], [0, 0, 0, 0]])
    torch.testing.assert_close(counts, expected)
    far = _counted(Letters(), ["a" + "b" * NEIGHBOURS + "c"])
    assert far[0, 2] == 0  # too far apart
    assert far[0, 1] == pytest.approx(sum(1 / distance for distance in range(1, NEIGHBOURS + 1)))


def test_information_is_the_logarithm_of_how_much_more_often_than_by_chance() -> None:
    # Two words that only ever stand beside each other, 8 times each; a context's share is 8**0.75 of 2 * 8**0.75.
    counts = torch.tensor([[0.0, 8.0], [8.0, 0.0]])
    expected = torch.tensor([[0.0, math.log(2)], [math.log(2), 0.0]])
    torch.testing.assert_close(_mutual_information(counts), expected)
    # 1 of 4 of one word, where chance is 1 / (1 + 3**0.75) and so more: no information.
    found = _mutual_information(torch.tensor([[0.0, 1.0, 3.0], [1.0, 0.0, 0.0], [3.0, 0.0, 0.0]]))
    weights = [4**0.75, 1.0, 3**0.75]
    shares = [weight / sum(weights) for weight in weights]
    assert found[0, 1] == pytest.approx(max(0.0, math.log(1 / 4 / shares[1])), abs=1e-6)
    assert found[0, 2] == pytest.approx(math.log(3 / 4 / shares[2]), abs=1e-6)
    assert found.min() == 0
