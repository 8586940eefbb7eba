"""The first webhooks of a house: names, whose they are, and fresh secrets."""

from __future__ import annotations

import secrets
from pathlib import Path

from . import keys

FIRST = (("alertmanager", "alertmanager", "path"), ("grafana", "grafana", "path"), ("generic", "generic", "hmac"))
"""Name, format, and how a request proves where it is from."""

BOT = "oncall"
HEAD = """\
# Where programs outside bring what happened, and how they prove who they are; read again when it changes.
# `bell hooks` prints the addresses. auth: path (the secret is part of the address), bearer, or hmac (each request is signed).
hooks:
"""


def first_hooks(path: Path) -> None:
    """Write the file. Raises OSError."""
    lines = (
        f'  {name}: {{format: {form}, bot: {BOT}, auth: {auth}, secret: "{secrets.token_urlsafe(24)}"}}\n'
        for name, form, auth in FIRST
    )
    keys.write(path, HEAD + "".join(lines))
