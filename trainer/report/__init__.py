"""`popi-train report`: one page about a run or a refresh, for a browser or for paper, and its figures as PNG files.

    read_run   metrics.jsonl and evaluation.json of a run directory, as frozen data
    figures    reward, accuracy, KL and length over steps; every control; accuracy against tokens
    page       all of it as one HTML file that asks for nothing else: figures stand in it, texts are escaped
    refresh_   the same of a refresh: decision.json, old against new, slice by slice, users before and after

It reads files and opens no model.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from trainer.report.figures import as_png, controls_figure, progress_figure, tokens_figure
from trainer.report.page import page
from trainer.report.reading import RunRead, read_run
from trainer.report.refresh_figures import populations_figure, slices_figure
from trainer.report.refresh_page import populations, refresh_page, shown_slices
from trainer.report.refresh_reading import RefreshRead, read_refresh
from trainer.run_directory import find_run
from trainer.whole import drop_folder, whole_folder

PAGE = "report.html"
REPORT = "report"


def report(place: Path) -> RunRead:
    """Write the page and the figures of a run into its `report` folder; returns what they were made of.

    Raises:
        ConfigError: it is no run, there is nothing in it to report yet, or its evaluation is damaged.
        CheckpointError: the disk is full or cannot be written.
    """
    run, read = find_run(place)[0], read_run(place)
    figures = draw(read)
    _write(run.report, page(read, figures), figures)
    return read


def refresh_report(place: Path) -> RefreshRead:
    """The same of a refresh, promoted or refused, into its `report` folder.

    Raises:
        ConfigError: it has come to no decision, or a file is damaged.
        CheckpointError: the disk is full or cannot be written.
    """
    read = read_refresh(place)
    figures = draw_refresh(read)
    _write(place / REPORT, refresh_page(read, figures), figures)
    return read


def draw(read: RunRead) -> Mapping[str, bytes]:
    """The figures there are data for, as PNG files by name."""
    figures = {}
    if read.steps:
        figures["progress"] = progress_figure(read.steps, read.looks)
    if read.measured:
        contexts = read.measured.contexts
        figures["controls"] = controls_figure(contexts, read.measured.pairs, read.measured.users)
        figures["tokens"] = tokens_figure(contexts)
    return {name: as_png(figure) for name, figure in figures.items()}


def draw_refresh(read: RefreshRead) -> Mapping[str, bytes]:
    """The figures of a refresh there are data for, as PNG files by name."""
    decision, contexts = read.decided.decision, read.held_out.contexts
    figures = {
        "populations": populations_figure(populations(read)),
        "controls": controls_figure(contexts, read.held_out.pairs, read.held_out.users),
        "tokens": tokens_figure(contexts),
    }
    if decision.slices:
        figures["slices"] = slices_figure(shown_slices(decision.slices), decision.confidence)
    if read.steps:
        figures["progress"] = progress_figure(read.steps, read.looks)
    return {name: as_png(figure) for name, figure in figures.items()}


def _write(folder: Path, html: str, figures: Mapping[str, bytes]) -> None:
    drop_folder(folder)
    with whole_folder(folder) as draft:
        (draft / PAGE).write_text(html, encoding="utf-8", errors="replace")  # half a character may stand in a name
        for name, image in figures.items():
            (draft / f"{name}.png").write_bytes(image)
