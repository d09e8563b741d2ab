"""What reaches the network: the provider and nothing else, not even while LiteLLM is imported."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.asking import MODELS
from tests.loopback import KEY, LoopbackServer, api_base

ROOT = Path(__file__).resolve().parent.parent

PROGRAM = """
import asyncio, json, socket, sys, threading
models, tried = json.loads(sys.argv[1]), []
real_connect, real_lookup = socket.socket.connect, socket.getaddrinfo

def connect(self, address):
    if self.family != socket.AF_UNIX and address[0] != "127.0.0.1":
        tried.append(str(address))
        raise OSError("no network in this test")
    return real_connect(self, address)

def lookup(host, *rest, **more):
    if host not in ("127.0.0.1", b"127.0.0.1"):
        tried.append(str(host))
        raise socket.gaierror("no network in this test")
    return real_lookup(host, *rest, **more)

socket.socket.connect, socket.getaddrinfo = connect, lookup
import popi_sdk.backend
assert not {"litellm", "openai", "httpx", "tenacity", "socketserver"} & sys.modules.keys()
from popi_sdk.backend import LiteLLMBackend, ModelSpec
messages, limits = [{"role": "user", "content": "Hi"}], {"timeout": 10, "retries": 0, "options": {"api_key": "k"}}
backend = LiteLLMBackend()

async def asynchronously(spec):
    await backend.acomplete(messages, spec, **limits)
    async with await backend.astream(messages, spec, **limits) as stream:
        async for _ in stream:
            pass
        stream.completion()

async def main():
    for name, base in models.items():
        spec = ModelSpec(name, api_base=base)
        backend.complete(messages, spec, **limits)
        with backend.stream(messages, spec, **limits) as stream:
            for _ in stream:
                pass
            stream.completion()
        await asynchronously(spec)
    shape = {"type": "object", "properties": {"a": {"type": "string"}}, "required": ["a"]}
    structured = {"type": "json_schema", "json_schema": {"name": "answer", "schema": shape, "strict": True}}
    name = next(name for name in models if name.startswith("anthropic"))
    options = {**limits["options"], "response_format": structured}
    backend.complete(messages, ModelSpec(name, api_base=models[name]), **{**limits, "options": options})
    await asyncio.sleep(0.5)  # background threads get their chance to call out

asyncio.run(main())
print(json.dumps(tried))
"""


def run(program: str, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    hidden = {"LITELLM_LOCAL_MODEL_COST_MAP", "LITELLM_LOCAL_ANTHROPIC_BETA_HEADERS", "POPI_NO_LIVE_CALLS"}
    inherited = {name: value for name, value in os.environ.items() if name not in hidden}
    return subprocess.run(
        [sys.executable, "-c", program, *arguments],
        cwd=ROOT,
        env={**inherited, "PYTHONPATH": str(ROOT), **environment},
        capture_output=True,
        text=True,
        timeout=90,
    )


@pytest.mark.timeout(100)
def test_nothing_but_the_provider_is_reached(loopback: LoopbackServer):
    models = {name: api_base(loopback.url, name) for name in MODELS}
    done = run(PROGRAM, json.dumps(models))
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == []
    assert len(loopback.requests) == 4 * len(MODELS) + 1


SETTINGS = """
import litellm
litellm.suppress_debug_info = False
litellm.drop_params, litellm.api_key, litellm.num_retries = True, "sk-app", 3
litellm.success_callback = ["app"]
kept = ("drop_params", "api_key", "num_retries", "success_callback", "callbacks", "cache", "model_fallbacks")
before = {name: getattr(litellm, name) for name in kept}
from popi_sdk.backend import LiteLLMBackend, ModelSpec
LiteLLMBackend().complete(
    [{"role": "user", "content": "Hi"}], ModelSpec("openai/gpt-4o-mini"),
    timeout=5, retries=0, options={"mock_response": "x", "api_key": "k"},
)
assert {name: getattr(litellm, name) for name in kept} == before
assert litellm.suppress_debug_info and not litellm.telemetry and litellm.disable_hf_tokenizer_download
"""


def test_the_apps_own_settings_of_litellm_stay():
    done = run(SETTINGS, LITELLM_LOCAL_MODEL_COST_MAP="True")
    assert done.returncode == 0, done.stderr
    assert KEY not in done.stderr


OTHER_CALLS = """
import asyncio, sys
import httpx
from popi_sdk.backend import LiteLLMBackend, ModelSpec
from popi_sdk.errors import BackendError
import litellm
messages, base, model = [{"role": "user", "content": "Hi"}], sys.argv[1], "mistral/mistral-small-latest"
send, sent = httpx.AsyncClient.send, []

async def first_in_vain(self, request, **more):
    sent.append(request)
    if len(sent) == 1:
        raise httpx.ConnectError("nobody there")
    return await send(self, request, **more)

httpx.AsyncClient.send = first_in_vain

async def main():
    try:
        spec, limits = ModelSpec(model, api_base=base), {"timeout": 5, "retries": 0}
        await LiteLLMBackend().acomplete(messages, spec, **limits, options={"api_key": "k"})
    except BackendError:
        assert len(sent) == 1, sent
    else:
        raise AssertionError("ours was repeated")
    sent.clear()
    answer = await litellm.acompletion(model, messages, api_base=base, api_key="k")
    assert answer.choices[0].message.content == "Hello from the loopback."
    assert len(sent) == 2, sent

asyncio.run(main())
"""


def test_litellm_repeats_the_apps_other_calls_and_not_ours(loopback: LoopbackServer):
    done = run(OTHER_CALLS, api_base(loopback.url, "mistral/x"), LITELLM_LOCAL_MODEL_COST_MAP="True")
    assert done.returncode == 0, done.stderr
    assert len(loopback.requests) == 1
