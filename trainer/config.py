"""The configuration of a training run: small groups read from TOML, checked as a whole before anything starts.

Every field has a default, so a file holds what differs. Unknown keys are refused with the nearest known name. The
resolved copy that a run saves names every field.
"""

from __future__ import annotations

import difflib
import hashlib
import json
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from popi_sdk.errors import ConfigError

Share = Annotated[float, Field(ge=0, le=1)]
Positive = Annotated[float, Field(gt=0)]
Rate = Annotated[float, Field(gt=0, le=1)]
NotNegative = Annotated[float, Field(ge=0)]
Count = Annotated[int, Field(ge=1)]
CountOrNone = Annotated[int, Field(ge=0)]

CONFIGS = Path(__file__).parent / "configs"
MOST_COUNTED = 16_000
"""Largest vocabulary of which every two tokens can be counted together: a gigabyte per table."""


class Group(BaseModel):
    """A table of the file: frozen, and strict about its keys."""

    model_config = ConfigDict(
        frozen=True, extra="forbid", strict=True, allow_inf_nan=False, use_attribute_docstrings=True
    )


class DataConfig(Group):
    """Where the examples come from."""

    folder: str = "world"
    """Folder with train.jsonl, validation.jsonl and test.jsonl as `popi-train prepare` writes them, or one of two kinds
    of simulated users: "world" (templated texts) or "people" (real answers)."""
    input_tokens: Count = 6_000
    """Budget of the rendered signals; what does not fit is shortened or left out."""
    text_tokens: CountOrNone = 0
    """Most tokens of a single text of a signal, for small windows; 0 for whatever fits."""


class WorldConfig(Group):
    """Simulated users, for `data.folder = "world"`."""

    users: Count = 2_000
    """Users to train on; validation and test have 200 and 400 others."""
    dimensions: Annotated[int, Field(ge=1, le=6)] = 3
    """How many things users may care about."""
    cares: Annotated[int, Field(ge=1, le=6)] = 3
    """How many of them each user does care about."""
    signals: Annotated[int, Field(ge=1, le=100)] = 3
    """Preference pairs shown to the summarizer."""
    fewest_signals: CountOrNone = 0
    """Users to train on have shown between so many and `signals`; 0 for `signals` each."""
    pairs: Count = 4
    """Held-out pairs."""
    noise: Share = 0.1
    """Chance that a shown answer misses a preference."""
    conflicts: Share = 0.0
    """Share of shown pairs that were chosen against the user's own preferences."""
    drift: Share = 0.0
    """Share of users who change their mind half-way; held-out pairs follow the newer taste."""


class PeopleConfig(Group):
    """Simulated people who choose between real answers (`trainer.people`), for `data.folder = "people"`."""

    answers: str = "../shared/data/answers.jsonl.xz"
    """Answers of many LLMs to the same tasks, one JSON line each: `task`, `prompt`, `text`."""
    dialogues: str = "../shared/data/dialogues.jsonl.xz"
    """Dialogues without any wish about answers, one JSON line each: `text`; "" for none."""
    users: Count = 20_000
    """People to train on, an even number."""
    signals: Count = 12
    """Most signals a person to train on shows; people to test on show 8."""
    pairs: Count = 4
    """Held-out pairs."""
    least_wishes: Count = 3
    """Fewest wishes of a person."""
    most_wishes: Count = 5
    """Most wishes of a person."""
    noise: NotNegative = 0.1
    """Temperature of a choice, in utility."""
    flips: Share = 0.1
    """Share of choices that come out the other way round."""
    drift: Share = 0.1
    """Share of people who change their mind about one wish half-way."""
    without_wishes: Share = 0.1
    """Share of people to train on who wish for nothing."""


