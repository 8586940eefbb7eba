"""Where the API has an object, for the requests that lightkube does not make: logs, and deletions under preconditions."""

from __future__ import annotations

from urllib.parse import quote

from lightkube.core.resource import api_info

from .kinds import NamespacedResource, Resource


def path_of(kind: type[Resource], name: str, namespace: str) -> str:
    """The path of an object; the namespace is of no account where its kind knows none."""
    info = api_info(kind)
    group, version = info.resource.group, info.resource.version
    spaced = f"/namespaces/{quote(namespace, safe='')}" if issubclass(kind, NamespacedResource) else ""
    return f"/{f'apis/{group}' if group else 'api'}/{version}{spaced}/{info.plural}/{quote(name, safe='')}"
