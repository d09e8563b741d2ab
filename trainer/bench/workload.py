"""Random models, random users and random summaries of given sizes: the same for every loop that is measured.

Words are tokens: `w17` is one of them, so that texts have exactly the lengths that were asked for. The learners stand a
little away from their starts, as they do in the middle of training; otherwise the KL term would be zero.
"""

from __future__ import annotations

import copy
import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import torch
from tokenizers import Tokenizer, models, pre_tokenizers
from torch.optim import Optimizer
from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedModel, PreTrainedTokenizerFast

from popi_sdk.signals import PreferencePair
from popi_sdk.summary import Clause, Summary
from popi_sdk.templates import load_templates
from trainer.bench.shapes import Lengths, Shape
from trainer.config import ObjectiveConfig
from trainer.data import Example
from trainer.encode import Encoder
from trainer.models import Models, Policy
from trainer.rollouts import Group
from trainer.sampling import DecodeLoop
from trainer.tree_attention import ATTENTION

MAX_GRADIENT_NORM = 1.0
MARKS = ("<|pad|>", "<|end|>", "<|turn|>", "<preferences>", "</preferences>")
_CHAT = (
    "{% for message in messages %}<|turn|> {{ message.content }} {% endfor %}"
    "{% if add_generation_prompt %}<|turn|>{% endif %}"
)
_TEMPLATES = {"generation.system": "<preferences>\n{% for clause in clauses %}{{ clause }}\n{% endfor %}</preferences>"}
MOVED = 0.02
"""How far a learner stands from its start, as a share of each weight tensor's standard deviation."""


@dataclass(frozen=True, slots=True)
class Workload:
    """What every loop is given."""

    models: Models
    encoder: Encoder
    groups: list[Group]
    objective: ObjectiveConfig
    temperature: float
    sampler: DecodeLoop
    lengths: Lengths
    optimizers: Mapping[str, Optimizer]

    @property
    def device(self) -> torch.device:
        """Where all models are."""
        return self.models.summarizer.device


def make_workload(
    shape: Shape,
    lengths: Lengths,
    objective: ObjectiveConfig,
    *,
    users: int,
    group: int,
    temperature: float,
    device: torch.device,
    dtype: torch.dtype,
    seed: int = 0,
) -> Workload:
    """Make models, users, one held-out pair each, and `group` summaries of every user."""
    tokenizer = word_tokenizer(shape.vocabulary)
    models = _models(shape, lengths, tokenizer, device, dtype, seed)
    encoder = Encoder(
        tokenizer, load_templates(_TEMPLATES), window=_window(lengths), input_tokens=lengths.signals,
        max_summary_tokens=lengths.summary,
    )  # fmt: skip
    words = _word_source(shape.vocabulary, seed)
    return Workload(
        models=models,
        encoder=encoder,
        groups=[_group(tokenizer, lengths, words, user, group) for user in range(users)],
        objective=objective,
        temperature=temperature,
        sampler=DecodeLoop(stops=(), max_tokens=lengths.summary, padding=tokenizer.pad_token_id),
        lengths=lengths,
        optimizers={
            # A rate of zero costs as much as any other, and leaves every round and every loop the same weights.
            role: torch.optim.AdamW(policy.learned().values(), lr=0.0, weight_decay=0.0)
            for role, policy in models.learners.items()
        },
    )


def word_tokenizer(vocabulary: int) -> PreTrainedTokenizerFast:
    """A tokenizer of `vocabulary` words, `w0`, `w1`, ..., and the marks of a chat."""
    names = [*MARKS, *(f"w{number}" for number in range(vocabulary - len(MARKS)))]
    tokenizer = Tokenizer(models.WordLevel({name: place for place, name in enumerate(names)}, unk_token=MARKS[0]))
    tokenizer.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    fast = PreTrainedTokenizerFast(tokenizer_object=tokenizer, pad_token="<|pad|>", eos_token="<|end|>")
    fast.chat_template = _CHAT
    return fast


def take_step(workload: Workload, role: str) -> None:
    """Clip one learner's gradient, move it, and clear the gradient."""
    optimizer = workload.optimizers[role]
    parameters = [parameter for group in optimizer.param_groups for parameter in group["params"]]
    torch.nn.utils.clip_grad_norm_(parameters, MAX_GRADIENT_NORM)
    optimizer.step()
    optimizer.zero_grad()


def _window(lengths: Lengths) -> int:
    """Room for the longest row of any loop."""
    marks = 8
    return max(lengths.signals + lengths.summary, lengths.summary + lengths.question + lengths.response) + marks


def _models(
    shape: Shape,
    lengths: Lengths,
    tokenizer: PreTrainedTokenizerFast,
    device: torch.device,
    dtype: torch.dtype,
    seed: int,
) -> Models:
    config = LlamaConfig(
        vocab_size=shape.vocabulary,
        hidden_size=shape.hidden,
        intermediate_size=shape.intermediate,
        num_hidden_layers=shape.layers,
        num_attention_heads=shape.heads,
        num_key_value_heads=shape.kv_heads,
        max_position_embeddings=_window(lengths),
        initializer_range=shape.spread,
        tie_word_embeddings=True,
        pad_token_id=tokenizer.pad_token_id,
        eos_token_id=tokenizer.eos_token_id,
        bos_token_id=None,
    )
    fork = [device] if device.type == "cuda" else []
    with torch.random.fork_rng(devices=fork), torch.device(device):
        torch.manual_seed(seed)
        anchor, reference = _random_model(config, dtype), _random_model(config, dtype)
        return Models(
            tokenizer=tokenizer,
            summarizer=Policy(_moved(anchor), learns=True),
            generator=Policy(_moved(reference), learns=True),
            anchor=Policy(anchor.requires_grad_(False), learns=False),
            reference=Policy(reference.requires_grad_(False), learns=False),
        )


def _random_model(config: LlamaConfig, dtype: torch.dtype) -> PreTrainedModel:
    return LlamaForCausalLM._from_config(config, dtype=dtype, attn_implementation=ATTENTION).eval()


@torch.no_grad()
def _moved(start: PreTrainedModel) -> PreTrainedModel:
    learner = copy.deepcopy(start)
    for weights in learner.parameters():
        if weights.dim() > 1:
            weights.add_(torch.randn_like(weights) * weights.std() * MOVED)
    return learner


def _word_source(vocabulary: int, seed: int) -> Callable[[int], str]:
    draw = random.Random(f"{seed} words")
    return lambda count: " ".join(f"w{draw.randrange(vocabulary - len(MARKS))}" for _ in range(count))


def _group(
    tokenizer: PreTrainedTokenizerFast, lengths: Lengths, words: Callable[[int], str], user: int, group: int
) -> Group:
    # The end of an answer is a token of it.
    pair = PreferencePair(words(lengths.question), words(lengths.response - 1), words(lengths.response - 1))
    texts = [words(lengths.summary) for _ in range(group)]
    return Group(
        example=Example(f"user {user}", (), (pair,)),
        prompt=_ids(tokenizer, words(lengths.signals)),
        samples=[_ids(tokenizer, text) for text in texts],
        summaries=[Summary(clauses=(Clause(text),)) for text in texts],
        pairs=(pair,),
        plain=False,
    )


def _ids(tokenizer: Any, text: str) -> list[int]:
    ids: list[int] = tokenizer(text, add_special_tokens=False)["input_ids"]
    return ids
