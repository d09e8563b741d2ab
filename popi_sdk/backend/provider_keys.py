"""Whether a model can be called from this machine: which variable its provider's key is expected in, and is it there.

Read by the command line, which shows a request instead of sending it where it could not arrive, and by `doctor`.
Nothing is contacted, and no key's value leaves this file.
"""

from __future__ import annotations

import importlib.util
import os
from dataclasses import dataclass
from typing import Any

from popi_sdk.backend.model_spec import ModelSpec

_VARIABLES: dict[str, tuple[tuple[str, ...], ...]] = {
    "anthropic": (("ANTHROPIC_API_KEY",),),
    "azure": (("AZURE_API_KEY",), ("AZURE_API_BASE",), ("AZURE_API_VERSION",)),
    "azure_ai": (("AZURE_AI_API_KEY",), ("AZURE_AI_API_BASE",)),
    "cohere": (("COHERE_API_KEY", "CO_API_KEY"),),
    "deepseek": (("DEEPSEEK_API_KEY",),),
    "gemini": (("GEMINI_API_KEY", "GOOGLE_API_KEY"),),
    "groq": (("GROQ_API_KEY",),),
    "hosted_vllm": (("HOSTED_VLLM_API_BASE",),),
    "lm_studio": (("LM_STUDIO_API_BASE",),),
    "mistral": (("MISTRAL_API_KEY",),),
    "openai": (("OPENAI_API_KEY",),),
    "openrouter": (("OPENROUTER_API_KEY",),),
    "xai": (("XAI_API_KEY",),),
}
"""By provider: each group must be there, by any one of its names. Other providers: LiteLLM is asked."""

_ADDRESSES = {"openai": ("OPENAI_BASE_URL", "OPENAI_API_BASE"), "hosted_vllm": ("HOSTED_VLLM_API_BASE",)}
"""Variables that point a provider's models at another server, as `api_base` does."""

_SIGN_IN_OTHERWISE = ("bedrock", "ollama", "ollama_chat", "sagemaker", "sagemaker_chat", "vertex_ai")
"""Need no key, or take credentials from places that no variable tells of."""


@dataclass(frozen=True, slots=True)
class Access:
    """With what a model would be called, as far as this machine shows."""

    model: ModelSpec
    variables: tuple[str, ...] = ()
    """Variables that are set and will be used, by name."""
    missing: tuple[str, ...] = ()
    """Variables that would have to be set."""
    address: str = ""
    """Where the model is served when that is not its provider's usual place."""

    @property
    def ready(self) -> bool:
        """True when nothing is missing."""
        return not self.missing


def access(model: ModelSpec) -> Access:
    """Look which variables `model` needs, and which of them are set.

    >>> access(ModelSpec("openai/llama", api_base="http://localhost:8000/v1")).ready
    True
    """
    provider = model.provider or _provider_litellm_says(model.name)
    address = model.api_base or _set_one(_ADDRESSES.get(provider, ()), os.environ.get) or ""
    if model.api_key_env is not None:
        named = (model.api_key_env,)
        return Access(model, named, (), address) if _is_set(model.api_key_env) else Access(model, (), named, address)
    groups = _VARIABLES.get(provider)
    if groups is None and (address or provider in _SIGN_IN_OTHERWISE):
        return Access(model, address=address)
    if groups is None:
        return Access(model, missing=_missing_litellm_says(model.name))
    there = tuple(name for group in groups if (name := _set_one(group, str)))
    missing = tuple(group[0] for group in groups if not any(map(_is_set, group)))
    return Access(model, there, () if address else missing, address)


def litellm_installed() -> bool:
    """Whether the extra that calls models is there; LiteLLM itself is not imported."""
    return importlib.util.find_spec("litellm") is not None


def _is_set(variable: str) -> bool:
    return bool(os.environ.get(variable, "").strip())


def _set_one(names: tuple[str, ...], value: Any) -> Any:
    """`value` of the first of these variables that is set."""
    return next((value(name) for name in names if _is_set(name)), None)


def _provider_litellm_says(name: str) -> str:
    """The provider of a model given by its bare name; "" where LiteLLM does not know it."""
    if not litellm_installed():
        return ""
    from popi_sdk.backend.calls import load_litellm

    try:
        return str(load_litellm().get_llm_provider(name)[1])
    except Exception:  # the call itself will say what is wrong with the name
        return ""


def _missing_litellm_says(name: str) -> tuple[str, ...]:
    """What LiteLLM misses for a provider that is not in the table; nothing where it cannot tell."""
    if not litellm_installed():
        return ()
    from popi_sdk.backend.calls import load_litellm

    try:
        answer = load_litellm().validate_environment(model=name)
    except Exception:  # what LiteLLM cannot tell here, the call itself will
        return ()
    return () if answer.get("keys_in_environment") else tuple(answer.get("missing_keys") or ())
