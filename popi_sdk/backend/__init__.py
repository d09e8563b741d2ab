"""Calling a model: any provider LiteLLM reaches, with our own time-outs, retries and errors.

calls           the protocols, and LiteLLMBackend: one call, whole or streamed
model_spec      which model, where, with which key
completion      what came back, as plain data
chunks          streams of a provider's chunks
retries         when and how long to wait before the next attempt
fallbacks       one model after another
vendor_errors   every error of LiteLLM and the providers, mapped at one place
one_attempt     keeps LiteLLM from repeating a request behind our back
provider_keys   which variable a model's key is expected in
served_models   what a server says that it serves
live_calls      the switch that makes forgotten live calls fail in tests

LiteLLM is imported at the first call.
"""

from __future__ import annotations

from popi_sdk.backend.calls import AsyncBackend, Backend, LiteLLMBackend, Messages
from popi_sdk.backend.chunks import AsyncChunkStream, ChunkStream, text_of
from popi_sdk.backend.completion import Completion, Usage, completion_from
from popi_sdk.backend.fallbacks import awith_fallbacks, options_for_fallback, with_fallbacks
from popi_sdk.backend.model_spec import ModelSpec

__all__ = [
    "AsyncBackend",
    "AsyncChunkStream",
    "Backend",
    "ChunkStream",
    "Completion",
    "LiteLLMBackend",
    "Messages",
    "ModelSpec",
    "Usage",
    "awith_fallbacks",
    "completion_from",
    "options_for_fallback",
    "text_of",
    "with_fallbacks",
]
