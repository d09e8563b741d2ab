"""How fast a trained summarizer writes and how much memory it takes: python -m benchmarks.embedded_speed DIRECTORY

1. 1,500 tokens in and 64 out: the form "onnx" against the same weights in transformers, as its own `generate` writes
   and as the SDK does with it, which calls the model without what `generate` puts around it.
2. 100 users one by one against one batch call, with the signals behind each clause and without.

DIRECTORY is what `popi-train export` wrote, both forms in it. Every measurement has a process of its own, so that the
peak of its memory is its own as well; processes of both sides alternate, since timings on a shared machine drift.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from popi_sdk.manifest import ONNX, Form
from popi_sdk.signals import PreferencePair, Rating, Signal, Statement
from popi_sdk.summarizers.engines import load_engine
from popi_sdk.summarizers.trained import TrainedSummarizer

TOKENS_IN, TOKENS_OUT = 1_500, 64
ROUNDS = 3
"""Processes per measurement; figures are their medians."""
_SIDES = {"onnx": "ONNX Runtime", "generate": "transformers, generate", "transformers": "transformers in the SDK"}
WITHIN = 5
"""Repetitions inside a process, after one that is not counted."""

_SAID = (
    "Short answers, please.", "Use bullet points.", "I am new to this, no jargon.", "Show me an example first.",
    "Please cite your sources.", "No emoji.", "Answer in plain prose.", "Explain every step.",
)  # fmt: skip
_SENTENCES = (
    "The first thing to know is that it depends on the season.", "In short, it works.", "- Take a bowl.\n- Add water.",
    "For example, think of a river that splits in two.", "However, there are exceptions that matter here.",
    "You can do this in five minutes!", "## In detail\n\nThe process has three stages.", "It might, perhaps, not help.",
)  # fmt: skip


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("directory", type=Path)
    parser.add_argument("--threads", type=int, default=2, help="processor cores for both forms")
    parser.add_argument("--users", type=int, default=100)
    parser.add_argument("--measure", help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.measure:
        print(json.dumps(MEASUREMENTS[asked.measure](asked.directory, asked.threads, asked.users)))
        return
    generation(asked.directory, asked.threads)
    batch(asked.directory, asked.threads, asked.users)


def generation(directory: Path, threads: int) -> None:
    """The first table."""
    sides = [(name, threads) for name in ("onnx", "generate", "transformers")]
    sides += [("onnx", 1)] if threads != 1 else []
    with tempfile.TemporaryDirectory() as scratch:
        endless = _never_ending(directory, Path(scratch) / "endless")
        found: dict[tuple[str, int], list[dict[str, float]]] = {side: [] for side in sides}
        for _ in range(ROUNDS):
            for name, cores in sides:
                found[name, cores].append(_in_a_process(name, endless, cores, 0))
    base = _median(found["generate", threads], "seconds")
    print(f"{TOKENS_IN:,} tokens in, {TOKENS_OUT} out\n")
    print(f"{'':24}{'cores':>6}{'seconds':>10}{'of generate':>13}{'load, s':>9}{'peak, MB':>10}{'of it idle':>12}")
    for (name, cores), rows in found.items():
        seconds, load, peak, idle = (_median(rows, what) for what in ("seconds", "load", "peak", "idle"))
        print(f"{_SIDES[name]:24}{cores:6}{seconds:10.3f}{seconds / base:13.2f}{load:9.2f}{peak:10.0f}{idle:12.0f}")


def batch(directory: Path, threads: int, users: int) -> None:
    """The second table."""
    print(f"\n{users} users, ONNX Runtime on {threads} {'core' if threads == 1 else 'cores'}\n")
    print(f"{'':32}{'one by one, s':>15}{'batch, s':>10}{'ratio':>7}{'peak, MB':>10}")
    for words, kind in (("summaries", "summaries"), ("texts, without their sources", "texts")):
        found = _in_a_process(kind, directory, threads, users)
        ratio = found["batch"] / found["singly"]
        print(f"{words:32}{found['singly']:15.2f}{found['batch']:10.2f}{ratio:7.2f}{found['peak']:10.0f}")


# --- in a process of its own -----------------------------------------------------------------------------------------


Continue = Callable[[list[int]], int]
"""Writes behind a prompt; how many tokens."""


def _one_summary(opened: Callable[[Path, int], Continue]) -> Callable[[Path, int, int], dict[str, float]]:
    def measured(directory: Path, threads: int, _: int) -> dict[str, float]:
        idle = _peak()
        start = time.perf_counter()
        write = opened(directory, threads)
        load = time.perf_counter() - start
        ids = random.Random(0).choices(range(3, 259), k=TOKENS_IN)  # every byte-level vocabulary has these
        times = []
        for _ in range(WITHIN + 1):
            start = time.perf_counter()
            new = write(ids)
            times.append(time.perf_counter() - start)
            assert new == TOKENS_OUT, f"the model stopped after {new} tokens"
        return {"seconds": statistics.median(times[1:]), "load": load, "peak": _peak(), "idle": idle}

    return measured


def _sdk(form: Form) -> Callable[[Path, int], Continue]:
    def opened(directory: Path, threads: int) -> Continue:
        engine = load_engine(directory, form, threads)
        return lambda ids: len(engine.open(TOKENS_IN + TOKENS_OUT).continued(ids, TOKENS_OUT, ()))

    return opened


def _generate(directory: Path, _: int) -> Continue:
    import torch
    from transformers import AutoModelForCausalLM

    model: Any = AutoModelForCausalLM.from_pretrained(directory, local_files_only=True)
    model.eval()
    settings = {"do_sample": False, "min_new_tokens": TOKENS_OUT, "max_new_tokens": TOKENS_OUT}

    def write(ids: list[int]) -> int:
        rows = torch.tensor([ids])
        return len(model.generate(rows, attention_mask=torch.ones_like(rows), **settings)[0]) - len(ids)

    return write


def _many(name: str) -> Callable[[Path, int, int], dict[str, float]]:
    def measured(directory: Path, threads: int, users: int) -> dict[str, float]:
        summarizer = TrainedSummarizer(directory, "onnx", threads=threads)
        whole: Callable[..., list[Any]] = summarizer.summarize_many if name == "summaries" else summarizer.texts
        histories = [_history(user) for user in range(users)]
        whole(histories[:2])
        seconds: dict[str, list[float]] = {"singly": [], "batch": []}
        results: dict[str, list[Any]] = {}
        for side in ("singly", "batch", "batch", "singly"):
            start = time.perf_counter()
            results[side] = (
                [one for history in histories for one in whole([history])] if side == "singly" else whole(histories)
            )
            seconds[side].append(time.perf_counter() - start)
        assert results["singly"] == results["batch"]
        return {side: statistics.mean(values) for side, values in seconds.items()} | {"peak": _peak()}

    return measured


MEASUREMENTS: dict[str, Callable[[Path, int, int], dict[str, float]]] = {
    "onnx": _one_summary(_sdk("onnx")),
    "generate": _one_summary(_generate),
    "transformers": _one_summary(_sdk("transformers")),
    "summaries": _many("summaries"),
    "texts": _many("texts"),
}


def _history(user: int) -> list[Signal]:
    """Eight signals of several kinds."""
    draw = random.Random(user)

    def answer() -> str:
        return " ".join(draw.choices(_SENTENCES, k=draw.randrange(2, 25)))

    pairs = [PreferencePair(f"Question {number}?", f"Yes. {answer()}", f"No. {answer()}") for number in range(4)]
    ratings = [Rating(f"Why {number}?", answer(), liked=draw.random() < 0.5) for number in range(2)]
    return [*pairs, *ratings, *(Statement(words) for words in draw.sample(_SAID, 2))]


def _never_ending(directory: Path, copy: Path) -> Path:
    """A copy whose runtime knows no token that ends a text, so that both forms write as many."""
    shutil.copytree(directory, copy)
    settings = copy / ONNX / "genai_config.json"
    found = json.loads(settings.read_text("utf-8"))
    found["model"]["eos_token_id"] = [found["model"]["vocab_size"] - 1]
    settings.write_text(json.dumps(found), encoding="utf-8")
    return copy


def _in_a_process(name: str, directory: Path, threads: int, users: int) -> dict[str, float]:
    options = ["--measure", name, "--threads", str(threads), "--users", str(users)]
    command = [sys.executable, "-W", "ignore", "-m", "benchmarks.embedded_speed", str(directory), *options]
    environment = os.environ | {"OMP_NUM_THREADS": str(threads), "ORT_DISABLE_TELEMETRY": "1"}
    done = subprocess.run(command, env=environment, stdout=subprocess.PIPE, text=True, check=True)
    return dict(json.loads(done.stdout))


def _peak() -> float:
    """The most memory this process has had, in MB."""
    unit = 1 if sys.platform == "darwin" else 1_024  # what ru_maxrss counts in
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 1e6


def _median(rows: list[dict[str, float]], name: str) -> float:
    return statistics.median(row[name] for row in rows)


if __name__ == "__main__":
    main()
