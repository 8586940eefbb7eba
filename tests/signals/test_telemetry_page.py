"""What docs/operate/telemetry.md tells people to write is taken by those who read it."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.docs.pages import Block, blocks
from tests.integration.graphs.servers import need
from tests.signals.queries import ROOT

OPERATE = ROOT / "docs/operate"


def block_with(words: str) -> Block:
    """The block of the page that holds these words."""
    return next(block for block in blocks(OPERATE / "telemetry.md") if words in block.code)


def test_prometheus_takes_the_scrape_config(tmp_path: Path) -> None:
    """And finds the rules that it names."""
    need(shutil.which("promtool") is not None, "prometheus")
    config = tmp_path / "prometheus.yml"
    config.write_text(block_with("scrape_configs").code.replace("helm/", f"{ROOT}/helm/"))

    done = subprocess.run(["promtool", "check", "config", str(config)], capture_output=True, text=True, check=False)

    assert done.returncode == 0, done.stderr
    assert "27 rules found" in done.stdout


def test_the_chart_knows_the_values() -> None:
    """Each key is one of its own."""

    def known(said: Any, values: Any) -> bool:
        return not isinstance(said, dict) or all(key in values and known(said[key], values[key]) for key in said)

    values = yaml.safe_load((ROOT / "helm/bellboard/values.yaml").read_text())
    assert known(yaml.safe_load(block_with("podMonitor").code), values)


@pytest.mark.parametrize("kind", ["receivers", "processors", "exporters"])
def test_the_collectors_pipeline_is_made_of_what_it_declares(kind: str) -> None:
    """Nothing is left out, nothing is declared in vain."""
    config = yaml.safe_load((OPERATE / "collector.yaml").read_text())
    (pipeline,) = config["service"]["pipelines"].values()

    assert set(pipeline[kind]) == config[kind].keys()
