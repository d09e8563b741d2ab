"""How much of what is private `popi_sdk.privacy` finds, what it takes for private and is not, and how long it takes.

    python -m benchmarks.redaction [--half tune|test] [--misses] [--file tests/private.jsonl]

Each line of the file holds a text, how much of each kind is in it (nothing for a harmless look-alike), and its half:
rules were written with the half "tune" in view, the half "test" was kept apart. `--misses` shows the texts of the half
"tune" that were not redacted as they should be.
"""

from __future__ import annotations

import argparse
import json
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from popi_sdk.privacy import redact

FILE = Path(__file__).resolve().parent.parent / "tests" / "private.jsonl"
REPEATS = 20
LONG = 100_000


def read(file: Path) -> list[dict[str, Any]]:
    """The lines of the file."""
    return [json.loads(line) for line in file.read_text(encoding="utf-8").split("\n") if line.strip()]


def table(lines: Sequence[dict[str, Any]]) -> str:
    """Recall by kind, findings of another kind, and false alarms in texts that hold nothing private."""
    meant: Counter[str] = Counter()
    found: Counter[str] = Counter()
    too_many: Counter[str] = Counter()
    alarms: Counter[str] = Counter()
    texts_with_alarm = harmless = 0
    for line in lines:
        kinds, counts = Counter(line["kinds"]), Counter(redact(line["text"]).counts)
        meant += kinds
        found += kinds & counts
        if kinds:
            too_many += counts - kinds
        else:
            harmless += 1
            texts_with_alarm += bool(counts)
            alarms += counts
    rows = [
        f"  {kind:<12} {found[kind]:>4} of {meant[kind]:>4}  {found[kind] / meant[kind]:7.1%}" for kind in sorted(meant)
    ]
    total = sum(meant.values())
    if total:
        rows.append(f"  {'all':<12} {sum(found.values()):>4} of {total:>4}  {sum(found.values()) / total:7.1%}")
    rows.append(f"  harmless texts with a finding: {texts_with_alarm} of {harmless} {dict(alarms)}")
    rows.append(f"  more found than is there, in texts that hold something: {dict(too_many)}")
    return "\n".join(rows)


def misses(lines: Sequence[dict[str, Any]]) -> str:
    """Each text whose findings are not those it holds."""
    wrong = [(line, redact(line["text"])) for line in lines]
    return "\n".join(
        f"{line['kinds']} -> {dict(redacted.counts)}\n    {line['text']!r}\n    {redacted.text!r}"
        for line, redacted in wrong
        if dict(redacted.counts) != line["kinds"]
    )


def speed(lines: Sequence[dict[str, Any]]) -> str:
    """Microseconds for a text, after the libraries have been imported, and seconds for a long text of all of them."""
    texts = [line["text"] for line in lines]
    private = [line["text"] for line in lines if line["kinds"]]
    words = ["Short answers, please: no preamble, and name the source of each claim."]
    rows = []
    for name, some in (("of the file", texts), ("with something private", private), ("of plain words", words)):
        times = sorted(_microseconds(text) for text in some)
        rows.append(f"  texts {name}: median {times[len(times) // 2]:.0f} us, longest {times[-1]:.0f} us")
    joined = "\n".join(texts)
    long = (joined * (LONG // len(joined) + 1))[:LONG]
    start = time.perf_counter()
    redact(long)
    rows.append(f"  {LONG:,} characters of all of them: {time.perf_counter() - start:.2f} s")
    return "\n".join(rows)


def _microseconds(text: str) -> float:
    start = time.perf_counter()
    for _ in range(REPEATS):
        redact(text)
    return (time.perf_counter() - start) / REPEATS * 1e6


def main() -> None:
    """Print what was asked for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--file", type=Path, default=FILE)
    parser.add_argument("--half", choices=("tune", "test"))
    parser.add_argument("--misses", action="store_true")
    given = parser.parse_args()
    lines = read(given.file)
    for half in (given.half,) if given.half else ("tune", "test"):
        chosen = [line for line in lines if line["half"] == half]
        print(f"{half}: {len(chosen)} texts\n{table(chosen)}")
    tune = [line for line in lines if line["half"] == "tune"]
    if given.misses:
        print(misses(tune))
    print(speed(tune))


if __name__ == "__main__":
    main()
