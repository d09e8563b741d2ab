"""A trained model to a directory that stands on its own: weights, tokenizer, templates, `popi.json`, a model card.

    weights (as `from_pretrained` reads them) -> a folder beside the wanted one -> both forms -> checked -> renamed

A summarizer gets a second form, int4 for ONNX Runtime GenAI. Both are loaded as the SDK loads them and write summaries
for held-out examples; the export succeeds only if those of the int4 form are as good. Until the rename there is
nothing at the wanted place, and after a failure there is nothing beside it either. What only the int4 form is wanted of
loses the other one after that.
"""

from __future__ import annotations

import secrets
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

from transformers import AutoConfig, AutoTokenizer, GenerationConfig

import popi_sdk
from popi_sdk.chat_tokens import still_template
from popi_sdk.errors import ConfigError
from popi_sdk.manifest import (
    ONNX,
    Agreement,
    Form,
    Manifest,
    Role,
    facts_of,
    form_of,
    read_templates,
    templates_digest,
    write_manifest,
    write_templates,
)
from popi_sdk.signals import Signal
from popi_sdk.templates import Templates
from trainer.data import Example
from trainer.export.check import compare_forms
from trainer.export.model_card import model_card
from trainer.export.onnx_form import ExportError, Precision, build_onnx

EXAMPLES = 50
"""So many of the examples given are used to compare the two forms."""

_LICENCES = ("LICEN[CS]E*", "NOTICE*")
_COPIED = ("config.json", "generation_config.json", "*.safetensors", "*.safetensors.index.json", *_LICENCES)
"""Weights are taken as safetensors only: other formats can run code when they are loaded."""

Summarize = Callable[[Sequence[Signal]], str]


@dataclass(frozen=True, slots=True)
class ExportReport:
    """What an export wrote and measured."""

    out: Path
    manifest: Manifest
    sizes: Mapping[Form, int]
    """Bytes on disk of each form."""
    warnings: tuple[str, ...] = ()
    """What the model builder had to say."""

    @property
    def agreement(self) -> Agreement | None:
        """How alike both forms write; None where they were not compared."""
        return self.manifest.agreement


def export_model(
    weights: Path,
    out: Path,
    *,
    role: Role,
    templates: Templates,
    max_summary_tokens: int,
    input_tokens: int,
    base: str,
    metrics: Mapping[str, Any] | None = None,
    data_digest: str = "",
    config_digest: str = "",
    licence_notes: str = "",
    check: Sequence[Example] = (),
    accuracy: Callable[[Summarize], float] | None = None,
    onnx: bool = True,
    precision: Precision = "int4",
    only_onnx: bool = False,
    text_tokens: int | None = None,
    abstain_below: float | None = None,
) -> ExportReport:
    """Export the model in `weights` (merged, safetensors, with its tokenizer) to the directory `out`.

    Args:
        check: held-out examples; the first 50 are summarized with both forms.
        accuracy: held-out accuracy (0 to 1) of a function from signals to a summary, on examples of `check`.
        onnx: also build the int4 form; a generator has none, as only a server would load it.
        precision: of the second form.
        only_onnx: leave the form "transformers" out of what is written, once both were found to be equally good.
        text_tokens: most tokens of one text of a signal in training, where it was limited.
        abstain_below: the least `TrainedSummarizer.confidence` of a summary that is given.

    Raises:
        ConfigError: `weights` lacks something, `out` is not empty, or the only form wanted is not built.
        MissingExtraError: the int4 form is wanted and its builder not installed.
        ExportError: the int4 form could not be built or is worse than the other, or the disk refused; `out` is as
            it was before.
    """
    both = onnx and role == "summarizer"
    if only_onnx and not both:
        raise ConfigError(f'The form "onnx" of this {role} is not built, so it cannot be the only one')
    _check_weights(weights)
    _check_free(out)
    with _folder_beside(out) as folder:
        tokenizer = _copy_model(weights, folder)
        write_templates(folder, templates)
        forms: tuple[Form, ...] = ("transformers", "onnx") if both else ("transformers",)
        warnings = build_onnx(folder, folder / ONNX, precision) if both else ()
        manifest = Manifest(
            role=role,
            render_version=templates.version,
            templates_digest=templates_digest(templates),
            base_model=base,
            max_summary_tokens=max_summary_tokens,
            input_tokens=input_tokens,
            text_tokens=text_tokens,
            window=_window(folder),
            stop_tokens=_stop_tokens(folder, tokenizer),
            abstain_below=abstain_below,
            forms=forms,
            files=facts_of(folder, _model_files(folder)),
            metrics=dict(metrics or {}),
            data_digest=data_digest,
            config_digest=config_digest,
            licence_notes=licence_notes,
            created=datetime.now(UTC),
            popi_version=popi_sdk.__version__,
        )
        write_manifest(folder, manifest)
        read_templates(folder, manifest)
        if both and check:
            agreement = compare_forms(folder, forms, check[:EXAMPLES], accuracy)
            manifest = manifest.model_copy(update={"agreement": agreement})
            write_manifest(folder, manifest)
        if only_onnx:
            manifest = _without_transformers(folder, manifest)
        (folder / "README.md").write_text(model_card(manifest, out.resolve().name), encoding="utf-8")
    return ExportReport(out, manifest, _sizes(manifest), warnings)


