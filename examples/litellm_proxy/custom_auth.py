"""Which team a key belongs to, from ALPHA_KEY and BETA_KEY; with LiteLLM's own database of keys this is not needed."""
# ruff: noqa: TID253, ARG001 - loaded by the proxy, which passes both arguments

from __future__ import annotations

import hmac
import os

from fastapi import Request
from litellm.proxy._types import ProxyErrorTypes, ProxyException, UserAPIKeyAuth

TEAMS = {team: os.environ[f"{team.upper()}_KEY"] for team in ("alpha", "beta")}


async def user_api_key_auth(request: Request, api_key: str) -> UserAPIKeyAuth:
    """The team behind `api_key`; LiteLLM answers 500 to every error that is not its own."""
    for team, key in TEAMS.items():
        if hmac.compare_digest(api_key.encode(), key.encode()):
            return UserAPIKeyAuth(api_key=api_key, team_id=team)
    raise ProxyException("No team has this key.", type=ProxyErrorTypes.auth_error, param="api_key", code=401)
