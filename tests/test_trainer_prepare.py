"""`popi-train prepare`: from any source to split files, whole or not at all."""

from __future__ import annotations

import hashlib
import json
import os
import resource
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, ClassVar

import pytest
from typer.testing import CliRunner, Result

from popi_sdk.signals import PreferencePair, Statement
from popi_sdk.store import open_store
from trainer.cli import app
from trainer.data import Example, leaked_pairs, load_examples, same_text
from trainer.datasets.prepare import MADE_BY, prepare
from trainer.datasets.recipes import recipe

ROOT = Path(__file__).parent.parent
SHARED = ROOT.parent / "shared" / "data"
FILES = ["prepare.json", "test.jsonl", "train.jsonl", "validation.jsonl"]


def run(source: object, out: Path, *options: str) -> Result:
    return CliRunner().invoke(app, ["prepare", str(source), "--out", str(out), *options])


def write(path: Path, *rows: object) -> Path:
    path.write_text("\n".join(json.dumps(row) for row in rows), "utf-8")
    return path


def preferences(path: Path, users: int = 40, each: int = 6) -> Path:
    rows = [
        {"user": f"u{user}", "prompt": f"Question {user}.{number}?", "chosen": "Yes.", "rejected": "No."}
        for user in range(users)
        for number in range(each)
    ]
    return write(path, *rows)


def made(out: Path) -> dict[str, list[Example]]:
    assert sorted(os.listdir(out)) == FILES
    return {
        split: load_examples(out / f"{split}.jsonl") if (out / f"{split}.jsonl").read_bytes() else []
        for split in ("train", "validation", "test")
    }


def content(out: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(out.iterdir())}


# What comes out


def test_examples_are_split_by_user_and_counted(tmp_path) -> None:
    rows = [
        {"user": f"u{n}", "signals": ["Be brief."], "pairs": [{"prompt": f"Why {n}?", "chosen": "A", "rejected": "B"}]}
        for n in range(40)
    ]
    done = run(write(tmp_path / "data.jsonl", *rows), tmp_path / "out")
    assert done.exit_code == 0, done.output
    splits = made(tmp_path / "out")
    assert sum(len(some) for some in splits.values()) == 40
    facts = json.loads((tmp_path / "out" / MADE_BY).read_text())
    for split, some in splits.items():
        counts = facts["splits"][split]
        assert counts["users"] == counts["examples"] == counts["pairs"] == len(some)
        assert counts["sha256"] == hashlib.sha256((tmp_path / "out" / f"{split}.jsonl").read_bytes()).hexdigest()
        assert [split, *[str(len(some))] * 3] == next(
            line.split()[:4] for line in done.output.splitlines() if line.split()[:1] == [split]
        )
    assert facts["source"]["files"] == {
        "data.jsonl": hashlib.sha256((tmp_path / "data.jsonl").read_bytes()).hexdigest()
    }
    assert facts["splits"]["train"]["median_raw_tokens"] in (2, 3)


def test_columns_are_rotated_within_each_split(tmp_path) -> None:
    rows = [{"rater": f"r{n % 20}", "question": f"Why {n}?", "good": "A", "bad": "B"} for n in range(180)]
    columns = ["user=rater", "prompt=question", "chosen=good", "rejected=bad"]
    done = run(
        write(tmp_path / "x.jsonl", *rows), tmp_path / "out", *[part for one in columns for part in ("--column", one)]
    )
    assert done.exit_code == 0, done.output
    splits = made(tmp_path / "out")
    assert sum(len(example.pairs) for some in splits.values() for example in some) == 180
    assert {len(example.signals) for some in splits.values() for example in some} == {8}
    users = [{example.user for example in some} for some in splits.values()]
    assert sum(map(len, users)) == len(set.union(*users)) == 20


def test_shots_and_hold_out_can_be_chosen(tmp_path) -> None:
    source = preferences(tmp_path / "x.jsonl")
    assert run(source, tmp_path / "out", "--as", "columns", "--shots", "4", "--hold-out", "2").exit_code == 0
    shapes = {(len(e.signals), len(e.pairs)) for some in made(tmp_path / "out").values() for e in some}
    assert shapes == {(4, 2)}


def elix_row(number: int) -> dict[str, Any]:
    levels = ("child", "expert")
    return {
        "prompt": f"Why {number // 2}?",
        "response_x": f"Simply {number}.",
        "response_y": f"Precisely {number}.",
        "level_x": levels[0],
        "level_y": levels[1],
        "scorer_level": levels[number % 2],
        "label": number % 2,
    }


