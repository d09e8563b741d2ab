"""Full history against streaming on simulated users, from a fresh training: what is kept after ten updates.

    python -m benchmarks.streaming --out runs/streaming

The shipped `streaming` configuration is trained once per seed; with `--out` of an earlier call its runs are measured
again. After each tenth of a test user's signals a summary is written of all signals so far, of the previous summary and
the newest signals, and of the newest alone. The goal is that streaming keeps 95 % of the full history's gain after ten.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from rich.console import Console

from benchmarks.joint_training import varied
from trainer.cli.streaming_tables import show_streaming
from trainer.config import load_config
from trainer.report.figures import as_png
from trainer.report.streaming_figure import streaming_figure
from trainer.run_directory import RunDirectory
from trainer.streaming_evaluation import StreamingEvaluation, evaluate_streaming
from trainer.train import train

UPDATES = 10
GOAL = 0.95


def main() -> None:
    """Train and measure every seed, and print what came out."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--config", default="streaming")
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--out", type=Path, default=Path("runs/streaming"))
    options = parser.parse_args()
    found = {seed: measured(options.config, seed, options.out) for seed in range(options.seeds)}
    figures = {str(seed): evaluation.as_json() for seed, evaluation in found.items()}
    (options.out / "figures.json").write_text(json.dumps(figures, indent=1), encoding="utf-8")
    for seed, evaluation in found.items():
        (options.out / f"seed-{seed}.png").write_bytes(as_png(streaming_figure(figures[str(seed)])))
        show_streaming(evaluation)
        Console().print(f"Seed {seed}: {verdict(evaluation)}", highlight=False)


def measured(config: str, seed: int, out: Path) -> StreamingEvaluation:
    """Train one seed, unless that is done, and evaluate it."""
    settings = varied(load_config(config), run={"seed": seed})
    run = out / f"seed-{seed}"
    train(settings, run, resume=RunDirectory(run).config_file.is_file())
    return evaluate_streaming(run, updates=UPDATES)


def verdict(evaluation: StreamingEvaluation) -> str:
    """Whether the goal is reached, in a line."""
    kept = evaluation.overall.after[-1].kept
    if kept is None:
        return "the full history gains nothing, so nothing can be kept of it"
    reached = "reached" if kept.mean >= GOAL else "missed"
    return f"{kept.mean:.1%} of the gain is kept after {UPDATES} updates; the goal of {GOAL:.0%} is {reached}"


if __name__ == "__main__":
    main()
