"""A LiteLLM proxy in a process of its own, started and configured as in `examples/litellm_proxy`."""

from __future__ import annotations

import contextlib
import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).resolve().parent.parent.parent
EXAMPLE = ROOT / "examples" / "litellm_proxy"
SPY = Path(__file__).with_name("spy.py")
KEYS = {"alpha": "sk-alpha-0f3b8c", "beta": "sk-beta-77d21e"}
START_SECONDS = 100


@dataclass(frozen=True)
class Proxy:
    """A running proxy."""

    url: str
    log: Path
    spied: Path
    process: subprocess.Popen[bytes]


@contextlib.contextmanager
def proxy(folder: Path, upstream: str, store: str, *, hooked: bool = True, spied: bool = False) -> Iterator[Proxy]:
    """A proxy that sends on to `upstream`; `hooked=False` leaves POPI's line out, `spied` adds a logging callback."""
    folder.mkdir(parents=True, exist_ok=True)
    config: dict[str, Any] = yaml.safe_load((EXAMPLE / "config.yaml").read_text())
    if not hooked:
        del config["litellm_settings"]["callbacks"]
    if spied:
        shutil.copy(SPY, folder / "spy.py")
        config["litellm_settings"]["callbacks"] = [config["litellm_settings"]["callbacks"], "spy.hook"]
    for name in ("custom_auth.py", "start.sh"):
        shutil.copy(EXAMPLE / name, folder)
    (folder / "config.yaml").write_text(yaml.safe_dump(config))
    port = _free_port()
    log = folder / "proxy.log"
    with log.open("wb") as file:
        process = subprocess.Popen(
            [folder / "start.sh"],
            env=_environment(folder, upstream, store) | {"PORT": str(port)},
            stdout=file,
            stderr=file,
        )
    try:
        running = Proxy(f"http://127.0.0.1:{port}", log, folder / "spied", process)
        _wait_for(running)
        yield running
    finally:
        process.terminate()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _environment(folder: Path, upstream: str, store: str) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("POPI_", "LITELLM_"))}
    return {
        **kept,
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        "PYTHONPATH": str(ROOT),
        "POPI_STORE": store,
        "POPI_SUMMARIZER": "contrast",
        "OPENAI_API_KEY": "sk-upstream",
        "OPENAI_BASE_URL": f"{upstream}/openai/v1",
        "ANTHROPIC_API_KEY": "sk-upstream",
        "ANTHROPIC_API_BASE": f"{upstream}/anthropic",
        "ALPHA_KEY": KEYS["alpha"],
        "BETA_KEY": KEYS["beta"],
        "SPY_FILE": str(folder / "spied"),
        "NO_PROXY": "127.0.0.1",
    }


def _wait_for(running: Proxy) -> None:
    give_up_at = time.monotonic() + START_SECONDS
    while time.monotonic() < give_up_at and running.process.poll() is None:
        with contextlib.suppress(OSError, urllib.error.URLError):
            urllib.request.urlopen(f"{running.url}/health/liveliness", timeout=1).close()
            return
        time.sleep(0.1)
    raise RuntimeError(running.log.read_text()[-4000:])


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
