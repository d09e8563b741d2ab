"""What the backend sends and returns: the real LiteLLM against a server that speaks each provider's protocol."""

import asyncio
import copy
import sys
import time

import pytest

from popi_sdk.backend import LiteLLMBackend, ModelSpec, Usage
from popi_sdk.backend import calls as backend
from popi_sdk.errors import AuthError, ConfigError, MissingExtraError
from tests.asking import MESSAGES, MODELS, ONE_PER_PROVIDER, PROMPT, SYSTEM, WAYS, ask
from tests.loopback import KEY, LoopbackServer, ok, status, tool_call

PATHS = {
    "openai/gpt": "/openai/v1/chat/completions",
    "anthropic": "/anthropic/v1/messages",
    "mistral": "/mistral/v1/chat/completions",
    "deepseek": "/deepseek/chat/completions",
    "hosted_vllm": "/local/v1/chat/completions",
    "openai/meta-llama": "/local/v1/chat/completions",
}
CACHE_COUNTERS = ("openai/gpt", "anthropic", "deepseek")
TOOLS = [
    {
        "type": "function",
        "function": {
            "name": "weather",
            "description": "The weather in a city.",
            "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
        },
    }
]


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("model", MODELS)
async def test_each_provider_answers_in_each_way(loopback: LoopbackServer, model: str, way: str):
    completion = await ask(way, loopback.model_spec(model))

    assert completion.text == "Hello from the loopback."
    assert completion.message == {"role": "assistant", "content": "Hello from the loopback."}
    assert completion.model == model
    cached = 5 if model.startswith(CACHE_COUNTERS) else 0
    assert completion.usage == Usage(prompt_tokens=21, completion_tokens=7, total_tokens=28, cached_tokens=cached)
    assert completion.raw.choices[0].message.content == completion.text
    assert completion.warnings == ()
    if "llama" in model:
        assert not completion.cost_usd
    else:
        assert 0 < completion.cost_usd < 0.001


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("model", MODELS)
async def test_the_server_sees_the_system_part_whole_and_the_key_in_its_place(
    loopback: LoopbackServer, model: str, way: str
):
    await ask(way, loopback.model_spec(model))

    (request,) = loopback.requests
    assert request.path == next(path for prefix, path in PATHS.items() if model.startswith(prefix))
    assert request.system == SYSTEM
    assert PROMPT in str(request.body["messages"])
    assert request.body["model"] == model.partition("/")[2]
    key = request.headers.get("x-api-key") or request.headers["authorization"].removeprefix("Bearer ")
    assert key == KEY
    own = {"num_retries", "max_retries", "timeout", "_skip_mcp_handler", "api_key", "api_base"}
    assert not own & request.body.keys()


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("model", ONE_PER_PROVIDER)
async def test_a_tool_call_comes_back_as_a_message_that_can_be_appended(loopback: LoopbackServer, model: str, way: str):
    loopback.replies.append(tool_call("weather", {"city": "Paris"}))
    spec = loopback.model_spec(model)
    completion = await ask(way, spec, options={"tools": TOOLS})

    assert completion.text == ""
    (call,) = completion.message["tool_calls"]
    function = {"name": "weather", "arguments": '{"city": "Paris"}'}
    assert call == {"id": "call_0001", "type": "function", "function": function}
    assert "weather" in str(loopback.requests[0].body["tools"])

    result = {"role": "tool", "tool_call_id": "call_0001", "content": "Sunny."}
    answered = await ask(way, spec, [*MESSAGES, completion.message, result], options={"tools": TOOLS})
    assert answered.text == "Hello from the loopback."
    assert "Sunny." in str(loopback.requests[1].body["messages"])


async def test_reasoning_is_kept_in_raw_and_out_of_text_and_message(loopback: LoopbackServer):
    completion = await ask("complete", loopback.model_spec("deepseek/deepseek-reasoner"))
    assert completion.raw.choices[0].message.reasoning_content
    assert "reasoning_content" not in completion.message
    assert "greeting" not in completion.text


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("model", ONE_PER_PROVIDER)
async def test_the_callers_messages_and_options_stay_as_they_were(loopback: LoopbackServer, model: str, way: str):
    loopback.replies.append(status(500, headers={"retry-after-ms": "1"}))
    messages = copy.deepcopy(MESSAGES)
    options = {"tools": copy.deepcopy(TOOLS), "extra_headers": {"x-app": "sky"}, "temperature": 0.2}
    before = copy.deepcopy((messages, options))

    await ask(way, loopback.model_spec(model), messages, retries=1, options=options)

    assert (messages, options) == before
    first, second = loopback.requests
    assert first.body == second.body
    assert second.headers["x-app"] == "sky"


@pytest.mark.parametrize("ending", ["", "/", "/v1", "/v1/"])
@pytest.mark.parametrize("way", ["complete", "astream"])
async def test_anthropics_address_may_end_in_v1_or_not(loopback: LoopbackServer, ending: str, way: str):
    spec = ModelSpec("anthropic/claude-sonnet-4-6", api_base=f"{loopback.url}/anthropic{ending}")
    await ask(way, spec, options={"api_key": KEY})
    assert loopback.requests[0].path == "/anthropic/v1/messages"


