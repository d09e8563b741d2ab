"""From a run to an exported model: its newest checkpoint merged into plain weights, and judged by its own generator."""

from __future__ import annotations

import contextlib
import json
import tempfile
from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import torch
from peft import PeftModel
from transformers import AutoConfig, AutoModelForCausalLM

from popi_sdk.errors import ConfigError
from popi_sdk.manifest import Role
from trainer.data import Example
from trainer.export import EXAMPLES, ExportReport, Summarize, export_model
from trainer.export.onnx_form import Precision
from trainer.health import users_to_look_at
from trainer.models import load_tokenizer
from trainer.opened import judge_of, open_run_models
from trainer.run_directory import RunDirectory, find_run, run_templates
from trainer.scoring import PairScorer, ranked_right
from trainer.stages import data_digest, prepare_data


def export_run(
    place: Path,
    out: Path,
    *,
    role: Role = "summarizer",
    onnx: bool = True,
    precision: Precision = "int4",
    only_onnx: bool = False,
    licence_notes: str = "",
) -> ExportReport:
    """Export what a run, or one checkpoint of it, has learned in `role` to the directory `out`.

    The two forms of a summarizer are compared on 50 examples of the run's test data, by how well the
    generator of the same checkpoint ranks their held-out answers when it is shown the summaries.

    Raises:
        ConfigError: there is no run or no checkpoint, or `out` is not empty.
        ExportError: the two forms are not equally good, or the disk refused.
    """
    run, checkpoint = find_run(place)
    if checkpoint is None:
        raise ConfigError(f"{place} has no complete checkpoint yet", hint="Let `popi-train train` go on for a while.")
    config = run.config()
    data = prepare_data(run, config)
    examples = users_to_look_at(data["test"], EXAMPLES) if role == "summarizer" and onnx else []
    with tempfile.TemporaryDirectory(prefix="popi-export-") as merged:
        save_merged(run, checkpoint.folder, role, Path(merged))
        return export_model(
            Path(merged),
            out,
            role=role,
            templates=run_templates(config),
            max_summary_tokens=config.model.max_summary_tokens,
            input_tokens=config.data.input_tokens,
            base=config.model.base,
            metrics={"steps": checkpoint.step, "validation": _last_evaluation(run.metrics, checkpoint.step)},
            data_digest=data_digest(run, config),
            config_digest=config.digest(),
            licence_notes=licence_notes,
            check=examples,
            accuracy=_judge(checkpoint.folder, examples) if examples else None,
            onnx=onnx,
            precision=precision,
            only_onnx=only_onnx,
            text_tokens=config.data.text_tokens or None,
        )


def save_merged(run: RunDirectory, place: Path, role: Role, folder: Path) -> None:
    """Write one learner, as it lies in a checkpoint's folder or the run's start, as plain weights with its tokenizer.

    Adapters are merged; the precision is that of the base.
    """
    config, base, learned = run.config(), run.base_of(run.config()), place / role
    dtype = getattr(AutoConfig.from_pretrained(base), "dtype", None) or torch.float32
    source = base if config.model.lora_rank else learned
    lm: Any = AutoModelForCausalLM.from_pretrained(source, dtype=dtype)
    if config.model.lora_rank:
        lm = PeftModel.from_pretrained(lm, str(learned)).merge_and_unload()
    lm.save_pretrained(folder)
    load_tokenizer(base).save_pretrained(folder)


def _judge(place: Path, examples: Sequence[Example]) -> Callable[[Summarize], float]:
    """How well the checkpoint's generator ranks held-out answers beside summaries; loaded when it is first asked."""

    @cache
    def scorer() -> PairScorer:
        return judge_of(open_run_models(place))

    def accuracy(summarize: Summarize) -> float:
        summaries = [scorer().encoder.safe_summary(summarize(example.signals)) for example in examples]
        return ranked_right(torch.cat(scorer().margins(examples, summaries))).mean().item()

    return accuracy


def _last_evaluation(metrics: Path, step: int) -> dict[str, Any]:
    """What was measured of unseen users at the last evaluation up to `step`."""
    found: dict[str, Any] = {}
    for line in metrics.read_text("utf-8").splitlines() if metrics.is_file() else ():
        with contextlib.suppress(ValueError, KeyError, TypeError):  # a crash may have torn the last line
            row = json.loads(line)
            if row["kind"] == "evaluation" and row["step"] <= step:
                found = {key: value for key, value in row.items() if key not in ("kind", "time")}
    return found