class ModelConfig(Group):
    """The language model both roles start from."""

    base: str = "scratch"
    """Hub id or directory of any causal language model of transformers, or "scratch" for a small one made here."""
    lora_rank: CountOrNone = 0
    """Rank of the two adapters on one frozen base; 0 trains all weights of two copies."""
    gradient_checkpointing: bool = False
    """Recompute activations in the backward pass: less memory, about a third more time."""
    hidden: Count = 64
    """Width of a model from scratch."""
    layers: Count = 2
    """Depth of a model from scratch."""
    vocabulary: Count = 1_024
    """Size of the tokenizer that is trained for a model from scratch."""
    answers: Literal["whole", "text", "levels", "levels and text"] = "whole"
    """How answers are shown to the generator: whole, shortened to `answer_tokens`, as the levels of their measured
    style (`popi_sdk.style.facts`), or as both of the last."""
    answer_tokens: Count = 48
    """Most tokens of a shortened answer, and of the question before it."""
    templates: str | dict[str, str] = ""
    """Folder or table of templates that replace POPI's own; exported with the weights."""
    max_summary_tokens: Count = 100
    """Longest summary."""


class PretrainConfig(Group):
    """Learning the language, for a model from scratch: the next token of answers, dialogues and wordings."""

    counted_texts: CountOrNone = 0
    """Texts in which is counted which words stand together, for embeddings to start from; 0 for random ones."""
    steps: CountOrNone = 0
    """Steps of the optimizer; 0 for none."""
    batch: Count = 32
    """Texts per step."""
    length: Count = 192
    """Most tokens of a text."""
    learning_rate: Rate = 3e-3
    """The highest."""
    optimizer: Literal["adamw", "muon"] = "adamw"
    """Muon learns from fewer examples, for a model from scratch; its rates are ten times as high."""


class WarmStartConfig(Group):
    """Supervised learning before reinforcement learning, which finds only what the start half knows."""

    summarizer: Literal["none", "contrast", "oracle", "evident"] = "none"
    """Whose summaries the summarizer learns first: the contrast baseline's, what is truly known about the user, or what
    of that the signals make evident."""
    summarizer_steps: CountOrNone = 0
    """Steps of the summarizer's warm start."""
    summarizer_noise: Share = 0.0
    """Chance that a clause of the target is the first user's, whoever it is about: such a start says much the same of
    everyone, and leaves something to find."""
    updates: Share = 0.0
    """Share of the targets that bring a summary of earlier signals up to date; that summary is the target with
    clauses missing or another user's in their place."""
    generator_steps: CountOrNone = 0
    """Steps in which a generator from scratch learns to answer as descriptions ask; 0 for instruct models."""
    batch: Count = 32
    """Targets per step of a warm start."""
    learning_rate: Rate = 2e-3
    """The highest of both warm starts."""
    optimizer: Literal["adamw", "muon"] = "adamw"
    """As for pretraining."""


class ObjectiveConfig(Group):
    """The one objective of both models."""

    loss: Literal["dpo", "ipo"] = "dpo"
    """DPO, or IPO, which aims at a margin of 1 / (2 beta) and no further."""
    beta: Positive = 0.1
    """Sharpness of the preference loss, per nat of margin."""
    pairs: Count = 4
    """Held-out pairs that score one summary."""
    without_summary: Annotated[float, Field(ge=0, le=0.5)] = 0.08
    """Share of the generator's examples that show no summary, so that answering without one stays fair."""
    kl: NotNegative = 0.02
    """Weight of the summarizer's KL divergence to its start, per token."""
    length_budget: Count = 64
    """Tokens a summary may have before it costs."""
    length_weight: NotNegative = 0.0
    """Reward lost for each token beyond the budget."""
    clip: Positive = 0.2
    """How far a token's probability ratio may move in one step; matters only with several inner epochs."""
    scale_advantages: bool = False
    """Divide advantages by their group's standard deviation."""


class RolloutConfig(Group):
    """What is sampled in one step."""

    users: Count = 16
    """Users per step."""
    group: Annotated[int, Field(ge=2)] = 8
    """Summaries per user."""
    temperature: Positive = 1.0
    """Of sampling; 1 samples from the summarizer as it is."""
    inner_epochs: Count = 1
    """Times the same rollouts are used for a summarizer update."""
    microbatch: Count = 16
    """Users whose rollouts go through a model at once; smaller takes less memory and gives the same update."""
    updates: Share = 0.0
    """Share of a step's users whose earlier signals are summed up first: what scores is the summary that is made of
    that one and the newer signals (`trainer.streaming`)."""
    server: str = ""
    """Address of a vLLM server that samples with the adapter ("http://host:8000"); "" samples where it trains."""


