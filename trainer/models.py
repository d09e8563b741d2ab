"""The four roles of joint training, on as few weights as they need.

    summarizer   writes summaries, learns by policy gradient
    generator    answers and is asked how likely answers are, learns by preference loss
    anchor       the summarizer as it started, which the KL term holds on to
    reference    the generator as it started, prompted without a summary

With full training each is a model of its own. With LoRA one frozen base serves all: the two learners are adapters, and
the base alone is anchor and reference, unless a warm start moved a learner, whose copy is then kept as an adapter too.
"""

from __future__ import annotations

import contextlib
import hashlib
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar, cast

import torch
import transformers.utils.logging
from peft import LoraConfig, PeftModel, get_peft_model
from safetensors.torch import load_file, save_file
from torch import nn
from transformers import AutoModelForCausalLM, AutoTokenizer, PreTrainedModel

from popi_sdk.errors import ConfigError
from trainer.config import ModelConfig
from trainer.distributed import is_main
from trainer.sharding import placed_as, whole
from trainer.tree_attention import ATTENTION

transformers.utils.logging.disable_progress_bar()  # a run has a bar of its own

T = TypeVar("T")

LEARNERS = ("summarizer", "generator")
STARTS = {"summarizer": "anchor", "generator": "reference"}
"""The frozen role that keeps how a learner started."""


class Policy(nn.Module):
    """One role of a language model; call it with the work to do: `policy(lambda lm: ...)`.

    Everything goes through `forward`, so that wrappers which shard or gather weights around it see every use. Between
    a forward pass and its backward pass no other role of the same base may be called.
    """

    def __init__(self, lm: PreTrainedModel | PeftModel, *, adapter: str | None = None, learns: bool) -> None:
        super().__init__()
        self.lm = lm
        self.adapter = adapter
        self.learns = learns

    def forward(self, work: Callable[[PreTrainedModel], T]) -> T:
        """Let `work` use the language model in this role."""
        if not isinstance(self.lm, PeftModel):
            with self._precision():
                return work(self.lm)
        base = cast("PreTrainedModel", self.lm.get_base_model())
        if self.adapter is None:
            with self.lm.disable_adapter(), self._precision():
                return work(base)
        self.lm.set_adapter(self.adapter, inference_mode=not self.learns)
        with self._precision():
            return work(base)

    def learned(self) -> dict[str, nn.Parameter]:
        """The parameters this role trains, by name."""
        if not self.learns:
            return {}
        mark = f".{self.adapter}."
        return {name: p for name, p in self.lm.named_parameters() if self.adapter is None or mark in name}

    @property
    def device(self) -> torch.device:
        """Where the weights are."""
        return next(self.lm.parameters()).device

    def _precision(self) -> contextlib.AbstractContextManager[Any]:
        """Full weights train in float32, as bfloat16 rounds small steps away, and compute in bfloat16 on GPUs."""
        if self.device.type == "cuda":
            return torch.autocast("cuda", dtype=torch.bfloat16)
        return contextlib.nullcontext()


@dataclass(frozen=True, slots=True)
class Models:
    """All roles and the tokenizer they share."""

    tokenizer: Any
    summarizer: Policy
    generator: Policy
    anchor: Policy
    reference: Policy

    @property
    def learners(self) -> dict[str, Policy]:
        """The two roles that learn, by name."""
        return {"summarizer": self.summarizer, "generator": self.generator}

    def distinct(self) -> list[PreTrainedModel | PeftModel]:
        """The language models behind the roles, each once."""
        roles = (self.summarizer, self.generator, self.anchor, self.reference)
        return list({id(role.lm): role.lm for role in roles}.values())


def load_models(config: ModelConfig, base: str | Path, device: torch.device, *, start: Path | None = None) -> Models:
    """Load all roles, the learners as they stood at `start` (a folder with what `save_learner` wrote) or as the base.

    Raises:
        ConfigError: there is no such model, or one that trees cannot be run through.
    """
    tokenizer = load_tokenizer(base)
    if config.lora_rank:
        return _adapters(config, base, device, tokenizer, start)
    roles: dict[str, Policy] = {}
    for learner, frozen in STARTS.items():
        place = _existing(start, learner) or base
        learning = torch.float32
        resting = torch.bfloat16 if device.type == "cuda" else torch.float32
        lm = load_language_model(place, device, learning, checkpointing=config.gradient_checkpointing)
        roles[learner] = Policy(lm, learns=True)
        roles[frozen] = Policy(load_language_model(place, device, resting).requires_grad_(False), learns=False)
    return Models(tokenizer, **roles)


