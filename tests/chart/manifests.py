"""The chart as plain manifests, for those who have kustomize and no Helm: a base, and overlays, under ``deploy/k8s``.

The base is what any number of teams share; ``one-team`` and ``two-teams`` add teams to it, and ``high-availability`` changes
``one-team`` by patches. ``python -m tests.chart.manifests`` writes them.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml

from tests.chart.render import CI, RELEASE, Object, objects
from tests.chart.tools import ROOT

FOLDER = ROOT / "deploy/k8s"
HEAD = "# Written by `make manifests` from the chart.\n"
OVERLAYS = {path.stem.removesuffix("-values"): path for path in CI}
ONE, TWO, HIGH = "one-team", "two-teams", "high-availability"

Key = tuple[str, str, str]
Made = dict[Key, Object]


def wanted(overlay: str) -> Made:
    """All objects of an overlay, by kind, namespace and name; the namespace that Helm would have made among them."""
    labels = {f"pod-security.kubernetes.io/{mode}": "restricted" for mode in ("enforce", "audit", "warn")}
    release = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": RELEASE, "labels": labels}}
    found = (release, *(_unmanaged(one) for one in objects(OVERLAYS[overlay])))
    return {key(one): one for one in found}


def key(one: Object) -> Key:
    """What tells an object from others."""
    return one["kind"], one["metadata"].get("namespace", ""), one["metadata"]["name"]


def render() -> dict[str, str]:
    """Every file, by its path below the folder."""
    one, two, high = (wanted(name) for name in (ONE, TWO, HIGH))
    base = {each: made for each, made in one.items() if two.get(each) == made and not _team(made)}
    files = _kustomization("base", [], base.values())
    for name, made in ((ONE, one), (TWO, two)):
        files |= _kustomization(f"overlays/{name}", ["../../base"], [made[each] for each in made.keys() - base.keys()])
    added = [high[each] for each in high.keys() - one.keys()]
    return files | _kustomization(f"overlays/{HIGH}", [f"../{ONE}"], added, [*_patches(one, high)])


def _unmanaged(one: Object) -> Object:
    """An object as nobody's: Helm takes none that another tool has made."""
    meta = {**one["metadata"], "labels": dict(one["metadata"].get("labels", {}))}
    meta["labels"].pop("app.kubernetes.io/managed-by", None)
    meta["labels"].pop("helm.sh/chart", None)
    return {**one, "metadata": meta}


def _kustomization(
    folder: str, below: list[str], made: Iterable[Object], patches: list[Mapping[str, Any]] | None = None
) -> dict[str, str]:
    """The files of one folder: an object's is named after its team, or what it is a part of."""
    parts: dict[str, list[Object]] = {}
    for one in sorted(made, key=key):
        parts.setdefault(_part(one), []).append(one)
    kustomization: dict[str, Any] = {
        "apiVersion": "kustomize.config.k8s.io/v1beta1",
        "kind": "Kustomization",
        "resources": [*below, *(f"{part}.yaml" for part in sorted(parts))],
    }
    if patches:
        kustomization["patches"] = patches
    files = {f"{part}.yaml": HEAD + yaml.dump_all(found, Dumper=_Dumper, sort_keys=False) for part, found in parts.items()}
    files["kustomization.yaml"] = HEAD + yaml.dump(kustomization, Dumper=_Dumper, sort_keys=False)
    return {f"{folder}/{name}": text for name, text in files.items()}


def _team(one: Object) -> str:
    """Whose an object is; empty where it is of no team alone."""
    return str(one["metadata"].get("labels", {}).get("bellboard/team", ""))


def _part(one: Object) -> str:
    component = one["metadata"].get("labels", {}).get("app.kubernetes.io/component", "namespace")
    if _team(one) and component != "provisioner":
        return f"team-{_team(one)}"
    return "bus" if component.startswith("nats") else str(component)


def _patches(before: Made, after: Made) -> Iterator[Mapping[str, Any]]:
    """What makes the objects of one overlay those of another."""
    for each in sorted(before):
        kind, namespace, name = each
        target = {"kind": kind, "name": name} | ({"namespace": namespace} if namespace else {})
        if each not in after:
            whole = {"apiVersion": before[each]["apiVersion"], "kind": kind, "$patch": "delete"}
            whole["metadata"] = {key: value for key, value in target.items() if key != "kind"}
            yield {"patch": yaml.dump(whole, Dumper=_Dumper, sort_keys=False)}
        elif steps := list(_steps(before[each], after[each], "")):
            yield {"target": target, "patch": yaml.dump(steps, Dumper=_Dumper, sort_keys=False)}


def _steps(before: Any, after: Any, path: str) -> Iterator[dict[str, Any]]:
    """A JSON patch. Lists of different lengths are replaced."""
    if isinstance(before, dict) and isinstance(after, dict):
        for name in sorted(before.keys() | after.keys()):
            here = f"{path}/{name.replace('~', '~0').replace('/', '~1')}"
            if name not in after:
                yield {"op": "remove", "path": here}
            elif name not in before:
                yield {"op": "add", "path": here, "value": after[name]}
            else:
                yield from _steps(before[name], after[name], here)
    elif isinstance(before, list) and isinstance(after, list) and len(before) == len(after):
        for number, (one, other) in enumerate(zip(before, after, strict=True)):
            yield from _steps(one, other, f"{path}/{number}")
    elif before != after:
        yield {"op": "replace", "path": path, "value": after}


class _Dumper(yaml.SafeDumper):
    """Writes texts of several lines as people would, and nothing by reference."""

    def ignore_aliases(self, data: Any) -> bool:
        return True


def _text(dumper: yaml.SafeDumper, said: str) -> yaml.ScalarNode:
    return dumper.represent_scalar("tag:yaml.org,2002:str", said, style="|" if "\n" in said else None)


_Dumper.add_representer(str, _text)


def write(folder: Path) -> None:
    """Write all files anew."""
    shutil.rmtree(folder, ignore_errors=True)
    for name, text in render().items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


if __name__ == "__main__":
    write(FOLDER)