class RunConfig(Group):
    """The loop itself."""

    form: Literal["interleaved", "alternating", "frozen_generator", "frozen_summarizer"] = "interleaved"
    """Which model learns when; `alternating` lets the summarizer begin."""
    rounds: Count = 1
    """Rounds of `alternating`: the steps are dealt out evenly to 2 * rounds phases."""
    steps: CountOrNone = 80
    """Steps of joint training; 0 leaves a run with what its warm starts made."""
    summarizer_learning_rate: Rate = 1e-4
    """The highest of the summarizer's schedule."""
    generator_learning_rate: Rate = 3e-5
    """The highest of the generator's; a third of the summarizer's or less keeps it reading summaries."""
    schedule: Literal["cosine", "constant"] = "cosine"
    """Down to a tenth along a cosine, or not at all."""
    warmup_steps: CountOrNone = 0
    """Steps in which the learning rates rise from 0."""
    evaluate_every: Count = 20
    """Steps between looks at unseen users."""
    save_every: Count = 20
    """Steps between checkpoints; the two newest are kept."""
    seed: int = 0
    """Decides everything that is drawn."""
    device: Literal["auto", "cpu", "cuda"] = "auto"
    """Where to train; `auto` takes a GPU where there is one."""
    parallel: Literal["replicated", "sharded"] = "replicated"
    """What several processes (`torchrun`) hold: whole copies of the weights, or a part of every layer each."""


class RefreshConfig(Group):
    """Going on with what an app's users have shown since, for `popi-train refresh`."""

    replay: Annotated[float, Field(ge=0, lt=1)] = 0.3
    """Share of the examples trained on that are old: from the store, and from what the first run was trained on."""
    shots: Count = 4
    """A user's pairs shown beside the held-out ones."""
    held_out: Count = 2
    """Pairs of a block that are held out at once."""
    said_by: Count = 3
    """Users who must have said a wish before it may stand in the summary of anybody else."""
    clauses: Count = 24
    """Most clauses that are tried on a user."""
    rounds: CountOrNone = 2
    """Times that each user's best summary in hindsight is looked for, and learned from."""
    generator_steps: Count = 100
    """Steps of the generator in a round."""
    summarizer_steps: Count = 150
    """Steps of the summarizer in a round."""
    batch: Count = 24
    """Users in a step of either."""
    learning_rate: Rate = 2e-4
    """The highest of both."""
    optimizer: Literal["adamw", "muon"] = "adamw"
    """As for pretraining."""
    steps: CountOrNone = 0
    """Steps of joint training after that, as `[run]` and `[rollout]` say."""
    evaluated: Count = 600
    """Most examples of held-out users, and of the trusted set, that old and new are compared on."""


