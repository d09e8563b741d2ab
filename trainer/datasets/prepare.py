"""A source to split files: read, deal out, rotate, refuse leaks, write.

The folder gets train.jsonl, validation.jsonl and test.jsonl in the documented format (`trainer.data`), and at last
prepare.json, which says how they were made: a folder without it is not finished. The files are written beside the
folder first and moved into it whole, so nothing half written is ever found there. The same source, recipe and version
give the same bytes.
"""

from __future__ import annotations

import hashlib
import json
import random
import statistics
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from popi_sdk import __version__
from popi_sdk.errors import ConfigError, SignalError
from popi_sdk.render import raw_tokens
from popi_sdk.tokens import estimated
from trainer.data import SPLITS, Example, write_examples
from trainer.datasets import hub, stored
from trainer.datasets.recipes import ADAPTERS, STORE, Recipe
from trainer.datasets.rotation import described, rotate
from trainer.datasets.rows import Row, Table, tables
from trainer.datasets.splits import Deal, deal, refuse_leaks

Progress = Callable[[str, int | None], AbstractContextManager[Callable[[int], None]]]
"""Shows that something goes on: gives a function that is told how many steps were done."""

MADE_BY = "prepare.json"

_MEASURED = 500
"""Examples of a split whose signals are counted in tokens for the median."""


@dataclass(frozen=True, slots=True)
class Source:
    """What was read."""

    name: str
    files: Mapping[str, str]
    """SHA-256 of each file; none for a store."""
    rows: int
    """Rows of files, signals of a store."""
    parts: tuple[tuple[str, Example], ...]
    """Examples, each with the split that the source itself puts it in."""


@contextmanager
def silent(_what: str, _total: int | None) -> Iterator[Callable[[int], None]]:
    """Progress that shows nothing."""
    yield lambda _steps: None


def prepare(recipe: Recipe, out: Path, progress: Progress = silent) -> dict[str, Any]:
    """Make the split files of a source in the folder `out`, and return what prepare.json says about them.

    Raises:
        ConfigError: there is no such source, or `out` is not a folder.
        SignalError: a row is bad (the message names it), nothing is left to train on, or a held-out pair leaks.
        StoreError: the store cannot be read.
        OSError: the files cannot be written; those of an earlier run are then as they were.
    """
    if out.exists() and not out.is_dir():
        raise ConfigError(f"{out} is a file.", hint="Give --out a folder.")
    source = _read(recipe, progress)
    dealt = deal(source.parts, recipe.split_by)
    pairs_dealt = _pairs(dealt)
    dealt = _cut(dealt, recipe)
    if not any(dealt.values()):
        if recipe.adapter == "store":
            _take_back(out, source, recipe)
        raise SignalError(
            f"No example came out of {source.name} ({source.rows:,} rows, {len(source.parts):,} users).",
            hint="A user needs at least two pairs on different prompts, or a pair and another signal.",
        )
    refuse_leaks(dealt)
    left_out = {
        "shared_with_a_held_out_split": sum(len(example.pairs) for _, example in source.parts) - pairs_dealt,
        "nothing_to_show_beside_them": pairs_dealt - _pairs(dealt),
    }
    facts: dict[str, Any] = {
        "popi": __version__,
        "source": {"name": source.name, "rows": source.rows, "files": dict(source.files)},
        "recipe": {key: value for key, value in asdict(recipe).items() if key != "source"},
        "pairs_left_out": left_out,
    }
    _write(dealt, out, facts, progress)
    return facts


def _read(recipe: Recipe, progress: Progress) -> Source:
    if recipe.adapter == "store":
        found = stored.trainable(recipe.source, recipe.namespace)
        parts = tuple(("", example) for example in stored.examples(found))
        return Source(stored.label(recipe.source), {}, sum(len(signals) for _, signals in found), parts)
    path = Path(recipe.source)
    if not path.exists():
        if not hub.is_hub_id(recipe.source):
            raise ConfigError(f"There is no file or folder {recipe.source}.")
        path = hub.fetch(recipe.source)
    found_tables = _placed(tables(path), ADAPTERS[recipe.adapter].test_files)
    counted = [0]
    with progress("Reading rows", None) as advance:

        def count(rows: Iterable[Row]) -> Iterator[Row]:
            for row in rows:
                counted[0] += 1
                advance(1)
                yield row

        parts = tuple(_parts(recipe, found_tables, count))
    if not counted[0]:
        raise SignalError(f"{recipe.source} holds no rows.")
    return Source(Path(recipe.source).name, _digests(found_tables, path), counted[0], parts)


