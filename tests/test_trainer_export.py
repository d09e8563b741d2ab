"""Export: what is written, what is compared, and that a failure leaves nothing behind."""

from __future__ import annotations

import errno
import json
import os
import resource
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

from popi_sdk.errors import ConfigError, MissingExtraError, SummarizerError
from popi_sdk.manifest import read_manifest
from popi_sdk.summarizers.trained import TrainedSummarizer
from popi_sdk.templates import load_templates
from tests.exported import KNOWN, edit_manifest, examples, exported, nothing_leaves, said, taught
from tests.tiny_models import tiny_tokenizer
from trainer.export import ExportReport
from trainer.export.check import compare_forms, token_agreement
from trainer.export.onnx_form import ExportError, build_onnx


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return taught(tmp_path_factory.mktemp("trained") / "weights", "llama")


@pytest.fixture(scope="module")
def report(weights: Path, tmp_path_factory: pytest.TempPathFactory) -> ExportReport:
    with pytest.MonkeyPatch.context() as patch, nothing_leaves(patch):
        return exported(
            weights,
            tmp_path_factory.mktemp("exported") / "summarizer",
            accuracy=lambda summarize: sum(summarize(said(words)) == KNOWN[words] for words in KNOWN) / len(KNOWN),
            metrics={"controls": {"trained": {"accuracy": 0.71234, "low": float("nan")}}},
            data_digest="d" * 64,
            config_digest="c" * 16,
            licence_notes="Llama 3.2 Community License; | applies.",
        )


