"""Reads and writes the objects of one namespace; whatever is written is fenced."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from typing import Any

from bellboard import Failed, ProviderError
from bellboard.kube import Kube, KubeAbsent, KubeConflict, Patch, kinds
from bellboard.kube.reasons import Raw

from ..model import Order
from . import changes
from .fence import FENCE, Fence
from .seen import Kind, Seen, see

TRIES = 20
"""How often a change is made anew, since the object was another by then."""

KINDS: Mapping[Kind, Any] = {
    "deployment": kinds.Deployment,
    "statefulset": kinds.StatefulSet,
    "daemonset": kinds.DaemonSet,
    "rollout": kinds.Rollout,
}


class Store:
    """One namespace of a cluster.

    Args:
        reads: as whom it is looked at.
        writes: as whom it is changed; None: nobody who may has asked for it.
        order: what it is changed for; without one, nothing can be.
    """

    def __init__(self, reads: Kube, writes: Kube | None, namespace: str, order: Order | None) -> None:
        self._reads, self._writer, self.namespace, self._order = reads, writes, namespace, order

    @property
    def order(self) -> Order:
        """What it is changed for."""
        if self._order is None:
            raise ProviderError("nothing is changed in a cluster without a command that asks for it")
        return self._order

    @property
    def _writes(self) -> Kube:
        if self._writer is None:
            raise Failed("only a person can change something here", hint="impersonate is set: it is done in their name")
        return self._writer

    async def workload(self, kind: Kind, name: str) -> tuple[Raw, Seen]:
        """A workload, as the API gives it and as it is understood."""
        found = await self._reads.get(KINDS[kind], name, namespace=self.namespace)
        raw = _raw(found)
        return raw, see(kind, raw)

    async def canaries(self, name: str) -> Sequence[Seen]:
        """The canaries beside a Deployment, of whichever command."""
        found = await self._reads.list(kinds.Deployment, namespace=self.namespace, labels={changes.CANARY_OF: name})
        return [see("deployment", _raw(one)) for one in found]

    async def pods(self, selects: Mapping[str, Any]) -> list[Raw]:
        """The pods that labels find."""
        found = await self._reads.list(kinds.Pod, namespace=self.namespace, labels=selects)
        return [_raw(one) for one in found]

    async def pod(self, name: str) -> Raw:
        """One pod."""
        return _raw(await self._reads.get(kinds.Pod, name, namespace=self.namespace))

    async def service(self, name: str) -> Raw:
        """A Service."""
        return _raw(await self._reads.get(kinds.Service, name, namespace=self.namespace))

    async def application(self, name: str) -> Raw:
        """An Application of Argo CD's."""
        return _raw(await self._reads.get(kinds.Application, name, namespace=self.namespace))

    async def warnings(self) -> list[Raw]:
        """The events that warn."""
        found = await self._reads.list(kinds.Event, namespace=self.namespace, fields={"type": "Warning"})
        return [_raw(one) for one in found]

    async def write(
        self,
        kind: Any,
        name: str,
        make: Callable[[Raw], Mapping[str, Any] | None],
        *,
        last: bool = False,
    ) -> bool:
        """Change an object once for an act of the order, and only in the state in which it was seen; whether it was now.

        Args:
            make: what is to change of what there is; None: nothing, and then no fence is left either.
            last: it is the last act of its command.

        Raises:
            Taken: another command came after this one, or a later act of it.
            ProviderError: it is not known whether it was changed.
        """
        for _ in range(TRIES):
            raw = _raw(await self._reads.get(kind, name, namespace=self.namespace))
            meta = raw["metadata"]
            annotations = meta.get("annotations") or {}
            change = make(raw)
            if change is None:
                return False
            fence = Fence.of(annotations)
            if fence.admits(self.order, last=last) == "done":
                return False
            left = {FENCE: fence.after(self.order, last=last).text()}
            body = changes.fenced(change, meta["resourceVersion"], left)
            try:
                await self._writes.patch(kind, name, body, namespace=self.namespace, form=_form(kind))
            except KubeConflict:
                continue
            return True
        raise ProviderError(f"{name} is changed by somebody else all the time")

    def begun(self, raw: Raw) -> bool:
        """Whether it was the order's own command that changed an object last.

        Raises:
            Taken: the command did change it, and another one came after it.
        """
        fence = Fence.of(raw["metadata"].get("annotations") or {})
        if fence.command == self.order.command:
            return True
        fence.admits(self.order, last=True)
        return False

    async def holds(self, kind: Kind, name: str) -> None:
        """Make sure that nobody came after the order. Raises Taken."""
        _, seen = await self.workload(kind, name)
        Fence.of(seen.annotations).held(self.order)

    async def status(self, name: str, make: Callable[[Raw], Mapping[str, Any] | None]) -> None:
        """Change the status of an Argo Rollout, as Argo's own tool does. The fence is that of the rollout itself.

        Raises as `write`.
        """
        for _ in range(TRIES):
            raw, seen = await self.workload("rollout", name)
            Fence.of(seen.annotations).held(self.order)
            change = make(raw)
            if change is None:
                return
            body = changes.fenced({"status": change}, seen.revision, {})
            try:
                await self._writes.patch(kinds.Rollout.Status, name, body, namespace=self.namespace, form=Patch.MERGE)
            except KubeConflict:
                continue
            return
        raise ProviderError(f"{name} is changed by somebody else all the time")

    async def could(self, kind: Kind, name: str, change: Mapping[str, Any]) -> None:
        """Have Kubernetes judge a change without making it.

        Raises:
            KubeRefused: it would not be taken.
        """
        await self._writes.patch(KINDS[kind], name, change, namespace=self.namespace, form=_form(KINDS[kind]), dry_run=True)

    async def create(self, said: Mapping[str, Any]) -> None:
        """Make a Deployment, unless there is one of its name."""
        made: Any = kinds.Deployment.from_dict(dict(said))
        with suppress(KubeConflict):
            await self._writes.create(made)

    async def delete(self, kind: Any, name: str, uid: str = "") -> None:
        """Have an object be gone. KubeConflict: by now another one than that of ``uid`` has its name."""
        with suppress(KubeAbsent):
            await self._writes.delete(kind, name, namespace=self.namespace, uid=uid)


def _raw(found: Any) -> dict[str, Any]:
    """An object as the API gives it."""
    said: dict[str, Any] = found.to_dict()
    return said


def _form(kind: Any) -> Patch:
    return Patch.MERGE if kind in (kinds.Rollout, kinds.Application) else Patch.STRATEGIC
