"""What may stand beside a number: not a letter or a digit, and `_` only as Markdown sets it around a word."""

from __future__ import annotations

BEFORE = r"(?<![^\W_])(?<![^\W_]_)(?<![^\W_]__)"
AFTER = r"(?![^\W_]|__?[^\W_])"
NO_DECIMALS = r"(?<![0-9]\.)(?<!(?<![0-9])0,)"
"""Stands before what is no fraction: the comma separates two numbers in `7,4111111111111111`, and not in `0,4111`."""
