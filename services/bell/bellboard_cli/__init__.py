"""The `bell` command: starts the mesh, speaks to it, looks after it."""

from __future__ import annotations

import sys

if sys.version_info < (3, 11):  # noqa: UP036 - somebody may run it with an older one, and deserves a plain answer
    raise SystemExit(f"bell needs Python 3.11 or newer; this is {sys.version.split()[0]}. Install one and run `make setup`.")
