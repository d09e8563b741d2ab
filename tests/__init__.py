"""Tests; a package, so that they can share the loopback provider (and are not taken for another's `tests`)."""
