"""Exported models behind a server: the same prompts, the same summaries, for many users at once, and when it fails."""

from __future__ import annotations

import asyncio
import json
import shutil
import sys
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest

from popi_sdk import AsyncPopi, Popi
from popi_sdk.backend import LiteLLMBackend, ModelSpec
from popi_sdk.chat_tokens import prompt_ids
from popi_sdk.composer import compose
from popi_sdk.doctor import examine
from popi_sdk.errors import ConfigError, IncompatibleSummarizerError, SummarizerError
from popi_sdk.manifest import read_manifest, read_templates
from popi_sdk.render import render
from popi_sdk.signals import Conversation, PreferencePair, Rating, Signal, Statement
from popi_sdk.summarizers import make_summarizer
from popi_sdk.summarizers.served import ServedSummarizer
from popi_sdk.summarizers.trained import TrainedSummarizer
from popi_sdk.summary import Clause, Summary
from popi_sdk.templates import default_templates, load_templates
from popi_sdk.testing import FakeBackend
from tests.exported import LONGEST, edit_manifest, exported, said
from tests.loopback import _close_connections
from tests.serving import LEARNED, Server, taught_summarizer, transformers_serve
from tests.tiny_models import WINDOW, save_tiny, tiny_tokenizer
from trainer.controls import SdkWriter
from trainer.data import Example
from trainer.encode import Encoder
from trainer.opened import open_writer
from trainer.shipped import shipped_judge

QUESTION, ANSWER = "How do I boil an egg?", "Boil it."
SUMMARY = Summary(clauses=(Clause("Keep answers under ten words."),))
BLOCK = "Mind this:\n{% for one in clauses %}* {{ one }}\n{% endfor %}That is all.\n"
OWN = load_templates({"generation.system": BLOCK})


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An exported summarizer and an exported generator, side by side."""
    folder = tmp_path_factory.mktemp("served")
    taught_summarizer(folder)
    lesson = (compose(QUESTION, SUMMARY, templates=OWN), ANSWER)
    plain = (compose(QUESTION, Summary(), templates=OWN), "An egg is a thing that people like.")
    weights = save_tiny(folder / "generator", lessons=[lesson, plain], steps=60)
    exported(weights, folder / "my-generator", role="generator", templates=OWN, check=())
    return folder


@pytest.fixture(scope="module")
def server(folder: Path) -> Iterator[Server]:
    with transformers_serve(folder, in_batches=True) as server:
        yield server


@pytest.fixture
def table(folder: Path, server: Server) -> dict[str, str]:
    """The summarizer as an app's configuration names it."""
    exported = str(folder / "my-summarizer")
    return {"name": "hosted_vllm/my-summarizer", "api_base": server.api_base, "exported": exported}


@pytest.fixture
def served(table: dict[str, str]) -> ServedSummarizer:
    with Popi(store="memory", summarizer=table) as popi:
        summarizer = make_summarizer(popi.config, LiteLLMBackend(), popi.templates)
    assert isinstance(summarizer, ServedSummarizer)
    return summarizer


@pytest.fixture(autouse=True)
async def _connections_end_with_the_loop() -> AsyncIterator[None]:
    yield
    if "litellm" in sys.modules:
        await _close_connections(sys.modules["litellm"])


@pytest.fixture(scope="module")
def local(folder: Path) -> TrainedSummarizer:
    return TrainedSummarizer(folder / "my-summarizer")


def histories() -> list[tuple[Signal, ...]]:
    """One user whose history is longer than the model can read, then others of every sort."""
    pair = PreferencePair("How do I boil an egg?", "Boil it for ten minutes.", "Eggs are laid by hens. " * 40)
    chat = Conversation([{"role": "user", "content": "Be brief."}, {"role": "assistant", "content": "Yes."}])
    many = tuple(Statement(f"Приведи {number} примеров, пожалуйста.") for number in range(60))
    mixed = (pair, chat, Rating("Why?", "Because.", liked=True, reason="short"))
    return [many, *map(said, LEARNED), (pair,), mixed, said("Schreib mir auf Deutsch, “bitte” – 🙂")]


