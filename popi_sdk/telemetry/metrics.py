"""The instruments: how long model calls take and what they use, how calls are personalized, what is taken out."""

from __future__ import annotations

from dataclasses import dataclass
from threading import Lock
from typing import TYPE_CHECKING, Any

from popi_sdk.telemetry.operations import SCOPE, harmless, provider_of

if TYPE_CHECKING:
    from opentelemetry.metrics import Counter, Histogram

_SECONDS = (0.01, 0.02, 0.04, 0.08, 0.16, 0.32, 0.64, 1.28, 2.56, 5.12, 10.24, 20.48, 40.96, 81.92)
_TOKENS = tuple(4**power for power in range(14))
"""Both as the GenAI conventions ask for."""
_SUMMARY_TOKENS = (0, 5, 10, 20, 30, 40, 60, 80, 100, 150, 200, 300, 500)
"""Finer: a summary has a few dozen tokens, 200 at most unless configured."""


@dataclass(frozen=True, slots=True)
class Instruments:
    """One set for each meter provider."""

    duration: Histogram
    tokens: Histogram
    calls: Counter
    summary_tokens: Histogram
    redactions: Counter


_instruments: tuple[Any, Instruments] | None = None
"""The provider last seen, and what was made with it."""
_making = Lock()


@harmless
def instruments() -> Instruments | None:
    """What to record with; None where the app has set no meter provider."""
    global _instruments
    provider = provider_of("opentelemetry.metrics", "get_meter_provider")
    if provider is None:
        return None
    made = _instruments
    if made is None or made[0] is not provider:
        with _making:
            made = _instruments
            if made is None or made[0] is not provider:
                made = _instruments = provider, _made_with(provider)
    return made[1]


def _made_with(provider: Any) -> Instruments:
    from popi_sdk import __version__

    meter = provider.get_meter(SCOPE, __version__)
    return Instruments(
        duration=meter.create_histogram(
            "gen_ai.client.operation.duration",
            unit="s",
            description="GenAI operation duration.",
            explicit_bucket_boundaries_advisory=_SECONDS,
        ),
        tokens=meter.create_histogram(
            "gen_ai.client.token.usage",
            unit="{token}",
            description="Number of input and output tokens used.",
            explicit_bucket_boundaries_advisory=_TOKENS,
        ),
        calls=meter.create_counter(
            "popi.calls", unit="{call}", description="Calls by whether a summary stood in the request."
        ),
        summary_tokens=meter.create_histogram(
            "popi.summary.tokens",
            unit="{token}",
            description="Length of the summaries that stood in requests.",
            explicit_bucket_boundaries_advisory=_SUMMARY_TOKENS,
        ),
        redactions=meter.create_counter(
            "popi.redactions", unit="{redaction}", description="What was taken out of signals and summaries, by kind."
        ),
    )
