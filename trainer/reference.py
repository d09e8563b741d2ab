"""The reference's log-probabilities of answers, computed once for a dataset and kept on disk.

The reference sees no summary, so they depend on question, answer and weights alone, and not on what is sampled in a
step. The released code computes them anew for each of a group's samples, in every step.
"""

from __future__ import annotations

import hashlib
import json
import math
import os
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import BinaryIO

import torch
from torch import Tensor

from popi_sdk.signals import PreferencePair
from popi_sdk.summary import NOTHING
from trainer.distributed import gathered, is_main, rank, size
from trainer.encode import Encoder
from trainer.logprobs import leaf_token_logprobs
from trainer.models import Policy, weights_digest
from trainer.prefix_tree import Branch, pack
from trainer.whole import written_to

Both = tuple[float, float]
"""Summed log-probability of the chosen and of the rejected answer."""

Texts = tuple[str, str, str]

TREES = 32
"""Pairs scored in one pass."""


class ReferenceLogprobs:
    """Summed log-probabilities of both answers of a pair, under the reference without a summary.

    Args:
        file: where they are kept, one JSON line each; the key is a hash of weights, prompt and answers in tokens, so
            another model, template or text never meets an old entry.
    """

    def __init__(self, reference: Policy, encoder: Encoder, file: Path | None = None) -> None:
        self._reference = reference
        self._encoder = encoder
        self._file = file
        self.weights = weights_digest(reference)
        self._known: dict[str, Both] = _read(file) if file is not None else {}
        self._keys: dict[Texts, str] = {}

    def prepare(self, pairs: Iterable[PreferencePair], advance: Callable[[int], None] = lambda _: None) -> None:
        """Compute what is not known yet; `advance` is told of all pairs, those that were known included.

        Processes take turns. The last digits of a sum depend on the pairs beside it, so a batch of which a crash lost
        a part is computed again as a whole: a resumed run finds the same numbers as an uninterrupted one.
        """
        asked = list({self._key(pair): pair for pair in pairs}.items())
        batches = [asked[start : start + TREES] for start in range(0, len(asked), TREES)]
        missing = [batch for batch in batches if any(key not in self._known for key, _ in batch)]
        advance(sum(map(len, batches)) - sum(map(len, missing)))
        for start in range(0, len(missing), size()):
            turn = missing[start : start + size()]
            own = turn[min(rank(), len(turn) - 1)]  # sharded weights need all processes, whether there is work or not
            for batch, found in zip(turn, gathered(self._compute([pair for _, pair in own])), strict=False):
                self._learn({key: both for (key, _), both in zip(batch, found, strict=True) if key not in self._known})
                advance(len(batch))

    def of(self, pairs: Sequence[PreferencePair]) -> Tensor:
        """(len(pairs), 2) log-probabilities of chosen and rejected, on the CPU."""
        self.prepare(pairs)
        return torch.tensor([self._known[self._key(pair)] for pair in pairs], dtype=torch.float64)

    def _learn(self, new: dict[str, Both]) -> None:
        self._known |= new
        if self._file is not None and is_main():
            _append(self._file, new)

    def _compute(self, pairs: Sequence[PreferencePair]) -> list[Both]:
        packed = pack([self._tree(pair) for pair in pairs], self._reference.device)
        with torch.no_grad():
            values = self._reference(lambda lm: leaf_token_logprobs(lm, packed))
        return [(chosen, rejected) for chosen, rejected in packed.per_leaf(values).view(-1, 2).tolist()]

    def _tree(self, pair: PreferencePair) -> Branch:
        return self._encoder.pair_tree(NOTHING, [pair])

    def _key(self, pair: PreferencePair) -> str:
        texts = (pair.prompt, pair.chosen, pair.rejected)  # and not the pair's id, which data may give
        known = self._keys.get(texts)
        if known is None:
            tree = self._tree(pair)
            tokens = [list(tree.tokens), *(list(leaf.tokens) for leaf in tree.children)]
            known = hashlib.sha256(f"{self.weights} {tokens}".encode()).hexdigest()[:24]
            self._keys[texts] = known
        return known


def _append(file: Path, new: dict[str, Both]) -> None:
    lines = "".join(
        json.dumps({"key": key, "chosen": both[0], "rejected": both[1]}) + "\n" for key, both in new.items()
    )
    with written_to(file), file.open("ab+") as out:
        if out.tell() and _last_byte(out) != b"\n":  # a crash tore the last line
            lines = "\n" + lines
        out.write(lines.encode("utf-8"))


def _last_byte(file: BinaryIO) -> bytes:
    file.seek(-1, os.SEEK_END)
    return file.read(1)


def _read(file: Path) -> dict[str, Both]:
    """What is kept; a line that a crash tore is left out and computed again."""
    if not file.exists():
        return {}
    known = {}
    for line in file.read_text("utf-8", errors="replace").splitlines():
        try:
            row = json.loads(line)
            both = (float(row["chosen"]), float(row["rejected"]))
            if all(map(math.isfinite, both)):
                known[str(row["key"])] = both
        except (ValueError, KeyError, TypeError):
            continue
    return known
