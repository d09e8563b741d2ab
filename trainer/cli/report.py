"""`popi-train report`: one page about a run or a refresh."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from trainer.cli.failing import training_packages


def report(run: Annotated[Path, typer.Argument(metavar="RUN", help="A run's directory, or a refresh's.")]) -> None:
    """Write a page about a run or a refresh into RUN/report: report.html with its figures, and these as PNG files.

    It shows reward, accuracy, KL and summary length over the steps, and what `popi-train evaluate RUN` left: every
    control, accuracy against tokens, slices, and ten users' signals, summaries and outcomes. Of a refresh it shows the
    decision and its reasons, old against new, and ten users with both their summaries. No model is opened.
    """
    with training_packages():
        from popi_sdk.cli import show
        from trainer.report import PAGE, REPORT, refresh_report
        from trainer.report import report as write_report
        from trainer.report.refresh_page import verdict
        from trainer.report.refresh_reading import is_refresh
        from trainer.run_directory import find_run

        if is_refresh(run):
            show.line(verdict(refresh_report(run)))
            folder = run / REPORT
        else:
            read = write_report(run)
            for what in read.missing:
                show.line(("Missing: ", "bold yellow"), what, err=True)
            folder = find_run(run)[0].report
        show.line(f"Written: {folder / PAGE} and {len(list(folder.glob('*.png')))} figures beside it.")
