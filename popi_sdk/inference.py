"""From signals to a summary: what a call's user has shown is read, and a new summary inferred where that is due.

`async_inference.py` is the same, awaited; the decisions both share are in `personalization.py`.
"""

from __future__ import annotations

import copy
import logging
from typing import Self

from popi_sdk import personalization as rules
from popi_sdk import telemetry
from popi_sdk.background import BackgroundRefresh
from popi_sdk.cache import SummaryCache, key_of
from popi_sdk.composer import Placement
from popi_sdk.config import Config, default_store
from popi_sdk.errors import StoreError, SummarizerError, loggable
from popi_sdk.intake import coerce
from popi_sdk.lazy_store import OpenedOnce
from popi_sdk.one_at_a_time import OneAtATime
from popi_sdk.pause import Pause
from popi_sdk.reply import Personal
from popi_sdk.signals import Signal
from popi_sdk.store import Profile, check_names
from popi_sdk.summarizers import Summarizer
from popi_sdk.summarizers.followed import Versions
from popi_sdk.summary import Summary

_log = logging.getLogger("popi_sdk")


class Inference:
    """A client's store and summarizer, and what is held in memory between its calls."""

    def __init__(self, config: Config, summarizer: Summarizer) -> None:
        self.config = config
        self.summarizer = summarizer
        self.store = OpenedOnce(config.store or default_store)
        self.background = BackgroundRefresh(self._refresh_behind)
        self.directly_given = SummaryCache()
        self._versions = Versions(summarizer)
        self._pause = Pause(rules.name_of(summarizer))
        self._one_at_a_time = OneAtATime()

    def scoped(self, config: Config) -> Self:
        """The same for another namespace: `config` names it."""
        other = copy.copy(self)
        other.config = config
        return other

    def close(self) -> None:
        """Finish refreshes that wait, and close the store."""
        self.background.close()
        self.store.close()

    @telemetry.told
    def personal(self, user_id: str | None, given: rules.Given, placement: Placement) -> Personal:
        """The summary for one call and its status; failures of summarizer and store are told, not raised."""
        if user_id is not None:
            check_names(self.config.namespace, user_id)
        try:
            if user_id is None:
                summary = self.of_signals(given.signals)
                return rules.personal_from_summary(summary, placement, given.redactions)
            profile = self.read(user_id)
            if given.signals and not profile.summary.pinned:
                stored = self.store.get().signals(
                    self.config.namespace,
                    user_id,
                    limit=rules.MOST_SIGNALS,
                    untrusted=rules.reads_untrusted(self.config),
                )
                # What rests on stored signals is not held in memory: once they are forgotten, it must be nowhere.
                infer = self._infer_anew if stored else self.of_signals
                summary = infer(coerce((*stored, *given.signals)))
                return rules.personal_from_summary(summary, placement, given.redactions)
            profile, warnings = self.brought_up_to_date(profile)
            return rules.personal_from(profile, placement, warnings, other_version=self._versions.is_behind(profile))
        except (SummarizerError, StoreError) as error:
            if self.config.on_failure == "raise":
                raise
            return rules.failed(error)

    @telemetry.memory("search_memory")
    def read(self, user_id: str) -> Profile:
        """What is stored for a user, as it is."""
        self.expire(user_id)
        return self.store.get().read(self.config.namespace, user_id)

    def expire(self, user_id: str | None, namespace: str = "") -> int:
        """Erase what `retention` has run out for, of this user or of all; how many signals."""
        before = rules.oldest_kept(self.config)
        if before is None:
            return 0
        return self.store.get().expire(namespace or self.config.namespace, user_id, before)

    def brought_up_to_date(self, profile: Profile) -> tuple[Profile, tuple[str, ...]]:
        """The profile after a refresh where one is due, and a warning where an older summary has to do."""
        if not self._is_due(profile):
            return profile, ()
        if self.config.refresh == "background":
            self.background.ask(profile.namespace, profile.user_id)
            return profile, ()
        try:
            with self._one_at_a_time.lock(profile.namespace, profile.user_id):
                profile = self.store.get().read(profile.namespace, profile.user_id)
                return (self.refreshed(profile) if self._is_due(profile) else profile), ()
        except SummarizerError as error:
            if self.config.on_failure == "raise":
                raise
            what = "An older summary is served" if profile.summary else "Answered without a summary"
            return profile, (f"{what}: {error}",)

    def _is_due(self, profile: Profile) -> bool:
        return rules.refresh_is_due(profile, self.config, other_version=self._versions.is_behind(profile))

    @telemetry.memory("update_memory")
    def refreshed(self, profile: Profile, *, anew: bool = False) -> Profile:
        """Infer and save a new version; when the profile has moved on meanwhile, what is there now counts.

        What another version of the summarizer has written gives way to what this one wrote of the same signals before,
        if it did, unless that is wanted `anew`.
        """
        summarizer, behind = self._versions.in_service(), self._versions.is_behind(profile)
        news_only = rules.needs_only_news(profile, summarizer) and not self._versions.is_outdated(profile.summary)
        signals = self.store.get().signals(
            profile.namespace,
            profile.user_id,
            after=profile.seen if news_only else 0,
            limit=rules.MOST_SIGNALS,
            untrusted=rules.reads_untrusted(self.config),
        )
        material = rules.shown(rules.Material(signals, profile.summary if news_only else None), self.config)
        summary = None
        if behind and not anew:
            history = self.store.get().history(profile.namespace, profile.user_id)
            summary = rules.written_before(history, material, summarizer)
            if summary is None and not profile.summary:
                self._versions.nothing_to_restore(profile, summarizer)
                return profile
        summary = summary or self._inferred(material, summarizer)
        saved = self.store.get().save(profile, summary)
        return saved or self.store.get().read(profile.namespace, profile.user_id)

    def of_signals(self, signals: tuple[Signal, ...]) -> Summary:
        """A summary of signals given directly, inferred once as long as it is held."""
        key = key_of(signals)
        held = self.directly_given.get(key)
        if held is not None and not self._versions.is_outdated(held):
            return held
        since = self.directly_given.cleared
        summary = self._infer_anew(signals)
        self.directly_given.put(key, summary, since=since)
        return summary

    def _infer_anew(self, signals: tuple[Signal, ...]) -> Summary:
        summarizer = self._versions.in_service()
        return self._inferred(rules.shown(rules.Material(signals, None), self.config), summarizer)

    def _inferred(self, material: rules.Material, summarizer: Summarizer) -> Summary:
        """Ask the summarizer and guard what it wrote; without signals there is nothing to ask."""
        with self._pause.around():
            written: Summary | str | None = material.previous  # without news to look at, what was known stays
            if material.signals:
                written = summarizer.summarize(material.signals, material.previous)
        summary = rules.finish(written, material, self.config, summarizer)
        telemetry.redacted(summary.removed)
        return summary

    def _refresh_behind(self, namespace: str, user_id: str, hurry: bool) -> float:
        """A refresh on the background thread; a failure is logged and tried again with the user's next call.

        Returns the seconds to wait first, where other processes have heard more of this user since.
        """
        try:
            self.expire(user_id, namespace)
            profile = self.store.get().read(namespace, user_id)
            wait = rules.seconds_until_due(profile, self.config)
            if profile.stale and profile.summary and wait > 0 and not hurry:
                return wait
            if profile.stale or self._versions.is_behind(profile):
                self.refreshed(profile)
        except Exception as error:
            _log.warning("A summary could not be refreshed in the background: %s", loggable(error))
        return 0.0