class Config(Group):
    """Everything a run depends on."""

    data: DataConfig = DataConfig()
    world: WorldConfig = WorldConfig()
    people: PeopleConfig = PeopleConfig()
    model: ModelConfig = ModelConfig()
    pretrain: PretrainConfig = PretrainConfig()
    warm_start: WarmStartConfig = WarmStartConfig()
    objective: ObjectiveConfig = ObjectiveConfig()
    rollout: RolloutConfig = RolloutConfig()
    run: RunConfig = RunConfig()
    refresh: RefreshConfig = RefreshConfig()

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        if self.world.cares > self.world.dimensions:
            raise ValueError("`world.cares` is more than `world.dimensions`")
        if self.world.fewest_signals > self.world.signals:
            raise ValueError("`world.fewest_signals` is more than `world.signals`")
        if self.data.folder == "world" and self.objective.pairs > self.world.pairs:
            raise ValueError("`objective.pairs` is more than the `world.pairs` that each user has")
        if self.people.least_wishes > self.people.most_wishes or self.people.users % 2:
            raise ValueError("`people.users` is an even number, and `people.least_wishes` at most `people.most_wishes`")
        if self.data.folder == "people" and self.objective.pairs > self.people.pairs:
            raise ValueError("`objective.pairs` is more than the `people.pairs` that each person has")
        if self.model.base != "scratch" and (self.pretrain.steps or self.pretrain.counted_texts):
            raise ValueError("`pretrain.steps` and `pretrain.counted_texts` are for a model from scratch")
        if self.pretrain.counted_texts and self.model.vocabulary > MOST_COUNTED:
            raise ValueError(f"`pretrain.counted_texts` needs a `model.vocabulary` of at most {MOST_COUNTED:,}")
        if self.model.base == "scratch" and self.model.lora_rank:
            raise ValueError("`model.lora_rank` needs a trained base; a model from scratch trains all its weights")
        if self.rollout.server and not self.rollout.server.startswith(("http://", "https://")):
            raise ValueError("`rollout.server` is an address such as http://localhost:8000")
        if self.rollout.server and not self.model.lora_rank:
            raise ValueError("`rollout.server` needs a `model.lora_rank`: only adapters are handed over")
        if self.objective.without_summary * (self.rollout.group + 1) > 1:
            raise ValueError("`objective.without_summary` is more than one in each `rollout.group` + 1 examples")
        if self.run.form == "alternating" and 2 * self.run.rounds > self.run.steps:
            raise ValueError("`run.steps` are fewer than the 2 * `run.rounds` phases")
        return self

    def digest(self) -> str:
        """Hash of everything that decides what a run computes, so not of the machines it runs on."""
        machines = {"run": {"device", "parallel"}, "rollout": {"server"}, "people": {"answers", "dialogues"}}
        decisive = self.model_dump_json(exclude=machines)
        return hashlib.sha256(decisive.encode("utf-8")).hexdigest()[:16]

    def to_toml(self) -> str:
        """The resolved configuration as a file that `load_config` reads."""
        lines = []
        for group, table in self.model_dump(mode="json").items():
            lines.append(f"[{group}]")
            lines += [f"{key} = {_toml(value)}" for key, value in table.items()]
            lines.append("")
        return "\n".join(lines)


def load_config(path: Path | str) -> Config:
    """Read a configuration; a bare name such as "smoke" means a shipped one.

    Raises:
        ConfigError: there is no such file, it is no TOML, or a key or value cannot be used; the message names it.
    """
    path = _shipped(path)
    try:
        tables = tomllib.loads(path.read_text("utf-8"))
    except FileNotFoundError:
        known = ", ".join(sorted(file.stem for file in CONFIGS.glob("*.toml")))
        raise ConfigError(f"There is no configuration {path}", hint=f"Shipped ones are: {known}.") from None
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise ConfigError(f"{path} cannot be read: {error}") from error
    return parse_config(tables, place=str(path))


def parse_config(tables: Mapping[str, Any], place: str = "configuration") -> Config:
    """Check tables as read from TOML.

    Raises:
        ConfigError: the first key or value that cannot be used.
    """
    _refuse_unknown(tables, place)
    try:
        return Config.model_validate(tables)
    except ValidationError as error:
        first = error.errors()[0]
        name = ".".join(map(str, first["loc"]))
        raise ConfigError(
            f"{place}: {f'`{name}`: ' if name else ''}{first['msg'].removeprefix('Value error, ')}"
        ) from None


def _shipped(path: Path | str) -> Path:
    shipped = CONFIGS / f"{path}.toml"
    return shipped if isinstance(path, str) and "/" not in path and shipped.is_file() else Path(path)


def _refuse_unknown(tables: Mapping[str, Any], place: str) -> None:
    for group, table in tables.items():
        if group not in Config.model_fields:
            raise _unknown(f"[{group}]", group, list(Config.model_fields), place)
        if not isinstance(table, Mapping):
            raise ConfigError(f"{place}: `{group}` is no table", hint=f"Write it as [{group}] with keys below.")
        known = list(type(Config.model_fields[group].default).model_fields)
        for key in table:
            if key not in known:
                raise _unknown(f"`{group}.{key}`", key, known, place)


def _unknown(shown: str, name: str, known: list[str], place: str) -> ConfigError:
    near = difflib.get_close_matches(name, known, 1)
    hint = f"Did you mean `{near[0]}`?" if near else f"There are: {', '.join(known)}."
    return ConfigError(f"{place}: there is no {shown}", hint=hint)


def _toml(value: Any) -> str:
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{json.dumps(key)} = {_toml(text)}" for key, text in value.items()) + " }"
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")  # legal in JSON, not in TOML
