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
import struct
import subprocess
import sys
import threading
from collections import deque
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from popi_sdk.model_spec import ModelSpec
from tests import provider_shapes as shapes
from tests.provider_shapes import Said, ToolCall

KEY = "sk-loopback-7f3a9c51e2"
"""The key `model_spec` sends; error bodies repeat it, as providers do, so tests can look for it."""
KEY_VARIABLE = "POPI_LOOPBACK_KEY"


@dataclass
class Request:
    """One request as the server saw it."""

    path: str
    headers: dict[str, str]
    body: dict[str, Any]
    provider: str
    closed_early: threading.Event = field(default_factory=threading.Event)
    """Set when the client went away before the reply was complete."""

    @property
    def system(self) -> str:
        """The text of the request's system part, wherever the provider keeps it."""
        parts = [self.body.get("system")] + [
            message["content"] for message in self.body["messages"] if message["role"] in ("system", "developer")
        ]
        return "\n".join(_text(part) for part in parts if part)


def _text(content: str | list[dict[str, Any]]) -> str:
    return content if isinstance(content, str) else "\n".join(part["text"] for part in content if "text" in part)


class Connection:
    """The server's end of one connection, as replies see it."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, request: Request) -> None:
        self.reader, self.writer, self.request = reader, writer, request
        self.keep_alive = request.headers.get("connection", "").lower() != "close"

    async def send(self, data: bytes) -> None:
        self.writer.write(data)
        await self.writer.drain()

    async def send_whole(self, status: int, body: bytes, content_type: str, headers: dict[str, str]) -> None:
        lines = {"content-type": content_type, "content-length": str(len(body)), **headers}
        await self.send(_head(status, lines) + body)

    async def send_json(self, body: Any) -> None:
        await self.send_whole(200, json.dumps(body).encode(), "application/json", {})

    async def open_stream(self) -> None:
        await self.send(_head(200, {"content-type": "text/event-stream", "transfer-encoding": "chunked"}))

    async def send_event(self, event: bytes) -> None:
        await self.send(b"%x\r\n%s\r\n" % (len(event), event))

    async def end_stream(self) -> None:
        await self.send(b"0\r\n\r\n")

    async def wait(self, seconds: float) -> None:
        """Sleep, but notice a client that goes away meanwhile (ConnectionResetError)."""
        try:
            gone = await asyncio.wait_for(self.reader.read(1), seconds) == b""
        except TimeoutError:
            return
        if gone:
            raise ConnectionResetError

    def break_off(self) -> None:
        """Close without another word."""
        self.keep_alive = False

    def reset(self) -> None:
        """Close so that the client gets an RST."""
        self.keep_alive = False
        linger = struct.pack("ii", 1, 0)
        self.writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
        self.writer.transport.abort()


Reply = Callable[[Connection], Awaitable[None]]


def ok(text: str = "Hello from the loopback.", *, tool_calls: tuple[ToolCall, ...] = (), pause: float = 0) -> Reply:
    """An answer, streamed when the request asks for it; `pause` seconds before it and between its pieces."""
    said = Said(text, tool_calls)

    async def reply(connection: Connection) -> None:
        if pause:
            await connection.wait(pause)
        request = connection.request
        if not request.body.get("stream"):
            await connection.send_json(shapes.whole(request.provider, request.body["model"], said))
            return
        await connection.open_stream()
        for event in shapes.events(request.provider, request.body["model"], said, request.body):
            await connection.send_event(event)
            if pause:
                await connection.wait(pause)
        await connection.end_stream()

    return reply


def tool_call(name: str, arguments: dict[str, Any], text: str = "") -> Reply:
    """An answer that calls a tool."""
    return ok(text, tool_calls=(ToolCall(name, arguments),))


def status(code: int, body: Any = None, headers: dict[str, str] | None = None) -> Reply:
    """An HTTP error in the provider's shape; without a `body` it repeats the key and the prompt, as providers do."""

    async def reply(connection: Connection) -> None:
        request = connection.request
        shown = body if body is not None else shapes.error(request.provider, code, _indiscreet(request))
        data = shown.encode() if isinstance(shown, str) else json.dumps(shown).encode()
        await connection.send_whole(code, data, "application/json", headers or {})

    return reply


def too_long() -> Reply:
    """A 400 that says, in the provider's own words, that the request is too long."""

    async def reply(connection: Connection) -> None:
        data = json.dumps(shapes.too_long(connection.request.provider)).encode()
        await connection.send_whole(400, data, "application/json", {})

    return reply


def malformed_json(text: str = '{"id": "chatcmpl-1", "choices": [{"mess') -> Reply:
    """A 200 whose JSON does not parse, or is of a shape nobody expects."""
    return _raw(text, "application/json")


def wrong_content_type() -> Reply:
    """A 200 with a web page, as proxies and captive portals send it."""
    return _raw("<html><body><h1>Welcome</h1>Please sign in.</body></html>", "text/html; charset=utf-8")


def reset() -> Reply:
    """The connection is reset before any answer."""

    async def reply(connection: Connection) -> None:
        connection.reset()

    return reply


def cut(after: int, *, politely: bool = False, text: str = "One two three four five six.") -> Reply:
    """A stream that ends after some events: in the middle of the transfer, or politely, as if it were complete."""

    async def reply(connection: Connection) -> None:
        request = connection.request
        await connection.open_stream()
        for event in list(shapes.events(request.provider, request.body["model"], Said(text), request.body))[:after]:
            await connection.send_event(event)
        if politely:
            await connection.end_stream()
        else:
            connection.break_off()

    return reply


def stream_error(after: int = 3) -> Reply:
    """A stream in which the provider reports an error of its own after some events, as when it is overloaded."""

    async def reply(connection: Connection) -> None:
        request = connection.request
        await connection.open_stream()
        said = Said("One two three four five six.")
        for event in list(shapes.events(request.provider, request.body["model"], said, request.body))[:after]:
            await connection.send_event(event)
        await connection.send_event(shapes.error_event(request.provider, _indiscreet(request)))
        await connection.end_stream()

    return reply


def hang(seconds: float, then: Reply | None = None) -> Reply:
    """Silence, and then an answer or nothing."""

    async def reply(connection: Connection) -> None:
        await connection.wait(seconds)
        await (then or ok())(connection)

    return reply


def _raw(text: str, content_type: str) -> Reply:
    async def reply(connection: Connection) -> None:
        await connection.send_whole(200, text.encode(), content_type, {})

    return reply


def _indiscreet(request: Request) -> str:
    key = request.headers.get("x-api-key") or request.headers.get("authorization", "")
    return f"Something is wrong with key {key} and input {json.dumps(request.body.get('messages'))}"


def _head(status: int, headers: dict[str, str]) -> bytes:
    lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    return f"HTTP/1.1 {status} Whatever\r\n{lines}\r\n".encode("latin-1")


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

        def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            task = asyncio.ensure_future(self._connection(reader, writer))
            tasks.add(task)
            task.add_done_callback(tasks.discard)

        server = await asyncio.start_server(connected, "127.0.0.1", self._port, backlog=1024, limit=2**24)
        self._port = server.sockets[0].getsockname()[1]
        self._ready.set()
        await self._stop.wait()
        server.close()
        for task in list(tasks):
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

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
def loopback(monkeypatch: pytest.MonkeyPatch) -> Iterator[LoopbackServer]:
    """A loopback server, with the key its models use."""
    monkeypatch.setenv(KEY_VARIABLE, KEY)
    with LoopbackServer() as server:
        yield server


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
