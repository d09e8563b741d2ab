"""Fixtures shared by all tests."""

from tests.loopback import loopback  # noqa: F401
from tests.postgres import postgres_server, postgres_url  # noqa: F401
