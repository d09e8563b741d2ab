"""What the loopback server can be told to do with a request: answer it, refuse it, or fail in one of many ways."""

from __future__ import annotations

import asyncio
import json
import socket
import struct
import threading
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

from tests import provider_shapes as shapes
from tests.provider_shapes import Said, ToolCall


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
