"""Sampling summaries: one protocol, and the decode loop behind it on transformers models.

The prompt of a user is long and the summary short, so a prompt is read once and its keys stay the only copy: the G
samples of its group stand in one row behind it, and a mask lets each see the prompt and itself.

    step   0           1                 2
    row    prompt ...  sample 1 2 ... G  sample 1 2 ... G  ...
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from typing import Protocol, TypeAlias

import torch
from torch import Tensor
from transformers import DynamicCache, PreTrainedModel

from popi_sdk.summarizers.engines.transformers_engine import keeping
from trainer.errors import DivergedError

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
    """Decode with transformers' own forward pass, the prompt read and kept once per group.

    Args:
        stops: token ids that end a continuation.
        max_tokens: longest continuation.
        padding: a token id to fill with; it is never attended to.
        room: prompt tokens that are read together, padding included; more would not fit a GPU's memory.
    """

    def __init__(self, stops: Sequence[int], max_tokens: int, padding: int, room: int = 1 << 16) -> None:
        self._stops = frozenset(stops)
        self._max_tokens = max_tokens
        self._padding = padding
        self._room = room

    @torch.no_grad()
    def sample(
        self, lm: PreTrainedModel, prompts: Sequence[Sequence[int]], count: int, *, temperature: float, seed: int
    ) -> list[list[Tokens]]:
        """See `Sampler`; `lm` must use the attention `trainer.tree_attention.ATTENTION`."""
        generator = torch.Generator(lm.device).manual_seed(seed)
        samples: list[list[Tokens]] = []
        with _evaluating(lm):
            for batch in self._batches(prompts):
                samples += self._sample(lm, batch, count, temperature, generator)
        return samples

    def _batches(self, prompts: Sequence[Sequence[int]]) -> Iterator[list[Sequence[int]]]:
        batch: list[Sequence[int]] = []
        for prompt in prompts:
            longest = max(map(len, [*batch, prompt]))
            if batch and (len(batch) + 1) * longest > self._room:
                yield batch
                batch = []
            batch.append(prompt)
        if batch:
            yield batch

    def _sample(
        self,
        lm: PreTrainedModel,
        prompts: Sequence[Sequence[int]],
        count: int,
        temperature: float,
        generator: torch.Generator,
    ) -> list[list[Tokens]]:
        ids, real = self._left_padded(prompts, lm.device)
        positions = (real.cumsum(1) - 1).clamp(min=0)
        cache = DynamicCache(config=lm.config)
        logits = _last_logits(lm, ids, real, positions, cache, 1).expand(-1, count, -1)  # (P, G, V)
        looks = _own_tokens(real, count, self._max_tokens)
        position = positions[:, -1:].expand(-1, count)
        stops = torch.tensor(sorted(self._stops), dtype=torch.long, device=lm.device)
        done = torch.zeros_like(position, dtype=torch.bool)
        written: list[Tensor] = []
        while True:
            token = torch.where(done, self._padding, _choose(logits, temperature, generator))
            written.append(token)
            done = done | torch.isin(token, stops)
            if len(written) == self._max_tokens or bool(done.all()):
                break
            position = position + 1
            seen = looks[..., : ids.shape[1] + len(written) * count]
            logits = _last_logits(lm, token, seen, position, cache, count)
        rows = torch.stack(written, 2).tolist()  # (P, G, T)
        return [[self._ended(row) for row in group] for group in rows]

    def _left_padded(self, prompts: Sequence[Sequence[int]], device: torch.device) -> tuple[Tensor, Tensor]:
        longest = max(map(len, prompts))
        ids = torch.full((len(prompts), longest), self._padding, dtype=torch.long)
        real = torch.zeros_like(ids)
        for row, prompt in enumerate(prompts):
            ids[row, longest - len(prompt) :] = torch.tensor(prompt)
            real[row, longest - len(prompt) :] = 1
        return ids.to(device), real.to(device)

    def _ended(self, row: Tokens) -> Tokens:
        for place, token in enumerate(row):
            if token in self._stops:
                return row[: place + 1]
        return row


@contextlib.contextmanager
def _evaluating(lm: PreTrainedModel) -> Iterator[None]:
    """In training mode with gradient checkpointing, transformers would leave out the cache without an error."""
    training = lm.training
    lm.eval()
    try:
        yield
    finally:
        lm.train(training)


def _own_tokens(real: Tensor, count: int, steps: int) -> Tensor:
    """(P, 1, G, T + steps * G) True where a sample may look: the prompt of T tokens, and in each step its own token."""
    prompt = real.bool()[:, None, None].expand(-1, 1, count, -1)
    own = torch.eye(count, dtype=torch.bool, device=real.device).repeat(1, steps)
    return torch.cat([prompt, own.expand(len(real), 1, -1, -1)], 3)


def _last_logits(
    lm: PreTrainedModel, ids: Tensor, mask: Tensor, positions: Tensor, cache: DynamicCache, last: int
) -> Tensor:
    """Logits behind the `last` tokens of each row, after `ids` went into the cache."""
    decoder = lm.get_decoder()
    output = decoder(input_ids=ids, attention_mask=mask, position_ids=positions, **keeping(decoder, cache))
    logits: Tensor = lm.get_output_embeddings()(output.last_hidden_state[:, -last:])
    return logits


def _choose(logits: Tensor, temperature: float, generator: torch.Generator) -> Tensor:
    """One token per sample: (P, G, V) to (P, G)."""
    if temperature == 0:
        return logits.argmax(-1)
    probabilities = (logits.float() / temperature).softmax(-1).flatten(0, 1)
    if not torch.isfinite(probabilities).all():  # a GPU would say so with an error about the device, and be lost
        raise DivergedError("The summarizer's probabilities are not numbers", hint="Lower its learning rate.")
    return torch.multinomial(probabilities, 1, generator=generator).view(logits.shape[:2])
