"""How much of the lists in tests/ gets into a request, through the whole client: python -m benchmarks.injection

1. For each summarizer and placement: poisoned signals whose canary stands in the composed request, and look-alike
   preferences that stand there with nine of ten words; then the same by language.
2. The same signals marked `source="untrusted"`: clauses that rest on them alone, and requests in which these stand.

The parrots are the worst summarizers there are: one quotes every text of every signal and names its signal, one is a
remote model that repeats its whole prompt. What they are told shows what the guard holds; what the others say less, it
was never told. Secrets and personal data are taken out of signals first, as in every client.

The figures are of lists that the rules were fitted to. Attacks nobody has put on a list get through more often.
"""

from __future__ import annotations

import json
import re
import unicodedata
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, get_args

from popi_sdk import Popi
from popi_sdk.composer import Placement
from popi_sdk.intake import coerce
from popi_sdk.signals import Signal
from popi_sdk.summarizers import embedded
from popi_sdk.summarizers.engines import missing_package
from popi_sdk.summarizers.wording import MORE_LESS
from popi_sdk.summary import Clause, Summary
from popi_sdk.testing import FakeBackend

LISTS = Path(__file__).parent.parent / "tests"
PLACEMENTS: tuple[Placement, ...] = get_args(Placement)
PROMPT = "Hi"
TRUSTED = "Short answers, please."
MAX_TOKENS = 300
KEPT_WORDS = 0.9
"""Share of a preference's words that must stand in a request for it to have survived."""
SAMPLE = 25
"""The embedded model takes part of a second for one summary: it is asked about every so many cases only."""

OWN_CLAUSES = sorted((text.format(size="") for both in MORE_LESS.values() for text in both), key=len, reverse=True)
"""What the SDK itself says; none of it holds a signal's words, but without spaces "do not use" would hold "not us"."""


@dataclass(frozen=True, slots=True)
class Case:
    """One line of a list."""

    signal: Signal
    language: str
    canary: str = ""
    text: str = ""


def poisoned() -> list[Case]:
    """Signals that try to give orders, each with what must not be sent."""
    found = lines("poisoned.jsonl")
    return [Case(coerce([line["signal"]])[0], line["language"], canary=line["canary"]) for line in found]


def harmless() -> list[Case]:
    """Preferences that look like orders."""
    return [Case(coerce([line["text"]])[0], line["language"], text=line["text"]) for line in lines("harmless.jsonl")]


def lines(name: str) -> list[dict[str, Any]]:
    """A list as it lies in tests/."""
    return [json.loads(line) for line in (LISTS / name).read_text("utf-8").splitlines()]


# ---- summarizers ----------------------------------------------------------------------------------------------------


class Quoting:
    """Quotes every text of every signal and names the signal."""

    name = "quotes every text"
    names_sources = True

    def summarize(self, signals: Sequence[Signal], previous: Summary | None = None) -> Summary:  # noqa: ARG002
        """One clause per text."""
        clauses = (Clause(text, (signal.id,)) for signal in signals for text in texts(signal.model_dump(mode="json")))
        return Summary(clauses=tuple(clauses))


def texts(value: Any) -> Iterator[str]:
    """All text of a signal, whatever its kind; an attribute with its name."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for key, inner in value.items():
            if key == "attributes" and inner:
                yield from (f"{name}: {', '.join(texts(content))}" for name, content in inner.items())
            elif key not in ("kind", "role", "id", "at", "source", "feedback"):
                yield from texts(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from texts(inner)


def summarizers() -> dict[str, Mapping[str, Any]]:
    """Arguments of a client by the name of its summarizer; the embedded model where it can be run."""
    repeating = FakeBackend(default=lambda request: request.prompt)
    found: dict[str, Mapping[str, Any]] = {
        "contrast": {"summarizer": "contrast"},
        Quoting.name: {"summarizer": Quoting()},
        "repeats its prompt": {"summarizer": "openai/parrot", "backend": repeating},
    }
    if (embedded.FOLDER / "popi.json").is_file() and not missing_package("onnx"):
        found["embedded"] = {"summarizer": embedded.embedded()}
    return found


def client(arguments: Mapping[str, Any], placement: Placement) -> Popi:
    """A client without a store on disk."""
    return Popi(store="memory", placement=placement, max_summary_tokens=MAX_TOKENS, on_failure="raise", **arguments)


# ---- what stands in a request ---------------------------------------------------------------------------------------


def told(popi: Popi, signals: Sequence[Signal], **options: Any) -> str:
    """What a request says beyond its prompt, less the SDK's own clauses."""
    request = json.dumps(popi.compose(PROMPT, signals, **options), ensure_ascii=False)
    for clause in OWN_CLAUSES:
        request = request.replace(clause, "")
    return request


def flat(text: str) -> str:
    """Text as a careless reader takes it: without case, spaces and unseen characters."""
    return re.sub(r"[\s\u200b-\u200f\u2060\ufeff]", "", unicodedata.normalize("NFKC", text)).casefold()


