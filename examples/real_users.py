"""What POPI says about real people, and how many tokens that saves.

    python examples/real_users.py [FOLDER]

FOLDER (or the variable POPI_DATA; else ../shared/data beside this repository) holds answers judged by raters
(answer_pairs.jsonl), paragraphs edited by writers (writer_edits.jsonl), chats about music (music_chats.jsonl), and what
people wrote in public consultations (statements.jsonl; votes.jsonl says who wrote what). Those statements are opinions,
hardly ever wishes about answers: few of them should lead to a clause.
"""

import json
import os
import sys
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from statistics import median
from typing import Any

from popi_sdk import Conversation, Edit, PreferencePair, Rating, Signal, Statement, Summary, summarize

SHOWN = 4
"""So many summaries of each kind are printed."""
BESIDE = Path(__file__).resolve().parents[2] / "shared" / "data"


def rows(folder: Path, name: str) -> Iterator[dict[str, Any]]:
    with (folder / f"{name}.jsonl").open(encoding="utf-8") as lines:
        yield from map(json.loads, lines)


def pairs(folder: Path) -> Iterator[tuple[str, Signal]]:
    for row in rows(folder, "answer_pairs"):
        if row["preference"] != "tie" and row["a"].strip() and row["b"].strip() and row["a"] != row["b"]:
            chosen, rejected = ("a", "b") if row["preference"].startswith("a-") else ("b", "a")
            yield row["user"], PreferencePair(row["prompt"], row[chosen], row[rejected])


def ratings(folder: Path) -> Iterator[tuple[str, Signal]]:
    for row in rows(folder, "answer_pairs"):
        for answer in ("a", "b"):
            if row[answer].strip():
                yield row["user"], Rating(row["prompt"], row[answer], liked=row[f"{answer}_acceptable"] == "yes")


def edits(folder: Path) -> Iterator[tuple[str, Signal]]:
    for row in rows(folder, "writer_edits"):
        yield row["user"], Edit(row["prompt"], row["draft"], row["final"])


def chats(folder: Path) -> Iterator[tuple[str, Signal]]:
    for row in rows(folder, "music_chats"):
        messages: list[dict[str, Any]] = []
        for turn in row["turns"]:
            thumb = {(True, False): "up", (False, True): "down"}.get((bool(turn["liked"]), bool(turn["disliked"])))
            messages.append({"role": "user", "content": turn["said"]})
            messages.append({"role": "assistant", "content": turn["answered"], "feedback": thumb})
        yield row["user"], Conversation(messages)


def statements(folder: Path) -> Iterator[tuple[str, Signal]]:
    texts = {(row["conversation"], row["id"]): row["text"] for row in rows(folder, "statements")}
    for row in rows(folder, "votes"):
        for statement in row["own_statements"]:
            if (text := texts.get((row["conversation"], statement), "")).strip():
                yield row["user"], Statement(text)


def show(kind: str, users: dict[str, list[Signal]]) -> str:
    """Print the first summaries of one kind and return its line of the table."""
    summaries: dict[str, Summary] = {user: summarize(signals) for user, signals in users.items()}
    told = {user: summary for user, summary in summaries.items() if summary}
    print(f"{kind}: {len(told)} of {len(users)} users have a summary")
    for user, summary in list(told.items())[:SHOWN]:
        print(f"  {user}, {len(users[user])} signals: {summary}")
    print()
    if not told:
        return f"{kind:<12}{len(users):>8}{0:>14}"
    raw = median(summary.raw_tokens for summary in told.values())
    short = median(summary.tokens for summary in told.values())
    ratio = median(summary.raw_tokens / summary.tokens for summary in told.values())
    return f"{kind:<12}{len(users):>8}{len(told):>14}{raw:>14,.0f}{short:>16,.0f}{ratio:>14,.0f}"


def main() -> None:
    folder = Path(sys.argv[1] if len(sys.argv) > 1 else os.environ.get("POPI_DATA") or BESIDE)
    if not folder.is_dir():
        print(f"There is no folder {folder}; name the one with the data as an argument or in POPI_DATA.")
        return
    lines = []
    for read in (pairs, ratings, edits, chats, statements):
        users: defaultdict[str, list[Signal]] = defaultdict(list)
        for user, signal in read(folder):
            users[user].append(signal)
        lines.append(show(read.__name__, users))
    print("Medians over the users with a summary, in tokens:")
    print(f"{'kind':<12}{'users':>8}{'with summary':>14}{'raw signals':>14}{'summary':>16}{'raw/summary':>14}")
    print("\n".join(lines))


if __name__ == "__main__":
    main()
