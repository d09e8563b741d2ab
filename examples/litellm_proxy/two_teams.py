"""Two apps of two teams behind one proxy; both have a user "ada", and neither app knows of POPI.

Start the proxy first (start.sh), then: python two_teams.py
"""
# ruff: noqa: TID253 - an app behind the proxy, with its vendors' own clients

from __future__ import annotations

import os

import anthropic
import openai

URL = os.environ.get("PROXY_URL", "http://127.0.0.1:4000")
ALPHA, BETA = (os.environ.get(f"{team}_KEY", f"sk-{team.lower()}-for-trying-out") for team in ("ALPHA", "BETA"))
QUESTION = "Why do leaves change colour in autumn?"

alpha = openai.OpenAI(base_url=f"{URL}/v1", api_key=ALPHA)
beta = anthropic.Anthropic(base_url=URL, api_key=BETA)


def ask_alpha(signals: list[object]) -> None:
    """Team alpha uses OpenAI's client; feedback goes back as metadata of any call."""
    raw = alpha.chat.completions.with_raw_response.create(
        model="gpt-4o-mini",
        user="ada",
        messages=[{"role": "user", "content": QUESTION}],
        metadata={"popi_signals": signals} if signals else {},  # type: ignore[dict-item]
    )
    _show("alpha", dict(raw.headers), raw.parse().choices[0].message.content or "")


def ask_beta() -> None:
    """Team beta uses Anthropic's client and has told nothing about its own ada."""
    raw = beta.messages.with_raw_response.create(
        model="claude-sonnet-4-6",
        max_tokens=500,
        messages=[{"role": "user", "content": QUESTION}],
        metadata={"user_id": "ada"},
    )
    _show("beta", dict(raw.headers), next(part.text for part in raw.parse().content if part.type == "text"))


def _show(team: str, headers: dict[str, str], answer: str) -> None:
    told = {name: value for name, value in headers.items() if name.startswith("x-popi-")}
    print(f"{team}: {told}\n{answer}\n")


if __name__ == "__main__":
    ask_alpha([])
    ask_alpha(["Use bullet lists.", {"prompt": QUESTION, "response": "Chlorophyll breaks down.", "liked": True}])
    ask_alpha([])
    ask_beta()