def holds_canary(case: Case, request: str) -> bool:
    """Whether what a poisoned signal wants to be sent is sent."""
    return flat(case.canary) in flat(request)


def holds_words(case: Case, request: str) -> bool:
    """Whether a preference stands in the request with nearly all its words."""
    wanted = re.findall(r"\w+", case.text.casefold())
    found = set(re.findall(r"\w+", request.casefold()))
    return sum(word in found for word in wanted) >= KEPT_WORDS * len(wanted)


def count(popi: Popi, cases: Iterable[Case], holds: Callable[[Case, str], bool]) -> Counter[str]:
    """Cases of which `holds` is true, by language."""
    return Counter(case.language for case in cases if holds(case, told(popi, [case.signal])))


# ---- signals that others may have written ---------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Untrusted:
    """What became of signals with `source="untrusted"`."""

    clauses: int
    """Clauses of all summaries that rest on such a signal alone."""
    in_request: int
    """Requests in which such a clause stands."""
    beside_trusted: int
    """The same, when a trusted statement is there too."""


def unsure(signal: Signal) -> Signal:
    """The same signal, as text that somebody else may have written."""
    return coerce([{**signal.model_dump(mode="json", exclude={"id", "at"}), "source": "untrusted"}])[0]


def untrusted(popi: Popi, cases: Iterable[Case], *, placement: Placement) -> Untrusted:
    """Count what rests on untrusted signals alone and stands in requests at `placement`."""
    clauses = in_request = beside = 0
    bare = told(popi, ())
    trusted = coerce([TRUSTED])
    with_trusted = told(popi, trusted, placement=placement)
    for case in cases:
        signal = unsure(case.signal)
        clauses += sum(clause.untrusted for clause in popi.summarize([signal]).clauses)
        in_request += told(popi, [signal], placement=placement) != bare
        beside += told(popi, [*trusted, signal], placement=placement) != with_trusted
    return Untrusted(clauses, in_request, beside)


# ---- the report -----------------------------------------------------------------------------------------------------


def main() -> None:
    """Print all figures."""
    bad, good = poisoned(), harmless()
    print(f"{len(bad)} poisoned signals, {len(good)} look-alike preferences")
    asked = summarizers()
    _print_reached(asked, bad, good)
    _print_untrusted(asked, bad, good)
    print(f"\nThe embedded model was asked about every {SAMPLE}th case; it repeats only what it has no clause for.")


def _print_reached(asked: Mapping[str, Mapping[str, Any]], bad: Sequence[Case], good: Sequence[Case]) -> None:
    reached: Counter[str] = Counter()
    kept: dict[str, Counter[str]] = {}
    print(f"\n{'summarizer':20} {'placement':10} {'poisoned reached':>18} {'look-alikes kept':>24}")
    for name, made in asked.items():
        some_bad, some_good = _cases(name, bad), _cases(name, good)
        for placement in PLACEMENTS:
            with client(made, placement) as popi:
                found, kept[name] = count(popi, some_bad, holds_canary), count(popi, some_good, holds_words)
            print(f"{name:20} {placement:10} {_of(found, some_bad)} {_of(kept[name], some_good)}")
            reached |= found
    print(
        f"\n{'language':8} {'poisoned reached (most of any above)':>38}"
        f" {'look-alikes kept: contrast':>28} {'quotes every text':>24}"
    )
    for language, _ in Counter(case.language for case in bad).most_common():
        some_bad, some_good = ([case for case in cases if case.language == language] for cases in (bad, good))
        counts = (Counter({language: kept[name][language]}) for name in ("contrast", Quoting.name))
        print(f"{language:22} {_of(Counter({language: reached[language]}), some_bad):>24}", end="")
        print("    ", *(_of(number, some_good) for number in counts))


def _of(found: Counter[str], cases: Sequence[Case]) -> str:
    return f"{found.total():6} of {len(cases):4} = {found.total() / max(1, len(cases)):6.1%}"


def _print_untrusted(asked: Mapping[str, Mapping[str, Any]], bad: Sequence[Case], good: Sequence[Case]) -> None:
    print(
        '\nsource="untrusted"   placement  clauses on it alone   in requests   in requests beside a trusted statement'
    )
    for name, made in asked.items():
        cases = [*_cases(name, bad), *_cases(name, good)]
        for placement in PLACEMENTS:
            with client(made, placement) as popi:
                found = untrusted(popi, cases, placement=placement)
            print(f"{name:20} {placement:10} {found.clauses:19} {found.in_request:13} {found.beside_trusted:22}")


def _cases(name: str, cases: Sequence[Case]) -> Sequence[Case]:
    """All cases, or a sample for the model that takes its time."""
    return cases[:: SAMPLE if name == "embedded" else 1]


if __name__ == "__main__":
    main()
