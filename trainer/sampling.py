"""Sampling summaries: one protocol, and the decode loop behind it on transformers models.

The prompt of a user is long and the summary short, so a prompt is prefilled once and its cache repeated for the G
samples of its group; finished samples leave the batch no work but their own slot.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from typing import Protocol, TypeAlias

import torch
from torch import Tensor
from transformers import DynamicCache, PreTrainedModel

Tokens: TypeAlias = list[int]


class Sampler(Protocol):
    """Anything that continues prompts."""

    def sample(
        self, lm: PreTrainedModel, prompts: Sequence[Sequence[int]], count: int, *, temperature: float, seed: int
    ) -> list[list[Tokens]]:
        """Continue each prompt `count` times; a continuation ends with a stop token unless it ran out of room.

        `temperature` 0 takes the likeliest token each time. Same seed, same weights, same prompts: same samples.
        """
        ...


class DecodeLoop:
    """Decode with transformers' own forward pass, the prompt prefilled once per group.

    Args:
        stops: token ids that end a continuation.
        max_tokens: longest continuation.
        padding: a token id to fill with; it is never attended to.
        rows: prompts that are prefilled together; a batch of many long prompts would not fit otherwise.
    """

    def __init__(self, stops: Sequence[int], max_tokens: int, padding: int, rows: int = 32) -> None:
        self._stops = frozenset(stops)
        self._max_tokens = max_tokens
        self._padding = padding
        self._rows = rows

    @torch.no_grad()
    def sample(
        self, lm: PreTrainedModel, prompts: Sequence[Sequence[int]], count: int, *, temperature: float, seed: int
    ) -> list[list[Tokens]]:
        """See `Sampler`."""
        generator = torch.Generator(lm.device).manual_seed(seed)
        samples: list[list[Tokens]] = []
        with _caching(lm):
            for start in range(0, len(prompts), self._rows):
                samples += self._batch(lm, prompts[start : start + self._rows], count, temperature, generator)
        return samples

    def _batch(
        self,
        lm: PreTrainedModel,
        prompts: Sequence[Sequence[int]],
        count: int,
        temperature: float,
        generator: torch.Generator,
    ) -> list[list[Tokens]]:
        ids, mask = self._left_padded(prompts, lm.device)
        cache = DynamicCache(config=lm.config)
        positions = (mask.cumsum(1) - 1).clamp(min=0)
        logits = self._next_logits(lm, ids, mask, positions, cache).repeat_interleave(count, 0)
        cache.batch_repeat_interleave(count)
        mask = mask.repeat_interleave(count, 0)
        position = positions[:, -1:].repeat_interleave(count, 0) + 1
        stops = torch.tensor(sorted(self._stops), device=lm.device)
        done = torch.zeros(len(mask), dtype=torch.bool, device=lm.device)
        written: list[Tensor] = []
        for length in range(1, self._max_tokens + 1):
            token = torch.where(done, self._padding, _choose(logits, temperature, generator))
            written.append(token)
            done = done | torch.isin(token, stops)
            if length == self._max_tokens or bool(done.all()):
                break
            mask = torch.cat([mask, torch.ones_like(mask[:, :1])], 1)
            logits = self._next_logits(lm, token[:, None], mask, position, cache)
            position = position + 1
        rows = [self._ended(row) for row in torch.stack(written, 1).tolist()]
        return [rows[start : start + count] for start in range(0, len(rows), count)]

    @staticmethod
    def _next_logits(lm: PreTrainedModel, ids: Tensor, mask: Tensor, positions: Tensor, cache: DynamicCache) -> Tensor:
        output = lm.get_decoder()(
            input_ids=ids, attention_mask=mask, position_ids=positions, past_key_values=cache, use_cache=True
        )
        logits: Tensor = lm.get_output_embeddings()(output.last_hidden_state[:, -1])
        return logits

    def _left_padded(self, prompts: Sequence[Sequence[int]], device: torch.device) -> tuple[Tensor, Tensor]:
        longest = max(map(len, prompts))
        ids = torch.full((len(prompts), longest), self._padding, dtype=torch.long)
        mask = torch.zeros_like(ids)
        for row, prompt in enumerate(prompts):
            ids[row, longest - len(prompt) :] = torch.tensor(prompt)
            mask[row, longest - len(prompt) :] = 1
        return ids.to(device), mask.to(device)

    def _ended(self, row: Tokens) -> Tokens:
        for place, token in enumerate(row):
            if token in self._stops:
                return row[: place + 1]
        return row


@contextlib.contextmanager
def _caching(lm: PreTrainedModel) -> Iterator[None]:
    """Let `lm` use a cache: in training mode, gradient checkpointing throws it away with no more than a warning."""
    training = lm.training
    lm.eval()
    try:
        yield
    finally:
        lm.train(training)


def _choose(logits: Tensor, temperature: float, generator: torch.Generator) -> Tensor:
    if temperature == 0:
        return logits.argmax(-1)
    probabilities = (logits.float() / temperature).softmax(-1)
    return torch.multinomial(probabilities, 1, generator=generator)[:, 0]
