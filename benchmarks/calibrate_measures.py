"""Recompute `popi_sdk/style/calibration.py` from real answers: `python benchmarks/calibrate_measures.py`.

Takes pairs of answers by different LLMs to the same request (`../shared/data/answers.jsonl.xz`, fixed seed) and prints,
per measure, how much such answers usually differ (root mean square), what a usual answer has of it (mean), and which
measures move together without anyone's preference. Paste the output over the constants.
"""

from __future__ import annotations

import json
import lzma
import math
import random
import sys
from collections import defaultdict
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from popi_sdk.style.calibration import bounded
from popi_sdk.style.measures import MEASURES, measure

ANSWERS = Path(__file__).resolve().parents[2] / "shared" / "data" / "answers.jsonl.xz"
PAIRS = 5000
TOO_RARE = ("ends_with_question", "humour")  # differ in too few pairs for a slope


def measured_pairs() -> list[tuple[tuple[float, ...], tuple[float, ...]]]:
    """The measures of `PAIRS` random pairs of answers to one request."""
    by_task: dict[str, list[str]] = defaultdict(list)
    with lzma.open(ANSWERS, "rt", encoding="utf-8") as lines:
        for line in lines:
            row = json.loads(line)
            by_task[row["task"]].append(row["text"])
    draw = random.Random(0)
    tasks = sorted(task for task, texts in by_task.items() if len(texts) > 1)
    pairs = [draw.sample(by_task[draw.choice(tasks)], 2) for _ in range(PAIRS)]
    return [(measure(one), measure(other)) for one, other in pairs]


def main() -> None:
    """Print the three tables."""
    pairs = measured_pairs()
    rows = [[a - b for a, b in zip(one, other, strict=True)] for one, other in pairs]
    values = [value for pair in pairs for value in pair]
    spreads = [math.sqrt(sum(row[j] ** 2 for row in rows) / len(rows)) for j in range(len(MEASURES))]
    spreads = [max(spread, 1.2 * m.noticeable) for spread, m in zip(spreads, MEASURES, strict=True)]
    print("SPREADS: dict[str, float] = {")
    for m, spread in zip(MEASURES, spreads, strict=True):
        print(f'    "{m.name}": {spread:.3f},')
    print("}\nUSUAL: dict[str, float] = {")
    for j, m in enumerate(MEASURES):
        print(f'    "{m.name}": {sum(value[j] for value in values) / len(values):.3f},')
    print("}\nCOUPLINGS: dict[tuple[str, str], float] = {")
    units = [[bounded(row[j], spreads[j]) for row in rows] for j in range(len(MEASURES))]
    for j, moved in enumerate(MEASURES):
        for k, mover in enumerate(MEASURES):
            slope = sum(x * y for x, y in zip(units[j], units[k], strict=True)) / sum(y * y for y in units[k])
            if j != k and moved.aspect != mover.aspect and abs(slope) >= 0.25 and mover.name not in TOO_RARE:
                print(f'    ("{moved.name}", "{mover.name}"): {slope:.2f},')
    print("}")


if __name__ == "__main__":
    main()
