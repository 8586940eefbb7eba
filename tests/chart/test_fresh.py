"""What is written from the chart is what the chart says now."""

from __future__ import annotations

import copy
import subprocess

import pytest
import yaml

from tests.chart import manifests, reference, whole
from tests.chart.tools import ROOT, kubectl

STALE = "make manifests"


def test_the_page_of_values_is_fresh() -> None:
    """Names, defaults and words."""
    assert reference.PAGE.read_text() == reference.render(), STALE


def test_the_schema_asks_for_every_value() -> None:
    """So that one which is missing is not taken for false."""
    assert whole.FILE.read_text() == whole.render(), STALE


def test_every_value_is_explained() -> None:
    """Nothing can be set of which nobody says what it is."""

    def unexplained(said: object, path: str) -> list[str]:
        if not isinstance(said, dict):
            return []
        found = [
            f"{path}.{name}"
            for name, one in said.get("properties", {}).items()
            if isinstance(one, dict) and "description" not in one
        ]
        return found + [inner for name, one in said.items() for inner in unexplained(one, f"{path}.{name}")]

    schema = copy.deepcopy(reference.SCHEMA)  # others read it too
    del schema["$defs"][whole.NAME]  # it says only which there have to be
    bots = schema["$defs"]["bots"]["properties"]
    narrowed = [one["properties"].pop("files") for one in bots.values() if one["properties"]["files"] == {"maxProperties": 0}]

    assert narrowed
    assert unexplained(schema, "") == []


def test_no_part_of_the_schema_takes_what_it_does_not_know() -> None:
    """Each says which keys there are, but for those that are others': resources, annotations, files of bots."""

    def open_ended(said: object, path: str) -> list[str]:
        if not isinstance(said, dict):
            return []
        closed = "additionalProperties" in said or "$ref" in said
        found = [path] if "properties" in said and "type" in said and not closed else []
        return found + [inner for name, one in said.items() for inner in open_ended(one, f"{path}/{name}")]

    # An environment of another kind is the bot's to judge.
    assert open_ended(reference.SCHEMA, "") == ["/$defs/environment"]


def test_manifests_are_fresh() -> None:
    """Every file, and none besides."""
    written = {
        str(path.relative_to(manifests.FOLDER)): path.read_text() for path in manifests.FOLDER.rglob("*") if path.is_file()
    }

    assert written == manifests.render(), STALE


@pytest.mark.parametrize("overlay", [manifests.ONE, manifests.TWO, manifests.HIGH])
def test_an_overlay_is_what_helm_would_have_made(overlay: str) -> None:
    """Kustomize puts base, overlay and patches together to the very same objects."""
    folder = manifests.FOLDER / "overlays" / overlay
    done = subprocess.run([str(kubectl()), "kustomize", str(folder)], cwd=ROOT, capture_output=True, text=True, check=False)

    assert done.returncode == 0, done.stderr
    built = {manifests.key(one): one for one in yaml.load_all(done.stdout, Loader=yaml.CSafeLoader)}
    assert built == manifests.wanted(overlay)
