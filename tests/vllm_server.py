"""A server with vLLM's HTTP interface on this machine, around anything that samples.

    with VllmLookalike(base, engine) as server:
        VllmServer(server.url)

It answers and refuses as `vllm serve` does in vllm/entrypoints/openai: an adapter is read when it is loaded and not
again, a name is loaded once, an unknown one is 404, the likeliest tokens are written once, prompts are token ids.
"""

from __future__ import annotations

import json
import threading
from collections import deque
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Protocol

Sampled = list[list[int]]
Change = Callable[[Any], tuple[int, Any]]


class Adapter(Protocol):
    """An adapter in the server's memory."""

    def sample(self, body: dict[str, Any]) -> Sampled:
        """Token ids of each continuation that a request asks for."""
        ...


class VllmLookalike:
    """The server, in threads of this process."""

    def __init__(self, base: str, load: Callable[[Path], Adapter]) -> None:
        self.base = base
        self.load = load
        self.adapters: dict[str, tuple[Path, Adapter]] = {}
        self.loaded: list[str] = []
        self.unloaded: list[str] = []
        self.bodies: list[dict[str, Any]] = []
        self.headers: list[dict[str, str]] = []
        self.faults: deque[tuple[str, Change | None]] = deque()
        """Path, and what becomes of the next answer there; None breaks the connection after the work is done."""
        self._alone = threading.Lock()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._server.daemon_threads = False
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02})

    @property
    def url(self) -> str:
        """`http://127.0.0.1:port`."""
        return f"http://127.0.0.1:{self._server.server_port}"

    def __enter__(self) -> VllmLookalike:
        self._thread.start()
        return self

    def __exit__(self, *exc: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def restart(self) -> None:
        """Forget everything but the base, as a server does that is started anew."""
        self.adapters.clear()

    def answer(self, path: str, body: dict[str, Any]) -> tuple[int, Any]:
        """Status and content, as vLLM would have them."""
        if path == "/v1/models":
            return 200, {"object": "list", "data": self._cards()}
        if path == "/v1/load_lora_adapter":
            return self._load(body["lora_name"], Path(body["lora_path"]))
        if path == "/v1/unload_lora_adapter":
            if self.adapters.pop(body["lora_name"], None) is None:
                return _error(404, f"The lora adapter '{body['lora_name']}' cannot be found.")
            self.unloaded.append(body["lora_name"])
            return 200, f"Success: LoRA adapter '{body['lora_name']}' removed successfully."
        if path == "/v1/completions":
            return self._complete(body)
        return 404, {"detail": "Not Found"}

    def _cards(self) -> list[dict[str, Any]]:
        adapters = {name: (str(place), self.base) for name, (place, _) in self.adapters.items()}
        known = {"served-name": (self.base, None), **adapters}
        return [{"id": name, "object": "model", "root": root, "parent": up} for name, (root, up) in known.items()]

    def _load(self, name: str, place: Path) -> tuple[int, Any]:
        if name in self.adapters:
            return _error(400, f"The lora adapter '{name}' has already been loaded.")
        try:
            adapter = self.load(place)
        except Exception as error:
            return _error(500, f"{type(error).__name__}: {error}")
        self.adapters[name] = (place, adapter)
        self.loaded.append(name)
        return 200, f"Success: LoRA adapter '{name}' added successfully."

    def _complete(self, body: dict[str, Any]) -> tuple[int, Any]:
        self.bodies.append(body)
        if body["model"] not in self.adapters:
            return _error(404, f"The model `{body['model']}` does not exist.")
        if body["temperature"] == 0 and body["n"] > 1:
            return _error(400, f"n must be 1 when using greedy sampling, got {body['n']}.")
        rows = self.adapters[body["model"]][1].sample(body)
        choices = [
            {
                "index": index,
                "text": "",
                "finish_reason": "stop" if row[-1] in body["stop_token_ids"] else "length",
                "token_ids": row if body.get("return_token_ids") else None,
            }
            for index, row in enumerate(rows)
        ]
        return 200, {"object": "text_completion", "model": body["model"], "choices": choices}

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self._reply({})

            def do_POST(self) -> None:
                self._reply(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))

            def _reply(self, body: dict[str, Any]) -> None:
                with outer._alone:
                    outer.headers.append(dict(self.headers))
                    status, content = outer.answer(self.path, body)
                    if outer.faults and outer.faults[0][0] == self.path:
                        change = outer.faults.popleft()[1]
                        if change is None:
                            return
                        status, content = change(content)
                text = content if isinstance(content, str) else json.dumps(content)
                self.send_response(status)
                self.end_headers()
                self.wfile.write(text.encode("utf-8"))

            def log_message(self, *_: object) -> None:
                pass

        return Handler


def _error(status: int, message: str) -> tuple[int, Any]:
    return status, {"error": {"message": message, "type": "BadRequestError", "code": status}}
