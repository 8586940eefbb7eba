"""Which kinds a cluster has, by its own word, in the form that needs two questions for all of them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from .providers import Kind

_FORM = "application/json;g=apidiscovery.k8s.io;v={};as=APIGroupDiscoveryList"
ACCEPTED = f"{_FORM.format('v2')},{_FORM.format('v2beta1')}"


def kinds_of(answer: Mapping[str, Any]) -> Iterator[Kind]:
    """The kinds in an ``APIGroupDiscoveryList`` that can be listed, each in the version that its group prefers."""
    for group in answer.get("items") or ():
        seen: set[str] = set()
        for version in group.get("versions") or ():
            for resource in version.get("resources") or ():
                if resource["resource"] not in seen and {"get", "list"} <= set(resource.get("verbs") or ()):
                    seen.add(resource["resource"])
                    yield _kind(group["metadata"].get("name", ""), version["version"], resource)


def _kind(group: str, version: str, resource: Mapping[str, Any]) -> Kind:
    plural, name = resource["resource"], resource["responseKind"]["kind"]
    words = {plural, name.casefold(), resource.get("singularResource") or plural, *(resource.get("shortNames") or ())}
    full = {f"{word}.{group}" for word in words} if group else set()
    return Kind(plural, group, version, name, resource.get("scope") == "Namespaced", frozenset(words | full))
