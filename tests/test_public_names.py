"""The names promised to apps, and what importing the package costs."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
import subprocess
import sys
import textwrap

import popi_sdk

PROMISED = {
    "personalize", "apersonalize", "summarize", "compose", "stream", "astream", "Popi", "AsyncPopi",
    "PreferencePair", "Rating", "Statement", "Edit", "Conversation", "Demonstration", "Persona",
    "PopiError", "ConfigError", "MissingExtraError", "SignalError", "SummarizerError", "IncompatibleSummarizerError",
    "StoreError", "BackendError", "AuthError", "RateLimitError", "BackendTimeoutError", "ContextWindowError",
    "Reply", "Summary", "ReplyStream",
}  # fmt: skip


def test_every_promised_name_is_there_and_every_listed_name_loads() -> None:
    assert set(popi_sdk.__all__) >= PROMISED
    assert popi_sdk.__all__ == sorted(popi_sdk.__all__)
    for name in popi_sdk.__all__:
        assert getattr(popi_sdk, name) is not None


def test_functions_are_functions_even_after_every_module_is_imported() -> None:
    for module in pkgutil.walk_packages(popi_sdk.__path__, "popi_sdk."):
        if ".migrations" not in module.name and not module.name.endswith("__main__"):
            importlib.import_module(module.name)
    for name in ("personalize", "apersonalize", "summarize", "compose", "stream", "astream"):
        assert callable(getattr(popi_sdk, name)), name


def test_an_unknown_name_is_an_attribute_error() -> None:
    assert not hasattr(popi_sdk, "personalise")


def test_the_asynchronous_client_mirrors_the_synchronous_one() -> None:
    def methods(client: type) -> dict[str, list[str]]:
        return {
            name: list(inspect.signature(method).parameters)
            for name, method in inspect.getmembers(client, inspect.isfunction)
            if not name.startswith("_")
        }

    assert methods(popi_sdk.Popi) == methods(popi_sdk.AsyncPopi)


def test_importing_opens_nothing_and_loads_nothing_heavy() -> None:
    script = """
        import sys, threading
        opened = []
        def watch(event, args):
            if event in ("socket.connect", "socket.getaddrinfo", "socket.bind", "subprocess.Popen", "os.mkdir"):
                opened.append((event, args))
            if event == "open" and not str(args[0]).endswith((".py", ".pyc", ".so", ".pth")):
                opened.append((event, args))
        sys.addaudithook(watch)
        import popi_sdk
        popi_sdk.PreferencePair, popi_sdk.Popi, popi_sdk.AsyncPopi, popi_sdk.personalize
        heavy = {"torch", "transformers", "litellm", "openai", "anthropic", "mistralai", "onnxruntime_genai",
                 "sqlalchemy", "alembic", "tiktoken"} & set(sys.modules)
        assert not heavy, heavy
        assert threading.active_count() == 1
        assert not [event for event in opened if event[0] != "open"], opened
        print([event[1][0] for event in opened])
    """
    done = subprocess.run([sys.executable, "-c", textwrap.dedent(script)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == "[]", done.stdout