def _check_weights(weights: Path) -> None:
    lacking = [name for name in ("config.json", "tokenizer_config.json") if not (weights / name).is_file()]
    if not any(weights.glob("*.safetensors")):
        lacking.append("*.safetensors")
    if lacking:
        raise ConfigError(
            f"{weights} lacks {', '.join(lacking)}",
            hint="Give a directory that `save_pretrained` wrote for a model and its tokenizer.",
        )


def _check_free(out: Path) -> None:
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise ConfigError(f"{out} is not empty", hint="Give another directory; nothing is overwritten.")


@contextmanager
def _folder_beside(out: Path) -> Iterator[Path]:
    """A new folder that takes the place of `out` when all went well, and is gone when not.

    Raises:
        ExportError: the disk refused.
    """
    folder = out.absolute().with_name(f".{out.absolute().name}.{secrets.token_hex(4)}.partial")
    try:
        folder.mkdir(parents=True)
        yield folder
        if out.is_dir():
            out.rmdir()  # it is empty, and some systems rename onto nothing only
        folder.rename(out)
    except OSError as error:
        raise ExportError(
            f"The export could not be written to {out}: {error.strerror or error}",
            hint="Nothing was left there. See that it may be written and that its disk has room for the weights twice.",
        ) from error
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _copy_model(weights: Path, folder: Path) -> Any:
    """Copy what was trained, and write the tokenizer as it works, whatever files it was loaded from; returns it."""
    for pattern in _COPIED:
        for file in weights.glob(pattern):
            shutil.copyfile(file, folder / file.name)
    tokenizer = _loaded(AutoTokenizer, weights)
    if not tokenizer.is_fast:
        raise ConfigError(f"The tokenizer in {weights} has no tokenizer.json", hint="Take a model that has one.")
    tokenizer.chat_template = still_template(tokenizer)
    try:
        tokenizer.save_pretrained(folder)
    except Exception as error:  # the package `tokenizers` has no error of its own for a disk that refuses
        raise OSError(str(error)) from error
    return tokenizer


def _loaded(kind: Any, folder: Path) -> Any:
    """What `kind`, an Auto class of transformers, makes of a folder."""
    try:
        return kind.from_pretrained(folder, local_files_only=True)
    except Exception as error:  # transformers raises what its many parts raise
        reason = str(error).strip().splitlines() or [type(error).__name__]
        raise ConfigError(f"{folder} cannot be loaded ({kind.__name__}): {reason[0][:300]}") from error


def _window(folder: Path) -> int:
    config = _loaded(AutoConfig, folder).get_text_config()
    window = getattr(config, "max_position_embeddings", None)
    if not isinstance(window, int):
        raise ConfigError(f"{folder / 'config.json'} does not say `max_position_embeddings`")
    return window


def _stop_tokens(folder: Path, tokenizer: Any) -> tuple[int, ...]:
    """Ids that end an answer: the tokenizer's own, and those the model's generation settings name."""
    named: Any = None
    if (folder / "generation_config.json").is_file():
        named = _loaded(GenerationConfig, folder).eos_token_id
    ids = {tokenizer.eos_token_id, *(named if isinstance(named, list) else [named])} - {None}
    if not ids:
        raise ConfigError(f"Nothing says which token ends an answer of {folder}", hint="Set the tokenizer's eos_token.")
    return tuple(sorted(ids))


def _model_files(folder: Path) -> list[str]:
    names = (path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())
    return sorted(name for name in names if form_of(name) is not None)


def _without_transformers(folder: Path, manifest: Manifest) -> Manifest:
    """Delete the files of the form "transformers"; licences stay."""
    for name in manifest.files_of("transformers"):
        if not any(fnmatch(name, pattern) for pattern in _LICENCES):
            (folder / name).unlink()
    files = {name: manifest.files[name] for name in manifest.files_of("onnx")}
    manifest = manifest.model_copy(update={"forms": ("onnx",), "files": files})
    write_manifest(folder, manifest)
    return manifest


def _sizes(manifest: Manifest) -> dict[Form, int]:
    return {form: sum(manifest.files[name].size for name in manifest.files_of(form)) for form in manifest.forms}
