"""The trusted set: examples that were looked at with care and kept aside, which no refresh may ever become worse on.

    trusted.jsonl    the examples, copied once; no refresh trains on them or on their users
    trusted.json     when that was, the digest, and which of their users the store knew then

The set is frozen: another file, or a changed one, is refused. Only erasure reaches it: a user whom the store knew and
knows no more was forgotten, and leaves both files for good.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping, Sequence, Set
from datetime import UTC, datetime
from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

from popi_sdk.errors import ConfigError
from trainer.data import Example, load_examples
from trainer.datasets import stored
from trainer.datasets.prepare import MADE_BY
from trainer.whole import written_to

EXAMPLES = "trusted.jsonl"
ABOUT = "trusted.json"
_SAME_PROFILE = 1_000_000
"""Beyond so many edits and forgotten signals, an epoch is that of a profile begun anew: it counts microseconds."""
_FROZEN = "The set is frozen, so that all versions are held to the same."


class Change(BaseModel):
    """A change that erasure made."""

    model_config = ConfigDict(frozen=True)

    at: datetime
    reason: str


class Frozen(BaseModel):
    """What is known of a trusted set, as `trusted.json` holds it."""

    model_config = ConfigDict(frozen=True, use_attribute_docstrings=True)

    made: datetime
    given: str
    """SHA-256 of the file it was copied from."""
    sha256: str
    """SHA-256 of the examples as they are now."""
    following: str = ""
    """SHA-256 of the examples as they are about to be; empty but for the moment of a change."""
    store: str
    """Without user, password and folder."""
    store_id: str
    """See `trainer.datasets.stored.identity`."""
    namespace: str
    known: Mapping[str, int]
    """Users whom the store knew when the set was made, each with the epoch of the profile."""
    changes: tuple[Change, ...] = ()


def is_frozen(place: Path) -> bool:
    """Whether the directory has a trusted set."""
    return (place / ABOUT).exists()


def freeze(place: Path, examples_file: Path, store: str, namespace: str) -> Frozen:
    """Copy a file of examples into the directory as its trusted set; the same file again changes nothing.

    Raises:
        ConfigError: the directory has another trusted set, there is no such file, or no such store.
        SignalError: the file is not in the documented format, or holds no pairs.
        StoreError: the store cannot be read.
        CheckpointError: the disk is full or cannot be written.
    """
    if not examples_file.is_file():
        raise ConfigError(f"There is no file {examples_file}.")
    content = examples_file.read_bytes()
    given = _digest(content)
    if is_frozen(place):
        frozen = _read(place)
        if given != frozen.given:
            raise ConfigError(
                f"{place} has a trusted set already, and {examples_file} is another one.",
                hint=f"{_FROZEN} Leave --trusted out, or use another directory.",
            )
        return frozen
    examples = load_examples(examples_file)
    if not any(example.pairs for example in examples):
        raise ConfigError(f"{examples_file} holds no pairs to compare versions on.")
    known = stored.epochs(store, namespace, sorted({example.user for example in examples}))
    if from_a_store(examples_file.parent):  # whom the store does not know any more was forgotten since
        content = _only(content, [example.user for example in examples], set(known))
        if not content:
            raise ConfigError(f"All users of {examples_file} were forgotten.", hint="Name another file with --trusted.")
    frozen = Frozen(
        made=datetime.now(UTC),
        given=given,
        sha256=_digest(content),
        store=stored.label(store),
        store_id=stored.identity(store),
        namespace=namespace,
        known=known,
    )
    place.mkdir(parents=True, exist_ok=True)
    _write(place / EXAMPLES, content)  # a set is there when trusted.json is
    _note(place, frozen)
    return frozen


def unfreeze(place: Path) -> None:
    """Take back a set that was frozen for a refresh that did not come to begin."""
    (place / ABOUT).unlink(missing_ok=True)
    (place / EXAMPLES).unlink(missing_ok=True)


def from_a_store(folder: Path) -> bool:
    """Whether `popi-train prepare` made the files of `folder` from a store, whose users may be forgotten."""
    try:
        facts = json.loads((folder / MADE_BY).read_text("utf-8"))
        return bool(facts["recipe"]["adapter"] == "store")
    except (OSError, ValueError, KeyError, TypeError):
        return False


def _only(content: bytes, users: Sequence[str], kept: Set[str]) -> bytes:
    lines = [line for line in content.splitlines(keepends=True) if line.strip()]
    return b"".join(line for user, line in zip(users, lines, strict=True) if user in kept)


def trusted_examples(place: Path, store: str, namespace: str) -> list[Example]:
    """The examples of the directory's trusted set, after those of forgotten users were removed from it for good.

    Raises:
        ConfigError: there is no trusted set, it is not what was frozen, nobody of it is left, or it was frozen beside
            another store, or there is none.
        StoreError: the store cannot be read.
        CheckpointError: the disk is full or cannot be written.
    """
    frozen = _settled(place)
    _refuse_other_store(place, frozen, store, namespace)
    now = stored.epochs(store, namespace, frozen.known)
    forgotten = {user for user, epoch in frozen.known.items() if not _same_profile(epoch, now.get(user))}
    if forgotten:
        _remove(place, frozen, forgotten)
    if not (place / EXAMPLES).read_bytes().strip():
        raise ConfigError(
            f"All users of the trusted set of {place} were forgotten.",
            hint=f"Delete {EXAMPLES} and {ABOUT} there, and give another file with --trusted.",
        )
    return load_examples(place / EXAMPLES)


def _refuse_other_store(place: Path, frozen: Frozen, store: str, namespace: str) -> None:
    """Nobody was forgotten only because another store does not know them."""
    if (stored.identity(store), namespace) != (frozen.store_id, frozen.namespace):
        raise ConfigError(
            f"The trusted set of {place} was frozen beside the store {frozen.store}, namespace {frozen.namespace!r}.",
            hint=f"Name that one. If it has moved, write {stored.identity(store)!r} into {ABOUT} as `store_id`.",
        )


def _same_profile(epoch: int, now: int | None) -> bool:
    """Whether a profile of today is the one of then: a user who was forgotten and came back is a new one."""
    return now is not None and now - epoch < _SAME_PROFILE


def _remove(place: Path, frozen: Frozen, forgotten: set[str]) -> None:
    """Take users out of both files; a process that is killed in between leaves what `_settled` can finish."""
    with (place / EXAMPLES).open("rb") as lines:
        kept = b"".join(line for line in lines if _user(line) not in forgotten)
    change = Change(at=datetime.now(UTC), reason=f"users forgotten by the store: {len(forgotten)}")
    following = frozen.model_copy(update={"following": _digest(kept), "changes": (*frozen.changes, change)})
    _note(place, following)
    _write(place / EXAMPLES, kept)
    _finish(place, following)


def _finish(place: Path, following: Frozen) -> Frozen:
    """Note that the change which `following` announced was made."""
    with (place / EXAMPLES).open("rb") as lines:
        left = set(map(_user, lines))
    known = {user: epoch for user, epoch in following.known.items() if user in left}
    made = following.model_copy(update={"sha256": following.following, "following": "", "known": known})
    _note(place, made)
    return made


def _user(line: bytes) -> str | None:
    """Whose example a line holds; None for an empty line."""
    text = line.decode("utf-8-sig").strip()
    return json.loads(text)["user"] if text else None


def _settled(place: Path) -> Frozen:
    """What is known of the set, whose examples are what was frozen, or what erasure made of them."""
    frozen = _read(place)
    try:
        digest = _digest((place / EXAMPLES).read_bytes())
    except OSError as error:
        raise ConfigError(f"{place / EXAMPLES} cannot be read: {error.strerror}", hint=_FROZEN) from error
    if frozen.following and digest == frozen.following:
        return _finish(place, frozen)
    if digest != frozen.sha256:
        raise ConfigError(
            f"{place / EXAMPLES} is not what was frozen on {frozen.made:%Y-%m-%d}.",
            hint=f"{_FROZEN} Put the file back, or use another directory.",
        )
    if frozen.following:  # announced, and not begun: whoever was forgotten is found once more
        return frozen.model_copy(update={"following": "", "changes": frozen.changes[:-1]})
    return frozen


def _read(place: Path) -> Frozen:
    try:
        return Frozen.model_validate_json((place / ABOUT).read_bytes())
    except FileNotFoundError as error:
        raise ConfigError(f"{place} has no trusted set.", hint="Give a file of examples with --trusted.") from error
    except (OSError, ValidationError) as error:
        raise ConfigError(
            f"{place / ABOUT} is damaged.", hint="Put the file back, or use another directory."
        ) from error


def _note(place: Path, frozen: Frozen) -> None:
    _write(place / ABOUT, (frozen.model_dump_json(indent=2) + "\n").encode())


def _write(file: Path, content: bytes) -> None:
    """Replace a file at once and for good; what users said is nobody else's business."""
    draft = file.with_name(f".{file.name}.part")
    with written_to(file):
        draft.unlink(missing_ok=True)
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with open(descriptor, "wb") as out:
            out.write(content)
            out.flush()
            os.fsync(out.fileno())
        os.replace(draft, file)


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
