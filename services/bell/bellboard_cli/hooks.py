"""`bell hooks`: the webhooks there are, and what to write into the programs that call them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

from rich.console import Console
from rich.table import Table
from rich.text import Text

from bellboard.errors import UserError
from bellboard.hooks import GRAFANA, GRAFANA_SIGNATURE, GRAFANA_TIMESTAMP, SIGNATURE, Hook, read
from bellboard.provision import House

from .render import plain
from .runfile import RunFile

PROOFS = {
    "path": "the secret is the end of its address",
    "bearer": "a header: Authorization: Bearer SECRET",
    "hmac": "each request is signed with the secret",
}

ALERTMANAGER = """\
# alertmanager.yml
receivers:
  - name: bellboard
    webhook_configs:
      - url: {address}
"""
BEARER = "        http_config: {{authorization: {{credentials: {secret}}}}}\n"

CONTACT_POINT = """\
# Grafana: Alerting, Contact points, Webhook
URL: {address}
"""
SIGNED_CONTACT_POINT = f"""\
HMAC signature: secret {{secret}}, header {GRAFANA_SIGNATURE}, timestamp header {GRAFANA_TIMESTAMP}
"""

CURL = """\
curl -sS --fail-with-body -d '{{"title": "a test", "status": "firing"}}' {address}{header}
"""
CURL_BEARER = " -H 'Authorization: Bearer {secret}'"
CURL_SIGNED = f"""\
body='{{{{"title": "a test", "status": "firing"}}}}' at=$(date +%s)
mac=$(printf '%s.%s' "$at" "$body" | openssl dgst -sha256 -hmac '{{secret}}' | sed 's/.* //')
curl -sS --fail-with-body -d "$body" -H "{SIGNATURE}: t=$at,v1=$mac" {{address}}
"""


def hooks(folder: Path, name: str, *, as_json: bool) -> None:
    """Print the webhooks of the data folder; with a name, what to write into the program that calls that one.

    Raises:
        UserError: nothing runs there, or there is no such webhook.
        SettingsError: the file is wrong.
    """
    url, house = RunFile.read(folder).url, House(folder)
    known = read(house.hooks)
    if not known or (name and name not in known):
        raise UserError(f"{house.hooks} names no webhook{f' {name}' if name else ''}", hint=f"there are: {', '.join(known)}")
    chosen = {name: known[name]} if name else known
    if as_json:
        print(json.dumps([_described(name, hook, url) for name, hook in chosen.items()]))
    elif name:
        print(_snippet(name, known[name], url), end="")
    else:
        _table(known)
        for each, hook in known.items():
            print(f"\n{each}:\n{_snippet(each, hook, url)}", end="")


def _table(known: Mapping[str, Hook]) -> None:
    table = Table("name", "format", "for", "how it proves where it is from", box=None)
    for name, hook in known.items():
        table.add_row(*(Text(plain(cell)) for cell in (name, hook.format, hook.bot, PROOFS[hook.auth])))
    Console(highlight=False).print(table)


def _described(name: str, hook: Hook, url: str) -> dict[str, str]:
    own = {"name": name, "format": hook.format, "bot": hook.bot, "auth": hook.auth}
    return {**own, "address": _address(name, hook, url), "secret": hook.secret[0]}


def _address(name: str, hook: Hook, url: str) -> str:
    return f"{url}/hooks/{name}" + (f"/{hook.secret[0]}" if hook.auth == "path" else "")


def _snippet(name: str, hook: Hook, url: str) -> str:
    """What to write into the program that calls it."""
    if hook.format == GRAFANA:
        pattern = CONTACT_POINT + (SIGNED_CONTACT_POINT if hook.auth == "hmac" else "")
    elif hook.format == "alertmanager" and hook.auth != "hmac":
        pattern = ALERTMANAGER + (BEARER if hook.auth == "bearer" else "")
    else:
        pattern = CURL_SIGNED if hook.auth == "hmac" else CURL
    header = CURL_BEARER.format(secret=hook.secret[0]) if hook.auth == "bearer" else ""
    return pattern.format(address=_address(name, hook, url), secret=hook.secret[0], header=header)
