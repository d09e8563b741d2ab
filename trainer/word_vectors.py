"""Embeddings to start from: words that stand among the same words are alike.

Counting who stands beside whom in a few million words takes seconds and tells a model from scratch what it would take
hours to find out by predicting: that "brief" is much like "outline". Positive pointwise mutual information, factored by
a truncated singular value decomposition (Levy and Goldberg, "Neural Word Embedding as Implicit Matrix Factorization",
2014; contexts smoothed as in Levy, Goldberg and Dagan, 2015).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

NEIGHBOURS = 5
"""A word's context: so many tokens before and after it, the nearer the heavier."""
SMOOTHING = 0.75
"""Power of the contexts' counts: rare contexts say less than their numbers claim."""
SPARE = 32
"""Directions computed beside those that are kept, for a better decomposition."""
AT_ONCE = 500
"""Texts counted at once."""


def word_vectors(tokenizer: Any, texts: Iterable[str], width: int, seed: int) -> Tensor:
    """One row per token, `[vocabulary, width]`, each of length 1; all 0 for a token of which the texts tell nothing."""
    information = _mutual_information(_counted(tokenizer, texts))
    rank = min(width + SPARE, len(information))
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        left, strengths, _ = torch.svd_lowrank(information, q=rank, niter=3)
    vectors = torch.zeros(len(information), width)
    vectors[:, : min(width, rank)] = (left * strengths.sqrt())[:, :width]
    told = information.any(dim=1, keepdim=True)  # rounding leaves something of words that nothing is known of
    return F.normalize(vectors, dim=1) * told


def _counted(tokenizer: Any, texts: Iterable[str]) -> Tensor:
    """How often two tokens stand near each other, a row and a column per token."""
    size = len(tokenizer)
    counts = torch.zeros(size * size)
    for ids in _rows(tokenizer, texts):
        for distance in range(1, NEIGHBOURS + 1):
            first, second = ids[:-distance], ids[distance:]
            whole = (first >= 0) & (second >= 0)
            places = first[whole] * size + second[whole]
            counts.index_add_(0, places, torch.full((len(places),), 1 / distance))
    table = counts.view(size, size)
    return table + table.T


def _rows(tokenizer: Any, texts: Iterable[str]) -> Iterator[Tensor]:
    """The tokens of many texts in a row, with gaps of -1 that no context reaches over."""
    gap = [-1] * NEIGHBOURS
    endless = iter(texts)
    while some := list(islice(endless, AT_ONCE)):
        rows = tokenizer(some, add_special_tokens=False)["input_ids"]
        yield torch.tensor([token for row in rows for token in (*row, *gap)])


def _mutual_information(counts: Tensor) -> Tensor:
    """log(P(two together) / P(one) P(other)) where that is above 0."""
    total = counts.sum(1)
    contexts = total**SMOOTHING
    contexts = contexts / contexts.sum().clamp(min=1e-9)
    expected = total[:, None] * contexts[None]
    return torch.log((counts / expected.clamp(min=1e-9)).clamp(min=1.0))
