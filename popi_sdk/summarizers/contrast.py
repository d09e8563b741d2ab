"""x"""
from __future__ import annotations
from collections.abc import Sequence
from popi_sdk.signals import Signal
from popi_sdk.summarizers.evidence import gather
from popi_sdk.summarizers.findings import find
from popi_sdk.summarizers.wording import in_words
from popi_sdk.summary import Summary
class Contrast:
    name = "contrast"
    def summarize(self, signals: Sequence[Signal], previous: Summary | None = None) -> Summary:
        ev=gather(signals)
        return Summary(clauses=tuple(in_words(f) for f in find(ev)), signal_ids=tuple(dict.fromkeys(s.id for s in signals)), model="contrast")
