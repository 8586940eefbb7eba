"""Generates a bot's code from its contract anew: ``python -m bellboard.scaffold FOLDER``."""

from __future__ import annotations

import sys
from pathlib import Path

from bellboard.errors import BellboardError

from .make import generate

if len(sys.argv) != 2:
    sys.exit("usage: python -m bellboard.scaffold FOLDER")
try:
    generate(Path(sys.argv[1]))
except BellboardError as error:
    sys.exit(str(error))
