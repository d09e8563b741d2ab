"""`popi-train evaluate`: held-out accuracy beside every control, and win rates by a judge."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any

import typer

from trainer.cli.failing import training_packages


def evaluate(
    run: Annotated[
        Path | None,
        typer.Argument(
            metavar="RUN",
            help="A run's directory, or one of its checkpoints. Without it, the repository's small generator judges.",
        ),
    ] = None,
    data: Annotated[
        Path | None,
        typer.Option(help="Examples as JSON lines; the run's test split by default, and needed without a run."),
    ] = None,
    summarizer: Annotated[
        str,
        typer.Option(
            help="Judge this one instead of the run's: embedded (judged where no run is named), contrast, another run, "
            "an exported directory, provider/model."
        ),
    ] = "",
    generator: Annotated[str, typer.Option(help="Let another run's, or any model by id or folder, judge.")] = "",
    limit: Annotated[
        int | None, typer.Option(min=1, help="At most so many examples, of as many users as there are.")
    ] = None,
    sampled: Annotated[bool, typer.Option("--sampled", help="Sample summaries as in training, not greedily.")] = False,
    updates: Annotated[
        int | None,
        typer.Option(
            min=2,
            help="Deal each user's signals out in so many parts, and compare summaries that are brought up to date "
            "part by part with ones of the full history.",
        ),
    ] = None,
    backend: Annotated[str, typer.Option(metavar="MODEL", help="Let it answer with and without summaries.")] = "",
    judge: Annotated[str, typer.Option(metavar="MODEL", help="Let it say which answer suits the user better.")] = "",
    max_cost: Annotated[float | None, typer.Option(help="Stop asking the two when this many USD are spent.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object.")] = False,
) -> None:
    """Measure a summarizer: accuracy with its summaries and with every control, on the same held-out pairs.

    A line of --data is a user's: {"user", "signals": [...], "pairs": [{"prompt", "chosen", "rejected"}], "slices": {}}.
    No held-out pair may stand among the signals.

    What is found of RUN itself is also left in RUN/evaluation.json, for `popi-train report`; not so with --updates.

    MODEL is LiteLLM's name of one, or JSON such as {"name": "hosted_vllm/x", "api_base": "http://localhost:8000/v1"}.
    """
    with training_packages():
        if bool(backend) != bool(judge):
            raise typer.BadParameter("--backend and --judge go together")
        if updates is not None:
            if backend:
                raise typer.BadParameter("--updates does not go with --backend and --judge")
            _evaluate_streaming(
                as_json,
                run,
                updates=updates,
                data=data,
                summarizer=summarizer,
                generator=generator,
                limit=limit,
                sampled=sampled,
            )
            return
        from trainer.evaluate import evaluate as run_evaluation
        from trainer.evaluation_file import leave_evaluation, newest_step

        answering, judging = _model(backend), _model(judge)
        strange = data or summarizer or generator or sampled
        step = newest_step(run) if run and not strange else None  # found out first, as the run may go on meanwhile

        evaluation = run_evaluation(
            run, data=data, summarizer=summarizer, generator=generator, limit=limit, sampled=sampled
        )
        win_rate: dict[str, Any] | None = None
        if backend:
            from trainer.judge import win_rate_against_plain

            written = [(example, summary.text) for example, summary in evaluation.summaries]
            win_rate = win_rate_against_plain(
                written,
                backend=answering,
                judge=judging,
                cache=_replies_of(run),
                max_cost_usd=max_cost,
            ).as_json()
        if as_json:
            typer.echo(
                json.dumps(evaluation.as_json() | ({"judge": win_rate} if win_rate else {}), indent=1, allow_nan=False)
            )
        else:
            from trainer.cli.tables import show_evaluation, show_win_rate

            show_evaluation(evaluation)
            if win_rate:
                show_win_rate(win_rate)
        if run and step is not None:
            leave_evaluation(run, step, evaluation, win_rate)


def _evaluate_streaming(as_json: bool, run: Path | None, **options: Any) -> None:
    from trainer.cli.streaming_tables import show_streaming
    from trainer.streaming_evaluation import evaluate_streaming

    evaluation = evaluate_streaming(run, **options)
    if as_json:
        typer.echo(json.dumps(evaluation.as_json(), indent=1, allow_nan=False))
    else:
        show_streaming(evaluation)


def _replies_of(run: Path | None) -> Path:
    """Where bought replies are kept: with the run, or else among what POPI keeps for this user of the machine."""
    from platformdirs import user_cache_path

    from trainer.run_directory import find_run

    folder = user_cache_path("popi") if run is None else find_run(run)[0].path
    return folder / "judgements.jsonl"


def _model(given: str) -> str | dict[str, Any]:
    """A name, or a table such as {"name": "hosted_vllm/x", "api_base": "http://..."} as JSON."""
    if not given.lstrip().startswith("{"):
        return given
    try:
        return dict(json.loads(given))
    except ValueError as error:
        raise typer.BadParameter(f"{given[:60]} is no JSON object: {error}") from None