def _adapters(
    config: ModelConfig, base: str | Path, device: torch.device, tokenizer: Any, start: Path | None
) -> Models:
    dtype = torch.bfloat16 if device.type == "cuda" else torch.float32
    plain = load_language_model(base, device, dtype, checkpointing=config.gradient_checkpointing)
    plain.requires_grad_(False)
    if config.gradient_checkpointing:
        plain.enable_input_require_grads()  # without it nothing before the first adapter asks for a gradient
    lora = LoraConfig(
        r=config.lora_rank, lora_alpha=2 * config.lora_rank, target_modules="all-linear", task_type="CAUSAL_LM"
    )
    with warnings.catch_warnings():  # peft asks for gradient checkpointing by a name that transformers gives up
        warnings.simplefilter("ignore", FutureWarning)
        lm = get_peft_model(plain, lora, adapter_name="summarizer")
    lm.add_adapter("generator", lora)
    roles: dict[str, Policy] = {}
    for learner, frozen in STARTS.items():
        place = _existing(start, learner)
        if place is not None:
            lm.load_adapter(str(place), adapter_name=frozen, is_trainable=False)
            _copy_adapter(lm, frozen, learner)
        roles[learner] = Policy(lm, adapter=learner, learns=True)
        roles[frozen] = Policy(lm, adapter=frozen if place is not None else None, learns=False)
    lm.train(config.gradient_checkpointing)  # loading an adapter that does not learn has switched it off
    return Models(tokenizer, **roles)


def load_language_model(
    source: str | Path, device: torch.device, dtype: torch.dtype, *, checkpointing: bool = False
) -> PreTrainedModel:
    """A causal language model with tree attention and without dropout.

    Raises:
        ConfigError: it cannot be loaded, or its attention or logits are of a kind that the trees do not reproduce.
    """
    try:
        lm: PreTrainedModel = AutoModelForCausalLM.from_pretrained(source, dtype=dtype, attn_implementation=ATTENTION)
    except (OSError, ValueError) as error:
        raise ConfigError(
            f"`model.base`: no causal language model can be loaded from {source}: {str(error).splitlines()[0]}",
            hint="Give a hub id (with the network, and a token for gated models) or a directory.",
        ) from error
    _refuse_unfaithful(lm, source)
    for module in lm.modules():
        if isinstance(module, nn.Dropout):
            module.p = 0.0
    for name in ("attention_dropout", "resid_pdrop", "embd_pdrop", "attn_pdrop", "hidden_dropout"):
        if hasattr(lm.config, name):
            setattr(lm.config, name, 0.0)
    if checkpointing:
        newer = getattr(lm, "activation_checkpointing_enable", None)  # its name from transformers 5.2x on
        (newer or lm.gradient_checkpointing_enable)({"use_reentrant": False})
    lm.to(device)  # type: ignore[arg-type]
    return lm.train(checkpointing)


def _refuse_unfaithful(lm: PreTrainedModel, source: str | Path) -> None:
    kinds = set(getattr(lm.config, "layer_types", None) or ())
    strange = [name for name in ("final_logit_softcapping", "attn_logit_softcapping", "logit_scale", "logits_scaling")
               if getattr(lm.config, name, None) not in (None, 1, 1.0)]  # fmt: skip
    if kinds - {"full_attention"}:
        strange.append(f"layers of kind {', '.join(sorted(kinds - {'full_attention'}))}")
    window = getattr(lm.config, "sliding_window", None)
    if not kinds and window and window < getattr(lm.config, "max_position_embeddings", window + 1):
        strange.append(f"a sliding window of {window:,} tokens")
    if not getattr(lm, "_supports_attention_backend", False):
        strange.append("an attention of its own")
    if strange:
        raise ConfigError(
            f"`model.base`: {source} has {', '.join(strange)}, which prefix trees do not reproduce",
            hint="Take a model with full attention in all layers and plain logits: Llama, Qwen, Mistral, SmolLM, ...",
        )


