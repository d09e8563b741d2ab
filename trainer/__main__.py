"""`python -m trainer`: the same as `popi-train`, for launchers that start a module."""

from trainer.cli import app

app()
