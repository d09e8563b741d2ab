"""What can go wrong in training, beside the errors it shares with the SDK."""

from __future__ import annotations

from popi_sdk.errors import PopiError


class TrainingError(PopiError):
    """Training cannot go on; the last checkpoint is intact."""


class DivergedError(TrainingError):
    """A loss, a reward or a gradient is not a number any more."""


class ChannelError(TrainingError):
    """The generator unlearns to read summaries."""


class CheckpointError(TrainingError):
    """A checkpoint cannot be written or read."""
