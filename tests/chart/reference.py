"""The page of values: what can be set, what it is without you, and what it means. From the chart's schema and its values.

``python -m tests.chart.reference`` writes the page.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

import yaml

from tests.chart.tools import CHART, ROOT

PAGE = ROOT / "docs/operate/values.md"
SCHEMA = json.loads((CHART / "values.schema.json").read_text())
DEFAULTS = yaml.safe_load((CHART / "values.yaml").read_text())

SHAPES = {
    "image": "An image",
    "resources": "What a container gets",
    "secret": "A key of a Secret",
    "peers": "Whom a connection may be with",
    "storage": "What is kept on disk",
    "autoscaling": "More replicas while commands wait",
    "person": "A person",
    "webhook": "A webhook",
    "tracker": "A tracker",
    "enrolment": "What somebody else's bot may be",
    "environment": "An environment of the deploy bot",
    "kubernetesEnvironment": "An environment of the kind kubernetes",
    "argocdEnvironment": "An environment of the kind argocd",
    "app": "An app of such an environment",
    "source": "A source of the logs bot",
}
"""What occurs in several places, told once."""

HEAD = """\
# Values of the chart

Written by `make manifests` from `helm/bellboard/values.schema.json` and `values.yaml`. Helm holds your values to that schema,
and refuses what is not in it. `helm/bellboard/ci` has a file of values for each feature.

## What is kept, and what is to be backed up

| what | where | size | backup |
|---|---|---|---|
"""

KEPT = (
    (
        "the streams: every command, everything said",
        "volumes `data-RELEASE-nats-N`",
        "`nats.storage.size`",
        "yes: this is what there is to lose",
    ),
    (
        "keys: to sign, to sign in, of boxes, of the bus",
        "Secrets `bellboard-keys-*` of each team, and `RELEASE-keys-provisioner`",
        "some KiB",
        "yes: after each new team, bot or generation of keys",
    ),
    (
        "the newest record that each gateway saw",
        "volumes `data-gateway-N` of each team",
        "`gateway.storage.size`",
        "never: a copy would hide that the bus has lost history",
    ),
    (
        "lines and samples that the bots logs and graphs took in",
        "volumes `data-logs-0`, `data-graphs-0` of each team",
        "`bots.BOT.storage.size`",
        "if you care: a copy, while the pod does not run",
    ),
    ("people, rooms, rules, webhooks", "your values", "", "where your values are"),
)


def render() -> str:
    """The whole page."""
    kept = "".join(f"| {' | '.join(row)} |\n" for row in KEPT)
    return HEAD + kept + "\nEverything else is made anew from these.\n" + "".join(f"\n{part}" for part in _parts())


def _parts() -> Iterator[str]:
    top = SCHEMA["properties"]
    for name, said in top.items():
        if name not in ("defaults", "bot", "teams"):
            yield _section(f"`{name}`", said["description"], _rows(said, name, DEFAULTS.get(name)))
    yield _section(
        "`teams.TEAM`", "A team. Its name is the key.", _rows(SCHEMA["$defs"]["team"], "", DEFAULTS["defaults"], skip=("bots",))
    )
    yield _section("`defaults`", f"{top['defaults']['description']} All that a team may say but namespace, host and url.", [])
    bot = SCHEMA["$defs"]["bot"]
    yield _section(
        "`teams.TEAM.bots.BOT`",
        "What every bot may be told. The defaults are those under `bot`.",
        _rows(bot, "", DEFAULTS["bot"]),
    )
    for name, said in SCHEMA["$defs"]["bots"]["properties"].items():
        yield _section(f"`teams.TEAM.bots.{name}`", said["description"], _bot_rows(name, said), level=3)
    for shape, title in SHAPES.items():
        said = SCHEMA["$defs"]["peer" if shape == "peers" else shape]
        yield _section(f"{title}", said["description"], _rows(said, "", None), level=3)


def _bot_rows(name: str, said: Mapping[str, Any]) -> list[str]:
    """The defaults in which it differs, and what it alone may be told."""
    own = DEFAULTS["defaults"]["bots"][name]
    rows = [
        _row(key, value, SCHEMA["$defs"]["bot"]["properties"][key]["description"])
        for key, value in own.items()
        if key != "settings"
    ]
    for part in ("settings", "files"):
        rows += _rows(said["properties"][part], part, own.get(part))
    return rows


def _section(title: str, text: str, rows: list[str], level: int = 2) -> str:
    table = "".join(["\n| value | default | what it is |\n|---|---|---|\n", *rows]) if rows else ""
    return f"{'#' * level} {title}\n\n{text}\n{table}"


def _rows(said: Mapping[str, Any], prefix: str, defaults: Any, skip: tuple[str, ...] = ()) -> list[str]:
    """A row for each value below; what occurs in several places is only named."""
    rows = []
    for name, one in said.get("properties", {}).items():
        if name in skip:
            continue
        path, default = f"{prefix}.{name}".lstrip("."), defaults.get(name) if isinstance(defaults, dict) else None
        shape = one.get("$ref", "").rpartition("/")[2]
        target = SCHEMA["$defs"].get(shape, one)
        if target.get("properties") and shape not in SHAPES and shape != "bots":
            rows.append(_row(path, None, one.get("description", "")))
            rows += _rows(target, path, default)
        else:
            rows.append(_row(path, default, one.get("description", "") + _more(one, shape)))
    return rows


def _more(said: Mapping[str, Any], shape: str) -> str:
    """Where to read on, and which words there are."""
    inner: Mapping[str, Any] = said.get("items", {}) or next(iter(said.get("patternProperties", {}).values()), {})
    shape = shape if shape in SHAPES else inner.get("$ref", "").rpartition("/")[2]
    if shape in SHAPES:
        title = SHAPES[shape]
        anchor = "".join(letter for letter in title.lower().replace(" ", "-") if letter.isalnum() or letter == "-")
        return f" [{title}](#{anchor})."
    return f" One of {', '.join(f'`{word}`' for word in said['enum'])}." if "enum" in said else ""


def _row(path: str, default: Any, text: str) -> str:
    said = _pruned(default)
    shown = "" if said in (None, "", [], {}) else f"`{said if isinstance(said, str) else json.dumps(said)}`"
    return f"| `{path}` | {shown} | {text} |\n"


def _pruned(value: Any) -> Any:
    """Without what is empty."""
    return {key: one for key, one in value.items() if one not in ("", [], {})} if isinstance(value, dict) else value


if __name__ == "__main__":
    PAGE.parent.mkdir(exist_ok=True)
    PAGE.write_text(render())
