"""Two teams whose end users have the same ids and other summaries, and a crowd of requests from both."""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass

from popi_sdk import Popi
from popi_sdk.composer import block
from popi_sdk.summary import Clause, Summary
from popi_sdk.templates import default_templates
from tests.loopback import LoopbackServer
from tests.proxy.asking import WAYS, Answer, Team

USERS = tuple(f"user-{number}" for number in range(10))
FIELDS = {"alpha": "botany", "beta": "astronomy"}
OPENING = default_templates().borders[0]


def words_of(team: str, user: str) -> str:
    """What is known of an end user of one team."""
    return f"Give about {USERS.index(user) + 2} examples from {FIELDS[team]}."


def version_of(team: str, user: str) -> int:
    """The version of that summary; the teams' differ for every user."""
    return USERS.index(user) % 3 + (1 if team == "alpha" else 4)


def fill(store: str) -> None:
    """Give each end user of both teams a summary of the right version."""
    with Popi(store=store) as popi:
        for team in FIELDS:
            scoped = popi.scoped(f"team:{team}")
            for user in USERS:
                for draft in range(1, version_of(team, user)):
                    scoped.edit(user, f"{words_of(team, user)} Give {draft} counterexamples.")
                scoped.edit(user, words_of(team, user))


@dataclass(frozen=True)
class Asked:
    """One request of a crowd and its answer."""

    team: str
    user: str
    question: str
    answer: Answer

    @property
    def is_right(self) -> bool:
        """Whether the answer names the version of this team's user."""
        return self.answer.status == "applied" and self.answer.version == version_of(self.team, self.user)


async def crowd(teams: dict[str, Team], count: int, *, at_once: int) -> list[Asked]:
    """`count` requests, in turn from both teams, of all users, by all routes, streamed and not."""
    room = asyncio.Semaphore(at_once)

    async def one(number: int) -> Asked:
        team = "alpha" if number % 2 else "beta"
        user = USERS[number // 2 % len(USERS)]
        route, streamed = WAYS[number % 7 % len(WAYS)]
        question = f"Question {number}?"
        async with room:
            return Asked(team, user, question, await teams[team].ask(route, question, user, streamed=streamed))

    return await asyncio.gather(*map(one, range(count)))


def mixed_up(asked: list[Asked], upstream: LoopbackServer) -> list[str]:
    """The requests, as the provider received them, that hold a word of the other team's."""
    received = _received(upstream)
    others = {"alpha": FIELDS["beta"], "beta": FIELDS["alpha"]}
    return [received[each.question] for each in asked if others[each.team] in received[each.question]]


def not_as_told(asked: list[Asked], upstream: LoopbackServer) -> list[str]:
    """The requests, as the provider received them, that hold something else than their answer's headers say."""
    received = _received(upstream)
    wrong = []
    for each in asked:
        text = received[each.question]
        own = json.dumps(block(Summary(clauses=(Clause(words_of(each.team, each.user)),))))[1:-1]
        told = 1 if each.answer.status == "applied" else 0
        if (text.count(own), text.count(OPENING)) != (told, told):
            wrong.append(f"{each.answer.status}: {text}")
    return wrong


def _received(upstream: LoopbackServer) -> dict[str, str]:
    texts = [json.dumps(request.body) for request in upstream.requests]
    return {text[text.index("Question ") : text.index("?") + 1]: text for text in texts}
