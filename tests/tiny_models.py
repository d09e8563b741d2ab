"""Causal LMs small enough to be made, taught and saved within a test: hidden size 64, two layers, their own tokenizer.

    folder = save_tiny(tmp_path / "tiny")                                   # random weights, Qwen 3's architecture
    folder = save_tiny(tmp_path / "taught", "llama", lessons=[(messages, "Keep answers short.")])

Everything is seeded: the same call gives the same files.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any, Literal

import torch
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import (
    LlamaConfig,
    LlamaForCausalLM,
    PreTrainedModel,
    PreTrainedTokenizerFast,
    Qwen3Config,
    Qwen3ForCausalLM,
)

from popi_sdk.chat_tokens import prompt_ids
from popi_sdk.templates import default_templates

Architecture = Literal["qwen3", "llama"]
Lesson = tuple[Sequence[Mapping[str, str]], str]
"""Chat messages and what the model shall answer to them."""

PAD, END = "<|pad|>", "<|im_end|>"
CHATML = (
    "{% for message in messages %}<|im_start|>{{ message['role'] }}\n{{ message['content'] }}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)
WINDOW = 2048
_MOST_TOKENS = 1024
_ENGLISH = (
    "Keep answers short, under fifty words. Write long and detailed answers with every step explained. Use bullet "
    "points instead of paragraphs. Start with an example before the theory. Avoid jargon and say it plainly. Be warm "
    "and friendly, not formal. Give numbers, sources and code. I like brief replies. Please answer in detail. The user "
    "said these words. Why do leaves change colour in autumn? How do I boil an egg? How do people learn to swim?"
)


@cache
def tiny_tokenizer() -> PreTrainedTokenizerFast:
    """A byte-level BPE tokenizer of about 800 tokens, trained on POPI's own templates, with a ChatML template."""
    templates = default_templates()
    texts = [_ENGLISH, templates.inference_system, templates.inference_user, templates.generation_system]
    inner = Tokenizer(models.BPE())
    inner.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    inner.decoder = decoders.ByteLevel()
    inner.train_from_iterator(
        texts * 2,
        trainers.BpeTrainer(
            vocab_size=_MOST_TOKENS,
            special_tokens=[PAD, "<|im_start|>", END],
            initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
            show_progress=False,
        ),
    )
    return PreTrainedTokenizerFast(
        tokenizer_object=inner, pad_token=PAD, eos_token=END, chat_template=CHATML, model_max_length=WINDOW
    )


def tiny_model(architecture: Architecture = "qwen3", *, seed: int = 0, window: int = WINDOW) -> PreTrainedModel:
    """Random weights, about 140 thousand of them, input and output embeddings tied."""
    tokenizer = tiny_tokenizer()
    shape: dict[str, Any] = {
        "vocab_size": len(tokenizer),
        "hidden_size": 64,
        "intermediate_size": 128,
        "num_hidden_layers": 2,
        "num_attention_heads": 4,
        "num_key_value_heads": 2,
        "head_dim": 16,
        "max_position_embeddings": window,
        "tie_word_embeddings": True,
        "pad_token_id": tokenizer.pad_token_id,
        "eos_token_id": tokenizer.eos_token_id,
        "bos_token_id": None,
        "initializer_range": 0.05,
    }
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        if architecture == "qwen3":
            return Qwen3ForCausalLM(Qwen3Config(**shape)).eval()
        return LlamaForCausalLM(LlamaConfig(**shape)).eval()


def teach(model: PreTrainedModel, lessons: Sequence[Lesson], *, steps: int = 60, rate: float = 5e-3) -> float:
    """Make `model` answer each lesson's messages with its text by heart; returns the last step's mean loss."""
    rows = [_row(*lesson) for lesson in lessons]
    optimizer = torch.optim.AdamW(model.parameters(), lr=rate, weight_decay=0.0)
    loss = torch.zeros(())
    model.train()
    for _ in range(steps):
        losses = [model(input_ids=ids, labels=labels).loss for ids, labels in rows]
        loss = torch.stack(losses).mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    model.eval()
    return float(loss.detach())


def save_tiny(
    folder: Path,
    architecture: Architecture = "qwen3",
    *,
    lessons: Sequence[Lesson] = (),
    seed: int = 0,
    window: int = WINDOW,
    steps: int = 60,
) -> Path:
    """Save a tiny model with its tokenizer in the form `from_pretrained` reads; returns `folder`."""
    model = tiny_model(architecture, seed=seed, window=window)
    if lessons:
        teach(model, lessons, steps=steps)
    model.save_pretrained(folder)
    tiny_tokenizer().save_pretrained(folder)
    return folder


def _row(messages: Sequence[Mapping[str, str]], answer: str) -> tuple[torch.Tensor, torch.Tensor]:
    tokenizer = tiny_tokenizer()
    prompt = prompt_ids(tokenizer, messages)
    response = [*tokenizer.encode(answer, add_special_tokens=False), tokenizer.eos_token_id]
    ids = torch.tensor([prompt + response])  # (1, T)
    labels = torch.tensor([[-100] * len(prompt) + response])
    return ids, labels