class TestTheSame:
    def test_it_says_what_it_says_in_this_process(self, served: ServedSummarizer, local: TrainedSummarizer) -> None:
        whole = render(histories()[0], max_summary_tokens=LONGEST, input_tokens=local.manifest.input_tokens)
        assert len(prompt_ids(tiny_tokenizer(), whole.messages)) + LONGEST > WINDOW  # so it is rendered again, shorter
        written = served.texts(histories())
        assert written == local.texts(histories())
        assert written[1 : 1 + len(LEARNED)] == ["" if text == "NOTHING" else text for text in LEARNED.values()]

    def test_its_summaries_come_out_of_the_guard_the_same(
        self, served: ServedSummarizer, local: TrainedSummarizer
    ) -> None:
        for signals in histories():
            there, here = served.summarize(signals), local.summarize(signals)
            assert isinstance(there, Summary)
            assert [clause.text for clause in there.clauses] == [clause.text for clause in here.clauses]
            assert (there.tokens, there.signal_ids) == (here.tokens, here.signal_ids)

    def test_an_earlier_summary_is_brought_up_to_date_the_same(
        self, served: ServedSummarizer, local: TrainedSummarizer
    ) -> None:
        previous = local.summarize(said("Answer me in fifty words."))
        there = served.summarize(said("Answer me in ten words."), previous)
        assert isinstance(there, Summary)
        assert there.text == local.summarize(said("Answer me in ten words."), previous).text

    def test_the_server_reads_the_very_tokens_of_the_training(
        self, served: ServedSummarizer, local: TrainedSummarizer
    ) -> None:
        for signals in histories():
            prompt = served._prompt(signals, None)
            assert prompt is not None
            answered = LiteLLMBackend().complete(
                prompt.messages, served.model, timeout=30, retries=0, options={"max_tokens": 1}
            )
            assert answered.usage is not None
            assert answered.usage.prompt_tokens == len(local.prompt(signals))

    def test_what_the_configuration_says_of_prompts_is_not_for_it(self, table: dict[str, str]) -> None:
        own = {"inference.system": "Say in {{ max_tokens }} tokens what this user likes."}
        with Popi(store="memory", summarizer=table, templates=own, max_summary_tokens=300) as popi:
            assert popi.summarize(["Answer me in thirty words."]).text == "Keep answers under thirty words."

    def test_a_summary_says_which_export_wrote_it(self, table: dict[str, str], local: TrainedSummarizer) -> None:
        with Popi(store="memory", summarizer=table) as popi:
            model = popi.summarize(["Answer me in ten words."]).model
        assert model == f"hosted_vllm/{local.name}"
        assert "@" in model

    def test_the_weights_need_not_lie_beside_the_app(self, folder: Path, table: dict[str, str], tmp_path: Path) -> None:
        copy = Path(shutil.copytree(folder / "my-summarizer", tmp_path / "copy"))
        for weights in copy.glob("*.safetensors"):
            weights.unlink()
        with Popi(store="memory", summarizer=table | {"exported": str(copy)}) as popi:
            assert popi.summarize(["Answer me in sixty words."]).text == "Keep answers under sixty words."


class TestWhatIsAsked:
    def test_the_likeliest_answer_of_the_length_it_was_trained_to(self, folder: Path) -> None:
        backend = FakeBackend("Keep answers short.")
        table = {"name": "hosted_vllm/x", "api_base": "http://127.0.0.1:1/v1", "exported": folder / "my-summarizer"}
        with Popi(store="memory", backend=backend, summarizer=table) as popi:
            assert popi.summarize(["Be brief."]).text == "Keep answers short."
        assert backend.requests[0].options == {"temperature": 0, "top_p": 1, "max_tokens": LONGEST}

    def test_nothing_where_there_is_nothing_to_show_it(self, folder: Path) -> None:
        backend = FakeBackend()
        exported = folder / "my-summarizer"
        served = ServedSummarizer(ModelSpec("hosted_vllm/x"), exported, backend, timeout=1, retries=0)
        assert served.texts([()]) == [""]
        assert served.summarize(()) == Summary(model=served.name)
        assert backend.requests == []

    def test_a_summary_longer_than_it_was_trained_to_write_is_cut_as_in_this_process(self, folder: Path) -> None:
        sentences = [f"Use {number} short examples from everyday life in each answer." for number in range(20)]
        table = {"name": "hosted_vllm/x", "api_base": "http://127.0.0.1:1/v1", "exported": folder / "my-summarizer"}
        with Popi(store="memory", backend=FakeBackend(" ".join(sentences)), summarizer=table) as popi:
            summary = popi.summarize(["Be brief."])
        assert 0 < summary.tokens <= LONGEST
        assert summary.removed["over_budget"]

    def test_the_model_card_says_how_to_serve_it_and_its_lines_can_be_taken_as_they_are(
        self, folder: Path, tmp_path: Path
    ) -> None:
        card = (folder / "my-summarizer" / "README.md").read_text("utf-8")
        assert "vllm serve path/to/my-summarizer --served-model-name my-summarizer" in card
        lines = card.partition("```toml\n")[2].partition("```")[0]
        (tmp_path / "popi.toml").write_text(lines.replace("path/to", str(folder)), "utf-8")
        with Popi(tmp_path / "popi.toml", store="memory", backend=FakeBackend("Keep answers short.")) as popi:
            assert popi.summarize(["Be brief."]).model.startswith("hosted_vllm/my-summarizer@")


