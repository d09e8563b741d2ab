"""Fixtures of the command line's tests."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from popi_sdk.cli import app
from tests.cli.calls import SIGNALS, Run


@pytest.fixture(autouse=True)
def clean_surroundings(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for variable in list(os.environ):
        if variable.endswith(("_API_KEY", "_API_BASE", "_BASE_URL", "POPI_CONFIG")):
            monkeypatch.delenv(variable)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("POPI_STORE", f"sqlite:///{tmp_path}/store.db")
    monkeypatch.setenv("POPI_SUMMARIZER", "contrast")  # some tests say in which words a summary comes


@pytest.fixture
def popi() -> Run:
    def run(*args: str, **rest: Any) -> Result:
        return CliRunner().invoke(app, list(args), **rest)

    return run


@pytest.fixture
def signals(tmp_path: Path) -> str:
    path = tmp_path / "signals.json"
    path.write_text(json.dumps(SIGNALS), "utf-8")
    return str(path)
