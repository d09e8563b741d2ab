"""A run over simulated people to the embedded summarizer: exported, calibrated, evaluated as it is shipped, in place.

    run -> export (ONNX) -> thresholds for clauses and for saying nothing -> evaluation with every control
        -> popi_sdk/embedded/
        -> generator and its start -> trainer/weights/

What is evaluated is what ships: the exported weights behind the SDK's own code, abstention and guard included. The
figures go into `popi.json`, where `summarizer="auto"` reads whether the model is better than contrast.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import popi_sdk
from popi_sdk.errors import ConfigError
from popi_sdk.manifest import read_manifest, write_manifest
from popi_sdk.summarizers.embedded import BETTER
from popi_sdk.summarizers.quoting import QuotingSummarizer
from popi_sdk.summarizers.trained import TrainedSummarizer
from popi_sdk.summary import Summary
from trainer.abstention import Calibrated, calibrate
from trainer.config import Config, PeopleConfig
from trainer.controls import SdkWriter
from trainer.data import Example
from trainer.doubting import Doubted, calibrate_doubts
from trainer.evaluate import Compared, Evaluation, measure
from trainer.export.from_run import export_run, save_merged
from trainer.export.model_card import model_card
from trainer.export.onnx_form import Precision
from trainer.opened import OpenedRun, judge_of, open_evaluated, open_run_models
from trainer.people.named import Named, named_by
from trainer.people.splits import people_to_calibrate_on, people_to_doubt_on, people_to_test_on
from trainer.progress import Reporter
from trainer.run_directory import find_run
from trainer.shipped import WEIGHTS
from trainer.whole import drop_folder, whole_folder, write_whole, written_to

EMBEDDED = Path(popi_sdk.__file__).parent / "embedded"
CONTROLS = ("none", "contrast", "warm_start", "swapped", "oracle")
SELDOM = 0.05
"""Share of clauses that may say the reverse of a wish: what an app is told by mistake must not be the contrary."""
MUCH_WORSE = 0.02
"""Accuracy that no way of showing things may lose against contrast: what is right for most must not fail some."""
COARSE = 8_000_000
"""Weights from which on a model is exported in int4."""
LICENCES = """\
Weights: Apache-2.0, as the rest of POPI. They were trained from scratch on texts of others, which are not in them as
files but shaped them: answers of 18 LLMs (WildBench and Arena-Hard result files, both Apache-2.0), and dialogues of
Schema-Guided Dialogue (CC BY-SA 4.0), Topical-Chat (CDLA-Sharing 1.0) and Taskmaster-4 (CC BY 4.0). The wordings of
wishes were written for this project. The people it learned from are simulated."""


@dataclass(frozen=True, slots=True)
class Shipped:
    """What was shipped, and how good it is."""

    evaluation: Evaluation
    doubted: Doubted
    calibrated: Calibrated
    better_than_contrast: bool


def ship(
    place: Path, *, embedded: Path = EMBEDDED, weights: Path = WEIGHTS, reporter: Reporter | None = None
) -> Shipped:
    """Put the summarizer and the generator of a run over simulated people where the SDK and the trainer look for them.

    What lies there is replaced, each folder as a whole, and only once everything has been made and measured.

    Raises:
        ConfigError: no such run, or one over other data.
        CheckpointError: the disk refused; what lay there is as it was.
        ExportError: the exported form is worse than the weights it was made from.
    """
    opened = open_run_models(place)
    if opened.config.data.folder != "people":
        raise ConfigError(f"{place} was not trained on simulated people", hint="Use `popi-train export` for it.")
    reporter = reporter or Reporter()
    with TemporaryDirectory(prefix="popi-ship-") as scratch:
        draft = Path(scratch) / EMBEDDED.name
        export_run(place, draft, licence_notes=LICENCES, precision=_precision(opened), only_onnx=True)
        asked = people_to_doubt_on(opened.config.people, opened.config.run.seed)
        doubted = calibrate_doubts(TrainedSummarizer(draft), asked, reporter)
        _note(draft, doubt_below=doubted.least)
        people = people_to_calibrate_on(opened.config.people, opened.config.run.seed)
        calibrated = calibrate(TrainedSummarizer(draft), judge_of(opened), people)
        _note(draft, abstain_below=calibrated.threshold)
        evaluation = evaluate_draft(place, draft, reporter)
        better = is_better(evaluation)
        _note(draft, metrics={BETTER: better, **_metrics(evaluation, doubted, calibrated)})
        (draft / "README.md").write_text(model_card(read_manifest(draft), EMBEDDED.name), encoding="utf-8")
        with (
            _replaced(embedded, lambda folder: shutil.copytree(draft, folder, dirs_exist_ok=True)),
            _replaced(weights, lambda folder: _write_judge(place, folder)),
        ):
            pass  # neither is put in its place before both are made
    return Shipped(evaluation, doubted, calibrated, better)


def _precision(opened: OpenedRun) -> Precision:
    """int4 loses too much of a model of a few million weights, and saves nothing worth having."""
    weights = sum(value.numel() for value in opened.models.summarizer.lm.parameters())
    return "fp32" if weights < COARSE else "int4"


def evaluate_draft(place: Path, draft: Path, reporter: Reporter) -> Evaluation:
    """Evaluate an exported summarizer beside the controls, on a run's test people and by the run's generator."""
    evaluated = open_evaluated(place, "", "", sampled=False)
    writer = SdkWriter(QuotingSummarizer(draft), evaluated.generator.encoder)
    evaluated = replace(evaluated, trained=writer)
    people = people_to_test_on(evaluated.config.people, evaluated.config.run.seed)
    learnt_more = evaluated.config.run.steps > 0  # without joint training the warm start is what is evaluated
    controls = [name for name in CONTROLS if name != "warm_start" or learnt_more]
    return measure(evaluated, people, controls=controls, reporter=reporter)


def is_better(evaluation: Evaluation) -> bool:
    """Whether it beats contrast, is worse for no way of showing things, and hardly ever says the reverse of a wish.

    The first beyond the interval; the second means surely not by `MUCH_WORSE`; the third holds for each way.
    """
    ways = evaluation.slices["shown"].values()
    return (
        evaluation.overall.differences["contrast"].low > 0
        and all(way.differences["contrast"].low > -MUCH_WORSE for way in ways)
        and all(named.reversed <= SELDOM for named in _named(evaluation).values())
    )


def _named(evaluation: Evaluation) -> dict[str, Named]:
    """What the summaries say, by the way of showing things."""
    by_way: dict[str, list[tuple[Example, Summary]]] = {}
    for example, summary in evaluation.summaries:
        by_way.setdefault(example.slices["shown"], []).append((example, summary))
    return {way: named_by(written) for way, written in by_way.items()}


def _metrics(evaluation: Evaluation, doubted: Doubted, calibrated: Calibrated) -> dict[str, Any]:
    """What a reader of the model card wants to know: accuracies, and differences with their lower bounds, as shares."""
    named = _named(evaluation)
    ways = {
        f"shown in {name}": {
            **_figures(one),
            "clauses that are wishes": round(named[name].precision, 4),
            "clauses that are the reverse of a wish": round(named[name].reversed, 4),
        }
        for name, one in evaluation.slices["shown"].items()
    }
    return {
        "people": evaluation.users,
        "pairs": evaluation.pairs,
        "everyone": _figures(evaluation.overall),
        **ways,
        "clauses left out as doubtful": round(doubted.left_out, 4),
        "silent about people with wishes": calibrated.silent_with_wishes,
        "silent about people without wishes": calibrated.silent_without_wishes,
    }


def _figures(compared: Compared) -> Mapping[str, float]:
    figures = {f"accuracy, {name}": one.mean for name, one in compared.accuracy.items()}
    for name, one in compared.differences.items():
        figures |= {f"more than {name}": one.mean, f"more than {name}, at least": one.low}
    return {name: round(value, 4) for name, value in figures.items()}


def _note(draft: Path, **changes: Any) -> None:
    write_manifest(draft, read_manifest(draft).model_copy(update=changes))


def _write_judge(place: Path, folder: Path) -> None:
    """The generator and its start, in the layout of `trainer.shipped`."""
    run, checkpoint = find_run(place)
    assert checkpoint is not None  # the run was opened before
    write_whole(folder / "config.toml", _without_paths(run.config()).to_toml())
    for name, learned in (("generator", checkpoint.folder), ("reference", run.start)):
        (folder / name).mkdir()
        save_merged(run, learned, "generator", folder / name)


def _without_paths(config: Config) -> Config:
    """A configuration that says nothing of the machine it ran on."""
    return config.model_copy(
        update={"people": PeopleConfig(**config.people.model_dump(exclude={"answers", "dialogues"}))}
    )


@contextmanager
def _replaced(place: Path, fill: Callable[[Path], object]) -> Iterator[None]:
    """Fill a folder, and put it where another may lie once the body is done."""
    new = place.with_name(f"{place.name}.new")
    drop_folder(new)  # of a process that was killed here
    with whole_folder(new) as draft:
        fill(draft)
    try:
        yield
    except BaseException:
        drop_folder(new)
        raise
    with written_to(place):
        drop_folder(place)
        new.rename(place)