def _placed(found: list[Table], test_files: str | None) -> list[Table]:
    if test_files is None:
        return found
    return [replace(table, split="test") if table.path.name.startswith(test_files) else table for table in found]


def _parts(
    recipe: Recipe, found: list[Table], count: Callable[[Iterable[Row]], Iterator[Row]]
) -> Iterator[tuple[str, Example]]:
    for split in sorted({table.split for table in found}):
        rows = count(row for table in found if table.split == split for row in table.rows())
        if recipe.sample is not None and split in ("", "train"):
            rows = _sampled(rows, recipe.sample, recipe.seed)
        for example in ADAPTERS[recipe.adapter].read(rows, recipe):
            yield split, example


def _sampled(rows: Iterable[Row], size: int, seed: int) -> Iterator[Row]:
    """`size` rows drawn at random, in their order; no more of them are held at once."""
    draw = random.Random(f"{seed}/sample")
    kept: list[tuple[int, Row]] = []
    for number, row in enumerate(rows):
        if number < size:
            kept.append((number, row))
        elif (place := draw.randrange(number + 1)) < size:
            kept[place] = (number, row)
    return iter([row for _, row in sorted(kept, key=lambda numbered: numbered[0])])


def _digests(found: list[Table], source: Path) -> dict[str, str]:
    digests = {}
    for table in found:
        name = table.path.relative_to(source).as_posix() if source.is_dir() else table.path.name
        with table.path.open("rb") as file:
            digests[name] = hashlib.file_digest(file, "sha256").hexdigest()
    return digests


def _cut(dealt: Deal, recipe: Recipe) -> Deal:
    """Rotate every user's pairs within each split, where the adapter's examples hold whole pools of them."""
    shots = recipe.shots
    if shots is None:
        return {split: [described(example) for example in some if example.pairs] for split, some in dealt.items()}
    shown_as = (STORE if recipe.adapter == "store" else ADAPTERS[recipe.adapter]).shown_as
    return {
        split: [
            described(example)
            for whole in some
            for example in rotate(whole, shots=shots, hold_out=recipe.hold_out, seed=recipe.seed, shown_as=shown_as)
        ]
        for split, some in dealt.items()
    }


def _write(dealt: Deal, out: Path, facts: dict[str, Any], progress: Progress) -> None:
    out = out.resolve()
    out.parent.mkdir(parents=True, exist_ok=True)
    with (
        tempfile.TemporaryDirectory(dir=out.parent, prefix=f".{out.name}-") as beside,
        progress("Writing examples", sum(len(some) for some in dealt.values())) as advance,
    ):

        def told(examples: Iterable[Example]) -> Iterator[Example]:
            for example in examples:
                yield example
                advance(1)

        facts["splits"] = {}
        for split, _ in SPLITS:
            path = Path(beside) / f"{split}.jsonl"
            write_examples(told(dealt[split]), path)
            facts["splits"][split] = _counts(dealt[split], path)
        facts["tokens_estimated"] = estimated()
        text = json.dumps(facts, indent=2, ensure_ascii=False)
        (Path(beside) / MADE_BY).write_text(text + "\n", encoding="utf-8")
        out.mkdir(mode=0o700, exist_ok=True)  # What users said is nobody else's business.
        (out / MADE_BY).unlink(missing_ok=True)
        for name in (*(f"{split}.jsonl" for split, _ in SPLITS), MADE_BY):
            (Path(beside) / name).replace(out / name)


def _take_back(out: Path, source: Source, recipe: Recipe) -> None:
    """Remove what an earlier run made of the same store, all of whose users have been forgotten since."""
    try:
        facts = json.loads((out / MADE_BY).read_text("utf-8"))
    except (OSError, ValueError):
        return
    if facts["source"]["name"] == source.name and facts["recipe"].get("namespace") == recipe.namespace:
        for name in (MADE_BY, *(f"{split}.jsonl" for split, _ in SPLITS)):
            (out / name).unlink(missing_ok=True)


def _counts(examples: list[Example], path: Path) -> dict[str, Any]:
    every = max(1, len(examples) // _MEASURED)
    tokens = [raw_tokens(example.signals) for example in examples[::every]]
    return {
        "users": len({example.user for example in examples}),
        "examples": len(examples),
        "pairs": sum(len(example.pairs) for example in examples),
        "median_raw_tokens": round(statistics.median(tokens)) if tokens else 0,
        "sha256": hashlib.sha256(path.read_bytes()).hexdigest(),
    }


def _pairs(dealt: Deal) -> int:
    return sum(len(example.pairs) for some in dealt.values() for example in some)
