"""Weights of which every process holds a part: FSDP2 around each layer of a language model.

A layer's weights are gathered when it is called and let go afterwards; its gradient comes back averaged and in parts.
Layers are wrapped one by one, and not the model around them, because the four roles may share one model and reach into
it in their own way. What stands outside of the layers (embeddings, last norm) is whole everywhere and treated as if
nothing were sharded. A model is loaded whole before it is sharded.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from peft import PeftModel
from torch import Tensor, nn
from torch.distributed.device_mesh import init_device_mesh
from torch.distributed.fsdp import FSDPModule, fully_shard
from torch.distributed.tensor import DTensor, distribute_tensor
from transformers import PreTrainedModel

from trainer.sampling import Sampler, Tokens


def shard(lm: PreTrainedModel | PeftModel, processes: int) -> None:
    """Spread the layers of `lm` over all processes."""
    mesh = init_device_mesh(next(lm.parameters()).device.type, (processes,))
    kinds = set(getattr(lm, "_no_split_modules", None) or ())
    for layer in [module for module in lm.modules() if type(module).__name__ in kinds]:
        fully_shard(layer, mesh=mesh, reshard_after_forward=True)


@contextlib.contextmanager
def whole_layers(lm: nn.Module) -> Iterator[None]:
    """Gather all layers at once and keep them: within, forward passes of one process wait for no other."""
    layers = [module for module in lm.modules() if isinstance(module, FSDPModule)]
    for layer in layers:
        layer.set_reshard_after_forward(False, recurse=False)
        layer.unshard()
    try:
        yield
    finally:
        for layer in layers:
            layer.reshard()
            layer.set_reshard_after_forward(True, recurse=False)


@dataclass(frozen=True, slots=True)
class WholeSampler:
    """A sampler for sharded models: processes write summaries of different lengths, so layers are gathered first."""

    sampler: Sampler

    def sample(
        self, lm: PreTrainedModel, prompts: Sequence[Sequence[int]], count: int, *, temperature: float, seed: int
    ) -> list[list[Tokens]]:
        """See `Sampler`."""
        with whole_layers(lm):
            return self.sampler.sample(lm, prompts, count, temperature=temperature, seed=seed)


def is_sharded(tensor: Tensor) -> bool:
    """Whether this process holds a part of it only."""
    return isinstance(tensor, DTensor)


def local(tensor: Tensor) -> Tensor:
    """The part of a tensor that this process holds."""
    return tensor.to_local() if isinstance(tensor, DTensor) else tensor


def whole(tensor: Tensor) -> Tensor:
    """All of a tensor; every process has to ask for it."""
    return tensor.full_tensor() if isinstance(tensor, DTensor) else tensor


def placed_as(target: Tensor, value: Tensor) -> Tensor:
    """A whole tensor where and as `target` is: on its device, and this process's part of it."""
    value = value.to(target.device)
    return distribute_tensor(value, target.device_mesh, target.placements) if isinstance(target, DTensor) else value


def whole_weights(lm: nn.Module) -> dict[str, Tensor] | None:
    """The weights of a sharded model to be saved, all of them; None of one that is whole anyway."""
    if not any(map(is_sharded, lm.parameters())):
        return None
    return {name: whole(value.detach()).cpu() for name, value in lm.state_dict().items()}


def parameter_groups(parameters: Iterable[nn.Parameter]) -> list[dict[str, Any]]:
    """Groups for an optimizer, which cannot step through whole and sharded parameters together."""
    parts: Mapping[bool, list[nn.Parameter]] = {False: [], True: []}
    for parameter in parameters:
        parts[is_sharded(parameter)].append(parameter)
    return [{"params": group} for group in parts.values() if group]
