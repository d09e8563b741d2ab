"""What POPI tells OpenTelemetry: spans and metrics by the GenAI conventions, once the app has set a provider.

    from opentelemetry import trace
    from opentelemetry.sdk.trace import TracerProvider

    trace.set_tracer_provider(TracerProvider())  # with the processors and exporters of your choice; then use POPI as ever

Until then nothing is recorded and no part of OpenTelemetry is imported. POPI sets no provider and reads no setting of
its own. What fails in here is logged at DEBUG and never reaches a call.

| span | when | attributes |
|---|---|---|
| `popi.personalize`, `popi.stream`, `popi.compose`, `popi.personal` | that call | `popi.status`, `popi.summarizer`, `popi.summary.version`, `popi.summary.tokens`, `popi.raw_tokens`, `popi.redactions`; a stream that was left early: `popi.stream.dropped` |
| `popi.summarize` | that call | `popi.summarizer`, `popi.summary.*`, `popi.raw_tokens` |
| `upsert_memory` | observe | `gen_ai.memory.store.id`, `gen_ai.memory.record.count` |
| `search_memory` | a profile is read, also history and export | the same |
| `update_memory` | a summary is inferred and saved, or edited | the same |
| `delete_memory` | forget, expire | the same |
| `chat {model}` | one model is asked, its retries included | `gen_ai.provider.name`, `gen_ai.usage.*`, ... |

Metrics: `gen_ai.client.operation.duration` and `gen_ai.client.token.usage` of model calls; `popi.calls` by
`popi.status`, `popi.summary.tokens`, `popi.redactions` by `popi.redaction.kind`.

`gen_ai.memory.store.id` is "default" or, as a namespace may name a person, the first 16 characters of the namespace's
SHA-256 in hex: the same for the same one, and to be found again by whoever can guess it.

An error is told as its type, without its message. Only OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT=true adds
words: the summary as `gen_ai.memory.records`, the chat as `gen_ai.input.messages` and `gen_ai.output.messages`, the
user id as `enduser.id`, and the namespace as it is. Where LiteLLM's own `otel` callback is active it tells of model calls, and POPI does not.

clients     what the clients put around their methods
chats       model calls
operations  one span, and the rule when there is one
metrics     the instruments
content     words, when asked for
beside      LiteLLM's own OpenTelemetry callbacks
"""  # noqa: E501 - rows of a table

from __future__ import annotations

from popi_sdk.telemetry.chats import Traced
from popi_sdk.telemetry.clients import apart, call, memory, opening, redacted, told

__all__ = ["Traced", "apart", "call", "memory", "opening", "redacted", "told"]