def test_a_folder_like_the_hubs_keeps_its_test_part(tmp_path) -> None:
    (tmp_path / "elix" / "data").mkdir(parents=True)
    write(tmp_path / "elix" / "data" / "train-00000-of-00001.jsonl", *map(elix_row, range(400)))
    write(tmp_path / "elix" / "data" / "test-00000-of-00001.jsonl", *map(elix_row, range(380, 420)))
    done = run(tmp_path / "elix", tmp_path / "out", "--as", "elix")
    assert done.exit_code == 0, done.output
    splits = made(tmp_path / "out")
    prompts = {split: {pair.prompt for e in some for pair in e.pairs} for split, some in splits.items()}
    assert prompts["test"] == {f"Why {number}?" for number in range(190, 210)}
    assert prompts["train"] | prompts["validation"] == {f"Why {number}?" for number in range(190)}
    assert not prompts["train"] & prompts["validation"]
    assert {e.user for e in splits["test"]} == {e.user for e in splits["train"]} == {"child", "expert"}
    assert "Pairs left out, as their user or prompt stands in a split that is held out further: 20." in " ".join(
        done.output.split()
    )
    assert all(len(e.signals) <= 4 for some in splits.values() for e in some)


def test_alignx_files_of_the_test_set_are_the_test_split(tmp_path) -> None:
    def row(number: int) -> dict[str, Any]:
        comments = [{"prompt": f"Post {number}c{n}", "comment": f"I wrote {n}"} for n in range(4)]
        texts = {"prompt": f"Post {number}", "chosen": f"Good {number}", "rejected": f"Bad {number}"}
        return {**texts, "Demographic Information": f"Person {number}.", "User-Generated Content": comments}

    (tmp_path / "AlignX").mkdir()
    write(tmp_path / "AlignX" / "part-0.jsonl", *map(row, range(300)))
    (tmp_path / "AlignX" / "Reddit_UGC.json").write_text(json.dumps([row(n) for n in range(290, 310)]))
    done = run(tmp_path / "AlignX", tmp_path / "out", "--as", "alignx-ica", "--sample", "250")
    assert done.exit_code == 0, done.output
    splits = made(tmp_path / "out")
    assert {e.slices["mode"] for e in splits["test"]} == {"ugc"}
    assert len(splits["test"]) == 20
    held = {same_text(pair.prompt) for e in splits["test"] for pair in e.pairs}
    trained = splits["train"] + splits["validation"]
    assert 235 <= len(trained) <= 250  # 250 drawn, less those drawn of the 10 that the test set holds as well
    assert not held & {same_text(pair.prompt) for e in trained for pair in e.pairs}


def test_a_store_is_prepared_by_its_url(tmp_path) -> None:
    store = open_store(f"sqlite:///{tmp_path}/popi.db")
    for user in range(12):
        pairs = [PreferencePair(f"{user}.{n}?", "Yes.", "No.", allow_training=True) for n in range(3)]
        store.observe("shop", f"user-{user}", [*pairs, Statement("Be brief.", allow_training=True)])
    store.close()
    done = run(f"sqlite:///{tmp_path}/popi.db", tmp_path / "out", "--namespace", "shop")
    assert done.exit_code == 0, done.output
    examples = [example for some in made(tmp_path / "out").values() for example in some]
    assert len(examples) == 36
    assert {example.slices["kinds"] for example in examples} == {"preference_pair+statement"}
    facts = json.loads((tmp_path / "out" / MADE_BY).read_text())
    assert facts["source"] == {"name": "popi.db", "rows": 48, "files": {}}


@pytest.mark.skipif(not SHARED.is_dir(), reason="../shared/data is not here")
@pytest.mark.parametrize("name", ["answer_pairs", "writer_edits"])
def test_the_real_files_are_prepared_without_leaks(tmp_path, name) -> None:
    done = run(SHARED / f"{name}.jsonl", tmp_path / "out")
    assert done.exit_code == 0, done.output
    splits = made(tmp_path / "out")
    prompts = [{same_text(pair.prompt) for e in some for pair in e.pairs} for some in splits.values()]
    assert all(prompts)
    assert sum(map(len, prompts)) == len(set.union(*prompts))
    assert not any(leaked_pairs(example) for some in splits.values() for example in some)
    if name == "writer_edits":
        assert {e.slices["kinds"] for some in splits.values() for e in some} == {"edit"}


def test_the_same_source_and_seed_give_the_same_bytes(tmp_path) -> None:
    source = preferences(tmp_path / "x.jsonl")
    options = ("--as", "columns", "--shots", "2", "--sample", "100")
    for name, seed in (("a", "1"), ("b", "1"), ("c", "2")):
        assert run(source, tmp_path / name, *options, "--seed", seed).exit_code == 0
    assert content(tmp_path / "a") == content(tmp_path / "b")
    assert content(tmp_path / "a")["train.jsonl"] != content(tmp_path / "c")["train.jsonl"]


