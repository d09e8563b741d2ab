"""A provider on this machine: speaks the HTTP of OpenAI, Anthropic, Mistral, DeepSeek and vLLM, and fails on demand.

    with LoopbackServer() as server:
        server.replies.append(status(500))                  # one reply per request, in order; then the default
        backend.complete(messages, server.model_spec("openai/gpt-4o-mini"), ...)
        server.requests[0].body["messages"]

`python -m tests.loopback --port 8123` serves from a process of its own, as benchmarks need it; there a reply comes
from the default only. One event loop in one thread serves hundreds of connections.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import socket
import subprocess
import sys
import threading
from collections import deque
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest

from popi_sdk.backend.model_spec import ModelSpec
from tests import provider_shapes as shapes
from tests.replies import (
    Connection,
    Reply,
    Request,
    cut,
    hang,
    malformed_json,
    ok,
    reset,
    status,
    stream_error,
    too_long,
    tool_call,
    wrong_content_type,
)

__all__ = [
    "KEY",
    "KEY_VARIABLE",
    "Connection",
    "LoopbackServer",
    "Reply",
    "Request",
    "api_base",
    "cut",
    "hang",
    "loopback",
    "loopback_process",
    "malformed_json",
    "ok",
    "reset",
    "status",
    "stream_error",
    "too_long",
    "tool_call",
    "wrong_content_type",
]

KEY = "sk-loopback-7f3a9c51e2"
"""The key `model_spec` sends; error bodies repeat it, as providers do, so tests can look for it."""
KEY_VARIABLE = "POPI_LOOPBACK_KEY"


class LoopbackServer:
    """The server, in a thread of this process."""

    def __init__(self, port: int = 0) -> None:
        self.replies: deque[Reply] = deque()
        self.default: Reply = ok()
        self.requests: list[Request] = []
        self.recording = True
        self.connections = 0
        self._port = port
        self._loop = asyncio.new_event_loop()
        self._ready = threading.Event()
        self._thread = threading.Thread(target=self._run, name="loopback", daemon=True)

    @property
    def url(self) -> str:
        """`http://127.0.0.1:port`."""
        return f"http://127.0.0.1:{self._port}"

    def model_spec(self, name: str) -> ModelSpec:
        """The model as config would give it, pointed at this server in the form its provider wants."""
        return ModelSpec(name, api_base=api_base(self.url, name), api_key_env=KEY_VARIABLE)

    def __enter__(self) -> LoopbackServer:
        self._thread.start()
        self._ready.wait(10)
        return self

    def __exit__(self, *exc: object) -> None:
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join(10)

    def _run(self) -> None:
        with contextlib.suppress(asyncio.CancelledError):
            self._loop.run_until_complete(self.serve())
        self._loop.close()

    async def serve(self) -> None:
        """Answer until stopped."""
        self._stop = asyncio.Event()
        tasks: set[asyncio.Task[None]] = set()
        writers: set[asyncio.StreamWriter] = set()

        def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            task = asyncio.ensure_future(self._connection(reader, writer))
            tasks.add(task)
            writers.add(writer)
            task.add_done_callback(tasks.discard)

        server = await asyncio.start_server(connected, "127.0.0.1", self._port, backlog=1024, limit=2**24)
        self._port = server.sockets[0].getsockname()[1]
        self._ready.set()
        await self._stop.wait()
        server.close()
        for task in list(tasks):
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        for writer in writers:
            writer.transport.abort()
        await asyncio.sleep(0.01)  # closing takes a turn of the loop; a socket left open warns in a later test

    async def _connection(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        writer.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)  # else 44 ms per call
        try:
            while (request := await _read_request(reader)) is not None:
                if self.recording:
                    self.requests.append(request)
                connection = Connection(reader, writer, request)
                reply = self.replies.popleft() if self.replies else self.default
                try:
                    await reply(connection)
                except ConnectionError:
                    request.closed_early.set()
                    return
                if not connection.keep_alive:
                    return
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()


async def _read_request(reader: asyncio.StreamReader) -> Request | None:
    try:
        head = await reader.readuntil(b"\r\n\r\n")
    except asyncio.IncompleteReadError:
        return None
    first, *lines = head.decode("latin-1").split("\r\n")
    headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines if line)}
    body = await reader.readexactly(int(headers.get("content-length", 0)))
    path = first.split(" ")[1]
    return Request(path, headers, json.loads(body) if body else {}, shapes.provider_of(path))


def api_base(url: str, name: str) -> str:
    """The address to give LiteLLM for a model on the server at `url`."""
    provider = name.partition("/")[0]
    if provider in ("openai", "hosted_vllm"):
        return f"{url}/{'openai' if provider == 'openai' and 'llama' not in name.lower() else 'local'}/v1"
    return f"{url}/{provider}"


@contextlib.contextmanager
def loopback_process() -> Iterator[str]:
    """The server in a process of its own, so that it does not share this one's interpreter lock; gives its url."""
    root = Path(__file__).resolve().parent.parent
    command = [sys.executable, "-m", "tests.loopback", "--port", "0"]
    with subprocess.Popen(command, cwd=root, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            yield process.stdout.readline().strip()
        finally:
            process.terminate()


@pytest.fixture
async def loopback(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[LoopbackServer]:
    """A loopback server, with the key its models use; LiteLLM's connections end before their event loop does."""
    monkeypatch.setenv(KEY_VARIABLE, KEY)
    with LoopbackServer() as server:
        yield server
        if "litellm" in sys.modules:
            await _close_connections(sys.modules["litellm"])


async def _close_connections(litellm: Any) -> None:
    """LiteLLM leaves this to the garbage collector, which warns of it."""
    await litellm.close_litellm_async_clients()
    cache = litellm.in_memory_llm_clients_cache
    for held in cache.cache_dict.values():
        client = getattr(held, "client", held)
        if not asyncio.iscoroutinefunction(close := getattr(client, "close", None)) and close is not None:
            close()
    cache.flush_cache()


def main() -> None:
    """Serve until terminated; prints the url."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int, default=0)
    server = LoopbackServer(parser.parse_args().port)
    server.recording = False
    with server:
        sys.stdout.write(f"{server.url}\n")
        sys.stdout.flush()
        server._thread.join()


if __name__ == "__main__":
    main()
