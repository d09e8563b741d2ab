"""Mistral's stateless Responses API, which older versions of its SDK do not have."""
# ruff: noqa: TID253 - loaded when a client of Mistral's is wrapped and has this API

from __future__ import annotations

from typing import Any

from mistralai.client.responses import Responses

from popi_sdk.integrations.mistral import PersonalPart


class PersonalResponses(PersonalPart, Responses):
    """`client.responses`."""

    _popi_route = "responses"
    _popi_turns = "input"

    def create(self, **request: Any) -> Any:
        """Answer, with the block of the client's user in the request."""
        return super().create(**self._now(request))

    async def create_async(self, **request: Any) -> Any:
        """Answer, with the block of the client's user in the request."""
        return await super().create_async(**await self._soon(request))

    def count_input_tokens(self, **request: Any) -> Any:
        """Count, with the block of the client's user in the request."""
        return super().count_input_tokens(**self._now(request))

    async def count_input_tokens_async(self, **request: Any) -> Any:
        """Count, with the block of the client's user in the request."""
        return await super().count_input_tokens_async(**await self._soon(request))