def test_more_users_move_nobody(tmp_path) -> None:
    for name, users in (("few", 20), ("more", 60)):
        assert run(preferences(tmp_path / f"{name}.jsonl", users), tmp_path / name, "--as", "columns").exit_code == 0
    before, after = (
        {e.user: split for split, some in made(tmp_path / name).items() for e in some} for name in ("few", "more")
    )
    assert before.items() <= after.items()


def test_a_split_without_examples_is_said(tmp_path) -> None:
    done = run(preferences(tmp_path / "x.jsonl", users=1), tmp_path / "out", "--as", "columns")
    assert done.exit_code == 0
    assert "validation and test got no example" in " ".join(done.output.split())


# What is refused


@pytest.mark.parametrize(
    ("rows", "options", "said"),
    [
        ([{"user": "ada", "signals": [], "pairs": 1}], [], "Line 1"),
        ([{"user": "ada", "prompt": "?", "chosen": "a"}], ["--as", "columns"], "no column `rejected`"),
        ([], [], "holds no rows"),
        ([{"user": "a", "prompt": "?", "chosen": "x", "rejected": "y"}], ["--as", "columns"], "No example came out"),
        ([{}], ["--as", "elx"], "`elx` is no adapter"),
        ([{}], ["--shots", "4"], "--shots has no effect"),
        ([{}], ["--as", "elix", "--column", "a=b"], "--column has no effect"),
        ([{}], ["--namespace", "x"], "--namespace has no effect"),
        ([{}], ["--as", "elix", "--shots", "0"], "--shots is 0"),
        ([{}], ["--as", "elix", "--hold-out", "-1"], "--hold-out is -1"),
        ([{}], ["--split-by", "users"], "It is one of: user, prompt, both"),
    ],
)
def test_bad_input_is_refused_and_nothing_is_written(tmp_path, rows, options, said) -> None:
    done = run(write(tmp_path / "data.jsonl", *rows), tmp_path / "out", *options)
    assert done.exit_code == 2
    assert said in " ".join(done.output.split())
    assert os.listdir(tmp_path) == ["data.jsonl"]


def test_a_pair_in_two_splits_is_refused_and_splitting_by_both_helps(tmp_path) -> None:
    pair = {"prompt": "Why?", "chosen": "Because.", "rejected": "Well ..."}
    rows = [{"user": f"u{number}", "signals": ["Be brief."], "pairs": [pair]} for number in range(40)]
    source = write(tmp_path / "data.jsonl", *rows)
    done = run(source, tmp_path / "out")
    assert done.exit_code == 2
    assert "also stands in train" in done.output
    assert not (tmp_path / "out").exists()
    assert run(source, tmp_path / "out", "--split-by", "both").exit_code == 0
    splits = made(tmp_path / "out")
    assert splits["test"]
    assert not splits["train"]


@pytest.mark.parametrize("source", ["nothing/here.jsonl", "/no/such/folder", "AlignX", "redis://x/y/z"])
def test_a_source_that_is_not_there_is_refused(tmp_path, source) -> None:
    done = run(source, tmp_path / "out")
    assert done.exit_code == 2
    assert "Error:" in done.output
    assert not (tmp_path / "out").exists()


def test_out_must_be_a_folder(tmp_path) -> None:
    source = preferences(tmp_path / "x.jsonl")
    done = run(source, source, "--as", "columns")
    assert done.exit_code == 2
    assert "is a file" in done.output


# What goes wrong on the way


def test_an_interrupted_run_leaves_the_earlier_files_and_nothing_else(tmp_path) -> None:
    out = tmp_path / "out"
    how = recipe(str(preferences(tmp_path / "x.jsonl")), adapter="columns")
    prepare(how, out)
    before = content(out)

    class Interrupting:
        """Progress during which somebody presses Ctrl-C."""

        def __init__(self, what: str, _total: int | None) -> None:
            self._writing = what.startswith("Writing")

        def __enter__(self) -> Any:
            return self._advance

        def __exit__(self, *_: object) -> None: ...

        def _advance(self, _steps: int) -> None:
            if self._writing:
                raise KeyboardInterrupt

    preferences(tmp_path / "x.jsonl", users=50)
    for folder in (out, tmp_path / "new"):
        with pytest.raises(KeyboardInterrupt):
            prepare(how, folder, Interrupting)
    assert content(out) == before
    assert sorted(os.listdir(tmp_path)) == ["out", "x.jsonl"]
    prepare(how, out)
    assert content(out) != before


