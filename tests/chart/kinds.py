"""Kubernetes' own description of its objects, in several versions: what is wrong with one."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import Any

from jsonschema import Draft202012Validator
from referencing import Registry, Resource

OLDEST, NEWEST = "1.31", "1.37"
"""The versions between which the chart is supported; Chart.yaml names the oldest."""

FOREIGN = {"monitoring.coreos.com", "keda.sh"}
"""Groups of others' objects, which Kubernetes has no description of."""


def problems(one: Mapping[str, Any], version: str) -> list[str]:
    """What is wrong with an object, each in a line; unknown keys are."""
    group, _, number = one["apiVersion"].rpartition("/")
    if group in FOREIGN:
        return []
    kind = f"{one['kind'].lower()}-{group.partition('.')[0]}-{number}".replace("--", "-")
    return [
        f"{one['kind']} {one['metadata']['name']}: {'.'.join(map(str, error.path))}: {error.message[:200]}"
        for error in _validator(kind, version).iter_errors(one)
    ]


@cache
def _validator(kind: str, version: str) -> Draft202012Validator:
    schemas = _schemas(version)
    try:
        schema = json.loads(schemas.joinpath(f"{kind}.json").read_text())
    except FileNotFoundError:
        raise AssertionError(f"Kubernetes {version} has no {kind}") from None
    return Draft202012Validator(schema, registry=_definitions(version))


@cache
def _definitions(version: str) -> Registry[Any]:
    described = Resource.from_contents(json.loads(_schemas(version).joinpath("_definitions.json").read_text()))
    return described @ Registry()


def _schemas(version: str) -> Any:
    assert re.fullmatch(r"1\.\d+", version)
    return files("kubernetes_validate").joinpath("kubernetes-json-schema", f"v{version}.0-local-strict")
