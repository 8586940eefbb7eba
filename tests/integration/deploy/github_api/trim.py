"""Trims GitHub's OpenAPI description to what the deploy bot uses: ``python -m ... FULL.json > openapi.json``.

Comes from the npm package @octokit/openapi, file generated/api.github.com.json; README.md beside it has the version.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

REPO = "/repos/{owner}/{repo}"
USED = {
    f"{REPO}/deployments": ("get", "post"),
    f"{REPO}/deployments/{{deployment_id}}/statuses": ("get", "post"),
    f"{REPO}/actions/workflows/{{workflow_id}}/dispatches": ("post",),
    f"{REPO}/actions/workflows/{{workflow_id}}/runs": ("get",),
    f"{REPO}/actions/runs/{{run_id}}": ("get",),
    f"{REPO}/actions/runs/{{run_id}}/cancel": ("post",),
    f"{REPO}/compare/{{basehead}}": ("get",),
    f"{REPO}/commits/{{ref}}": ("get",),
    f"{REPO}/tags": ("get",),
}
PROSE = (
    "summary",
    "description",
    "externalDocs",
    "x-github",
    "x-octokit",
    "tags",
    "operationId",
    "servers",
    "links",
    "example",
)
KINDS = ("schemas", "parameters", "responses", "examples", "headers")


def main() -> None:
    """Read the whole, write what is used."""
    full = json.loads(Path(sys.argv[1]).read_text())
    paths = {path: {method: full["paths"][path][method] for method in methods} for path, methods in USED.items()}
    parts: dict[str, dict[str, Any]] = {kind: {} for kind in KINDS}
    waiting: list[Any] = [paths]
    while waiting:
        for kind, name in _named(waiting.pop()):
            if name not in parts[kind]:
                parts[kind][name] = full["components"][kind][name]
                waiting.append(parts[kind][name])
    trimmed = {
        "openapi": full["openapi"],
        "info": {"title": full["info"]["title"], "version": full["info"]["version"], "license": full["info"]["license"]},
        "paths": _plain(paths),
        "components": {kind: _plain(found) for kind, found in parts.items()},
    }
    json.dump(trimmed, sys.stdout, separators=(",", ":"), sort_keys=True)
    sys.stdout.write("\n")


def _named(value: Any) -> list[tuple[str, str]]:
    """Every part of the components that a value refers to."""
    if isinstance(value, dict):
        own = value.get("$ref")
        here = [tuple(own.split("/")[2:4])] if isinstance(own, str) else []
        return here + [one for part in value.values() for one in _named(part)]  # type: ignore[return-value]
    return [one for part in value for one in _named(part)] if isinstance(value, list) else []


def _plain(value: Any, *, names: bool = True) -> Any:
    """The value without what is there for readers; the names of properties, paths and components stay, whatever they are."""
    if isinstance(value, list):
        return [_plain(part, names=False) for part in value]
    if not isinstance(value, dict):
        return value
    return {
        key: part if key in ("value", "default") else _plain(part, names=key in ("properties", "examples", "headers"))
        for key, part in value.items()
        if (names or key not in PROSE) and part != {"value": None}  # an example that is not what it is an example of
    }


if __name__ == "__main__":
    main()
