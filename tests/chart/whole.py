"""What Helm has to find in the values once they are laid over those of the chart: each of them.

One is missing where a value is deleted with ``null``, and where ``--reuse-values`` brings the values of an older version. Helm
would take it for false, or for empty: no network policy, say. ``python -m tests.chart.whole`` writes it into the schema.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import yaml

from tests.chart.tools import CHART

FILE = CHART / "values.schema.json"
NAME = "whole"


def render() -> str:
    """The whole schema, with that part as the values have it."""
    schema = json.loads(FILE.read_text())
    defaults = yaml.safe_load((CHART / "values.yaml").read_text())
    schema["$defs"][NAME] = _whole(schema, schema, defaults)
    schema["$ref"] = f"#/$defs/{NAME}"
    return json.dumps(schema, indent=2, ensure_ascii=False) + "\n"


def _whole(schema: Mapping[str, Any], said: Mapping[str, Any], defaults: Mapping[str, Any]) -> dict[str, Any]:
    inner = {name: _target(schema, said["properties"][name]) for name, one in defaults.items() if isinstance(one, dict)}
    deeper = {name: _whole(schema, one, defaults[name]) for name, one in inner.items() if _closed(schema, one)}
    found: dict[str, Any] = {"required": list(defaults)}
    return found | {"properties": deeper} if deeper else found


def _target(schema: Mapping[str, Any], said: Mapping[str, Any]) -> Mapping[str, Any]:
    target: Mapping[str, Any] = schema["$defs"].get(said.get("$ref", "").rpartition("/")[2], said)
    return target


def _closed(schema: Mapping[str, Any], said: Mapping[str, Any]) -> bool:
    """Whether all its keys are ours. Limits, labels, people and the like are left to whoever writes values."""
    return "properties" in said and "patternProperties" not in said and said is not schema["$defs"]["resources"]


if __name__ == "__main__":
    FILE.write_text(render())
