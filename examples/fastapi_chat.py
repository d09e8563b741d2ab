"""A chat service that answers each user the way that user likes to be answered.

    uvicorn examples.fastapi_chat:app        # settings from popi.toml and POPI_* variables
    python examples/fastapi_chat.py          # a short visit with a fake model, nothing is sent

Put your own sign-in in place of the user id in the path.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import asdict
from typing import Any

from fastapi import FastAPI, HTTPException
from fastapi.responses import JSONResponse, StreamingResponse
from pydantic import BaseModel

from popi_sdk import AsyncPopi, PopiError, SignalError


class Chat(BaseModel):
    messages: list[dict[str, Any]]


class Words(BaseModel):
    text: str | None


def create_app(popi: AsyncPopi) -> FastAPI:
    @asynccontextmanager
    async def closing(_: FastAPI) -> AsyncIterator[None]:
        async with popi:
            yield

    app = FastAPI(lifespan=closing)

    @app.exception_handler(PopiError)
    async def explain(_: Any, error: PopiError) -> JSONResponse:
        status = 422 if isinstance(error, SignalError) else 502
        return JSONResponse({"error": error.message, "hint": error.hint}, status)

    @app.post("/users/{user_id}/chat")
    async def chat(user_id: str, chat: Chat) -> dict[str, Any]:
        reply = await popi.personalize(chat.messages, user_id=user_id)
        return {"message": reply.message, "summary": reply.summary.text, "status": reply.status}

    @app.post("/users/{user_id}/chat/stream")
    async def chat_stream(user_id: str, chat: Chat) -> StreamingResponse:
        stream = popi.stream(chat.messages, user_id=user_id)
        await stream.begin()  # a failure before the first piece is still an error response
        return StreamingResponse(aiter(stream), media_type="text/plain")

    @app.post("/users/{user_id}/feedback")
    async def feedback(user_id: str, signal: dict[str, Any]) -> dict[str, list[str]]:
        return {"ids": [kept.id for kept in await popi.observe(user_id, signal)]}

    @app.get("/users/{user_id}/profile")
    async def show(user_id: str) -> dict[str, Any]:
        profile = await popi.profile(user_id)
        return {"signals": profile.signal_count, "clauses": [asdict(clause) for clause in profile.summary.clauses]}

    @app.put("/users/{user_id}/profile")
    async def edit(user_id: str, words: Words) -> dict[str, str]:
        return {"summary": (await popi.edit(user_id, words.text)).text}

    @app.delete("/users/{user_id}/profile")
    async def forget(user_id: str, signal_id: str | None = None) -> dict[str, int]:
        erased = await popi.forget(user_id, signal_id)
        if signal_id is not None and not erased:
            raise HTTPException(404, "There is no such signal.")
        return {"erased": erased}

    return app


app = create_app(AsyncPopi())


async def visit() -> None:
    import httpx

    from popi_sdk.testing import FakeBackend

    popi = AsyncPopi(store="memory", backend=FakeBackend(default="Green fades, so yellow shows."))
    transport = httpx.ASGITransport(create_app(popi))
    async with popi, httpx.AsyncClient(transport=transport, base_url="http://app/users/ada") as client:
        await client.post("/feedback", json={"text": "Short answers, please."})
        question = {"messages": [{"role": "user", "content": "Why do leaves change colour?"}]}
        print("chat:   ", (await client.post("/chat", json=question)).json())
        print("stream: ", (await client.post("/chat/stream", json=question)).text)
        print("edit:   ", (await client.put("/profile", json={"text": "Answer in French."})).json())
        print("profile:", (await client.get("/profile")).json())
        print("forget: ", (await client.delete("/profile")).json())


if __name__ == "__main__":
    asyncio.run(visit())
