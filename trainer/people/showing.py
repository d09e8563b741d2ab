"""How a simulated person shows a choice between two answers: as one signal of any kind, in deeds or in words.

Each signal comes with how much it says for each of the person's wishes: what they make evident together is known.
"""

from __future__ import annotations

import math
import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from popi_sdk.signals import Conversation, Demonstration, Edit, Persona, Rating, Signal, Statement
from trainer.people.answers import INDEX, Answer
from trainer.people.choosing import Choice, RealUser
from trainer.people.wordings import Phrasebook, Wordings

SAID = 3.0
"""What saying a wish in words counts, in usual differences."""
CLIP = 1.5
"""No single choice counts for more usual differences."""

JOBS = ("nurse", "teacher", "electrician", "student", "accountant", "chef", "software engineer", "farmer", "lawyer",
        "retired", "designer", "bus driver", "biologist", "shop owner", "parent at home", "mechanic")  # fmt: skip
CITIES = ("Leeds", "Lagos", "Porto", "Toronto", "Pune", "Oslo", "Lima", "Austin", "Kyoto", "Cork", "Graz", "Perth")


@dataclass(frozen=True, slots=True)
class Shown:
    """A signal, and how much it says for each wish (aspect -> usual differences in the wished direction)."""

    signal: Signal
    evidence: Mapping[str, float]


class Speaker:
    """One person showing choices, by a draw of their own."""

    def __init__(
        self,
        user: RealUser,
        book: Phrasebook,
        dialogues: Sequence[Conversation],
        draw: random.Random,
        *,
        quiet: bool,
    ) -> None:
        self._user = user
        self._book = book
        self._dialogues = dialogues
        self._draw = draw
        self._quiet = quiet
        self._unsaid: list[str] = []

    def show(self, choice: Choice, kind: str) -> Shown:
        """Show a choice in the way that `kind` says."""
        if self._quiet and self._draw.random() < 0.5:
            choice = choice.reversed()
        task, chosen = choice.task.prompt, choice.chosen
        match kind:
            case "pair":
                return Shown(choice.pair(), self._between(choice))
            case "edit":
                edit = self._edited(choice)
                return Shown(Edit(task, edit.rejected.text, edit.chosen.text), self._between(edit))
            case "rating":
                return self._rating(choice)
            case "demonstration":
                return Shown(Demonstration(chosen.text, task), self._between(choice, 0.4))
            case "statement":
                return self._statement()
            case "conversation":
                return self._conversation(choice)
            case "persona":
                return self._persona()
        return Shown(self._small_talk(), {})

    def asks_for(self, language: str) -> Signal:
        """Ask for a language, in a statement or a profile."""
        if self._draw.random() < 0.25:
            return Persona({"occupation": self._draw.choice(JOBS), "language": language})
        return Statement(self._draw.choice(self._book.language.said).format(language=language))

    def _edited(self, choice: Choice) -> Choice:
        """The choice with the answer that its other answer is made into.

        Who edits changes what they mind and leaves the rest: of all answers to the task, that is the one that differs
        most in what is wished for, and least in all else. A choice against the wishes stays what it is.
        """
        wishes, before = self._user.newest, choice.rejected

        def fits(after: Answer) -> float:
            return (after.utility(wishes) - before.utility(wishes)) / (1 + math.dist(after.style, before.style))

        return replace(choice, chosen=max(choice.task.answers, key=fits)) if fits(choice.chosen) > 0 else choice

    def _rating(self, choice: Choice) -> Shown:
        liked = self._draw.random() < 0.5
        answer = choice.chosen if liked else choice.rejected
        sign = 1 if liked else -1
        evidence = {a: 0.7 * _clip(sign * math.copysign(1, w) * answer.style[INDEX[a]])
                    for a, w in self._user.newest.items()}  # fmt: skip
        reason = None
        if not liked and not self._quiet and self._draw.random() < 0.25:
            reason, aspect = self._remark(choice)
            evidence[aspect] = evidence.get(aspect, 0.0) + SAID
        return Shown(Rating(choice.task.prompt, answer.text, float(sign), reason), evidence)

    def _statement(self) -> Shown:
        if self._quiet:
            return Shown(Statement(self._draw.choice(self._book.quiet.said)), {})
        aspect = self._wish_to_name()
        return Shown(Statement(self._draw.choice(self._words(aspect).said)), {aspect: SAID})

    def _conversation(self, choice: Choice) -> Shown:
        evidence: dict[str, float] = {}
        if self._quiet:
            words = self._draw.choice(self._book.quiet.remarked)
        else:
            words, aspect = self._remark(choice)
            evidence[aspect] = SAID
        answered = {"role": "assistant", "content": choice.rejected.text}
        if self._draw.random() < 0.3:
            answered["feedback"] = "down"
        turns = [{"role": "user", "content": choice.task.prompt}, answered, {"role": "user", "content": words}]
        if self._draw.random() < 0.3:
            better = {"role": "assistant", "content": choice.chosen.text}
            turns.append({**better, "feedback": "up"} if self._draw.random() < 0.5 else better)
        return Shown(Conversation(turns), evidence)

    def _persona(self) -> Shown:
        attributes = {"occupation": self._draw.choice(JOBS), "city": self._draw.choice(CITIES)}
        if self._quiet or self._draw.random() < 0.5:
            return Shown(Persona(attributes), {})
        aspect = self._wish_to_name()
        words = self._draw.choice(self._words(aspect).clauses)
        return Shown(Persona({**attributes, "answers": words}), {aspect: SAID})

    def _small_talk(self) -> Signal:
        if self._dialogues and self._draw.random() < 0.4:
            return self._draw.choice(self._dialogues)
        return Statement(self._draw.choice(self._book.quiet.said))

    def _wish_to_name(self) -> str:
        """The next wish to say in words: stronger ones first, each once before any comes again."""
        wishes = self._user.newest
        if not self._unsaid:
            self._unsaid = sorted(wishes, key=lambda a: abs(wishes[a]) * self._draw.uniform(0.5, 1.5))
        return self._unsaid.pop()

    def _remark(self, choice: Choice) -> tuple[str, str]:
        """What is said of the answer not liked: the wish in which it falls shortest of the other, mostly."""
        wishes = self._user.newest
        missed = {a: w * (choice.chosen.style[INDEX[a]] - choice.rejected.style[INDEX[a]]) for a, w in wishes.items()}
        aspect = max(sorted(missed), key=lambda a: missed[a] * self._draw.uniform(0.5, 1.5))
        return self._draw.choice(self._words(aspect).remarked), aspect

    def _words(self, aspect: str) -> Wordings:
        return self._book.wishes[aspect, self._user.newest[aspect] > 0]

    def _between(self, choice: Choice, weight: float = 1.0) -> dict[str, float]:
        """How far the answer taken is from the other one in each wish, in its direction."""
        apart = ((a, w, choice.chosen.style[INDEX[a]] - choice.rejected.style[INDEX[a]])
                 for a, w in self._user.newest.items())  # fmt: skip
        return {a: weight * _clip(math.copysign(1, w) * distance / math.sqrt(2)) for a, w, distance in apart}


def _clip(value: float) -> float:
    return max(-CLIP, min(CLIP, value))
