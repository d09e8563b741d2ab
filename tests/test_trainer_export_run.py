"""From a run to a directory that the SDK loads, through the command line."""

from __future__ import annotations

import itertools
import json
from pathlib import Path
from typing import cast

import pytest
import torch
import typer
from transformers import AutoModelForCausalLM
from typer.testing import CliRunner, Result

from popi_sdk import Popi
from popi_sdk.manifest import Role, read_manifest
from popi_sdk.render import render
from tests.tiny_models import save_tiny, tiny_tokenizer
from trainer.cli.export import export
from trainer.cli.failing import TrainGroup
from trainer.config import load_config
from trainer.export.from_run import save_merged
from trainer.models import load_models, save_learner
from trainer.run_directory import RunDirectory, run_templates
from trainer.train import train
from trainer.world import world_examples

pytestmark = pytest.mark.filterwarnings("ignore:`is_gradient_checkpointing` is deprecated:FutureWarning")  # peft asks

SETTINGS = """
[world]
users = 8
dimensions = 2
cares = 2
signals = 1
pairs = 2
[model]
base = {base}
lora_rank = 4
max_summary_tokens = 12
templates = {{ "inference.system" = "How does this user like to be answered?" }}
[objective]
pairs = 1
[rollout]
users = 2
group = 2
[run]
form = "frozen_summarizer"
steps = 1
device = "cpu"
"""
ALWAYS = "Keep answers short."


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> RunDirectory:
    """A run over a base that says the same of every user, so that int4 says it as well."""
    folder = tmp_path_factory.mktemp("run")
    (folder / "config.toml").write_text(SETTINGS.format(base=json.dumps(str(folder / "base"))))
    config = load_config(folder / "config.toml")
    templates = run_templates(config)
    users = world_examples(config.world, "train", 12, seed=1)
    prompts = [render(user.signals, max_summary_tokens=12, templates=templates).messages for user in users]
    save_tiny(folder / "base", lessons=[(messages, ALWAYS) for messages in prompts], steps=30)
    return train(config, folder / "run")


def command(*arguments: object) -> Result:
    app = typer.Typer(cls=TrainGroup)
    app.callback()(lambda: None)
    app.command()(export)
    return CliRunner().invoke(app, ["export", *map(str, arguments)])


def test_merged_weights_compute_what_each_adapter_computes(run: RunDirectory, tmp_path: Path) -> None:
    base = run.base_of(run.config())
    models = load_models(run.config().model, base, torch.device("cpu"))
    torch.manual_seed(0)
    for role, policy in models.learners.items():
        for parameter in policy.learned().values():
            torch.nn.init.normal_(parameter, std=0.1)
        save_learner(policy, tmp_path / role)
    ids = torch.tensor([tiny_tokenizer().encode("How does this user like to be answered?")])
    with torch.no_grad():
        found = [AutoModelForCausalLM.from_pretrained(base)(ids).logits]
        for role, policy in models.learners.items():
            merged = tmp_path / f"{role}-merged"
            save_merged(run, tmp_path, cast("Role", role), merged)
            found.append(AutoModelForCausalLM.from_pretrained(merged)(ids).logits)
            assert torch.allclose(found[-1], policy(lambda lm: lm(ids).logits), atol=1e-4)
    for one, other in itertools.combinations(found, 2):
        assert not torch.allclose(one, other, atol=0.1)


def test_the_command_exports_what_a_run_has_learned(run: RunDirectory, tmp_path: Path) -> None:
    result = command(run.path, "--out", tmp_path / "summarizer", "--licence", "Only a toy.", "--json")
    assert result.exit_code == 0, result.output
    report = json.loads(result.stdout)
    assert report["agreement"]["examples"] == 50
    assert report["agreement"]["tokens"] == 1.0
    accuracy = report["agreement"]["accuracy"]
    assert accuracy["transformers"] == accuracy["onnx"]
    assert 0 < accuracy["onnx"] < 1
    manifest = read_manifest(tmp_path / "summarizer")
    assert (manifest.config_digest, manifest.max_summary_tokens) == (run.config().digest(), 12)
    assert manifest.metrics["steps"] == 1
    assert "accuracy_trained" in manifest.metrics["validation"]
    assert manifest.render_version.startswith("1+")
    with Popi(store="memory", summarizer=tmp_path / "summarizer") as popi:
        assert popi.summarize(world_examples(run.config().world, "test", 1, seed=7)[0].signals).text == ALWAYS


def test_the_command_says_what_it_did_and_what_comes_next(run: RunDirectory, tmp_path: Path) -> None:
    checkpoint = run.latest()
    assert checkpoint is not None
    result = command(checkpoint.folder, "--out", tmp_path / "generator", "--role", "generator")
    assert result.exit_code == 0, result.output
    assert result.stdout.startswith(f"Exported: {tmp_path / 'generator'} (transformers ")
    assert "README.md" in result.stdout


def test_a_directory_without_a_run_or_checkpoint_is_refused(run: RunDirectory, tmp_path: Path) -> None:
    result = command(tmp_path, "--out", tmp_path / "out")
    assert (result.exit_code, "holds no run" in result.output) == (2, True)
    (tmp_path / "config.toml").write_text(run.config_file.read_text())
    result = command(tmp_path, "--out", tmp_path / "out")
    assert (result.exit_code, "no complete checkpoint" in result.output) == (2, True)
