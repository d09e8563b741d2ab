"""Where every command begins and ends: whatever is raised becomes one or two plain lines and an exit code.

0 it worked · 1 the operation failed · 2 wrong usage or bad input · 130 interrupted
"""

from __future__ import annotations

import contextlib
import io
import os
import sys
from collections.abc import Sequence
from typing import Any

import typer
from typer.core import TyperGroup

from popi_sdk.errors import ConfigError, PopiError, SignalError

FAILED, WRONG_USAGE = 1, 2


class PopiGroup(TyperGroup):
    """All commands; Typer's own handling of errors is replaced, so that `--json` holds for every one of them."""

    def main(self, args: Sequence[str] | None = None, prog_name: str | None = None, *rest: Any, **extra: Any) -> Any:
        """Run the command that `args` name, and leave the process with its exit code."""
        given = list(sys.argv[1:] if args is None else args) or ["--help"]
        extra["standalone_mode"] = False
        _never_choke_on_characters()
        try:
            result = super().main(given, prog_name or "popi", *rest, **extra)
            sys.stdout.flush()
        except BrokenPipeError:
            _nobody_reads()
            sys.exit(FAILED)
        except Exception as error:
            _report(error, as_json=_wants_json(given))
            sys.exit(_exit_code(error))
        sys.exit(result if isinstance(result, int) else 0)


def _report(error: Exception, *, as_json: bool) -> None:
    from popi_sdk.cli import show

    kind, message, hint = _in_words(error)
    with contextlib.suppress(BrokenPipeError):
        if as_json:
            show.json_object({"error": {"type": kind, "message": message, "hint": hint}})
        else:
            show.error_lines(message, hint)


def _in_words(error: Exception) -> tuple[str, str, str]:
    """An error's type, what happened, and what to do next."""
    if isinstance(error, PopiError):
        return type(error).__name__, error.message, error.hint
    if isinstance(error, typer.Abort):
        return "Aborted", "Nothing was done.", ""
    if _is_usage(error):
        context = getattr(error, "ctx", None)
        command = context.command_path if context else "popi"
        return "UsageError", str(error.format_message()), f"See: {command} --help"  # type: ignore[attr-defined]
    return type(error).__name__, f"An unexpected {type(error).__name__} in {_place(error)}.", "Please report this."


def _place(error: Exception) -> str:
    """File and line where it was raised; the error's own text may hold what a user said."""
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    return f"{os.path.basename(trace.tb_frame.f_code.co_filename)}:{trace.tb_lineno}" if trace else "an unknown place"


def _exit_code(error: Exception) -> int:
    return WRONG_USAGE if isinstance(error, SignalError | ConfigError) or _is_usage(error) else FAILED


def _is_usage(error: Exception) -> bool:
    # Typer's usage errors come from Click or, since it carries a copy of Click, from itself.
    return hasattr(error, "format_message") and hasattr(error, "exit_code")


def _wants_json(args: Sequence[str]) -> bool:
    return "--json" in (args[: args.index("--")] if "--" in args else args)


def _never_choke_on_characters() -> None:
    """A character that the output's encoding lacks is written as its code."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def _nobody_reads() -> None:
    """Python flushes standard output once more on its way out, and would complain."""
    with contextlib.suppress(OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