async def test_options_win_over_the_models_own_address_key_and_headers(
    loopback: LoopbackServer, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("OTHER_KEY", "sk-other")
    headers = {"x-team": "config", "x-kept": "yes"}
    spec = ModelSpec("openai/gpt-4o-mini", "http://127.0.0.1:1/v1", api_key_env="OTHER_KEY", extra_headers=headers)
    options = {"api_base": f"{loopback.url}/openai/v1", "api_key": KEY, "extra_headers": {"x-team": "call"}}

    await ask("complete", spec, options=options)

    seen = loopback.requests[0].headers
    assert (seen["authorization"], seen["x-team"], seen["x-kept"]) == (f"Bearer {KEY}", "call", "yes")


async def test_the_key_is_read_anew_at_each_call(loopback: LoopbackServer, monkeypatch: pytest.MonkeyPatch):
    spec = loopback.model_spec("openai/gpt-4o-mini")
    await ask("complete", spec)
    monkeypatch.setenv("POPI_LOOPBACK_KEY", "sk-rotated")
    await ask("complete", spec)
    assert [request.headers["authorization"] for request in loopback.requests] == [f"Bearer {KEY}", "Bearer sk-rotated"]


@pytest.mark.parametrize("way", WAYS)
async def test_a_missing_key_names_its_variable_before_anything_is_sent(
    loopback: LoopbackServer, monkeypatch: pytest.MonkeyPatch, way: str
):
    monkeypatch.delenv("POPI_LOOPBACK_KEY")
    with pytest.raises(AuthError, match="POPI_LOOPBACK_KEY"):
        await ask(way, loopback.model_spec("openai/gpt-4o-mini"))
    assert loopback.requests == []


@pytest.mark.parametrize(
    ("option", "instead"),
    [
        ({"stream": True}, r"stream\(\)"),
        ({"num_retries": 3}, "retries"),
        ({"max_retries": 3}, "retries"),
        ({"timeout": 3}, "timeout"),
        ({"model": "openai/gpt-4o"}, "model"),
        ({"messages": []}, "prompt"),
        ({"fallbacks": ["openai/gpt-4o"]}, "fallbacks"),
    ],
)
@pytest.mark.parametrize("way", ["complete", "acomplete"])
async def test_what_popi_sets_itself_is_refused_as_an_option(loopback: LoopbackServer, way: str, option, instead):
    with pytest.raises(ConfigError, match=instead):
        await ask(way, loopback.model_spec("openai/gpt-4o-mini"), options=option)
    assert loopback.requests == []


@pytest.mark.parametrize("timeout", [0, -1, float("inf"), float("nan"), True, "5"])
def test_a_timeout_must_be_a_number_of_seconds(timeout):
    with pytest.raises(ConfigError, match="timeout"):
        LiteLLMBackend().complete(MESSAGES, ModelSpec("openai/gpt-4o-mini"), timeout=timeout, retries=0, options={})


@pytest.mark.parametrize("retries", [-1, 1.5, True, "2"])
def test_retries_must_be_a_count(retries):
    with pytest.raises(ConfigError, match="retries"):
        LiteLLMBackend().complete(MESSAGES, ModelSpec("openai/gpt-4o-mini"), timeout=1, retries=retries, options={})


@pytest.mark.parametrize("model", ["nobody/model-1", "no-such-model"])
@pytest.mark.parametrize("way", WAYS)
async def test_a_model_of_no_known_provider_is_a_config_error(model: str, way: str):
    with pytest.raises(ConfigError, match=model):
        await ask(way, ModelSpec(model), options={"mock_response": "Never reached."})


async def test_something_that_is_no_json_is_a_config_error_and_is_not_retried(loopback: LoopbackServer):
    started = time.monotonic()
    with pytest.raises(ConfigError, match="JSON"):
        await ask(
            "complete", loopback.model_spec("openai/gpt-4o-mini"), retries=5, options={"logit_bias": {"1": object()}}
        )
    assert time.monotonic() - started < 1
    assert loopback.requests == []


@pytest.mark.parametrize("way", WAYS)
async def test_litellms_mock_response_needs_no_server(way: str):
    completion = await ask(way, ModelSpec("openai/gpt-4o-mini"), options={"mock_response": "A mock.", "api_key": "x"})
    assert completion.text == "A mock."


def test_without_litellm_the_pip_line_is_named(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(sys.modules, "litellm", None)
    backend.load_litellm.cache_clear()
    spec, mock = ModelSpec("openai/gpt-4o-mini"), {"mock_response": "Never reached."}
    with pytest.raises(MissingExtraError, match=r'pip install "popi-sdk\[litellm\]"'):
        LiteLLMBackend().complete(MESSAGES, spec, timeout=1, retries=0, options=mock)


async def test_200_calls_at_once_all_get_their_answer(loopback: LoopbackServer):
    loopback.default = ok(pause=0.2)
    spec = loopback.model_spec("openai/gpt-4o-mini")
    answers = await asyncio.gather(*(ask("acomplete", spec, timeout=30) for _ in range(200)))
    assert len(answers) == len(loopback.requests) == 200


async def test_a_cancelled_call_is_cancelled_and_lets_go_of_the_connection(loopback: LoopbackServer):
    loopback.default = ok(pause=10)
    call = asyncio.create_task(ask("acomplete", loopback.model_spec("anthropic/claude-sonnet-4-6"), retries=3))
    while not loopback.requests:
        await asyncio.sleep(0.01)
    call.cancel()
    with pytest.raises(asyncio.CancelledError):
        await call
    assert await asyncio.to_thread(loopback.requests[0].closed_early.wait, 3)
    assert len(loopback.requests) == 1


def test_the_loopback_is_fast_enough_to_measure_against(loopback: LoopbackServer):
    """Nagle's algorithm would cost 44 ms per call and hide what LiteLLM and POPI cost."""
    spec, times = loopback.model_spec("deepseek/deepseek-reasoner"), []
    for _ in range(20):
        started = time.perf_counter()
        LiteLLMBackend().complete(MESSAGES, spec, timeout=5, retries=0, options={})
        times.append(time.perf_counter() - started)
    assert sorted(times)[10] < 0.03
    assert loopback.connections == 1
