"""`popi doctor`: the checks of `popi_sdk.doctor`, printed."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING

import typer

from popi_sdk.cli import options, show

if TYPE_CHECKING:
    from popi_sdk.doctor import Check

_STYLES = {"ok": "green", "warning": "yellow", "problem": "bold red"}


def register(app: typer.Typer) -> None:
    """Add the command of this file."""
    app.command()(doctor)


def doctor(
    config: options.ConfigPath = None,
    store: options.Store = None,
    namespace: options.Namespace = None,
    as_json: options.Json = False,
) -> None:
    """Check configuration, keys, store, summarizer and versions, and say what to do."""
    from popi_sdk.doctor import examine

    checks = examine(config, options.given({"store": store, "namespace": namespace}))
    problems = sum(check.state == "problem" for check in checks)
    warnings = sum(check.state == "warning" for check in checks)
    if as_json:
        found = [{**asdict(check), "details": dict(check.details)} for check in checks]
        show.json_object({"ok": not problems, "problems": problems, "warnings": warnings, "checks": found})
    else:
        for check in checks:
            _print(check)
        show.line(f"{_counted(problems, 'problem')}, {_counted(warnings, 'warning')}.")
    if problems:
        raise typer.Exit(1)


def _print(check: Check) -> None:
    show.line((f"{check.state:<8}", _STYLES[check.state]), (check.what, "bold"), f": {check.finding}")
    for name, value in check.details:
        show.line((f"          {name} = {value}", "dim"))
    if check.advice:
        show.line(f"          -> {check.advice}")


def _counted(count: int, what: str) -> str:
    return f"{count or 'no'} {what}{'' if count == 1 else 's'}"
