"""Objects in Kubernetes, labelled as ours, and gone with what the chart made."""

from __future__ import annotations

import base64

from pydantic import ValidationError

from bellboard.errors import Failed
from bellboard.kube import Kube, KubeAbsent, KubeConflict, kinds

from .objects import Data, Owner, Place, Sort
from .store import Changed, Object
from .teams import Teams

MANAGER = "bellboard-provisioner"
PACKED = ".gz"
"""How keys of ConfigMaps end that hold no text."""


class Kubernetes:
    """A `Store` in a cluster.

    Args:
        namespace: the release's.
        release: its name, for the label.
        teams: what is to be provisioned. Nothing is written any more once the chart wants something else: a Job that stood
            still must not undo what a newer one did.
    """

    def __init__(self, kube: Kube, namespace: str, release: str, teams: Teams | None = None) -> None:
        self._kube, self._namespace, self._release, self._teams = kube, namespace, release, teams
        self._labels = {"app.kubernetes.io/managed-by": MANAGER, "app.kubernetes.io/instance": release}

    async def owner(self, owner: Owner) -> Owner:
        """Raises Failed: the chart did not make it. Raises KubeError."""
        namespace = owner.namespace or self._namespace
        try:
            found = await self._kube.get(kinds.ConfigMap, owner.name, namespace=namespace)
        except KubeAbsent as error:
            raise Failed(error.text, hint="the chart makes it") from error
        return Owner(namespace, owner.name, (found.metadata.uid if found.metadata else None) or "")

    async def read(self, place: Place, owner: Owner) -> Object | None:
        """Raises KubeError."""
        kind: type[kinds.Secret] | type[kinds.ConfigMap] = kinds.Secret if place.sort is Sort.SECRET else kinds.ConfigMap
        try:
            found: kinds.Secret | kinds.ConfigMap = await self._kube.get(
                kind, place.name, namespace=place.namespace or self._namespace
            )
        except KubeAbsent:
            return None
        meta = found.metadata or kinds.ObjectMeta()
        owned = any(one.uid == owner.uid for one in meta.ownerReferences or ())
        return Object(_data(found), meta.resourceVersion or "", owned)

    async def write(self, place: Place, data: Data, owner: Owner, known: Object | None) -> None:
        """Raises Changed, and Failed: this is no longer wanted. Raises KubeError: it may not, or there is no such namespace."""
        await self._wanted_still()
        meta = kinds.ObjectMeta(
            name=place.name,
            namespace=place.namespace or self._namespace,
            labels=self._labels,
            ownerReferences=[kinds.OwnerReference(apiVersion="v1", kind="ConfigMap", name=owner.name, uid=owner.uid)],
            resourceVersion=known.version if known else None,
        )
        whole = _secret(meta, data) if place.sort is Sort.SECRET else _config_map(meta, data)
        try:
            await (self._kube.replace(whole) if known else self._kube.create(whole))
        except KubeConflict as error:
            raise Changed from error
        except KubeAbsent as error:
            if known:  # it was deleted meanwhile
                raise Changed from error
            raise

    async def _wanted_still(self) -> None:
        if self._teams is None:
            return
        found = await self._kube.get(kinds.ConfigMap, f"{self._release}-teams", namespace=self._namespace)
        try:
            same = Teams.model_validate_json((found.data or {}).get("teams.json", "")) == self._teams
        except ValidationError:  # it is of another version
            same = False
        if not same:
            raise Failed("what is to be provisioned has changed meanwhile", hint="the newer Job does that")


def _data(found: kinds.Secret | kinds.ConfigMap) -> dict[str, bytes]:
    if isinstance(found, kinds.Secret):
        return {key: base64.b64decode(value) for key, value in (found.data or {}).items()}
    packed = {key: base64.b64decode(value) for key, value in (found.binaryData or {}).items()}
    return packed | {key: value.encode() for key, value in (found.data or {}).items()}


def _secret(meta: kinds.ObjectMeta, data: Data) -> kinds.Secret:
    return kinds.Secret(metadata=meta, type="Opaque", data={key: _base64(value) for key, value in data.items()})


def _config_map(meta: kinds.ObjectMeta, data: Data) -> kinds.ConfigMap:
    texts = {key: value.decode() for key, value in data.items() if not key.endswith(PACKED)}
    packed = {key: _base64(value) for key, value in data.items() if key.endswith(PACKED)}
    return kinds.ConfigMap(metadata=meta, data=texts, binaryData=packed)


def _base64(data: bytes) -> str:
    return base64.b64encode(data).decode()
