"""Weeks of an app in some minutes: refreshing keeps its summarizer fresh, and the gate keeps it safe.

`python -m benchmarks.refresh_story` is the same with more users, one week more, and longer learning.
"""

from __future__ import annotations

import pytest

from benchmarks.refresh_story import SHORT, Story, tell

pytestmark = pytest.mark.timeout(900)


@pytest.fixture(scope="module")
def story(tmp_path_factory: pytest.TempPathFactory) -> Story:
    return tell(tmp_path_factory.mktemp("story"), SHORT)


def test_in_new_wordings_the_refreshed_summarizer_is_five_points_better_than_the_first(story: Story) -> None:
    second = story.weeks[0]
    assert second.promoted, second.reasons
    assert second.version == 2
    assert second.better_by.mean >= 0.05
    assert second.better_by.low > 0


def test_a_poisoned_week_is_refused_and_says_why(story: Story) -> None:
    poisoned = story.weeks[-1]
    assert poisoned.week == 4
    assert not poisoned.promoted
    assert poisoned.version == 2
    assert poisoned.reasons
    assert poisoned.better_by.low > 0  # what was in service before still is


def test_a_rollback_brings_the_earlier_version_and_its_summaries_back(story: Story) -> None:
    assert story.rolled_back_to == 1
    assert story.summaries_restored == 1.0
