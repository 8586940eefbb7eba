"""What our own bots may be, for the chart: from their contracts, as ``bell`` enrols them.

``python -m tests.chart.enrolments`` writes the file.
"""

from __future__ import annotations

from importlib.metadata import entry_points

import yaml
from google.protobuf.json_format import MessageToDict

from bellboard_cli import bots
from tests.chart.tools import CHART

FILE = CHART / "files/enrolments.yaml"
HEAD = "# Written by `make manifests` from the contracts. What each of our own bots may be, by name.\n"


def render() -> str:
    """The whole file."""
    names = sorted(point.name for point in entry_points(group="bellboard.bots"))
    enrolled = {name: MessageToDict(bots.own(name), preserving_proto_field_name=True) for name in names}
    return HEAD + yaml.safe_dump({"bots": enrolled}, sort_keys=False, width=120)


if __name__ == "__main__":
    FILE.write_text(render())
