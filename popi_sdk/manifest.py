"""`popi.json`: what a directory exported by the trainer says about itself, and the checks before it is used.

    my-summarizer/
        popi.json               this
        templates/*.j2          the four templates it was trained with
        config.json, *.safetensors, tokenizer.json, ...     the form "transformers"
        onnx/                   the form "onnx", complete in itself (a summarizer's only)

A form that is not needed may be deleted. What is left is checked by size, and the small files by content, so that half
a copy is refused instead of writing half-sense.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import fields
from datetime import datetime
from pathlib import Path
from typing import Any, Literal, TypeAlias

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from popi_sdk.errors import ConfigError, IncompatibleSummarizerError, SummarizerError
from popi_sdk.templates import RENDER_VERSION, Templates, load_templates

MANIFEST = "popi.json"
TEMPLATES = "templates"
ONNX = "onnx"

Role: TypeAlias = Literal["summarizer", "generator"]
Form: TypeAlias = Literal["transformers", "onnx"]

_SMALL = 32_000_000
"""Bytes up to which a file's content is checked before it is loaded; of larger ones, the weights, it is the size."""
_AGAIN = "Copy the directory again, or export it again."


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, use_attribute_docstrings=True)


class FileFacts(_Part):
    """What a file must be like."""

    size: int
    sha256: str


class Agreement(_Part):
    """How alike both forms write, measured at export."""

    examples: int
    tokens: float
    """Share of greedy tokens that are the same, position by position."""
    summaries: float
    """Share of summaries that are the same."""
    accuracy: Mapping[Form, float] = Field(default_factory=dict)
    """Held-out accuracy with the summaries of each form, where it was measured."""


class Manifest(_Part):
    """What `popi.json` holds."""

    format: Literal[1] = 1
    role: Role
    render_version: str
    """Version of the renderer and its templates that the training saw."""
    templates_digest: str
    """SHA-256 of the four templates."""
    base_model: str
    max_summary_tokens: int = Field(ge=1)
    input_tokens: int = Field(ge=1)
    """Budget of the rendered signals in training."""
    text_tokens: int | None = Field(default=None, ge=1)
    """Most tokens of one text of a signal in training; None where only the budget limits it."""
    window: int = Field(ge=1)
    """Most tokens the model can read and write."""
    stop_tokens: tuple[int, ...] = Field(min_length=1)
    """Ids that end a summary."""
    abstain_below: float | None = None
    """A summary with less `TrainedSummarizer.confidence` than this (nats per token) is not given; None: all are."""
    doubt_below: Mapping[str, float] = Field(default_factory=dict)
    """A clause that is likelier than its reverse by less than this (nats) is left out, by how the user shows things
    (`popi_sdk.summarizers.doubts.way_of`); empty: none is."""
    forms: tuple[Form, ...] = Field(min_length=1)
    files: Mapping[str, FileFacts]
    """Every file but this one and the model card, by its path in the directory."""
    agreement: Agreement | None = None
    metrics: Mapping[str, Any] = Field(default_factory=dict)
    """What the trainer measured, as it named it."""
    data_digest: str = ""
    config_digest: str = ""
    licence_notes: str = ""
    created: datetime
    popi_version: str

    def files_of(self, form: Form) -> list[str]:
        """The files that `form` needs, in order of their names."""
        return sorted(name for name in self.files if form_of(name) == form)


def read_manifest(folder: Path) -> Manifest:
    """Read and check `popi.json`.

    Raises:
        SummarizerError: it is missing, damaged, or lacks something.
    """
    file = folder / MANIFEST
    try:
        return Manifest.model_validate_json(file.read_bytes())
    except FileNotFoundError as error:
        raise SummarizerError(
            f"{folder} holds no {MANIFEST}", hint="Give a directory that `popi-train export` wrote."
        ) from error
    except OSError as error:
        raise SummarizerError(f"{file} cannot be read: {error.strerror}") from error
    except ValidationError as error:
        first = error.errors(include_url=False, include_context=False, include_input=False)[0]
        where = ".".join(map(str, first["loc"]))
        what = f"`{where}`: {first['msg']}" if where else first["msg"]
        raise SummarizerError(f"{file} is damaged or of another version of POPI ({what})", hint=_AGAIN) from error


def write_manifest(folder: Path, manifest: Manifest) -> None:
    """Write `popi.json`."""
    (folder / MANIFEST).write_text(manifest.model_dump_json(indent=2) + "\n", encoding="utf-8")


