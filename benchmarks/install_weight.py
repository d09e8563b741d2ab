"""What each way to install POPI weighs: `python -m benchmarks.install_weight [EXTRA ...]`.

Every row is a new virtual environment without pip, into which pip installs this project with one extra and without
compiling: the megabytes then on disk, and the distributions, POPI's own among them. Takes a package index and, with
`train`, several minutes.
"""

from __future__ import annotations

import argparse
import importlib.metadata
import subprocess
import sys
import tempfile
import tomllib
import venv
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
LEFT_OUT = ("dev",)
"""What only those who work on POPI install."""


@dataclass(frozen=True, slots=True)
class Weight:
    """One installation."""

    extra: str
    """Empty for none."""
    megabytes: float
    distributions: int


def weigh(extra: str) -> Weight:
    """Install POPI with one extra into a new environment and weigh that.

    Raises:
        subprocess.CalledProcessError: pip could not.
    """
    with tempfile.TemporaryDirectory(prefix="popi-weight-") as folder:
        venv.create(folder, with_pip=False)
        packages = next(Path(folder).glob("lib*/python*/site-packages"), Path(folder, "Lib", "site-packages"))
        before = _bytes(packages)
        named = f"{ROOT}[{extra}]" if extra else str(ROOT)
        pip = [sys.executable, "-m", "pip", "--python", folder, "install", "--quiet", "--no-compile", named]
        subprocess.run(pip, check=True, stderr=subprocess.DEVNULL)
        return Weight(extra, (_bytes(packages) - before) / 1e6, _distributions(packages))


def _bytes(folder: Path) -> int:
    return sum(path.lstat().st_size for path in folder.rglob("*") if path.is_file())


def _distributions(packages: Path) -> int:
    return sum(1 for _ in importlib.metadata.distributions(path=[str(packages)]))


def extras() -> list[str]:
    """The extras of the project, in the order they stand there, after none."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    return ["", *(name for name in project["optional-dependencies"] if name not in LEFT_OUT)]


def main(arguments: Sequence[str] | None = None) -> None:
    """Print a line for each extra as it is done."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("extra", nargs="*", help="only these")
    chosen = parser.parse_args(arguments).extra or extras()
    print("| install | MB on disk | distributions |\n|---|---|---|")
    for extra in chosen:
        weight = weigh(extra)
        name = f"popi-sdk[{extra}]" if extra else "popi-sdk"
        print(f"| `{name}` | {weight.megabytes:.0f} | {weight.distributions} |", flush=True)


if __name__ == "__main__":
    main()
