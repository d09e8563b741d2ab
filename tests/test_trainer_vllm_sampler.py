"""A vLLM server samples from the weights of this moment, and what else it may answer is told in plain words.

The server here has vLLM's interface and a tiny model; a real one is asked where POPI_VLLM_SERVER names it.
"""

from __future__ import annotations

import json
import os
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from peft import PeftModel
from safetensors.torch import load_file
from transformers import PreTrainedModel

from popi_sdk.errors import ConfigError
from tests.brief_runs import differing, lora_config, quiet, weights_of, write_data
from tests.crashes import crash_at
from tests.test_trainer_distributed import torchrun
from tests.tiny_models import save_tiny, tiny_tokenizer
from tests.vllm_server import Change, VllmLookalike
from trainer import train as train_module
from trainer import vllm_server
from trainer.config import Config
from trainer.errors import TrainingError
from trainer.models import Models, load_language_model, load_models, stop_tokens
from trainer.run_directory import RunDirectory
from trainer.sampling import DecodeLoop
from trainer.train import train
from trainer.vllm_sampler import VllmSampler, make_vllm_sampler, prompt_seed

CPU = torch.device("cpu")
PADDING = tiny_tokenizer().pad_token_id
FAST: dict[str, dict[str, Any]] = {"run": {"summarizer_learning_rate": 3e-2}}
"""Samples after a step differ from those before it."""
PROMPTS = [[5, 6, 7], [300, 20], [9] * 12]


class LoadedAdapter:
    """An adapter as it was on disk when it was loaded, on a base of its own."""

    def __init__(self, base: Path, place: Path) -> None:
        with warnings.catch_warnings():  # see `trainer.models`
            warnings.simplefilter("ignore", FutureWarning)
            peft = PeftModel.from_pretrained(load_language_model(base, CPU, torch.float32), str(place))
        self.lm: Any = peft.get_base_model()

    def sample(self, body: dict[str, Any]) -> list[list[int]]:
        loop = DecodeLoop(body["stop_token_ids"], body["max_tokens"], PADDING)
        prompts, count = [body["prompt"]], body["n"]
        return loop.sample(self.lm, prompts, count, temperature=body["temperature"], seed=body["seed"])[0]


class InProcess:
    """What a run without a server would draw if it drew each prompt's samples by themselves."""

    def __init__(self, models: Models, config: Config) -> None:
        stops = stop_tokens(models.summarizer, models.tokenizer)
        self._loop = DecodeLoop(stops, config.model.max_summary_tokens, PADDING)

    def sample(
        self, lm: PreTrainedModel, prompts: Sequence[Sequence[int]], count: int, *, temperature: float, seed: int
    ) -> list[list[list[int]]]:
        return [
            self._loop.sample(lm, [prompt], count, temperature=temperature, seed=prompt_seed(seed, place))[0]
            for place, prompt in enumerate(prompts)
        ]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("served")
    write_data(place / "data")
    save_tiny(place / "base")
    return place


