"""Trained weights in transformers: on the GPU where there is one, in the precision they were saved in."""

from __future__ import annotations

import inspect
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any


class TransformersEngine:
    """An `Engine` over a directory in the form that `from_pretrained` reads; its own `Reading`, as it keeps nothing."""

    def __init__(self, folder: Path) -> None:
        import torch
        from transformers import AutoModelForCausalLM, AutoTokenizer, DynamicCache

        self._torch = torch
        self._new_cache = DynamicCache
        self._device = "cuda" if torch.cuda.is_available() else "cpu"
        self.tokenizer: Any = AutoTokenizer.from_pretrained(folder, local_files_only=True)
        with _no_progress_bars():
            model: Any = AutoModelForCausalLM.from_pretrained(
                folder, local_files_only=True, use_safetensors=True, dtype="auto"
            )
        self._model: Any = model.eval().to(self._device)

    def open(self, longest: int) -> TransformersEngine:  # noqa: ARG002
        """See `Engine`."""
        return self

    def continued(self, ids: Sequence[int], most: int, stops: Collection[int]) -> list[int]:
        """See `Reading`."""
        # `model.generate` would add what the base model's generation settings ask for, such as a repetition penalty.
        new: list[int] = []
        feed, kept = list(ids), keeping(self._model, self._new_cache(config=self._model.config))
        with self._torch.inference_mode():
            while len(new) < most:
                rows = self._torch.tensor([feed], device=self._device)
                output = self._model(input_ids=rows, logits_to_keep=1, **kept)
                token = int(output.logits[0, -1].argmax())
                if token in stops:
                    break
                new.append(token)
                feed = [token]
        return new

    def log_probabilities(self, ids: Sequence[int], tokens: Sequence[int], stops: Collection[int]) -> list[float]:
        """See `Reading`."""
        rows = self._torch.tensor([[*ids, *tokens]], device=self._device)
        with self._torch.inference_mode():
            logits = self._model(input_ids=rows, logits_to_keep=len(tokens) + 1).logits[0].double()
            scores = logits.log_softmax(-1)  # (1 + tokens, vocabulary)
            told = [scores[place, token].item() for place, token in enumerate(tokens)]
            return [*told, scores[-1, sorted(stops)].logsumexp(-1).item()]


def keeping(model: Any, cache: Any) -> dict[str, Any]:
    """The arguments that make a model go on from what `cache` holds, and add to it.

    They have another name from transformers 5.24 on, where the old one warns at every call.
    """
    name = "cache" if "cache" in inspect.signature(model.forward).parameters else "past_key_values"
    return {name: cache, "use_cache": True}


@contextmanager
def _no_progress_bars() -> Iterator[None]:
    """Loading weights would draw one on the app's standard error."""
    from transformers.utils import logging as progress

    logging: Any = progress
    drawn = logging.is_progress_bar_enabled()
    logging.disable_progress_bar()
    try:
        yield
    finally:
        if drawn:
            logging.enable_progress_bar()
