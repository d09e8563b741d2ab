"""Configurations: checked as a whole before anything starts, and the same after a trip through a file."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

import pytest

from popi_sdk.errors import ConfigError
from trainer.config import CONFIGS, Config, load_config, parse_config


@pytest.mark.parametrize("file", sorted(CONFIGS.glob("*.toml")), ids=lambda file: file.stem)
def test_shipped_configurations_can_be_read_and_say_how_to_be_launched(file: Path) -> None:
    assert load_config(file.stem) == load_config(file)
    assert f"popi-train train {file.stem}" in file.read_text("utf-8")


def test_a_file_holds_what_differs_from_the_defaults() -> None:
    config = parse_config({"run": {"steps": 7}})
    assert config.run.steps == 7
    assert config.objective == Config().objective


@pytest.mark.parametrize("file", sorted(CONFIGS.glob("*.toml")), ids=lambda file: file.stem)
def test_the_resolved_copy_names_every_field_and_reads_back_equal(file: Path) -> None:
    config = load_config(file)
    tables = tomllib.loads(config.to_toml())
    assert {group: set(table) for group, table in tables.items()} == {
        group: set(field.default.model_dump()) for group, field in Config.model_fields.items()
    }
    assert parse_config(tables) == config
    assert parse_config(tables).digest() == config.digest()


def test_text_of_any_kind_survives_the_file() -> None:
    templates = {"inference.system": 'Quote "this"\n\tand C:\\path, and é 漢 \x7f \u2028.'}
    config = parse_config({"model": {"templates": templates}})
    assert parse_config(tomllib.loads(config.to_toml())).model.templates == templates


@pytest.mark.parametrize(
    ("tables", "message"),
    [
        ({"rum": {}}, r"there is no \[rum\]. Did you mean `run`\?"),
        ({"run": {"step": 3}}, r"there is no `run.step`. Did you mean `steps`\?"),
        ({"rollout": {"group_size": 3}}, r"there is no `rollout.group_size`"),
        ({"run": 3}, r"`run` is no table. Write it as \[run\]"),
        ({"run": {"steps": "80"}}, r"`run.steps`: Input should be a valid integer"),
        ({"run": {"steps": 80.0}}, r"`run.steps`: Input should be a valid integer"),
        ({"run": {"steps": True}}, r"`run.steps`: Input should be a valid integer"),
        ({"pretrain": {"counted_texts": 5}, "model": {"vocabulary": 20_000}}, r"vocabulary` of at most 16,000"),
        ({"pretrain": {"counted_texts": 5}, "model": {"base": "some/model"}}, r"are for a model from scratch"),
        ({"run": {"steps": -1}}, r"`run.steps`: .*greater than or equal to 0"),
        ({"run": {"form": "joint"}}, r"`run.form`: .*'interleaved'"),
        ({"run": {"generator_learning_rate": float("inf")}}, r"`run.generator_learning_rate`"),
        ({"run": {"generator_learning_rate": 3.0}}, r"`run.generator_learning_rate`: .*less than or equal to 1"),
        ({"objective": {"beta": float("nan")}}, r"`objective.beta`"),
        ({"objective": {"beta": 0}}, r"`objective.beta`: .*greater than 0"),
        ({"rollout": {"group": 1}}, r"`rollout.group`: .*greater than or equal to 2"),
        ({"world": {"cares": 4, "dimensions": 3}}, r"`world.cares` is more than `world.dimensions`"),
        ({"world": {"dimensions": 7}}, r"`world.dimensions`: .*less than or equal to 6"),
        ({"world": {"pairs": 2}, "objective": {"pairs": 3}}, r"`objective.pairs` is more than the `world.pairs`"),
        ({"model": {"lora_rank": 8}}, r"`model.lora_rank` needs a trained base"),
        ({"objective": {"without_summary": 0.2}}, r"`objective.without_summary` is more than one in"),
        ({"run": {"form": "alternating", "rounds": 3, "steps": 5}}, r"fewer than the 2 \* `run.rounds` phases"),
    ],
)
def test_what_cannot_be_used_is_named(tables: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        parse_config(tables)


def test_whole_numbers_stand_for_fractions() -> None:
    assert parse_config({"objective": {"beta": 1, "kl": 0}}).objective.beta == 1.0


def test_files_that_cannot_be_read_are_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"There is no configuration nowhere.*smoke"):
        load_config("nowhere")
    (tmp_path / "broken.toml").write_text("[run\n", "utf-8")
    with pytest.raises(ConfigError, match=r"broken\.toml cannot be read: .*line 1"):
        load_config(tmp_path / "broken.toml")
    (tmp_path / "bytes.toml").write_bytes(b"\xff\xfe")
    with pytest.raises(ConfigError, match=r"bytes\.toml cannot be read"):
        load_config(tmp_path / "bytes.toml")
    with pytest.raises(ConfigError, match="cannot be read"):
        load_config(tmp_path)


def test_the_digest_tells_what_is_computed_and_not_where() -> None:
    assert parse_config({"run": {"device": "cpu"}}).digest() == Config().digest()
    assert parse_config({"run": {"parallel": "sharded"}}).digest() == Config().digest()
    assert parse_config({"run": {"seed": 1}}).digest() != Config().digest()


def test_a_configuration_cannot_be_changed_after_it_was_checked() -> None:
    with pytest.raises(ValueError, match="frozen"):
        Config().run.steps = 3  # type: ignore[misc]
