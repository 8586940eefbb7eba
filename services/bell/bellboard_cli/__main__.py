"""`python -m bellboard_cli` is `bell`."""

from __future__ import annotations

from .main import app

app(prog_name="bell")
