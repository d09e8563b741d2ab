"""Sampling summaries on a vLLM server, beside the GPUs that train. For adapters: they are small enough to hand over.

    VLLM_ALLOW_RUNTIME_LORA_UPDATING=True vllm serve BASE --enable-lora --max-lora-rank 64
    rollout.server = "http://localhost:8000"

Before it samples, the first process sees to it that the server holds the adapter as it is now. An adapter is known by
a name that is a hash of its weights, so the server's own list says whether it is there: weights go over exactly when
they have changed, also after either side was started anew. The name is never used for other weights, because vLLM keeps
what it has computed of a prompt under the adapter's name, and would go on from the old weights' keys.

vLLM rounds otherwise than the trainer, so it draws from slightly other probabilities. The update compares the trainer's
own log-probabilities of these tokens with each other (`trainer.updates`) and does not correct for that difference.
"""

from __future__ import annotations

import contextlib
import hashlib
import random
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import torch
from peft import PeftModel
from torch import Tensor
from transformers import PreTrainedModel

from popi_sdk.errors import ConfigError
from trainer.config import Config
from trainer.distributed import gathered, is_main
from trainer.errors import TrainingError
from trainer.models import Models, Policy, save_learner, stop_tokens
from trainer.run_directory import RunDirectory
from trainer.sampling import Tokens
from trainer.sharding import whole
from trainer.vllm_server import Choice, RefusedError, Served, VllmServer
from trainer.whole import drop_folder, whole_folder

MOST_AT_ONCE = 64
"""Prompts one process asks about at a time; the server batches what all of them ask."""


@dataclass(frozen=True, slots=True)
class VllmSampler:
    """Let a vLLM server continue prompts with the adapter of one role."""

    server: VllmServer
    policy: Policy
    """The role whose adapter samples."""
    base: str
    """What the adapter is trained on: a hub id or a directory."""
    folder: Path
    """Where adapters are handed over: the server has to find it under the same path."""
    stops: frozenset[int]
    max_tokens: int

    def sample(
        self, lm: PreTrainedModel, prompts: Sequence[Sequence[int]], count: int, *, temperature: float, seed: int
    ) -> list[list[Tokens]]:
        """See `Sampler`; `lm` is the model in the role this sampler was made for. All processes have to call it.

        Raises:
            ConfigError: the server serves another base model.
            TrainingError: the server cannot be reached, refuses, or answers with something else than samples.
        """
        assert isinstance(self.policy.lm, PeftModel)
        assert lm is self.policy.lm.get_base_model()
        assert self.policy.lm.active_adapter == self.policy.adapter
        name = self._name_on_server()
        vocabulary = len(lm.get_input_embeddings().weight)  # type: ignore[arg-type]
        drawn = 1 if temperature == 0 else count  # vLLM refuses to write the likeliest tokens more than once

        def group(place: int) -> list[Tokens]:
            choices = self.server.complete(
                name,
                prompts[place],
                count=drawn,
                temperature=temperature,
                seed=prompt_seed(seed, place),
                stops=sorted(self.stops),
                max_tokens=self.max_tokens,
            )
            samples = [self._tokens(choice, vocabulary) for choice in choices]
            return samples if drawn == count else [list(samples[0]) for _ in range(count)]

        with ThreadPoolExecutor(MOST_AT_ONCE) as threads:
            return list(threads.map(group, range(len(prompts))))

    def _name_on_server(self) -> str:
        """Have the server hold the weights of this moment; returns the name they go by there."""
        weights = {name: whole(value.detach()).cpu().contiguous() for name, value in self.policy.learned().items()}
        return gathered(self._handed_over(weights) if is_main() else "")[0]

    def _handed_over(self, weights: Mapping[str, Tensor]) -> str:
        name = self._name(weights)
        held = self.server.models()
        self._refuse_another_base(held)
        if name in {model.name for model in held}:
            return name
        for model in held:
            if Path(model.root).parent == self.folder:
                with contextlib.suppress(RefusedError):  # one that stays there is never asked for again
                    self.server.unload(model.name)
        for old in self.folder.glob("*"):
            drop_folder(old)
        with whole_folder(self.folder / name) as draft:
            save_learner(self.policy, draft, dict(weights))
        self.server.load(name, self.folder / name)
        return name

    def _name(self, weights: Mapping[str, Tensor]) -> str:
        """Of these weights in this run: two runs on one server may hold the same ones, and unload their own alone."""
        digest = hashlib.sha256(str(self.folder).encode("utf-8"))
        for name, value in sorted(weights.items()):
            digest.update(name.encode("utf-8"))
            digest.update(value.flatten().view(torch.uint8).numpy().data)
        return f"popi-{digest.hexdigest()[:24]}"

    def _refuse_another_base(self, held: Sequence[Served]) -> None:
        roots = [model.root for model in held if not model.is_adapter]
        if not any(root == self.base or Path(root).absolute() == Path(self.base).absolute() for root in roots):
            raise ConfigError(
                f"The vLLM server {self.server.url} serves {' and '.join(roots) or 'no model'}, and `model.base` is "
                f"{self.base}",
                hint=f"Start it as `vllm serve {self.base}`: both have to call the model by the same name.",
            )

    def _tokens(self, choice: Choice, vocabulary: int) -> Tokens:
        tokens = choice.tokens
        strange = [token for token in tokens if not 0 <= token < vocabulary]
        if strange:
            raise TrainingError(
                f"The vLLM server {self.server.url} wrote token {strange[0]}, and `model.base` has {vocabulary} tokens",
                hint="Does it serve the same model?",
            )
        ends = [place for place, token in enumerate(tokens) if token in self.stops]
        if ends != [len(tokens) - 1] and (ends or len(tokens) != self.max_tokens):
            raise TrainingError(
                f"The vLLM server {self.server.url} ended a summary after {len(tokens)} tokens ({choice.reason}), "
                f"neither at its first stop token nor at {self.max_tokens} tokens",
                hint="Start it with `--generation-config vllm`, and with a `--max-model-len` for prompt and summary.",
            )
        return tokens


def prompt_seed(seed: int, place: int) -> int:
    """The seed of one prompt's samples; vLLM counts on from it for each sample of the prompt.

    With one seed for all prompts, all users' samples would be drawn with the same random numbers.
    """
    return random.Random(f"{seed} prompt {place}").getrandbits(62)


def make_vllm_sampler(run: RunDirectory, models: Models, config: Config) -> VllmSampler:
    """The sampler of a run whose configuration names a server."""
    return VllmSampler(
        server=VllmServer(config.rollout.server.rstrip("/")),
        policy=models.summarizer,
        base=str(run.base_of(config)),
        folder=run.path.absolute() / "served",
        stops=frozenset(stop_tokens(models.summarizer, models.tokenizer)),
        max_tokens=config.model.max_summary_tokens,
    )
