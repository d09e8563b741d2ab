"""`popi-train export`: a run to a directory that the SDK loads, or that a server serves."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from trainer.cli.failing import training_packages

if TYPE_CHECKING:
    from trainer.export import ExportReport


def export(
    run: Annotated[Path, typer.Argument(help="A run's directory, or one of its checkpoints.")],
    out: Annotated[Path, typer.Option(help="The directory to write; it must not exist or be empty.")],
    role: Annotated[
        Literal["summarizer", "generator"], typer.Option(help="Which of the two trained models.")
    ] = "summarizer",
    onnx: Annotated[
        bool,
        typer.Option("--onnx/--no-onnx", help="Also build the summarizer's ONNX form, and compare the two."),
    ] = True,
    precision: Annotated[
        Literal["int4", "fp32"], typer.Option(help="Of that form; int4 is too coarse for a few million weights.")
    ] = "int4",
    licence: Annotated[str, typer.Option(help="What the model card says about licences, of base and data.")] = "",
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object and nothing else.")] = False,
) -> None:
    """Export what a run has learned."""
    with training_packages():
        from trainer.export.from_run import export_run

        report = export_run(run, out, role=role, onnx=onnx, precision=precision, licence_notes=licence)
        if as_json:
            typer.echo(json.dumps(_as_json(report)))
        else:
            typer.echo("\n".join(_lines(report)))


def _as_json(report: ExportReport) -> dict[str, object]:
    agreement = report.agreement.model_dump(mode="json") if report.agreement else None
    return {
        "out": str(report.out),
        "role": report.manifest.role,
        "sizes": dict(report.sizes),
        "agreement": agreement,
        "warnings": list(report.warnings),
    }


def _lines(report: ExportReport) -> list[str]:
    sizes = ", ".join(f"{form} {size / 1e6:,.1f} MB" for form, size in report.sizes.items())
    lines = [f"Exported: {report.out} ({sizes})"]
    found = report.agreement
    if found is not None:
        accuracy = ", ".join(f"{form} {value:.1%}" for form, value in found.accuracy.items())
        lines.append(f"Held-out accuracy on {found.examples} examples: {accuracy}")
        lines.append(f"The same in both forms: {found.tokens:.1%} of tokens, {found.summaries:.1%} of summaries")
    if report.manifest.role == "summarizer":
        return [*lines, f"Next: Popi(summarizer={str(report.out)!r})"]
    return [*lines, f"Next: serve it as {report.out / 'README.md'} says"]
