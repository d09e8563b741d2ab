"""`popi-train report`: one page about a run, for a browser or for paper, and its figures as PNG files.

    read_run   metrics.jsonl and evaluation.json of a run directory, as frozen data
    figures    reward, accuracy, KL and length over steps; every control; accuracy against tokens
    page       all of it as one HTML file that asks for nothing else: figures stand in it, texts are escaped

It reads files and opens no model.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from trainer.report.figures import as_png, controls_figure, progress_figure, tokens_figure
from trainer.report.page import page
from trainer.report.reading import RunRead, read_run
from trainer.run_directory import find_run
from trainer.whole import drop_folder, whole_folder

PAGE = "report.html"


def report(place: Path) -> RunRead:
    """Write the page and the figures of a run into its `report` folder; returns what they were made of.

    Raises:
        ConfigError: it is no run, there is nothing in it to report yet, or its evaluation is damaged.
        CheckpointError: the disk is full or cannot be written.
    """
    run, read = find_run(place)[0], read_run(place)
    figures = draw(read)
    html = page(read, figures)
    drop_folder(run.report)
    with whole_folder(run.report) as draft:
        (draft / PAGE).write_text(html, encoding="utf-8", errors="replace")  # half a character may stand in a name
        for name, image in figures.items():
            (draft / f"{name}.png").write_bytes(image)
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
