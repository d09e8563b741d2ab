"""How `popi-train` ends: as `popi` does, in plain lines and an exit code; and what it says of missing packages."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from typing import Any

from popi_sdk.cli.entry import PopiGroup
from popi_sdk.errors import MissingExtraError


class TrainGroup(PopiGroup):
    """All commands under their own name."""

    def main(self, args: Sequence[str] | None = None, prog_name: str | None = None, *rest: Any, **extra: Any) -> Any:
        """Run the command that `args` name, and leave the process with its exit code."""
        return super().main(args, prog_name or "popi-train", *rest, **extra)


@contextlib.contextmanager
def training_packages() -> Iterator[None]:
    """Say which extra brings a package that is missing.

    Raises:
        MissingExtraError: with the pip line.
    """
    try:
        yield
    except ModuleNotFoundError as error:
        package = (error.name or "").split(".")[0]
        if package in ("popi_sdk", "trainer"):
            raise
        raise MissingExtraError(package, "train") from error
