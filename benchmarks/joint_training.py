"""Joint training beside its controls, on simulated users: what a few minutes of a laptop's time show.

    python -m benchmarks.joint_training --seeds 3 --out runs/joint

For each seed: the same warm start trained in three forms (joint, frozen generator, frozen summarizer), every control on
400 unseen users, and the joint summaries given to a generator of another size and seed that never met them.
"""

from __future__ import annotations

import argparse
import json
import shutil
import statistics
import time
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from trainer.config import Config, load_config, parse_config
from trainer.evaluate import Evaluation, evaluate
from trainer.run_directory import RunDirectory
from trainer.train import train

FORMS = {"joint": "interleaved", "frozen generator": "frozen_generator", "frozen summarizer": "frozen_summarizer"}
SHARED = ("data", "base", "start", "reference.jsonl")
OTHER_MODEL = {"hidden": 96, "layers": 2}


def main() -> None:
    """Run all seeds and print what came out."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--config", default="smoke")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--out", type=Path, default=Path("runs/joint"))
    options = parser.parse_args()
    rows = [seed_figures(load_config(options.config), seed, options.out) for seed in range(options.seeds)]
    options.out.mkdir(parents=True, exist_ok=True)
    (options.out / "figures.json").write_text(json.dumps(rows, indent=1), encoding="utf-8")
    show(rows)


def seed_figures(config: Config, seed: int, out: Path) -> dict[str, Any]:
    """Train and evaluate one seed in all forms."""
    began = time.perf_counter()
    joint = train(varied(config, run={"seed": seed}), out / f"seed-{seed}-joint")
    minutes = (time.perf_counter() - began) / 60
    evaluations = {"joint": evaluate(joint.path)}
    for name, form in list(FORMS.items())[1:]:
        run = started_alike(joint, out / f"seed-{seed}-{form}", varied(config, run={"seed": seed, "form": form}))
        evaluations[name] = evaluate(run.path)
    other = varied(config, run={"seed": seed + 1000, "steps": 1, "form": "frozen_generator"}, model=OTHER_MODEL)
    stranger = train(other, out / f"seed-{seed}-other-generator")
    transfer = evaluate(joint.path, generator=stranger.path)
    return {
        "seed": seed,
        "minutes": minutes,
        "forms": {name: figures(evaluation) for name, evaluation in evaluations.items()},
        "transfer": figures(transfer),
        "pairs": evaluations["joint"].pairs,
    }


def varied(config: Config, **groups: dict[str, Any]) -> Config:
    """The configuration with some values changed."""
    tables = config.model_dump(mode="json")
    for group, values in groups.items():
        tables[group] |= values
    return parse_config(tables)


def started_alike(run: RunDirectory, out: Path, config: Config) -> RunDirectory:
    """Train in another form from the very same data, base and warm start."""
    out.mkdir(parents=True)
    for name in SHARED:
        source = run.path / name
        (shutil.copytree if source.is_dir() else shutil.copy)(source, out / name)
    (out / "config.toml").write_text(config.to_toml(), encoding="utf-8")
    return train(config, out, resume=True)


def figures(evaluation: Evaluation) -> dict[str, Any]:
    """Accuracy with its interval, and loss, by control."""
    return {
        name: {**result.accuracy.as_json("accuracy"), "loss": result.loss}
        for name, result in evaluation.controls.items()
    }


def show(rows: list[dict[str, Any]]) -> None:
    """Three tables: controls, forms, transfer."""
    console = Console()
    controls = Table(title=f"Held-out accuracy in per cent, {rows[0]['pairs']:,} pairs of unseen users")
    controls.add_column("seed")
    names = list(rows[0]["forms"]["joint"])
    for name in (*names, "gap closed", "minutes"):
        controls.add_column(name, justify="right")
    for row in rows:
        joint = row["forms"]["joint"]
        shown = [f"{100 * joint[name]['accuracy']:.1f}" for name in names]
        controls.add_row(str(row["seed"]), *shown, f"{100 * gap_closed(joint):.0f} %", f"{row['minutes']:.1f}")
    console.print(controls)
    forms = Table(title="Held-out preference loss and accuracy by form, means over seeds")
    for heading in ("form", "loss", "accuracy"):
        forms.add_column(heading, justify="left" if heading == "form" else "right")
    for name in FORMS:
        trained = [row["forms"][name]["trained"] for row in rows]
        loss = statistics.mean(each["loss"] for each in trained)
        accuracy = statistics.mean(each["accuracy"] for each in trained)
        forms.add_row(name, f"{loss:.3f}", f"{100 * accuracy:.1f} %")
    console.print(forms)
    moved = Table(title="A generator of another size and seed, which never met this summarizer")
    for heading in ("seed", "warm_start", "trained", "swapped", "gain kept"):
        moved.add_column(heading, justify="right")
    for row in rows:
        there = row["transfer"]
        accuracies = [f"{100 * there[name]['accuracy']:.1f}" for name in ("warm_start", "trained", "swapped")]
        moved.add_row(str(row["seed"]), *accuracies, f"{100 * gain(there) / gain(row['forms']['joint']):.0f} %")
    console.print(moved)


def gain(controls: dict[str, Any]) -> float:
    """Accuracy won over the warm start."""
    return float(controls["trained"]["accuracy"] - controls["warm_start"]["accuracy"])


def gap_closed(controls: dict[str, Any]) -> float:
    """Share of the way from the warm start to the oracle."""
    return gain(controls) / float(controls["oracle"]["accuracy"] - controls["warm_start"]["accuracy"])


if __name__ == "__main__":
    main()