def test_a_full_disk_leaves_no_half_written_split(tmp_path) -> None:
    """A limit on the size of files fails writes as a full disk does."""
    source = preferences(tmp_path / "x.jsonl", users=200)

    def no_room() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000))

    command = [sys.executable, "-c", "from trainer.cli import app; app()", "prepare", str(source)]
    done = subprocess.run(
        [*command, "--as", "columns", "--out", str(tmp_path / "out")],
        cwd=ROOT,
        env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1"},
        preexec_fn=no_room,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 1
    assert "File too large. No split was changed." in " ".join(done.stderr.split())
    assert os.listdir(tmp_path) == ["x.jsonl"]


# The hub


class _Hub(BaseHTTPRequestHandler):
    """A dataset of the hub: what it holds, and its files."""

    files: ClassVar[dict[str, bytes]] = {}
    sha: ClassVar[str] = "0123456789012345678901234567890123456789"

    def do_HEAD(self) -> None:
        self.do_GET()

    def do_GET(self) -> None:
        path = self.path.split("?")[0]
        if path.startswith("/api/datasets/someone/elix/tree/"):
            tree = [{"type": "file", "path": n, "size": len(b), "oid": "0" * 40} for n, b in self.files.items()]
            return self._answer(json.dumps(tree).encode(), {})
        if path.startswith("/api/datasets/someone/elix"):
            siblings = [{"rfilename": name} for name in self.files]
            return self._answer(json.dumps({"id": "someone/elix", "sha": self.sha, "siblings": siblings}).encode(), {})
        name = path.removeprefix(f"/datasets/someone/elix/resolve/{self.sha}/")
        if name in self.files:
            etag = hashlib.sha256(self.files[name]).hexdigest()
            return self._answer(self.files[name], {"ETag": f'"{etag}"', "X-Repo-Commit": self.sha})
        self.send_response(404)
        self.send_header("X-Error-Code", "RepoNotFound")
        self.send_header("Content-Length", "0")
        return self.end_headers()

    def _answer(self, body: bytes, headers: dict[str, str]) -> None:
        self.send_response(200)
        for name, value in {"Content-Length": str(len(body)), **headers}.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(body)

    def log_message(self, *_: object) -> None: ...


@pytest.fixture
def hub_address() -> Iterator[str]:
    rows = {"train": range(300), "test": range(300, 340)}
    _Hub.files = {
        f"data/{split}-00000-of-00001.jsonl": "\n".join(json.dumps(elix_row(n)) for n in numbers).encode()
        for split, numbers in rows.items()
    }
    _Hub.files["README.md"] = b"not fetched"
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Hub)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


def from_hub(source: str, out: Path, address: str, offline: str = "0") -> subprocess.CompletedProcess[str]:
    pytest.importorskip("huggingface_hub")
    variables = {"HF_ENDPOINT": address, "HF_HOME": str(out.parent / "cache"), "HF_HUB_OFFLINE": offline}
    variables |= {"HF_HUB_DISABLE_XET": "1", "HF_HUB_DISABLE_TELEMETRY": "1", "no_proxy": "127.0.0.1"}
    command = [sys.executable, "-c", "from trainer.cli import app; app()", "prepare", source]
    return subprocess.run(
        [*command, "--as", "elix", "--out", str(out)],
        cwd=ROOT,
        env={**os.environ, **variables},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_a_dataset_of_the_hub_is_fetched_once_and_read_like_a_folder(tmp_path, hub_address) -> None:
    done = from_hub("someone/elix", tmp_path / "out", hub_address)
    assert done.returncode == 0, done.stdout + done.stderr
    splits = made(tmp_path / "out")
    assert {pair.prompt for e in splits["test"] for pair in e.pairs} == {f"Why {n}?" for n in range(150, 170)}
    facts = json.loads((tmp_path / "out" / MADE_BY).read_text())
    assert sorted(facts["source"]["files"]) == [f"data/{part}-00000-of-00001.jsonl" for part in ("test", "train")]
    assert not list((tmp_path / "cache").rglob("README.md"))
    again = from_hub("someone/elix", tmp_path / "again", "http://127.0.0.1:9", offline="1")
    assert again.returncode == 0, again.stdout + again.stderr
    assert content(tmp_path / "again") == content(tmp_path / "out")


def test_a_dataset_that_the_hub_does_not_have_is_refused(tmp_path, hub_address) -> None:
    done = from_hub("someone/else", tmp_path / "out", hub_address)
    assert done.returncode == 2
    assert "`someone/else` is no file or folder here, and the hub did not give it" in " ".join(done.stderr.split())


@pytest.mark.parametrize("offline", ["0", "1"])
def test_without_a_network_the_hub_is_given_up_at_once(tmp_path, offline) -> None:
    done = from_hub("someone/elix", tmp_path / "out", "http://127.0.0.1:9", offline)
    assert done.returncode == 2
    assert "the hub did not give it" in " ".join(done.stderr.split())
    assert "Traceback" not in done.stderr