class TestManyUsers:
    async def test_of_many_users_at_once_each_gets_the_own_summary(self, table: dict[str, str]) -> None:
        said_by = {f"user {number}": list(LEARNED)[number % len(LEARNED)] for number in range(40)}
        async with AsyncPopi(store="memory", summarizer=table, backend=LiteLLMBackend()) as popi:
            for user, words in said_by.items():
                await popi.observe(user, words)
            profiles = await asyncio.gather(*(popi.profile(user) for user in said_by))
        expected = ["" if LEARNED[words] == "NOTHING" else LEARNED[words] for words in said_by.values()]
        assert [profile.summary.text for profile in profiles] == expected

    def test_an_evaluation_gets_the_summaries_that_it_gets_in_this_process(
        self, served: ServedSummarizer, local: TrainedSummarizer
    ) -> None:
        encoder = Encoder(
            tiny_tokenizer(), default_templates(), window=WINDOW, input_tokens=1_500, max_summary_tokens=LONGEST
        )
        words = [list(LEARNED)[number % len(LEARNED)] for number in range(50)]
        examples = [Example(f"user {number}", said(one), ()) for number, one in enumerate(words)]
        told: list[int] = []
        there = SdkWriter(served, encoder).write(examples, told.append)
        assert there == SdkWriter(local, encoder).write(examples)
        assert there[3].text == LEARNED[words[3]]
        assert told == [32, 18]

    def test_the_command_that_evaluates_takes_the_table_as_json(self, table: dict[str, str]) -> None:
        writer = open_writer(json.dumps(table), shipped_judge()[1])
        examples = [Example("ada", said("Answer me in eighty words."), ())]
        assert writer.write(examples)[0].text == "Keep answers under eighty words."


class TestTheGenerator:
    def test_it_is_asked_what_it_was_trained_on(self, folder: Path, server: Server, table: dict[str, str]) -> None:
        model = {"name": "hosted_vllm/my-generator", "api_base": server.api_base}
        templates = str(folder / "my-generator" / "templates")
        encoder = Encoder(
            tiny_tokenizer(),
            read_templates(folder / "my-generator", read_manifest(folder / "my-generator")),
            window=WINDOW,
            input_tokens=1_500,
            max_summary_tokens=LONGEST,
        )
        with Popi(store="memory", model=model, summarizer=table, templates=templates) as popi:
            signals = ["Answer me in ten words."]
            sent = popi.compose(QUESTION, signals)
            reply = popi.personalize(QUESTION, signals, temperature=0, max_tokens=20)
        trained_on = encoder.generator_prompt(reply.summary, QUESTION)
        assert prompt_ids(tiny_tokenizer(), sent) == trained_on
        assert (reply.status, reply.summary.text) == ("applied", SUMMARY.text)
        assert reply.usage is not None
        assert reply.usage.prompt_tokens == len(trained_on)
        assert reply.text == ANSWER


class TestAServerThatGoesAway:
    def test_killed_in_between_the_older_summary_is_served(self, folder: Path) -> None:
        with transformers_serve(folder) as server:
            table = {
                "name": "hosted_vllm/my-summarizer",
                "api_base": server.api_base,
                "exported": str(folder / "my-summarizer"),
            }
            backend = FakeBackend()
            served = ServedSummarizer(
                ModelSpec(table["name"], api_base=table["api_base"]),
                Path(table["exported"]),
                LiteLLMBackend(),
                timeout=20,
                retries=1,
            )
            with Popi(store="memory", summarizer=served, backend=backend) as popi:
                popi.observe("ada", "Answer me in ten words.")
                assert popi.personalize("Hi", user_id="ada").status == "applied"
                server.kill()
                popi.observe("ada", "Answer me in fifty words.")
                reply = popi.personalize("Hi", user_id="ada")
                assert (reply.status, reply.summary.text) == ("stale", SUMMARY.text)
                assert "hosted_vllm/my-summarizer" in reply.warnings[0]
                assert popi.personalize("Hi", ["Use lists."]).status == "failed"
                assert len(backend.requests) == 3  # each was answered
                found = [one for one in examine(overrides={"summarizer": table}) if one.what.startswith("summarizer")]
            assert found[0].state == "problem"
            assert "nothing answers" in found[0].finding

    def test_the_doctor_says_that_it_answers_and_how_fast(self, table: dict[str, str]) -> None:
        [found] = [one for one in examine(overrides={"summarizer": table}) if one.what.startswith("summarizer")]
        assert found.state == "ok", found
        assert "of a sample it wrote in " in found.finding
        assert dict(found.details)["directory"] == table["exported"]


