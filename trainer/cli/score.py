"""`popi-train score`: does a summary explain a user's own held-out choices?"""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from trainer.cli.failing import training_packages

if TYPE_CHECKING:
    from trainer.score_user import UserScore

_SHOWN = 20
"""Users who are shown in full; --json has them all."""


def score(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="Examples as JSON lines, of one user or more.")],
    summarizer: Annotated[
        str,
        typer.Option(
            help="Who writes the summaries: embedded (the default), contrast, a run, an exported directory, "
            "provider/model."
        ),
    ] = "",
    text: Annotated[str, typer.Option(help="A summary that a person wrote about FILE's only user, instead.")] = "",
    generator: Annotated[str, typer.Option(help="Let a run's, or any model by id or folder, judge.")] = "",
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object.")] = False,
) -> None:
    """Tell for each user whether the summary explains that user's own held-out choices.

    A line is a user's: {"user", "signals": [...], "pairs": [{"prompt", "chosen", "rejected"}]}. Without `pairs`, the
    newest quarter of the preference pairs among at least four is held out. The repository's small generator ranks both
    answers of each pair, with the summary and without. It "explains" where, of the pairs that it moves, so many move
    towards the user's choice that the exact 95 % interval of their share lies above one half; it is "no better than no
    summary" where it does not and the interval lies below three quarters; else there are "too few pairs to tell".
    """
    with training_packages():
        from popi_sdk.cli import show
        from trainer.score_user import score_users

        scores = score_users(file, summarizer=summarizer, text=text, generator=generator)
        if as_json:
            show.json_object({"users": [one.as_json() for one in scores]})
            return
        for one in scores[:_SHOWN]:
            _show(one)
        if len(scores) > 1:
            counts = Counter(one.verdict for one in scores)
            show.line(f"{len(scores):,} users: " + ", ".join(f"{verdict} {n:,}" for verdict, n in counts.most_common()))
        if len(scores) > _SHOWN:
            show.line(f"The first {_SHOWN} are shown; --json has them all.")


def _show(one: UserScore) -> None:
    from popi_sdk.cli import show

    show.line((one.user, "bold"), f": {one.verdict}", (" this user's choices" if one.verdict == "explains" else ""))
    for summary in dict.fromkeys(one.summaries):
        show.line(f"  Summary: {summary or '(nothing)'}")
    taken = ", the newest of those among the signals" if one.taken_from_signals else ""
    if one.accuracy is None or one.accuracy_without is None or one.margin is None:
        show.line("  No held-out pairs: the line has no `pairs`, and fewer than four preference pairs as signals.")
    else:
        show.line(
            f"  Held-out pairs: {one.pairs:,}{taken}. Ranked right: {one.accuracy:.1%} with the summary, "
            f"{one.accuracy_without:.1%} without; {one.margin:+.2f} nats over no summary on average."
        )
        if one.share is not None:
            show.line(
                f"  Moved towards the user's choice: {one.towards:,} of {one.towards + one.away:,} "
                f"(95 % interval {one.share.low:.0%} to {one.share.high:.0%})."
            )
    show.line()
