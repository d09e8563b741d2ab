"""The reference's log-probabilities of answers, computed once for a dataset and kept on disk.

The reference sees no summary, so they depend on question, answer and weights alone, and not on what is sampled in a step.
The released code computes them anew for each of a group's samples, in every step.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

import torch
from torch import Tensor

from popi_sdk.signals import PreferencePair
from popi_sdk.summary import NOTHING
from trainer.encode import Encoder
from trainer.logprobs import leaf_token_logprobs
from trainer.models import Policy, weights_digest
from trainer.prefix_tree import Branch, pack

Both = tuple[float, float]
"""Summed log-probability of the chosen and of the rejected answer."""

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
        self._weights = weights_digest(reference)
        self._known: dict[str, Both] = _read(file) if file is not None else {}
        self._keys: dict[str, str] = {}

    def __len__(self) -> int:
        """How many pairs are known."""
        return len(self._known)

    def prepare(self, pairs: Iterable[PreferencePair], advance: Callable[[int], None] = lambda _: None) -> None:
        """Compute what is not known yet; `advance` is told how many pairs are done."""
        missing = {self._key(pair): pair for pair in pairs if self._key(pair) not in self._known}
        waiting = list(missing.items())
        for start in range(0, len(waiting), TREES):
            batch = waiting[start : start + TREES]
            found = self._compute([pair for _, pair in batch])
            new = {key: both for (key, _), both in zip(batch, found, strict=True)}
            self._known |= new
            if self._file is not None:
                _append(self._file, new)
            advance(len(batch))

    def of(self, pairs: Sequence[PreferencePair]) -> Tensor:
        """(len(pairs), 2) log-probabilities of chosen and rejected, on the CPU."""
        self.prepare(pairs)
        return torch.tensor([self._known[self._key(pair)] for pair in pairs], dtype=torch.float64)

    def _compute(self, pairs: Sequence[PreferencePair]) -> list[Both]:
        packed = pack([self._tree(pair) for pair in pairs], self._reference.device)
        with torch.no_grad():
            values = self._reference(lambda lm: leaf_token_logprobs(lm, packed))
        return [(chosen, rejected) for chosen, rejected in packed.per_leaf(values).view(-1, 2).tolist()]

    def _tree(self, pair: PreferencePair) -> Branch:
        return self._encoder.pair_tree(NOTHING, [pair])

    def _key(self, pair: PreferencePair) -> str:
        known = self._keys.get(pair.id)
        if known is None:
            tree = self._tree(pair)
            tokens = [list(tree.tokens), *(list(leaf.tokens) for leaf in tree.children)]
            known = hashlib.sha256(f"{self._weights} {tokens}".encode()).hexdigest()[:24]
            self._keys[pair.id] = known
        return known


def _append(file: Path, new: dict[str, Both]) -> None:
    lines = "".join(
        json.dumps({"key": key, "chosen": both[0], "rejected": both[1]}) + "\n" for key, both in new.items()
    )
    with file.open("a", encoding="utf-8") as out:
        out.write(lines)


def _read(file: Path) -> dict[str, Both]:
    """What is kept; a line that a crash tore is left out and computed again."""
    if not file.exists():
        return {}
    known = {}
    for line in file.read_text("utf-8").splitlines():
        try:
            row = json.loads(line)
            known[str(row["key"])] = (float(row["chosen"]), float(row["rejected"]))
        except (ValueError, KeyError, TypeError):
            continue
    return known
