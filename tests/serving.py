"""Exported models behind a real server, `transformers serve`, in a process of its own on this machine.

with transformers_serve(folder) as server:                  # every exported directory that lies in `folder`
    Popi(summarizer={"name": "hosted_vllm/my-summarizer", "api_base": server.api_base, "exported": ...})
"""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from popi_sdk.render import render
from tests.exported import LONGEST, exported, said
from tests.tiny_models import save_tiny

_LONGEST_START = 60.0
_PAGES = (
    "--cb-num-blocks",
    "512",
    "--cb-block-size",
    "32",
    "--cb-max-batch-tokens",
    "1024",
)  # else it takes all memory
_IN_BATCHES = ("--continuous-batching", *_PAGES)

LEARNED = {
    f"Answer me in {number} words.": f"Keep answers under {number} words."
    for number in ("ten", "twenty", "thirty", "fifty", "sixty", "eighty")
} | {"Hello there, how are you?": "NOTHING"}
"""What a user said, and what the summarizer was taught to make of it."""


@dataclass(frozen=True, slots=True)
class Server:
    """A server that answers."""

    port: int
    process: subprocess.Popen[bytes]

    @property
    def api_base(self) -> str:
        """As config gives it."""
        return f"http://127.0.0.1:{self.port}/v1"

    def kill(self) -> None:
        """End it as the machine's lack of memory would."""
        self.process.kill()
        self.process.wait()


@contextmanager
def transformers_serve(folder: Path, *, in_batches: bool = False) -> Iterator[Server]:
    """Serve the models whose directories lie in `folder`, each by its directory's name, until the `with` ends."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    cache = folder / "hub"
    cache.mkdir(exist_ok=True)  # without one the list of models is a 500
    code = "from transformers.cli.transformers import main; main()"
    where = ("--host", "127.0.0.1", "--port", str(port), "--device", "cpu")
    command = [sys.executable, "-c", code, "serve", *where, *(_IN_BATCHES if in_batches else ())]
    environment = {**os.environ, "HF_HUB_OFFLINE": "1", "HF_HUB_CACHE": str(cache)}
    with (folder / f"serve-{port}.log").open("wb") as log:
        process = subprocess.Popen(command, cwd=folder, env=environment, stdout=log, stderr=log)
    try:
        _wait_for(port, process, Path(log.name))
        yield Server(port, process)
    finally:
        process.kill()
        process.wait()


def taught_summarizer(folder: Path) -> Path:
    """An exported summarizer that knows `LEARNED`, in `folder`/my-summarizer."""
    lessons = [(render(said(words), max_summary_tokens=LONGEST).messages, answer) for words, answer in LEARNED.items()]
    weights = save_tiny(folder / "weights", lessons=lessons, steps=90)
    return exported(weights, folder / "my-summarizer", onnx=False, check=()).out


def _wait_for(port: int, process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + _LONGEST_START
    while process.poll() is None and time.monotonic() < deadline:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/health", timeout=5):
                return
        except (urllib.error.URLError, ConnectionError, TimeoutError):
            time.sleep(0.1)
    raise AssertionError(f"transformers serve did not start:\n{log.read_text('utf-8', 'replace')[-3000:]}")
