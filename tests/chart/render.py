"""The chart, rendered: objects from values."""

from __future__ import annotations

import json
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from tests.chart.tools import CHART, helm

Object = Mapping[str, Any]

RELEASE = "bellboard"
CI = sorted((CHART / "ci").glob("*-values.yaml"))
"""A file of values for each feature."""

PODS = {
    "Deployment": ("spec", "template"),
    "StatefulSet": ("spec", "template"),
    "Job": ("spec", "template"),
    "Pod": (),
}
"""Kinds that make pods, and where the pod is in them."""


class Refused(Exception):
    """Helm renders nothing; its words say why."""


def text(values: Path | None = None, *, release: str = RELEASE) -> str:
    """All manifests, as Helm writes them. Raises Refused."""
    more = ["--values", str(values)] if values else []
    command = [str(helm()), "template", release, str(CHART), "--namespace", release, *more]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise Refused(done.stderr)
    return done.stdout


@cache
def objects(values: Path) -> tuple[Object, ...]:
    """The objects that a file of values gives."""
    return tuple(one for one in yaml.load_all(text(values), Loader=yaml.CSafeLoader) if one)


def written(values: Object, *, release: str = RELEASE) -> str:
    """The manifests that values give. Raises Refused."""
    with tempfile.NamedTemporaryFile("w", suffix=".yaml") as file:
        json.dump(values, file)
        file.flush()
        return text(Path(file.name), release=release)


def made(values: Object, *, release: str = RELEASE) -> tuple[Object, ...]:
    """The objects that values give. Raises Refused."""
    return tuple(one for one in yaml.load_all(written(values, release=release), Loader=yaml.CSafeLoader) if one)


def named(objects: tuple[Object, ...], kind: str, name: str) -> Object:
    """The one object of a kind and name."""
    (found,) = (one for one in objects if one["kind"] == kind and one["metadata"]["name"] == name)
    return found


def pods(objects: tuple[Object, ...]) -> Iterator[tuple[str, Object]]:
    """Every pod template, and what it is called."""
    for one in objects:
        if (where := PODS.get(one["kind"])) is not None:
            pod = one
            for key in where:
                pod = pod[key]
            yield f"{one['kind']} {one['metadata']['name']}", pod


def containers(pod: Object) -> list[Object]:
    """All containers of a pod."""
    return [*pod["spec"].get("initContainers", ()), *pod["spec"]["containers"]]
