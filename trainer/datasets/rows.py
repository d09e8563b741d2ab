"""Raw rows of a file, a folder or a dataset of the hub, each with its place, so that a bad one can be named.

JSON lines, JSON (a list, or `{"data": [...]}`), CSV and TSV with a header, and Parquet where pyarrow is installed.
In a folder, a file whose name begins or ends with the word train, validation or test belongs to that split, as on
the hub (`train-00000-of-00002.parquet`, `elix_test.jsonl`); a source of a single file is all to be dealt out.
"""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

from popi_sdk.errors import ConfigError, MissingExtraError, SignalError
from popi_sdk.signals import MAX_TEXT
from trainer.data import json_lines

SUFFIXES = (".jsonl", ".ndjson", ".json", ".csv", ".tsv", ".parquet")

_SPLIT_WORDS = {
    "train": "train",
    "validation": "validation",
    "valid": "validation",
    "val": "validation",
    "dev": "validation",
    "test": "test",
}
_NOT_DATA = ("dataset_info.json", "dataset_infos.json", "dataset_dict.json", "state.json", "prepare.json")
"""JSON that stands beside data and describes it."""
_ROWS_AT_A_TIME = 256


@dataclass(frozen=True, slots=True)
class Row:
    """One raw row and where it stands."""

    values: Mapping[str, Any]
    place: str
    """Such as "Line 3 of train.jsonl"."""
    table: str = ""
    """Name of the file without its ending."""

    def text(self, column: str) -> str:
        """What a column holds, as text without space around it; "" for an empty one.

        Raises:
            SignalError: there is no such column, or it holds neither text nor a number.
        """
        if column not in self.values:
            raise self.refused(f"has no column `{column}`", f"It has: {', '.join(map(str, self.values))}.")
        value = self.values[column]
        if value is None:
            return ""
        if isinstance(value, bool) or not isinstance(value, str | int | float):
            raise self.refused(f"holds no text in `{column}`")
        return str(value).strip()

    def refused(self, why: str, hint: str = "") -> SignalError:
        """The error that names this row."""
        return SignalError(f"{self.place} {why}.", hint=hint)


@dataclass(frozen=True, slots=True)
class Table:
    """One file of rows."""

    path: Path
    split: str = ""
    """The split that the source itself puts these rows in; "" where it does not say."""

    def rows(self) -> Iterator[Row]:
        """Its rows, one at a time.

        Raises:
            SignalError: the file or one of its rows cannot be read.
        """
        for place, values in _READERS[self.path.suffix.lower()](self.path):
            if not isinstance(values, Mapping):
                raise SignalError(f"{place} is no row.", hint="Each row is an object with named columns.")
            yield Row(values, place, self.path.stem)


def tables(source: Path) -> list[Table]:
    """The files of a source, in the order of their names.

    Raises:
        ConfigError: there is none that can be read.
    """
    if not source.is_dir():
        if source.suffix.lower() not in SUFFIXES:
            raise ConfigError(f"{source} is none of {', '.join(SUFFIXES)}.", hint="Rename it, or convert it first.")
        return [Table(source)]
    found = sorted(path for path in source.rglob("*") if path.suffix.lower() in SUFFIXES and _is_data(path, source))
    if not found:
        raise ConfigError(f"{source} holds no file of rows.", hint=f"Looked for {', '.join(SUFFIXES)}.")
    return [Table(path, _split_word(path.stem)) for path in found]


def _is_data(path: Path, folder: Path) -> bool:
    hidden = any(part.startswith(".") for part in path.relative_to(folder).parts)
    return path.is_file() and path.name not in _NOT_DATA and not hidden


def _split_word(stem: str) -> str:
    words = re.split(r"[^a-z]+", stem.lower())
    return _SPLIT_WORDS.get(words[0]) or _SPLIT_WORDS.get(words[-1], "")


def _json(path: Path) -> Iterable[tuple[str, Any]]:
    try:
        whole = json.loads(path.read_bytes().decode("utf-8-sig"))
    except UnicodeDecodeError as error:
        raise SignalError(f"{path} is not UTF-8 text (byte {error.start}).") from error
    except (ValueError, RecursionError):
        return json_lines(path)  # Often what stands behind .json; it names the line that is not.
    if isinstance(whole, dict) and isinstance(whole.get("data"), list):
        whole = whole["data"]
    rows = whole if isinstance(whole, list) else [whole]
    return ((f"Row {number} of {path}", row) for number, row in enumerate(rows, start=1))


def _csv(path: Path) -> Iterator[tuple[str, Any]]:
    csv.field_size_limit(MAX_TEXT)  # The limit of a signal's text, instead of 131,072 characters.
    with path.open(encoding="utf-8-sig", newline="") as lines:
        reader = csv.reader(lines, delimiter="\t" if path.suffix.lower() == ".tsv" else ",", strict=True)
        begins = 1
        header: list[str] = []
        try:
            for fields in reader:
                place = f"Line {begins} of {path}"
                begins = reader.line_num + 1
                if not header:
                    header = _header(fields, place)
                elif fields:
                    if len(fields) != len(header):
                        raise SignalError(f"{place} has {len(fields)} fields; the header names {len(header)}.")
                    yield place, dict(zip(header, fields, strict=True))
        except csv.Error as error:
            raise SignalError(f"Line {begins} of {path} is not CSV: {error}.") from error
        except UnicodeDecodeError as error:
            raise SignalError(f"{path} is not UTF-8 text (after line {reader.line_num}).") from error


def _header(fields: list[str], place: str) -> list[str]:
    names = [field.strip() for field in fields]
    if not names or len(set(names)) < len(names):
        raise SignalError(f"{place} is no header.", hint="The first line names each column once.")
    return names


def _parquet(path: Path) -> Iterator[tuple[str, Any]]:
    try:
        pyarrow, parquet = import_module("pyarrow"), import_module("pyarrow.parquet")
    except ImportError as error:
        raise MissingExtraError("pyarrow", "train") from error
    number = 0
    try:
        with parquet.ParquetFile(path) as file:
            for batch in file.iter_batches(batch_size=_ROWS_AT_A_TIME):
                for values in batch.to_pylist():
                    number += 1
                    yield f"Row {number} of {path}", values
    except pyarrow.ArrowException as error:
        raise SignalError(f"{path} cannot be read as Parquet after row {number}.") from error


_READERS = {
    ".jsonl": json_lines,
    ".ndjson": json_lines,
    ".json": _json,
    ".csv": _csv,
    ".tsv": _csv,
    ".parquet": _parquet,
}