def left_in(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


class TestWhatIsWritten:
    def test_everything_that_the_sdk_needs(self, report: ExportReport) -> None:
        assert left_in(report.out) == [
            "README.md", "chat_template.jinja", "config.json", "generation_config.json", "model.safetensors", "onnx",
            "popi.json", "templates", "tokenizer.json", "tokenizer_config.json",
        ]  # fmt: skip
        assert left_in(report.out.parent) == ["summarizer"]

    def test_the_manifest_says_what_it_was_made_from(self, report: ExportReport) -> None:
        manifest = read_manifest(report.out)
        assert (manifest.role, manifest.render_version, manifest.forms) == (
            "summarizer", "1", ("transformers", "onnx"),
        )  # fmt: skip
        assert (manifest.window, manifest.max_summary_tokens, manifest.input_tokens) == (2_048, 60, 1_500)
        assert manifest.stop_tokens == (tiny_tokenizer().eos_token_id,)
        assert (manifest.base_model, manifest.data_digest, manifest.config_digest) == (
            "Qwen/Qwen3-tiny", "d" * 64, "c" * 16,
        )  # fmt: skip
        assert manifest.metrics == {"controls": {"trained": {"accuracy": 0.71234, "low": None}}}
        assert "NaN" not in (report.out / "popi.json").read_text()

    def test_the_weights_are_the_trained_ones(self, report: ExportReport, weights: Path) -> None:
        ids = torch.tensor([tiny_tokenizer().encode("Keep answers short")])
        first, second = (AutoModelForCausalLM.from_pretrained(folder)(ids).logits for folder in (weights, report.out))
        assert torch.equal(first, second)
        assert AutoTokenizer.from_pretrained(report.out)("Keep it").input_ids == tiny_tokenizer()("Keep it").input_ids

    def test_the_int4_form_is_smaller_and_writes_the_same(self, report: ExportReport) -> None:
        assert report.sizes["onnx"] < report.sizes["transformers"]
        assert report.agreement is not None
        assert (report.agreement.tokens, report.agreement.summaries, report.agreement.examples) == (1.0, 1.0, 3)
        # NOTHING is an empty summary, so one of three is not what was taught.
        assert report.agreement.accuracy == {"transformers": 2 / 3, "onnx": 2 / 3}

    def test_the_card_names_base_measures_licence_and_use(self, report: ExportReport) -> None:
        card = (report.out / "README.md").read_text("utf-8")
        assert card.startswith("---\nbase_model: Qwen/Qwen3-tiny\n")
        assert "| controls, trained, accuracy | 0.7123 |" in card
        assert "Llama 3.2 Community License; | applies." in card
        assert 'Popi(summarizer="path/to/summarizer")' in card
        assert "100.0% of their tokens" in card
        assert "{{" not in card
        assert "None" not in card

    def test_models_that_bring_their_licence_keep_it(self, weights: Path, tmp_path: Path) -> None:
        copy = Path(shutil.copytree(weights, tmp_path / "weights"))
        for name in ("LICENSE.txt", "NOTICE", "pytorch_model.bin", "optimizer.pt"):
            (copy / name).write_text("x")
        out = exported(copy, tmp_path / "out", onnx=False).out
        assert {"LICENSE.txt", "NOTICE"} <= set(left_in(out))
        assert not {"pytorch_model.bin", "optimizer.pt"} & set(left_in(out))


class TestOtherForms:
    def test_without_onnx_there_is_one_form_and_nothing_to_compare(self, weights: Path, tmp_path: Path) -> None:
        (tmp_path / "out").mkdir()
        report = exported(weights, tmp_path / "out", onnx=False)
        assert (report.manifest.forms, report.agreement) == (("transformers",), None)
        assert "onnx" not in left_in(report.out)
        assert "embedded" not in (report.out / "README.md").read_text()
        summary = TrainedSummarizer(report.out).summarize(said("Please keep it short."))
        assert summary.text == KNOWN["Please keep it short."]

    def test_a_generator_is_exported_for_a_server(self, weights: Path, tmp_path: Path) -> None:
        report = exported(weights, tmp_path / "my-generator", role="generator")
        card = (report.out / "README.md").read_text()
        assert "vllm serve path/to/my-generator --served-model-name my-generator" in card
        assert 'model = { name = "hosted_vllm/my-generator"' in card
        assert report.manifest.forms == ("transformers",)

    def test_replaced_templates_travel_with_it(self, weights: Path, tmp_path: Path) -> None:
        own = load_templates({"inference.system": "Say it in {{ max_tokens }} tokens.\n"})
        out = exported(weights, tmp_path / "out", templates=own, onnx=False).out
        assert read_manifest(out).render_version == own.version
        prompt = TrainedSummarizer(out).prompt(said("Hi"))
        assert "Say it in 60 tokens.<|im_end|>" in tiny_tokenizer().decode(prompt)

    def test_every_token_that_ends_an_answer_is_noted(self, weights: Path, tmp_path: Path) -> None:
        copy = Path(shutil.copytree(weights, tmp_path / "weights"))
        settings = json.loads((copy / "generation_config.json").read_text()) | {"eos_token_id": [5, 2]}
        (copy / "generation_config.json").write_text(json.dumps(settings))
        assert exported(copy, tmp_path / "out", onnx=False).manifest.stop_tokens == (2, 5)


class TestComparison:
    def test_agreement_counts_positions_and_ends(self) -> None:
        # Position by position with the end counted: a a END / a b END is 2 of 3; END / c END is 0 of 2.
        assert token_agreement([[1, 1], []], [[1, 2], [3]]) == pytest.approx(2 / 5)

    @pytest.mark.parametrize(("first", "second", "fine"), [(0.70, 0.68, True), (0.70, 0.679, False), (0.5, 0.6, False)])
    def test_two_points_of_accuracy_are_the_limit_either_way(
        self, report: ExportReport, first: float, second: float, fine: bool
    ) -> None:
        given = iter([first, second])
        if fine:
            found = compare_forms(report.out, report.manifest.forms, examples(), lambda _: next(given))
            assert found.accuracy == {"transformers": first, "onnx": second}
            return
        with pytest.raises(ExportError, match=rf"transformers {first:.1%}, onnx {second:.1%}"):
            compare_forms(report.out, report.manifest.forms, examples(), lambda _: next(given))

    def test_an_accuracy_that_is_no_number_is_no_success(self, report: ExportReport) -> None:
        with pytest.raises(ExportError, match="differ"):
            compare_forms(report.out, report.manifest.forms, examples(), lambda _: float("nan"))

    def test_forms_that_read_different_prompts_are_refused(self, report: ExportReport, tmp_path: Path) -> None:
        folder = Path(shutil.copytree(report.out, tmp_path / "copy"))
        with (folder / "onnx" / "chat_template.jinja").open("a") as template:
            template.write("Now:")
        edit_manifest(folder)
        with pytest.raises(ExportError, match="different tokens"):
            compare_forms(folder, report.manifest.forms, examples(), None)


@contextmanager
def files_of_at_most(size: int) -> Iterator[None]:
    """No file may grow beyond `size` bytes, as on a disk that is full."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


class TestFailure:
    def test_worse_int4_weights_are_not_exported(
        self, report: ExportReport, weights: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def built_before(_: Path, out: Path, precision: str) -> tuple[str, ...]:
            assert precision == "int4"
            shutil.copytree(report.out / "onnx", out)
            return ()

        monkeypatch.setattr("trainer.export.build_onnx", built_before)
        given = iter([0.9, 0.7])
        with pytest.raises(ExportError, match="more than 2 points"):
            exported(weights, tmp_path / "out", accuracy=lambda _: next(given))
        assert left_in(tmp_path) == []

    @pytest.mark.parametrize("size", [300_000, 20_000])
    def test_a_full_disk_leaves_nothing(self, weights: Path, tmp_path: Path, size: int) -> None:
        """300 kB end while the weights are copied; 20 kB would not even hold the tokenizer."""
        with files_of_at_most(size), pytest.raises(ExportError, match=os.strerror(errno.EFBIG)):
            exported(weights, tmp_path / "out")
        assert left_in(tmp_path) == []

    def test_a_disk_that_is_full_for_the_tokenizer_leaves_nothing(self, weights: Path, tmp_path: Path) -> None:
        copy = Path(shutil.copytree(weights, tmp_path / "weights"))
        small = tiny_tokenizer().encode("Hi")
        (copy / "model.safetensors").write_bytes(bytes(small))
        with files_of_at_most(20_000), pytest.raises(ExportError, match="could not be written"):
            exported(copy, tmp_path / "out")
        assert left_in(tmp_path) == ["weights"]

    def test_a_disk_that_fills_up_while_the_builder_works_is_a_plain_error(self, weights: Path, tmp_path: Path) -> None:
        with files_of_at_most(100_000), pytest.raises(ExportError, match="model builder failed"):
            build_onnx(weights, tmp_path / "onnx")

    def test_a_place_that_cannot_be_written_is_a_plain_error(self, weights: Path, tmp_path: Path) -> None:
        (tmp_path / "file").write_text("x")
        with pytest.raises(ExportError, match=os.strerror(errno.ENOTDIR)):
            exported(weights, tmp_path / "file" / "out")

    def test_what_is_there_is_never_overwritten(self, weights: Path, tmp_path: Path) -> None:
        (tmp_path / "out").mkdir()
        (tmp_path / "out" / "notes.txt").write_text("mine")
        for place in (tmp_path / "out", tmp_path / "out" / "notes.txt"):
            with pytest.raises(ConfigError, match="is not empty"):
                exported(weights, place)
        assert (tmp_path / "out" / "notes.txt").read_text() == "mine"

    def test_an_interruption_leaves_nothing(
        self, weights: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def interrupted(*_: Any) -> Any:
            raise KeyboardInterrupt

        monkeypatch.setattr("trainer.export.write_templates", interrupted)
        with pytest.raises(KeyboardInterrupt):
            exported(weights, tmp_path / "out")
        assert left_in(tmp_path) == []

    @pytest.mark.parametrize("name", ["config.json", "model.safetensors", "tokenizer_config.json"])
    def test_incomplete_weights_are_refused(self, weights: Path, tmp_path: Path, name: str) -> None:
        copy = Path(shutil.copytree(weights, tmp_path / "weights"))
        (copy / name).unlink()
        with pytest.raises(ConfigError, match="lacks"):
            exported(copy, tmp_path / "out")
        assert left_in(tmp_path) == ["weights"]

    @pytest.mark.parametrize(
        ("name", "text", "message"),
        [
            ("config.json", "{", "cannot be loaded"),
            ("tokenizer.json", "{", "cannot be loaded"),
            ("chat_template.jinja", "", "has no chat template"),
        ],
    )
    def test_damaged_weights_are_refused(
        self, weights: Path, tmp_path: Path, name: str, text: str, message: str
    ) -> None:
        copy = Path(shutil.copytree(weights, tmp_path / "weights"))
        (copy / name).write_text(text)
        with pytest.raises((ConfigError, SummarizerError), match=message):
            exported(copy, tmp_path / "out")
        assert left_in(tmp_path) == ["weights"]

    def test_a_missing_builder_is_told_with_its_pip_line(
        self, weights: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setitem(sys.modules, "onnx_ir", None)
        with pytest.raises(MissingExtraError, match=r'onnx_ir.*pip install "popi-sdk\[train\]"'):
            exported(weights, tmp_path / "out")
        assert left_in(tmp_path) == []