def load_tokenizer(source: str | Path) -> Any:
    """The tokenizer of a model, with a padding token."""
    try:
        tokenizer = AutoTokenizer.from_pretrained(source)
    except (OSError, ValueError) as error:
        raise ConfigError(
            f"`model.base`: no tokenizer can be loaded from {source}: {str(error).splitlines()[0]}",
            hint="Give a hub id (with the network, and a token for gated models) or a directory.",
        ) from error
    if tokenizer.pad_token_id is None:
        tokenizer.pad_token = tokenizer.eos_token
    return tokenizer


def stop_tokens(policy: Policy, tokenizer: Any) -> list[int]:
    """Ids that end an answer: the tokenizer's own, and those the model's generation settings name."""
    named = getattr(policy.lm, "generation_config", None)
    ids = getattr(named, "eos_token_id", None)
    several = ids if isinstance(ids, list) else [ids]
    return sorted({tokenizer.eos_token_id, *(one for one in several if one is not None)})


def save_learner(policy: Policy, folder: Path, weights: dict[str, torch.Tensor] | None = None) -> None:
    """Write what this role learned: its adapter, or all its weights; `weights` are those of a sharded model."""
    if isinstance(policy.lm, PeftModel):
        assert policy.adapter is not None
        policy.lm.save_pretrained(str(folder), selected_adapters=[policy.adapter], state_dict=weights)
        inner = folder / policy.adapter
        for file in inner.iterdir():
            file.rename(folder / file.name)
        inner.rmdir()
        (folder / "README.md").unlink(missing_ok=True)
    elif is_main():
        policy.lm.save_pretrained(str(folder), state_dict=weights)
    else:  # transformers writes nothing in any but the first process, whoever asks for it
        policy.lm.config.save_pretrained(str(folder))
        once = {name for name, _ in policy.lm.named_parameters()}
        tied = {name for name, _ in policy.lm.named_parameters(remove_duplicate=False)} - once
        kept = {name: value.contiguous() for name, value in policy.lm.state_dict().items() if name not in tied}
        save_file(kept, folder / "model.safetensors", metadata={"format": "pt"})


def restore_learner(policy: Policy, folder: Path) -> None:
    """Bring a role back to what `save_learner` wrote.

    Raises:
        ConfigError: it is another model's.
    """
    weights: dict[str, torch.Tensor] = {}
    for file in sorted(folder.glob("*.safetensors")):
        weights |= load_file(file)
    wanted = {name.replace(f".{policy.adapter}.", "."): value for name, value in policy.learned().items()}
    different = {name for name in weights.keys() | wanted.keys()
                 if name not in weights or name not in wanted or weights[name].shape != wanted[name].shape}  # fmt: skip
    if different:
        raise ConfigError(
            f"{folder} holds weights of another model: {', '.join(sorted(different)[:3])}",
            hint="Was `model` changed since the run began?",
        )
    with torch.no_grad():
        for name, parameter in wanted.items():
            parameter.copy_(placed_as(parameter, weights[name]))


def weights_digest(policy: Policy) -> str:
    """Hash of the weights that this role computes with."""
    digest = hashlib.sha256()
    for name, value in sorted(_used(policy)):
        digest.update(name.encode("utf-8"))
        digest.update(whole(value.detach()).cpu().contiguous().flatten().view(torch.uint8).numpy().tobytes())
    return digest.hexdigest()[:16]


def _used(policy: Policy) -> Iterator[tuple[str, torch.Tensor]]:
    for name, value in policy.lm.named_parameters():
        if ".lora_" not in name or (policy.adapter is not None and f".{policy.adapter}." in name):
            yield name, value


def _copy_adapter(lm: PeftModel, source: str, target: str) -> None:
    parameters = dict(lm.named_parameters())
    with torch.no_grad():
        for name, value in parameters.items():
            if f".{source}." in name:
                parameters[name.replace(f".{source}.", f".{target}.")].copy_(value)


def _existing(start: Path | None, learner: str) -> Path | None:
    folder = start / learner if start is not None else None
    return folder if folder is not None and folder.is_dir() else None
