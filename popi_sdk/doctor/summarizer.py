"""Does the summarizer write? It is asked about a made-up sample; one that a provider runs is not, as that costs."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from popi_sdk.backend.model_spec import ModelSpec
from popi_sdk.backend.provider_keys import access
from popi_sdk.config import Config
from popi_sdk.doctor.finding import Check
from popi_sdk.doctor.models import access_problem, with_what
from popi_sdk.errors import PopiError
from popi_sdk.signals import Signal, Statement

if TYPE_CHECKING:
    from popi_sdk.summarizers import Summarizer
    from popi_sdk.summarizers.remote import ModelSummarizer
    from popi_sdk.summarizers.served import ServedSummarizer
    from popi_sdk.summarizers.trained import TrainedSummarizer
    from popi_sdk.summary import Summary

_SAMPLE: tuple[Signal, ...] = (Statement("Please answer briefly."), Statement("Use bullet points."))


def check_summarizer(config: Config) -> Check:
    """Which summarizer writes, and what it makes of a tiny sample; a provider's model is not called, as that costs."""
    from popi_sdk.backend import LiteLLMBackend
    from popi_sdk.summarizers import make_summarizer
    from popi_sdk.summarizers.embedded import choose
    from popi_sdk.summarizers.remote import ModelSummarizer
    from popi_sdk.summarizers.trained import TrainedSummarizer
    from popi_sdk.templates import load_templates

    details: tuple[tuple[str, str], ...] = ()
    try:
        once = config.with_overrides({"retries": 0})
        summarizer = make_summarizer(once, LiteLLMBackend(), load_templates(config.templates))
        if isinstance(summarizer, ModelSummarizer):
            return _check_remote(once, summarizer)
        if isinstance(summarizer, TrainedSummarizer):
            details = _about(summarizer)
        summary = _summary_of_sample(config, summarizer)
    except PopiError as error:
        return Check("summarizer", "problem", error.message, error.hint or 'Set summarizer = "contrast".', details)
    name = f'"auto" is {summary.model} ({choose().why})' if config.summarizer == "auto" else summary.model
    if not summary:
        advice = "Try it on signals of your own: popi summarize --signals FILE"
        return Check("summarizer", "warning", f"{name}: it says nothing about a plain sample", advice, details)
    return Check("summarizer", "ok", f"{name}; of a sample it wrote: {summary.text}", details=details)


def _check_remote(config: Config, summarizer: ModelSummarizer) -> Check:
    """A summarizer that is a model somewhere: what it is called with, and on a server of one's own, what it writes."""
    from popi_sdk.backend.live_calls import LiveCallError, check_live_call
    from popi_sdk.backend.served_models import served_models
    from popi_sdk.summarizers.served import ServedSummarizer

    model = summarizer.model
    what, found = f"summarizer {model.name}", access(model)
    about = _about(summarizer) if isinstance(summarizer, ServedSummarizer) else ()
    if problem := access_problem(found):
        return Check(what, "problem", *problem, details=about)
    if not found.address:
        return Check(what, "ok", f"{with_what(found)}; not tried, as a provider bills each call", details=about)
    try:
        check_live_call({"model": model.name, "api_base": found.address})
    except LiveCallError:
        return Check(what, "ok", f"{with_what(found)}; not tried, as live calls are switched off", details=about)
    listed = served_models(model, found.address)
    details = (*about, ("serves", ", ".join(listed) or "it does not say"))
    try:
        summary = _summary_of_sample(config, summarizer)
        start = time.monotonic()
        summarizer.texts([_SAMPLE])  # once more, as the first time much is imported here, which takes seconds
        seconds = time.monotonic() - start
    except PopiError as error:
        return Check(what, "problem", error.message, _what_to_serve(model, listed) or error.hint, details)
    took = f"{with_what(found)}; of a sample it wrote in {seconds:.2f} s"
    if not summary:
        advice = "Try it on signals of your own: popi summarize --signals FILE"
        return Check(what, "warning", f"{took} that there is nothing to say", advice, details)
    return Check(what, "ok", f"{took}: {summary.text}", details=details)


def _what_to_serve(model: ModelSpec, listed: tuple[str, ...]) -> str:
    """Advice where the server lists models, and not the one that is asked for."""
    name = model.name.partition("/")[2]
    if not listed or name in listed:
        return ""
    return f"It serves {', '.join(listed)}. Name one of them, or start it with --served-model-name {name}."


def _summary_of_sample(config: Config, summarizer: Summarizer) -> Summary:
    from popi_sdk.client import Popi

    with Popi(config.with_overrides({"store": "memory", "summarizer": summarizer})) as popi:
        return popi.summarize(_SAMPLE)


def _about(summarizer: TrainedSummarizer | ServedSummarizer) -> tuple[tuple[str, str], ...]:
    manifest = summarizer.manifest
    form = getattr(summarizer, "form", "on the server")
    return (
        ("directory", str(summarizer.folder)),
        ("weights", f"{form}, of {', '.join(manifest.forms)}"),
        ("base model", manifest.base_model),
        ("renderer", f"version {manifest.render_version}"),
        ("window", f"{manifest.window:,} tokens"),
        ("exported", f"{manifest.created.date()} with popi-sdk {manifest.popi_version}"),
    )
