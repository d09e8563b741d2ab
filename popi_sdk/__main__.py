"""`python -m popi_sdk` is `popi`."""

from popi_sdk.cli import app

app(prog_name="popi")
