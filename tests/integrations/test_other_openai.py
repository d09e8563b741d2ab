"""The same clients with the other major of openai, 2 or 3, whichever is not installed here: a second environment."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
import tomllib
import venv
from importlib.metadata import version
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
OF_OPENAI = "openai or azure or deepseek or vllm or subclass"
SUITE = ["test_conformance.py", "test_spellings.py", "test_wrapping.py"]
OTHER = 5 - int(version("openai").partition(".")[0])
"""LiteLLM allows openai 3 from 1.108 on, so which of the two is beside it depends on how old that is."""
NEEDED_BY_THE_SUITE = [f"openai>={OTHER},<{OTHER + 1}", "pytest", "pytest-asyncio", "pytest-timeout"]


def requirements() -> list[str]:
    """What POPI itself needs, without extras, and what runs the tests."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    return [*project["dependencies"], *NEEDED_BY_THE_SUITE]


def environment(cache: Path) -> Path:
    """The interpreter of an environment with the other openai; made anew when what is needed has changed."""
    named = hashlib.sha256("\n".join([sys.version, *requirements()]).encode()).hexdigest()[:16]
    folder = cache / named
    python = folder / "bin" / "python"
    complete = folder / "complete"
    if not complete.exists():
        venv.create(folder, with_pip=True, clear=True)
        command = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *requirements()]
        installed = subprocess.run(command, capture_output=True, text=True, check=False)
        if installed.returncode:
            pytest.skip(f"pip cannot install openai {OTHER} here: {installed.stderr.strip()[-300:]}")
        complete.touch()
    return python


@pytest.mark.timeout(900)
def test_everything_holds_with_the_other_openai(request) -> None:
    assert OTHER in (2, 3)
    python = environment(Path(request.config.cache.mkdir("other-openai")))
    used = subprocess.run(
        [str(python), "-c", "import openai; print(openai.__version__)"], capture_output=True, text=True, check=True
    )
    assert used.stdout.startswith(f"{OTHER}.")
    files = [str(ROOT / "tests" / "integrations" / name) for name in SUITE]
    command = [str(python), "-m", "pytest", "-q", "-o", "addopts=", "-p", "no:cacheprovider", "-k", OF_OPENAI, *files]
    settings = {name: value for name, value in os.environ.items() if not name.startswith(("PYTEST_", "COV_"))}
    run = subprocess.run(command, cwd=ROOT, env=settings, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stdout[-4000:] + run.stderr[-2000:]
    assert " passed" in run.stdout