@pytest.fixture
def server(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[VllmLookalike]:
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    monkeypatch.setattr(vllm_server, "PAUSES", (0.0, 0.0, 0.0))
    base = folder / "base"
    with VllmLookalike(str(base), lambda place: LoadedAdapter(base, place)) as started:
        yield started


@pytest.fixture(scope="module")
def alone(folder: Path) -> Path:
    """A run that samples in its own process."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(train_module, "make_sampler", InProcess)
        run = folder / "alone"
        return train(lora_config(folder / "data", folder / "base", **FAST), run, reporter=quiet(run)).path


def served_config(folder: Path, server: VllmLookalike, **groups: dict[str, Any]) -> Config:
    return lora_config(folder / "data", folder / "base", rollout={"server": server.url}, **(FAST | groups))


def learned(run: Path) -> dict[str, torch.Tensor]:
    """What a run's newest checkpoint holds, but for torch's random state: this server shares it with the trainer."""
    return {name: value for name, value in weights_of(run).items() if not name.endswith(":random")}


def assert_learned_the_same(run: Path, other: Path) -> None:
    found, expected = learned(run), learned(other)
    assert found.keys() == expected.keys()
    for name, value in found.items():
        torch.testing.assert_close(value, expected[name], rtol=1e-5, atol=1e-7)


def adapter_of(run: Path) -> dict[str, torch.Tensor]:
    """What the newest checkpoint holds of the summarizer."""
    checkpoint = RunDirectory(run).latest()
    assert checkpoint is not None
    return load_file(checkpoint.folder / "summarizer" / "adapter_model.safetensors")


def handed_over(run: Path) -> dict[str, torch.Tensor]:
    """The one adapter that lies ready for the server."""
    (place,) = (run / "served").iterdir()
    return load_file(place / "adapter_model.safetensors")


def test_a_run_with_a_server_learns_what_it_learns_without(
    folder: Path, server: VllmLookalike, alone: Path, tmp_path: Path
) -> None:
    run = train(served_config(folder, server), tmp_path / "run", reporter=quiet(tmp_path / "run")).path
    assert_learned_the_same(run, alone)
    assert RunDirectory(run).summaries.read_text() == RunDirectory(alone).summaries.read_text()


def test_each_state_of_the_weights_is_loaded_once_and_the_one_before_let_go(
    folder: Path, server: VllmLookalike, tmp_path: Path
) -> None:
    run = train(served_config(folder, server), tmp_path / "run", reporter=quiet(tmp_path / "run")).path
    assert len(server.loaded) == len(set(server.loaded)) == 4  # before the three steps and after them
    assert server.unloaded == server.loaded[:-1]
    assert [*server.adapters] == server.loaded[-1:]
    assert differing(handed_over(run), adapter_of(run)) == []


def test_a_server_that_kept_old_weights_would_be_noticed_here(
    folder: Path, server: VllmLookalike, alone: Path, tmp_path: Path
) -> None:
    first: list[LoadedAdapter] = []

    def stale(place: Path) -> LoadedAdapter:
        first.append(LoadedAdapter(folder / "base", place))
        return first[0]

    server.load = stale
    run = train(served_config(folder, server), tmp_path / "run", reporter=quiet(tmp_path / "run")).path
    with pytest.raises(AssertionError, match="not close"):
        assert_learned_the_same(run, alone)


@pytest.mark.parametrize("server_forgets", [False, True])
def test_a_run_that_was_killed_goes_on_with_the_weights_of_its_checkpoint(
    server_forgets: bool, folder: Path, server: VllmLookalike, alone: Path, tmp_path: Path
) -> None:
    config, run = served_config(folder, server), tmp_path / "run"
    with crash_at("os.rename", ".step-000002.part"):  # the server holds the adapter of step 2, the disk that of step 1
        train(config, run, reporter=quiet(run))
    left = [*server.adapters]
    if server_forgets:
        server.restart()
    train(config, run, resume=True, reporter=quiet(run))
    assert_learned_the_same(run, alone)
    assert len(left) == 1
    assert [*server.adapters] == server.loaded[-1:]


def test_a_run_may_go_on_without_its_server(folder: Path, server: VllmLookalike, tmp_path: Path) -> None:
    config, run = served_config(folder, server), tmp_path / "run"
    with crash_at("os.rename", ".step-000002.part"):
        train(config, run, reporter=quiet(run))
    before = len(server.bodies)
    local = config.model_copy(update={"rollout": config.rollout.model_copy(update={"server": ""})})
    assert local.digest() == config.digest()
    train(local, run, resume=True, reporter=quiet(run))
    assert len(server.bodies) == before


@pytest.mark.parametrize("parallel", ["replicated", "sharded"])
def test_two_processes_share_a_server_and_one_of_them_hands_over(
    parallel: str, folder: Path, server: VllmLookalike, tmp_path: Path
) -> None:
    run, file = tmp_path / "run", tmp_path / "two.toml"
    settings = {**FAST["run"], "parallel": parallel, "steps": 2}
    file.write_text(served_config(folder, server, run=settings).to_toml(), "utf-8")
    done = torchrun("-m", "trainer", "train", str(file), "--out", str(run))
    assert done.returncode == 0, done.stderr
    assert len(server.loaded) == len(set(server.loaded)) == 3
    assert differing(handed_over(run), adapter_of(run)) == []
    drawn = [body for body in server.bodies if body["temperature"] > 0]
    assert len(drawn) == 2 * 4  # each step's users once, whoever asks
    assert len({body["seed"] for body in drawn}) == len(drawn)


# --- one request -----------------------------------------------------------------------------------------------------


@pytest.fixture
def sampler(folder: Path, server: VllmLookalike, tmp_path: Path) -> VllmSampler:
    config = served_config(folder, server)
    models = load_models(config.model, folder / "base", CPU)
    with torch.no_grad():
        for value in models.summarizer.learned().values():
            value.normal_(0, 0.3, generator=torch.Generator().manual_seed(value.numel()))
    return make_vllm_sampler(RunDirectory(tmp_path / "run"), models, config)


def sampled(sampler: VllmSampler, temperature: float = 1.0, count: int = 4, seed: int = 1) -> list[list[list[int]]]:
    groups: list[list[list[int]]] = sampler.policy(
        lambda lm: sampler.sample(lm, PROMPTS, count, temperature=temperature, seed=seed)
    )
    return groups


def test_the_likeliest_tokens_are_those_of_the_decode_loop(sampler: VllmSampler) -> None:
    loop = DecodeLoop(sorted(sampler.stops), sampler.max_tokens, PADDING)
    expected = sampler.policy(lambda lm: loop.sample(lm, PROMPTS, 3, temperature=0, seed=0))
    assert sampled(sampler, temperature=0, count=3) == expected


def test_nothing_stands_between_the_weights_and_the_draw(sampler: VllmSampler, server: VllmLookalike) -> None:
    first = sampled(sampler)
    assert first == sampled(sampler)
    assert first != sampled(sampler, seed=2)
    assert len(server.loaded) == 1
    for body in server.bodies:
        assert {key: body[key] for key in ("top_p", "top_k", "min_p", "repetition_penalty")} == {
            "top_p": 1.0, "top_k": 0, "min_p": 0.0, "repetition_penalty": 1.0,
        }  # fmt: skip
        assert body["ignore_eos"] is True
        assert body["stop_token_ids"] == sorted(sampler.stops)


def test_a_server_that_asks_for_a_key_gets_the_one_it_was_started_with(
    sampler: VllmSampler, server: VllmLookalike, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VLLM_API_KEY", "a-key")
    sampled(sampler)
    assert {headers["Authorization"] for headers in server.headers} == {"Bearer a-key"}


def test_adapters_of_other_runs_stay_on_the_server(sampler: VllmSampler, server: VllmLookalike, tmp_path: Path) -> None:
    other = replace(sampler, folder=tmp_path / "other" / "served")
    names = [sampled(sampler) and server.loaded[-1], sampled(other) and server.loaded[-1]]
    assert [*server.adapters] == names
    assert len(set(names)) == 2


@pytest.mark.parametrize("path", ["/v1/models", "/v1/load_lora_adapter", "/v1/completions"])
@pytest.mark.parametrize("fault", [None, lambda _: (503, "busy")])
def test_what_passes_is_asked_again(path: str, fault: Any, sampler: VllmSampler, server: VllmLookalike) -> None:
    expected = sampled(sampler)
    server.restart()
    server.faults += [(path, fault)] * 2
    assert sampled(sampler) == expected
    assert not server.faults


def changed(key: str, value: Any) -> Change:
    """An answer whose first choice has another value."""

    def change(content: Any) -> tuple[int, Any]:
        content["choices"][0][key] = value
        return 200, content

    return change


@pytest.mark.parametrize(
    ("path", "fault", "message"),
    [
        ("/v1/completions", lambda _: (400, "too long"), r"refuses /v1/completions: 400 too long"),
        ("/v1/completions", lambda _: (500, "broken"), r"refuses /v1/completions: 500 broken"),
        ("/v1/completions", lambda _: (200, "<html>"), r"answers otherwise than vLLM does"),
        ("/v1/completions", lambda content: (200, {"choices": content["choices"][1:]}), r"wrote 3 samples where 4"),
        ("/v1/completions", changed("token_ids", None), r"answers otherwise than vLLM does"),
        ("/v1/completions", changed("token_ids", [4000]), r"wrote token 4000, and `model.base` has \d+ tokens"),
        ("/v1/completions", changed("token_ids", [5, 6]), r"ended a summary after 2 tokens"),
        ("/v1/completions", changed("token_ids", []), r"ended a summary after 0 tokens"),
        ("/v1/models", lambda _: (404, "nothing"), r"refuses /v1/models: 404 nothing"),
        ("/v1/models", lambda _: (200, json.dumps({"data": [{}]})), r"answers otherwise than vLLM does"),
    ],
)
def test_what_is_no_sample_stops_the_run(
    path: str, fault: Any, message: str, sampler: VllmSampler, server: VllmLookalike
) -> None:
    server.faults.append((path, fault))
    with pytest.raises(TrainingError, match=message):
        sampled(sampler)


def test_a_server_that_never_answers_is_given_up(sampler: VllmSampler, server: VllmLookalike) -> None:
    server.faults += [("/v1/models", lambda _: (503, "loading"))] * 4
    with pytest.raises(TrainingError, match=r"cannot be asked /v1/models: 503 loading") as caught:
        sampled(sampler)
    assert "--resume" in str(caught.value.hint)
    gone = replace(sampler, server=vllm_server.VllmServer("http://127.0.0.1:9"))
    with pytest.raises(TrainingError, match=r"cannot be asked /v1/models: .*refused"):
        sampled(gone)


def test_a_server_of_another_model_is_refused(sampler: VllmSampler, server: VllmLookalike) -> None:
    server.base = "some/other-model"
    with pytest.raises(ConfigError, match=r"serves some/other-model, and `model.base` is .*/base"):
        sampled(sampler)
    assert server.loaded == []


def test_a_server_that_may_not_or_cannot_load_says_how_to_start_it(
    sampler: VllmSampler, server: VllmLookalike, monkeypatch: pytest.MonkeyPatch
) -> None:
    def too_large(place: Path) -> LoadedAdapter:
        raise ValueError("LoRA rank 4 is greater than max_lora_rank 2")

    monkeypatch.setattr(server, "load", too_large)
    with pytest.raises(TrainingError, match=r"LoRA rank 4 is greater") as caught:
        sampled(sampler)
    assert "VLLM_ALLOW_RUNTIME_LORA_UPDATING=True" in str(caught.value.hint)


def test_a_server_needs_adapters_and_an_address(folder: Path, server: VllmLookalike) -> None:
    with pytest.raises(ConfigError, match=r"`rollout.server` needs a `model.lora_rank`"):
        served_config(folder, server, model={"lora_rank": 0})
    with pytest.raises(ConfigError, match=r"`rollout.server` is an address such as http"):
        lora_config(folder / "data", folder / "base", rollout={"server": "localhost:8000"})


@pytest.mark.live
@pytest.mark.skipif("POPI_VLLM_SERVER" not in os.environ, reason="POPI_VLLM_SERVER names no vLLM server")
def test_a_real_server_samples_with_the_adapter_it_is_given(tmp_path: Path) -> None:
    # Started as trainer/vllm_sampler.py says, on the model that POPI_VLLM_MODEL names, and sees this machine's disk.
    groups = {"model": {"base": os.environ["POPI_VLLM_MODEL"], "lora_rank": 8, "max_summary_tokens": 16}}
    config = Config.model_validate({**groups, "rollout": {"server": os.environ["POPI_VLLM_SERVER"]}})
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    models = load_models(config.model, config.model.base, device)
    served = make_vllm_sampler(RunDirectory(tmp_path / "run"), models, config)
    loop = DecodeLoop(sorted(served.stops), served.max_tokens, models.tokenizer.pad_token_id)
    prompts = [models.tokenizer.encode(text) for text in ("The user wants", "Answers should be", "I like", "Be brief,")]

    def first_tokens(one: VllmSampler | DecodeLoop) -> list[int]:
        written = models.summarizer(lambda lm: one.sample(lm, prompts, 1, temperature=0, seed=0))
        return [group[0][0] for group in written]

    before = first_tokens(served)
    assert sum(one == other for one, other in zip(before, first_tokens(loop), strict=True)) >= 3  # rounding may tip one
    with torch.no_grad():
        for value in models.summarizer.learned().values():
            value.normal_(0, 0.05, generator=torch.Generator(value.device).manual_seed(value.numel()))
    after = first_tokens(served)
    assert after != before
    assert sum(one == other for one, other in zip(after, first_tokens(loop), strict=True)) >= 3
