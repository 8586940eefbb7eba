"""`bell hooks`: the webhooks there are, and what to write into the programs that call them."""

from __future__ import annotations

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
curl --fail-with-body -d '{{"title": "a test", "status": "firing"}}' {address}{header}
"""
CURL_BEARER = " -H 'Authorization: Bearer {secret}'"
CURL_SIGNED = f"""\
body='{{{{"title": "a test", "status": "firing"}}}}' at=$(date +%s)
mac=$(printf '%s.%s' "$at" "$body" | openssl dgst -sha256 -hmac '{{secret}}' | sed 's/.* //')
curl --fail-with-body -d "$body" -H "{SIGNATURE}: t=$at,v1=$mac" {{address}}
"""


def hooks(folder: Path) -> None:
    """Print every webhook of the data folder.

    Raises:
        UserError: nothing runs there, or there are no webhooks.
        SettingsError: the file is wrong.
    """
    url, house = RunFile.read(folder).url, House(folder)
    known = read(house.hooks)
    if not known:
        raise UserError(f"{house.hooks} names no webhook")
    table = Table("name", "format", "for", "how it proves where it is from", box=None)
    for name, hook in known.items():
        table.add_row(*(Text(plain(cell)) for cell in (name, hook.format, hook.bot, PROOFS[hook.auth])))
    Console(highlight=False).print(table)
    for name, hook in known.items():
        print(f"\n{name}:\n{_snippet(name, hook, url)}", end="")


def _snippet(name: str, hook: Hook, url: str) -> str:
    """What to write into the program that calls it."""
    secret = hook.secret[0]
    address = f"{url}/hooks/{name}" + (f"/{secret}" if hook.auth == "path" else "")
    if hook.format == GRAFANA:
        pattern = CONTACT_POINT + (SIGNED_CONTACT_POINT if hook.auth == "hmac" else "")
    elif hook.format == "alertmanager" and hook.auth != "hmac":
        pattern = ALERTMANAGER + (BEARER if hook.auth == "bearer" else "")
    else:
        pattern = CURL_SIGNED if hook.auth == "hmac" else CURL
    header = CURL_BEARER.format(secret=secret) if hook.auth == "bearer" else ""
    return pattern.format(address=address, secret=secret, header=header)