class TestWhatIsRefused:
    @pytest.fixture
    def copy(self, folder: Path, tmp_path: Path) -> Path:
        """An exported summarizer that a test may change."""
        return Path(shutil.copytree(folder / "my-summarizer", tmp_path / "my-summarizer"))

    @staticmethod
    def opened(copy: Path | str, **more: Any) -> Popi:
        table = {"name": "hosted_vllm/x", "api_base": "http://127.0.0.1:1/v1", "exported": str(copy), **more}
        return Popi(store="memory", backend=FakeBackend(), summarizer=table)

    def test_another_version_of_the_renderer(self, copy: Path) -> None:
        edit_manifest(copy, render_version="0")
        with pytest.raises(IncompatibleSummarizerError, match="version 0 of the renderer"):
            self.opened(copy)

    def test_other_templates_than_those_of_the_training(self, copy: Path) -> None:
        template = copy / "templates" / "inference.system.j2"
        template.write_text(template.read_text() + " Be quick.")
        with pytest.raises(IncompatibleSummarizerError, match="templates"):
            self.opened(copy)

    @pytest.mark.parametrize("threshold", [{"abstain_below": 0.5}, {"doubt_below": {"edit": 0.5}}])
    def test_one_that_keeps_silent_where_it_is_not_sure(self, copy: Path, threshold: dict[str, Any]) -> None:
        edit_manifest(copy, **threshold)
        with pytest.raises(IncompatibleSummarizerError, match="how sure it is"):
            self.opened(copy)

    def test_a_generator_a_form_for_this_process_only_and_half_a_copy(self, folder: Path, copy: Path) -> None:
        with pytest.raises(SummarizerError, match="holds a generator"):
            self.opened(folder / "my-generator")
        (copy / "tokenizer.json").write_text("{}")
        with pytest.raises(SummarizerError, match=r"tokenizer\.json"):
            self.opened(copy)
        edit_manifest(copy, forms=("onnx",))
        with pytest.raises(SummarizerError, match="which servers load"):
            self.opened(copy)
        with pytest.raises(SummarizerError, match=r"popi\.json"):
            self.opened(copy / "nothing")

    def test_settings_that_are_none(self, copy: Path) -> None:
        with pytest.raises(ConfigError, match="no path"):
            Popi(store="memory", summarizer={"name": "hosted_vllm/x", "exported": 3})
        with pytest.raises(ConfigError, match="`exportd`"):
            self.opened(copy, exportd="x")
        with pytest.raises(ConfigError, match="not JSON"):
            Popi(store="memory", summarizer='{"name": ')
        with pytest.raises(ConfigError, match="`exported`"):
            Popi(store="memory", model={"name": "hosted_vllm/x", "exported": str(copy)})

    def test_a_path_in_a_file_is_meant_from_where_the_file_lies(
        self, copy: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        (tmp_path / "elsewhere").mkdir()
        monkeypatch.chdir(tmp_path / "elsewhere")
        lines = ["[summarizer]", 'name = "hosted_vllm/x"', 'exported = "my-summarizer"']
        (tmp_path / "popi.toml").write_text("\n".join(lines), "utf-8")
        with Popi(tmp_path / "popi.toml", store="memory") as popi:
            assert popi.config.summarizer.exported == str(copy)

    def test_templates_of_an_exported_generator_for_another_renderer_are_a_problem(
        self, folder: Path, tmp_path: Path
    ) -> None:
        copy = Path(shutil.copytree(folder / "my-generator", tmp_path / "my-generator"))
        settings = {"templates": str(copy / "templates")}
        [found] = [one for one in examine(overrides=settings) if one.what == "templates"]
        assert found.state == "ok"
        edit_manifest(copy, render_version="0")
        [found] = [one for one in examine(overrides=settings) if one.what == "templates"]
        assert (found.state, "renderer" in found.finding) == ("problem", True)
