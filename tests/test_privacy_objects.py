"""Whatever a chat carries, the form of it that is stored holds nothing private."""

from __future__ import annotations

import json
from collections import deque
from dataclasses import dataclass
from decimal import Decimal
from enum import Enum
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import pytest
from pydantic import AnyUrl, BaseModel

from popi_sdk import Popi
from popi_sdk.privacy import Redactor
from popi_sdk.signals import Conversation

MAIL = "ada@example.org"
CARD = "4111111111111111"
HI = {"role": "user", "content": "Hi"}
KEY = "sk-proj-aB3dE5fG7hI9jK1lM3nO5pQ7rS9tU1vW3xY5"


class Part(BaseModel):
    type: str = "text"
    text: str


@dataclass
class Plain:
    text: str


class Choice(Enum):
    MAIL = MAIL


def redacted(chat: list[Any]) -> tuple[str, dict[str, int]]:
    """What is stored of a chat, and what was taken out of it."""
    found = Redactor().signals([Conversation(chat)])
    return json.dumps([signal.model_dump(mode="json") for signal in found.signals], ensure_ascii=False), {
        **found.counts
    }


OBJECTS = [
    Part(text=MAIL),
    Plain(MAIL),
    {MAIL},
    frozenset({MAIL}),
    deque([MAIL]),
    (MAIL, 1),
    MAIL.encode(),
    Path("/home") / MAIL,
    Choice.MAIL,
    AnyUrl(f"https://example.org/?mail={MAIL}"),
    {MAIL: 1},
    {"deep": [{"deeper": {MAIL: Part(text="x")}}]},
]


@pytest.mark.parametrize("value", OBJECTS, ids=lambda value: type(value).__name__)
@pytest.mark.parametrize("inside", [False, True], ids=["beside", "within"])
def test_objects_in_a_chat_are_redacted_in_the_form_that_is_stored(value: Any, inside: bool) -> None:
    message = {"role": "assistant", "content": [value]} if inside else {**HI, "made_of": [value]}
    stored, counts = redacted([HI, message])
    assert MAIL not in stored
    assert "[email]" in stored
    assert counts == {"email": 1}


@pytest.mark.parametrize(
    ("extra", "private", "kind"),
    [
        ({"phone": Decimal("4155550132")}, "4155550132", "phone"),
        ({"made_of": ip_address("203.0.113.77")}, "203.0.113.77", "ip"),
        ({"made_of": {4111111111111111: 1}}, CARD, "card"),
        ({"made_of": AnyUrl("postgres://app:t7Gq9xLw2@db.example.org/app")}, "t7Gq9xLw2", "secret"),
        ({MAIL: "x"}, MAIL, "email"),
        ({"name": "data:text/plain,to%20ada%40example.org"}, "ada%40example.org", "email"),
        ({"name": f'data:application/json,{{"to":"{MAIL}"}}'}, MAIL, "email"),
        ({"made_of": KEY + "A" * 4000}, KEY, "secret"),
        ({"made_of": "A" * 4000 + KEY}, KEY, "secret"),
        ({"made_of": "data:image/png;base64," + KEY + "/" + "A" * 40}, KEY, "secret"),
    ],
)
def test_fields_of_a_message_that_are_no_texts_are_looked_into(extra: Any, private: str, kind: str) -> None:
    stored, counts = redacted([{**HI, **extra}])
    assert private not in stored
    assert counts == {kind: 1}


def test_objects_that_hold_nothing_private_leave_the_signal_as_it_is() -> None:
    signal = Conversation([HI, {"role": "assistant", "content": [Part(text="Hello.")]}])
    assert Redactor().signals([signal]).signals[0] is signal


def test_fields_of_a_message_whose_names_become_the_same_are_all_kept() -> None:
    message = {**HI, "a@b.example": 1, "[email]": 2, "to": {MAIL: 3, "b@b.example": 4}}
    (new,) = Redactor().signals([Conversation([message])]).signals
    assert isinstance(new, Conversation)
    extra = new.messages[0].model_extra or {}
    assert extra == {"[email] 2": 1, "[email]": 2, "to": {"[email]": 3, "[email] 2": 4}}


def test_tool_calls_of_the_openai_client_are_stored_redacted_and_stay_json() -> None:
    chat_types = pytest.importorskip("openai.types.chat")
    called = {"name": "mail", "arguments": json.dumps({"to": MAIL, "card": int(CARD), "text": f"Hi\n{CARD}"})}
    message = chat_types.ChatCompletionMessage.model_validate(
        {"role": "assistant", "content": None, "tool_calls": [{"id": "c", "type": "function", "function": called}]}
    )
    with Popi(store="memory", summarizer="contrast") as popi:
        popi.observe("ada", [HI, {"role": "assistant", "content": None, "tool_calls": message.tool_calls}])
        (signal,) = popi.export("ada")["signals"]
    written = signal["messages"][1]["tool_calls"][0]["function"]["arguments"]
    assert json.loads(written) == {"to": "[email]", "card": "[card]", "text": "Hi\n[card]"}


def test_blocks_of_the_anthropic_client_are_stored_redacted() -> None:
    types = pytest.importorskip("anthropic.types")
    with Popi(store="memory", summarizer="contrast") as popi:
        popi.observe("ada", [HI, {"role": "user", "content": [types.TextBlock(type="text", text=f"I am {MAIL}")]}])
        (signal,) = popi.export("ada")["signals"]
    assert signal["messages"][1]["content"][0]["text"] == "I am [email]"
