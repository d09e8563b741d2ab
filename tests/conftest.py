"""Fixtures shared by all tests, and the switch that makes a forgotten live call fail."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from popi_sdk import api
from popi_sdk.config import KEYS
from tests import drivers
from tests.loopback import loopback  # noqa: F401
from tests.postgres import postgres_url  # noqa: F401

os.environ["POPI_NO_LIVE_CALLS"] = "1"
os.environ["HF_HUB_OFFLINE"] = "1"
os.environ.setdefault("OMP_NUM_THREADS", "1")  # two test processes share the cores; threads that wait would spin


LONGEST = ("test_refresh", "test_trainer_smoke", "test_trainer_distributed", "test_trainer_export")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Files that take longest begin first, so that no process waits for them at the end."""
    items.sort(key=lambda item: not item.nodeid.partition("::")[0].partition("tests/")[2].startswith(LONGEST))


@pytest.fixture(autouse=True)
def _no_settings_of_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    """Tests see the settings they make, not those of the shell they run in."""
    for key in KEYS:
        monkeypatch.delenv(f"POPI_{key.upper()}", raising=False)


@pytest.fixture
def contrast_by_default(monkeypatch: pytest.MonkeyPatch) -> None:
    """For tests that say in which words a summary comes: contrast writes it, whatever "auto" would take here."""
    monkeypatch.setenv("POPI_SUMMARIZER", "contrast")
    monkeypatch.setattr(api, "_client", None)  # one that was made before knows nothing of it


@pytest.fixture(params=["sync", "async"])
def clients(request: pytest.FixtureRequest) -> Iterator[drivers.Clients]:
    """Makes Popi clients, or AsyncPopi clients that look like them."""
    yield from drivers.clients(request.param)
