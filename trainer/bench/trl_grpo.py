"""The same step by TRL's GRPOTrainer, with a reward function as one would write it there.

TRL samples summaries of the same lengths from the same prompts itself, so a whole step is compared with a whole step.
The reward scores all answers of a step in one padded batch, reading logits where answers stand, and the reference once
per pair. Settings are the released ones; what costs extra and is not needed is off (checkpointing, bf16 on CPUs,
logging). The generator stays as it is: TRL has no place for a second model that learns.
"""

from __future__ import annotations

import importlib.util
import tempfile
import warnings
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from transformers import PrinterCallback, TrainerCallback

from popi_sdk.signals import PreferencePair
from popi_sdk.summary import NOTHING, Clause, Summary
from trainer.bench.meter import Meter, PassCounter
from trainer.bench.workload import MAX_GRADIENT_NORM, Workload
from trainer.losses import margin, preference_loss
from trainer.models import Policy

STEP = "whole step"


def why_not() -> str:
    """Why TRL cannot be measured here; empty if it can."""
    missing = [name for name in ("trl", "datasets", "accelerate") if importlib.util.find_spec(name) is None]
    return f"not installed: {', '.join(missing)}" if missing else ""


def trl_rounds(
    workload: Workload, meter: Meter, counter: PassCounter, rounds: int, between: Callable[[], None]
) -> None:
    """Train for `rounds` steps, measuring each; `between` is called after each, while TRL waits."""
    with tempfile.TemporaryDirectory() as folder, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # what TRL is told of its own dependencies is of no use here
        trainer = _trainer(workload, Path(folder), rounds)
        trainer.remove_callback(PrinterCallback)
        trainer.add_callback(_Measuring(meter, between))
        counter.watch(trainer.model)
        counter.watch(trainer.ref_model)
        trainer.train()


class _Measuring(TrainerCallback):
    """Opens the meter when a step begins and closes it when the step ends."""

    def __init__(self, meter: Meter, between: Callable[[], None]) -> None:
        self._meter = meter
        self._between = between
        self._open: Any = None

    def on_step_begin(self, *_: Any, **__: Any) -> None:
        self._open = self._meter.stage(STEP)
        self._open.__enter__()

    def on_step_end(self, *_: Any, **__: Any) -> None:
        self._open.__exit__(None, None, None)
        self._meter.end_round()
        self._between()


def _trainer(workload: Workload, folder: Path, rounds: int) -> Any:
    from datasets import Dataset
    from trl.trainer.grpo_config import GRPOConfig
    from trl.trainer.grpo_trainer import GRPOTrainer

    models, groups = workload.models, workload.groups
    cuda = workload.device.type == "cuda"
    samples = len(groups) * len(groups[0].samples)
    # On CPUs one row after the other, as the released settings have it, was as fast as all at once in a tenth of the
    # memory; on a GPU single rows would leave it idle.
    at_once = samples if cuda else 1
    base = folder / "base"
    models.summarizer.lm.save_pretrained(str(base))  # TRL loads the start of the KL term from disk
    models.tokenizer.save_pretrained(str(base))
    settings = GRPOConfig(
        output_dir=str(folder / "out"),
        per_device_train_batch_size=at_once,
        gradient_accumulation_steps=samples // at_once,
        num_generations=len(groups[0].samples),
        max_steps=rounds,
        shuffle_dataset=False,
        max_completion_length=workload.lengths.summary,
        generation_kwargs={"min_new_tokens": workload.lengths.summary},  # summaries of one length, as for the others
        temperature=workload.temperature,
        beta=workload.objective.kl,
        epsilon=workload.objective.clip,
        loss_type="dapo",
        scale_rewards="none",
        use_bias_correction_kl=False,
        learning_rate=0.0,
        weight_decay=0.0,
        max_grad_norm=MAX_GRADIENT_NORM,
        bf16=cuda,
        use_cpu=not cuda,
        model_init_kwargs={"dtype": str(next(models.summarizer.lm.parameters()).dtype).removeprefix("torch.")},
        gradient_checkpointing=False,
        dataloader_pin_memory=False,
        logging_steps=rounds + 1,
        save_strategy="no",
        report_to="none",
        disable_tqdm=True,
    )
    rows = [{"prompt": models.tokenizer.decode(group.prompt), "user": user} for user, group in enumerate(groups)]
    return GRPOTrainer(
        model=str(base),
        reward_funcs=_reward_function(workload),
        args=settings,
        train_dataset=Dataset.from_list(rows * rounds),
        processing_class=models.tokenizer,
    )


def _reward_function(workload: Workload) -> Callable[..., list[float | None]]:
    @torch.no_grad()
    def preference_reward(completions: Sequence[str], user: Sequence[int], **_: Any) -> list[float | None]:
        models, objective = workload.models, workload.objective
        pairs = {number: workload.groups[number].pairs[0] for number in user}
        without = _both_logprobs(workload, models.reference, [(NOTHING, pair) for pair in pairs.values()])
        known = dict(zip(pairs, without, strict=True))
        told = [(Summary(clauses=(Clause(text),)), pairs[n]) for text, n in zip(completions, user, strict=True)]
        scored = _both_logprobs(workload, models.generator, told)
        reference = torch.stack([known[number] for number in user])
        margins = margin(scored[:, 0], scored[:, 1], reference[:, 0], reference[:, 1])
        rewards: list[float | None] = (-preference_loss(margins, objective.loss, objective.beta)).tolist()
        return rewards

    return preference_reward


def _both_logprobs(workload: Workload, policy: Policy, jobs: Sequence[tuple[Summary, PreferencePair]]) -> Tensor:
    """(jobs, 2) summed log-probabilities of both answers, all in one batch padded on the left."""
    encoder = workload.encoder
    rows, answers = [], []
    for summary, pair in jobs:
        prompt = encoder.generator_prompt(summary, pair.prompt)
        for text in (pair.chosen, pair.rejected):
            answers.append(encoder.answer(text))
            rows.append([*prompt, *answers[-1]])
    batch = workload.models.tokenizer.pad({"input_ids": rows}, padding_side="left", return_tensors="pt")
    kept = max(map(len, answers))
    batch = batch.to(workload.device)
    logits = policy(lambda lm: lm(**batch, use_cache=False, logits_to_keep=kept + 1).logits)[:, :-1].float()
    targets = batch["input_ids"][:, -kept:]
    logprobs = logits.log_softmax(-1).gather(2, targets[:, :, None])[:, :, 0]
    lengths = torch.tensor([len(answer) for answer in answers], device=workload.device)
    within = torch.arange(kept, device=workload.device) >= kept - lengths[:, None]
    return (logprobs * within).sum(1).view(-1, 2)
