"""One question to the proxy by each vendor's own client, in each of the proxy's ways to answer."""
# ruff: noqa: TID253 - vendors' packages are what is tested here

from __future__ import annotations

import contextlib
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import anthropic
import openai

from tests.proxy.running import KEYS

OPENAI_MODEL, ANTHROPIC_MODEL = "gpt-4o-mini", "claude-sonnet-4-6"
WAYS = tuple((route, streamed) for route in ("chat", "responses", "messages") for streamed in (False, True))


@dataclass(frozen=True)
class Answer:
    """What came back for one question."""

    text: str
    headers: dict[str, str]
    seconds: float

    @property
    def status(self) -> str:
        return self.headers["x-popi-status"]

    @property
    def version(self) -> int:
        return int(self.headers["x-popi-summary-version"])


class Team:
    """An app of one team, with one client of each vendor."""

    def __init__(self, url: str, team: str) -> None:
        self.openai = openai.AsyncOpenAI(base_url=f"{url}/v1", api_key=KEYS[team], max_retries=0, timeout=60)
        self.anthropic = anthropic.AsyncAnthropic(base_url=url, api_key=KEYS[team], max_retries=0, timeout=60)

    async def ask(
        self, route: str, question: str, user: str | None, *, streamed: bool = False, model: str = "", **metadata: Any
    ) -> Answer:
        """Ask `question` for end user `user`; `metadata` travels as the route's metadata."""
        start = time.perf_counter()
        if route == "messages":
            text, headers = await self._messages(question, user, streamed, model or ANTHROPIC_MODEL, metadata)
        else:
            create = self.openai.chat.completions if route == "chat" else self.openai.responses
            given: dict[str, Any] = {"input": question}
            if route == "chat":
                given = {"messages": [{"role": "system", "content": "Be kind."}, {"role": "user", "content": question}]}
            raw: Any = await create.with_raw_response.create(
                model=model or OPENAI_MODEL,
                stream=streamed,
                **given,
                **({"user": user} if user is not None else {}),
                **({"metadata": metadata} if metadata else {}),
            )
            headers = dict(raw.headers)
            text = await _text(raw.parse(), streamed)
        return Answer(text, headers, time.perf_counter() - start)

    async def _messages(
        self, question: str, user: str | None, streamed: bool, model: str, metadata: dict[str, Any]
    ) -> tuple[str, dict[str, str]]:
        told = metadata | ({"user_id": user} if user is not None else {})
        raw: Any = await self.anthropic.messages.with_raw_response.create(
            model=model,
            max_tokens=100,
            system="Be kind.",
            messages=[{"role": "user", "content": question}],
            stream=streamed,
            **({"metadata": told} if told else {}),
        )
        return await _text(await raw.parse(), streamed), dict(raw.headers)


@contextlib.asynccontextmanager
async def teams(url: str) -> AsyncIterator[dict[str, Team]]:
    """Both teams' apps, whose connections end before their event loop does."""
    both = {name: Team(url, name) for name in KEYS}
    try:
        yield both
    finally:
        for team in both.values():
            await team.openai.close()
            await team.anthropic.close()


async def _text(answer: Any, streamed: bool) -> str:
    if not streamed:
        return _whole(answer)
    return "".join([_piece(event) async for event in answer])


def _whole(answer: Any) -> str:
    if hasattr(answer, "choices"):
        return answer.choices[0].message.content
    return answer.output_text if hasattr(answer, "output_text") else answer.content[0].text


def _piece(event: Any) -> str:
    if hasattr(event, "choices"):
        return (event.choices[0].delta.content or "") if event.choices else ""
    delta = getattr(event, "delta", "")
    return delta if isinstance(delta, str) else getattr(delta, "text", None) or ""