def digest_of(folder: Path) -> str:
    """Eight characters that tell this export from any other, as `popi.json` names the digest of every file."""
    return hashlib.sha256((folder / MANIFEST).read_bytes()).hexdigest()[:8]


def read_templates(folder: Path, manifest: Manifest) -> Templates:
    """The templates that the model was trained with.

    Raises:
        SummarizerError: they are missing or damaged.
        IncompatibleSummarizerError: they are not those of the training, or this SDK renders signals another way.
    """
    base = manifest.render_version.partition("+")[0]
    if base != RENDER_VERSION:
        raise IncompatibleSummarizerError(
            f"{folder} was trained with version {manifest.render_version} of the renderer; this SDK has version "
            f"{RENDER_VERSION}",
            hint="Install the version of popi-sdk it was made with "
            f"({manifest.popi_version}), or train it again with this one.",
        )
    missing = [path.name for path in _template_files(folder).values() if not path.is_file()]
    if missing:
        raise SummarizerError(f"{folder / TEMPLATES} lacks {', '.join(missing)}", hint=_AGAIN)
    try:
        templates = load_templates(folder / TEMPLATES)
    except (ConfigError, UnicodeDecodeError, OSError) as error:
        raise SummarizerError(f"The templates of {folder} cannot be used: {error}", hint=_AGAIN) from error
    same = templates_digest(templates) == manifest.templates_digest
    if same and templates.version != manifest.render_version:
        raise IncompatibleSummarizerError(
            f"{folder} was trained with version {manifest.render_version} of its prompts; its templates make version "
            f"{templates.version} here, as this SDK reads what users say in another way (popi_sdk/style/asking.bin)",
            hint=f"Install the version of popi-sdk it was made with ({manifest.popi_version}), or train it again.",
        )
    if not same:
        raise IncompatibleSummarizerError(
            f"{folder} was trained with templates of version {manifest.render_version}; those that lie in it now are "
            f"of version {templates.version}",
            hint=f"The model knows only the prompts it was trained on. {_AGAIN}",
        )
    return templates


def write_templates(folder: Path, templates: Templates) -> None:
    """Write the four templates into `folder`'s own folder for them."""
    (folder / TEMPLATES).mkdir()
    for name, path in _template_files(folder).items():
        path.write_text(getattr(templates, name), encoding="utf-8", newline="")


def templates_digest(templates: Templates) -> str:
    """SHA-256 of the four texts, whether they are POPI's own or not."""
    texts = [f"{name}\0{getattr(templates, name)}" for name in _template_files(Path())]
    return hashlib.sha256("\0".join(texts).encode("utf-8")).hexdigest()


def facts_of(folder: Path, names: Iterable[str]) -> dict[str, FileFacts]:
    """Sizes and digests of the files that `names` say."""
    return {name: FileFacts(size=(folder / name).stat().st_size, sha256=_sha256(folder / name)) for name in names}


def form_of(name: str) -> Form | None:
    """The form that a file of the directory belongs to; None for what belongs to none."""
    first, slash, _ = name.partition("/")
    if not slash:
        return "transformers"
    return "onnx" if first == ONNX else None


def check_files(folder: Path, manifest: Manifest, form: Form) -> None:
    """Find out whether the files of `form` are whole.

    Raises:
        SummarizerError: one is missing, cannot be read, or is not what was exported.
    """
    check_these_files(folder, manifest, manifest.files_of(form))


def check_these_files(folder: Path, manifest: Manifest, names: Iterable[str]) -> None:
    """The same of files that are named; they are among those of the manifest."""
    for name in names:
        path, facts = folder / name, manifest.files[name]
        try:
            size = path.stat().st_size
            whole = size == facts.size and (size > _SMALL or _sha256(path) == facts.sha256)
        except FileNotFoundError as error:
            raise SummarizerError(f"{folder} lacks {name}", hint=_AGAIN) from error
        except OSError as error:
            raise SummarizerError(f"{path} cannot be read: {error.strerror}") from error
        if not whole:
            found = f"has {size:,} bytes, not {facts.size:,}" if size != facts.size else "is not what was exported"
            raise SummarizerError(f"{path} {found}", hint=_AGAIN)


def _template_files(folder: Path) -> dict[str, Path]:
    """Where each of the four templates lies, by its name."""
    names = sorted(field.name for field in fields(Templates) if field.name != "version")
    return {name: folder / TEMPLATES / f"{name.replace('_', '.')}.j2" for name in names}


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
