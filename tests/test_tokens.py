"""Token counts: exact where an encoding lies on the machine, estimated elsewhere, never a download, never a crash."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap

import pytest

from popi_sdk.tokens import count_tokens, estimated


def run(script: str, **environment: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(script)],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, **environment},
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_an_empty_text_has_no_tokens() -> None:
    assert count_tokens("") == 0


@pytest.mark.skipif(estimated(), reason="no encoding lies on this machine")
def test_known_counts_of_the_gpt_4o_encoding() -> None:
    """ "Hello world" is two tokens, "tiktoken is great!" six: OpenAI's own examples."""
    assert count_tokens("Hello world") == 2
    assert count_tokens("tiktoken is great!") == 6


@pytest.mark.skipif(estimated(), reason="no encoding lies on this machine")
def test_special_tokens_in_a_users_text_are_ordinary_text() -> None:
    assert count_tokens("<|endoftext|>") > 1


@pytest.mark.parametrize("text", [" " * 1_000_000, "a" * 300_000, "!?" * 200_000, "日" * 100_000, "\ud800"])
def test_no_text_is_too_strange_to_count(text) -> None:
    assert count_tokens(text) > 0


def test_without_an_encoding_counts_are_estimates_and_nothing_is_fetched(tmp_path) -> None:
    script = """
        import importlib.util, socket
        def refuse(*args, **kwargs): raise AssertionError("a connection was tried")
        socket.getaddrinfo = socket.socket.connect = refuse
        real = importlib.util.find_spec
        importlib.util.find_spec = lambda name, *rest: None if name == "litellm" else real(name, *rest)
        from popi_sdk.tokens import count_tokens, estimated
        english = "The quick brown fox jumps over the lazy dog. " * 20
        print(estimated(), count_tokens(english))
    """
    is_estimate, count = run(script, TIKTOKEN_CACHE_DIR=str(tmp_path), DATA_GYM_CACHE_DIR="").split()
    assert is_estimate == "True"
    assert 160 <= int(count) <= 260, "20 sentences of 10 tokens"


def test_a_damaged_cache_file_is_not_used_and_not_replaced(tmp_path) -> None:
    damaged = tmp_path / "fb374d419588a4632f3f557e76b4b70aebbca790"
    damaged.write_bytes(b"IQ== 0\n")
    script = """
        import importlib.util
        importlib.util.find_spec = lambda name, *rest: None
        from popi_sdk.tokens import estimated
        print(estimated())
    """
    assert run(script, TIKTOKEN_CACHE_DIR=str(tmp_path)) == "True"
    assert damaged.read_bytes() == b"IQ== 0\n"


def test_counting_leaves_the_environment_as_it_was() -> None:
    script = """
        import os
        os.environ.pop("TIKTOKEN_CACHE_DIR", None)
        from popi_sdk.tokens import count_tokens
        count_tokens("x")
        print("TIKTOKEN_CACHE_DIR" in os.environ)
    """
    assert run(script) == "False"
